//! SignalR at `/signalr` (ASP.NET Core): negotiate, and the transports WebSockets, ServerSentEvents and LongPolling with
//! the text format. (Specifications: `TransportProtocols.md`, `HubProtocol.md`.) What is said over them is [`hub`]'s.
//!
//! Everybody must be signed in or bring a token: as a bearer header, or as `access_token` in the address, which is how the
//! published clients do it where they cannot set headers. A refused hub protocol, a bad record or an end of the session
//! closes the connection with words.

pub mod hub;

use super::{
    emulated::{bad_request, read_body},
    inlet,
    pour::pour,
    ws,
};
use crate::{
    live::{
        Live,
        client::Client,
        door::{Admitted, Refused, Visitor},
        lock,
        session::{self, CarrierError, Outbound, Peer},
    },
    websocket::handshake::{Handshake, NotWebSocket},
};
use axum::{
    Extension, Json, Router,
    body::Body,
    extract::{Query, Request, State},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bytes::Bytes;
use farol_model::{connection::Carrier, wire::Encoding};
use futures::{FutureExt, SinkExt, StreamExt, stream};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use hub::Hub;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    task::Poll,
    time::{Duration, Instant},
};
use tokio::{
    sync::{Mutex as AsyncMutex, mpsc},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// Connections that were negotiated and not opened.
const NEGOTIATED: usize = 4096;
/// How long a negotiated connection may wait to be opened, and a closed one for its last poll.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a poll waits.
const POLL: Duration = Duration::from_secs(25);
/// Messages that wait for their session: of the client, whose request then waits for as long as `PATIENCE`; and of the
/// hub on its behalf, where more is a fault that ends the connection.
const OWN_COMMANDS: usize = 256;

pub(super) fn routes() -> Router<Live> {
    Router::new()
        .route("/signalr/negotiate", post(negotiate))
        .route("/signalr", get(open).post(send).delete(end))
        .layer(Extension(Arc::new(Connections::default())))
        .layer(from_fn(token_of_address))
}

/// Layer: a token in the address counts as a bearer token.
async fn token_of_address(Query(query): Query<Asked>, mut request: Request, next: Next) -> Response {
    let token = query.access_token.map(|token| format!("Bearer {token}"));
    if let Some(token) = token.and_then(|token| HeaderValue::from_str(&token).ok()) {
        request
            .headers_mut()
            .entry(header::AUTHORIZATION)
            .or_insert(token);
    }
    next.run(request).await
}

#[derive(Deserialize)]
struct Asked {
    id: Option<String>,
    access_token: Option<String>,
    #[serde(default, rename = "negotiateVersion")]
    negotiate_version: u32,
}

/// By connection token, a secret.
#[derive(Default)]
struct Connections(Mutex<HashMap<String, Connection>>);

#[derive(Clone)]
enum Connection {
    Negotiated { at: Instant },
    Open(Arc<Line>),
}

/// A connection that is not a WebSocket.
struct Line {
    user: i64,
    client: Arc<Client>,
    hub: Arc<Hub>,
    commands: mpsc::Sender<Bytes>,
    /// Cancelled when the client is gone.
    gone: CancellationToken,
    /// What polls answer with; None for Server-Sent Events.
    polled: Option<AsyncMutex<stream::BoxStream<'static, Bytes>>>,
}

impl Connections {
    fn negotiate(&self) -> Result<String, Refused> {
        let token = secret();
        let mut all = lock(&self.0);
        all.retain(|_, connection| match connection {
            Connection::Negotiated { at } => at.elapsed() < PATIENCE,
            Connection::Open(_) => true,
        });
        let waiting = all
            .values()
            .filter(|one| matches!(one, Connection::Negotiated { .. }));
        if waiting.count() >= NEGOTIATED {
            let message = "Too many connections were negotiated and not opened. Try again in a moment.";
            return Err(Refused::new(StatusCode::SERVICE_UNAVAILABLE, message));
        }
        all.insert(token.clone(), Connection::Negotiated { at: Instant::now() });
        Ok(token)
    }

    fn get(&self, token: Option<&str>, visitor: &Visitor) -> Result<Connection, Refused> {
        let unknown = || Refused::new(StatusCode::NOT_FOUND, "There is no such connection.");
        let found = lock(&self.0)
            .get(token.unwrap_or_default())
            .cloned()
            .ok_or_else(unknown)?;
        match &found {
            Connection::Open(line) if line.user != visitor.signed_in()?.viewer.user_id => Err(unknown()),
            _ => Ok(found),
        }
    }

    fn put(&self, token: &str, line: Arc<Line>) {
        lock(&self.0).insert(token.to_owned(), Connection::Open(line));
    }

    fn remove(&self, token: &str) {
        lock(&self.0).remove(token);
    }
}

fn secret() -> String {
    format!("{:032x}", rand::random::<u128>())
}

async fn negotiate(
    Extension(connections): Extension<Arc<Connections>>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, Refused> {
    visitor.signed_in()?;
    let token = connections.negotiate()?;
    let transport = |name: &str| json!({"transport": name, "transferFormats": ["Text"]});
    let transports = ["WebSockets", "ServerSentEvents", "LongPolling"].map(transport);
    // Before version 1 the id was the token.
    Ok(Json(match asked.negotiate_version {
        0 => json!({"connectionId": token, "availableTransports": transports}),
        _ => json!({
            "negotiateVersion": 1,
            "connectionId": secret(),
            "connectionToken": token,
            "availableTransports": transports,
        }),
    }))
}

/// Opens a connection; for one that is polled, also each poll.
async fn open(
    State(live): State<Live>,
    Extension(connections): Extension<Arc<Connections>>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
    handshake: Result<Handshake, NotWebSocket>,
) -> Result<Response, Refused> {
    visitor.signed_in()?;
    if headers.contains_key(header::UPGRADE) {
        // The client may come without having negotiated.
        if let Some(token) = &asked.id {
            connections.get(Some(token), &visitor)?;
            connections.remove(token);
        }
        return websocket(live, visitor, handshake);
    }
    let found = connections.get(asked.id.as_deref(), &visitor)?;
    let token = asked.id.unwrap_or_default();
    let accepts = headers.get(header::ACCEPT).map(HeaderValue::as_bytes);
    let events = accepts.is_some_and(|kinds| kinds.starts_with(b"text/event-stream"));
    match found {
        Connection::Negotiated { .. } if events => serve_events(&live, connections, visitor, token),
        Connection::Negotiated { .. } => serve_polls(&live, connections, visitor, token),
        Connection::Open(line) => poll(&connections, &token, &line).await,
    }
}

fn websocket(
    live: Live,
    visitor: Visitor,
    handshake: Result<Handshake, NotWebSocket>,
) -> Result<Response, Refused> {
    let handshake = match handshake {
        Ok(handshake) => handshake,
        Err(refused) => return Ok(refused.into_response()),
    };
    let admitted = visitor.admit(&live, Carrier::SignalR, Encoding::Json)?;
    let (response, opened) = handshake.accept(None);
    live.tasks.clone().spawn(async move {
        let Some(opened) = opened.await else { return };
        let (outgoing, mut incoming) = ws::sides(opened, Encoding::Json, live.limits.frame_bytes);
        let (commands, mut own) = mpsc::channel(OWN_COMMANDS);
        let hub = Hub::new();
        let hearing = hub.clone();
        let heard = stream::poll_fn(move |context| match own.poll_recv(context) {
            Poll::Ready(Some(command)) => Poll::Ready(Some(Ok(command))),
            _ => incoming
                .poll_next_unpin(context)
                .map(|next| next.map(|message| message.and_then(|message| hearing.hear(&message)))),
        });
        let told = outgoing.with_flat_map(move |outbound| {
            let written = match outbound {
                Outbound::Message(message) => tell(&hub, &commands, &message)
                    .map(|records| records.map(Outbound::Message))
                    .transpose(),
                close => Some(Ok(close)),
            };
            stream::iter(written)
        });
        session::run(live, peer(admitted), told, heard).await;
    });
    Ok(response)
}

fn peer(admitted: Admitted) -> Peer {
    Peer {
        seat: admitted.seat,
        identity: admitted.identity,
        emulated: None,
        express: None,
    }
}

/// The records for a message, if there are any; what they make this side say is said.
fn tell(hub: &Hub, commands: &mpsc::Sender<Bytes>, message: &Bytes) -> Result<Option<Bytes>, CarrierError> {
    let (records, own) = hub.tell(message)?;
    for command in own {
        commands.try_send(command).map_err(|_| CarrierError::Broken)?;
    }
    Ok(Some(records).filter(|records| !records.is_empty()))
}

/// A connection whose records come by requests of their own and leave by a body that goes on; `frame` is what stands
/// around them there.
fn serve(
    live: &Live,
    connections: Arc<Connections>,
    visitor: Visitor,
    token: String,
    frame: fn(Bytes) -> Bytes,
    line: impl FnOnce(Line, Body) -> (Line, Response),
) -> Result<Response, Refused> {
    let user = visitor.signed_in()?.viewer.user_id;
    let admitted = visitor.admit(live, Carrier::SignalR, Encoding::Json)?;
    let hub = Hub::new();
    let (commands, later) = mpsc::channel(OWN_COMMANDS);
    let (telling, saying) = (hub.clone(), commands.clone());
    let (sink, body, gone) = pour(move |outbound| match outbound {
        Outbound::Message(message) => Ok(tell(&telling, &saying, &message)?.map(frame)),
        Outbound::Close(_) => Ok(None),
    });
    let opened = Line {
        user,
        client: admitted.seat.client.clone(),
        hub,
        commands,
        gone: gone.clone(),
        polled: None,
    };
    let (line, response) = line(opened, body);
    let polled = line.polled.is_some();
    connections.put(&token, Arc::new(line));
    let live = live.clone();
    live.tasks.clone().spawn(async move {
        let shutdown = live.shutdown.clone();
        session::run(live, peer(admitted), sink, inlet(Bytes::new(), later, gone)).await;
        if polled {
            // The last records wait for a poll, and the end for one more.
            tokio::select! {
                () = tokio::time::sleep(PATIENCE) => {}
                () = shutdown.cancelled() => {}
            }
        }
        connections.remove(&token);
    });
    Ok(response)
}

fn serve_events(
    live: &Live,
    connections: Arc<Connections>,
    visitor: Visitor,
    token: String,
) -> Result<Response, Refused> {
    let frame = |records: Bytes| [b"data: ", &*records, b"\r\n\r\n"].concat().into();
    serve(live, connections, visitor, token, frame, |line, body| {
        let headers = [
            (header::CONTENT_TYPE, "text/event-stream"),
            (header::CACHE_CONTROL, "no-store"),
            (header::HeaderName::from_static("x-accel-buffering"), "no"),
        ];
        (line, (headers, body).into_response())
    })
}

/// The first poll answers at once: the connection stands.
fn serve_polls(
    live: &Live,
    connections: Arc<Connections>,
    visitor: Visitor,
    token: String,
) -> Result<Response, Refused> {
    serve(
        live,
        connections,
        visitor,
        token,
        |records| records,
        |line, body| {
            let records = body.into_data_stream().filter_map(async |item| item.ok()).boxed();
            let polled = Some(AsyncMutex::new(records));
            (Line { polled, ..line }, polled_answer(Vec::new()))
        },
    )
}

async fn poll(connections: &Connections, token: &str, line: &Line) -> Result<Response, Refused> {
    let Some(polled) = &line.polled else {
        return Err(bad_request("This connection is open already."));
    };
    let Ok(mut records) = polled.try_lock() else {
        let message = "Another poll of this connection waits.";
        return Err(Refused::new(StatusCode::CONFLICT, message));
    };
    match timeout(POLL, records.next()).await {
        Ok(Some(first)) => {
            let mut answer = first.to_vec();
            while let Some(Some(more)) = records.next().now_or_never() {
                answer.extend_from_slice(&more);
            }
            Ok(polled_answer(answer))
        }
        Ok(None) => {
            connections.remove(token);
            Ok(StatusCode::NO_CONTENT.into_response())
        }
        Err(_) => Ok(polled_answer(Vec::new())),
    }
}

fn polled_answer(records: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/plain"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, records).into_response()
}

/// Takes records to the session.
async fn send(
    State(live): State<Live>,
    Extension(connections): Extension<Arc<Connections>>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
    body: Body,
) -> Result<StatusCode, Refused> {
    let Connection::Open(line) = connections.get(asked.id.as_deref(), &visitor)? else {
        return Err(bad_request("This connection was negotiated and not opened."));
    };
    let body = read_body(body, live.limits.frame_bytes).await?;
    let commands = match line.hub.hear(&body) {
        Ok(commands) => commands,
        Err(CarrierError::Refused(reason)) => {
            line.client.kill.end(reason);
            return Err(bad_request(
                "This is not a record of the JSON hub protocol, version 1.",
            ));
        }
        // The client says goodbye.
        Err(CarrierError::Broken) => {
            line.gone.cancel();
            return Ok(StatusCode::OK);
        }
    };
    match timeout(PATIENCE, line.commands.send(commands)).await {
        Ok(Ok(())) => Ok(StatusCode::OK),
        Ok(Err(_)) => Err(Refused::new(
            StatusCode::NOT_FOUND,
            "There is no such connection.",
        )),
        Err(_) => {
            let message = "The connection does not take records: it waits for its reader.";
            Err(Refused::new(StatusCode::SERVICE_UNAVAILABLE, message))
        }
    }
}

/// Ends a connection at the client's wish.
async fn end(
    Extension(connections): Extension<Arc<Connections>>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<StatusCode, Refused> {
    if let Connection::Open(line) = connections.get(asked.id.as_deref(), &visitor)? {
        line.gone.cancel();
    }
    connections.remove(asked.id.as_deref().unwrap_or_default());
    Ok(StatusCode::ACCEPTED)
}
