//! What of the running process can be changed: its log, the configuration that can change while it runs, its end.

use crate::{
    access::roles::RoleConfig,
    actions::own::{Own, Reloaded},
    checks::CheckConfig,
    collectors::scheduler::CollectorControl,
    config::Config,
    ingest::{ScrapeConfig, StatsdConfig},
    remote_write::RemoteWriteConfig,
    telemetry,
};
use farol_model::Fault;
use futures::future::BoxFuture;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Keys that hold as soon as they are read.
const LOG_FILTER: &str = "log.filter";
const INTERVAL: &str = "collect.interval_ms";
/// What these keys begin with.
const ROLES: &str = "roles.";
/// Tables that a part of its own takes.
const REMOTE_WRITE: &str = "remote_write";
const SCRAPE: &str = "scrape";
const CHECK: &str = "check";
/// What these keys begin with.
const STATSD: &str = "statsd.";

/// Who has the roles of the configuration.
pub trait RoleTable: Send + Sync + 'static {
    /// Puts them in force, for what is open within a second.
    fn take_roles(&self, configured: &BTreeMap<String, RoleConfig>);
}

/// Who begins and ends what the tables of the configuration name.
pub trait Tables: Send + Sync + 'static {
    /// Puts those who are sent samples in force, or says why that cannot be; then nothing changes. Blocks for reading disks.
    fn take_remote_writes(&self, configured: &[RemoteWriteConfig]) -> anyhow::Result<()>;
    /// Puts those who are asked for metrics in force.
    fn take_scrapes(&self, configured: &[ScrapeConfig]);
    /// Puts health checks in force, or says why that cannot be; then nothing changes. Blocks for reading what is known of them.
    fn take_checks(&self, configured: &[CheckConfig]) -> anyhow::Result<()>;
    /// Takes StatsD where it is configured, or says why that cannot be; then nothing changes. Blocks for taking the address.
    fn take_statsd(&self, configured: &StatsdConfig) -> anyhow::Result<()>;
}

/// See the module. Cheap to clone.
#[derive(Clone)]
pub struct Process {
    inner: Arc<Inner>,
}

struct Inner {
    host: String,
    /// As it is in force. A std lock: held for looking and changing, never across a wait.
    config: Mutex<Config>,
    /// Counts changes of the log's filter, so that the end of an old one does not undo a new one.
    filters: AtomicU64,
    collectors: CollectorControl,
    roles: Arc<dyn RoleTable>,
    tables: Arc<dyn Tables>,
    set_filter: SetFilter,
    shutdown: CancellationToken,
}

/// Sets the log's filter.
type SetFilter = fn(&str) -> Result<(), Fault>;

impl Process {
    /// Reads the configuration again at each SIGHUP. Must be called within a Tokio runtime.
    pub fn start(
        host: String,
        config: &Config,
        collectors: CollectorControl,
        roles: Arc<dyn RoleTable>,
        tables: Arc<dyn Tables>,
        shutdown: CancellationToken,
    ) -> Process {
        let process = Process {
            inner: Arc::new(Inner {
                host,
                config: Mutex::new(config.clone()),
                filters: AtomicU64::new(0),
                collectors,
                roles,
                tables,
                set_filter: telemetry::log::set_filter,
                shutdown,
            }),
        };
        // Here and not in the task: until somebody listens, the signal ends the process.
        match signal(SignalKind::hangup()) {
            Ok(hangups) => drop(tokio::spawn(process.clone().reload_on_signal(hangups))),
            Err(error) => {
                tracing::error!(%error, "cannot listen for SIGHUP; reload the configuration by its action");
            }
        }
        process
    }

    async fn reload_on_signal(self, mut hangups: Signal) {
        loop {
            tokio::select! {
                () = self.inner.shutdown.cancelled() => return,
                hangup = hangups.recv() => if hangup.is_none() { return },
            }
            match self.reload().await {
                Ok(reloaded) => tracing::info!("configuration read again: {}", reloaded.words()),
                Err(fault) => tracing::error!("the configuration stays as it was: {fault}"),
            }
        }
    }

