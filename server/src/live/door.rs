//! What every carrier asks before it lets somebody in: is the page ours (403), are we staying (503), does the proof hold
//! (401), is there a place (429, 503).

use super::{
    Identity, Live,
    client::Newcomer,
    registry::{Refusal, Seat},
};
use axum::{
    extract::{ConnectInfo, FromRequestParts},
    response::{IntoResponse, Response},
};
use farol_model::{connection::Carrier, wire::Encoding};
use http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts};
use std::{
    borrow::Cow,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

/// Address of the peer, placed by a layer that knows which proxies to trust. Without it the socket's own counts.
#[derive(Debug, Clone, Copy)]
pub struct PeerAddress(pub IpAddr);

/// Placed by a layer that saw a session cookie which proves nobody (expired, signed out, forged): such a request is
/// refused with 401. One without any proof may still connect and prove itself in its connect command.
#[derive(Debug, Clone, Copy)]
pub struct BadProof;

/// Seconds that a refused client is asked to wait.
const RETRY_AFTER_SECS: u16 = 5;

/// Somebody at the door whose page and proof, if there is one, are good.
#[derive(Debug, Clone)]
pub struct Visitor {
    pub address: IpAddr,
    pub agent: String,
    pub identity: Option<Arc<Identity>>,
}

/// A place in the house.
pub struct Admitted {
    pub seat: Seat,
    pub identity: Option<Arc<Identity>>,
}

impl FromRequestParts<Live> for Visitor {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, live: &Live) -> Result<Self, Refused> {
        if !(live.origin_allowed)(&parts.headers) {
            return Err(Refused::new(
                StatusCode::FORBIDDEN,
                "This page may not open a live connection here: its Origin is another one.",
            ));
        }
        if live.shutdown.is_cancelled() {
            return Err(Refused::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "The server is stopping. Connect again in a moment.",
            ));
        }
        let known = parts.extensions.get::<Identity>().cloned();
        let identity = match known {
            Some(identity) => Some(identity),
            None if parts.extensions.get::<BadProof>().is_some() => return Err(Refused::unproven()),
            None => by_bearer(live, &parts.headers).await?,
        };
        let socket = || Some(parts.extensions.get::<ConnectInfo<SocketAddr>>()?.0.ip());
        let address = parts.extensions.get::<PeerAddress>().map(|peer| peer.0);
        let agent = parts.headers.get(header::USER_AGENT);
        Ok(Visitor {
            address: address
                .or_else(socket)
                .unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
            agent: agent.map_or_else(String::new, |agent| {
                String::from_utf8_lossy(agent.as_bytes()).into_owned()
            }),
            identity: identity.map(Arc::new),
        })
    }
}

impl Visitor {
    /// Gives the visitor a place, or says which cap was reached.
    pub fn admit(self, live: &Live, carrier: Carrier, encoding: Encoding) -> Result<Admitted, Refused> {
        let newcomer = Newcomer {
            address: self.address,
            agent: self.agent,
            carrier,
            encoding,
        };
        let seat = live.registry.admit(newcomer).map_err(Refused::full)?;
        if let Some(identity) = &self.identity {
            seat.identify(identity).map_err(Refused::full)?;
        }
        Ok(Admitted {
            seat,
            identity: self.identity,
        })
    }

    /// The identity, for carriers that cannot be told a token later.
    pub fn signed_in(&self) -> Result<Arc<Identity>, Refused> {
        self.identity.clone().ok_or_else(Refused::unproven)
    }
}

/// The identity behind an `Authorization: Bearer` header, if there is one.
async fn by_bearer(live: &Live, headers: &HeaderMap) -> Result<Option<Identity>, Refused> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Ok(None);
    };
    let token = value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    let Some(token) = token else {
        return Err(Refused::unproven());
    };
    match live.gate.by_token(token).await {
        Ok(Some(identity)) => Ok(Some(identity)),
        Ok(None) => Err(Refused::unproven()),
        Err(fault) => {
            let status =
                StatusCode::from_u16(fault.code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            Err(Refused::new(status, fault.message))
        }
    }
}

/// Turned away at the door: a status and plain words, with `Retry-After` where waiting helps and `WWW-Authenticate` where
/// a proof does (RFC 9110, 10.2.3 and 11.6.1).
#[derive(Debug)]
pub struct Refused {
    status: StatusCode,
    pub message: Cow<'static, str>,
}

impl Refused {
    pub fn new(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        Refused {
            status,
            message: message.into(),
        }
    }

    fn unproven() -> Self {
        Refused::new(StatusCode::UNAUTHORIZED, "Sign in, or send a token that holds.")
    }

    fn full(refusal: Refusal) -> Self {
        let (status, message) = match refusal {
            Refusal::Process => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The server has as many live connections as it takes. Try again in a moment.",
            ),
            Refusal::Address => (
                StatusCode::TOO_MANY_REQUESTS,
                "Your address has too many live connections. Close some.",
            ),
            Refusal::User => (
                StatusCode::TOO_MANY_REQUESTS,
                "You have too many live connections. Close some tabs.",
            ),
        };
        Refused::new(status, message)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.message).into_response();
        let header = match self.status {
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                Some((header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECS)))
            }
            StatusCode::UNAUTHORIZED => Some((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
            _ => None,
        };
        if let Some((name, value)) = header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}
