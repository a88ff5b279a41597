//! The hub: which channels there are, and how what happens becomes publications.
//!
//! It takes frames from collectors ([`Outlet`]) and events from runs ([`RunOutlet`]), never waits for a subscriber, and
//! knows nothing of connections but their outboxes. Recovery and fan-out are [`super::channel`]'s; bounds per connection
//! are [`super::outbox`]'s.

use super::{
    body::Body,
    channel::{Channel, Hold, Inner},
    flusher::Flusher,
    limits::LiveLimits,
    lock,
    logs::Source,
    marks::Marks,
    publication::{ChannelKey, Payload},
    rooms::Rooms,
    rows::Row,
    runs::Runs,
    seeds::Seeds,
};
use crate::{actions::RunOutlet, collectors::Outlet, history::ring::Ring, services};
use bytes::Bytes;
use farol_model::{
    action::{Mark, Run, RunEvent},
    channel::{Channel as ChannelName, Class},
    health::CollectorStatus,
    host::LOCAL_HOST,
    metric::MetricSpec,
    process::{ProcessRow, ProcessUpdate},
    sample::ChannelView,
    service::ServicesState,
    wire::ClientInfo,
};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// See the module.
pub struct Hub {
    limits: LiveLimits,
    /// Brings publications to the subscribers, when it runs.
    pub flusher: Arc<Flusher>,
    /// Random per process start.
    epoch: u32,
    next_id: AtomicI64,
    /// All channels by name. A std lock: looked up often, changed when a channel is born or goes.
    channels: RwLock<HashMap<String, Arc<Channel>>>,
    /// `processes/local`, always there.
    processes: Arc<Channel>,
    /// `collectors/local`, always there.
    collectors: Arc<Channel>,
    /// `marks/local`, always there.
    marks: Arc<Channel>,
    /// `annotations/local`, always there.
    annotations: Arc<Channel>,
    /// When runs began and ended, oldest first.
    marked: Mutex<Marks>,
    /// `runlist/local`, always there.
    run_list: Arc<Channel>,
    /// States of runs that were told.
    run_changes: AtomicU64,
    /// `services/local`, always there.
    services: Arc<Channel>,
    /// The latest health of collectors, in their own order.
    statuses: Mutex<Vec<CollectorStatus>>,
    /// Which run channels there are, in order of birth.
    runs: Mutex<Runs>,
    rooms: Mutex<Rooms>,
    /// What channels that are not open yet begin with.
    seeds: Mutex<Seeds>,
    /// Who fills channels of logs.
    pub(super) sources: Mutex<Vec<Arc<dyn Source>>>,
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub")
            .field("epoch", &self.epoch)
            .finish_non_exhaustive()
    }
}

