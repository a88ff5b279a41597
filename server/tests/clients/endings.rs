//! Every carrier hears, in its own words, why it ends: a stopping server (come back), a proof that no longer holds and a
//! changed user (do not).

use crate::{
    plain::{CPU, Events, Plain, events},
    plane::Plane,
};
use farol::live::{Ending, LiveLimits, Proof};
use farol_model::wire::{Command, ConnectRequest, Encoding, SubscribeRequest, codec};
use futures::{
    FutureExt, SinkExt, StreamExt,
    future::{BoxFuture, select},
};
use serde_json::Value;
use std::time::Duration;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};

/// As a failure only.
const PATIENCE: Duration = Duration::from_secs(30);

/// What was said at the end.
#[derive(Debug, PartialEq, Eq)]
struct Goodbye {
    code: u64,
    comes_back: bool,
}

impl Goodbye {
    /// As the protocol and those near to it say it.
    fn of(told: &Value) -> Goodbye {
        Goodbye {
            code: told["code"].as_u64().unwrap(),
            comes_back: told["reconnect"].as_bool().unwrap_or(false),
        }
    }
}

/// Reads to the end of the connection and says what was heard last. It stands when this has been made.
type Ear = BoxFuture<'static, Goodbye>;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn socket(plane: &Plane, path: &str, protocol: Option<&'static str>) -> Socket {
    let mut request = format!("ws://{}{path}", plane.address)
        .into_client_request()
        .unwrap();
    let headers = request.headers_mut();
    headers.insert("authorization", "Bearer good-token".parse().unwrap());
    if let Some(protocol) = protocol {
        headers.insert("sec-websocket-protocol", protocol.parse().unwrap());
    }
    connect_async(request).await.unwrap().0
}

/// The last text before the close.
async fn last_text(mut socket: Socket) -> String {
    let mut last = String::new();
    while let Some(Ok(message)) = socket.next().await {
        if let Message::Text(text) = message {
            last = text.to_string();
        }
    }
    last
}

async fn next_text(socket: &mut Socket) -> String {
    match socket.next().await {
        Some(Ok(Message::Text(text))) => text.to_string(),
        other => panic!("a text, got {other:?}"),
    }
}

