//! Socket.IO 4 at `/socket.io/` (Engine.IO 4: polling and WebSocket), by `socketioxide`.
//!
//! Requests are events of the client, with the fields that the JSON protocol gives them, and are answered by their
//! acknowledgement: `subscribe`, `unsubscribe`, `history`, `presence`, `presence_stats`, `publish`, `rpc`. The answer is the
//! result of the JSON protocol, or `{error: {code, message, temporary}}`. Events of the server are `publication`, `join`,
//! `leave`, `subscribed`, `unsubscribed` and, last of all, `disconnected {code, reason, reconnect}`.
//!
//! Who one is shows the cookie, a bearer token, or `auth: {token}`; without, the client gets `connect_error`.
//!
//! `socketioxide` takes what is sent without waiting and refuses it when too much waits: then the reader is slow (3008).

use super::inlet;
use crate::live::{
    Live,
    client::Client,
    door::{Admitted, Visitor},
    lock,
    session::{self, CarrierError, Outbound, Peer},
};
use axum::{
    Router,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use bytes::Bytes;
use farol_model::{
    connection::Carrier,
    wire::{
        Command, ConnectRequest, Encoding, codec,
        codes::{Disconnect, error},
    },
};
use futures::Sink;
use serde::Deserialize;
use serde_json::{Value, json};
use socketioxide::{
    ParserConfig, SendError, SocketError, SocketIo,
    extract::{AckSender, Event, SocketRef, TryData},
    handler::ConnectHandler,
};
use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};
use tokio::{sync::mpsc, time::timeout};
use tokio_util::sync::CancellationToken;

/// Packets that wait for one client; more, and it is slow.
const WAITING_PACKETS: usize = 128;
/// Commands that wait for their session; more are answered with an error at once.
const WAITING_COMMANDS: usize = 64;
/// Buffer of the WebSocket transport, bytes.
const READ_BUFFER_BYTES: usize = 4 * 1024;

/// Requests that a client may make.
pub const REQUESTS: [&str; 7] = [
    "subscribe",
    "unsubscribe",
    "history",
    "presence",
    "presence_stats",
    "publish",
    "rpc",
];

pub(super) fn routes(live: &Live) -> Router<Live> {
    let limits = &live.limits;
    let (service, io) = SocketIo::builder()
        .ping_interval(limits.ping_interval)
        .ping_timeout(limits.pong_timeout)
        .connect_timeout(limits.connect_timeout)
        .upgrade_timeout(limits.connect_timeout)
        .max_payload(limits.frame_bytes as u64)
        .ws_max_message_size(limits.frame_bytes)
        .ws_max_frame_size(limits.frame_bytes)
        .ws_read_buffer_size(READ_BUFFER_BYTES)
        .max_buffer_size(WAITING_PACKETS)
        // Nothing that clients say is binary.
        .with_parser(ParserConfig::common().max_incoming_binaries(0))
        .build_svc();
    let (admitting, serving) = (live.clone(), live.clone());
    let admit = async move |socket: SocketRef, auth: TryData<Auth>| admit(&admitting, &socket, auth).await;
    let serve = async move |socket: SocketRef| serve(serving, socket);
    io.ns("/", serve.with(admit));
    Router::new()
        .route_service("/socket.io/", service)
        .route_layer(from_fn_with_state(live.clone(), pass_door))
}

/// Layer: what every carrier asks first, of every request.
async fn pass_door(State(_): State<Live>, visitor: Visitor, mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(visitor);
    next.run(request).await
}

#[derive(Deserialize)]
struct Auth {
    token: Option<String>,
}

/// A place that was given before the namespace was entered.
#[derive(Clone)]
struct Place(Arc<Mutex<Option<Entering>>>);

/// Who enters, and what has been asked meanwhile.
struct Entering {
    admitted: Admitted,
    asked: Asked,
    later: mpsc::Receiver<Bytes>,
    gone: CancellationToken,
}