impl Hub {
    pub fn new(limits: LiveLimits) -> Arc<Self> {
        let epoch = rand::random::<u32>();
        let flusher = Flusher::new(limits.coalesce, limits.write_chunk_bytes);
        let mut next_id = 1;
        let mut fixed = |group: &str, class, body| {
            let name = format!("{group}/{LOCAL_HOST}");
            let key = ChannelKey { name, id: next_id };
            next_id += 1;
            Channel::new(key, class, epoch, body, flusher.clone())
        };
        let table = ProcessUpdate {
            whole: true,
            ..Default::default()
        };
        let processes = fixed("processes", Class::Table, Body::Table(Arc::new(table)));
        let mut cache = |group: &str, text: &'static str| {
            let body = Body::Cache(Bytes::from_static(text.as_bytes()));
            fixed(group, Class::Cache, body)
        };
        let collectors = cache("collectors", "[]");
        let marks = cache("marks", "[]");
        let services = cache("services", "");
        let run_list = cache("runlist", "0");
        let annotations = cache("annotations", "[]");
        let channels = [
            &processes,
            &collectors,
            &marks,
            &services,
            &run_list,
            &annotations,
        ]
        .map(|channel| (channel.key.name.clone(), channel.clone()))
        .into();
        Arc::new(Hub {
            limits,
            flusher,
            epoch,
            next_id: AtomicI64::new(next_id),
            channels: RwLock::new(channels),
            processes,
            collectors,
            marks,
            annotations,
            marked: Mutex::default(),
            run_list,
            run_changes: AtomicU64::new(0),
            services,
            statuses: Mutex::default(),
            runs: Mutex::default(),
            rooms: Mutex::default(),
            seeds: Mutex::default(),
            sources: Mutex::default(),
        })
    }

    /// The channel of this name.
    pub fn channel(&self, name: &str) -> Option<Arc<Channel>> {
        self.channels
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .cloned()
    }

    /// The name of the channel with this number.
    pub fn name_of(&self, id: i64) -> Option<String> {
        let channels = self.channels.read().unwrap_or_else(PoisonError::into_inner);
        let found = channels.values().find(|channel| channel.key.id == id);
        found.map(|channel| channel.key.name.clone())
    }

    /// The room of this name, made when it is not there. None when there are as many as there may be and somebody is in each.
    pub fn room(&self, name: &str) -> Option<Arc<Channel>> {
        let now = Instant::now();
        let mut rooms = lock(&self.rooms);
        if let Some(channel) = rooms.get(name, now) {
            return Some(channel);
        }
        let gone = rooms.make_place(&self.limits)?;
        self.take_down(gone.into_iter().collect());
        let (channel, _) = self.open(name, Class::Stream, || Body::Room);
        rooms.add(channel.clone(), now);
        Some(channel)
    }

    /// Says something in a room. `data` is JSON. False when the room has been taken down meanwhile.
    pub fn say(&self, room: &Arc<Channel>, data: Bytes, by: ClientInfo, t_ms: i64) -> bool {
        let hold = Hold {
            age: Duration::MAX,
            count: self.limits.room_messages,
            bytes: self.limits.room_bytes,
        };
        let size = data.len() + by.conn_info.len() + 256;
        room.with(|inner| {
            if !inner.is_closed() {
                inner.publish_held(Payload::Said { data, by, t_ms }, size, hold, Instant::now());
            }
            !inner.is_closed()
        })
    }

    /// Whether a channel that is not there may come soon: its collector is known, or none has reported yet, or it is a room
    /// or a log that was taken down just now.
    pub fn may_come(&self, name: &ChannelName) -> bool {
        let (host, group) = match name {
            ChannelName::Metrics { host, group } => (host, group),
            ChannelName::Room { .. } | ChannelName::Log { .. } => return true,
            _ => return false,
        };
        let statuses = lock(&self.statuses);
        host == LOCAL_HOST && (statuses.is_empty() || statuses.iter().any(|status| &status.name == group))
    }

    /// Names of the metrics channels that exist, in the order of their collectors, then by name. Those of single containers are
    /// left out: there may be many, and the page of containers knows them.
    pub fn metrics_channels(&self) -> Vec<String> {
        let mut names: Vec<String> = {
            let channels = self.channels.read().unwrap_or_else(PoisonError::into_inner);
            channels
                .values()
                .filter(|channel| {
                    channel.class == Class::Metrics && !ChannelName::is_of_container(&channel.key.name)
                })
                .map(|channel| channel.key.name.clone())
                .collect()
        };
        let statuses = lock(&self.statuses);
        let place = |name: &String| {
            let group = name.rsplit('/').next().unwrap_or_default();
            statuses
                .iter()
                .position(|status| status.name == group)
                .unwrap_or(usize::MAX)
        };
        names.sort_by(|a, b| place(a).cmp(&place(b)).then_with(|| a.cmp(b)));
        names
    }

    /// Schema, history and position of a metrics channel; `history_ms` 0 takes all that is held.
    pub fn view(&self, channel: &str, history_ms: u32) -> Option<ChannelView> {
        let channel = self.channel(channel)?;
        channel.with(|inner| match &inner.body {
            Body::Metrics(ring) => Some(ChannelView {
                channel: channel.key.name.clone(),
                schema: ring.schema().to_vec(),
                snapshot: ring.snapshot(history_ms, self.limits.snapshot_cells),
                epoch: channel.epoch.clone(),
                offset: inner.offset,
            }),
            _ => None,
        })
    }

    /// Time of the process table, and its rows.
    pub fn processes(&self) -> (i64, Vec<ProcessRow>) {
        self.processes.with(|inner| match &inner.body {
            Body::Table(table) => (table.t_ms, table.rows.clone()),
            _ => (0, Vec::new()),
        })
    }

    /// Health of the collectors, as last reported.
    pub fn collectors(&self) -> Vec<CollectorStatus> {
        lock(&self.statuses).clone()
    }

    /// When runs began and ended lately and what was annotated, oldest first.
    pub fn marks(&self) -> Vec<Mark> {
        lock(&self.marked).all()
    }

    /// What was annotated lately, oldest first.
    pub fn annotations(&self) -> Vec<Mark> {
        lock(&self.marked).annotated().to_vec()
    }

    /// Marks the moment on the charts when a run begins or ends.
    fn mark(&self, run: &Run) {
        if lock(&self.marked).take(run, crate::time::now_ms()) {
            tell_marks(&self.marks, &self.marks());
        }
    }

    /// Marks when runs of before the start began and ended, oldest first.
    pub fn recall(&self, marks: Vec<Mark>) {
        lock(&self.marked).recall(marks);
        tell_marks(&self.marks, &self.marks());
    }

    /// Marks what was annotated lately; these are all.
    pub fn annotate(&self, marks: Vec<Mark>) {
        tell_marks(&self.annotations, &marks);
        lock(&self.marked).annotate(marks);
        tell_marks(&self.marks, &self.marks());
    }

    /// Says that the list of runs is another one now. Only the latest number counts: a slow reader skips the others.
    fn list_changed(&self) {
        self.run_list.with(|list| {
            let changes = self.run_changes.fetch_add(1, Ordering::Relaxed) + 1;
            let text = Bytes::from(changes.to_string());
            list.body = Body::Cache(text.clone());
            list.publish(Payload::Json(text), Instant::now());
        });
    }

    /// What a channel of metrics is to begin with once its first frame comes: rows from before the start. Nothing for one that is
    /// open, and no channel where no frame comes. How much that is altogether is up to who reads it.
    pub fn seed(&self, channel: &str, ring: Ring) {
        let channels = self.channels.read().unwrap_or_else(PoisonError::into_inner);
        if !channels.contains_key(channel) {
            lock(&self.seeds).add(channel, ring, Instant::now());
        }
    }

    /// Takes down the channels of runs that ended long ago, and rooms that nobody uses; lets go what nobody took. Called every
    /// few seconds.
    pub fn sweep(&self) {
        let now = Instant::now();
        lock(&self.seeds).forget(&self.limits, now);
        let mut gone = lock(&self.runs).expired(&self.limits, now);
        gone.extend(lock(&self.rooms).expired(&self.limits, now));
        self.take_down(gone);
    }

    /// The channel, made by `body` when it is not there.
    pub(super) fn open(&self, name: &str, class: Class, body: impl FnOnce() -> Body) -> (Arc<Channel>, bool) {
        self.open_with(name, class, body, |_| ())
    }

    /// The same, and when it is made then `first` is done with it before anybody can find it.
    fn open_with(
        &self,
        name: &str,
        class: Class,
        body: impl FnOnce() -> Body,
        first: impl FnOnce(&mut Inner),
    ) -> (Arc<Channel>, bool) {
        if let Some(channel) = self.channel(name) {
            return (channel, false);
        }
        let mut channels = self.channels.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(channel) = channels.get(name) {
            return (channel.clone(), false);
        }
        let key = ChannelKey {
            name: name.to_owned(),
            id: self.next_id.fetch_add(1, Ordering::Relaxed),
        };
        let channel = Channel::new(key, class, self.epoch, body(), self.flusher.clone());
        channel.with(first);
        channels.insert(name.to_owned(), channel.clone());
        (channel, true)
    }

    pub(super) fn take_down(&self, gone: Vec<Arc<Channel>>) {
        for channel in gone {
            self.channels
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&channel.key.name);
            channel.close();
        }
    }
}

