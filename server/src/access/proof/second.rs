//! The second step of a sign-in: a code of the authenticator app, or a recovery code. And the end of every sign-in, whatever way
//! it came: [`Access::let_in`].

use super::{
    attempts::{Origin, Outcome, Way},
    browsers::Known,
    totp::TotpFault,
};
use crate::{
    access::{
        Access,
        backend::AuthSession,
        forms::{back, begin, encode, safe_next},
        throttle::{Try, Verdict},
        users::User,
    },
    live::{Ending, PeerAddress, Proof},
    time::now_ms,
};
use axum::{
    Extension, Form,
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use farol_model::audit::AuditOutcome;
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// Session key: somebody has shown the password and not yet a code.
pub const HALF_WAY: &str = "half_way";
/// The code must come within this, milliseconds.
const WITHIN_MS: i64 = 5 * 60_000;

#[derive(Clone, Serialize, Deserialize)]
struct HalfWay {
    user_id: i64,
    auth_hash: Vec<u8>,
    since_ms: i64,
}

/// A form with one code.
#[derive(Deserialize)]
pub struct Code {
    #[serde(default)]
    pub code: String,
    #[serde(default)]
    pub next: String,
}

/// What kind of code it was, when it was right.
pub(super) async fn accepted(access: &Access, user_id: i64, code: &str) -> Result<Option<Way>, TotpFault> {
    let code = code.trim();
    let is_short = code.chars().filter(|c| !c.is_whitespace()).count() <= 6;
    // One that was sealed with another key is no reason to refuse a recovery code.
    if is_short {
        let fits = access.proofs.totp.accept(user_id, code, now_ms()).await?;
        return Ok(fits.then_some(Way::Code));
    }
    let fits = access.proofs.recovery.accept(user_id, code).await?;
    Ok(fits.then_some(Way::RecoveryCode))
}

/// `POST /api/auth/code`.
pub async fn code(
    State(access): State<Access>,
    Extension(PeerAddress(address)): Extension<PeerAddress>,
    headers: HeaderMap,
    session: AuthSession,
    Form(typed): Form<Code>,
) -> Response {
    let next = safe_next(&typed.next);
    let from = Origin::new(address, &headers);
    let Some(user) = half_way(&access, &session).await else {
        return back("/sign-in?fault=late", &next);
    };
    let known = access.proofs.browsers.known(user.id, &headers).await;
    let tried = Try::of_account(&format!("code {}", user.id), address, known.as_deref());
    if let Verdict::Wait { left, news } = access.throttle.attempt(&tried, Instant::now()) {
        if news {
            access
                .proofs
                .attempts
                .note(user.id, &from, Way::Code, Outcome::SlowedDown)
                .await;
        }
        return back(&throttled("/sign-in/code", left), &next);
    }
    match accepted(&access, user.id, &typed.code).await {
        Ok(Some(way)) => {
            access.throttle.succeeded(&tried);
            access.let_in(session, &user, &from, &headers, way, &next).await
        }
        Ok(None) => {
            access
                .refused(&user, &from, Way::Code, "The code is wrong or used.")
                .await;
            back("/sign-in/code?fault=code", &next)
        }
        Err(error) => {
            tracing::error!(%error, "a code cannot be checked");
            back("/sign-in/code?fault=broken", &next)
        }
    }
}

/// Who has shown a password in this session a short while ago.
async fn half_way(access: &Access, session: &AuthSession) -> Option<User> {
    let half: HalfWay = session.session.get(HALF_WAY).await.ok()??;
    if !(0..=WITHIN_MS).contains(&(now_ms() - half.since_ms)) {
        return None;
    }
    let user = access.users.by_id(half.user_id).await.ok()??;
    (!user.disabled && user.auth_hash == half.auth_hash).then_some(user)
}

/// The address of a form that says how long to wait.
pub(super) fn throttled(form: &str, left: std::time::Duration) -> String {
    format!("{form}?fault=throttled&retry_after={}", left.as_secs() + 1)
}

impl Access {
    /// The password was right (or a provider vouches): lets in, or asks for the second step.
    pub async fn first_step_done(
        &self,
        session: AuthSession,
        user: &User,
        from: &Origin,
        headers: &HeaderMap,
        way: Way,
        next: &str,
    ) -> Response {
        match self.proofs.has_second_step(user.id).await {
            Ok(false) => self.let_in(session, user, from, headers, way, next).await,
            Ok(true) => {
                let half = HalfWay {
                    user_id: user.id,
                    auth_hash: user.auth_hash.clone(),
                    since_ms: now_ms(),
                };
                // Whoever was signed in here is not any more: the person has said to be somebody.
                if let Some(before) = session.session.id() {
                    self.ended(Ending::Proof(Proof::Session(before.to_string())));
                }
                let kept = async {
                    session.session.flush().await?;
                    session.session.insert(HALF_WAY, half).await
                };
                if let Err(error) = kept.await {
                    tracing::error!(%error, "a session cannot be written");
                    return back("/sign-in?fault=busy&retry_after=5", next);
                }
                metrics::counter!("farol_sign_ins_total", "result" => "half_way").increment(1);
                self.proofs
                    .attempts
                    .note(user.id, from, way, Outcome::HalfWay)
                    .await;
                Redirect::to(&format!("/sign-in/code?next={}", encode(next))).into_response()
            }
            Err(error) => {
                tracing::error!(%error, "a sign-in cannot be checked");
                back("/sign-in?fault=busy&retry_after=30", next)
            }
        }
    }

    /// Everything was shown that must be: the session begins, and the browser is known from now on.
    pub async fn let_in(
        &self,
        session: AuthSession,
        user: &User,
        from: &Origin,
        headers: &HeaderMap,
        way: Way,
        next: &str,
    ) -> Response {
        let detail = format!("Signed in by {}.", way.words());
        let beginning = begin(session, user);
        let begun = self.act(&user.name, from.address, "session.sign_in", beginning, &detail);
        if let Err(error) = begun.await {
            tracing::error!(error = %anyhow::Error::from(error), "a session cannot be begun");
            return back("/sign-in?fault=busy&retry_after=5", next);
        }
        metrics::counter!("farol_sign_ins_total", "result" => "good").increment(1);
        self.proofs
            .attempts
            .note(user.id, from, way, Outcome::SignedIn)
            .await;
        let mut response = Redirect::to(next).into_response();
        if let Some(cookie) = self.proofs.browsers.remember(user.id, headers).await {
            response.extensions_mut().insert(Known(cookie));
        }
        response
    }

    /// A second factor was wrong: written down for the audit log and for the account's owner.
    pub async fn refused(&self, user: &User, from: &Origin, way: Way, detail: &str) {
        metrics::counter!("farol_sign_ins_total", "result" => "bad").increment(1);
        self.note(
            &user.name,
            from.address,
            "session.sign_in",
            AuditOutcome::Refused,
            detail,
        )
        .await;
        self.proofs
            .attempts
            .note(user.id, from, way, Outcome::Refused)
            .await;
    }
}