/// Middleware of the namespace: who it is, and whether there is a place. The error is what `connect_error` says. From here on the
/// socket is listened to: a client may ask as soon as it is told that it has entered, which is before [`serve`] is called.
async fn admit(live: &Live, socket: &SocketRef, TryData(auth): TryData<Auth>) -> Result<(), String> {
    let Some(visitor) = socket.req_parts().extensions.get::<Visitor>().cloned() else {
        return Err("The door was not passed.".to_owned());
    };
    let shown = match auth.ok().and_then(|auth| auth.token) {
        Some(token) => match timeout(live.limits.gate_timeout, live.gate.by_token(&token)).await {
            Ok(Ok(found)) => found.map(Arc::new),
            Ok(Err(fault)) => return Err(fault.message),
            Err(_) => return Err("The check of the token took too long. Try again in a moment.".to_owned()),
        },
        None => visitor.identity.clone(),
    };
    let identity = shown.ok_or("Sign in, or send a token that holds in `auth`.")?;
    let visitor = Visitor {
        identity: Some(identity),
        ..visitor
    };
    let admitted = visitor.admit(live, Carrier::SocketIo, Encoding::Json);
    let admitted = admitted.map_err(|refused| refused.message.into_owned())?;
    let (commands, later) = mpsc::channel(WAITING_COMMANDS);
    let asked = Asked {
        client: admitted.seat.client.clone(),
        commands,
        waiting: Arc::default(),
    };
    let gone = CancellationToken::new();
    hear(socket, &asked, &gone);
    let entering = Entering {
        admitted,
        asked,
        later,
        gone,
    };
    socket
        .extensions
        .insert(Place(Arc::new(Mutex::new(Some(entering)))));
    Ok(())
}

