//! What the forms of the Settings pages do. Each is a plain POST that works without script and leads back to its page, which says
//! how it went.
//!
//! They are for people: a token, however wide, cannot make users or further tokens, so that one that leaks cannot outlive itself.
//! Nobody can give more than they have, and nobody changes their own role or access.

mod own;
mod users;

use super::{
    Access, Identity,
    changes::{By, ChangeError},
    forms::encode,
    tokens::TokenError,
};
use crate::{
    access::users::{User, UserError},
    actions::Freshness,
    error::Refusal,
    live::{Ending, PeerAddress, Proof},
};
use axum::{
    Router,
    extract::FromRequestParts,
    response::{IntoResponse, Redirect, Response},
    routing::post,
};
use farol_app::pages::settings::view::Said;
use farol_model::{Fault, FaultCode, Permission, Viewer, audit::AuditOutcome};
use http::request::Parts;
use own::{create_token, distrust_token, end_others, end_session, revoke_token};
use std::{
    net::{IpAddr, Ipv4Addr},
    time::Instant,
};
use users::{add_user, reset_proofs, set_disabled, set_password, set_role, sign_out, trust_token};

/// All of them.
pub fn routes() -> Router<Access> {
    Router::new()
        .route("/api/settings/users", post(add_user))
        .route("/api/settings/users/{name}/role", post(set_role))
        .route("/api/settings/users/{name}/password", post(set_password))
        .route("/api/settings/users/{name}/disabled", post(set_disabled))
        .route("/api/settings/users/{name}/sign-out", post(sign_out))
        .route("/api/settings/users/{name}/reset-proofs", post(reset_proofs))
        .route("/api/settings/tokens", post(create_token))
        .route("/api/settings/tokens/{id}/revoke", post(revoke_token))
        .route("/api/settings/tokens/{id}/trust", post(trust_token))
        .route("/api/settings/tokens/{id}/distrust", post(distrust_token))
        .route("/api/settings/sessions/{id}/revoke", post(end_session))
        .route("/api/settings/sessions/revoke-others", post(end_others))
}

/// Somebody who is there: with a session, not with a token.
struct Person {
    viewer: Viewer,
    session: String,
    by: By,
}

impl FromRequestParts<Access> for Person {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, access: &Access) -> Result<Self, Response> {
        let address = parts.extensions.get::<PeerAddress>().map(|peer| peer.0);
        let address = address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let Some(identity) = parts.extensions.get::<Identity>().cloned() else {
            return Err(Refusal(Fault::unauthenticated()).into_response());
        };
        let by = By {
            who: identity.viewer.name.clone(),
            from: address.to_string(),
        };
        match identity.proof {
            Proof::Session(session) => Ok(Person {
                viewer: identity.viewer,
                session,
                by,
            }),
            Proof::Token(_) => {
                let text = "Settings are changed by a person who is signed in, not with an API token.";
                let detail = "Tried to change settings with a token.";
                access
                    .note(&by.who, address, parts.uri.path(), AuditOutcome::Refused, detail)
                    .await;
                Err(Refusal(Fault::forbidden(text)).into_response())
            }
        }
    }
}

/// What a form has done, for the person to read.
#[derive(Default)]
struct Done {
    text: String,
    secret: Option<String>,
}

impl From<String> for Done {
    fn from(text: String) -> Self {
        Done { text, secret: None }
    }
}

impl Access {
    /// The user of this name, whom this person may change.
    async fn to_change(&self, person: &Person, name: &str) -> Result<User, Fault> {
        person.viewer.require(Permission::ManageUsers)?;
        let found = self
            .users
            .by_name(name)
            .await
            .map_err(|error| told(&error.into()))?;
        let user = found.ok_or_else(|| Fault::not_found("There is no user of this name."))?;
        match self.kept(&person.viewer, &user) {
            None => Ok(user),
            Some(why) => Err(Fault::conflict(why)),
        }
    }

    /// Whether this person has shown lately that it is them.
    async fn proven_lately(&self, person: &Person) -> Result<(), Fault> {
        self.fresh(&Proof::Session(person.session.clone())).await
    }

