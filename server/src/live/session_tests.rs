//! Sessions over channels in memory: no socket, both encodings, real hub.

use super::*;
use crate::{
    actions::RunOutlet,
    collectors::Outlet,
    live::{Ending, Gate, Hub, LiveLimits, Proof, Rpc},
};
use farol_model::{
    Fault, Role, Viewer,
    metric::{MetricSpec, Unit},
    wire::{
        Command, ConnectRequest, PingRequest, PresenceRequest, PublishRequest, RefreshRequest, RpcRequest,
        SendRequest, SubscribeRequest, UnsubscribeRequest, codes::error,
    },
};
use futures::{channel::mpsc, future::BoxFuture};
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::{
    sync::{Notify, broadcast},
    task::JoinHandle,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// As a failure only.
const PATIENCE: Duration = Duration::from_secs(20);
const CPU: &str = "metrics/local/cpu";

fn identity(role: Role) -> Identity {
    Identity {
        viewer: Viewer {
            user_id: 1,
            name: "ana".into(),
            role,
        },
        proof: Proof::Session("s1".into()),
    }
}

struct TestGate {
    endings: broadcast::Sender<Ending>,
    /// What a recheck says.
    now: Mutex<Option<Identity>>,
    fails: AtomicBool,
}

impl Gate for TestGate {
    fn by_token<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Option<Identity>, Fault>> {
        Box::pin(async move {
            Ok(match token {
                "good" => Some(identity(Role::Operator)),
                "other" => {
                    let mut other = identity(Role::Admin);
                    other.viewer.user_id = 2;
                    Some(other)
                }
                _ => None,
            })
        })
    }
    fn recheck<'a>(&'a self, _: &'a Identity) -> BoxFuture<'a, Result<Option<Identity>, Fault>> {
        Box::pin(async move {
            match self.fails.load(Ordering::SeqCst) {
                true => Err(Fault::internal()),
                false => Ok(self.now.lock().unwrap().clone()),
            }
        })
    }
    fn endings(&self) -> broadcast::Receiver<Ending> {
        self.endings.subscribe()
    }
}

/// `slow` waits for `go`; `echo` answers its data; `broken` answers what is not JSON.
#[derive(Default)]
struct TestRpc {
    go: Notify,
}

impl Rpc for TestRpc {
    fn call<'a>(
        &'a self,
        _: &'a Identity,
        _: &'a str,
        method: &'a str,
        data: &'a [u8],
    ) -> BoxFuture<'a, Result<Vec<u8>, Fault>> {
        Box::pin(async move {
            match method {
                "slow" => {
                    self.go.notified().await;
                    Ok(b"1".to_vec())
                }
                "echo" => Ok(data.to_vec()),
                "broken" => Ok(b"{".to_vec()),
                _ => Err(Fault::not_found("There is no such method.")),
            }
        })
    }
}

struct World {
    live: Live,
    gate: Arc<TestGate>,
    rpc: Arc<TestRpc>,
    schema: Arc<[MetricSpec]>,
}

impl World {
    fn new(limits: LiveLimits) -> Self {
        let hub = Hub::new(limits.clone());
        let gate = Arc::new(TestGate {
            endings: broadcast::channel(8).0,
            now: Mutex::new(Some(identity(Role::Operator))),
            fails: AtomicBool::new(false),
        });
        let rpc = Arc::new(TestRpc::default());
        let live = Live::start(
            hub,
            gate.clone(),
            rpc.clone(),
            limits,
            Arc::new(|_| true),
            CancellationToken::new(),
            TaskTracker::new(),
        );
        let schema: Arc<[MetricSpec]> = Arc::new([MetricSpec::gauge("a", Unit::None, "c", "a", "h")]);
        let world = World {
            live,
            gate,
            rpc,
            schema,
        };
        world.frame(1, 1);
        world
    }

    /// A frame of `width` values, to fill queues.
    fn frame(&self, t_ms: i64, width: usize) {
        let schema = match width {
            1 => self.schema.clone(),
            _ => (0..width)
                .map(|n| MetricSpec::gauge(&format!("s{n}"), Unit::None, "c", "a", "h"))
                .collect(),
        };
        self.live.hub.frame(CPU, &schema, t_ms, 1, vec![1.0; width]);
    }