/// Starts the session of a socket that has entered.
fn serve(live: Live, socket: SocketRef) {
    let place = socket.extensions.remove::<Place>();
    let Some(entering) = place.and_then(|place| lock(&place.0).take()) else {
        drop(socket.disconnect());
        return;
    };
    let Entering {
        admitted,
        asked,
        later,
        gone,
    } = entering;
    let connect = Command {
        id: asked.id_of(None),
        connect: Some(ConnectRequest {
            name: "socket.io".to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let first = codec::encode_command(Encoding::Json, &connect);
    let peer = Peer {
        seat: admitted.seat,
        identity: admitted.identity,
        emulated: None,
        express: None,
    };
    let incoming = inlet(first, later, gone);
    let sink = Speaker {
        socket: socket.clone(),
        asked,
    };
    live.tasks.clone().spawn(async move {
        session::run(live, peer, sink, incoming).await;
        drop(socket.disconnect());
    });
}

/// Takes what the client says.
fn hear(socket: &SocketRef, asked: &Asked, gone: &CancellationToken) {
    for name in REQUESTS {
        let asked = asked.clone();
        let handler = async move |TryData(data): TryData<Value>, ack: AckSender| {
            asked.ask(name, data.unwrap_or(Value::Null), ack);
        };
        socket.on(name, handler);
    }
    socket.on_fallback(async move |Event(name): Event, ack: AckSender| {
        let message = format!("There is no request `{name}`.");
        drop(ack.send(&refused(error::METHOD_NOT_FOUND, &message, false)));
    });
    let gone = gone.clone();
    socket.on_disconnect(async move || gone.cancel());
}

/// What was asked and not answered.
#[derive(Clone)]
struct Asked {
    client: Arc<Client>,
    commands: mpsc::Sender<Bytes>,
    /// A std mutex: held for a map operation.
    waiting: Arc<Mutex<Waiting>>,
}

#[derive(Default)]
struct Waiting {
    last_id: u32,
    acks: HashMap<u32, AckSender>,
}

impl Asked {
    /// A fresh id, whose answer goes to `ack`.
    fn id_of(&self, ack: Option<AckSender>) -> u32 {
        let mut waiting = lock(&self.waiting);
        waiting.last_id = waiting.last_id.wrapping_add(1).max(1);
        let id = waiting.last_id;
        waiting.acks.extend(ack.map(|ack| (id, ack)));
        id
    }

    fn ask(&self, name: &'static str, data: Value, ack: AckSender) {
        let mut command = match command_of(name, data) {
            Ok(command) => command,
            Err(refused) => return drop(ack.send(&refused)),
        };
        command.id = self.id_of(Some(ack));
        if let Err(full) = self
            .commands
            .try_send(codec::encode_command(Encoding::Json, &command))
        {
            tracing::debug!(%full, client = self.client.name(), "a command was not taken");
            if let Some(ack) = lock(&self.waiting).acks.remove(&command.id) {
                let message = "Too many requests wait. Try again in a moment.";
                drop(ack.send(&refused(error::TOO_MANY_REQUESTS, message, true)));
            }
        }
    }
}

/// The command that a request stands for, without its id; or the answer that refuses it.
pub fn command_of(name: &str, data: Value) -> Result<Command, Value> {
    match serde_json::from_value::<Command>(json!({ name: data })) {
        // It came with an object and not with `null`.
        Ok(command) if command != Command::default() => Ok(command),
        Ok(_) => {
            let message = format!("`{name}` comes with an object.");
            Err(refused(error::BAD_REQUEST, &message, false))
        }
        Err(fault) => Err(refused(error::BAD_REQUEST, &fault.to_string(), false)),
    }
}

fn refused(code: u32, message: &str, temporary: bool) -> Value {
    json!({"error": {"code": code, "message": message, "temporary": temporary}})
}

/// What pushes of the protocol are called here.
pub const EVENTS: [(&str, &str); 6] = [
    ("pub", "publication"),
    ("join", "join"),
    ("leave", "leave"),
    ("subscribe", "subscribed"),
    ("unsubscribe", "unsubscribed"),
    ("disconnect", "disconnected"),
];

/// The writing side.
struct Speaker {
    socket: SocketRef,
    asked: Asked,
}

impl Speaker {
    /// Says one reply or push, as the JSON protocol has it.
    fn say(&self, mut said: Value) -> Result<(), CarrierError> {
        let sent = match said.get_mut("push").map(Value::take) {
            Some(push) => self.push(push),
            None => self.answer(said),
        };
        match sent {
            Ok(()) => Ok(()),
            Err(SendError::Socket(SocketError::InternalChannelFull)) => {
                self.asked.client.kill.end(Disconnect::SLOW);
                Ok(())
            }
            Err(error) => {
                tracing::debug!(%error, "a Socket.IO client could not be written to");
                Err(CarrierError::Broken)
            }
        }
    }

    fn push(&self, mut push: Value) -> Result<(), SendError> {
        let channel = push.get_mut("channel").map(Value::take);
        let found = EVENTS
            .iter()
            .find_map(|(name, event)| Some((event, push.get_mut(*name)?.take())));
        let Some((event, mut told)) = found else {
            return Ok(());
        };
        if let (Some(channel), Some(fields)) = (channel, told.as_object_mut()) {
            fields.insert("channel".to_owned(), channel);
        }
        self.socket.emit(event, &told)
    }

    fn answer(&self, mut said: Value) -> Result<(), SendError> {
        let Some(fields) = said.as_object_mut() else {
            return Ok(());
        };
        let Some(id) = fields
            .remove("id")
            .and_then(|id| u32::try_from(id.as_u64()?).ok())
        else {
            // A ping: Engine.IO has its own, which says that the client is there.
            drop(self.asked.commands.try_send(Bytes::from_static(b"{}")));
            return Ok(());
        };
        let Some(ack) = lock(&self.asked.waiting).acks.remove(&id) else {
            return Ok(());
        };
        match fields.remove("error") {
            Some(error) => ack.send(&json!({ "error": error })),
            // The result by itself.
            None => ack.send(&fields.values_mut().next().map_or(json!({}), Value::take)),
        }
    }
}

impl Sink<Outbound> for Speaker {
    type Error = CarrierError;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), CarrierError>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(self: Pin<&mut Self>, outbound: Outbound) -> Result<(), CarrierError> {
        let message = match outbound {
            Outbound::Message(message) => message,
            Outbound::Close(_) => {
                drop(self.socket.clone().disconnect());
                return Ok(());
            }
        };
        for line in message.split(|byte| *byte == b'\n') {
            match serde_json::from_slice(line) {
                Ok(said) => self.say(said)?,
                Err(error) => tracing::error!(%error, "our own reply cannot be read"),
            }
        }
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), CarrierError>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), CarrierError>> {
        Poll::Ready(Ok(()))
    }
}
