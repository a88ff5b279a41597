//! Step-up: how long ago the person behind a session showed that it is them. Dangerous actions ask; sign-in, a password, a code
//! and a passkey answer, see [`again`](super::again).
//!
//! Behind an API token sits nobody who could be asked. So a token runs dangerous actions only when somebody said so of that very
//! token (`farol token trust`).

use crate::{
    access::{Access, identify},
    actions::Freshness,
    live::Proof,
    time::now_ms,
};
use farol_model::{Fault, FaultCode};
use futures::future::BoxFuture;
use sqlx::{SqliteConnection, SqlitePool};
use tower_sessions::{SessionStore, session::Id};

/// Session key: when the person last proved who they are, milliseconds.
pub const PROVEN_MS: &str = "proven_ms";

impl Freshness for Access {
    fn fresh<'a>(&'a self, proof: &'a Proof) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            match proof {
                Proof::Session(id) => {
                    let proven_ms = self.proven_ms(id).await?;
                    self.still_fresh(proven_ms)
                        .then_some(())
                        .ok_or_else(|| self.stale())
                }
                Proof::Token(id) => {
                    let trusted = trusted(&self.pool, *id).await.map_err(|error| broken(&error))?;
                    trusted.then_some(()).ok_or_else(|| {
                        Fault::forbidden(format!(
                            "This API token may not run dangerous actions. Where it should, an administrator runs: farol token trust {id}"
                        ))
                    })
                }
            }
        })
    }
}

impl Access {
    /// When the session last showed a proof; None when there is no such session.
    pub async fn proven_ms(&self, session: &str) -> Result<Option<i64>, Fault> {
        let Ok(id) = session.parse::<Id>() else {
            return Ok(None);
        };
        let record = self.store.load(&id).await.map_err(|error| {
            tracing::error!(%error, "a session cannot be looked up");
            Fault::internal()
        })?;
        Ok(record.and_then(|record| {
            let read = |key| record.data.get(key).and_then(serde_json::Value::as_i64);
            // A session from before there was such a key proved itself when it began.
            read(PROVEN_MS).or_else(|| read(identify::SIGNED_IN_MS))
        }))
    }

    /// Whether a proof of then counts now.
    pub fn still_fresh(&self, proven_ms: Option<i64>) -> bool {
        let bound_ms = i64::from(self.config.proof_minutes) * 60_000;
        proven_ms.is_some_and(|at| (0..=bound_ms).contains(&(now_ms() - at)))
    }

    fn stale(&self) -> Fault {
        let minutes = match self.config.proof_minutes {
            1 => "minute".to_owned(),
            minutes => format!("{minutes} minutes"),
        };
        Fault::new(
            FaultCode::ProofNeeded,
            format!(
                "This is dangerous, and you have not shown that it is you in the last {minutes}. Prove it at /prove, then do it again."
            ),
        )
    }
}

/// Whether a token may run dangerous actions.
pub async fn trusted(pool: &SqlitePool, token: i64) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM trusted_tokens WHERE token_id = ?)")
        .bind(token)
        .fetch_one(pool)
        .await
}

/// Lets a token run dangerous actions, or no more. False when there is no such token or nothing changed.
pub async fn trust(connection: &mut SqliteConnection, token: i64, trust: bool) -> Result<bool, sqlx::Error> {
    let text = match trust {
        true => {
            "INSERT INTO trusted_tokens (token_id, since_ms) SELECT id, ?2 FROM tokens WHERE id = ?1 AND revoked = 0 \
             ON CONFLICT DO NOTHING"
        }
        false => "DELETE FROM trusted_tokens WHERE token_id = ?1 AND ?2 > 0",
    };
    let done = sqlx::query(text)
        .bind(token)
        .bind(now_ms())
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

fn broken(error: &sqlx::Error) -> Fault {
    tracing::error!(%error, "the database cannot be used");
    Fault::internal()
}
