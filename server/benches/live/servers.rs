//! What is measured. Each says `port N` on standard output and then sends 1 KB to every socket, so many times a second.

use crate::{
    figures::now_us,
    load::{Dialect, Greeting, Stamp},
};
use axum::{
    Router,
    extract::{
        State,
        ws::{Message, WebSocketUpgrade},
    },
    routing::get,
};
use farol::{
    collectors::Outlet,
    config::HttpConfig,
    live::{Answer, Ending, Gate, Hub, Identity, Live, LiveLimits, Parts, Proof, Registry, Rpc, routes},
    serve,
};
use farol_model::{
    Fault, Role, Viewer,
    metric::{MetricSpec, Unit},
};
use futures::future::BoxFuture;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};
use tokio::sync::broadcast;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Bytes of one message, about: Farol's is a frame of numbers.
pub const MESSAGE_BYTES: usize = 1024;
/// Values that make a frame of Farol as large.
const VALUES: usize = 122;
/// Stands before the time in a frame of numbers. Any value would do that no other has.
const MAGIC: f64 = 1.234_567_890_123e-300;

const PLAIN: Dialect = Dialect {
    path: "/",
    headers: "",
    greetings: &[],
    stamp: Stamp::Text,
};

/// A server under measurement.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    pub name: &'static str,
    pub dialect: Dialect,
}

pub const FLOOR: Peer = Peer {
    name: "floor",
    dialect: PLAIN,
};
pub const AXUM: Peer = Peer {
    name: "axum",
    dialect: PLAIN,
};
pub const WS: Peer = Peer {
    name: "ws",
    dialect: PLAIN,
};
pub const SOCKET_IO: Peer = Peer {
    name: "socketio",
    dialect: Dialect {
        path: "/socket.io/?EIO=4&transport=websocket",
        headers: "",
        // Engine.IO's open, then the namespace.
        greetings: &[(Greeting::None, 1), (Greeting::Text("40"), 1)],
        stamp: Stamp::Text,
    },
};
pub const FAROL: Peer = Peer {
    name: "farol",
    dialect: Dialect {
        path: "/connection/websocket",
        headers: "Sec-WebSocket-Protocol: centrifuge-protobuf\r\nAuthorization: Bearer bench\r\n",
        // connect, then subscribe `metrics/local/bench`, each behind its length.
        greetings: &[
            (Greeting::Binary(b"\x04\x08\x01\x22\x00"), 1),
            (
                Greeting::Binary(b"\x19\x08\x02\x2a\x15\x0a\x13metrics/local/bench"),
                1,
            ),
        ],
        stamp: Stamp::Binary(MAGIC.to_le_bytes()),
    },
};

/// A running server.
pub struct Running {
    pub child: Child,
    pub address: SocketAddr,
}

impl Running {
    pub fn start(peer: Peer, rate: u32) -> Running {
        Running::start_at(peer, rate, 0)
    }