    /// `room`: messages that the client's side takes without being read.
    fn client(&self, encoding: Encoding, identity: Option<Identity>, room: usize) -> Client {
        let (to_server, from_client) = mpsc::unbounded();
        let (to_client, from_server) = mpsc::channel(room);
        let seat = self.live.registry.admit("10.0.0.1".parse().unwrap()).unwrap();
        let peer = Peer {
            address: "10.0.0.1".into(),
            seat,
            identity,
            encoding,
        };
        let sink = to_client.sink_map_err(|_| CarrierError::Broken);
        let task = tokio::spawn(run(self.live.clone(), peer, sink, from_client));
        Client {
            encoding,
            to_server,
            from_server,
            task,
            pending: VecDeque::new(),
            closed: None,
            id: 0,
        }
    }

    async fn connected(&self, encoding: Encoding) -> Client {
        let mut client = self.client(encoding, Some(identity(Role::Operator)), 100);
        let reply = client
            .ask(|command| command.connect = Some(ConnectRequest::default()))
            .await;
        assert!(reply.connect.is_some(), "{reply:?}");
        client
    }
}

struct Client {
    encoding: Encoding,
    to_server: mpsc::UnboundedSender<Result<Bytes, CarrierError>>,
    from_server: mpsc::Receiver<Outbound>,
    task: JoinHandle<Disconnect>,
    pending: VecDeque<Reply>,
    closed: Option<Disconnect>,
    id: u32,
}

impl Client {
    fn raw(&self, bytes: &[u8]) {
        let _ = self.to_server.unbounded_send(Ok(Bytes::copy_from_slice(bytes)));
    }

    fn send(&mut self, fill: impl FnOnce(&mut Command)) -> u32 {
        self.id += 1;
        let mut command = Command {
            id: self.id,
            ..Default::default()
        };
        fill(&mut command);
        self.raw(&codec::encode_command(self.encoding, &command));
        self.id
    }

    /// The next reply or push; None after the close.
    async fn next(&mut self) -> Option<Reply> {
        loop {
            if let Some(reply) = self.pending.pop_front() {
                return Some(reply);
            }
            match timeout(PATIENCE, self.from_server.next())
                .await
                .expect("nothing came")
            {
                Some(Outbound::Message(bytes)) => {
                    self.pending = codec::decode_replies(self.encoding, &bytes).unwrap().into();
                }
                Some(Outbound::Close(reason)) => {
                    self.closed = Some(reason);
                    self.to_server.close_channel();
                }
                None => return None,
            }
        }
    }

    async fn ask(&mut self, fill: impl FnOnce(&mut Command)) -> Reply {
        let id = self.send(fill);
        loop {
            let reply = self.next().await.expect("the connection ended");
            if reply.id == id {
                return reply;
            }
        }
    }

    async fn subscribe(&mut self, channel: &str) -> Reply {
        self.ask(|command| {
            command.subscribe = Some(SubscribeRequest {
                channel: channel.into(),
                ..Default::default()
            });
        })
        .await
    }

    /// Reads to the end; the reason must be in the push, in the close and in the result alike.
    async fn end(mut self) -> Disconnect {
        let mut pushed = None;
        while let Some(reply) = self.next().await {
            if let Some(disconnect) = reply.push.and_then(|push| push.disconnect) {
                pushed = Some(disconnect.code);
            }
        }
        let reason = timeout(PATIENCE, self.task).await.unwrap().unwrap();
        assert_eq!(pushed, Some(u32::from(reason.code)));
        assert_eq!(self.closed, Some(reason));
        reason
    }
}

fn code(reply: &Reply) -> u32 {
    reply.error.as_ref().map_or(0, |error| error.code)
}

const BOTH: [Encoding; 2] = [Encoding::Json, Encoding::Protobuf];

#[tokio::test]
async fn connect_subscribe_publication_unsubscribe() {
    for encoding in BOTH {
        let world = World::new(LiveLimits::default());
        let mut client = world.connected(encoding).await;
        let result = client.subscribe(CPU).await.subscribe.unwrap();
        assert!(!result.data.is_empty());
        world.frame(2, 1);
        let push = client.next().await.unwrap().push.unwrap();
        assert_eq!(push.publication.unwrap().offset, result.offset + 1);
        let gone = client
            .ask(|command| command.unsubscribe = Some(UnsubscribeRequest { channel: CPU.into() }))
            .await;
        assert!(gone.unsubscribe.is_some());
        world.frame(3, 1);
        let pong = client.ask(|command| command.ping = Some(PingRequest {})).await;
        assert!(pong.ping.is_some());
        drop(client.to_server);
        assert_eq!(client.task.await.unwrap(), Disconnect::CONNECTION_CLOSED);
        assert_eq!(world.live.registry.len(), 0, "the seat is free");
    }
}

