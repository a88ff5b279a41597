//! Sign-in, sign-out and setup as plain forms that work without JavaScript, and tickets as JSON.

use super::{
    Access, Identity,
    backend::{AuthSession, BackendError, Credentials},
    identify::SIGNED_IN_MS,
    oidc,
    password::{self, HashError, WeakPassword},
    proof::{
        account, again,
        attempts::{Origin, Outcome, Way},
        second,
        stepup::PROVEN_MS,
        webauthn,
    },
    settings_forms,
    throttle::{Try, Verdict},
    tickets::TICKET_SECS,
    users::{User, UserError},
};
use crate::{
    audit::{ActError, NewEntry},
    error::Refusal,
    live::{Ending, PeerAddress, Proof},
    time::now_ms,
};
use axum::{
    Extension, Form, Json, Router,
    extract::State,
    response::{IntoResponse, Redirect, Response},
    routing::post,
};
use farol_model::{Fault, audit::AuditOutcome};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use std::{net::IpAddr, time::Instant};

/// All routes of access.
pub fn routes(access: Access) -> Router {
    Router::new()
        .route("/api/auth/sign-in", post(sign_in))
        .route("/api/auth/sign-out", post(sign_out))
        .route("/api/auth/setup", post(setup))
        .route("/api/auth/code", post(second::code))
        .route("/api/auth/prove", post(again::prove))
        .route("/api/v1/tickets", post(ticket))
        .merge(settings_forms::routes())
        .merge(account::routes())
        .merge(webauthn::routes())
        .merge(oidc::flow::routes())
        .with_state(access)
}

#[derive(Deserialize)]
struct SignIn {
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
struct SetUp {
    #[serde(default)]
    token: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    repeat: String,
}

#[derive(Serialize)]
struct Ticket {
    ticket: String,
    /// Seconds.
    expires_in: u64,
}

async fn sign_in(
    State(access): State<Access>,
    Extension(PeerAddress(address)): Extension<PeerAddress>,
    headers: HeaderMap,
    session: AuthSession,
    Form(typed): Form<SignIn>,
) -> Response {
    let next = safe_next(&typed.next);
    let from = Origin::new(address, &headers);
    let owner = owner(&access, &typed.name).await;
    let known = match owner {
        Some(owner) => access.proofs.browsers.known(owner, &headers).await,
        None => None,
    };
    let tried = Try::of_account(&typed.name, address, known.as_deref());
    let tell_owner = |outcome| {
        if let Some(owner) = owner {
            let attempts = &access.proofs.attempts;
            attempts.note_aside(owner, &from, Way::Password, outcome);
        }
    };
    if let Verdict::Wait { left, news } = access.throttle.attempt(&tried, Instant::now()) {
        if news {
            tell_owner(Outcome::SlowedDown);
            access
                .note(
                    &typed.name,
                    address,
                    "session.sign_in",
                    AuditOutcome::Refused,
                    "Too many tries; slowed down.",
                )
                .await;
        }
        metrics::counter!("farol_sign_ins_total", "result" => "throttled").increment(1);
        return back(
            &format!("/sign-in?fault=throttled&retry_after={}", left.as_secs() + 1),
            &next,
        );
    }
    let credentials = Credentials {
        name: typed.name.clone(),
        password: typed.password,
    };
    match session.authenticate(credentials).await {
        Ok(Some(user)) => {
            access.throttle.succeeded(&tried);
            access
                .first_step_done(session, &user, &from, &headers, Way::Password, &next)
                .await
        }
        Ok(None) => {
            tell_owner(Outcome::Refused);
            metrics::counter!("farol_sign_ins_total", "result" => "bad").increment(1);
            access
                .note(
                    &typed.name,
                    address,
                    "session.sign_in",
                    AuditOutcome::Refused,
                    "Name and password do not match.",
                )
                .await;
            back("/sign-in?fault=bad", &next)
        }
        Err(axum_login::Error::Backend(BackendError::Hash(HashError::Busy))) => {
            back("/sign-in?fault=busy&retry_after=5", &next)
        }
        Err(error) => {
            tracing::error!(%error, "a sign-in cannot be checked");
            back("/sign-in?fault=busy&retry_after=30", &next)
        }
    }
}

/// Whose account is tried, for the throttle and for what the owner sees. A wrong name and a failing database are nobody.
async fn owner(access: &Access, name: &str) -> Option<i64> {
    match access.users.by_name(name).await {
        Ok(user) => user.map(|user| user.id),
        Err(error) => {
            tracing::error!(%error, "a user cannot be looked up");
            None
        }
    }
}

/// A session cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("the session cannot be written: {0}")]
pub(super) struct NoSession(String);

/// The session id changes here (OWASP Session Management, "renew the session id after any privilege change").
pub(super) async fn begin(mut session: AuthSession, user: &User) -> Result<(), NoSession> {
    session
        .session
        .cycle_id()
        .await
        .map_err(|error| NoSession(error.to_string()))?;
    session
        .login(user)
        .await
        .map_err(|error| NoSession(error.to_string()))?;
    let session = session.session;
    let written = async {
        session.remove::<serde_json::Value>(second::HALF_WAY).await?;
        session.insert(PROVEN_MS, now_ms()).await?;
        session.insert(SIGNED_IN_MS, now_ms()).await
    };
    written
        .await
        .map_err(|error: tower_sessions::session::Error| NoSession(error.to_string()))
}

async fn sign_out(
    State(access): State<Access>,
    Extension(PeerAddress(address)): Extension<PeerAddress>,
    mut session: AuthSession,
) -> Response {
    let id = session.session.id();
    let Some(user) = session.user.clone() else {
        return Redirect::to("/sign-in").into_response();
    };
    let ending = session.logout();
    let ended = access.act(&user.name, address, "session.sign_out", ending, "Signed out.");
    match ended.await {
        Ok(_) => {
            if let Some(id) = id {
                access.ended(Ending::Proof(Proof::Session(id.to_string())));
            }
            Redirect::to("/sign-in").into_response()
        }
        Err(error) => {
            tracing::error!(error = %anyhow::Error::from(error), "a session cannot be ended");
            Refusal(Fault::internal()).into_response()
        }
    }
}

async fn setup(
    State(access): State<Access>,
    Extension(PeerAddress(address)): Extension<PeerAddress>,
    session: AuthSession,
    Form(typed): Form<SetUp>,
) -> Response {
    // The token goes back only to whoever has just shown it.
    let again = |fault: &str| {
        let token: String = typed
            .token
            .chars()
            .filter(char::is_ascii_hexdigit)
            .take(64)
            .collect();
        Redirect::to(&format!("/setup?token={token}&fault={fault}")).into_response()
    };
    if !access.setup.fits(&typed.token, Instant::now()) {
        access
            .note(
                &typed.name,
                address,
                "user.setup",
                AuditOutcome::Refused,
                "The setup link does not hold.",
            )
            .await;
        return Redirect::to("/setup?fault=token").into_response();
    }
    if typed.password != typed.repeat {
        return again("mismatch");
    }
    match password::check(&typed.password) {
        Ok(()) => {}
        Err(WeakPassword::Short) => return again("weak"),
        Err(WeakPassword::Long) => return again("long"),
    }
    let hash = match access.hasher.hash(typed.password.clone()).await {
        Ok(hash) => hash,
        Err(error) => {
            tracing::error!(%error, "the first password cannot be hashed");
            return again("busy");
        }
    };
    let adding = access.users.add_first(&typed.name, &hash);
    let said = "Made the first administrator.";
    let added = access.act(&typed.name, address, "user.setup", adding, said);
    match added.await {
        Ok(id) => {
            access.setup.close();
            match access.users.by_id(id).await {
                Ok(Some(user)) if begin(session, &user).await.is_ok() => Redirect::to("/").into_response(),
                _ => Redirect::to("/sign-in").into_response(),
            }
        }
        Err(ActError::Failed(UserError::BadName(_))) => again("name"),
        Err(ActError::Failed(UserError::NotFirst | UserError::Taken(_))) => {
            access.setup.close();
            Redirect::to("/setup?fault=token").into_response()
        }
        Err(error) => {
            tracing::error!(%error, "the first user cannot be written");
            again("busy")
        }
    }
}

async fn ticket(State(access): State<Access>, identity: Option<Extension<Identity>>) -> Response {
    let Some(Extension(identity)) = identity else {
        return Refusal(Fault::unauthenticated()).into_response();
    };
    match access.tickets.give(identity, Instant::now()) {
        Some(ticket) => Json(Ticket {
            ticket,
            expires_in: TICKET_SECS,
        })
        .into_response(),
        None => Refusal(Fault::limited("Too many tickets are open.", 30)).into_response(),
    }
}

impl Access {
    /// Writes to the audit log what was not done. It is refused whether it can be written or not.
    pub(super) async fn note(
        &self,
        who: &str,
        from: IpAddr,
        what: &str,
        outcome: AuditOutcome,
        detail: &str,
    ) {
        let entry = entry(who, from, what, outcome, detail);
        if let Err(error) = self.audit.record(entry).await {
            tracing::error!(%error, what, "the audit log cannot be written");
        }
    }

