//! The WebSocket carrier: `GET /connection/websocket` (RFC 6455).
//!
//! It decides what can be decided before the upgrade (403 origin, 401 bad proof, 429 and 503 caps and drain), sets the
//! buffers, and hands messages to [`super::session`]. It knows nothing of commands.

use super::{
    Identity, Live,
    registry::Refusal,
    session::{self, CarrierError, Outbound, Peer},
};
use axum::{
    Extension,
    extract::{
        ConnectInfo, State, WebSocketUpgrade,
        ws::{CloseFrame, Message, Utf8Bytes, WebSocket, rejection::WebSocketUpgradeRejection},
    },
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use farol_model::wire::{Encoding, codes::Disconnect};
use futures::{SinkExt, StreamExt, future};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The subprotocol that chooses Protobuf; without it messages are JSON.
pub const PROTOBUF_SUBPROTOCOL: &str = "centrifuge-protobuf";

/// Address of the peer, placed by a layer that knows which proxies to trust. Without it the socket's own counts.
#[derive(Debug, Clone, Copy)]
pub struct PeerAddress(pub IpAddr);

/// Placed by a layer that saw a session cookie which proves nobody (expired, signed out, forged): such an upgrade is
/// refused with 401. A request without any proof may still connect and prove itself in its connect command.
#[derive(Debug, Clone, Copy)]
pub struct BadProof;

/// Read buffer per connection, bytes. The library's default, allocated at once, is 128 KiB.
const READ_BUFFER_BYTES: usize = 4 * 1024;
/// Messages are flushed one by one, so nothing is gained by collecting more.
const WRITE_BUFFER_BYTES: usize = 8 * 1024;
/// A message of more than this many times the limit is refused by the length in its header, unread, and the connection
/// is cut. One between is read and refused by the session, whose goodbye then surely arrives.
const REFUSED_BY_HEADER: usize = 2;
/// Largest message that can be written, bytes. One is written at a time; the largest are whole process tables.
const MAX_WRITE_BUFFER_BYTES: usize = 64 * 1024 * 1024;
/// Seconds that a refused client is asked to wait.
const RETRY_AFTER_SECS: u16 = 5;

/// See the module.
pub async fn upgrade(
    State(live): State<Live>,
    identity: Option<Extension<Identity>>,
    bad_proof: Option<Extension<BadProof>>,
    address: Option<Extension<PeerAddress>>,
    socket: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    if !(live.origin_allowed)(&headers) {
        return refuse(
            StatusCode::FORBIDDEN,
            "This page may not open a live connection here: its Origin is another one.",
        );
    }
    if live.shutdown.is_cancelled() {
        return refuse(
            StatusCode::SERVICE_UNAVAILABLE,
            "The server is stopping. Connect again in a moment.",
        );
    }
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return rejection.into_response(),
    };
    let identity = match identity {
        Some(Extension(identity)) => Some(identity),
        None if bad_proof.is_some() => return unauthorized(),
        None => match by_bearer(&live, &headers).await {
            Ok(identity) => identity,
            Err(response) => return *response,
        },
    };
    let address = address
        .map(|Extension(PeerAddress(address))| address)
        .or_else(|| socket.map(|Extension(ConnectInfo(socket))| socket.ip()))
        .unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let seat = match live.registry.admit(address) {
        Ok(seat) => seat,
        Err(refusal) => return too_many(refusal),
    };
    if let Some(identity) = &identity
        && let Err(refusal) = seat.identify(identity)
    {
        return too_many(refusal);
    }
    let limits = live.limits.clone();
    let upgrade = upgrade
        .protocols([PROTOBUF_SUBPROTOCOL])
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_write_buffer_size(MAX_WRITE_BUFFER_BYTES)
        .max_message_size(limits.frame_bytes * REFUSED_BY_HEADER)
        .max_frame_size(limits.frame_bytes * REFUSED_BY_HEADER);
    let encoding = match upgrade.selected_protocol() {
        Some(_) => Encoding::Protobuf,
        None => Encoding::Json,
    };
    let peer = Peer {
        address: address.to_string(),
        seat,
        identity,
        encoding,
    };
    // The tracker must know of the session before the answer is out, or a shutdown in between would not wait for it.
    let token = live.tasks.token();
    upgrade.on_upgrade(move |socket| async move {
        serve(live, peer, socket).await;
        drop(token);
    })
}

