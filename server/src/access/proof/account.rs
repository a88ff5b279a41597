//! One's own account: plain forms that change how one proves who one is. Each asks for a proof that is still fresh, is written
//! to the audit log before it is done, and goes back to the page `/account` with what came of it.

use super::again::person;
use crate::{
    access::{
        Access,
        backend::AuthSession,
        forms::begin,
        password,
        throttle::{Try, Verdict},
        users::User,
    },
    audit::NewEntry,
    live::{Identity, PeerAddress},
    time::now_ms,
};
use axum::{
    Form, Router,
    extract::{FromRequestParts, State},
    response::{IntoResponse, Redirect, Response},
    routing::post,
};
use farol_model::audit::AuditOutcome;
use http::{HeaderMap, request::Parts};
use serde::Deserialize;
use std::{
    future::Future,
    net::{IpAddr, Ipv4Addr},
    time::Instant,
};

pub fn routes() -> Router<Access> {
    Router::new()
        .route("/api/account/totp/begin", post(totp_begin))
        .route("/api/account/totp/confirm", post(totp_confirm))
        .route("/api/account/totp/remove", post(totp_remove))
        .route("/api/account/recovery", post(recovery_renew))
        .route("/api/account/password", post(change_password))
        .route("/api/account/passkeys/remove", post(passkey_remove))
}

#[derive(Deserialize)]
struct OneCode {
    #[serde(default)]
    code: String,
}

#[derive(Deserialize)]
struct OneId {
    #[serde(default)]
    id: i64,
}

#[derive(Deserialize)]
struct NewPassword {
    #[serde(default)]
    current: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    repeat: String,
}

/// What every form here begins with, before anything that was typed is looked at: who it is, from where, and that the proof is
/// fresh.
pub(super) struct Owner {
    pub user: User,
    pub session: String,
    pub address: IpAddr,
}

/// Where to go instead: to sign in, to prove it, or back to what cannot be done right now.
pub(super) struct Elsewhere(pub &'static str);

impl IntoResponse for Elsewhere {
    fn into_response(self) -> Response {
        Redirect::to(self.0).into_response()
    }
}

impl FromRequestParts<Access> for Owner {
    type Rejection = Elsewhere;

    async fn from_request_parts(parts: &mut Parts, access: &Access) -> Result<Self, Elsewhere> {
        let stranger = || Elsewhere("/sign-in?fault=expired&next=/account");
        let session = AuthSession::from_request_parts(parts, access).await;
        let session = session.map_err(|_| stranger())?;
        let user = person(parts.extensions.get::<Identity>(), &session);
        let id = session.session.id().map(|id| id.to_string());
        let (Some(user), Some(session)) = (user, id) else {
            return Err(stranger());
        };
        let address = parts.extensions.get::<PeerAddress>().map(|peer| peer.0);
        match access.proven_ms(&session).await {
            Ok(proven_ms) if access.still_fresh(proven_ms) => Ok(Owner {
                user,
                session,
                address: address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
            }),
            Ok(_) => Err(Elsewhere("/prove?next=/account")),
            Err(_) => Err(Elsewhere("/account?told=broken")),
        }
    }
}

/// Writes that it begins, does it, writes how it ended. What cannot be written is not done. The word that is told.
pub(super) async fn audited(
    access: &Access,
    owner: &Owner,
    what: &str,
    work: impl Future<Output = Result<Told, String>>,
) -> &'static str {
    let entry = NewEntry {
        who: owner.user.name.clone(),
        from: owner.address.to_string(),
        what: what.to_owned(),
        params: "{}".to_owned(),
        run: None,
        outcome: AuditOutcome::Started,
        detail: String::new(),
    };
    let id = match access.audit.record(entry).await {
        Ok(id) => id,
        Err(error) => {
            tracing::error!(%error, what, "the audit log cannot be written; a change of an account was refused");
            return "audit";
        }
    };
    let (outcome, detail, told) = match work.await {
        Ok(told) => (told.outcome, told.detail, told.word),
        Err(error) => {
            tracing::error!(error, what, "an account cannot be changed");
            (AuditOutcome::Failed, "The server failed.", "broken")
        }
    };
    if let Err(error) = access.audit.complete(id, outcome, detail).await {
        tracing::error!(%error, what, "an audit entry cannot be completed");
    }
    told
}

/// How a change ended: for the audit log, and the word that the page has sentences for.
pub(super) struct Told {
    outcome: AuditOutcome,
    detail: &'static str,
    word: &'static str,
}

pub(super) fn done(word: &'static str, detail: &'static str) -> Result<Told, String> {
    Ok(Told {
        outcome: AuditOutcome::Succeeded,
        detail,
        word,
    })
}

