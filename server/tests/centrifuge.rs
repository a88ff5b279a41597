//! The live plane as the published JavaScript client sees it, over a real socket, in both encodings. The client is the
//! npm package `centrifuge`, which nobody here wrote.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use farol::{
    actions::RunOutlet,
    collectors::Outlet,
    live::{Answer, Ending, Gate, Hub, Identity, Live, LiveLimits, Proof, Rpc, routes},
};
use farol_model::{
    Fault, Role, Viewer,
    action::{OutputStream, RunEvent},
    health::{CollectorState, CollectorStatus},
    metric::{MetricSpec, Unit},
};
use futures::future::BoxFuture;
use std::{
    net::SocketAddr,
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{process::Command, sync::broadcast};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/centrifuge");

/// Lets `good-token` in.
struct TestGate {
    endings: broadcast::Sender<Ending>,
}

fn operator() -> Identity {
    Identity {
        viewer: Viewer {
            user_id: 7,
            name: "ana".into(),
            role: Role::Operator,
        },
        proof: Proof::Token(1),
    }
}

impl Gate for TestGate {
    fn by_token<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Option<Identity>, Fault>> {
        Box::pin(async move { Ok((token == "good-token").then(operator)) })
    }
    fn recheck<'a>(&'a self, identity: &'a Identity) -> BoxFuture<'a, Result<Option<Identity>, Fault>> {
        Box::pin(async move { Ok(Some(identity.clone())) })
    }
    fn endings(&self) -> broadcast::Receiver<Ending> {
        self.endings.subscribe()
    }
}

/// Starts one run; cuts and signs out on demand.
struct TestRpc {
    hub: Arc<Hub>,
    endings: broadcast::Sender<Ending>,
    /// Set once the live plane stands.
    live: Mutex<Option<Live>>,
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
            let asked: serde_json::Value =
                serde_json::from_slice(data).map_err(|error| Fault::invalid("data", error.to_string()))?;
            match method {
                "run" => {
                    let event = RunEvent::Output {
                        stream: OutputStream::Stdout,
                        text: "started\n".into(),
                    };
                    self.hub.event("r1", &event);
                    Ok(br#"{"run":"r1"}"#.to_vec().into())
                }
                "cancel" => {
                    assert_eq!(asked["run"], "r1");
                    self.hub.event("r1", &RunEvent::Truncated { limit_bytes: 9 });
                    self.hub.closed("r1");
                    Ok(br#"{"status":"cancelled"}"#.to_vec().into())
                }
                "cut" => {
                    let live = self.live.lock().unwrap().clone().unwrap();
                    for client in live.registry.clients() {
                        client
                            .kill
                            .end(farol_model::wire::codes::Disconnect::INSUFFICIENT_STATE);
                    }
                    Ok(b"{}".to_vec().into())
                }
                "sign_out" => {
                    self.endings.send(Ending::User(7)).unwrap();
                    Ok(b"{}".to_vec().into())
                }
                _ => Err(Fault::not_found(format!("There is no method `{method}`."))),
            }
        })
    }
}

/// Ten frames per second, as a collector would give them.
fn tick(hub: Arc<Hub>, stop: CancellationToken) {
    let schema: Arc<[MetricSpec]> =
        Arc::new([MetricSpec::gauge("cpu", Unit::Percent, "CPU", "all", "Busy.")]);
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_millis(100));
        let mut t_ms = 1_000_000;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            t_ms += 100;
            hub.frame("metrics/local/cpu", &schema, t_ms, 100, vec![42.5]);
        }
    });
}

async fn serve() -> (SocketAddr, CancellationToken) {
    let hub = Hub::new(LiveLimits::default());
    let (endings, _) = broadcast::channel(16);
    let rpc = Arc::new(TestRpc {
        hub: hub.clone(),
        endings: endings.clone(),
        live: Mutex::new(None),
    });
    let shutdown = CancellationToken::new();
    let live = Live::start(
        hub.clone(),
        Arc::new(TestGate { endings }),
        rpc.clone(),
        LiveLimits::default(),
        Arc::new(|_| true),
        shutdown.clone(),
        TaskTracker::new(),
    );
    *rpc.live.lock().unwrap() = Some(live.clone());
    hub.health(&[CollectorStatus {
        name: "cpu".into(),
        title: "Processor".into(),
        state: CollectorState::Live,
        interval_ms: 100,
        last_ok_ms: None,
        last_duration_us: None,
        series: 1,
    }]);
    tick(hub, shutdown.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = routes(live).into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, app).await });
    (address, shutdown)
}

/// Installs the node project when it is not there yet.
async fn install() {
    static INSTALLED: tokio::sync::OnceCell<()> = tokio::sync::OnceCell::const_new();
    INSTALLED
        .get_or_init(|| async {
            if Path::new(PROJECT).join("node_modules/centrifuge").is_dir() {
                return;
            }
            eprintln!("installing the centrifuge client: npm ci in {PROJECT}");
            let status = Command::new("npm")
                .args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
                .current_dir(PROJECT)
                .status()
                .await
                .expect("npm is needed for this test; install Node.js 20 or newer");
            assert!(status.success(), "npm ci failed: {status}");
        })
        .await;
}

async fn drive(encoding: &str) -> serde_json::Value {
    install().await;
    let (address, shutdown) = serve().await;
    let child = Command::new("node")
        .args([
            "run.mjs",
            &format!("ws://{address}/connection/websocket"),
            encoding,
        ])
        .current_dir(PROJECT)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("node is needed for this test; install Node.js 20 or newer");
    let output = tokio::time::timeout(Duration::from_secs(60), child.wait_with_output())
        .await
        .expect("the client did not finish within a minute")
        .unwrap();
    shutdown.cancel();
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("the client prints one JSON object")
}

fn check(seen: &serde_json::Value) {
    assert_eq!(seen["connects"], 2, "{seen}");
    let subscribed = &seen["subscribed"];
    assert_eq!(subscribed[0]["recoverable"], true, "{seen}");
    assert_eq!(subscribed[0]["hasData"], true, "the snapshot: {seen}");
    assert_eq!(subscribed[1]["wasRecovering"], true, "{seen}");
    assert_eq!(subscribed[1]["recovered"], true, "{seen}");
    assert_eq!(
        seen["contiguous"], true,
        "no frame is missed and none comes twice: {seen}"
    );
    assert_eq!(seen["refused"]["code"], 102, "{seen}");
    assert_eq!(seen["collectors"][0]["name"], "cpu", "{seen}");
    assert_eq!(seen["run"]["run"], "r1", "{seen}");
    assert_eq!(seen["heldEvents"]["events"][0]["text"], "started\n", "{seen}");
    assert_eq!(seen["cancelled"]["status"], "cancelled", "{seen}");
    assert_eq!(seen["events"][0]["event"], "truncated", "{seen}");
    assert_eq!(seen["unknownMethod"]["code"], 404, "{seen}");
    assert_eq!(seen["disconnected"]["code"], 4500, "{seen}");
    assert_eq!(seen["errors"], serde_json::json!([]), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_published_client_lives_with_us_in_json() {
    let seen = drive("json").await;
    check(&seen);
    assert_eq!(seen["snapshot"]["schema"][0]["unit"], "percent", "{seen}");
    assert_eq!(seen["publications"][0], serde_json::json!([42.5]), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_published_client_lives_with_us_in_protobuf() {
    check(&drive("protobuf").await);
}
