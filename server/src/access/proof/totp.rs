//! Codes of an authenticator app (TOTP, RFC 6238): six digits, SHA-1, 30 seconds, which is what every app can do.
//!
//! A code is taken once: the time step it stands for is written down in the statement that takes it, and only a later one is
//! taken afterwards (RFC 6238 section 5.2). One step of clock skew is forgiven on either side.

use super::seal::{Seal, Unreadable};
use crate::time::now_ms;
use qrcode::{EcLevel, QrCode, render::svg};
use sqlx::{Row, SqlitePool};
use std::sync::Arc;
use totp_rs::{Algorithm, Builder, Totp, TotpError};

/// RFC 4226 section 4: 160 bits are recommended.
const SECRET_LEN: usize = 20;
const STEP_SECS: u64 = 30;
/// Steps that a clock may be off.
const SKEW_STEPS: u16 = 1;
/// An enrolment that was not confirmed is forgotten after so long, milliseconds.
const ENROL_WITHIN_MS: i64 = 30 * 60_000;

/// Access to the secrets. Cheap to clone.
#[derive(Clone)]
pub struct TotpStore {
    pool: SqlitePool,
    seal: Arc<Seal>,
}

/// An enrolment under way, as shown to its owner.
#[derive(Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// Base 32 in groups of four, to be typed.
    pub secret: String,
    /// An SVG element without style.
    pub qr: String,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum TotpFault {
    #[error("the database cannot be used")]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error("the secret cannot be used: {0}")]
    Secret(String),
}

impl TotpStore {
    pub fn new(pool: SqlitePool, seal: Arc<Seal>) -> Self {
        TotpStore { pool, seal }
    }

