//! The WebSocket carrier over a real socket: what is refused before the upgrade, and what ends a connection after it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use farol::{
    collectors::Outlet,
    live::{
        Answer, BadProof, Ending, Gate, Hub, Identity, Live, LiveLimits, Parts, Proof, Registry, Rpc, routes,
    },
};
use farol_model::{
    Fault, Role, Viewer,
    metric::{MetricSpec, Unit},
    wire::{
        Command, ConnectRequest, Encoding, RpcRequest, SubscribeRequest, codec, codes::Disconnect,
        payload::MetricsSnapshot,
    },
};
use futures::{SinkExt, StreamExt, future::BoxFuture};
use prost::Message as _;
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::TcpStream, sync::broadcast, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest, http},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// As a failure only.
const PATIENCE: Duration = Duration::from_secs(20);
const CPU: &str = "metrics/local/cpu";

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

struct TestGate(broadcast::Sender<Ending>);

impl Gate for TestGate {
    fn by_token<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Option<Identity>, Fault>> {
        let viewer = Viewer::new(1, "ana", Role::Viewer);
        let identity = (token == "good").then_some(Identity {
            viewer,
            proof: Proof::Token(1),
        });
        Box::pin(async move { Ok(identity) })
    }
    fn recheck<'a>(&'a self, identity: &'a Identity) -> BoxFuture<'a, Result<Option<Identity>, Fault>> {
        Box::pin(async move { Ok(Some(identity.clone())) })
    }
    fn endings(&self) -> broadcast::Receiver<Ending> {
        self.0.subscribe()
    }
}

struct NoRpc;

impl Rpc for NoRpc {
    fn call<'a>(
        &'a self,
        _: &'a Identity,
        _: &'a str,
        method: &'a str,
        _: &'a [u8],
    ) -> BoxFuture<'a, Result<Answer, Fault>> {
        Box::pin(async move { Err(Fault::not_found(format!("There is no method `{method}`."))) })
    }
}

struct Server {
    address: SocketAddr,
    live: Live,
}

