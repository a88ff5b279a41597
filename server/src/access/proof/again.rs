//! Proving again who one is, inside a session: what step-up asks for before anything dangerous. Whoever has a second factor shows
//! it; whoever has none shows the password.

use super::{
    attempts::{Origin, Outcome, Way},
    second::{accepted, throttled},
    stepup::PROVEN_MS,
};
use crate::{
    access::{
        Access,
        backend::AuthSession,
        forms::{back, safe_next},
        throttle::{Try, Verdict},
        users::User,
    },
    live::{Identity, PeerAddress, Proof},
    time::now_ms,
};
use axum::{
    Extension, Form,
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use farol_model::audit::AuditOutcome;
use http::HeaderMap;
use serde::Deserialize;
use std::time::Instant;

/// What is shown: one of the two.
#[derive(Deserialize)]
pub struct Shown {
    #[serde(default)]
    password: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    next: String,
}

/// `POST /api/auth/prove`.
pub async fn prove(
    State(access): State<Access>,
    Extension(PeerAddress(address)): Extension<PeerAddress>,
    identity: Option<Extension<Identity>>,
    headers: HeaderMap,
    session: AuthSession,
    Form(shown): Form<Shown>,
) -> Response {
    let next = safe_next(&shown.next);
    let Some(user) = person(identity.as_deref(), &session) else {
        return back("/sign-in?fault=expired", &next);
    };
    let from = Origin::new(address, &headers);
    let known = access.proofs.browsers.known(user.id, &headers).await;
    let tried = Try::of_account(&format!("prove {}", user.id), address, known.as_deref());
    if let Verdict::Wait { left, news } = access.throttle.attempt(&tried, Instant::now()) {
        if news {
            access
                .proofs
                .attempts
                .note(user.id, &from, Way::Password, Outcome::SlowedDown)
                .await;
        }
        return back(&throttled("/prove", left), &next);
    }
    match right(&access, &user, shown).await {
        Ok(Some(way)) => {
            access.throttle.succeeded(&tried);
            match access.proven(&session, &user, &from, way).await {
                true => Redirect::to(&next).into_response(),
                false => back("/prove?fault=broken", &next),
            }
        }
        Ok(None) => {
            access
                .note(
                    &user.name,
                    address,
                    "session.prove",
                    AuditOutcome::Refused,
                    "The proof does not hold.",
                )
                .await;
            access
                .proofs
                .attempts
                .note(user.id, &from, Way::Password, Outcome::Refused)
                .await;
            back("/prove?fault=bad", &next)
        }
        Err(()) => back("/prove?fault=broken", &next),
    }
}

/// The person of a browser session; an API token is no person.
pub(super) fn person(identity: Option<&Identity>, session: &AuthSession) -> Option<User> {
    matches!(identity?.proof, Proof::Session(_))
        .then(|| session.user.clone())
        .flatten()
}

async fn right(access: &Access, user: &User, shown: Shown) -> Result<Option<Way>, ()> {
    let broken = |error: &dyn std::fmt::Display| tracing::error!(%error, "a proof cannot be checked");
    let second = access.proofs.has_second_step(user.id).await;
    if second.map_err(|error| broken(&error))? {
        return accepted(access, user.id, &shown.code)
            .await
            .map_err(|error| broken(&error));
    }
    let hash = Some(user.password.clone());
    let fits = access.hasher.verify(shown.password, hash).await;
    let fits = fits.map_err(|error| broken(&error))?;
    Ok(fits.then_some(Way::Password))
}

impl Access {
    /// Writes down that the person of this session has just shown a proof. False when it cannot be written.
    pub async fn proven(&self, session: &AuthSession, user: &User, from: &Origin, way: Way) -> bool {
        let written = async {
            session.session.insert(PROVEN_MS, now_ms()).await?;
            session.session.save().await
        };
        if let Err(error) = written.await {
            tracing::error!(%error, "a session cannot be written");
            return false;
        }
        let detail = format!("Proved again by {}.", way.words());
        self.note(
            &user.name,
            from.address,
            "session.prove",
            AuditOutcome::Succeeded,
            &detail,
        )
        .await;
        true
    }
}
