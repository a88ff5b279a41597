//! What a form has to say on the page that it leads to, secrets of new tokens included: kept in memory for a moment, told once and
//! only to whom it is meant for.

use super::tokens::random_hex;
use farol_app::pages::settings::view::Said;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How long it waits for its page.
const LASTS: Duration = Duration::from_secs(120);
/// Sayings at once; above it the form is done and its page says nothing, which its list shows as well.
const MAX_SAYINGS: usize = 1000;

/// Sayings that nobody has read yet.
#[derive(Default)]
pub struct Sayings {
    /// By key, with the user that it is for. A std mutex: held for map operations only.
    waiting: Mutex<HashMap<String, (i64, Said, Instant)>>,
}

impl Sayings {
    /// The key that the page has to show.
    pub fn keep(&self, user_id: i64, said: Said, now: Instant) -> Option<String> {
        let mut waiting = self.lock();
        waiting.retain(|_, (_, _, until)| *until > now);
        if waiting.len() >= MAX_SAYINGS {
            return None;
        }
        let key = random_hex();
        waiting.insert(key.clone(), (user_id, said, now + LASTS));
        Some(key)
    }

    /// Tells it to its user, once.
    pub fn take(&self, user_id: i64, key: &str, now: Instant) -> Option<Said> {
        let mut waiting = self.lock();
        let (whose, _, until) = waiting.get(key)?;
        if *whose != user_id || *until <= now {
            return None;
        }
        waiting.remove(key).map(|(_, said, _)| said)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, (i64, Said, Instant)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said() -> Said {
        Said {
            good: true,
            text: "Made.".into(),
            secret: Some("farol_x".into()),
        }
    }

    #[test]
    fn it_is_told_once_in_time_and_to_its_user_only() {
        let (sayings, now) = (Sayings::default(), Instant::now());
        let key = sayings.keep(1, said(), now).unwrap();
        assert_eq!(sayings.take(2, &key, now), None, "of somebody else");
        assert_eq!(sayings.take(1, &key, now), Some(said()));
        assert_eq!(sayings.take(1, &key, now), None, "told already");
        let key = sayings.keep(1, said(), now).unwrap();
        assert_eq!(sayings.take(1, &key, now + LASTS), None, "too late");
    }

    #[test]
    fn above_the_bound_none_is_kept_until_some_are_over() {
        let (sayings, now) = (Sayings::default(), Instant::now());
        for _ in 0..MAX_SAYINGS {
            sayings.keep(1, said(), now).unwrap();
        }
        assert_eq!(sayings.keep(1, said(), now), None);
        assert!(sayings.keep(1, said(), now + LASTS).is_some());
    }
}
