//! Sessions over channels in memory: no socket, both encodings, real hub.

mod bounds;
mod commands;
mod rooms;
mod traces;

use super::*;
use crate::live::{Parts, Registry};
use crate::{
    actions::RunOutlet,
    collectors::Outlet,
    live::{Answer, Ending, Gate, Hub, Identity, LiveLimits, Proof, Rpc, client::Newcomer},
};
use farol_model::{
    Fault, Role, Viewer,
    connection::Carrier,
    metric::{MetricSpec, Unit},
    wire::{
        Command, ConnectRequest, Encoding, HistoryRequest, PingRequest, PresenceRequest,
        PresenceStatsRequest, PublishRequest, RefreshRequest, RpcRequest, SendRequest, StreamPosition,
        SubRefreshRequest, SubscribeRequest, UnsubscribeRequest, codes::error,
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
        viewer: Viewer::new(1, "ana", role),
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
    ) -> BoxFuture<'a, Result<Answer, Fault>> {
        Box::pin(async move {
            match method {
                "slow" => {
                    self.go.notified().await;
                    Ok(b"1".to_vec().into())
                }
                "echo" => Ok(data.to_vec().into()),
                "follow" => Ok(Answer {
                    data: b"1".to_vec(),
                    follow: Some(String::from_utf8_lossy(data).trim_matches('"').to_owned()),
                }),
                "broken" => Ok(b"{".to_vec().into()),
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
        let live = Live::start(Parts {
            hub,
            registry: Registry::new(&limits),
            gate: gate.clone(),
            rpc: rpc.clone(),
            limits,
            origin_allowed: Arc::new(|_| true),
            shutdown: CancellationToken::new(),
            tasks: TaskTracker::new(),
        });
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
        let newcomer = Newcomer {
            address: "10.0.0.1".parse().unwrap(),
            agent: "test".into(),
            carrier: Carrier::WebSocket,
            encoding,
        };
        let peer = Peer {
            seat: self.live.registry.admit(newcomer).unwrap(),
            identity: identity.map(Arc::new),
            emulated: None,
            express: None,
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
        let expected = (!reason.is_of_carrier()).then_some(u32::from(reason.code));
        assert_eq!(pushed, expected);
        assert_eq!(self.closed, Some(reason));
        reason
    }
}

fn code(reply: &Reply) -> u32 {
    reply.error.as_ref().map_or(0, |error| error.code)
}

const BOTH: [Encoding; 2] = [Encoding::Json, Encoding::Protobuf];
