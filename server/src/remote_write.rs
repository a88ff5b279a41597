//! Sends samples to others as Prometheus' remote write 1.0, as fine as they are collected.
//!
//! | file | owns |
//! |---|---|
//! | [`config`] | `[[remote_write]]` |
//! | [`gather`], [`naming`] | from frames to requests: which series, their names, where they end |
//! | [`message`] | the bytes of a request |
//! | [`queue`] | requests that wait, on disk |
//! | [`send`], [`backoff`] | one request after the other, until it is taken or refused |
//! | [`health`] | how it stands |
//!
//! Frames go into a bounded queue in memory and are taken by one thread, which gathers them and writes requests to disk; a task for each
//! receiver sends from there. So a receiver that is slow or gone costs disk and nothing else. You get it wrong when something here can
//! wait for a receiver while it holds a lock that the thread needs.

pub mod backoff;
pub mod config;
pub mod gather;
pub mod health;
pub mod message;
pub mod naming;
pub mod queue;
pub mod send;

pub use config::RemoteWriteConfig;

use crate::time::now_ms;
use anyhow::Context;
use farol_model::{ingest, metric::MetricSpec};
use gather::Gather;
use health::{Health, Why};
use queue::Queue;
use send::Sender;
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Frames that wait at most.
const MAX_FRAMES: usize = 4096;
/// Values that wait at most (8 MiB of numbers).
const MAX_CELLS: usize = 1024 * 1024;
/// How often the thread looks for what is due.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// The folder of all queues.
const DIR: &str = "remote-write";

/// See the module. Cheap to clone.
#[derive(Clone)]
pub struct RemoteWrite {
    inner: Arc<Inner>,
}

struct Inner {
    host: String,
    dir: PathBuf,
    feed: Feed,
    /// A std lock: held for looking and changing, never across a wait.
    places: Mutex<Vec<Place>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// A receiver as it is in force.
struct Place {
    config: RemoteWriteConfig,
    shelf: Arc<Shelf>,
    stop: CancellationToken,
}

/// What the thread and the task of one receiver share.
pub struct Shelf {
    /// A std lock: held for one operation on the disk, by threads that may block.
    queue: Mutex<Queue>,
    /// Told when something was put in.
    news: Notify,
    health: Health,
}

impl Shelf {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, now_ms: i64) {
        let mut queue = self.queue();
        let lost = queue.lost();
        self.health.dropped(Why::Full, lost.full);
        if lost.broken > 0 {
            tracing::warn!(
                places = lost.broken,
                "remote write: what waited on disk was broken there and is lost"
            );
        }
        self.health.waits(queue.bytes(), queue.oldest_ms(), now_ms);
    }
}

/// What the thread is sent.
enum Order {
    Frame(Frame),
    Gone(Arc<str>),
    /// A receiver is there from now on, in the place of one of the same name.
    Open(Box<Outgoing>),
    /// One is not there any more; answers when what was gathered for it is on disk.
    Close(String, SyncSender<()>),
    /// The end: what was gathered is put into the queues.
    End,
}

struct Frame {
    channel: Arc<str>,
    schema: Arc<[MetricSpec]>,
    t_ms: i64,
    interval_ms: u32,
    values: Box<[f64]>,
}

/// What the thread knows of a receiver.
struct Outgoing {
    name: String,
    flush: Duration,
    gather: Gather,
    shelf: Arc<Shelf>,
    /// When what was gathered was last put into the queue.
    flushed: Instant,
    packer: snap::raw::Encoder,
}

/// Where frames are handed in. Never waits. Cheap to clone.
#[derive(Clone)]
pub struct Feed {
    orders: SyncSender<Order>,
    /// Values that wait.
    cells: Arc<AtomicUsize>,
    /// There is somebody to send to.
    on: Arc<AtomicBool>,
    /// Values that were lost because too many waited.
    busy: Arc<AtomicU64>,
}

impl Feed {
    /// One row of a metrics channel; `values` follow `schema` by position, NaN where there is none.
    pub fn frame(
        &self,
        channel: &str,
        schema: &Arc<[MetricSpec]>,
        t_ms: i64,
        interval_ms: u32,
        values: &[f64],
    ) {
        if !self.on.load(Ordering::Relaxed) {
            return;
        }
        let width = values.len().min(schema.len());
        let room = self.cells.fetch_add(width, Ordering::Relaxed) + width <= MAX_CELLS;
        let frame = Frame {
            channel: channel.into(),
            schema: schema.clone(),
            t_ms,
            interval_ms,
            values: values[..width].into(),
        };
        if !room || self.orders.try_send(Order::Frame(frame)).is_err() {
            self.cells.fetch_sub(width, Ordering::Relaxed);
            self.busy.fetch_add(width as u64, Ordering::Relaxed);
            metrics::counter!(health::DROPPED, "remote_write" => "", "reason" => "busy")
                .increment(width as u64);
        }
    }

