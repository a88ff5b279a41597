//! Containers: what a Docker or Podman engine on this machine runs, what each uses, what it prints, and what is done to it.
//!
//! | file | owns |
//! |---|---|
//! | [`socket`] | where an engine may listen |
//! | [`client`], [`error`] | one bounded request or stream over its socket; what can go wrong, in words |
//! | [`wire`] | the parts of the engine's answers that are read |
//! | [`watch`] | finding the engine, the list by its events, one reading a second |
//! | [`usage`] | from counters to rates; the series of one container |
//! | [`table`] | the list, filtered, sorted and cut |
//! | [`logs`], [`frames`] | the log of one container while somebody listens |
//! | [`inspect`] | one container in full, without values of variables and labels |
//! | [`act`] | start, stop, restart, kill |
//!
//! The engine is spoken to in its own HTTP API without a version in the address, which both engines answer with their newest;
//! docs/adr/0013 says why by our own hand. It must not know who looks or who is allowed: what it reads goes to a
//! [`ContainerOutlet`]. Bounds: [`MAX_CONTAINERS`] are listed, [`MAX_MEASURED`] measured, [`logs::MAX_LOGS`] logs followed; what
//! is above is said on the page, never hidden.

pub mod act;
pub mod client;
pub mod error;
pub mod frames;
pub mod inspect;
pub mod logs;
pub mod socket;
pub mod table;
pub mod usage;
pub mod watch;
pub mod wire;

use client::Client;
use error::EngineError;
use farol_model::{
    Fault,
    action::OutputStream,
    channel::{CONTAINER_ID_CHARS, Channel},
    container::{ContainerDetails, ContainerPage, ContainerQuery, ContainerRow, EngineState},
    metric::MetricSpec,
};
use serde::{Deserialize, Serialize};
use socket::Surroundings;
use std::{
    collections::{BTreeMap, HashSet},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use usage::Meter;

/// Containers that are listed at most; the newest ones.
pub const MAX_CONTAINERS: usize = 2000;
/// Containers that are measured at most, and that have a channel of metrics.
pub const MAX_MEASURED: usize = 64;

/// `[containers]`: which engine is asked.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ContainersConfig {
    /// Whether an engine is looked for at all.
    pub enabled: bool,
    /// The engine's Unix socket. Without it the usual places are looked at.
    pub socket: Option<PathBuf>,
}

impl Default for ContainersConfig {
    fn default() -> Self {
        ContainersConfig {
            enabled: true,
            socket: None,
        }
    }
}

impl ContainersConfig {
    /// What is wrong with the socket, if anything. That nobody listens there now is no fault: an engine may start later.
    pub fn problem(&self) -> Option<String> {
        let socket = self.socket.as_ref()?;
        (!socket.is_absolute()).then(|| {
            format!(
                "`{}` is no whole path; write it from the root, e.g. /run/docker.sock",
                socket.display()
            )
        })
    }
}

/// Where readings and logs go. Implemented by the live hub. Never waits.
pub trait ContainerOutlet: Send + Sync + 'static {
    /// One frame of a metrics channel.
    fn frame(&self, channel: &str, schema: &Arc<[MetricSpec]>, t_ms: i64, interval_ms: u32, values: Vec<f64>);
    /// The container of a metrics channel is no more.
    fn gone(&self, channel: &str);
    /// Makes the channel of a log.
    fn log_opened(&self, channel: &str);
    fn log(&self, channel: &str, stream: OutputStream, text: String);
    /// Whether anybody listens to the log.
    fn log_heard(&self, channel: &str) -> bool;
    fn log_closed(&self, channel: &str);
}

/// Asks and tells of the engine. Cheap to clone.
#[derive(Clone)]
pub struct Containers {
    inner: Arc<Inner>,
}

struct Inner {
    outlet: Arc<dyn ContainerOutlet>,
    /// What is known now. A std mutex: every section is short and none awaits.
    state: Mutex<State>,
    /// The list is to be read anew.
    dirty: Notify,
    shutdown: CancellationToken,
    tasks: TaskTracker,
}

/// What is known of the engine and its containers.
#[derive(Default)]
struct State {
    engine: EngineState,
    /// Where to ask; None without an engine.
    client: Option<Client>,
    /// By id.
    entries: BTreeMap<String, Entry>,
    /// Containers that did not fit into the list.
    unlisted: usize,
    /// Channels of logs that are followed.
    logs: HashSet<String>,
}

struct Entry {
    row: ContainerRow,
    /// Reads its counters; None while it is not measured.
    meter: Option<Meter>,
}

impl Containers {
    /// Looks for an engine and keeps an eye on it until `shutdown`.
    pub fn start(
        config: &ContainersConfig,
        surroundings: Surroundings,
        outlet: Arc<dyn ContainerOutlet>,
        shutdown: CancellationToken,
        tasks: TaskTracker,
    ) -> Containers {
        let containers = Containers {
            inner: Arc::new(Inner {
                outlet,
                state: Mutex::default(),
                dirty: Notify::new(),
                shutdown,
                tasks,
            }),
        };
        if config.enabled {
            let places = socket::places(config.socket.as_deref(), &surroundings);
            let watching = watch::watch(containers.clone(), places);
            containers.inner.tasks.spawn(watching);
        } else {
            containers.state().engine = EngineState::Off;
        }
        containers
    }

    /// The containers that a query asks for.
    pub fn page(&self, query: &ContainerQuery, t_ms: i64) -> ContainerPage {
        table::page(&self.state(), query, t_ms)
    }

    /// One container by its id; None when it is not there now.
    pub fn one(&self, id: &str) -> Option<ContainerRow> {
        self.state().entries.get(id).map(|entry| entry.row.clone())
    }

    /// One container in full.
    pub async fn inspect(&self, id: &str) -> Result<ContainerDetails, Fault> {
        let client = self.client_for(id)?;
        let told = client.json(&format!("/containers/{id}/json")).await;
        told.map(|inspect| inspect::details(&inspect))
            .map_err(Fault::from)
    }

    /// The client, when the container is known.
    fn client_for(&self, id: &str) -> Result<Client, Fault> {
        let state = self.state();
        let client = state.client.clone().ok_or(EngineError::NoEngine)?;
        match state.entries.contains_key(id) {
            true => Ok(client),
            false => Err(EngineError::NoContainer.into()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is shown of an id, and what channels are named after.
fn short(id: &str) -> &str {
    id.get(..CONTAINER_ID_CHARS).unwrap_or(id)
}

/// The channel of a container's metrics.
fn metrics_channel(id: &str) -> String {
    Channel::local_metrics(&format!("{}{}", Channel::CONTAINER_GROUP, short(id)))
}

/// Whether a text is a whole id. Names and beginnings of ids are never acted upon: they can come to mean another container.
fn is_id(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}
