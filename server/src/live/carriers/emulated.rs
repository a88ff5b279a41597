//! Two ways by two requests, for where WebSocket is blocked: replies and pushes stream out in one long response, each
//! message of commands comes by a `POST /emulation` that names the session of the connect result.
//!
//! | address | the response | the connect command |
//! |---|---|---|
//! | `POST /connection/http_stream` | JSON lines, or delimited Protobuf for `Content-Type: application/octet-stream` | is the body |
//! | `GET /connection/sse` | Server-Sent Events (WHATWG HTML, 9.2) | is the parameter `cf_connect`, JSON |
//! | `GET /connection/sse?cf_protocol=protobuf` | the same, each event delimited Protobuf in Base64 | the same in Base64 (RFC 4648, 5) |
//!
//! The last is Farol's own, for a browser that brings no JSON reader. A session ends with its response.

use super::{inlet, pour::pour};
use crate::live::{
    Live,
    client::Client,
    door::{Admitted, Refused, Visitor},
    lock,
    session::{self, Emulated, Outbound, Peer},
};
use axum::{
    Extension, Router,
    body::{Body, to_bytes},
    extract::{Query, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use bytes::Bytes;
use farol_model::{
    connection::Carrier,
    wire::{EmulationRequest, Encoding},
};
use http::{HeaderMap, StatusCode, header};
use prost::Message;
use serde::Deserialize;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{sync::mpsc, time::timeout};

/// Messages of commands that wait for their session; then the request waits.
const WAITING_MESSAGES: usize = 8;
/// How long a request waits for its session to take the message; then 503, and the client begins anew.
const HAND_OVER: Duration = Duration::from_secs(5);
/// What the envelope of `POST /emulation` may add to a message, which JSON may escape to twice its size.
const ENVELOPE_BYTES: usize = 1024;

pub(super) fn routes() -> Router<Live> {
    Router::new()
        .route("/connection/http_stream", post(http_stream))
        .route("/connection/sse", get(sse))
        .route("/emulation", post(emulation))
        .layer(Extension(Arc::new(Lines::new())))
}

/// The sessions that commands can be sent to.
#[derive(Debug)]
struct Lines {
    /// Random per process: commands for another one are not ours.
    node: String,
    /// A std mutex: held for a map operation.
    open: Mutex<HashMap<String, Line>>,
}

#[derive(Debug, Clone)]
struct Line {
    commands: mpsc::Sender<Bytes>,
    client: Arc<Client>,
}

/// Takes a line out of the list when its session is over.
struct Listed {
    lines: Arc<Lines>,
    session: String,
}

impl Lines {
    fn new() -> Self {
        Lines {
            node: format!("farol-{:08x}", rand::random::<u32>()),
            open: Mutex::default(),
        }
    }

    fn list(self: &Arc<Self>, line: Line) -> Listed {
        let session = format!("{:032x}", rand::random::<u128>());
        lock(&self.open).insert(session.clone(), line);
        Listed {
            lines: self.clone(),
            session,
        }
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        lock(&self.lines.open).remove(&self.session);
    }
}

async fn http_stream(
    State(live): State<Live>,
    Extension(lines): Extension<Arc<Lines>>,
    visitor: Visitor,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let first = read_body(body, live.limits.frame_bytes_before_connect).await?;
    let encoding = encoding_of(&headers);
    let admitted = visitor.admit(&live, Carrier::HttpStream, encoding)?;
    let (content_type, write): (_, fn(Bytes) -> Bytes) = match encoding {
        Encoding::Json => ("application/x-ndjson", |message| {
            [&message, &b"\n"[..]].concat().into()
        }),
        Encoding::Protobuf => ("application/octet-stream", |message| message),
    };
    Ok(open(live, lines, admitted, first, content_type, write))
}

/// The query of `GET /connection/sse`.
#[derive(Deserialize)]
pub struct SseQuery {
    cf_connect: Option<String>,
    cf_protocol: Option<String>,
}

async fn sse(
    State(live): State<Live>,
    Extension(lines): Extension<Arc<Lines>>,
    visitor: Visitor,
    Query(query): Query<SseQuery>,
) -> Result<Response, Refused> {
    let (encoding, first) = connect_of(query, live.limits.frame_bytes_before_connect)?;
    let admitted = visitor.admit(&live, Carrier::Sse, encoding)?;
    let write: fn(Bytes) -> Bytes = match encoding {
        Encoding::Json => json_events,
        Encoding::Protobuf => |message| format!("data: {}\n\n", BASE64_STANDARD.encode(message)).into(),
    };
    Ok(open(live, lines, admitted, first, "text/event-stream", write))
}

/// The connect command in a query, of `limit` bytes at most, and its encoding.
pub fn connect_of(query: SseQuery, limit: usize) -> Result<(Encoding, Bytes), Refused> {
    let connect = query.cf_connect.filter(|connect| !connect.is_empty());
    let Some(connect) = connect else {
        return Err(bad_request(
            "The parameter `cf_connect` is missing: it is the connect command.",
        ));
    };
    let (encoding, first): (_, Bytes) = match query.cf_protocol.as_deref() {
        None | Some("json") => (Encoding::Json, connect.into()),
        Some("protobuf") => {
            let decoded = BASE64_URL_SAFE_NO_PAD.decode(connect);
            let refused =
                |_| bad_request("The parameter `cf_connect` is not Base64 for addresses without padding.");
            (Encoding::Protobuf, decoded.map_err(refused)?.into())
        }
        Some(_) => {
            return Err(bad_request(
                "The parameter `cf_protocol` is `json` or `protobuf`.",
            ));
        }
    };
    match first.len() > limit {
        true => Err(too_large(limit)),
        false => Ok((encoding, first)),
    }
}

/// One event for each reply.
fn json_events(message: Bytes) -> Bytes {
    let mut events = Vec::with_capacity(message.len() + 64);
    for reply in message.split(|byte| *byte == b'\n') {
        events.extend_from_slice(b"data: ");
        events.extend_from_slice(reply);
        events.extend_from_slice(b"\n\n");
    }
    events.into()
}

/// Starts the session and answers with its stream.
fn open(
    live: Live,
    lines: Arc<Lines>,
    admitted: Admitted,
    first: Bytes,
    content_type: &'static str,
    write: fn(Bytes) -> Bytes,
) -> Response {
    let (sink, body, gone) = pour(move |outbound| {
        Ok(match outbound {
            Outbound::Message(message) => Some(write(message)),
            Outbound::Close(_) => None,
        })
    });
    let (commands, later) = mpsc::channel(WAITING_MESSAGES);
    let listed = lines.list(Line {
        commands,
        client: admitted.seat.client.clone(),
    });
    let peer = Peer {
        seat: admitted.seat,
        identity: admitted.identity,
        emulated: Some(Emulated {
            node: lines.node.clone(),
            session: listed.session.clone(),
        }),
        express: None,
    };
    let incoming = inlet(first, later, gone);
    live.tasks.clone().spawn(async move {
        session::run(live, peer, sink, incoming).await;
        drop(listed);
    });
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "no-store"),
        // For proxies that would wait for the whole.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, body).into_response()
}

/// Takes a message of commands to its session. 204 when it was taken, and also when the session is over: its stream has
/// said so. 404 when the session is another process's.
async fn emulation(
    State(live): State<Live>,
    Extension(lines): Extension<Arc<Lines>>,
    visitor: Visitor,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Refused> {
    let body = read_body(body, 2 * live.limits.frame_bytes + ENVELOPE_BYTES).await?;
    let encoding = encoding_of(&headers);
    let request = request_of(encoding, &body)?;
    if request.node != lines.node {
        let message = "The connection of this command is gone: the server was started anew.";
        return Err(Refused::new(StatusCode::NOT_FOUND, message));
    }
    let line = lock(&lines.open).get(&request.session).cloned();
    let Some(line) = line else {
        return Ok(StatusCode::NO_CONTENT);
    };
    if line.client.encoding != encoding {
        return Err(bad_request("This connection was opened in the other encoding."));
    }
    let user = |identity: &Arc<crate::live::Identity>| identity.viewer.user_id;
    let (theirs, shown) = (line.client.identity(), &visitor.identity);
    if let (Some(theirs), Some(shown)) = (theirs.as_ref().map(user), shown.as_ref().map(user))
        && theirs != shown
    {
        let message = "This connection belongs to another user.";
        return Err(Refused::new(StatusCode::FORBIDDEN, message));
    }
    match timeout(HAND_OVER, line.commands.send(request.data)).await {
        // Sent, or over meanwhile.
        Ok(_) => Ok(StatusCode::NO_CONTENT),
        Err(_) => {
            let message = "The connection does not take commands: it waits for its reader.";
            Err(Refused::new(StatusCode::SERVICE_UNAVAILABLE, message))
        }
    }
}

/// The body of `POST /emulation`.
pub fn request_of(encoding: Encoding, body: &Bytes) -> Result<EmulationRequest, Refused> {
    match encoding {
        Encoding::Json => serde_json::from_slice(body).map_err(|error| bad_request(error.to_string())),
        Encoding::Protobuf => {
            EmulationRequest::decode(body.clone()).map_err(|error| bad_request(error.to_string()))
        }
    }
}

fn encoding_of(headers: &HeaderMap) -> Encoding {
    match headers.get(header::CONTENT_TYPE) {
        Some(kind) if kind.as_bytes().starts_with(b"application/octet-stream") => Encoding::Protobuf,
        _ => Encoding::Json,
    }
}

pub(super) async fn read_body(body: Body, limit: usize) -> Result<Bytes, Refused> {
    let body = to_bytes(body, limit).await.map_err(|_| too_large(limit))?;
    match body.is_empty() {
        true => Err(bad_request("The body is empty: it should be a command.")),
        false => Ok(body),
    }
}

pub(super) fn bad_request(message: impl Into<std::borrow::Cow<'static, str>>) -> Refused {
    Refused::new(StatusCode::BAD_REQUEST, message)
}

fn too_large(limit: usize) -> Refused {
    Refused::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!("The message is larger than the {limit} bytes that are taken."),
    )
}
