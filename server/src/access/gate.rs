//! What the live plane asks of access, and what the runner asks of it when a run is to begin that was asked for earlier.

use super::{Access, Identity, identify, tickets, tokens::Held};
use crate::{
    actions::{Asker, Standing},
    live::{Ending, Gate, Proof},
    time::now_ms,
};
use farol_model::{Fault, Viewer};
use futures::future::BoxFuture;
use std::time::Instant;
use tokio::sync::broadcast;
use tower_sessions::{SessionStore, session::Id};

impl Gate for Access {
    fn by_token<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Option<Identity>, Fault>> {
        Box::pin(async move {
            if token.starts_with(tickets::PREFIX) {
                let Some(given) = self.tickets.take(token, Instant::now()) else {
                    return Ok(None);
                };
                // Whoever it was given to may have been signed out since.
                return self.recheck(&given).await;
            }
            let found = self.tokens.find(token).await.map_err(|error| broken(&error))?;
            Ok(found.map(|held| self.by(&held)))
        })
    }

    fn recheck<'a>(&'a self, identity: &'a Identity) -> BoxFuture<'a, Result<Option<Identity>, Fault>> {
        Box::pin(async move {
            let session = match &identity.proof {
                Proof::Session(session) => session,
                Proof::Token(id) => {
                    let held = self.tokens.by_id(*id).await.map_err(|error| broken(&error))?;
                    return Ok(held.map(|held| self.by(&held)));
                }
            };
            let user = self
                .users
                .by_id(identity.viewer.user_id)
                .await
                .map_err(|error| broken(&error))?;
            let Some(user) = user.filter(|user| !user.disabled) else {
                return Ok(None);
            };
            let holds = self.session_holds(session, &user.auth_hash).await?;
            Ok(holds.then(|| Identity {
                viewer: self.roles.viewer(&user, None),
                proof: identity.proof.clone(),
            }))
        })
    }

    fn endings(&self) -> broadcast::Receiver<Ending> {
        self.endings.subscribe()
    }
}

impl Standing for Access {
    fn standing<'a>(&'a self, asker: &'a Asker) -> BoxFuture<'a, Result<Option<Viewer>, Fault>> {
        Box::pin(async move {
            if let Some(token) = asker.token {
                let held = self.tokens.by_id(token).await.map_err(|error| broken(&error))?;
                return Ok(held.map(|held| self.by(&held).viewer));
            }
            let user = self.users.by_id(asker.user_id).await;
            let user = user.map_err(|error| broken(&error))?;
            Ok(user
                .filter(|user| !user.disabled)
                .map(|user| self.roles.viewer(&user, None)))
        })
    }
}

impl Access {
    /// Who stands behind a token.
    pub(super) fn by(&self, held: &Held) -> Identity {
        Identity {
            viewer: self.roles.viewer(&held.user, held.grants.as_ref()),
            proof: Proof::Token(held.id),
        }
    }

    /// Whether a session exists, is of this generation of its user, and has not reached its absolute end.
    async fn session_holds(&self, id: &str, auth_hash: &[u8]) -> Result<bool, Fault> {
        let Ok(id) = id.parse::<Id>() else {
            return Ok(false);
        };
        let record = self.store.load(&id).await.map_err(|error| {
            tracing::error!(%error, "a session cannot be looked up");
            Fault::internal()
        })?;
        let Some(record) = record else { return Ok(false) };
        if self
            .sessions
            .is_ended(&id.to_string())
            .await
            .map_err(|error| broken(&error))?
        {
            return Ok(false);
        }
        let hash = record
            .data
            .get("axum-login.data")
            .and_then(|data| data.get("auth_hash"));
        let same = hash
            .and_then(|hash| serde_json::from_value::<Vec<u8>>(hash.clone()).ok())
            .is_some_and(|hash| hash == auth_hash);
        let signed_in_ms = record
            .data
            .get(identify::SIGNED_IN_MS)
            .and_then(serde_json::Value::as_i64);
        Ok(same && signed_in_ms.is_some_and(|at| !identify::expired(self, at, now_ms())))
    }
}

fn broken(error: &sqlx::Error) -> Fault {
    tracing::error!(%error, "the database cannot be used");
    Fault::internal()
}
