//! Health checks: what is tried again and again, how it stands, and since when.
//!
//! | file | owns |
//! |---|---|
//! | [`config`] | `[[check]]` |
//! | [`probe`], [`http`], [`tls`], [`dns`] | one try |
//! | [`standing`] | what counts as failing; pure |
//! | [`store`] | changes of state on disk |
//!
//! Each check has a beat of its own; at most [`AT_ONCE`] are tried at a time. Nothing is asked but what the configuration names, and
//! a try ends with its time limit. Their numbers go where those of applications go, as the channel `apps/checks`.

pub mod config;
pub mod dns;
pub mod http;
pub mod probe;
pub mod standing;
pub mod store;
pub mod tls;

pub use config::CheckConfig;

use crate::time::now_ms;
use farol_model::{
    ingest::{Check, CheckKind, CheckState},
    metric::{MetricSpec, Unit},
};
use futures::future::BoxFuture;
use probe::Outcome;
use sqlx::SqlitePool;
use standing::Standing;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use store::Store;
use tokio::{
    sync::{Notify, Semaphore},
    time::MissedTickBehavior,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Tries under way at most.
const AT_ONCE: usize = 16;
/// Frames are no closer together than this.
const FRAME_GAP: Duration = Duration::from_secs(1);
/// Where the numbers go.
pub const CHANNEL: &str = "apps/checks";

/// Where frames go. Never waits.
pub trait Outlet: Send + Sync + 'static {
    /// One frame of the channel of checks; `values` follow `schema` by position, NaN where there is none.
    fn checks(&self, schema: &Arc<[MetricSpec]>, t_ms: i64, interval_ms: u32, values: Vec<f64>);
    /// A check failed, or is well again after it did.
    fn changed(&self, name: &str, well: bool, t_ms: i64);
}

/// Units of the init system.
pub trait Units: Send + Sync + 'static {
    /// How a unit stands, or why that is not known.
    fn unit<'a>(&'a self, name: &'a str) -> BoxFuture<'a, anyhow::Result<UnitState>>;
}

/// How a unit stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitState {
    pub active: bool,
    /// E.g. `active (running)`.
    pub words: String,
}

/// See the module. Cheap to clone.
#[derive(Clone)]
pub struct Checks {
    inner: Arc<Inner>,
}

struct Inner {
    /// Std locks: held for looking and changing, never across a wait.
    table: Mutex<Table>,
    /// One configuration is put in force after the other. An async lock: it is held over the database.
    taking: tokio::sync::Mutex<()>,
    store: Store,
    units: Arc<dyn Units>,
    outlet: Arc<dyn Outlet>,
    at_once: Semaphore,
    /// Something was tried, or there are others now.
    news: Notify,
    shutdown: CancellationToken,
    tasks: TaskTracker,
}

/// The checks in force.
#[derive(Default)]
struct Table {
    /// In the order of the configuration.
    all: Vec<Arc<One>>,
    schema: Arc<[MetricSpec]>,
    interval_ms: u32,
}

/// One check, until it is taken out or changed.
struct One {
    config: CheckConfig,
    standing: Mutex<Standing>,
    stop: CancellationToken,
}

impl Checks {
    /// Begins to try. Must be called within a Tokio runtime.
    pub async fn start(
        configs: &[CheckConfig],
        pool: SqlitePool,
        units: Arc<dyn Units>,
        outlet: Arc<dyn Outlet>,
        shutdown: &CancellationToken,
        tasks: &TaskTracker,
    ) -> anyhow::Result<Checks> {
        let checks = Checks {
            inner: Arc::new(Inner {
                table: Mutex::default(),
                taking: tokio::sync::Mutex::default(),
                store: Store::new(pool),
                units,
                outlet,
                at_once: Semaphore::new(AT_ONCE),
                news: Notify::new(),
                shutdown: shutdown.clone(),
                tasks: tasks.clone(),
            }),
        };
        checks.take(configs).await?;
        tasks.spawn(checks.clone().tell(shutdown.clone()));
        Ok(checks)
    }

    /// Puts a configuration in force: checks that are new begin, those that are gone end, those that have changed begin anew with what
    /// is known of them, and all others go on. An error is that what was before cannot be read; then nothing changes.
    pub async fn take(&self, configs: &[CheckConfig]) -> anyhow::Result<()> {
        let inner = &self.inner;
        let _turn = inner.taking.lock().await;
        let before = lock(&inner.table).all.clone();
        let same = |config: &CheckConfig| before.iter().find(|one| one.config == *config);
        let mut known = HashMap::new();
        for config in configs.iter().filter(|config| same(config).is_none()) {
            known.insert(config.name.clone(), inner.store.changes(&config.name).await?);
        }
        // From here on nothing waits and nothing fails.
        for one in &before {
            if configs.contains(&one.config) {
                continue;
            }
            let standing = lock(&one.standing);
            // Under the lock, so that nothing is taken from a try that ends now.
            one.stop.cancel();
            if let Some(changes) = known.get_mut(&one.config.name) {
                *changes = standing.changes();
            }
        }
        let mut all = Vec::with_capacity(configs.len());
        let mut begun = Vec::new();
        for config in configs {
            if let Some(one) = same(config) {
                all.push(one.clone());
            } else if let Some(kind) = config.kind() {
                // Otherwise the configuration was not checked.
                let changes = known.remove(&config.name).unwrap_or_default();
                let one = Arc::new(One {
                    config: config.clone(),
                    standing: Mutex::new(Standing::new(config.clone(), kind, changes)),
                    stop: inner.shutdown.child_token(),
                });
                all.push(one.clone());
                begun.push(one);
            }
        }
        let shortest = configs.iter().map(|config| config.interval_secs).min();
        *lock(&inner.table) = Table {
            schema: all.iter().flat_map(|one| specs(&lock(&one.standing))).collect(),
            all,
            interval_ms: shortest.unwrap_or(1).saturating_mul(1000),
        };
        inner.news.notify_one();
        for one in begun {
            inner.tasks.spawn(self.clone().keep(one));
        }
        Ok(())
    }

