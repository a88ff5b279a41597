//! Turns the proof on a request into an [`Identity`] in its extensions. A proof that does not hold is no identity, never an
//! error: what wants one says 401 itself.

use super::{Access, Identity, backend::AuthSession, users::User};
use crate::{
    live::{PeerAddress, Proof},
    time::now_ms,
};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, header};
use std::net::IpAddr;

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
            Ok(Some(held)) => {
                request.extensions_mut().insert(access.by(&held));
                request.extensions_mut().insert(ByBearer);
            }
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "an API token cannot be looked up"),
        }
    } else if let Some(identity) = of_session(&access, &session, Asked::by(&request)).await {
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

/// What a request says beside its proof.
struct Asked {
    by_itself: bool,
    address: Option<IpAddr>,
    device: String,
}

impl Asked {
    fn by(request: &Request) -> Self {
        let device = request.headers().get(header::USER_AGENT);
        Asked {
            by_itself: by_itself(request),
            address: request.extensions().get::<PeerAddress>().map(|peer| peer.0),
            device: device.map_or_else(String::new, |device| {
                String::from_utf8_lossy(device.as_bytes()).into_owned()
            }),
        }
    }
}

async fn of_session(access: &Access, session: &AuthSession, asked: Asked) -> Option<Identity> {
    let user: &User = session.user.as_ref()?;
    let id = session.session.id()?;
    let signed_in_ms: i64 = session.session.get(SIGNED_IN_MS).await.ok()??;
    let now_ms = now_ms();
    if expired(access, signed_in_ms, now_ms) {
        return None;
    }
    match access.sessions.is_ended(&id.to_string()).await {
        Ok(false) => {}
        Ok(true) => return None,
        Err(error) => {
            tracing::error!(%error, "a session cannot be looked up");
            return None;
        }
    }
    let seen_ms: i64 = session
        .session
        .get(SEEN_MS)
        .await
        .ok()
        .flatten()
        .unwrap_or_default();
    if !asked.by_itself && now_ms - seen_ms > PROLONG_EVERY_MS {
        if let Err(error) = session.session.insert(SEEN_MS, now_ms).await {
            tracing::warn!(%error, "a session cannot be prolonged");
        }
        let name = id.to_string();
        let seen = access
            .sessions
            .seen(&name, user, signed_in_ms, asked.address, &asked.device);
        if let Err(error) = seen.await {
            tracing::warn!(%error, "where a session is used from cannot be written");
        }
    }
    Some(Identity {
        viewer: access.roles.viewer(user, None),
        proof: Proof::Session(id.to_string()),
    })
}

/// Whether a session of this age has reached its absolute end.
pub fn expired(access: &Access, signed_in_ms: i64, now_ms: i64) -> bool {
    now_ms - signed_in_ms > i64::from(access.config.absolute_hours) * 3_600_000
}
