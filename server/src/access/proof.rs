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

use attempts::Attempts;
use browsers::Browsers;
use ceremony::Ceremonies;
use once::ShownOnce;
use passkeys::Passkeys;
use recovery::RecoveryCodes;
use seal::Seal;
use sqlx::SqlitePool;
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
        })
    }

    /// Whether a password alone does not sign this user in.
    pub async fn has_second_step(&self, user_id: i64) -> Result<bool, sqlx::Error> {
        self.totp.enrolled(user_id).await
    }
}
