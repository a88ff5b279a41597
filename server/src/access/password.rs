//! Passwords: Argon2id with the first parameters of the OWASP Password Storage cheat sheet (19 MiB, 2 passes, 1 lane), off the
//! async threads, a few at a time.

use argon2::{
    Argon2,
    password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString},
};
use std::sync::{Arc, LazyLock};
use tokio::sync::Semaphore;

/// Shortest and longest password, characters (NIST SP 800-63B asks for length and nothing else).
pub const MIN_CHARS: usize = 12;
pub const MAX_CHARS: usize = 256;
/// Hashes at once; each takes 19 MiB.
const AT_ONCE: usize = 2;
/// Requests that may wait for their turn; more are refused as busy.
const WAITING: usize = 32;

/// A password is not fit to be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    #[error("the password needs at least {MIN_CHARS} characters")]
    Short,
    #[error("the password may have at most {MAX_CHARS} characters")]
    Long,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    #[error("too many passwords are being checked at once")]
    Busy,
    #[error("hashing failed: {0}")]
    Failed(String),
}

/// Hashes and verifies. Cheap to clone.
#[derive(Clone)]
pub struct Hasher {
    turns: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Default for Hasher {
    fn default() -> Self {
        Hasher {
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: Arc::new(Semaphore::new(AT_ONCE + WAITING)),
        }
    }
}

/// What an unknown name is verified against, so that it takes as long as a known one.
static NOBODY: LazyLock<String> = LazyLock::new(|| hash_now("nobody has this password").unwrap_or_default());

/// Whether the password may be used.
pub fn check(password: &str) -> Result<(), WeakPassword> {
    match password.chars().count() {
        ..MIN_CHARS => Err(WeakPassword::Short),
        MIN_CHARS..=MAX_CHARS => Ok(()),
        _ => Err(WeakPassword::Long),
    }
}

impl Hasher {
    /// PHC string of a new password.
    pub async fn hash(&self, password: String) -> Result<String, HashError> {
        self.turn(move || hash_now(&password)).await?
    }

    /// Whether the password fits. Without a hash it does the same work and says no.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, HashError> {
        self.turn(move || {
            let known = hash.is_some();
            let hash = hash.unwrap_or_else(|| NOBODY.clone());
            let parsed = PasswordHash::new(&hash).map_err(|error| HashError::Failed(error.to_string()))?;
            Ok(Argon2::default()
                .verify_password(password.as_bytes(), &parsed)
                .is_ok()
                && known)
        })
        .await?
    }

    async fn turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HashError> {
        let _waiting = self
            .waiting
            .clone()
            .try_acquire_owned()
            .map_err(|_| HashError::Busy)?;
        let _turn = self
            .turns
            .clone()
            .acquire_owned()
            .await
            .map_err(|_| HashError::Busy)?;
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| HashError::Failed(error.to_string()))
    }
}

fn hash_now(password: &str) -> Result<String, HashError> {
    let failed = |error: argon2::password_hash::Error| HashError::Failed(error.to_string());
    let salt = SaltString::encode_b64(&rand::random::<[u8; 16]>()).map_err(failed)?;
    Ok(Argon2::default()
        .hash_password(password.as_bytes(), &salt)
        .map_err(failed)?
        .to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_verifies_against_its_hash_and_nothing_else_does() {
        let hasher = Hasher::default();
        let hash = hasher.hash("correct horse battery".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(
            hasher
                .verify("correct horse battery".into(), Some(hash.clone()))
                .await
                .unwrap()
        );
        assert!(
            !hasher
                .verify("correct horse batterY".into(), Some(hash))
                .await
                .unwrap()
        );
        assert!(
            !hasher
                .verify("nobody has this password".into(), None)
                .await
                .unwrap()
        );
    }

    #[test]
    fn length_is_all_that_is_asked() {
        assert_eq!(check("short"), Err(WeakPassword::Short));
        assert_eq!(check(&"é".repeat(MIN_CHARS)), Ok(()));
        assert_eq!(check(&"a".repeat(MAX_CHARS + 1)), Err(WeakPassword::Long));
    }

    #[tokio::test]
    async fn above_the_bound_callers_are_told_that_it_is_busy() {
        let hasher = Hasher {
            turns: Arc::new(Semaphore::new(0)),
            waiting: Arc::new(Semaphore::new(0)),
        };
        assert!(matches!(hasher.hash("x".into()).await, Err(HashError::Busy)));
    }
}
