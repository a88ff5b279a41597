//! How people prove who they are, beside the password: codes of an authenticator app, recovery codes, passkeys. And how long ago
//! they did, which is what [`stepup`] asks before anything dangerous.
//!
//! | file | owns |
//! |---|---|
//! | [`seal`] | the key file, and what is sealed with it |
//! | [`totp`], [`recovery`] | codes of an app; codes for when the app is lost |
//! | [`passkeys`] | passkeys in the database; [`ceremony`] registers one and checks one |
//! | [`stepup`] | when the proof of a session was last shown, which API tokens may act without |
//! | [`attempts`], [`browsers`] | what an account's owner sees of sign-ins; browsers that the throttle knows |
//! | [`second`], [`again`], [`account`], [`webauthn`] | the routes: the second step of a sign-in, proving again, one's own account, passkeys |
//!
//! It must not decide what somebody may do, only whether it is them.

pub mod account;
pub mod again;
pub mod attempts;
pub mod browsers;
pub mod ceremony;
pub mod cli;
pub mod once;
pub mod page;
pub mod passkeys;
pub mod recovery;
pub mod seal;
pub mod second;
pub mod stepup;
pub mod totp;
pub mod webauthn;

use super::users;
use attempts::Attempts;
use browsers::Browsers;
use ceremony::Ceremonies;
use once::ShownOnce;
use passkeys::Passkeys;
use recovery::RecoveryCodes;
use seal::Seal;
use sqlx::{SqliteConnection, SqlitePool};
use std::sync::Arc;
use totp::TotpStore;

/// All that is kept about proofs. Cheap to clone.
#[derive(Clone)]
pub struct Proofs {
    pub totp: TotpStore,
    pub recovery: RecoveryCodes,
    pub passkeys: Passkeys,
    pub attempts: Attempts,
    pub browsers: Browsers,
    /// Passkeys being made or shown right now.
    pub ceremonies: Arc<Ceremonies>,
    /// Recovery codes that wait to be shown, by session.
    pub shown_once: Arc<ShownOnce>,
    pool: SqlitePool,
}

/// Takes away all that a user proves themselves by beside the password, and ends their sessions: who had the lost phone may be
/// signed in. In a transaction of the caller's.
pub(super) async fn reset(connection: &mut SqliteConnection, user_id: i64) -> Result<(), sqlx::Error> {
    for table in ["totp", "recovery_codes", "passkeys", "known_browsers"] {
        sqlx::query(&format!("DELETE FROM {table} WHERE user_id = ?"))
            .bind(user_id)
            .execute(&mut *connection)
            .await?;
    }
    users::end_sessions(connection, user_id).await
}

impl Proofs {
    /// Reads the key that lies beside the database, or makes it.
    pub fn open(pool: &SqlitePool) -> anyhow::Result<Proofs> {
        let seal = Arc::new(Seal::beside(pool)?);
        Ok(Proofs {
            totp: TotpStore::new(pool.clone(), seal),
            recovery: RecoveryCodes::new(pool.clone()),
            passkeys: Passkeys::new(pool.clone()),
            attempts: Attempts::new(pool.clone()),
            browsers: Browsers::new(pool.clone()),
            ceremonies: Arc::default(),
            shown_once: Arc::default(),
            pool: pool.clone(),
        })
    }

    /// What a user can prove themselves by, beside the password: an app, recovery codes that are left, passkeys.
    pub async fn kept(&self, user_id: i64) -> Result<(bool, i64, i64), sqlx::Error> {
        sqlx::query_as(
            "SELECT EXISTS (SELECT 1 FROM totp WHERE user_id = ?1 AND confirmed_ms IS NOT NULL), \
             (SELECT count(*) FROM recovery_codes WHERE user_id = ?1 AND used_ms IS NULL), \
             (SELECT count(*) FROM passkeys WHERE user_id = ?1)",
        )
        .bind(user_id)
        .fetch_one(&self.pool)
        .await
    }

    /// Whether a password alone does not sign this user in.
    pub async fn has_second_step(&self, user_id: i64) -> Result<bool, sqlx::Error> {
        self.totp.enrolled(user_id).await
    }
}