    /// Does it with its audit entry, or not at all.
    pub(super) async fn act<T, E: std::error::Error + 'static>(
        &self,
        who: &str,
        from: IpAddr,
        what: &str,
        doing: impl Future<Output = Result<T, E>>,
        said: &str,
    ) -> Result<T, ActError<E>> {
        let entry = entry(who, from, what, AuditOutcome::Started, "");
        self.audit.act(entry, doing, |_| said.to_owned()).await
    }
}

fn entry(who: &str, from: IpAddr, what: &str, outcome: AuditOutcome, detail: &str) -> NewEntry {
    NewEntry {
        who: who.chars().filter(|c| !c.is_control()).take(64).collect(),
        from: from.to_string(),
        what: what.to_owned(),
        params: "{}".to_owned(),
        run: None,
        outcome,
        detail: detail.to_owned(),
    }
}

/// Back to a form, with where the person wanted to go.
pub(super) fn back(path: &str, next: &str) -> Response {
    Redirect::to(&format!("{path}&next={}", encode(next))).into_response()
}

/// Only a path on this server; anything else is the overview.
pub(super) fn safe_next(next: &str) -> String {
    let safe = next.starts_with('/')
        && !next.starts_with("//")
        && next.len() <= 2048
        && !next.contains('\\')
        && next.chars().all(|c| c.is_ascii_graphic());
    if safe { next.to_owned() } else { "/".to_owned() }
}

/// Percent-encoding of a query value (RFC 3986 section 2).
pub fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_always_on_this_server() {
        assert_eq!(safe_next("/audit?text=a"), "/audit?text=a");
        for bad in [
            "",
            "audit",
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "/a\r\nset-cookie: x",
        ] {
            assert_eq!(safe_next(bad), "/", "{bad:?}");
        }
    }

    #[test]
    fn a_query_value_is_encoded_whole() {
        assert_eq!(encode("/a?b=c&d é"), "/a%3Fb%3Dc%26d%20%C3%A9");
    }
}