    /// At this port; with 0 at a free one. Peers of node choose for themselves.
    pub fn start_at(peer: Peer, rate: u32, port: u16) -> Running {
        let mut command = match peer.name {
            "ws" | "socketio" => {
                let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers");
                let mut command = Command::new("node");
                command.arg(peers.join(format!("{}.mjs", peer.name)));
                command.args([rate.to_string(), MESSAGE_BYTES.to_string()]);
                command
            }
            name => {
                let mut command = Command::new(std::env::current_exe().unwrap());
                command.args(["serve", name, &rate.to_string(), &port.to_string()]);
                command
            }
        };
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the server starts");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let port: u16 = line
            .trim()
            .strip_prefix("port ")
            .expect("a port")
            .parse()
            .unwrap();
        Running {
            child,
            address: ([127, 0, 0, 1], port).into(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// This program as a server. Runs until it is killed.
pub fn serve(name: &str, rate: u32, port: u16) {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    match name {
        "floor" => floor(rate, address),
        "axum" => block_on(axum_broadcast(rate, address)),
        "farol" => block_on(farol_live(rate, address)),
        name => panic!("there is no server `{name}`"),
    }
}

fn block_on(server: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(server);
}

fn say_port(address: SocketAddr) {
    println!("port {}", address.port());
}

/// Calls `f` so many times a second, for ever; with rate 0 never.
fn tick(rate: u32, mut f: impl FnMut()) {
    if rate == 0 {
        loop {
            thread::park();
        }
    }
    let step = Duration::from_secs(1) / rate;
    let mut next = Instant::now();
    loop {
        next += step;
        thread::sleep(next.saturating_duration_since(Instant::now()));
        f();
    }
}

fn text_message() -> Vec<u8> {
    let mut message = format!("@@{:.0}", now_us()).into_bytes();
    message.resize(MESSAGE_BYTES, b'x');
    message
}

/// The least that can be done: one `write(2)` of a frame made once, to each socket, from one thread.
fn floor(rate: u32, address: SocketAddr) {
    let listener = TcpListener::bind(address).unwrap();
    say_port(listener.local_addr().unwrap());
    let sockets: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
    let accepted = sockets.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            let mut part = [0; 1024];
            while !request.ends_with(b"\r\n\r\n") {
                let size = stream.read(&mut part).unwrap();
                request.extend_from_slice(&part[..size]);
            }
            stream
                .write_all(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
                .unwrap();
            stream.set_nodelay(true).unwrap();
            stream.set_nonblocking(true).unwrap();
            accepted.lock().unwrap().push(stream);
        }
    });
    tick(rate, || {
        let mut frame = vec![
            0x81,
            126,
            (MESSAGE_BYTES >> 8) as u8,
            (MESSAGE_BYTES & 0xff) as u8,
        ];
        frame.extend(text_message());
        for mut socket in sockets.lock().unwrap().iter() {
            let _ = socket.write(&frame);
        }
    });
}

/// What is usually written with axum: a task per socket, fed by a broadcast channel, the library's buffers as they are.
async fn axum_broadcast(rate: u32, address: SocketAddr) {
    let (sender, _) = broadcast::channel::<String>(64);
    let ticker = sender.clone();
    thread::spawn(move || {
        tick(rate, || {
            drop(ticker.send(String::from_utf8(text_message()).unwrap()))
        })
    });
    let app = Router::new()
        .route(
            "/",
            get(
                |upgrade: WebSocketUpgrade, State(sender): State<broadcast::Sender<String>>| async move {
                    let mut receiver = sender.subscribe();
                    upgrade.on_upgrade(move |mut socket| async move {
                        while let Ok(message) = receiver.recv().await {
                            if socket.send(Message::text(message)).await.is_err() {
                                return;
                            }
                        }
                    })
                },
            ),
        )
        .with_state(sender);
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    say_port(listener.local_addr().unwrap());
    axum::serve(listener, app).await.unwrap();
}

struct Everybody(broadcast::Sender<Ending>);

impl Gate for Everybody {
    fn by_token<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<Identity>, Fault>> {
        Box::pin(async {
            let viewer = Viewer::new(1, "bench", Role::Viewer);
            Ok(Some(Identity {
                viewer,
                proof: Proof::Token(1),
            }))
        })
    }
    fn recheck<'a>(&'a self, identity: &'a Identity) -> BoxFuture<'a, Result<Option<Identity>, Fault>> {
        Box::pin(async { Ok(Some(identity.clone())) })
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
        _: &'a str,
        _: &'a [u8],
    ) -> BoxFuture<'a, Result<Answer, Fault>> {
        Box::pin(async { Err(Fault::not_found("There are no methods here.")) })
    }
}

/// Farol's live plane as it is served: accept loop, upgrade, session, hub. Signing in and collectors are left out.
async fn farol_live(rate: u32, address: SocketAddr) {
    let limits = LiveLimits {
        connections: usize::MAX,
        connections_per_user: usize::MAX,
        connections_per_address: usize::MAX,
        ..LiveLimits::default()
    };
    let hub = Hub::new(limits.clone());
    let live = Live::start(Parts {
        hub: hub.clone(),
        registry: Registry::new(&limits),
        gate: Arc::new(Everybody(broadcast::channel(4).0)),
        rpc: Arc::new(NoRpc),
        limits,
        origin_allowed: Arc::new(|_| true),
        shutdown: CancellationToken::new(),
        tasks: TaskTracker::new(),
    });
    let schema: Arc<[MetricSpec]> = (0..VALUES)
        .map(|n| MetricSpec::gauge(&format!("bench_{n}"), Unit::None, "bench", "n", "A number."))
        .collect();
    let publish = move || {
        let mut values = vec![0.0; VALUES];
        values[0] = MAGIC;
        values[1] = now_us();
        hub.frame(
            "metrics/local/bench",
            &schema,
            (now_us() / 1000.0) as i64,
            1,
            values,
        );
    };
    publish();
    thread::spawn(move || tick(rate, publish));
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    say_port(listener.local_addr().unwrap());
    let config = HttpConfig {
        max_connections: 65_536,
        max_connections_per_address: 65_536,
        ..HttpConfig::default()
    };
    serve::serve(listener, routes(live), &config, None, CancellationToken::new()).await;
}
