//! What an account's owner sees of sign-ins to it. Good ones and others are bounded apart, so that a flood of failures cannot
//! push out the one sign-in that the owner should have noticed.

use crate::time::now_ms;
use farol_app::pages::account::AttemptRow;
use http::{HeaderMap, header};
use sqlx::{Row, SqlitePool, sqlite::SqliteRow};
use std::net::IpAddr;

/// Attempts kept of each kind, per account.
pub const KEPT: i64 = 50;
/// Of what a browser calls itself, characters.
const MAX_AGENT_CHARS: usize = 200;

/// By what somebody tried to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Password,
    Code,
    RecoveryCode,
    Passkey,
    Provider,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    SignedIn,
    /// The password was right, a code is wanted.
    HalfWay,
    Refused,
    /// Too many tries; this one was not looked at.
    SlowedDown,
}

impl Way {
    pub fn words(self) -> &'static str {
        match self {
            Way::Password => "password",
            Way::Code => "authenticator code",
            Way::RecoveryCode => "recovery code",
            Way::Passkey => "passkey",
            Way::Provider => "single sign-on",
        }
    }
}

impl Outcome {
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::SignedIn => "signed in",
            Outcome::HalfWay => "password right",
            Outcome::Refused => "refused",
            Outcome::SlowedDown => "slowed down",
        }
    }
}

/// From where, and with what.
#[derive(Debug, Clone)]
pub struct Origin {
    pub address: IpAddr,
    pub agent: String,
}

impl Origin {
    pub fn new(address: IpAddr, headers: &HeaderMap) -> Self {
        let agent = headers
            .get(header::USER_AGENT)
            .map(|agent| String::from_utf8_lossy(agent.as_bytes()).into_owned())
            .unwrap_or_default();
        Origin {
            address,
            agent: agent
                .chars()
                .filter(|c| !c.is_control())
                .take(MAX_AGENT_CHARS)
                .collect(),
        }
    }
}

/// Access to the attempts. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Attempts {
    pool: SqlitePool,
}

impl Attempts {
    pub fn new(pool: SqlitePool) -> Self {
        Attempts { pool }
    }

    /// A sign-in is not held up by an attempt that cannot be written; the failure is logged.
    pub async fn note(&self, user_id: i64, from: &Origin, way: Way, outcome: Outcome) {
        if let Err(error) = self.write(user_id, from, way, outcome).await {
            tracing::error!(%error, "a sign-in attempt cannot be written");
        }
    }

    /// The same beside the answer, where how long it takes must not tell that there is such an account.
    pub fn note_aside(&self, user_id: i64, from: &Origin, way: Way, outcome: Outcome) {
        let (attempts, from) = (self.clone(), from.clone());
        tokio::spawn(async move { attempts.note(user_id, &from, way, outcome).await });
    }

    async fn write(
        &self,
        user_id: i64,
        from: &Origin,
        way: Way,
        outcome: Outcome,
    ) -> Result<(), sqlx::Error> {
        let mut change = self.pool.begin().await?;
        sqlx::query(
            "INSERT INTO sign_in_attempts (user_id, at_ms, peer, agent, way, outcome) VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(user_id)
        .bind(now_ms())
        .bind(from.address.to_string())
        .bind(&from.agent)
        .bind(way.words())
        .bind(outcome.as_str())
        .execute(&mut *change)
        .await?;
        sqlx::query(
            "DELETE FROM sign_in_attempts WHERE user_id = ?1 AND (outcome = 'signed in') = ?2 AND id NOT IN \
             (SELECT id FROM sign_in_attempts WHERE user_id = ?1 AND (outcome = 'signed in') = ?2 ORDER BY id DESC LIMIT ?3)",
        )
        .bind(user_id)
        .bind(outcome == Outcome::SignedIn)
        .bind(KEPT)
        .execute(&mut *change)
        .await?;
        change.commit().await
    }

    /// The newest first.
    pub async fn of(&self, user_id: i64) -> Result<Vec<AttemptRow>, sqlx::Error> {
        sqlx::query("SELECT * FROM sign_in_attempts WHERE user_id = ? ORDER BY id DESC")
            .bind(user_id)
            .fetch_all(&self.pool)
            .await?
            .iter()
            .map(read)
            .collect()
    }
}

fn read(row: &SqliteRow) -> Result<AttemptRow, sqlx::Error> {
    let outcome: String = row.try_get("outcome")?;
    Ok(AttemptRow {
        at_ms: row.try_get("at_ms")?,
        from: row.try_get("peer")?,
        agent: row.try_get("agent")?,
        way: row.try_get("way")?,
        good: outcome == Outcome::SignedIn.as_str(),
        outcome,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{access::users::Users, db};
    use farol_model::Role;

    #[tokio::test]
    async fn a_flood_of_failures_pushes_out_failures_only() {
        let pool = db::open_in_memory().await.unwrap();
        for name in ["ana", "ben"] {
            Users::new(pool.clone())
                .add(name, Role::Viewer, "h")
                .await
                .unwrap();
        }
        let mut headers = HeaderMap::new();
        let long = format!("Mozilla/5.0 {}", "x".repeat(500));
        headers.insert(header::USER_AGENT, long.parse().unwrap());
        let from = Origin::new(IpAddr::from([192, 0, 2, 1]), &headers);
        let attempts = Attempts::new(pool);
        attempts.note(1, &from, Way::Password, Outcome::SignedIn).await;
        attempts.note(2, &from, Way::Passkey, Outcome::Refused).await;
        for _ in 0..KEPT + 20 {
            attempts.note(1, &from, Way::Password, Outcome::Refused).await;
        }
        let mine = attempts.of(1).await.unwrap();
        assert_eq!(i64::try_from(mine.len()).unwrap(), KEPT + 1);
        let last = mine.last().unwrap();
        assert!(last.good, "the sign-in is the oldest and still there");
        assert_eq!(last.agent.chars().count(), MAX_AGENT_CHARS);
        assert_eq!(attempts.of(2).await.unwrap()[0].way, "passkey");
    }
}