    fn config(&self) -> MutexGuard<'_, Config> {
        self.inner.config.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts what can be put in force, and names the rest.
    fn take(&self, fresh: &Config) -> Result<Reloaded, Fault> {
        let changed = changed(&self.config(), fresh)?;
        let mut reloaded = Reloaded::default();
        if changed.iter().any(|key| key.starts_with(ROLES)) {
            self.inner.roles.take_roles(&fresh.roles);
            self.config().roles = fresh.roles.clone();
        }
        let mut statsd = None;
        for key in changed {
            let applied = match key.as_str() {
                LOG_FILTER => self.take_filter(&fresh.log.filter),
                INTERVAL => self.take_interval(fresh.collect.interval_ms),
                role if role.starts_with(ROLES) => true,
                SCRAPE => {
                    self.inner.tables.take_scrapes(&fresh.scrapes);
                    self.config().scrapes = fresh.scrapes.clone();
                    true
                }
                REMOTE_WRITE => self.take_remote_writes(&fresh.remote_writes),
                CHECK => self.take_checks(&fresh.checks),
                key if key.starts_with(STATSD) => {
                    *statsd.get_or_insert_with(|| self.take_statsd(&fresh.statsd))
                }
                _ => false,
            };
            match applied {
                true => reloaded.applied.push(key),
                false => reloaded.waiting.push(key),
            }
        }
        Ok(reloaded)
    }

    /// Logs by this filter, and at this time as the configuration says then; unless somebody has set another one meanwhile.
    fn log_until<T: Future<Output = ()>>(
        &self,
        filter: &str,
        time: T,
    ) -> Result<impl Future<Output = ()> + use<T>, Fault> {
        (self.inner.set_filter)(filter)?;
        let mine = self.inner.filters.fetch_add(1, Ordering::SeqCst) + 1;
        tracing::info!(filter, "the log is written by another filter for a while");
        let process = self.clone();
        Ok(async move {
            tokio::select! {
                () = process.inner.shutdown.cancelled() => return,
                () = time => {}
            }
            if process.inner.filters.load(Ordering::SeqCst) != mine {
                return;
            }
            let filter = process.config().log.filter.clone();
            if let Err(fault) = (process.inner.set_filter)(&filter) {
                tracing::error!(%fault, "the log's filter could not be set back");
            }
        })
    }

    fn take_filter(&self, filter: &str) -> bool {
        self.inner.filters.fetch_add(1, Ordering::SeqCst);
        let taken = (self.inner.set_filter)(filter).is_ok();
        if taken {
            filter.clone_into(&mut self.config().log.filter);
        }
        taken
    }

    fn take_remote_writes(&self, configured: &[RemoteWriteConfig]) -> bool {
        let taken = self.inner.tables.take_remote_writes(configured);
        match &taken {
            Ok(()) => self.config().remote_writes = configured.to_vec(),
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "remote write goes on as it was");
            }
        }
        taken.is_ok()
    }

    fn take_checks(&self, configured: &[CheckConfig]) -> bool {
        let taken = self.inner.tables.take_checks(configured);
        match &taken {
            Ok(()) => self.config().checks = configured.to_vec(),
            Err(error) => tracing::error!(error = format!("{error:#}"), "health checks go on as they were"),
        }
        taken.is_ok()
    }

    fn take_statsd(&self, configured: &StatsdConfig) -> bool {
        let taken = self.inner.tables.take_statsd(configured);
        match &taken {
            Ok(()) => self.config().statsd = configured.clone(),
            Err(error) => tracing::error!(error = format!("{error:#}"), "StatsD goes on as it was"),
        }
        taken.is_ok()
    }

    /// Without an interval each collector has its own, which only a start gives back.
    fn take_interval(&self, interval_ms: Option<u32>) -> bool {
        let Some(interval_ms) = interval_ms else {
            return false;
        };
        let statuses = self.inner.collectors.statuses();
        let mut names = statuses.iter().map(|status| &status.name);
        let taken = names.all(|name| self.inner.collectors.set_interval(name, interval_ms).is_ok());
        if taken {
            self.config().collect.interval_ms = Some(interval_ms);
        }
        taken
    }
}

impl Own for Process {
    fn host(&self) -> &str {
        &self.inner.host
    }

    fn log(&self, filter: &str, lasts: Duration) -> Result<(), Fault> {
        let back = self.log_until(filter, tokio::time::sleep(lasts))?;
        tokio::spawn(back);
        Ok(())
    }

    fn reload<'a>(&'a self) -> BoxFuture<'a, Result<Reloaded, Fault>> {
        Box::pin(async move {
            let origin = self.config().origin.clone();
            let process = self.clone();
            // It reads files, and what takes it may too.
            let taking = tokio::task::spawn_blocking(move || {
                let fresh = Config::load_again(&origin)
                    .map_err(|error| Fault::invalid("config", error.to_string()))?;
                process.take(&fresh)
            });
            taking.await.map_err(|_| Fault::internal())?
        })
    }

    fn drain(&self) {
        tracing::info!("draining, because an administrator asked for it");
        self.inner.shutdown.cancel();
    }
}