    /// How all stand, in the order of the configuration.
    pub fn all(&self) -> Vec<Check> {
        let table = lock(&self.inner.table);
        table.all.iter().map(|one| lock(&one.standing).check()).collect()
    }

    /// Tries one check at its interval.
    async fn keep(self, one: Arc<One>) {
        let One {
            config,
            standing,
            stop,
        } = &*one;
        let mut failed = lock(standing).failed();
        let mut ticks = tokio::time::interval(config.interval());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let outcome = tokio::select! {
                () = stop.cancelled() => return,
                outcome = self.once(config) => outcome,
            };
            let change = {
                let mut standing = lock(standing);
                if stop.is_cancelled() {
                    return;
                }
                standing.take(outcome, now_ms())
            };
            if let Some(change) = change {
                let (state, message) = (change.state.as_str(), &change.message);
                tracing::info!(check = config.name, state, message, "a health check changed");
                let fails = change.state == CheckState::Failing;
                if fails || (failed && change.state == CheckState::Ok) {
                    failed = fails;
                    self.inner.outlet.changed(&config.name, !fails, change.t_ms);
                }
                if let Err(error) = self.inner.store.add(&config.name, &change).await {
                    tracing::error!(%error, check = config.name, "a change of a health check could not be written down");
                }
            }
            self.inner.news.notify_one();
        }
    }

    async fn once(&self, config: &CheckConfig) -> Outcome {
        // It is never closed.
        let _permit = self.inner.at_once.acquire().await;
        probe::probe(config, &self.inner.units).await
    }

    /// Makes frames of what was tried. The only place where there are frames, so that they are in the order of their schemas.
    async fn tell(self, shutdown: CancellationToken) {
        let mut before: Arc<[MetricSpec]> = Arc::default();
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.inner.news.notified() => {}
            }
            let (schema, interval_ms, values) = self.frame();
            let outlet = &self.inner.outlet;
            if !schema.is_empty() {
                outlet.checks(&schema, now_ms(), interval_ms, values);
            } else if !before.is_empty() {
                // The last ones were taken out: their values end.
                outlet.checks(&before, now_ms(), interval_ms, vec![f64::NAN; before.len()]);
            }
            before = schema;
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(FRAME_GAP) => {}
            }
        }
    }

    fn frame(&self) -> (Arc<[MetricSpec]>, u32, Vec<f64>) {
        let table = lock(&self.inner.table);
        let values = table.all.iter().flat_map(|one| values(&lock(&one.standing)));
        (table.schema.clone(), table.interval_ms, values.collect())
    }
}

/// Whether there is a certificate to look at.
fn has_certificate(check: &Standing) -> bool {
    match check.kind() {
        CheckKind::Tls => true,
        CheckKind::Http => check.config().target.starts_with("https:"),
        _ => false,
    }
}

/// The series of one check, in the order of [`values`].
fn specs(check: &Standing) -> Vec<MetricSpec> {
    let name = &check.config().name;
    let spec = |metric: &str, unit, chart: &str, help: &str| {
        MetricSpec::gauge(metric, unit, chart, name, help)
            .label("check", name)
            .label("kind", check.kind().as_str())
    };
    let mut all = vec![
        spec(
            "check_up",
            Unit::None,
            "Up",
            "1 when the last try went well, else 0.",
        ),
        spec(
            "check_duration_seconds",
            Unit::Seconds,
            "Duration",
            "How long the last try took.",
        ),
    ];
    if has_certificate(check) {
        let help = "Time until the certificate that was shown ends; negative when it has.";
        all.push(spec(
            "tls_expiry_seconds",
            Unit::Seconds,
            "Certificate ends in",
            help,
        ));
    }
    all
}

fn values(check: &Standing) -> Vec<f64> {
    let last = check.last();
    let up = last.map(|outcome| if outcome.ok { 1.0 } else { 0.0 });
    let mut all = vec![up, last.map(|outcome| outcome.took.as_secs_f64())];
    if has_certificate(check) {
        all.push(
            last.and_then(|outcome| outcome.tls_expiry_secs)
                .map(|secs| secs as f64),
        );
    }
    all.into_iter().map(|value| value.unwrap_or(f64::NAN)).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
