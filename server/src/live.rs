//! The live plane: the hub, sessions and one thin adapter per carrier. Protocol: docs/PROTOCOL.md.
//!
//! | file | owns |
//! |---|---|
//! | [`hub`] | which channels there are; takes frames, tables, health and run events |
//! | [`channel`], [`body`] | one channel: position, recovery, state, fan-out |
//! | [`publication`] | one publication, encoded at most once per form |
//! | [`marks`] | when runs began and ended, for charts |
//! | [`seeds`], [`rows`] | what a channel of metrics begins with; a frame becomes a row and a publication |
//! | [`runs`], [`rooms`] | which channels of runs and rooms stay |
//! | [`logs`] | channels of logs, which are there while somebody listens |
//! | [`outbox`] | what waits for one connection, what gives way when it is full, who writes |
//! | [`fanout`] | who is subscribed to one channel, and what is on its way to them |
//! | [`flusher`] | brings publications to the sockets |
//! | [`framed`] | a frame as its receivers share it |
//! | [`session`], [`commands`], [`throttle`], [`subscription`] | one connection over any carrier |
//! | [`door`] | who is let in at all |
//! | [`registry`], [`client`], [`traffic`], [`kill`] | who is connected, caps, what is known of each, endings |
//! | [`carriers`] | one thin adapter per carrier |
//! | [`observe`] | what operators see of connections |
//! | [`limits`] | every bound |
//!
//! It must not know what a collector reads, what an action does or how people sign in: those come as frames, as
//! [`Rpc`] and as [`Gate`]. A new carrier is one file in [`carriers`] that gives [`session::run`] a sink and a stream, and
//! one line in [`carriers::routes`]; hub and session stay as they are.

pub mod body;
pub mod carriers;
pub mod channel;
pub mod client;
pub mod commands;
pub mod door;
pub mod fanout;
pub mod flusher;
pub mod framed;
pub mod hub;
pub mod kill;
pub mod limits;
pub mod logs;
pub mod marks;
pub mod observe;
pub mod outbox;
pub mod publication;
pub mod registry;
pub mod rooms;
pub mod rows;
pub mod runs;
pub mod seeds;
pub mod session;
pub mod subscription;
pub mod throttle;
pub mod traffic;

pub use carriers::{owns, routes};
pub use door::{BadProof, PeerAddress};
pub use hub::Hub;
pub use limits::LiveLimits;
pub use registry::Registry;

use farol_model::{Fault, Permission, Viewer, wire::codes::Disconnect, words};
use flusher::Flusher;
use futures::future::BoxFuture;
use http::HeaderMap;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::broadcast;
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

/// Whether a request's `Origin` is ours.
pub type OriginCheck = Arc<dyn Fn(&HeaderMap) -> bool + Send + Sync>;

/// Distance of the hub's sweeps.
const SWEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Distance of the looks at what waits for readers.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// All parts of the live plane. Cheap to clone.
#[derive(Clone)]
pub struct Live {
    pub hub: Arc<Hub>,
    pub registry: Arc<Registry>,
    pub flusher: Arc<Flusher>,
    pub gate: Arc<dyn Gate>,
    pub rpc: Arc<dyn Rpc>,
    pub limits: Arc<LiveLimits>,
    pub origin_allowed: OriginCheck,
    /// Cancelled when the process is to stop: new connections are refused, those that stand are asked to leave.
    pub shutdown: CancellationToken,
    /// Sessions and rpc calls. To be waited for after `shutdown`.
    pub tasks: TaskTracker,
    /// Ends the flusher with the last of its users.
    _flushing: Arc<DropGuard>,
}

/// What the live plane is put together from.
pub struct Parts {
    pub hub: Arc<Hub>,
    pub registry: Arc<Registry>,
    pub gate: Arc<dyn Gate>,
    pub rpc: Arc<dyn Rpc>,
    pub limits: LiveLimits,
    pub origin_allowed: OriginCheck,
    pub shutdown: CancellationToken,
    pub tasks: TaskTracker,
}

impl Live {
    /// Puts the parts together and starts the housekeeping: endings of the gate reach connections, old runs leave. Must
    /// be called within a Tokio runtime.
    pub fn start(parts: Parts) -> Live {
        let limits = Arc::new(parts.limits);
        let flusher = parts.hub.flusher.clone();
        let flushing = CancellationToken::new();
        tokio::spawn(flusher.clone().run(flushing.clone()));
        let live = Live {
            hub: parts.hub,
            registry: parts.registry,
            flusher,
            gate: parts.gate,
            rpc: parts.rpc,
            limits,
            origin_allowed: parts.origin_allowed,
            shutdown: parts.shutdown,
            tasks: parts.tasks,
            _flushing: Arc::new(flushing.drop_guard()),
        };
        // Listening begins before anybody can connect.
        let endings = live.gate.endings();
        live.tasks.spawn(keep_house(live.clone(), endings));
        live
    }
}

