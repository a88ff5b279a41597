//! Tickets: a way into the live plane for clients that can send neither cookie nor header. Single use, 30 seconds.

use super::{
    Identity,
    tokens::{digest, random_hex},
};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How long a ticket lasts, seconds.
pub const TICKET_SECS: u64 = 30;
/// Tickets at once; above it none is given until some have expired.
const MAX_TICKETS: usize = 10_000;
/// What every ticket begins with.
pub const PREFIX: &str = "ticket_";

/// Tickets that have not been used.
#[derive(Default)]
pub struct Tickets {
    /// By digest, so that a reader of memory dumps finds none.
    open: Mutex<HashMap<Vec<u8>, (Identity, Instant)>>,
}

impl Tickets {
    /// A new ticket; None when there are too many.
    pub fn give(&self, identity: Identity, now: Instant) -> Option<String> {
        let mut open = self.lock();
        open.retain(|_, (_, until)| *until > now);
        if open.len() >= MAX_TICKETS {
            return None;
        }
        let text = format!("{PREFIX}{}", random_hex());
        open.insert(digest(&text), (identity, now + Duration::from_secs(TICKET_SECS)));
        Some(text)
    }

    /// Who the ticket was given to. It is gone afterwards.
    pub fn take(&self, text: &str, now: Instant) -> Option<Identity> {
        let (identity, until) = self.lock().remove(&digest(text))?;
        (until > now).then_some(identity)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Vec<u8>, (Identity, Instant)>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::Proof;
    use farol_model::{Role, Viewer};

    fn identity() -> Identity {
        Identity {
            viewer: Viewer::new(1, "ana", Role::Viewer),
            proof: Proof::Token(1),
        }
    }

    #[test]
    fn a_ticket_is_good_once_and_for_a_short_time() {
        let (tickets, now) = (Tickets::default(), Instant::now());
        let text = tickets.give(identity(), now).unwrap();
        assert_eq!(tickets.take(&text, now), Some(identity()));
        assert_eq!(tickets.take(&text, now), None, "used");
        let text = tickets.give(identity(), now).unwrap();
        assert_eq!(
            tickets.take(&text, now + Duration::from_secs(TICKET_SECS)),
            None,
            "expired"
        );
        assert_eq!(tickets.take("ticket_nonsense", now), None);
    }

    #[test]
    fn above_the_bound_none_is_given_until_some_expire() {
        let (tickets, now) = (Tickets::default(), Instant::now());
        for _ in 0..MAX_TICKETS {
            tickets.give(identity(), now).unwrap();
        }
        assert_eq!(tickets.give(identity(), now), None);
        assert!(
            tickets
                .give(identity(), now + Duration::from_secs(TICKET_SECS))
                .is_some()
        );
    }
}