#[tokio::test]
async fn channels_may_be_asked_for_in_connect() {
    let world = World::new(LiveLimits::default());
    let mut client = world.client(Encoding::Json, Some(identity(Role::Viewer)), 10);
    *world.gate.now.lock().unwrap() = Some(identity(Role::Viewer));
    let subs = [CPU, "runs/r1", "no channel"]
        .map(|name| (name.to_owned(), SubscribeRequest::default()))
        .into();
    let reply = client
        .ask(|command| {
            command.connect = Some(ConnectRequest {
                subs,
                ..Default::default()
            })
        })
        .await;
    let result = reply.connect.unwrap();
    assert_eq!((result.ping, result.pong), (25, true));
    assert_eq!(result.subs.keys().collect::<Vec<_>>(), [CPU]);
    world.frame(2, 1);
    assert_eq!(client.next().await.unwrap().push.unwrap().channel, CPU);
}

#[tokio::test]
async fn only_clients_that_can_read_numbers_get_them() {
    let world = World::new(LiveLimits::default());
    for (encoding, name, numbered) in [
        (Encoding::Json, "js", true),
        (Encoding::Protobuf, "js", false),
        (Encoding::Protobuf, "farol", true),
    ] {
        let mut client = world.client(encoding, Some(identity(Role::Operator)), 10);
        client
            .ask(|command| {
                command.connect = Some(ConnectRequest {
                    name: name.into(),
                    ..Default::default()
                });
            })
            .await;
        let reply = client
            .ask(|command| {
                command.subscribe = Some(SubscribeRequest {
                    channel: CPU.into(),
                    flag: 1,
                    ..Default::default()
                });
            })
            .await;
        assert_eq!(reply.subscribe.unwrap().id > 0, numbered, "{encoding:?} {name}");
    }
}

#[tokio::test]
async fn a_token_in_connect_proves_who_it_is_and_a_bad_one_ends_the_connection() {
    let world = World::new(LiveLimits::default());
    let with = |token: &str| ConnectRequest {
        token: token.into(),
        ..Default::default()
    };
    let mut client = world.client(Encoding::Protobuf, None, 10);
    let reply = client.ask(|command| command.connect = Some(with("good"))).await;
    assert!(reply.connect.is_some());

    let mut client = world.client(Encoding::Protobuf, None, 10);
    client.send(|command| command.connect = Some(with("bad")));
    assert_eq!(client.end().await, Disconnect::INVALID_TOKEN);

    let mut client = world.client(Encoding::Protobuf, None, 10);
    let reply = client.ask(|command| command.connect = Some(with(""))).await;
    assert_eq!(code(&reply), error::UNAUTHORIZED);
    assert_eq!(client.end().await, Disconnect::INVALID_TOKEN);
}

#[tokio::test]
async fn refresh_takes_a_token_of_the_same_user_only() {
    let world = World::new(LiveLimits::default());
    let mut client = world.connected(Encoding::Json).await;
    let refresh = |token: &str| RefreshRequest { token: token.into() };
    let reply = client
        .ask(|command| command.refresh = Some(refresh("good")))
        .await;
    assert!(reply.refresh.is_some());
    client.send(|command| command.refresh = Some(refresh("other")));
    assert_eq!(client.end().await, Disconnect::INVALID_TOKEN);
}

#[tokio::test]
async fn a_proof_that_ended_meanwhile_is_seen_at_connect_and_at_every_resume() {
    let world = World::new(LiveLimits::default());
    *world.gate.now.lock().unwrap() = None;
    let mut client = world.client(Encoding::Json, Some(identity(Role::Operator)), 10);
    client.send(|command| command.connect = Some(ConnectRequest::default()));
    assert_eq!(client.end().await, Disconnect::SIGNED_OUT);

    *world.gate.now.lock().unwrap() = Some(identity(Role::Operator));
    let mut client = world.connected(Encoding::Json).await;
    *world.gate.now.lock().unwrap() = None;
    client.send(|command| {
        command.subscribe = Some(SubscribeRequest {
            channel: CPU.into(),
            recover: true,
            ..Default::default()
        });
    });
    assert_eq!(client.end().await, Disconnect::SIGNED_OUT);
}