/// These are the marks of this channel now.
fn tell_marks(channel: &Arc<Channel>, marks: &[Mark]) {
    match serde_json::to_vec(marks).map(Bytes::from) {
        Ok(text) => channel.with(|inner| {
            inner.body = Body::Cache(text.clone());
            inner.publish(Payload::Json(text), Instant::now());
        }),
        Err(error) => tracing::error!(%error, "marks could not be written as JSON"),
    }
}

impl Outlet for Hub {
    fn frame(
        &self,
        channel: &str,
        schema: &Arc<[MetricSpec]>,
        t_ms: i64,
        interval_ms: u32,
        values: Vec<f64>,
    ) {
        let mut row = Some(Row {
            schema,
            t_ms,
            interval_ms,
            values,
        });
        let mut put = |inner: &mut Inner| row.take().is_none_or(|row| row.put(inner, &self.limits));
        // Nobody finds a channel without the row that it was opened for.
        let body = || Body::Metrics(lock(&self.seeds).claim(channel, schema));
        let (opened, _) = self.open_with(channel, Class::Metrics, body, |inner| {
            put(inner);
        });
        if !opened.with(put) {
            tracing::warn!(
                channel,
                "a frame for a channel that is not of metrics was dropped"
            );
        }
    }

    fn processes(&self, t_ms: i64, rows: Vec<ProcessRow>) {
        self.processes.with(|inner| {
            let after = Arc::new(ProcessUpdate {
                t_ms,
                whole: true,
                rows,
                gone: Vec::new(),
            });
            let before = std::mem::replace(&mut inner.body, Body::Table(after.clone()));
            inner.touch();
            // Without somebody to tell, what changed need not be worked out: nobody recovers a table.
            if inner.has_subscribers()
                && let Body::Table(before) = before
            {
                let changes = ProcessUpdate::between(&before.rows, &after.rows, t_ms);
                inner.publish(Payload::Table(changes), Instant::now());
            }
        });
    }

