//! With a peer that plays systemd on a private bus, for what a real one cannot be made to do here.

use crate::common::TestServer;
use farol::{
    actions::service::{Order, ServiceManager},
    config::Config,
    services::{Outlet, Services, ServicesConfig},
};
use farol_model::{
    FaultCode,
    service::{ServiceQuery, ServiceState, ServicesState},
};
use std::{
    collections::HashMap,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use zbus::{
    Connection, connection, fdo, interface,
    object_server::SignalEmitter,
    zvariant::{ObjectPath, OwnedObjectPath, OwnedValue, Value},
};

const MANAGER_PATH: &str = "/org/freedesktop/systemd1";

/// A bus that nobody else is on.
struct PrivateBus {
    child: Child,
    address: String,
    _dir: TempDir,
}

impl PrivateBus {
    fn start() -> PrivateBus {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--nopidfile", "--print-address=1"])
            .arg(format!("--address=unix:path={}/bus", dir.path().display()))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut address)
            .unwrap();
        PrivateBus {
            child,
            address: address.trim().to_owned(),
            _dir: dir,
        }
    }
}

impl Drop for PrivateBus {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Plays the manager: `count` services, all of which run.
struct Manager {
    count: usize,
}

type Listed = (
    String,
    String,
    String,
    String,
    String,
    String,
    OwnedObjectPath,
    u32,
    String,
    OwnedObjectPath,
);

fn path(at: usize) -> OwnedObjectPath {
    OwnedObjectPath::try_from(format!("{MANAGER_PATH}/unit/s{at}_2eservice")).unwrap()
}

#[interface(name = "org.freedesktop.systemd1.Manager")]
impl Manager {
    fn subscribe(&self) {}

    fn list_units_by_patterns(&self, _states: Vec<String>, _patterns: Vec<String>) -> Vec<Listed> {
        let word = str::to_owned;
        let one = |at| {
            let none = ObjectPath::try_from("/").unwrap().into();
            let name = format!("s{at}.service");
            (
                name,
                format!("Number {at}"),
                word("loaded"),
                word("active"),
                word("running"),
                String::new(),
                path(at),
                0,
                String::new(),
                none,
            )
        };
        (0..self.count).map(one).collect()
    }

    fn list_unit_files_by_patterns(
        &self,
        _states: Vec<String>,
        _patterns: Vec<String>,
    ) -> Vec<(String, String)> {
        vec![
            ("/etc/systemd/system/s0.service".into(), "enabled".into()),
            ("/etc/x@.service".into(), "static".into()),
        ]
    }

    /// As polkit would have it.
    fn stop_unit(&self, _name: String, _mode: String) -> fdo::Result<OwnedObjectPath> {
        Err(fdo::Error::InteractiveAuthorizationRequired(
            "Interactive authentication required.".into(),
        ))
    }

    /// Its job never ends by itself.
    fn start_unit(&self, _name: String, _mode: String) -> OwnedObjectPath {
        OwnedObjectPath::try_from(format!("{MANAGER_PATH}/job/7")).unwrap()
    }

    async fn cancel_job(
        &self,
        id: u32,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
    ) -> fdo::Result<()> {
        let job = OwnedObjectPath::try_from(format!("{MANAGER_PATH}/job/{id}")).unwrap();
        Self::job_removed(&emitter, id, job, "s0.service", "canceled").await?;
        Ok(())
    }

    #[zbus(signal)]
    async fn job_removed(
        emitter: &SignalEmitter<'_>,
        id: u32,
        job: OwnedObjectPath,
        unit: &str,
        result: &str,
    ) -> zbus::Result<()>;
}

struct Told(tokio::sync::watch::Sender<ServicesState>);

impl Outlet for Told {
    fn services(&self, state: &ServicesState) {
        self.0.send_replace(state.clone());
    }
}

/// A peer that plays systemd, and Farol's room of services on the same bus.
struct Stage {
    services: Services,
    told: tokio::sync::watch::Receiver<ServicesState>,
    shutdown: CancellationToken,
    peer: Option<Connection>,
    bus: PrivateBus,
}

impl Stage {
    async fn with(count: usize) -> Stage {
        let bus = PrivateBus::start();
        let peer = Self::peer(&bus, count).await;
        let (sender, told) = tokio::sync::watch::channel(ServicesState::default());
        let config = ServicesConfig {
            bus: bus.address.clone(),
            journal: None,
        };
        let shutdown = CancellationToken::new();
        let services = Services::start(&config, Arc::new(Told(sender)), shutdown.clone());
        Stage {
            services,
            told,
            shutdown,
            peer: Some(peer),
            bus,
        }
    }

