//! The `farol` server: a map of the crate.
//!
//! | room | owns |
//! |---|---|
//! | [`collectors`] | sampling the machine; a scheduler that isolates each collector |
//! | [`containers`] | the container engine: list, usage, logs, orders |
//! | [`processes`] | one process in full, when somebody asks |
//! | [`history`] | the ring of recent frames of each metrics channel, also of before the start; the store of all that was sampled |
//! | [`live`] | the hub, sessions and carriers of the live protocol |
//! | [`actions`] | actions, the one runner, runs |
//! | [`download`] | the output of a run as text |
//! | [`services`] | services of systemd: how they stand, what they write, what can be done to them |
//! | [`own`] | what of the running process can be changed: log, configuration, end |
//! | [`memory`] | memory that is not used any more goes back |
//! | [`ingest`] | metrics of applications: scraped, or sent over OTLP, StatsD and JSON |
//! | [`remote_write`] | samples sent to others as Prometheus' remote write |
//! | [`checks`] | health checks: tried again and again, with what changed and when |
//! | [`annotations`] | what happened and when, as marks on charts |
//! | [`marked`] | what of it and of runs is marked on charts of the past, for whom |
//! | [`audit`] | the append-only log of who did what, a chain |
//! | [`boards`] | boards of charts that are kept, and start pages |
//! | [`access`] | users, sessions, tokens, throttling |
//! | [`telemetry`] | Farol's own metrics, log and traces |
//! | [`serve`], [`tls`] | the accept loop, connections, the certificate |
//! | [`middleware`] | layers around every request |
//! | [`ports`] | what the pages may ask of the server |
//! | [`rest`] | runs and actions over plain HTTP, described as OpenAPI |
//! | [`asyncapi`] | the live protocol, described for programs |
//! | [`client`], [`outbound`] | talking to others: another Farol, a webhook |
//!
//! Rooms do not know each other. Where one needs another it names a trait of its own ([`collectors::Outlet`],
//! [`live::Gate`], [`live::Rpc`], [`actions::RunOutlet`], [`actions::Freshness`]) and [`run`](fn@run) puts the parts together.

pub mod access;
pub mod actions;
pub mod annotations;
pub mod asyncapi;
pub mod audit;
pub mod boards;
pub mod checks;
pub mod cli;
pub mod client;
pub mod collectors;
pub mod config;
pub mod containers;
pub mod db;
pub mod download;
pub mod error;
pub mod history;
pub mod ingest;
pub mod live;
pub mod marked;
pub mod memory;
pub mod middleware;
pub mod outbound;
pub mod own;
pub mod ports;
pub mod processes;
pub mod procstat;
mod raster;
pub mod record;
pub mod remote_write;
pub mod rest;
pub mod router;
pub mod serve;
pub mod services;
pub mod site;
pub mod state;
pub mod tee;
pub mod telemetry;
pub mod time;
pub mod tls;
pub mod websocket;

