//! Turns the proof on a request into an [`Identity`] in its extensions. A proof that does not hold is no identity, never an
//! error: what wants one says 401 itself.

use super::{Access, Identity, backend::AuthSession, users::User};
use crate::{live::Proof, time::now_ms};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, header};

/// Session key: when the person signed in, milliseconds.
pub const SIGNED_IN_MS: &str = "signed_in_ms";
/// Session key: when the session was last prolonged, milliseconds.
const SEEN_MS: &str = "seen_ms";
/// A session is prolonged at most this often, so that not every request writes to the disk.
const PROLONG_EVERY_MS: i64 = 60_000;

/// The request carries a bearer token. Such a request has no ambient authority: no browser sends it by itself.
#[derive(Debug, Clone, Copy)]
pub struct ByBearer;

/// Layer: places [`Identity`] and, for tokens, [`ByBearer`].
pub async fn identify(
    State(access): State<Access>,
    session: AuthSession,
    mut request: Request,
    next: Next,
) -> Response {
    if let Some(token) = bearer(request.headers()) {
        match access.tokens.find(token).await {
            Ok(Some((id, user))) => {
                request.extensions_mut().insert(Identity {
                    viewer: user.viewer(),
                    proof: Proof::Token(id),
                });
                request.extensions_mut().insert(ByBearer);
            }
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "an API token cannot be looked up"),
        }
    } else if let Some(identity) = of_session(&access, &session, by_itself(&request)).await {
        request.extensions_mut().insert(identity);
    }
    next.run(request).await
}

/// The token of `Authorization: Bearer` (RFC 6750 section 2.1).
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whether the page asks without anybody having done anything, as a table does that is read anew each second. It says so in
/// its query. Such a request must not keep a session alive.
fn by_itself(request: &Request) -> bool {
    let query = request.uri().query().unwrap_or_default();
    query.split('&').any(|pair| pair == "by_itself=true")
}

async fn of_session(access: &Access, session: &AuthSession, by_itself: bool) -> Option<Identity> {
    let user: &User = session.user.as_ref()?;
    let id = session.session.id()?;
    let signed_in_ms: i64 = session.session.get(SIGNED_IN_MS).await.ok()??;
    let now_ms = now_ms();
    if expired(access, signed_in_ms, now_ms) {
        return None;
    }
    let seen_ms: i64 = session
        .session
        .get(SEEN_MS)
        .await
        .ok()
        .flatten()
        .unwrap_or_default();
    if !by_itself
        && now_ms - seen_ms > PROLONG_EVERY_MS
        && let Err(error) = session.session.insert(SEEN_MS, now_ms).await
    {
        tracing::warn!(%error, "a session cannot be prolonged");
    }
    Some(Identity {
        viewer: user.viewer(),
        proof: Proof::Session(id.to_string()),
    })
}

/// Whether a session of this age has reached its absolute end.
pub fn expired(access: &Access, signed_in_ms: i64, now_ms: i64) -> bool {
    now_ms - signed_in_ms > i64::from(access.config.absolute_hours) * 3_600_000
}