#[tokio::test]
async fn a_gate_that_fails_is_a_temporary_error_and_lets_nobody_in() {
    let world = World::new(LiveLimits::default());
    world.gate.fails.store(true, Ordering::SeqCst);
    let mut client = world.client(Encoding::Json, Some(identity(Role::Operator)), 10);
    let reply = client
        .ask(|command| command.connect = Some(ConnectRequest::default()))
        .await;
    let error = reply.error.unwrap();
    assert_eq!((error.code, error.temporary), (error::INTERNAL, true));
    world.gate.fails.store(false, Ordering::SeqCst);
    let reply = client
        .ask(|command| command.connect = Some(ConnectRequest::default()))
        .await;
    assert!(reply.connect.is_some(), "trying again helps");
}

#[tokio::test]
async fn refusals_have_the_published_codes() {
    let world = World::new(LiveLimits::default());
    let mut client = world.connected(Encoding::Json).await;
    assert_eq!(
        code(&client.subscribe("no/such/thing/here").await),
        error::UNKNOWN_CHANNEL
    );
    assert_eq!(
        code(&client.subscribe("runs/unknown").await),
        error::UNKNOWN_CHANNEL
    );
    assert_eq!(code(&client.subscribe(CPU).await), 0);
    assert_eq!(code(&client.subscribe(CPU).await), error::ALREADY_SUBSCRIBED);
    let bad_options = client
        .ask(|command| {
            command.subscribe = Some(SubscribeRequest {
                channel: "processes/local".into(),
                data: Bytes::from_static(b"{\"every_ms\":\"x\"}"),
                ..Default::default()
            });
        })
        .await;
    assert_eq!(code(&bad_options), error::BAD_REQUEST);
    let publish = client
        .ask(|command| command.publish = Some(PublishRequest::default()))
        .await;
    assert_eq!(code(&publish), error::NOT_AVAILABLE);
    let presence = client
        .ask(|command| command.presence = Some(PresenceRequest::default()))
        .await;
    assert_eq!(code(&presence), error::NOT_AVAILABLE);
    assert_eq!(code(&client.ask(|_| {}).await), error::METHOD_NOT_FOUND);
    let unknown = client
        .ask(|command| command.rpc = Some(RpcRequest::default()))
        .await;
    assert_eq!(code(&unknown), 404);
    let broken = client
        .ask(|command| {
            command.rpc = Some(RpcRequest {
                method: "broken".into(),
                ..Default::default()
            });
        })
        .await;
    assert_eq!(code(&broken), error::INTERNAL);
    client.send(|command| {
        command.id = 0;
        command.send = Some(SendRequest::default());
    });
    assert!(
        client
            .ask(|command| command.ping = Some(PingRequest {}))
            .await
            .ping
            .is_some(),
        "send is ignored"
    );
}

#[tokio::test]
async fn a_viewer_may_watch_but_not_see_runs() {
    let world = World::new(LiveLimits::default());
    *world.gate.now.lock().unwrap() = Some(identity(Role::Viewer));
    world
        .live
        .hub
        .event("r1", &farol_model::action::RunEvent::Truncated { limit_bytes: 1 });
    // The role that counts is the one of now, not of the upgrade.
    let mut client = world.connected(Encoding::Json).await;
    assert_eq!(code(&client.subscribe(CPU).await), 0);
    assert_eq!(code(&client.subscribe("runs/r1").await), error::PERMISSION_DENIED);
}