use access::{
    Access,
    oidc::Oidc,
    roles::{RoleConfig, Roles},
};
use actions::{
    collector::CollectorSwitch,
    runbook::{schedule, shelf::Shelf},
    runner::Runner,
    store::RunStore,
};
use annotations::Annotations;
use anyhow::Context;
use audit::AuditLog;
use boards::Boards;
use checks::{CheckConfig, Checks};
use collectors::{
    host::host_info,
    scheduler::{self, CollectorControl, INTERVAL_MS},
};
use config::Config;
use containers::{Containers, socket::Surroundings};
use farol_model::{Fault, action::Mark, metric::MetricSpec};
use futures::future::BoxFuture;
use history::{Store, ring::RETENTION_MS};
use ingest::{Ingest, ScrapeConfig, StatsdConfig};
use leptos::config::LeptosOptions;
use live::{Hub, Live, Parts, Registry, marks::MAX_MARKS};
use middleware::origin::OriginPolicy;
use own::Process;
use remote_write::{RemoteWrite, RemoteWriteConfig};
use services::Services;
use state::AppState;
use std::{collections::BTreeMap, net::SocketAddr, path::Path, sync::Arc, time::Duration};
use tee::Tee;
use tls::{Tls, reload::Watched};
use tokio::{net::TcpListener, runtime::Handle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument;

/// How long a start reads what live charts go on from; what is not read by then is left out.
const CARRY_ON: Duration = Duration::from_secs(2);

/// Runs Farol until `shutdown`, then drains. What the process and the tests call.
pub async fn run(
    listener: TcpListener,
    config: Config,
    data_dir: &Path,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    telemetry::registry();
    let address = listener.local_addr().context("the listener has no address")?;
    tls::check_listen(&config, address)?;
    let (tls, fingerprint) = encrypt(&config, data_dir, address, &shutdown).await?.unzip();
    let scheme = if tls.is_some() { "https" } else { "http" };
    let own_making = fingerprint.filter(|_| !config.tls.is_certified());
    let tasks = TaskTracker::new();
    let start = tracing::info_span!("start", %address);
    let state = assemble(address, config, data_dir, &shutdown, &tasks)
        .instrument(start)
        .await?;
    cli::say(&format!("listening on {scheme}://{address}"));
    if let Some(fingerprint) = own_making {
        cli::say(
            "the certificate is of Farol's own making: a browser warns of it; compare its SHA-256 fingerprint",
        );
        cli::say(&format!("  {fingerprint}"));
    }
    tell_where_to_sign_in(&state.access, scheme, address).await?;
    tokio::spawn(memory::keep(shutdown.clone()));

    let http = state.config.http.clone();
    serve::serve(listener, router::router(state), &http, tls, shutdown.clone()).await;
    tasks.close();
    if tokio::time::timeout(Duration::from_secs(http.drain_secs), tasks.wait())
        .await
        .is_err()
    {
        tracing::warn!("some work did not finish in time; its runs will be marked as lost at the next start");
    }
    tracing::info!("stopped");
    Ok(())
}

/// TLS as it is configured, with a look every few seconds whether there is another certificate, and the fingerprint of the
/// first; None is plain HTTP.
async fn encrypt(
    config: &Config,
    data_dir: &Path,
    address: SocketAddr,
    shutdown: &CancellationToken,
) -> anyhow::Result<Option<(Tls, String)>> {
    let Some((tls, source, certificate)) = tls::start(config, data_dir, address).await? else {
        return Ok(None);
    };
    let watched = Watched::new(tls.clone(), source, &certificate);
    tokio::spawn(watched.watch(shutdown.clone()));
    Ok(Some((tls, certificate.fingerprint)))
}

/// Puts the rooms together. This is the one place that knows all of them. What [`run`](fn@run) serves, for tests that look into it.
pub async fn assemble(
    address: SocketAddr,
    config: Config,
    data_dir: &Path,
    shutdown: &CancellationToken,
    tasks: &TaskTracker,
) -> anyhow::Result<AppState> {
    let assets = site::assets()?;
    let pool = db::open(data_dir).await?;
    let audit = AuditLog::new(pool.clone());
    let proxies = &config.http.trusted_proxies;
    let host = tokio::task::spawn_blocking(host_info)
        .await
        .context("this machine cannot be looked at")?;
    let access = Access::start(
        pool.clone(),
        audit.clone(),
        config.access.clone(),
        Roles::new(&config.roles, &host.name),
        proxies,
        shutdown.clone(),
    )
    .await?
    .with_provider(Oidc::new(
        &config.oidc,
        config.http.public_origins.first().map(String::as_str),
        config.tls.on(),
    )?);

    let limits = config.live.limits();
    let hub = Hub::new(limits.clone());
    let history = remember(&config, data_dir, shutdown, tasks).await?;
    carry_on(&hub, history.as_ref()).await;
    let remote_write = send_on(&config, &host.name, data_dir, shutdown, tasks).await?;
    let outlet = Tee::new(
        hub.clone(),
        history.as_ref().map(Store::feed),
        remote_write.feed(),
    );
    let mut all = collectors::registered();
    all.retain(|collector| {
        !config
            .collect
            .disabled
            .iter()
            .any(|name| name == collector.name())
    });
    let interval = config
        .collect
        .interval_ms
        .map(|ms| Duration::from_millis(ms.into()));
    let collectors = scheduler::start(all, interval, outlet.clone(), shutdown.clone());

    let registry = Registry::new(&limits);
    let services = Services::start(&config.services, hub.clone(), shutdown.clone());
    let containers = Containers::start(
        &config.containers,
        Surroundings::of_process(),
        outlet.clone(),
        shutdown.clone(),
        tasks.clone(),
    );
    hub.add_source(Arc::new(containers.clone()));
    let host = tokio::task::spawn_blocking(host_info)
        .await
        .context("this machine cannot be looked at")?;
    let annotations = Annotations::start(pool.clone(), audit.clone(), hub.clone()).await;
    let frames = Arc::new(Frames {
        outlet: outlet.clone(),
        annotations: annotations.clone(),
    });
    let ingest = Ingest::start(
        &config.ingest,
        &config.scrapes,
        &config.statsd,
        frames.clone(),
        shutdown,
        tasks,
    )
    .await?;
    let checks = Checks::start(
        &config.checks,
        pool.clone(),
        Arc::new(services.clone()),
        frames,
        shutdown,
        tasks,
    )
    .await?;
    let process = Process::start(
        host.name.clone(),
        &config,
        collectors.clone(),
        Arc::new(access.roles.clone()),
        Arc::new(Tables {
            remote_write: remote_write.clone(),
            ingest: ingest.clone(),
            checks: checks.clone(),
            runtime: Handle::current(),
        }),
        shutdown.clone(),
    );
    let actions = actions::registered(
        Arc::new(collectors.clone()),
        registry.clone(),
        Arc::new(services.clone()),
        Arc::new(containers.clone()),
        Arc::new(process),
    );
    let boards = Boards::new(pool.clone(), audit.clone());
    let store = RunStore::new(pool);
    let runner = Runner::start_up(
        actions,
        store.clone(),
        audit.clone(),
        hub.clone(),
        shutdown.clone(),
        tasks.clone(),
    )
    .await?;
    runner.ask(Arc::new(access.clone()));
    recall(&hub, &store).await;
    let shelf = shelve(&config, data_dir, &runner, shutdown).await;
    // Only now are all actions there that may have been asked for.
    runner.resume().await?;

    // What was left open has its end by now.
    tokio::spawn(audit.clone().watch_chain(shutdown.clone()));
    audit::forward::start(&audit, &config.audit, shutdown)?;

    let origins = Arc::new(OriginPolicy::new(
        address,
        config.tls.on(),
        &config.http.hosts,
        &config.http.public_origins,
    ));
    let live = Live::start(Parts {
        hub,
        registry,
        gate: Arc::new(access.clone()),
        rpc: Arc::new(runner.clone()),
        limits,
        origin_allowed: socket_origin(origins.clone()),
        shutdown: shutdown.clone(),
        tasks: tasks.clone(),
    });
    Ok(AppState {
        config: Arc::new(config),
        host: Arc::new(host),
        access,
        live,
        runner,
        shelf,
        collectors,
        services,
        containers,
        ingest,
        checks,
        remote_write,
        audit,
        boards,
        annotations,
        history,
        assets: Arc::new(assets),
        leptos: LeptosOptions::builder().output_name("farol").build(),
        origins,
        shutdown: shutdown.clone(),
    })
}

/// Opens history; None when the configuration wants none. It ends with the process, after what was handed in is written.
async fn remember(
    config: &Config,
    data_dir: &Path,
    shutdown: &CancellationToken,
    tasks: &TaskTracker,
) -> anyhow::Result<Option<Store>> {
    if !config.history.enabled {
        return Ok(None);
    }
    let (settings, dir) = (config.history.clone(), data_dir.to_owned());
    let store = tokio::task::spawn_blocking(move || Store::open(&settings, &dir))
        .await
        .context("history did not open")?
        .context("history cannot be opened")?;
    let (closing, ended) = (store.clone(), shutdown.clone());
    tasks.spawn(async move {
        ended.cancelled().await;
        if let Err(error) = tokio::task::spawn_blocking(move || closing.close()).await {
            tracing::error!(%error, "history did not end as it should");
        }
    });
    Ok(Some(store))
}

/// Live charts go on from the rows of the last minutes that history kept. Never in the way of the start: what cannot be read, or not
/// soon, is left out.
async fn carry_on(hub: &Arc<Hub>, history: Option<&Store>) {
    let Some(store) = history.cloned() else {
        tracing::info!("live charts begin empty: no history is kept");
        return;
    };
    let (began, hub) = (std::time::Instant::now(), hub.clone());
    let limits = history::lately::Limits::within(CARRY_ON);
    let read =
        tokio::task::spawn_blocking(move || store.lately(&limits, |channel, ring| hub.seed(channel, ring)));
    // A disk that does not answer at all holds up its own thread, not the start.
    match tokio::time::timeout(2 * CARRY_ON, read).await {
        Ok(Ok(read)) => {
            let (took_ms, channels, values) = (began.elapsed().as_millis(), read.channels, read.values);
            tracing::info!(
                channels,
                values,
                took_ms,
                "live charts go on from what history kept"
            );
            if read.too_late + read.too_many > 0 {
                let (too_late, too_many) = (read.too_late, read.too_many);
                tracing::warn!(
                    too_late,
                    too_many,
                    "these channels begin with empty live charts: reading them took too long, or they have too many values"
                );
            }
        }
        Ok(Err(error)) => tracing::error!(%error, "live charts begin empty: history could not be read"),
        Err(_) => tracing::warn!("live charts begin empty: history does not answer in time"),
    }
}

/// Live charts that go on show when runs of the last minutes began and ended.
async fn recall(hub: &Hub, runs: &RunStore) {
    let now_ms = time::now_ms();
    let moments = runs.moments(now_ms - RETENTION_MS, now_ms + 1, MAX_MARKS as u32);
    match moments.await {
        Ok(moments) => {
            hub.recall(moments.iter().rev().map(marked::of_run).collect());
        }
        Err(error) => tracing::warn!(%error, "live charts begin without marks of earlier runs"),
    }
}

/// Begins to send samples to others. It ends with the process, after what was gathered is on disk.
async fn send_on(
    config: &Config,
    host: &str,
    data_dir: &Path,
    shutdown: &CancellationToken,
    tasks: &TaskTracker,
) -> anyhow::Result<RemoteWrite> {
    let (places, host, dir) = (config.remote_writes.clone(), host.to_owned(), data_dir.to_owned());
    let started = tokio::task::spawn_blocking(move || RemoteWrite::start(&places, &host, &dir));
    let remote_write = started.await.context("remote write did not begin")??;
    let (closing, ended) = (remote_write.clone(), shutdown.clone());
    tasks.spawn(async move {
        ended.cancelled().await;
        if let Err(error) = tokio::task::spawn_blocking(move || closing.close()).await {
            tracing::error!(%error, "remote write did not end as it should");
        }
    });
    Ok(remote_write)
}

/// The runbooks that there are, the look at their folder, and those that run by themselves.
async fn shelve(
    config: &Config,
    data_dir: &Path,
    runner: &Runner,
    shutdown: &CancellationToken,
) -> Arc<Shelf> {
    let folder = config
        .runbook_files
        .dir
        .clone()
        .unwrap_or_else(|| data_dir.join("runbooks"));
    let (shelf, stamp) = Shelf::start(folder, config.runbooks.clone(), runner).await;
    tokio::spawn(shelf.clone().watch(stamp, runner.clone(), shutdown.clone()));
    tokio::spawn(schedule::keep(shelf.clone(), runner.clone(), shutdown.clone()));
    shelf
}

/// The layer around all routes has refused other sites already; the live plane asks once more, because it must not hang on
/// how it is mounted.
fn socket_origin(origins: Arc<OriginPolicy>) -> live::OriginCheck {
    Arc::new(move |headers| origins.upgrade_allowed(headers))
}

async fn tell_where_to_sign_in(access: &Access, scheme: &str, address: SocketAddr) -> anyhow::Result<()> {
    let host = if address.ip().is_unspecified() {
        format!("127.0.0.1:{}", address.port())
    } else {
        address.to_string()
    };
    if access.users.is_empty().await? {
        let token = access.setup.open(std::time::Instant::now());
        let minutes = access::setup::SETUP_LASTS.as_secs() / 60;
        cli::say(&format!(
            "no users yet; make the first one within {minutes} minutes, once:"
        ));
        cli::say(&format!("  {scheme}://{host}/setup?token={token}"));
    } else {
        cli::say(&format!("sign in at {scheme}://{host}/sign-in"));
    }
    Ok(())
}

impl own::RoleTable for Roles {
    fn take_roles(&self, configured: &BTreeMap<String, RoleConfig>) {
        self.take(configured);
    }
}

/// What begins and ends with tables of the configuration.
struct Tables {
    remote_write: RemoteWrite,
    ingest: Ingest,
    checks: Checks,
    /// They are called where blocking work is done.
    runtime: Handle,
}

impl own::Tables for Tables {
    fn take_remote_writes(&self, configured: &[RemoteWriteConfig]) -> anyhow::Result<()> {
        self.remote_write.take(configured)
    }

    fn take_scrapes(&self, configured: &[ScrapeConfig]) {
        self.ingest.take_scrapes(configured);
    }

    fn take_checks(&self, configured: &[CheckConfig]) -> anyhow::Result<()> {
        self.runtime.block_on(self.checks.take(configured))
    }

    fn take_statsd(&self, configured: &StatsdConfig) -> anyhow::Result<()> {
        self.runtime.block_on(self.ingest.take_statsd(configured))
    }
}

impl annotations::Outlet for Hub {
    fn annotated(&self, marks: Vec<Mark>) {
        self.annotate(marks);
    }
}

/// Where numbers of applications and of checks go: where those of collectors do. A check that changes is annotated.
struct Frames {
    outlet: Arc<dyn collectors::Outlet>,
    annotations: Annotations,
}

impl ingest::Outlet for Frames {
    fn frame(
        &self,
        channel: &str,
        schema: &Arc<[MetricSpec]>,
        t_ms: i64,
        interval_ms: u32,
        values: Vec<f64>,
    ) {
        self.outlet.frame(channel, schema, t_ms, interval_ms, values);
    }
}

impl checks::Outlet for Frames {
    fn checks(&self, schema: &Arc<[MetricSpec]>, t_ms: i64, interval_ms: u32, values: Vec<f64>) {
        self.outlet
            .frame(checks::CHANNEL, schema, t_ms, interval_ms, values);
    }

    fn changed(&self, name: &str, well: bool, t_ms: i64) {
        let (annotations, word) = (
            self.annotations.clone(),
            if well { "is well again" } else { "fails" },
        );
        let title = format!("Check {name} {word}");
        tokio::spawn(async move { annotations.note(&title, "check", t_ms).await });
    }
}

impl checks::Units for Services {
    fn unit<'a>(&'a self, name: &'a str) -> BoxFuture<'a, anyhow::Result<checks::UnitState>> {
        Box::pin(async move {
            let found = self
                .details(name)
                .await
                .map_err(|fault| anyhow::anyhow!(fault.message))?;
            let row = found
                .context("systemd knows no service of this name, or does not answer")?
                .row;
            let active = matches!(
                row.state,
                farol_model::service::ServiceState::Active | farol_model::service::ServiceState::Reloading
            );
            let words = format!("{} ({})", row.state.as_str(), row.sub);
            Ok(checks::UnitState { active, words })
        })
    }
}

impl CollectorSwitch for CollectorControl {
    fn names(&self) -> Vec<(String, String)> {
        self.statuses()
            .into_iter()
            .map(|status| (status.name, status.title))
            .collect()
    }

    fn pause(&self, name: &str) -> Result<(), Fault> {
        CollectorControl::pause(self, name)
    }

    fn resume(&self, name: &str) -> Result<(), Fault> {
        CollectorControl::resume(self, name)
    }

    fn interval_bounds_ms(&self) -> (u32, u32) {
        (*INTERVAL_MS.start(), *INTERVAL_MS.end())
    }

    fn set_interval(&self, name: &str, interval_ms: u32) -> Result<(), Fault> {
        CollectorControl::set_interval(self, name, interval_ms)
    }
}
