//! Sign-ins that are at the provider right now. Each is good once, for ten minutes, in the browser that began it.

use crate::access::tokens::digest;
use openidconnect::{Nonce, PkceCodeVerifier};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};
use subtle::ConstantTimeEq;

pub const LASTS: Duration = Duration::from_secs(600);
/// At once; above it the oldest goes.
const MOST: usize = 2048;
/// Of one address at once; above it its oldest goes, so that nobody crowds out the others.
const MOST_OF_ONE: usize = 32;

/// What must be remembered of one.
pub struct Flight {
    pub nonce: Nonce,
    pub verifier: PkceCodeVerifier,
    pub redirect_uri: String,
    /// The page that was asked for.
    pub next: String,
}

struct Held {
    flight: Flight,
    /// SHA-256 of the cookie of the browser that began it.
    browser: Vec<u8>,
    from: IpAddr,
    until: Instant,
}

/// By the digest of their state.
#[derive(Default)]
pub struct Flights {
    open: Mutex<HashMap<Vec<u8>, Held>>,
}

impl Flights {
    pub fn put(&self, state: &str, browser: &str, from: IpAddr, flight: Flight, now: Instant) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, held| held.until > now);
        if open.values().filter(|held| held.from == from).count() >= MOST_OF_ONE {
            drop_oldest(&mut open, |held| held.from == from);
        }
        if open.len() >= MOST {
            drop_oldest(&mut open, |_| true);
        }
        let held = Held {
            flight,
            browser: digest(browser),
            from,
            until: now + LASTS,
        };
        open.insert(digest(state), held);
    }

    /// The flight of this state, if this browser began it. It is gone afterwards, whoever asked.
    pub fn take(&self, state: &str, browser: &str, now: Instant) -> Option<Flight> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let held = open.remove(&digest(state))?;
        let same = bool::from(held.browser.ct_eq(&digest(browser)));
        (same && held.until > now).then_some(held.flight)
    }
}

fn drop_oldest(open: &mut HashMap<Vec<u8>, Held>, of: impl Fn(&Held) -> bool) {
    let oldest = open
        .iter()
        .filter(|(_, held)| of(held))
        .min_by_key(|(_, held)| held.until)
        .map(|(state, _)| state.clone());
    if let Some(oldest) = oldest {
        open.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flight() -> Flight {
        Flight {
            nonce: Nonce::new("nonce".into()),
            verifier: PkceCodeVerifier::new("v".repeat(43)),
            redirect_uri: String::new(),
            next: "/".into(),
        }
    }

    #[test]
    fn a_state_is_good_once_in_time_in_its_browser() {
        let (flights, now) = (Flights::default(), Instant::now());
        let from = IpAddr::from([192, 0, 2, 1]);
        flights.put("s", "b", from, flight(), now);
        assert!(flights.take("s", "b", now).is_some());
        assert!(flights.take("s", "b", now).is_none(), "replayed");
        flights.put("s", "b", from, flight(), now);
        assert!(flights.take("s", "another", now).is_none());
        flights.put("s", "b", from, flight(), now);
        assert!(flights.take("s", "b", now + LASTS).is_none());
        flights.put("mine", "b", IpAddr::from([192, 0, 2, 2]), flight(), now);
        for index in 0..MOST_OF_ONE * 2 {
            flights.put(&index.to_string(), "b", from, flight(), now);
        }
        assert!(flights.open.lock().unwrap().len() <= MOST_OF_ONE + 1);
        assert!(flights.take("mine", "b", now).is_some());
    }
}