    /// A channel is not there any more.
    pub fn gone(&self, channel: &str) {
        if self.on.load(Ordering::Relaxed) {
            // When there is no room its silence says the same.
            let _ = self.orders.try_send(Order::Gone(channel.into()));
        }
    }
}

impl RemoteWrite {
    /// Begins to send. Must be called within a Tokio runtime, where it may block: it reads what waits on disk.
    pub fn start(places: &[RemoteWriteConfig], host: &str, data_dir: &Path) -> anyhow::Result<RemoteWrite> {
        health::describe();
        let (orders, taken) = sync_channel(MAX_FRAMES);
        let feed = Feed {
            orders,
            cells: Arc::default(),
            on: Arc::default(),
            busy: Arc::default(),
        };
        let remote_write = RemoteWrite {
            inner: Arc::new(Inner {
                host: host.to_owned(),
                dir: data_dir.join(DIR),
                feed: feed.clone(),
                places: Mutex::default(),
                thread: Mutex::default(),
            }),
        };
        let thread = Thread {
            orders: taken,
            cells: feed.cells,
            all: Vec::new(),
        };
        let spawned = thread::Builder::new()
            .name("remote-write".into())
            .spawn(move || thread.run());
        *lock(&remote_write.inner.thread) = Some(spawned?);
        remote_write.take(places)?;
        Ok(remote_write)
    }

    pub fn feed(&self) -> Feed {
        self.inner.feed.clone()
    }

    /// Puts a configuration in force: those that are new begin, those that are gone end, those that have changed go on with what waits
    /// for them. What waits for one that is gone stays on disk. Nothing changes when one of them cannot begin. Blocks for reading disks.
    pub fn take(&self, configs: &[RemoteWriteConfig]) -> anyhow::Result<()> {
        let inner = &self.inner;
        let mut places = lock(&inner.places);
        let shelf_of = |name: &str| {
            let same = places.iter().find(|place| place.config.name == name);
            same.map(|place| place.shelf.clone())
        };
        let changed = |config: &&RemoteWriteConfig| !places.iter().any(|place| place.config == **config);
        let mut news = Vec::new();
        for config in configs.iter().filter(changed) {
            let shelf = match shelf_of(&config.name) {
                Some(shelf) => shelf,
                None => inner.shelf(config)?,
            };
            news.push((config, Sender::new(config.clone(), shelf.clone())?, shelf));
        }
        let (kept, ended): (Vec<Place>, Vec<Place>) = places
            .drain(..)
            .partition(|place| configs.contains(&place.config));
        *places = kept;
        for place in ended {
            place.stop.cancel();
            if !configs.iter().any(|config| config.name == place.config.name) {
                inner.close(place.config.name);
            }
        }
        for (config, sender, shelf) in news {
            places.push(inner.open(config, sender, shelf)?);
        }
        inner.feed.on.store(!places.is_empty(), Ordering::Relaxed);
        Ok(())
    }

    /// How all receivers stand, by name.
    pub fn receivers(&self) -> Vec<ingest::Receiver> {
        let busy = self.inner.feed.busy.load(Ordering::Relaxed);
        let places = lock(&self.inner.places);
        let told = places
            .iter()
            .map(|place| place.shelf.health.receiver(&place.config, busy));
        let mut all: Vec<ingest::Receiver> = told.collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// Puts what was gathered on disk and ends. What waits there is sent after the next start.
    pub fn close(&self) {
        for place in lock(&self.inner.places).drain(..) {
            place.stop.cancel();
        }
        let _ = self.inner.feed.orders.send(Order::End);
        if let Some(thread) = lock(&self.inner.thread).take()
            && thread.join().is_err()
        {
            tracing::error!("remote write: its thread has panicked");
        }
    }
}

impl Inner {
    /// What waits for a receiver, as it is on disk.
    fn shelf(&self, config: &RemoteWriteConfig) -> anyhow::Result<Arc<Shelf>> {
        let dir = self.dir.join(&config.name);
        let queue = Queue::open(&dir, config.queue_bytes())
            .with_context(|| format!("the queue {} cannot be opened", dir.display()))?;
        let shelf = Shelf {
            queue: Mutex::new(queue),
            news: Notify::new(),
            health: Health::of(&config.name),
        };
        // What waits since before the start.
        shelf.tell(now_ms());
        Ok(Arc::new(shelf))
    }

