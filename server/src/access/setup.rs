//! The one-time setup link of a Farol without users.

use super::tokens::{digest, random_hex};
use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};
use subtle::ConstantTimeEq;

/// How long the link lasts.
pub const SETUP_LASTS: Duration = Duration::from_secs(15 * 60);

/// The token that is open, if any.
#[derive(Default)]
pub struct Setup {
    open: Mutex<Option<(Vec<u8>, Instant)>>,
}

impl Setup {
    /// Opens setup; the token before is dead.
    pub fn open(&self, now: Instant) -> String {
        let token = random_hex();
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = Some((digest(&token), now + SETUP_LASTS));
        token
    }

    /// Whether this is the token. It stays open: a wrong password must not cost it.
    pub fn fits(&self, token: &str, now: Instant) -> bool {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.as_ref()
            .is_some_and(|(hash, until)| *until > now && bool::from(hash.ct_eq(&digest(token))))
    }

    /// Setup is done.
    pub fn close(&self) {
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_token_fits_and_only_in_time() {
        let (setup, now) = (Setup::default(), Instant::now());
        assert!(!setup.fits("", now));
        let first = setup.open(now);
        let second = setup.open(now);
        assert!(!setup.fits(&first, now) && setup.fits(&second, now));
        assert!(!setup.fits(&second, now + SETUP_LASTS));
        setup.close();
        assert!(!setup.fits(&second, now));
    }
}