async fn keep_house(live: Live, mut endings: broadcast::Receiver<Ending>) {
    let mut sweep = tokio::time::interval(SWEEP_INTERVAL);
    let mut look = tokio::time::interval(LOOK_INTERVAL);
    let queued = metrics::gauge!("farol_live_queue_bytes");
    let (mut looked, mut listening) = (Instant::now(), true);
    loop {
        tokio::select! {
            () = live.shutdown.cancelled() => return,
            _ = sweep.tick() => live.hub.sweep(),
            _ = look.tick() => {
                let ago = std::mem::replace(&mut looked, Instant::now()).elapsed();
                queued.set(live.registry.look(ago) as f64);
            }
            ending = endings.recv(), if listening => match ending {
                Ok(ending) => live.registry.end(&ending),
                Err(broadcast::error::RecvError::Lagged(missed)) => {
                    tracing::warn!(missed, "endings were missed; every connection is checked again");
                    recheck_all(&live).await;
                }
                Err(broadcast::error::RecvError::Closed) => listening = false,
            },
        }
    }
}

async fn recheck_all(live: &Live) {
    for client in live.registry.clients() {
        let Some(identity) = client.identity() else {
            continue;
        };
        let kill = &client.kill;
        // When in doubt the client comes back and is asked again.
        match live.gate.recheck(&identity).await {
            Ok(Some(now)) if now == *identity => {}
            Ok(Some(_)) => kill.end(Disconnect::SESSION_ENDED),
            Ok(None) => kill.end(Disconnect::SIGNED_OUT),
            Err(_) => kill.end(Disconnect::INSUFFICIENT_STATE),
        }
    }
}

/// Locks a mutex whose sections do not panic half-way through a change.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Who stands behind a connection and what its life hangs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub viewer: Viewer,
    pub proof: Proof,
}

/// What the person showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// A signed-in browser session, by its session id.
    Session(String),
    /// An API token, by its row id.
    Token(i64),
}

/// Something that ends connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// This proof no longer holds: signed out, expired, revoked. Closed with 4501.
    Proof(Proof),
    /// All proofs of this user no longer hold: disabled, role or password changed. Closed with 4500.
    User(i64),
    /// What this user may do is another than it was; the proofs hold. Closed with 3003, to come back.
    Rights(i64),
}

/// Asks whether somebody may be here. Implemented by `access`.
pub trait Gate: Send + Sync + 'static {
    /// The identity behind an API token or a single-use ticket; None when it is neither.
    fn by_token<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Option<Identity>, Fault>>;
    /// Whether an identity still holds, and with which role now.
    fn recheck<'a>(&'a self, identity: &'a Identity) -> BoxFuture<'a, Result<Option<Identity>, Fault>>;
    /// Endings from now on.
    fn endings(&self) -> broadcast::Receiver<Ending>;
}

/// Every `rpc` method there is. What is no word here is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    Run,
    Cancel,
    /// Answered here.
    Connections,
    /// Answered here.
    Frames,
}

words!(Method {
    Run = "run",
    Cancel = "cancel",
    Connections = "connections",
    Frames = "frames",
});

impl Method {
    /// What the caller must be allowed to do. The runner asks for what the action wants on top of it.
    pub fn permission(self) -> Permission {
        match self {
            Method::Run => Permission::RunActions,
            Method::Cancel => Permission::ViewRuns,
            Method::Connections | Method::Frames => Permission::ViewConnections,
        }
    }

    /// What is said of a method that is none of them.
    pub fn unknown(name: &str) -> Fault {
        let shown: String = name.chars().take(64).collect();
        let known = Method::ALL.map(Method::as_str).join(", ");
        Fault::not_found(format!("There is no method `{shown}`; there are {known}."))
    }
}

/// Answers `rpc` commands. Implemented by `actions`. Data is JSON text in and out.
pub trait Rpc: Send + Sync + 'static {
    fn call<'a>(
        &'a self,
        identity: &'a Identity,
        peer: &'a str,
        method: &'a str,
        data: &'a [u8],
    ) -> BoxFuture<'a, Result<Answer, Fault>>;
}

/// What an `rpc` method answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// JSON text, or nothing.
    pub data: Vec<u8>,
    /// A channel that the server subscribes the caller to, before the answer goes out.
    pub follow: Option<String>,
}

impl From<Vec<u8>> for Answer {
    fn from(data: Vec<u8>) -> Self {
        Answer { data, follow: None }
    }
}