pub(super) fn not_done(word: &'static str, detail: &'static str) -> Result<Told, String> {
    Ok(Told {
        outcome: AuditOutcome::Refused,
        detail,
        word,
    })
}

pub(super) fn failed(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn told(word: &str) -> Response {
    Redirect::to(&format!("/account?told={word}")).into_response()
}

async fn totp_begin(State(access): State<Access>, owner: Owner) -> Response {
    let work = async {
        match access.proofs.totp.begin(owner.user.id).await.map_err(failed)? {
            true => done("scan", "Began to set up an authenticator app."),
            false => not_done("have", "An authenticator app is set up already."),
        }
    };
    told(audited(&access, &owner, "account.totp_begin", work).await)
}

async fn totp_confirm(State(access): State<Access>, owner: Owner, Form(typed): Form<OneCode>) -> Response {
    let user_id = owner.user.id;
    let work = async {
        let confirmed = access.proofs.totp.confirm(user_id, &typed.code, now_ms()).await;
        if !confirmed.map_err(failed)? {
            return not_done("code", "The code is wrong.");
        }
        let codes = access.proofs.recovery.renew(user_id).await.map_err(failed)?;
        access
            .proofs
            .shown_once
            .put(&owner.session, codes, Instant::now());
        done("on", "Sign-in asks for a code from now on.")
    };
    told(audited(&access, &owner, "account.totp_confirm", work).await)
}

async fn totp_remove(State(access): State<Access>, owner: Owner) -> Response {
    let work = async {
        let removed = access.proofs.totp.remove(owner.user.id).await.map_err(failed)?;
        access
            .proofs
            .recovery
            .remove(owner.user.id)
            .await
            .map_err(failed)?;
        match removed {
            true => done("off", "Sign-in asks for no code any more."),
            false => not_done("none", "There was no authenticator app."),
        }
    };
    told(audited(&access, &owner, "account.totp_remove", work).await)
}

async fn recovery_renew(State(access): State<Access>, owner: Owner) -> Response {
    let user_id = owner.user.id;
    let work = async {
        if !access.proofs.totp.enrolled(user_id).await.map_err(failed)? {
            return not_done(
                "none",
                "There is no authenticator app that they could stand in for.",
            );
        }
        let codes = access.proofs.recovery.renew(user_id).await.map_err(failed)?;
        access
            .proofs
            .shown_once
            .put(&owner.session, codes, Instant::now());
        done("codes", "Made new recovery codes.")
    };
    told(audited(&access, &owner, "account.recovery_codes", work).await)
}

async fn passkey_remove(State(access): State<Access>, owner: Owner, Form(typed): Form<OneId>) -> Response {
    let work = async {
        let removed = access.proofs.passkeys.remove(owner.user.id, typed.id).await;
        match removed.map_err(failed)? {
            Some(_) => done("passkey_off", "Removed a passkey."),
            None => not_done("gone", "There is no such passkey."),
        }
    };
    told(audited(&access, &owner, "account.passkey_remove", work).await)
}

/// The current password is proof enough, and the one that is asked for. Every session of the account ends; this one goes on
/// under a new id.
async fn change_password(
    State(access): State<Access>,
    owner: Owner,
    headers: HeaderMap,
    session: AuthSession,
    Form(typed): Form<NewPassword>,
) -> Response {
    let user = &owner.user;
    let known = access.proofs.browsers.known(user.id, &headers).await;
    let tried = Try::of_account(&format!("prove {}", user.id), owner.address, known.as_deref());
    if let Verdict::Wait { .. } = access.throttle.attempt(&tried, Instant::now()) {
        return told("throttled");
    }
    let work = async {
        if typed.password != typed.repeat {
            return not_done("mismatch", "The new passwords differ.");
        }
        if let Err(weak) = password::check(&typed.password) {
            return match weak {
                password::WeakPassword::Short => not_done("weak", "The new password is too short."),
                password::WeakPassword::Long => not_done("long", "The new password is too long."),
            };
        }
        let current = Some(user.password.clone());
        if !access
            .hasher
            .verify(typed.current, current)
            .await
            .map_err(failed)?
        {
            return not_done("current", "The current password is wrong.");
        }
        access.throttle.succeeded(&tried);
        let hash = access.hasher.hash(typed.password).await.map_err(failed)?;
        access
            .users
            .set_password(&user.name, &hash)
            .await
            .map_err(failed)?;
        let fresh = access.users.by_id(user.id).await.map_err(failed)?;
        if let Some(fresh) = fresh {
            // Without a new session the person signs in again, with the new password.
            let _ = begin(session.clone(), &fresh).await;
        }
        done("password", "Changed the password; every other session has ended.")
    };
    told(audited(&access, &owner, "account.password", work).await)
}