    async fn peer(bus: &PrivateBus, count: usize) -> Connection {
        let builder = connection::Builder::address(bus.address.as_str()).unwrap();
        let builder = builder.serve_at(MANAGER_PATH, Manager { count }).unwrap();
        builder
            .name("org.freedesktop.systemd1")
            .unwrap()
            .build()
            .await
            .unwrap()
    }

    /// Waits until the outlet was told of such a state.
    async fn until(&mut self, check: impl Fn(&ServicesState) -> bool) -> ServicesState {
        let waiting = tokio::time::timeout(Duration::from_secs(60), self.told.wait_for(|state| check(state)));
        waiting.await.unwrap().unwrap().clone()
    }

    async fn ready(&mut self, count: u32) {
        self.until(|state| state.unavailable.is_none() && state.total == count)
            .await;
    }

    /// systemd says that a service is in another state.
    async fn says(&self, at: usize, state: &str) {
        let changed: HashMap<&str, OwnedValue> =
            HashMap::from([("ActiveState", Value::from(state).try_into().unwrap())]);
        let body = ("org.freedesktop.systemd1.Unit", changed, Vec::<String>::new());
        let peer = self.peer.as_ref().unwrap();
        let properties = "org.freedesktop.DBus.Properties";
        peer.emit_signal(None::<&str>, path(at), properties, "PropertiesChanged", &body)
            .await
            .unwrap();
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

#[tokio::test]
async fn what_polkit_refuses_is_said_with_what_to_do() {
    let mut stage = Stage::with(1).await;
    stage.ready(1).await;
    let stop = CancellationToken::new();
    let fault = stage
        .services
        .carry_out(Order::Stop, "s0", &stop)
        .await
        .unwrap_err();
    assert_eq!(fault.code, FaultCode::Forbidden);
    assert!(fault.message.contains("polkit"), "{fault}");
    let fault = stage
        .services
        .carry_out(Order::Restart, "s0", &stop)
        .await
        .unwrap_err();
    assert!(
        fault.message.contains("systemd refused"),
        "a method that it does not have: {fault}"
    );
}

#[tokio::test]
async fn a_job_that_never_ends_is_taken_back_when_the_run_is_cancelled() {
    let mut stage = Stage::with(1).await;
    stage.ready(1).await;
    let stop = CancellationToken::new();
    let running = stage.services.clone();
    let job = tokio::spawn({
        let stop = stop.clone();
        async move { running.carry_out(Order::Start, "s0.service", &stop).await }
    });
    stop.cancel();
    assert_eq!(job.await.unwrap().unwrap().end, "canceled");
}

#[tokio::test]
async fn ten_thousand_services_are_listed_and_a_signal_of_one_is_told_at_once() {
    let mut stage = Stage::with(10_000).await;
    stage.ready(10_000).await;
    let query = ServiceQuery {
        limit: 50,
        ..Default::default()
    };
    let began = Instant::now();
    let page = stage.services.page(&query);
    let took = began.elapsed();
    assert_eq!((page.rows.len(), page.matching), (50, 10_000));
    assert!(took < Duration::from_secs(1), "{took:?}");
    stage.says(7_777, "failed").await;
    let state = stage.until(|state| state.failed == 1).await;
    assert_eq!(state.failed_names, ["s7777.service"]);
    let page = stage.services.page(&query);
    assert_eq!(
        (page.rows[0].name.as_str(), page.rows[0].state),
        ("s7777.service", ServiceState::Failed)
    );
    let mut more = Stage::with(10_001).await;
    let state = more.until(|state| state.cut).await;
    assert_eq!(state.total, 10_000, "the rest is told of and left out");
}

#[tokio::test]
async fn a_systemd_that_leaves_is_said_and_found_again() {
    let mut stage = Stage::with(2).await;
    stage.ready(2).await;
    drop(stage.peer.take());
    let state = stage.until(|state| state.unavailable.is_some()).await;
    assert_eq!(state.total, 0);
    let fault = stage
        .services
        .carry_out(Order::Start, "s0", &CancellationToken::new())
        .await
        .unwrap_err();
    assert_eq!(fault.code, FaultCode::Unavailable);
    stage.peer = Some(Stage::peer(&stage.bus, 3).await);
    stage.ready(3).await;
}

#[tokio::test]
async fn without_systemd_the_page_says_so_and_what_to_do() {
    let services = ServicesConfig {
        bus: "unix:path=/nonexistent/bus".into(),
        journal: None,
    };
    let server = TestServer::start_with(Config {
        services,
        ..Config::default()
    })
    .await;
    let operator = server.signed_in("operator").await;
    let page = server
        .until(&operator, "/services", |html| html.contains("No systemd here"))
        .await;
    assert!(page.contains("/run/dbus/system_bus_socket"), "it says what to do");
    assert!(
        page.contains("Not available on this machine"),
        "and does not count"
    );
    server.stop().await;
}