impl Server {
    /// Our own origin is `http://ours`; a request with the header `x-stale` stands for one with a stale cookie.
    async fn start(limits: LiveLimits) -> Server {
        let hub = Hub::new(limits.clone());
        let schema: Arc<[MetricSpec]> = Arc::new([MetricSpec::gauge("a", Unit::None, "c", "a", "h")]);
        hub.frame(CPU, &schema, 1, 1, vec![1.0]);
        let origin_allowed = |headers: &http::HeaderMap| {
            headers
                .get(http::header::ORIGIN)
                .is_none_or(|origin| origin == "http://ours")
        };
        let live = Live::start(Parts {
            hub,
            registry: Registry::new(&limits),
            gate: Arc::new(TestGate(broadcast::channel(4).0)),
            rpc: Arc::new(NoRpc),
            limits,
            origin_allowed: Arc::new(origin_allowed),
            shutdown: CancellationToken::new(),
            tasks: TaskTracker::new(),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = routes(live.clone())
            .layer(axum::middleware::map_request(
                |mut request: axum::extract::Request| async move {
                    if request.headers().contains_key("x-stale") {
                        request.extensions_mut().insert(BadProof);
                    }
                    request
                },
            ))
            .into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, app).await });
        Server { address, live }
    }

    async fn open(&self, headers: &[(&'static str, &str)]) -> Result<Socket, Error> {
        let url = format!("ws://{}/connection/websocket", self.address);
        let mut request = url.into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        Ok(connect_async(request).await?.0)
    }

    /// Status and `Retry-After` of a refused upgrade.
    async fn refusal(&self, headers: &[(&'static str, &str)]) -> (u16, Option<String>) {
        match self.open(headers).await {
            Err(Error::Http(response)) => {
                let retry = response.headers().get("retry-after");
                assert!(!response.body().as_ref().unwrap().is_empty(), "it says why");
                (
                    response.status().as_u16(),
                    retry.map(|value| value.to_str().unwrap().to_owned()),
                )
            }
            other => panic!("expected a refusal, got {other:?}"),
        }
    }
}

const BEARER: (&str, &str) = ("authorization", "Bearer good");

async fn message(socket: &mut Socket) -> Message {
    timeout(PATIENCE, socket.next())
        .await
        .expect("nothing came")
        .expect("ended")
        .unwrap()
}

/// Reads to the close frame.
async fn close_code(socket: &mut Socket) -> u16 {
    loop {
        if let Message::Close(frame) = message(socket).await {
            return frame.expect("a code").code.into();
        }
    }
}

#[tokio::test]
async fn protobuf_by_subprotocol_and_json_without() {
    let server = Server::start(LiveLimits::default()).await;
    let mut json = server.open(&[BEARER]).await.unwrap();
    json.send(Message::text(r#"{"id":1,"connect":{}}"#))
        .await
        .unwrap();
    let Message::Text(text) = message(&mut json).await else {
        panic!("text")
    };
    assert!(text.contains(r#""ping":25"#), "{text}");

    let mut protobuf = server
        .open(&[BEARER, ("sec-websocket-protocol", "centrifuge-protobuf")])
        .await
        .unwrap();
    let commands = [
        Command {
            id: 1,
            connect: Some(ConnectRequest::default()),
            ..Default::default()
        },
        Command {
            id: 2,
            subscribe: Some(SubscribeRequest {
                channel: CPU.into(),
                ..Default::default()
            }),
            ..Default::default()
        },
    ];
    let frames = commands.map(|command| codec::encode_command(Encoding::Protobuf, &command));
    protobuf
        .send(Message::binary(codec::join(Encoding::Protobuf, &frames)))
        .await
        .unwrap();
    let mut replies = Vec::new();
    while replies.len() < 2 {
        let bytes = message(&mut protobuf).await.into_data();
        replies.extend(codec::decode_replies(Encoding::Protobuf, &bytes).unwrap());
    }
    let state = MetricsSnapshot::decode(replies[1].subscribe.as_ref().unwrap().data.clone()).unwrap();
    assert_eq!(state.snapshot.unwrap().times_ms, [1]);
}

#[tokio::test]
async fn a_forged_origin_is_refused_and_ours_is_not() {
    let server = Server::start(LiveLimits::default()).await;
    assert_eq!(server.refusal(&[BEARER, ("origin", "http://evil")]).await.0, 403);
    assert!(server.open(&[BEARER, ("origin", "http://ours")]).await.is_ok());
}

#[tokio::test]
async fn a_bad_proof_is_refused_and_an_absent_one_may_follow_in_connect() {
    let server = Server::start(LiveLimits::default()).await;
    for bad in [
        ("authorization", "Bearer bad"),
        ("authorization", "Basic Zm9v"),
        ("x-stale", "1"),
    ] {
        assert_eq!(server.refusal(&[bad]).await.0, 401, "{bad:?}");
    }
    let mut socket = server.open(&[]).await.unwrap();
    socket
        .send(Message::text(r#"{"id":1,"connect":{"token":"good"}}"#))
        .await
        .unwrap();
    let Message::Text(text) = message(&mut socket).await else {
        panic!("text")
    };
    assert!(text.contains("client"), "{text}");
    let mut socket = server.open(&[]).await.unwrap();
    socket
        .send(Message::text(r#"{"id":1,"connect":{}}"#))
        .await
        .unwrap();
    let Message::Text(text) = message(&mut socket).await else {
        panic!("text")
    };
    assert!(text.contains(r#""code":101"#), "{text}");
    assert_eq!(close_code(&mut socket).await, Disconnect::INVALID_TOKEN.code);
}

#[tokio::test]
async fn caps_are_refused_before_the_upgrade() {
    let server = Server::start(LiveLimits {
        connections_per_user: 1,
        ..Default::default()
    })
    .await;
    let first = server.open(&[BEARER]).await.unwrap();
    let (status, retry) = server.refusal(&[BEARER]).await;
    assert_eq!((status, retry.is_some()), (429, true), "{:?}", first.get_ref());

    let server = Server::start(LiveLimits {
        connections_per_address: 1,
        ..Default::default()
    })
    .await;
    let _first = server.open(&[]).await.unwrap();
    assert_eq!(server.refusal(&[]).await.0, 429);

    let server = Server::start(LiveLimits {
        connections: 0,
        ..Default::default()
    })
    .await;
    let (status, retry) = server.refusal(&[BEARER]).await;
    assert_eq!((status, retry.is_some()), (503, true));
}

#[tokio::test]
async fn a_stopping_server_refuses_new_ones_and_says_goodbye_to_the_others() {
    let server = Server::start(LiveLimits {
        drain_spread: Duration::from_millis(50),
        ..Default::default()
    })
    .await;
    let mut socket = server.open(&[BEARER]).await.unwrap();
    server.live.shutdown.cancel();
    assert_eq!(server.refusal(&[BEARER]).await.0, 503);
    let Message::Text(text) = message(&mut socket).await else {
        panic!("text")
    };
    assert_eq!(
        text.as_str(),
        r#"{"push":{"disconnect":{"code":3001,"reason":"shutdown","reconnect":true}}}"#
    );
    assert_eq!(close_code(&mut socket).await, 3001);
    // The client's half of the closing handshake.
    while let Some(Ok(_)) = socket.next().await {}
    server.live.tasks.close();
    timeout(PATIENCE, server.live.tasks.wait())
        .await
        .expect("no task is left behind");
    assert!(server.live.registry.is_empty());
}

#[tokio::test]
async fn huge_frames_wrong_kinds_and_garbage_end_the_connection() {
    let server = Server::start(LiveLimits::default()).await;
    let connect = Message::text(r#"{"id":1,"connect":{}}"#);
    let (bad_request, too_big) = (Disconnect::BAD_REQUEST.code, Disconnect::TOO_BIG.code);
    for (bad, code) in [
        (Message::text("x".repeat(40 * 1024)), too_big),
        (Message::binary(vec![0_u8; 8]), bad_request),
        (Message::text("garbage"), bad_request),
        (Message::text("{\"id\":2,\"subscribe\":7}"), bad_request),
    ] {
        let mut socket = server.open(&[BEARER]).await.unwrap();
        socket.send(connect.clone()).await.unwrap();
        message(&mut socket).await;
        socket.send(bad.clone()).await.unwrap();
        let text = format!("{bad:?}");
        assert_eq!(close_code(&mut socket).await, code, "{text:.40}");
    }
    // A length beyond all measure is not read at all: the connection is cut, with or without a last word.
    let mut socket = server.open(&[BEARER]).await.unwrap();
    socket.send(connect.clone()).await.unwrap();
    message(&mut socket).await;
    let _ = socket.send(Message::text("x".repeat(10 * 1024 * 1024))).await;
    let end = async { while let Some(Ok(_)) = socket.next().await {} };
    timeout(PATIENCE, end).await.expect("the connection is cut");
    // Others are not disturbed.
    let mut socket = server.open(&[BEARER]).await.unwrap();
    socket.send(connect).await.unwrap();
    message(&mut socket).await;
}

#[tokio::test]
async fn an_unknown_method_is_an_error_with_words() {
    let server = Server::start(LiveLimits::default()).await;
    let mut socket = server.open(&[BEARER]).await.unwrap();
    let call = Command {
        id: 2,
        rpc: Some(RpcRequest {
            method: "x".into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    socket
        .send(Message::text(r#"{"id":1,"connect":{}}"#))
        .await
        .unwrap();
    message(&mut socket).await;
    let text = codec::encode_command(Encoding::Json, &call);
    socket
        .send(Message::text(String::from_utf8(text.to_vec()).unwrap()))
        .await
        .unwrap();
    let Message::Text(text) = message(&mut socket).await else {
        panic!("text")
    };
    assert_eq!(
        text.as_str(),
        r#"{"id":2,"error":{"code":404,"message":"There is no method `x`."}}"#
    );
}