    async fn user_of(&self, id: i64) -> Result<User, Fault> {
        let found = self.users.by_id(id).await.map_err(|error| told(&error.into()))?;
        found.ok_or_else(Fault::unauthenticated)
    }

    /// Whether this person may end what is somebody else's.
    async fn reached(&self, person: &Person, user_id: i64) -> Result<(), Fault> {
        let user = self.user_of(user_id).await?;
        match self.reaches(&person.viewer, &user) {
            true => Ok(()),
            false => Err(Fault::conflict(
                "This user may do things that you may not, so somebody else has to do this.",
            )),
        }
    }

    /// Whether a role is one, and holds nothing that the giver does not.
    fn may_be_given(&self, viewer: &Viewer, role: &str) -> Result<(), Fault> {
        let Some(grants) = self.roles.grants(role) else {
            let known = self.roles.names();
            return Err(Fault::invalid(
                "role",
                format!("There is no such role; there are {known}."),
            ));
        };
        match viewer.covers(&grants) {
            true => Ok(()),
            false => Err(Fault::conflict(
                "That role may do things that you may not, so you cannot give it.",
            )),
        }
    }

    /// Connections that hang on these sessions end now; the watch would find them within half a second.
    fn sessions_ended(&self, sessions: &[String]) {
        for session in sessions {
            self.ended(Ending::Proof(Proof::Session(session.clone())));
        }
    }

    /// Back to the page, which says how it went. Who lacks the permission gets 403, and who has to prove who they are is led there;
    /// both are written down.
    async fn answer(&self, person: &Person, what: &str, back: &str, done: Result<Done, Fault>) -> Response {
        let said = match done {
            Ok(done) => Said {
                good: true,
                text: done.text,
                secret: done.secret,
            },
            Err(fault) => {
                if matches!(
                    fault.code,
                    FaultCode::Forbidden | FaultCode::Conflict | FaultCode::ProofNeeded
                ) {
                    let address = person
                        .by
                        .from
                        .parse()
                        .unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
                    self.note(
                        &person.by.who,
                        address,
                        what,
                        AuditOutcome::Refused,
                        &fault.message,
                    )
                    .await;
                }
                match fault.code {
                    FaultCode::Forbidden => return Refusal(fault).into_response(),
                    FaultCode::ProofNeeded => {
                        let there = format!("/prove?next={}", encode(back));
                        return Redirect::to(&there).into_response();
                    }
                    _ => {}
                }
                Said {
                    good: false,
                    text: fault.message,
                    secret: None,
                }
            }
        };
        match self.sayings.keep(person.viewer.user_id, said, Instant::now()) {
            Some(key) => Redirect::to(&format!("{back}?said={key}")).into_response(),
            None => Redirect::to(back).into_response(),
        }
    }
}

fn user_page(name: &str) -> String {
    format!("/settings/users/{}", encode(name).replace('/', "%2F"))
}

/// What a person is told of a change that was not made. What is no fault of theirs goes to the log.
fn told(error: &ChangeError) -> Fault {
    match error {
        ChangeError::Database(_)
        | ChangeError::NotWritten(_)
        | ChangeError::Hash(_)
        | ChangeError::User(UserError::Database(_))
        | ChangeError::Token(TokenError::Database(_)) => {
            tracing::error!(
                error = error as &dyn std::error::Error,
                "a change of access was not made"
            );
            let text = match error {
                ChangeError::NotWritten(_) => {
                    "The audit log cannot be written, so nothing was changed. Look at the server's disk and log."
                }
                ChangeError::Hash(_) => {
                    "The server is busy with passwords, so nothing was changed. Try again in a few seconds."
                }
                _ => "The database cannot be used, so nothing was changed. The server log says why.",
            };
            Fault::unavailable(text)
        }
        other => Fault::invalid("", sentence(&other.to_string())),
    }
}

/// A message of an error as a sentence.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    format!(
        "{}{}.",
        first.unwrap_or_default(),
        letters.as_str().trim_end_matches('.')
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_a_user_cannot_lead_elsewhere() {
        assert_eq!(user_page("../audit?x#y"), "/settings/users/..%2Faudit%3Fx%23y");
    }
}
