//! A live plane on a port of its own: frames ten or more times a second, one run, and methods that cut and sign out.

use farol::{
    actions::RunOutlet,
    collectors::Outlet,
    live::{Answer, Ending, Gate, Hub, Identity, Live, LiveLimits, Parts, Proof, Registry, Rpc, routes},
};
use farol_model::{
    Fault, Role, Viewer,
    action::{OutputStream, RunEvent},
    health::{CollectorState, CollectorStatus},
    metric::{MetricSpec, Unit},
    wire::codes::Disconnect,
};
use futures::future::BoxFuture;
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::broadcast;
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

/// A running plane; stops when it is dropped.
pub struct Plane {
    pub address: SocketAddr,
    pub live: Live,
    /// Of the gate: what is said here ends connections.
    pub endings: broadcast::Sender<Ending>,
    _stop: DropGuard,
}

/// Lets `good-token` in.
struct TestGate {
    endings: broadcast::Sender<Ending>,
}

fn operator() -> Identity {
    Identity {
        viewer: Viewer::new(7, "ana", Role::Operator),
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
                    self.hub.event("r1", &output("started\n"));
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
                        client.kill.end(Disconnect::INSUFFICIENT_STATE);
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

fn output(text: &str) -> RunEvent {
    RunEvent::Output {
        stream: OutputStream::Stdout,
        text: text.into(),
    }
}

impl Plane {
    /// A frame of `metrics/local/cpu` every 100 ms, as a collector would give them.
    pub async fn start() -> Plane {
        Plane::with(Duration::from_millis(100), LiveLimits::default()).await
    }

    /// A frame and an event of the run `ticks` every so often; the value and the text are the number of the tick.
    pub async fn with(every: Duration, limits: LiveLimits) -> Plane {
        let hub = Hub::new(limits.clone());
        let (endings, _) = broadcast::channel(16);
        let rpc = Arc::new(TestRpc {
            hub: hub.clone(),
            endings: endings.clone(),
            live: Mutex::new(None),
        });
        let stop = CancellationToken::new();
        let live = Live::start(Parts {
            hub: hub.clone(),
            registry: Registry::new(&limits),
            gate: Arc::new(TestGate {
                endings: endings.clone(),
            }),
            rpc: rpc.clone(),
            limits,
            origin_allowed: Arc::new(|_| true),
            shutdown: stop.clone(),
            tasks: TaskTracker::new(),
        });
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
        let mut ticks = Ticks {
            hub,
            schema: Arc::new([MetricSpec::gauge("cpu", Unit::Percent, "CPU", "all", "Busy.")]),
            every_ms: u32::try_from(every.as_millis()).unwrap(),
            number: 0,
        };
        // The channels are there before anybody comes.
        ticks.tick();
        tokio::spawn(ticks.run(stop.clone()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = routes(live.clone()).into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, app).await });
        Plane {
            address,
            live,
            endings,
            _stop: stop.drop_guard(),
        }
    }
}

/// A collector and a run that say the number of the tick.
struct Ticks {
    hub: Arc<Hub>,
    schema: Arc<[MetricSpec]>,
    every_ms: u32,
    number: u32,
}

impl Ticks {
    fn tick(&mut self) {
        self.number += 1;
        let (number, every_ms) = (self.number, self.every_ms);
        let t_ms = 1_000_000 + i64::from(number) * i64::from(every_ms);
        let values = vec![f64::from(number)];
        self.hub
            .frame("metrics/local/cpu", &self.schema, t_ms, every_ms, values);
        self.hub.event("ticks", &output(&number.to_string()));
    }

    async fn run(mut self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(Duration::from_millis(u64::from(self.every_ms)));
        while !stop.is_cancelled() {
            ticks.tick().await;
            self.tick();
        }
    }
}
