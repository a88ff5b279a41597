//! The two routes: off to the provider, and back from it.

use super::{
    Oidc,
    accounts::{self, Found, NoAccount},
    claims,
    flights::{Flight, LASTS},
    provider::ProviderFault,
};
use crate::{
    access::{
        Access,
        backend::AuthSession,
        forms::{back, safe_next},
        proof::attempts::{Origin, Way},
        throttle::{Try, Verdict},
        tokens::random_hex,
        users::User,
    },
    live::PeerAddress,
};
use axum::{
    Extension, Router,
    extract::{Query, State},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use farol_model::audit::AuditOutcome;
use http::{HeaderMap, HeaderValue, header};
use openidconnect::{
    AuthenticationFlow, CsrfToken, Nonce, PkceCodeChallenge, Scope,
    core::{CoreAuthPrompt, CoreResponseType},
};
use serde::Deserialize;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// Ties a flight to the browser that began it (RFC 6749 section 10.12).
const COOKIE: &str = "__Host-farol-sso";

pub fn routes() -> Router<Access> {
    Router::new()
        .route("/api/auth/oidc/begin", get(begin))
        .route("/api/auth/oidc/callback", get(callback))
}

#[derive(Deserialize)]
struct Begin {
    #[serde(default)]
    next: String,
    /// Whether the provider is to ask again even if it remembers the person.
    #[serde(default)]
    again: bool,
}

#[derive(Deserialize)]
struct Callback {
    #[serde(default)]
    code: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    error: String,
}

async fn begin(
    State(access): State<Access>,
    Extension(PeerAddress(address)): Extension<PeerAddress>,
    headers: HeaderMap,
    Query(asked): Query<Begin>,
) -> Response {
    let next = safe_next(&asked.next);
    let Some(oidc) = access.oidc.clone() else {
        return back("/sign-in?fault=provider", &next);
    };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let redirect_uri = oidc.redirect_uri(host.unwrap_or_default());
    let client = match oidc.provider.client(&redirect_uri).await {
        Ok(client) => client,
        Err(error) => {
            tracing::warn!(%error, "single sign-on cannot begin");
            return back("/sign-in?fault=unreachable", &next);
        }
    };
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let flow = AuthenticationFlow::<CoreResponseType>::AuthorizationCode;
    let mut request = client
        .authorize_url(flow, CsrfToken::new_random, Nonce::new_random)
        .set_pkce_challenge(challenge)
        .add_scopes(oidc.config.scopes.iter().cloned().map(Scope::new));
    if asked.again {
        request = request
            .add_prompt(CoreAuthPrompt::Login)
            .set_max_age(Duration::ZERO);
    }
    let (away, state, nonce) = request.url();
    let flight = Flight {
        nonce,
        verifier,
        redirect_uri,
        next,
    };
    let browser = random_hex();
    oidc.flights
        .put(state.secret(), &browser, address, flight, Instant::now());
    let mut response = Redirect::to(away.as_str()).into_response();
    set(&mut response, &browser, LASTS.as_secs());
    response
}

async fn callback(
    State(access): State<Access>,
    Extension(PeerAddress(address)): Extension<PeerAddress>,
    headers: HeaderMap,
    session: AuthSession,
    Query(came): Query<Callback>,
) -> Response {
    let from = Origin::new(address, &headers);
    let tried = Try::of_address(address);
    if let Verdict::Wait { left, .. } = access.throttle.attempt(&tried, Instant::now()) {
        let wait = format!("/sign-in?fault=throttled&retry_after={}", left.as_secs() + 1);
        return back(&wait, "/");
    }
    let Some(oidc) = access.oidc.clone() else {
        return back("/sign-in?fault=provider", "/");
    };
    let browser = cookie(&headers).unwrap_or_default();
    let flight = oidc.flights.take(&came.state, browser, Instant::now());
    let next = flight
        .as_ref()
        .map_or_else(|| "/".to_owned(), |flight| flight.next.clone());
    let (fault, why) = match signed(&access, &oidc, came, flight).await {
        Ok(user) => {
            access.throttle.succeeded(&tried);
            let mut response = access
                .first_step_done(session, &user, &from, &headers, Way::Provider, &next)
                .await;
            set(&mut response, "", 0);
            return response;
        }
        Err(refused) => refused,
    };
    tracing::warn!(why, "a single sign-on was refused");
    metrics::counter!("farol_sign_ins_total", "result" => "bad").increment(1);
    let detail = format!("Single sign-on: {why}.");
    access
        .note("", address, "session.sign_in", AuditOutcome::Refused, &detail)
        .await;
    let mut response = back(&format!("/sign-in?fault={fault}"), &next);
    set(&mut response, "", 0);
    response
}

/// Who came back, or the word for the page and the sentence for the logs.
async fn signed(
    access: &Access,
    oidc: &Arc<Oidc>,
    came: Callback,
    flight: Option<Flight>,
) -> Result<User, (&'static str, String)> {
    let Some(flight) = flight else {
        let why = "the state is unknown, used, too old, or of another browser";
        return Err(("provider", why.to_owned()));
    };
    if !came.error.is_empty() || came.code.is_empty() {
        let error: String = came
            .error
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
            .take(64)
            .collect();
        return Err(("provider", format!("the provider says `{error}`")));
    }
    let claims = oidc
        .provider
        .claims(&flight.redirect_uri, came.code, flight.verifier, &flight.nonce)
        .await
        .map_err(|error| match error {
            ProviderFault::Unreachable(_) => ("unreachable", error.to_string()),
            ProviderFault::Refused(_) => ("provider", error.to_string()),
        })?;
    let person = claims::person(&oidc.config, &claims).map_err(|error| ("stranger", error.to_string()))?;
    let found = accounts::account(&access.pool, &access.hasher, oidc.provider.issuer(), &person).await;
    let (user, found) = found.map_err(|error| match error {
        NoAccount::Taken(_) => ("taken", error.to_string()),
        NoAccount::Disabled | NoAccount::User(_) => ("stranger", error.to_string()),
        NoAccount::Database(_) | NoAccount::Hash(_) => ("busy", error.to_string()),
    })?;
    let told = match found {
        Found::Known => return Ok(user),
        Found::Made => (
            "user.add",
            format!("Added {} as {}: single sign-on.", user.name, user.role),
        ),
        Found::RoleChanged => (
            "user.role",
            format!("{} is {} now: single sign-on.", user.name, user.role),
        ),
    };
    let nobody = std::net::IpAddr::from([0, 0, 0, 0]);
    access
        .note(&user.name, nobody, told.0, AuditOutcome::Succeeded, &told.1)
        .await;
    Ok(user)
}

fn set(response: &mut Response, value: &str, max_age_secs: u64) {
    let cookie = format!("{COOKIE}={value}; Path=/; Max-Age={max_age_secs}; HttpOnly; Secure; SameSite=Lax");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}