    fn health(&self, statuses: &[CollectorStatus]) {
        *lock(&self.statuses) = statuses.to_vec();
        let text = match serde_json::to_vec(statuses) {
            Ok(text) => Bytes::from(text),
            Err(error) => {
                tracing::error!(%error, "the health of collectors could not be written as JSON");
                return;
            }
        };
        self.collectors.with(|inner| {
            inner.body = Body::Cache(text.clone());
            inner.publish(Payload::Json(text), Instant::now());
        });
    }
}

impl services::Outlet for Hub {
    fn services(&self, state: &ServicesState) {
        let text = match serde_json::to_vec(state) {
            Ok(text) => Bytes::from(text),
            Err(error) => {
                tracing::error!(%error, "the state of services could not be written as JSON");
                return;
            }
        };
        self.services.with(|inner| {
            inner.body = Body::Cache(text.clone());
            inner.publish(Payload::Json(text), Instant::now());
        });
    }
}

impl RunOutlet for Hub {
    fn event(&self, run: &str, event: &RunEvent) {
        if let RunEvent::State { run } = event {
            self.mark(run);
            self.list_changed();
        }
        let text = match serde_json::to_vec(event) {
            Ok(text) => Bytes::from(text),
            Err(error) => {
                tracing::error!(%error, run, "an event of a run could not be written as JSON");
                return;
            }
        };
        let (channel, born) = self.open(&format!("runs/{run}"), Class::Stream, || Body::Stream);
        let hold = Hold {
            age: Duration::MAX,
            count: self.limits.run_events,
            bytes: self.limits.run_bytes,
        };
        channel.with(|inner| {
            let size = text.len() + 128;
            inner.publish_held(Payload::Json(text), size, hold, Instant::now());
        });
        let gone = {
            let mut runs = lock(&self.runs);
            if born {
                runs.add(channel);
            }
            runs.above(&self.limits)
        };
        self.take_down(gone);
    }

    fn closed(&self, run: &str) {
        let name = format!("runs/{run}");
        lock(&self.runs).ended(&name, Instant::now());
    }
}

#[cfg(test)]
#[path = "hub_tests.rs"]
mod tests;