async fn serve(live: Live, peer: Peer, socket: WebSocket) {
    let encoding = peer.encoding;
    let (sink, stream) = socket.split();
    let sink = sink
        .sink_map_err(|_| CarrierError::Broken)
        .with(move |outbound| future::ready(outgoing(encoding, outbound)));
    let stream = stream
        .take_while(|message| future::ready(!matches!(message, Ok(Message::Close(_)))))
        .map(move |message| incoming(encoding, message));
    session::run(live, peer, sink, stream).await;
}

fn outgoing(encoding: Encoding, outbound: Outbound) -> Result<Message, CarrierError> {
    Ok(match (outbound, encoding) {
        (Outbound::Message(bytes), Encoding::Protobuf) => Message::Binary(bytes),
        (Outbound::Message(bytes), Encoding::Json) => {
            Message::Text(Utf8Bytes::try_from(bytes).map_err(|_| CarrierError::Broken)?)
        }
        (Outbound::Close(Disconnect { code, reason }), _) => Message::Close(Some(CloseFrame {
            code,
            reason: Utf8Bytes::from_static(reason),
        })),
    })
}

fn incoming(encoding: Encoding, message: Result<Message, axum::Error>) -> Result<Bytes, CarrierError> {
    match (message, encoding) {
        (Ok(Message::Text(text)), Encoding::Json) => Ok(text.into()),
        (Ok(Message::Binary(bytes)), Encoding::Protobuf) => Ok(bytes),
        // Signs of life. The library answers them.
        (Ok(Message::Ping(_) | Message::Pong(_)), _) => Ok(Bytes::new()),
        (Ok(_), _) => Err(CarrierError::Refused),
        (Err(error), _) => Err(broken_or_refused(error)),
    }
}

/// Whether the peer broke a rule (and may be told so) or is gone.
fn broken_or_refused(error: axum::Error) -> CarrierError {
    let error = error.into_inner();
    let io = std::iter::successors(Some(error.as_ref() as &dyn std::error::Error), |error| {
        error.source()
    })
    .any(|error| error.is::<std::io::Error>());
    let text = error.to_string();
    if io || text.contains("closed") || text.contains("without closing handshake") {
        return CarrierError::Broken;
    }
    tracing::debug!(%error, "a peer broke the rules of WebSocket");
    CarrierError::Refused
}

/// The identity behind an `Authorization: Bearer` header, if there is one.
async fn by_bearer(live: &Live, headers: &HeaderMap) -> Result<Option<Identity>, Box<Response>> {
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
        return Err(Box::new(unauthorized()));
    };
    match live.gate.by_token(token).await {
        Ok(Some(identity)) => Ok(Some(identity)),
        Ok(None) => Err(Box::new(unauthorized())),
        Err(fault) => {
            let status =
                StatusCode::from_u16(fault.code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            Err(Box::new(refuse(status, &fault.message)))
        }
    }
}

fn unauthorized() -> Response {
    let mut response = refuse(
        StatusCode::UNAUTHORIZED,
        "Your session or token does not hold any more. Sign in again.",
    );
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

fn too_many(refusal: Refusal) -> Response {
    match refusal {
        Refusal::Process => refuse(
            StatusCode::SERVICE_UNAVAILABLE,
            "The server has as many live connections as it takes. Try again in a moment.",
        ),
        Refusal::Address => refuse(
            StatusCode::TOO_MANY_REQUESTS,
            "Your address has too many live connections. Close some.",
        ),
        Refusal::User => refuse(
            StatusCode::TOO_MANY_REQUESTS,
            "You have too many live connections. Close some tabs.",
        ),
    }
}

fn refuse(status: StatusCode, message: &str) -> Response {
    let mut response = (status, message.to_owned()).into_response();
    if matches!(
        status,
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS
    ) {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECS));
    }
    response
}
