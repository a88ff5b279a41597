//! Services of systemd, over D-Bus: how they stand, what they write, and what can be done to them.
//!
//! | file | owns |
//! |---|---|
//! | [`bus`] | the connection, and the calls of `org.freedesktop.systemd1` that are used |
//! | [`table`] | what is known of each service; pure |
//! | [`watch`] | keeps the table fresh: signals, and a slow look in case one was missed |
//! | [`jobs`] | start, stop, restart, reload, enable, disable |
//! | [`journal`], [`tail`] | the last lines of a service, and those that come |
//! | [`name`] | which names are looked at, and which services are vital |
//!
//! Nothing is asked of systemd per viewer but the details of the service whose page is open, and numbers of memory and
//! processor are read only while somebody looks. Without systemd the room says so and looks again; nothing else of Farol
//! waits for it.

pub mod bus;
pub mod jobs;
pub mod journal;
pub mod name;
pub mod table;
pub mod tail;
pub mod watch;

use crate::time::now_ms;
use bus::{Address, Bus};
use farol_model::{
    Fault,
    service::{LogLine, ServiceDetails, ServicePage, ServiceQuery, ServicesState},
};
use serde::{Deserialize, Serialize};
use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};
use table::Table;
use tail::Tails;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Numbers are read for so long after somebody looked, milliseconds.
const LOOKED_LASTS_MS: i64 = 15_000;

/// `[services]`: whose services are shown.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServicesConfig {
    /// `system`, `user` (the manager of the account that Farol runs as), `off`, or the D-Bus address of another bus.
    pub bus: String,
    /// A folder of journal files to read instead of this machine's own, e.g. of the host in a container.
    pub journal: Option<PathBuf>,
}

impl Default for ServicesConfig {
    fn default() -> Self {
        ServicesConfig {
            bus: "system".to_owned(),
            journal: None,
        }
    }
}

impl ServicesConfig {
    /// Key and reason of what is wrong.
    pub fn problems(&self) -> Vec<(String, String)> {
        let address = Address::parse(&self.bus).err().map(|why| ("bus", why));
        let journal = self.journal.as_ref().filter(|dir| !dir.is_dir()).map(|dir| {
            let why = format!("{} is no folder", dir.display());
            ("journal", why)
        });
        let wrong = address.into_iter().chain(journal);
        wrong.map(|(key, why)| (key.to_owned(), why)).collect()
    }
}

/// Where the state of services goes. Implemented by the live hub. Never waits.
pub trait Outlet: Send + Sync + 'static {
    fn services(&self, state: &ServicesState);
}

/// See the module. Cheap to clone.
#[derive(Clone)]
pub struct Services {
    inner: Arc<Inner>,
}

struct Inner {
    address: Address,
    journal: journal::Source,
    /// The service that Farol itself runs as.
    own: Option<String>,
    /// A std lock: held for looking and changing, never across a wait.
    table: Mutex<Table>,
    /// While systemd answers.
    bus: Mutex<Option<Bus>>,
    tails: Tails,
    /// When somebody last asked for rows, milliseconds since the epoch.
    looked_ms: AtomicI64,
    /// Somebody looks again after a while.
    looks: Notify,
    /// There is something to tell the outlet.
    changed: Notify,
    /// There are services of which not all is known.
    stale: Notify,
    /// Unit files have changed.
    relist: Notify,
}

impl Services {
    /// Begins to watch. Must be called within a Tokio runtime.
    pub fn start(config: &ServicesConfig, outlet: Arc<dyn Outlet>, shutdown: CancellationToken) -> Services {
        // The configuration has been checked; what cannot be read turns the room off.
        let address = Address::parse(&config.bus).unwrap_or(Address::Off);
        let services = Services {
            inner: Arc::new(Inner {
                journal: journal::Source::new(&address, config.journal.clone()),
                address,
                own: name::own(),
                table: Mutex::new(Table::new()),
                bus: Mutex::default(),
                tails: Tails::default(),
                looked_ms: AtomicI64::new(0),
                looks: Notify::new(),
                changed: Notify::new(),
                stale: Notify::new(),
                relist: Notify::new(),
            }),
        };
        tokio::spawn(watch::watch(services.clone(), outlet, shutdown));
        services
    }

    /// The services that a query asks for.
    pub fn page(&self, query: &ServiceQuery) -> ServicePage {
        let t_ms = now_ms();
        let before = self.inner.looked_ms.swap(t_ms, Ordering::Relaxed);
        if t_ms - before > LOOKED_LASTS_MS {
            self.inner.looks.notify_one();
        }
        self.table().page(query, t_ms)
    }

    /// Everything about one service, asked for now; None when there is no such service.
    pub async fn details(&self, name: &str) -> Result<Option<ServiceDetails>, Fault> {
        let Ok(name) = name::check(name) else {
            return Ok(None);
        };
        let (path, since) = {
            let table = self.table();
            (table.path(&name), table.revision())
        };
        if let (Some(bus), Some(path)) = (self.bus(), path) {
            // What was known stays when it cannot be asked: it may have gone this moment.
            if let Ok(facts) = bus.facts(&path).await {
                self.table().take_facts(&name, &facts, since, now_ms());
            }
        }
        let Some((row, file)) = self.table().one(&name) else {
            return Ok(None);
        };
        let vital = name::vital(&name, self.inner.own.as_deref());
        Ok(Some(ServiceDetails { row, file, vital }))
    }

    /// The last lines of a service, oldest first.
    pub async fn last_lines(&self, name: &str, count: usize) -> Result<Vec<LogLine>, Fault> {
        let name = name::check(name)?;
        self.inner.journal.last(&name, count).await
    }

    /// The last lines of a service and those that have come since somebody began to ask, oldest first; None while the tail has
    /// only begun. To be asked again and again; who does not ask any more lets the tail go.
    pub fn tail(&self, name: &str) -> Result<Option<Vec<LogLine>>, Fault> {
        let name = name::check(name)?;
        self.inner.tails.lines(&self.inner.journal, &name)
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.inner.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn bus(&self) -> Option<Bus> {
        let bus = self.inner.bus.lock().unwrap_or_else(PoisonError::into_inner);
        bus.clone()
    }

    fn set_bus(&self, bus: Option<Bus>) {
        *self.inner.bus.lock().unwrap_or_else(PoisonError::into_inner) = bus;
    }

    /// Whether somebody looks at the table.
    fn is_looked_at(&self) -> bool {
        now_ms() - self.inner.looked_ms.load(Ordering::Relaxed) <= LOOKED_LASTS_MS
    }
}