#[tokio::test]
async fn what_is_not_of_the_protocol_ends_the_connection() {
    for (encoding, garbage) in [
        (Encoding::Json, &b"nonsense"[..]),
        (Encoding::Json, b"[]"),
        (Encoding::Json, b"{\"id\":\"one\"}"),
        (Encoding::Json, b"{\"id\":9,\"connect\":{}}"),
        (Encoding::Json, b"{\"id\":9,\"ping\":{},\"rpc\":{}}"),
        (Encoding::Json, b"{\"ping\":{}}"),
        (Encoding::Protobuf, b"\x05ab"),
        (Encoding::Protobuf, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
    ] {
        let world = World::new(LiveLimits::default());
        let client = world.connected(encoding).await;
        client.raw(garbage);
        assert_eq!(client.end().await, Disconnect::BAD_REQUEST, "{garbage:?}");
    }
}

#[tokio::test]
async fn connect_must_come_first_and_in_time() {
    let world = World::new(LiveLimits::default());
    let mut early = world.client(Encoding::Json, Some(identity(Role::Operator)), 10);
    early.send(|command| command.ping = Some(PingRequest {}));
    assert_eq!(early.end().await, Disconnect::BAD_REQUEST);

    let world = World::new(LiveLimits {
        connect_timeout: Duration::from_millis(30),
        ..Default::default()
    });
    let late = world.client(Encoding::Json, Some(identity(Role::Operator)), 10);
    assert_eq!(late.end().await, Disconnect::STALE);
}

#[tokio::test]
async fn frames_may_be_larger_once_connected() {
    let world = World::new(LiveLimits::default());
    let large = |size: usize| {
        format!(
            "{{\"id\":50,\"rpc\":{{\"method\":\"echo\",\"data\":\"{}\"}}}}",
            "x".repeat(size)
        )
    };
    let mut client = world.connected(Encoding::Json).await;
    client.raw(large(20_000).as_bytes());
    assert_eq!(client.next().await.unwrap().rpc.unwrap().data.len(), 20_002);
    client.raw(large(40_000).as_bytes());
    assert_eq!(client.end().await, Disconnect::BAD_REQUEST);

    let before = world.client(Encoding::Json, None, 10);
    before.raw(large(5_000).as_bytes());
    assert_eq!(before.end().await, Disconnect::BAD_REQUEST);
}

#[tokio::test]
async fn a_message_that_the_carrier_refuses_ends_the_connection() {
    let world = World::new(LiveLimits::default());
    let client = world.connected(Encoding::Json).await;
    client
        .to_server
        .unbounded_send(Err(CarrierError::Refused))
        .unwrap();
    assert_eq!(client.end().await, Disconnect::BAD_REQUEST);
}

#[tokio::test]
async fn too_many_commands_end_the_connection() {
    let world = World::new(LiveLimits {
        command_burst: 5.0,
        channels: 2,
        ..Default::default()
    });
    let mut client = world.connected(Encoding::Json).await;
    for _ in 0..20 {
        client.send(|command| command.ping = Some(PingRequest {}));
    }
    assert_eq!(client.end().await, Disconnect::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn the_channel_limit_counts_only_what_stands() {
    let world = World::new(LiveLimits {
        channels: 1,
        ..Default::default()
    });
    let mut client = world.connected(Encoding::Json).await;
    assert_eq!(code(&client.subscribe(CPU).await), 0);
    assert_eq!(
        code(&client.subscribe("processes/local").await),
        error::LIMIT_EXCEEDED
    );
    client
        .ask(|command| command.unsubscribe = Some(UnsubscribeRequest { channel: CPU.into() }))
        .await;
    assert_eq!(code(&client.subscribe("processes/local").await), 0);
}

#[tokio::test]
async fn a_slow_call_holds_nothing_up_and_calls_are_bounded() {
    let world = World::new(LiveLimits {
        rpcs_in_flight: 1,
        ..Default::default()
    });
    let mut client = world.connected(Encoding::Json).await;
    let call = |method: &str| RpcRequest {
        method: method.into(),
        data: Bytes::from_static(b"{\"a\":1}"),
    };
    let slow = client.send(|command| command.rpc = Some(call("slow")));
    let pong = client.ask(|command| command.ping = Some(PingRequest {})).await;
    assert!(pong.ping.is_some());
    let refused = client.ask(|command| command.rpc = Some(call("echo"))).await;
    assert_eq!(code(&refused), error::TOO_MANY_REQUESTS);
    world.rpc.go.notify_one();
    assert_eq!(client.next().await.unwrap().id, slow);
}

#[tokio::test]
async fn a_silent_client_is_pinged_and_then_let_go_and_a_living_one_stays() {
    let limits = LiveLimits {
        ping_interval: Duration::from_millis(40),
        pong_timeout: Duration::from_millis(500),
        ..Default::default()
    };
    let world = World::new(limits.clone());
    let mut living = world.connected(Encoding::Json).await;
    for _ in 0..5 {
        assert_eq!(living.next().await, Some(Reply::default()), "a ping");
        living.raw(b"{}");
    }
    let silent = world.connected(Encoding::Protobuf).await;
    assert_eq!(silent.end().await, Disconnect::NO_PONG);
}

#[tokio::test]
async fn sign_out_and_role_changes_end_connections_within_a_second() {
    for (ending, reason) in [
        (Ending::Proof(Proof::Session("s1".into())), Disconnect::SIGNED_OUT),
        (Ending::User(1), Disconnect::SESSION_ENDED),
    ] {
        let world = World::new(LiveLimits::default());
        let client = world.connected(Encoding::Json).await;
        let start = Instant::now();
        world.gate.endings.send(ending).unwrap();
        assert_eq!(client.end().await, reason);
        assert!(start.elapsed() < Duration::from_secs(1));
    }
}

#[tokio::test]
async fn shutdown_asks_everybody_to_come_back() {
    let world = World::new(LiveLimits {
        drain_spread: Duration::from_millis(50),
        ..Default::default()
    });
    let clients = [
        world.connected(Encoding::Json).await,
        world.connected(Encoding::Protobuf).await,
    ];
    world.live.shutdown.cancel();
    for client in clients {
        assert_eq!(client.end().await, Disconnect::SHUTDOWN);
    }
}

#[tokio::test]
async fn a_reader_that_never_reads_is_let_go() {
    let world = World::new(LiveLimits {
        write_stall: Duration::from_millis(50),
        farewell: Duration::from_millis(50),
        ..Default::default()
    });
    let mut client = world.client(Encoding::Json, Some(identity(Role::Operator)), 0);
    client.send(|command| command.connect = Some(ConnectRequest::default()));
    for _ in 0..3 {
        client.send(|command| command.ping = Some(PingRequest {}));
    }
    // Its side of the carrier stays open and full.
    let reason = timeout(PATIENCE, &mut client.task).await.unwrap().unwrap();
    assert_eq!(reason, Disconnect::SLOW);
}

#[tokio::test]
async fn a_reader_that_falls_behind_with_metrics_subscribes_again_and_recovers() {
    let world = World::new(LiveLimits {
        queue_bytes: 16 * 1024,
        ..Default::default()
    });
    let mut client = world.client(Encoding::Protobuf, Some(identity(Role::Operator)), 0);
    client
        .ask(|command| command.connect = Some(ConnectRequest::default()))
        .await;
    world.frame(2, 100);
    let result = client.subscribe(CPU).await.subscribe.unwrap();
    let mut last = result.offset;
    // 800 bytes each: far more than the queue holds while nobody reads.
    for t_ms in 3..200 {
        world.frame(t_ms, 100);
    }
    loop {
        let push = client.next().await.unwrap().push.unwrap();
        if let Some(unsubscribe) = push.unsubscribe {
            assert_eq!((unsubscribe.code, push.channel.as_str()), (2500, CPU));
            break;
        }
        let offset = push.publication.unwrap().offset;
        assert_eq!(offset, last + 1, "no hole before the push");
        last = offset;
    }
    let again = client
        .ask(|command| {
            command.subscribe = Some(SubscribeRequest {
                channel: CPU.into(),
                recover: true,
                epoch: result.epoch.clone(),
                offset: last,
                ..Default::default()
            });
        })
        .await
        .subscribe
        .unwrap();
    assert!(again.recovered);
    let offsets: Vec<u64> = again
        .publications
        .iter()
        .map(|publication| publication.offset)
        .collect();
    assert_eq!(offsets, (last + 1..=again.offset).collect::<Vec<u64>>());
}

#[tokio::test]
async fn what_is_due_in_one_tick_leaves_in_one_message() {
    let world = World::new(LiveLimits {
        coalesce: Duration::from_millis(200),
        ..Default::default()
    });
    let mut client = world.connected(Encoding::Json).await;
    client.subscribe(CPU).await;
    client.subscribe("processes/local").await;
    world.frame(2, 1);
    Outlet::processes(&*world.live.hub, 2, Vec::new());
    let Some(Outbound::Message(message)) = client.from_server.next().await else {
        panic!("a message");
    };
    assert_eq!(codec::decode_replies(Encoding::Json, &message).unwrap().len(), 2);
}
