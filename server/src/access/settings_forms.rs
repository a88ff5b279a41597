//! What the forms of the Settings pages do. Each is a plain POST that works without script and leads back to its page, which says
//! how it went.
//!
//! They are for people: a token, however wide, cannot make users or further tokens, so that one that leaks cannot outlive itself.
//! Nobody can give more than they have, and nobody changes their own role or access.

use super::{
    Access, Identity,
    changes::{By, ChangeError},
    forms::encode,
    tokens::NewToken,
    users::User,
};
use crate::{
    error::Refusal,
    live::{Ending, PeerAddress, Proof},
    time::now_ms,
};
use axum::{
    Form, Router,
    extract::{FromRequestParts, Path, State},
    response::{IntoResponse, Redirect, Response},
    routing::post,
};
use farol_app::pages::settings::view::Said;
use farol_model::{Fault, FaultCode, Grants, Permission, Viewer, audit::AuditOutcome};
use http::request::Parts;
use serde::Deserialize;
use std::{
    net::{IpAddr, Ipv4Addr},
    time::Instant,
};

/// Most days that a token may be made for; more is until it is revoked.
const MAX_DAYS: u32 = 3650;

/// All of them.
pub fn routes() -> Router<Access> {
    Router::new()
        .route("/api/settings/users", post(add_user))
        .route("/api/settings/users/{name}/role", post(set_role))
        .route("/api/settings/users/{name}/password", post(set_password))
        .route("/api/settings/users/{name}/disabled", post(set_disabled))
        .route("/api/settings/users/{name}/sign-out", post(sign_out))
        .route("/api/settings/tokens", post(create_token))
        .route("/api/settings/tokens/{id}/revoke", post(revoke_token))
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

#[derive(Deserialize)]
struct AddUser {
    #[serde(default)]
    name: String,
    #[serde(default)]
    role: String,
    #[serde(flatten)]
    password: NewPassword,
}

#[derive(Deserialize)]
struct NewPassword {
    #[serde(default)]
    password: String,
    #[serde(default)]
    repeat: String,
}

impl NewPassword {
    fn text(self) -> Result<String, Fault> {
        match self.password == self.repeat {
            true => Ok(self.password),
            false => Err(Fault::invalid(
                "repeat",
                "The two passwords differ; type the same twice.",
            )),
        }
    }
}

#[derive(Deserialize)]
struct SetRole {
    #[serde(default)]
    role: String,
}

#[derive(Deserialize)]
struct SetDisabled {
    disabled: bool,
}

async fn add_user(State(access): State<Access>, person: Person, Form(typed): Form<AddUser>) -> Response {
    let made = async {
        person.viewer.require(Permission::ManageUsers)?;
        access.may_be_given(&person.viewer, &typed.role)?;
        let password = typed.password.text()?;
        let (name, role) = (typed.name.trim(), &typed.role);
        let added = access.changes.add_user(&person.by, name, role, password).await;
        added.map_err(|error| told(&error))?;
        Ok(format!("Added {name} as {role}. Tell them the password by another way.").into())
    };
    let made = made.await;
    access.answer(&person, "user.add", "/settings/users", made).await
}

async fn set_role(
    State(access): State<Access>,
    person: Person,
    Path(name): Path<String>,
    Form(typed): Form<SetRole>,
) -> Response {
    let set = async {
        let user = access.to_change(&person, &name).await?;
        access.may_be_given(&person.viewer, &typed.role)?;
        let set = access.changes.set_role(&person.by, &user.name, &typed.role).await;
        Ok(match set.map_err(|error| told(&error))? {
            true => format!("{} is {} now. Their sessions have ended.", user.name, typed.role),
            false => format!("{} was {} already.", user.name, typed.role),
        }
        .into())
    };
    let set = set.await;
    access.answer(&person, "user.role", &user_page(&name), set).await
}

async fn set_password(
    State(access): State<Access>,
    person: Person,
    Path(name): Path<String>,
    Form(typed): Form<NewPassword>,
) -> Response {
    let set = async {
        let user = access.to_change(&person, &name).await?;
        let set = access
            .changes
            .set_password(&person.by, &user.name, typed.text()?)
            .await;
        set.map_err(|error| told(&error))?;
        Ok(format!("{} has a new password. Their sessions have ended.", user.name).into())
    };
    let set = set.await;
    access
        .answer(&person, "user.passwd", &user_page(&name), set)
        .await
}

async fn set_disabled(
    State(access): State<Access>,
    person: Person,
    Path(name): Path<String>,
    Form(typed): Form<SetDisabled>,
) -> Response {
    let what = if typed.disabled {
        "user.disable"
    } else {
        "user.enable"
    };
    let set = async {
        let user = access.to_change(&person, &name).await?;
        let set = access
            .changes
            .set_disabled(&person.by, &user.name, typed.disabled)
            .await;
        set.map_err(|error| told(&error))?;
        Ok(match typed.disabled {
            true => format!("{} is disabled and signed out everywhere.", user.name),
            false => format!("{} may sign in again.", user.name),
        }
        .into())
    };
    let set = set.await;
    access.answer(&person, what, &user_page(&name), set).await
}

async fn sign_out(State(access): State<Access>, person: Person, Path(name): Path<String>) -> Response {
    let ended = async {
        let user = access.to_change(&person, &name).await?;
        let ended = access.changes.end_sessions(&person.by, &user, None).await;
        let ended = ended.map_err(|error| told(&error))?;
        access.sessions_ended(&ended);
        Ok(format!("{} is signed out of {} sessions.", user.name, ended.len()).into())
    };
    let ended = ended.await;
    access
        .answer(&person, "session.revoke_all", &user_page(&name), ended)
        .await
}

async fn end_others(State(access): State<Access>, person: Person) -> Response {
    let ended = async {
        let user = access.user_of(person.viewer.user_id).await?;
        let ended = access
            .changes
            .end_sessions(&person.by, &user, Some(&person.session))
            .await;
        let ended = ended.map_err(|error| told(&error))?;
        access.sessions_ended(&ended);
        Ok(format!("Signed out of {} other sessions.", ended.len()).into())
    };
    let ended = ended.await;
    access
        .answer(&person, "session.revoke_all", "/settings/sessions", ended)
        .await
}

async fn end_session(State(access): State<Access>, person: Person, Path(id): Path<i64>) -> Response {
    let mut back = "/settings/sessions".to_owned();
    let ended = async {
        let found = access
            .sessions
            .by_id(id)
            .await
            .map_err(|error| told(&error.into()))?;
        let session = found.ok_or_else(|| told(&ChangeError::NoSession(id)))?;
        if session.user_id != person.viewer.user_id {
            person.viewer.require(Permission::ManageUsers)?;
            access.reached(&person, session.user_id).await?;
            back = user_page(&session.user);
        }
        let ended = access.changes.end_session(&person.by, &session).await;
        ended.map_err(|error| told(&error))?;
        access.sessions_ended(std::slice::from_ref(&session.session));
        Ok(format!("That session of {} has ended.", session.user).into())
    };
    let ended = ended.await;
    access.answer(&person, "session.revoke", &back, ended).await
}

async fn create_token(
    State(access): State<Access>,
    person: Person,
    Form(fields): Form<Vec<(String, String)>>,
) -> Response {
    let made = async {
        let new = new_token(&fields)?;
        let user = access.user_of(person.viewer.user_id).await?;
        let made = access.changes.create_token(&person.by, &user, &new).await;
        let (id, text) = made.map_err(|error| told(&error))?;
        Ok(Done {
            text: format!("Made token {id}, {}.", new.name),
            secret: Some(text),
        })
    };
    let made = made.await;
    access
        .answer(&person, "token.create", "/settings/tokens", made)
        .await
}

async fn revoke_token(State(access): State<Access>, person: Person, Path(id): Path<i64>) -> Response {
    let mut back = "/settings/tokens".to_owned();
    let revoked = async {
        let found = access
            .tokens
            .info(id)
            .await
            .map_err(|error| told(&error.into()))?;
        let token = found.ok_or_else(|| told(&ChangeError::NoToken(id)))?;
        if token.user_id != person.viewer.user_id {
            person.viewer.require(Permission::ManageUsers)?;
            access.reached(&person, token.user_id).await?;
            back = user_page(&token.user);
        }
        let revoked = access.changes.revoke_token(&person.by, &token).await;
        revoked.map_err(|error| told(&error))?;
        access.ended(Ending::Proof(Proof::Token(id)));
        Ok(format!("{} is revoked. What used it is cut off.", token.name).into())
    };
    let revoked = revoked.await;
    access.answer(&person, "token.revoke", &back, revoked).await
}

/// What was typed: a name, days, and either `all` or the permissions that are ticked with the actions that are named.
fn new_token(fields: &[(String, String)]) -> Result<NewToken, Fault> {
    let field = |name: &str| {
        let found = fields.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    let days: u32 = match field("days").parse() {
        Ok(days) if days <= MAX_DAYS => days,
        _ => {
            return Err(Fault::invalid(
                "days",
                format!("A token holds for 1 to {MAX_DAYS} days, or 0 for no end."),
            ));
        }
    };
    let grants = match field("all") {
        "true" => None,
        _ => {
            let ticked = fields
                .iter()
                .filter(|(name, value)| value == "true" && Permission::parse(name).is_some());
            let mut words: Vec<&str> = ticked.map(|(name, _)| name.as_str()).collect();
            let scopes: Vec<&str> = field("scopes")
                .lines()
                .map(str::trim)
                .filter(|line| !line.is_empty())
                .collect();
            if let Some(other) = scopes.iter().find(|line| !line.starts_with("run:")) {
                let shown: String = other.chars().take(80).collect();
                return Err(Fault::invalid(
                    "scopes",
                    format!("`{shown}` does not begin with run: as in run:service.restart on web-*."),
                ));
            }
            if !scopes.is_empty() {
                // The box says all actions; the lines say which of them.
                words.retain(|word| *word != Permission::RunActions.as_str());
                words.extend(scopes);
            }
            Some(
                Grants::parse(&words)
                    .map_err(|error| Fault::invalid("permissions", sentence(&error.to_string())))?,
            )
        }
    };
    Ok(NewToken {
        name: field("name").trim().to_owned(),
        grants,
        expires_ms: (days > 0).then(|| now_ms() + i64::from(days) * 86_400_000),
    })
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
        match viewer.covers(grants) {
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

    /// Back to the page, which says how it went. Who lacks the permission gets 403; that is written down.
    async fn answer(&self, person: &Person, what: &str, back: &str, done: Result<Done, Fault>) -> Response {
        let said = match done {
            Ok(done) => Said {
                good: true,
                text: done.text,
                secret: done.secret,
            },
            Err(fault) => {
                if matches!(fault.code, FaultCode::Forbidden | FaultCode::Conflict) {
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
                if fault.code == FaultCode::Forbidden {
                    return Refusal(fault).into_response();
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
    use super::{tokens::TokenError, users::UserError};
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

    fn fields(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn a_token_is_what_was_ticked_and_named() {
        let typed = fields(&[
            ("name", " ci "),
            ("days", "7"),
            ("view_runs", "true"),
            ("run_actions", "true"),
            (
                "scopes",
                "run:service.restart on web-*\r\n\r\n run:runbook.* \r\n",
            ),
        ]);
        let new = new_token(&typed).unwrap();
        assert_eq!(new.name, "ci");
        assert_eq!(
            new.grants.unwrap().words(),
            ["view_runs", "run:service.restart on web-*", "run:runbook.*"]
        );
        assert!(new.expires_ms.unwrap() > now_ms() + 6 * 86_400_000);
        let all = new_token(&fields(&[("name", "ci"), ("days", "0"), ("all", "true")])).unwrap();
        assert_eq!((all.grants, all.expires_ms), (None, None));
    }

    #[test]
    fn what_cannot_be_a_token_says_why() {
        let refused = |pairs: &[(&str, &str)]| new_token(&fields(pairs)).unwrap_err().message;
        assert!(refused(&[("days", "7")]).contains("Nothing is granted"));
        assert!(refused(&[("days", "x")]).contains("3650"));
        assert!(refused(&[("days", "9999")]).contains("3650"));
        assert!(
            refused(&[("days", "7"), ("scopes", "service.restart")]).contains("run:service.restart on web-*")
        );
        assert!(refused(&[("days", "7"), ("scopes", "run:a b")]).contains("run:ACTION on HOST"));
    }

    #[test]
    fn the_page_of_a_user_cannot_lead_elsewhere() {
        assert_eq!(user_page("../audit?x#y"), "/settings/users/..%2Faudit%3Fx%23y");
    }
}