async fn websocket(plane: &Plane, encoding: Encoding) -> Ear {
    let protocol = (encoding == Encoding::Protobuf).then_some("centrifuge-protobuf");
    let mut socket = socket(plane, "/connection/websocket", protocol).await;
    let connect = Command {
        id: 1,
        connect: Some(ConnectRequest::default()),
        ..Default::default()
    };
    let subscribe = Command {
        id: 2,
        subscribe: Some(SubscribeRequest {
            channel: CPU.into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let commands = [connect, subscribe].map(|command| codec::encode_command(encoding, &command));
    let commands = codec::join(encoding, &commands);
    let message = match encoding {
        Encoding::Json => Message::text(String::from_utf8(commands.into()).unwrap()),
        Encoding::Protobuf => Message::binary(commands),
    };
    socket.send(message).await.unwrap();
    socket.next().await.unwrap().unwrap();
    async move {
        let mut pushed = None;
        let mut closed = None;
        while let Some(Ok(message)) = socket.next().await {
            if let Message::Close(frame) = message {
                closed = frame.map(|frame| u64::from(u16::from(frame.code)));
                continue;
            }
            let replies = codec::decode_replies(encoding, &message.into_data()).unwrap();
            let pushes = replies.into_iter().filter_map(|reply| reply.push?.disconnect);
            pushed = pushes.last().or(pushed);
        }
        let pushed = pushed.expect("a disconnect push");
        assert_eq!(
            closed,
            Some(u64::from(pushed.code)),
            "the close frame says the same"
        );
        Goodbye {
            code: pushed.code.into(),
            comes_back: pushed.reconnect,
        }
    }
    .boxed()
}

async fn http_stream(plain: &Plain) -> Ear {
    let (mut stream, _) = plain.open().await;
    async move {
        let mut last = Vec::new();
        while let Some(chunk) = stream.chunk().await.unwrap() {
            last = chunk.to_vec();
        }
        let last = last
            .trim_ascii_end()
            .split(|byte| *byte == b'\n')
            .next_back()
            .unwrap();
        Goodbye::of(&serde_json::from_slice::<Value>(last).unwrap()["push"]["disconnect"])
    }
    .boxed()
}

/// The last data of a stream of events, at its end.
async fn last_data(mut stream: Events) -> Value {
    let mut last = Value::Null;
    while let Some((_, _, data)) = stream.next().await {
        last = data;
    }
    last
}

async fn sse(plain: &Plain) -> Ear {
    let connect = "%7B%22id%22%3A1%2C%22connect%22%3A%7B%7D%7D";
    let mut stream = events(plain.get(&format!("/connection/sse?cf_connect={connect}"))).await;
    stream.next().await.unwrap();
    async move { Goodbye::of(&last_data(stream).await["push"]["disconnect"]) }.boxed()
}

async fn live_events(plain: &Plain) -> Ear {
    let mut stream = events(plain.get(&format!("/live/events?channels={CPU}"))).await;
    stream.next().await.unwrap();
    async move { Goodbye::of(&last_data(stream).await) }.boxed()
}

/// Nothing is published meanwhile, so that the poll waits.
async fn poll(plain: &Plain) -> Ear {
    let first = plain.poll("channels=room/quiet").await;
    let since = first["since"].as_str().unwrap().to_owned();
    let request = plain.get(&format!("/live/poll?channels=room/quiet&since={since}"));
    async move {
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        let last = answer["events"].as_array().unwrap().last().cloned().unwrap();
        assert_eq!(last["event"], "disconnected", "{answer}");
        Goodbye::of(&last)
    }
    .boxed()
}

/// The next packet that is no ping of Engine.IO.
async fn next_packet(socket: &mut Socket) -> String {
    loop {
        let packet = next_text(socket).await;
        if packet != "2" {
            return packet;
        }
    }
}

/// Engine.IO packet 4 is a message, Socket.IO packets 0, 1 and 2 are connect, disconnect and event.
async fn socket_io(plain: &Plain) -> Ear {
    let mut socket = socket(&plain.plane, "/socket.io/?EIO=4&transport=websocket", None).await;
    assert!(next_packet(&mut socket).await.starts_with("0{"));
    socket.send(Message::text("40")).await.unwrap();
    assert!(next_packet(&mut socket).await.starts_with("40{"));
    async move {
        let mut told = None;
        loop {
            let packet = next_packet(&mut socket).await;
            // Disconnect: with its only namespace gone the client hangs up.
            if packet == "41" {
                return Goodbye::of(&told.expect("it is told why, first"));
            }
            if let Some(event) = packet.strip_prefix("42") {
                let (name, data): (String, Value) = serde_json::from_str(event).unwrap();
                assert_eq!(name, "disconnected");
                told = Some(data);
            }
        }
    }
    .boxed()
}

/// The record that closes: `{"type": 7, "error": "CODE: words", "allowReconnect": ...}`.
fn closing(records: &str) -> Goodbye {
    let last = records
        .trim_end_matches('\u{1e}')
        .split('\u{1e}')
        .next_back()
        .unwrap();
    let record: Value = serde_json::from_str(last).unwrap();
    assert_eq!(record["type"], 7, "{record}");
    let code = record["error"].as_str().unwrap().split(':').next().unwrap();
    Goodbye {
        code: code.parse().unwrap(),
        comes_back: record["allowReconnect"].as_bool().unwrap(),
    }
}

const GREETING: &str = "{\"protocol\":\"json\",\"version\":1}\u{1e}";

async fn signalr_websocket(plain: &Plain) -> Ear {
    let mut socket = socket(&plain.plane, "/signalr", None).await;
    socket.send(Message::text(GREETING)).await.unwrap();
    assert_eq!(next_text(&mut socket).await, "{}\u{1e}");
    async move { closing(&last_text(socket).await) }.boxed()
}

async fn signalr_negotiated(plain: &Plain) -> String {
    let request = plain
        .http
        .post(plain.url("/signalr/negotiate?negotiateVersion=1"));
    let answer = request.bearer_auth("good-token").send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    format!("/signalr?id={}", answer["connectionToken"].as_str().unwrap())
}

async fn signalr_say(plain: &Plain, path: &str, records: &'static str) {
    let request = plain
        .http
        .post(plain.url(path))
        .bearer_auth("good-token")
        .body(records);
    assert_eq!(request.send().await.unwrap().status(), 200);
}

async fn signalr_events(plain: &Plain) -> Ear {
    let path = signalr_negotiated(plain).await;
    let request = plain.get(&path).header("accept", "text/event-stream");
    let mut response = request.send().await.unwrap();
    signalr_say(plain, &path, GREETING).await;
    response.chunk().await.unwrap().unwrap();
    async move {
        let text = response.text().await.unwrap();
        closing(text.trim_end().rsplit("data: ").next().unwrap())
    }
    .boxed()
}

async fn signalr_polls(plain: &Plain) -> Ear {
    let path = signalr_negotiated(plain).await;
    let poll = |path: String| plain.get(&path).send();
    poll(path.clone()).await.unwrap();
    signalr_say(plain, &path, GREETING).await;
    assert_eq!(
        poll(path.clone()).await.unwrap().text().await.unwrap(),
        "{}\u{1e}"
    );
    // Of two polls one is refused at once: then the other is known to wait.
    let polls = [(); 2].map(|()| tokio::spawn(plain.get(&path).send()));
    let [one, other] = polls;
    let (refused, waiting) = select(one, other).await.factor_first();
    assert_eq!(refused.unwrap().unwrap().status(), 409);
    async move { closing(&waiting.await.unwrap().unwrap().text().await.unwrap()) }.boxed()
}

/// All carriers on one plane, what ends them, and what each of them has to hear.
async fn all_hear(end: impl FnOnce(&Plane), expected: Goodbye) {
    let limits = LiveLimits {
        drain_spread: Duration::from_millis(50),
        ..Default::default()
    };
    let plain = Plain::with(Duration::from_secs(3600), limits).await;
    let ears = [
        ("websocket, JSON", websocket(&plain.plane, Encoding::Json).await),
        (
            "websocket, Protobuf",
            websocket(&plain.plane, Encoding::Protobuf).await,
        ),
        ("http_stream", http_stream(&plain).await),
        ("sse", sse(&plain).await),
        ("events", live_events(&plain).await),
        ("poll", poll(&plain).await),
        ("socket.io", socket_io(&plain).await),
        ("signalr, WebSockets", signalr_websocket(&plain).await),
        ("signalr, ServerSentEvents", signalr_events(&plain).await),
        ("signalr, LongPolling", signalr_polls(&plain).await),
    ];
    let count = ears.len();
    // From here on they listen at the same time, also those that ask anew for every answer.
    let listening = ears.map(|(carrier, ear)| (carrier, tokio::spawn(timeout(PATIENCE, ear))));
    let all_stand = async {
        loop {
            let clients = plain.plane.live.registry.clients();
            let known = clients
                .iter()
                .filter(|client| client.identity().is_some() && client.outbox().is_some());
            if known.count() == count
                && clients
                    .iter()
                    .any(|client| client.told().channels == ["room/quiet"])
            {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, all_stand).await.expect("all carriers stand");
    end(&plain.plane);
    for (carrier, heard) in listening {
        let heard = heard
            .await
            .unwrap()
            .unwrap_or_else(|_| panic!("{carrier} heard nothing"));
        assert_eq!(heard, expected, "{carrier}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_carrier_hears_that_the_server_stops_and_may_come_back() {
    let expected = Goodbye {
        code: 3001,
        comes_back: true,
    };
    all_hear(|plane| plane.live.shutdown.cancel(), expected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_carrier_hears_that_its_proof_no_longer_holds() {
    let expected = Goodbye {
        code: 4501,
        comes_back: false,
    };
    let sign_out = |plane: &Plane| drop(plane.endings.send(Ending::Proof(Proof::Token(1))));
    all_hear(sign_out, expected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_carrier_hears_that_its_user_has_changed() {
    let expected = Goodbye {
        code: 4500,
        comes_back: false,
    };
    let change = |plane: &Plane| drop(plane.endings.send(Ending::User(7)));
    all_hear(change, expected).await;
}