    /// Whether sign-in asks for a code.
    pub async fn enrolled(&self, user_id: i64) -> Result<bool, sqlx::Error> {
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM totp WHERE user_id = ? AND confirmed_ms IS NOT NULL)",
        )
        .bind(user_id)
        .fetch_one(&self.pool)
        .await
    }

    /// When it was confirmed.
    pub async fn since_ms(&self, user_id: i64) -> Result<Option<i64>, sqlx::Error> {
        let since: Option<Option<i64>> =
            sqlx::query_scalar("SELECT confirmed_ms FROM totp WHERE user_id = ?")
                .bind(user_id)
                .fetch_optional(&self.pool)
                .await?;
        Ok(since.flatten())
    }

    /// Begins an enrolment with a fresh secret; one under way is replaced, a confirmed one is not. False when there is one.
    pub async fn begin(&self, user_id: i64) -> Result<bool, TotpFault> {
        let secret: [u8; SECRET_LEN] = rand::random();
        let done = sqlx::query(
            "INSERT INTO totp (user_id, secret, created_ms) VALUES (?1, ?2, ?3) \
             ON CONFLICT (user_id) DO UPDATE SET secret = ?2, created_ms = ?3, last_step = 0 WHERE confirmed_ms IS NULL",
        )
        .bind(user_id)
        .bind(self.seal.seal(user_id, &secret)?)
        .bind(now_ms())
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// What the owner must see to enrol; None when nothing is under way.
    pub async fn enrolment(&self, user_id: i64, name: &str) -> Result<Option<Enrolment>, TotpFault> {
        let Some(totp) = self.load(user_id, name, false).await? else {
            return Ok(None);
        };
        let address = totp.to_url().map_err(unusable)?;
        let base32 = totp.secret().to_base32();
        let groups: Vec<&str> = (0..base32.len())
            .step_by(4)
            .filter_map(|start| base32.get(start..(start + 4).min(base32.len())))
            .collect();
        Ok(Some(Enrolment {
            secret: groups.join(" "),
            qr: picture(&address)?,
        }))
    }

    /// The first code of a new enrolment. From then on sign-in asks for one.
    pub async fn confirm(&self, user_id: i64, code: &str, now_ms: i64) -> Result<bool, TotpFault> {
        let Some(step) = self.step(user_id, code, now_ms, false).await? else {
            return Ok(false);
        };
        let done = sqlx::query(
            "UPDATE totp SET confirmed_ms = ?, last_step = ? WHERE user_id = ? AND confirmed_ms IS NULL",
        )
        .bind(now_ms)
        .bind(step)
        .bind(user_id)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Whether the code is right and of a later step than any before. It is used up by that.
    pub async fn accept(&self, user_id: i64, code: &str, now_ms: i64) -> Result<bool, TotpFault> {
        let Some(step) = self.step(user_id, code, now_ms, true).await? else {
            return Ok(false);
        };
        // Of two that show the same code at once, one finds the step taken.
        let done = sqlx::query(
            "UPDATE totp SET last_step = ?1 WHERE user_id = ?2 AND last_step < ?1 AND confirmed_ms IS NOT NULL",
        )
        .bind(step)
        .bind(user_id)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// False when there was none.
    pub async fn remove(&self, user_id: i64) -> Result<bool, sqlx::Error> {
        let done = sqlx::query("DELETE FROM totp WHERE user_id = ?")
            .bind(user_id)
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// The time step that the code stands for, if it is one of now.
    async fn step(
        &self,
        user_id: i64,
        code: &str,
        now_ms: i64,
        confirmed: bool,
    ) -> Result<Option<i64>, TotpFault> {
        let digits: String = code.chars().filter(|c| !c.is_whitespace()).take(8).collect();
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(None);
        }
        let Some(totp) = self.load(user_id, "", confirmed).await? else {
            return Ok(None);
        };
        let secs = u64::try_from(now_ms / 1000).unwrap_or_default();
        let step = totp.check(&digits, secs);
        Ok(step.and_then(|step| i64::try_from(step).ok()))
    }

    async fn load(&self, user_id: i64, name: &str, confirmed: bool) -> Result<Option<Totp>, TotpFault> {
        let row = sqlx::query(
            "SELECT secret FROM totp WHERE user_id = ?1 AND (confirmed_ms IS NOT NULL) = ?2 AND (?2 OR created_ms > ?3)",
        )
        .bind(user_id)
        .bind(confirmed)
        .bind(now_ms() - ENROL_WITHIN_MS)
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let sealed: Vec<u8> = row.try_get("secret")?;
        let secret = self.seal.open(user_id, &sealed)?;
        Ok(Some(totp(secret, name)?))
    }
}

fn totp(secret: Vec<u8>, name: &str) -> Result<Totp, TotpFault> {
    Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_skew(SKEW_STEPS)
        .with_step_duration(STEP_SECS)
        .with_secret(secret)
        .with_account_name(name)
        .with_issuer(Some("Farol"))
        .build()
        .map_err(unusable)
}

fn unusable(error: TotpError) -> TotpFault {
    TotpFault::Secret(error.to_string())
}

/// Modules as one path of horizontal runs, four modules of quiet zone around (ISO/IEC 18004). Colours come from the style.
fn picture(address: &str) -> Result<String, TotpFault> {
    let code = QrCode::with_error_correction_level(address, EcLevel::M)
        .map_err(|error| TotpFault::Secret(error.to_string()))?;
    let drawn = code
        .render::<svg::Color>()
        .dark_color(svg::Color("#000"))
        .light_color(svg::Color("#fff"))
        .quiet_zone(true)
        .min_dimensions(192, 192)
        .build();
    // The XML declaration has no place inside a page.
    Ok(drawn
        .find("<svg")
        .map_or_else(String::new, |start| drawn[start..].to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{access::users::Users, db};
    use farol_model::Role;

    const NOW_MS: i64 = 1_795_000_000_000;

    async fn store() -> TotpStore {
        let pool = db::open_in_memory().await.unwrap();
        Users::new(pool.clone())
            .add("ana", Role::Admin, "h")
            .await
            .unwrap();
        let seal = Arc::new(Seal::beside(&pool).unwrap());
        TotpStore::new(pool, seal)
    }

    /// What the app of the owner shows.
    async fn code(store: &TotpStore, confirmed: bool, at_ms: i64) -> String {
        let totp = store.load(1, "ana", confirmed).await.unwrap().unwrap();
        totp.generate(u64::try_from(at_ms / 1000).unwrap()).to_string()
    }

    async fn enrolled() -> TotpStore {
        let store = store().await;
        assert!(store.begin(1).await.unwrap());
        assert!(!store.enrolled(1).await.unwrap(), "not before it is confirmed");
        let first = code(&store, false, NOW_MS - 90_000).await;
        assert!(!store.confirm(1, &first, NOW_MS).await.unwrap(), "too old");
        let first = code(&store, false, NOW_MS).await;
        assert!(store.confirm(1, &first, NOW_MS).await.unwrap());
        assert!(store.enrolled(1).await.unwrap());
        assert!(!store.accept(1, &first, NOW_MS).await.unwrap(), "used to confirm");
        store
    }

    #[tokio::test]
    async fn a_code_is_taken_once_and_never_an_older_one_after_it() {
        let store = enrolled().await;
        let later = NOW_MS + 60_000;
        let (older, newer) = (
            code(&store, true, later).await,
            code(&store, true, later + 30_000).await,
        );
        assert!(
            store.accept(1, &newer, later).await.unwrap(),
            "a clock one step ahead"
        );
        assert!(!store.accept(1, &newer, later).await.unwrap(), "replayed");
        assert!(
            !store.accept(1, &older, later).await.unwrap(),
            "older than the last"
        );
        let next = code(&store, true, later + 60_000).await;
        assert!(store.accept(1, &next, later + 60_000).await.unwrap());
    }

    #[tokio::test]
    async fn of_two_that_show_the_same_code_at_once_one_gets_in() {
        let store = enrolled().await;
        let later = NOW_MS + 60_000;
        let shown = code(&store, true, later).await;
        let (one, two) = tokio::join!(store.accept(1, &shown, later), store.accept(1, &shown, later));
        assert!(one.unwrap() != two.unwrap());
    }

    #[tokio::test]
    async fn a_clock_may_be_off_by_one_step_and_not_by_two() {
        let store = enrolled().await;
        let later = NOW_MS + 600_000;
        for (off_ms, fits) in [(-60_000, false), (60_000, false), (-30_000, true), (30_000, true)] {
            let shown = code(&store, true, later + off_ms).await;
            assert_eq!(store.accept(1, &shown, later).await.unwrap(), fits, "{off_ms}");
        }
        for odd in ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦"] {
            assert!(!store.accept(1, odd, later).await.unwrap(), "{odd}");
        }
        let spaced = code(&store, true, later + 90_000).await;
        let spaced = format!(" {} {}\n", &spaced[..3], &spaced[3..]);
        assert!(store.accept(1, &spaced, later + 90_000).await.unwrap());
    }

    #[tokio::test]
    async fn an_enrolment_shows_its_secret_until_it_is_confirmed_and_is_kept_sealed() {
        let store = store().await;
        assert!(store.enrolment(1, "ana").await.unwrap().is_none());
        store.begin(1).await.unwrap();
        let shown = store.enrolment(1, "ana").await.unwrap().unwrap();
        assert!(
            shown.qr.starts_with("<svg") && !shown.qr.contains("style"),
            "{}",
            shown.qr
        );
        assert_eq!(shown.secret.split(' ').count(), 8);
        let kept: Vec<u8> = sqlx::query_scalar("SELECT secret FROM totp")
            .fetch_one(&store.pool)
            .await
            .unwrap();
        let open = store.load(1, "ana", false).await.unwrap().unwrap();
        let open = open.secret().as_ref().to_vec();
        assert!(!kept.windows(open.len()).any(|window| window == open));
        store.begin(1).await.unwrap();
        assert_ne!(
            store.enrolment(1, "ana").await.unwrap().unwrap().secret,
            shown.secret
        );
        let first = code(&store, false, NOW_MS).await;
        assert!(store.confirm(1, &first, NOW_MS).await.unwrap());
        assert!(store.enrolment(1, "ana").await.unwrap().is_none());
        assert!(!store.begin(1).await.unwrap(), "one that stands is not replaced");
        assert!(store.remove(1).await.unwrap() && !store.enrolled(1).await.unwrap());
    }
}