/// Dotted keys of values that differ, without the values: they may be secrets.
fn changed(before: &Config, after: &Config) -> Result<Vec<String>, Fault> {
    let tree = |config: &Config| {
        let mut config = config.clone();
        // What the command line says of it stands above the file.
        if config.origin.tls_given {
            config.tls = Default::default();
        }
        serde_json::to_value(config).map_err(|_| Fault::internal())
    };
    let mut after = after.clone();
    after.origin = before.origin.clone();
    let mut keys = Vec::new();
    differ("", &tree(before)?, &tree(&after)?, &mut keys);
    Ok(keys)
}

fn differ(at: &str, before: &Value, after: &Value, keys: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            let names = before
                .keys()
                .chain(after.keys().filter(|name| !before.contains_key(*name)));
            for name in names {
                let at = if at.is_empty() {
                    name.clone()
                } else {
                    format!("{at}.{name}")
                };
                let of = |map: &serde_json::Map<String, Value>| map.get(name).cloned().unwrap_or_default();
                differ(&at, &of(before), &of(after), keys);
            }
        }
        (before, after) if before != after => keys.push(at.to_owned()),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Filters that were set, in order.
    static SET: Mutex<Vec<String>> = Mutex::new(Vec::new());

    fn note(filter: &str) -> Result<(), Fault> {
        SET.lock().unwrap().push(filter.to_owned());
        Ok(())
    }

    struct Nobody;

    impl Tables for Nobody {
        fn take_remote_writes(&self, _: &[RemoteWriteConfig]) -> anyhow::Result<()> {
            Ok(())
        }

        fn take_scrapes(&self, _: &[ScrapeConfig]) {}

        fn take_checks(&self, _: &[CheckConfig]) -> anyhow::Result<()> {
            Ok(())
        }

        fn take_statsd(&self, _: &StatsdConfig) -> anyhow::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn the_log_goes_back_when_its_time_is_over_unless_it_was_set_again() {
        let shutdown = CancellationToken::new();
        let hub = crate::live::Hub::new(Default::default());
        let process = Process {
            inner: Arc::new(Inner {
                host: "here".into(),
                config: Mutex::new(Config::default()),
                filters: AtomicU64::new(0),
                collectors: crate::collectors::scheduler::start(Vec::new(), None, hub, shutdown.clone()),
                roles: Arc::new(crate::access::roles::Roles::new(&BTreeMap::new(), "here")),
                tables: Arc::new(Nobody),
                set_filter: note,
                shutdown: shutdown.clone(),
            }),
        };
        let set = || std::mem::take(&mut *SET.lock().unwrap());
        let (over, time) = tokio::sync::oneshot::channel::<()>();
        let back = process
            .log_until("debug", async move { time.await.unwrap() })
            .unwrap();
        let back = tokio::spawn(back);
        assert_eq!(set(), ["debug"]);
        // What the configuration says by then.
        process.config().log.filter = "warn".into();
        over.send(()).unwrap();
        back.await.unwrap();
        assert_eq!(set(), ["warn"]);

        // The end of the first does not undo the second.
        let first = process.log_until("debug", std::future::ready(())).unwrap();
        let second = process.log_until("trace", std::future::ready(())).unwrap();
        first.await;
        assert_eq!(set(), ["debug", "trace"]);
        second.await;
        assert_eq!(set(), ["warn"]);

        // Nor is anything set back at a stop.
        let stopped = process.log_until("debug", std::future::pending()).unwrap();
        shutdown.cancel();
        stopped.await;
        assert_eq!(set(), ["debug"]);
    }

    #[test]
    fn what_differs_is_named_by_its_key_and_not_by_its_value() {
        let before = Config::default();
        let mut after = Config::default();
        after.log.filter = "debug".into();
        after.http.max_connections += 1;
        after.services.bus = "off".into();
        let mut keys = changed(&before, &after).unwrap();
        keys.sort();
        assert_eq!(keys, ["http.max_connections", LOG_FILTER, "services.bus"]);
        assert_eq!(changed(&before, &before).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_certificate_of_the_command_line_is_not_compared_with_the_file() {
        let mut before = Config::default();
        before.origin.tls_given = true;
        before.tls.self_signed = true;
        assert_eq!(
            changed(&before, &Config::default()).unwrap(),
            Vec::<String>::new()
        );
    }

    #[test]
    fn words_say_what_holds_and_what_waits() {
        let keys = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect();
        let words = |applied: &[&str], waiting: &[&str]| {
            Reloaded {
                applied: keys(applied),
                waiting: keys(waiting),
            }
            .words()
        };
        assert_eq!(words(&[], &[]), "Nothing in the configuration has changed.");
        assert_eq!(
            words(&["a.b"], &["c", "d"]),
            "In force now: a.b. After a restart: c, d."
        );
    }
}