    fn open(&self, config: &RemoteWriteConfig, sender: Sender, shelf: Arc<Shelf>) -> anyhow::Result<Place> {
        shelf.queue().set_max_bytes(config.queue_bytes());
        let labels = config.labels.clone();
        let outgoing = Outgoing {
            name: config.name.clone(),
            flush: config.flush(),
            gather: Gather::new(config.filter(), labels, &self.host, config.batch_samples),
            shelf: shelf.clone(),
            flushed: Instant::now(),
            packer: snap::raw::Encoder::new(),
        };
        self.feed
            .orders
            .send(Order::Open(Box::new(outgoing)))
            .map_err(|_| anyhow::anyhow!("remote write has ended"))?;
        let stop = CancellationToken::new();
        tokio::spawn(sender.run(stop.clone()));
        Ok(Place {
            config: config.clone(),
            shelf,
            stop,
        })
    }

    fn close(&self, name: String) {
        let (done, wait) = sync_channel(1);
        if self.feed.orders.send(Order::Close(name, done)).is_ok() {
            // An error is the end of the thread, which puts everything on disk.
            let _ = wait.recv();
        }
    }
}

/// The one thread that gathers.
struct Thread {
    orders: Receiver<Order>,
    cells: Arc<AtomicUsize>,
    all: Vec<Outgoing>,
}

impl Thread {
    fn run(mut self) {
        loop {
            let order = match self.all.is_empty() {
                true => self.orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
                false => self.orders.recv_timeout(LOOK_EVERY),
            };
            match order {
                Ok(Order::Frame(frame)) => {
                    self.cells.fetch_sub(frame.values.len(), Ordering::Relaxed);
                    self.all.iter_mut().for_each(|outgoing| outgoing.frame(&frame));
                }
                Ok(Order::Gone(channel)) => {
                    let now = now_ms();
                    let all = self.all.iter_mut();
                    all.for_each(|outgoing| outgoing.gather.gone(&channel, now));
                }
                Ok(Order::Open(mut outgoing)) => {
                    self.close(&outgoing.name);
                    let newest_ms = outgoing.shelf.queue().newest_ms();
                    outgoing.gather.set_floor(newest_ms);
                    self.all.push(*outgoing);
                }
                Ok(Order::Close(name, done)) => {
                    self.close(&name);
                    // Who asked has gone: nobody is to be told.
                    let _ = done.send(());
                }
                Ok(Order::End) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
            let due = |outgoing: &&mut Outgoing| outgoing.flushed.elapsed() >= outgoing.flush;
            self.all.iter_mut().filter(due).for_each(Outgoing::flush);
        }
        for mut outgoing in self.all {
            outgoing.flush();
            if let Err(error) = outgoing.shelf.queue().sync() {
                tracing::warn!(%error, "remote write: what waits could not be brought to the disk");
            }
        }
    }

    fn close(&mut self, name: &str) {
        if let Some(at) = self.all.iter().position(|outgoing| outgoing.name == name) {
            self.all.remove(at).flush();
        }
    }
}

impl Outgoing {
    fn frame(&mut self, frame: &Frame) {
        if self.gather.goes_back(&frame.channel, frame.t_ms) {
            self.flush();
        }
        self.gather.frame(
            &frame.channel,
            &frame.schema,
            frame.t_ms,
            frame.interval_ms,
            &frame.values,
        );
        if self.gather.is_full() {
            self.flush();
        }
    }

    /// Puts what was gathered into the queue.
    fn flush(&mut self) {
        self.flushed = Instant::now();
        let now = now_ms();
        self.gather.end_silent(now);
        let Shelf { health, news, .. } = &*self.shelf;
        health.dropped(Why::Order, self.gather.out_of_order());
        if let Some(series) = self.gather.twin() {
            tracing::warn!(
                remote_write = self.name,
                series,
                "a series is not sent: another has the same name and labels; give one of the sources a label of its own"
            );
        }
        let Some((meta, body)) = self.gather.request() else {
            return;
        };
        let packed = self.packer.compress_vec(&body).map_err(std::io::Error::other);
        let put = packed.and_then(|body| self.shelf.queue().push(meta, &body));
        if let Err(error) = put {
            health.dropped(Why::Disk, meta.samples.into());
            health.wrong(&format!("samples could not be put on disk: {error}"), now);
            tracing::warn!(remote_write = self.name, %error, "samples could not be put into the queue on disk and are lost");
        }
        self.shelf.tell(now);
        news.notify_one();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
