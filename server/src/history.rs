//! History: every sample of every series, for as long as the configuration says.
//!
//! | file | owns |
//! |---|---|
//! | [`ring`], [`packed`] | the newest ten minutes of a channel, for the live plane; the store is beside it |
//! | [`feed`] | the way in: bounded, never waits |
//! | [`writer`] | the thread that takes frames in: registry, [`journal`], [`head`] |
//! | [`keeper`] | the thread that seals, merges, rolls up and forgets, with [`shelf`] |
//! | [`registry`] | which series there are, and their numbers |
//! | [`segment`], [mod@column], [`envelope`], [`record`](crate::record), [`varint`] | how it looks on disk, see docs/HISTORY.md |
//! | [`catalog`], [`tier`] | which files there are; resolutions and windows |
//! | [`query`], [`grid`], [`selector`], [`plan`], [`join`] | asking |
//! | [`lately`] | the newest rows of each channel, for the live plane after a restart |
//! | [`expr`] | functions over what is asked |
//! | [`find`] | finding series by words |
//! | [`gate`] | how many may ask at once |
//! | [`health`], [`damage`] | how it stands, what is broken |
//!
//! It must not know who looks, who is allowed or what a metric means. What must hold: what is in memory is in the journal; a file
//! is there whole or not at all; what is made from a file can be made again; no number of a series is given twice.

pub mod catalog;
pub mod column;
pub mod config;
pub mod damage;
pub mod envelope;
pub mod expr;
pub mod feed;
pub mod find;
pub mod gate;
pub mod grid;
pub mod head;
pub mod health;
pub mod join;
pub mod journal;
pub mod keeper;
pub mod lately;
pub mod packed;
pub mod plan;
pub mod query;
pub mod registry;
pub mod ring;
pub mod segment;
pub mod selector;
pub mod shelf;
pub mod tier;
pub mod varint;
pub mod writer;

use catalog::Catalog;
use config::HistoryConfig;
use damage::Damage;
use expr::Expression;
use farol_model::Fault;
use feed::{Feed, MAX_FRAMES, Order};
use gate::Gate;
use head::{Head, Part};
use health::{Health, HistoryState, HistoryStatus};
use keeper::{Frozen, Keeper};
use lately::{Lately, Limits};
use query::{Answer, Query, Step};
use registry::{Registry, Series};
use ring::Ring;
use selector::Selector;
use std::{
    collections::VecDeque,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU64, AtomicUsize, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::Duration,
};
use tier::Tier;
use writer::Writer;

/// The wall clock: milliseconds since the epoch.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// What is kept on disk, and what writes and reads it. Cheap to clone; ends with [`close`](Store::close).
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
    feed: Feed,
    gate: Arc<Gate>,
    threads: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

/// What the threads and the askers share.
pub struct Inner {
    config: HistoryConfig,
    dir: PathBuf,
    now_ms: Clock,
    /// Memory and files. A std lock: written for a row at a time, read for copying what a question needs.
    live: RwLock<Live>,
    registry: RwLock<Registry>,
    health: Health,
    damage: Arc<Damage>,
    /// What words are looked for in; made when somebody looks, anew once the registry has changed.
    index: Mutex<Arc<find::Index>>,
    /// The next number of a file.
    seq: AtomicU64,
    journal_bytes: AtomicU64,
    /// The journal that is to be brought to the disk.
    journal: Mutex<Option<File>>,
    /// Why the keeper could not do its work, while that is so.
    keeper_fault: Mutex<Option<String>>,
    work: Mutex<Work>,
    /// Woken when there is work for the keeper, and when it has done some.
    changed: Condvar,
    /// Held while the process lives: another one must not write here.
    lock: Mutex<Option<File>>,
}

/// Memory and files.
#[derive(Debug, Default)]
struct Live {
    head: Head,
    /// Heads that are not sealed yet, oldest first.
    frozen: VecDeque<Arc<Frozen>>,
    catalog: Catalog,
}

impl Live {
    /// What is in memory, in the order in which it was written.
    fn parts(&self) -> impl Iterator<Item = &Part> {
        let frozen = self.frozen.iter().flat_map(|frozen| &frozen.parts);
        frozen.chain(&self.head.parts)
    }
}

#[derive(Debug, Default)]
struct Work {
    waiting: bool,
    end: bool,
    /// Rounds of merging that were asked for, and that are done.
    tidy: (u64, u64),
}

/// The store, or that there is none.
pub fn kept(store: Option<Store>) -> Result<Store, Fault> {
    store.ok_or_else(|| {
        Fault::unavailable("No history is kept here. Set history.enabled to true in the configuration.")
    })
}

/// Asks where files may be read, on behalf of an async thread.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        tracing::error!(%error, "history did not answer");
        Err(Fault::internal())
    })
}

impl Store {
    /// Opens what is there, takes over what a killed process has left, and begins to write. Broken files are told and passed over;
    /// an error is a folder that cannot be made or read, or that another process writes to.
    pub fn open(config: &HistoryConfig, data_dir: &Path) -> io::Result<Store> {
        Self::open_with(config, data_dir, Arc::new(crate::time::now_ms))
    }

    /// The same by another clock.
    pub fn open_with(config: &HistoryConfig, data_dir: &Path, now_ms: Clock) -> io::Result<Store> {
        health::describe();
        let dir = config.dir.clone().unwrap_or_else(|| data_dir.join("history"));
        fs::create_dir_all(&dir)?;
        let lock = lock(&dir)?;
        let damage = Arc::new(Damage::default());
        let mut catalog = Catalog::open(&dir, &damage)?;
        let mut registry = Registry::open(&dir, config.max_series as usize, &damage)?;
        let longest = Tier::ALL.into_iter().map(|tier| config.keep_ms(tier)).max();
        let rewritten = registry.rewrite(now_ms() - longest.unwrap_or_default());
        let mut frozen = VecDeque::new();
        for (seq, path) in journal::left_behind(&dir)? {
            let mut head = Head::default();
            if let Err(error) = journal::replay(&path, &mut head, &damage) {
                tracing::warn!(file = %path.display(), %error, "history: a journal cannot be read and is left alone");
                continue;
            }
            catalog.newest_seq = catalog.newest_seq.max(seq);
            frozen.push_back((head.parts, path));
        }
        let seq = AtomicU64::new(catalog.newest_seq + 1);
        let next = || seq.fetch_add(1, Ordering::Relaxed);
        let frozen = frozen
            .into_iter()
            .map(|(parts, path)| {
                Arc::new(Frozen {
                    parts,
                    journals: vec![path],
                    seq: next(),
                })
            })
            .collect();
        let inner = Arc::new(Inner {
            config: config.clone(),
            dir,
            now_ms,
            live: RwLock::new(Live {
                head: Head::default(),
                frozen,
                catalog,
            }),
            registry: RwLock::new(registry),
            health: Health::default(),
            damage,
            index: Mutex::default(),
            seq,
            journal_bytes: AtomicU64::new(0),
            journal: Mutex::default(),
            keeper_fault: Mutex::default(),
            work: Mutex::default(),
            changed: Condvar::new(),
            lock: Mutex::new(lock),
        });
        inner.health.resume();
        if let Err(error) = rewritten {
            // A full disk is no reason not to start.
            inner.health.stop(inner.words(&error));
        }
        Self::start(inner)
    }

    fn start(inner: Arc<Inner>) -> io::Result<Store> {
        let (orders, taken) = mpsc::sync_channel(MAX_FRAMES);
        let cells = Arc::new(AtomicUsize::new(0));
        let writer = Writer::new(inner.clone(), taken, cells.clone());
        let keeper = Keeper::new(inner.clone());
        let spawn =
            |name: &str, work: Box<dyn FnOnce() + Send>| thread::Builder::new().name(name.into()).spawn(work);
        let threads = vec![
            spawn("history-write", Box::new(move || writer.run()))?,
            spawn("history-keep", Box::new(move || keeper.run()))?,
        ];
        let feed = Feed {
            orders,
            cells,
            inner: inner.clone(),
        };
        Ok(Store {
            inner,
            feed,
            gate: Arc::default(),
            threads: Arc::new(Mutex::new(threads)),
        })
    }

    /// Where frames are handed in.
    pub fn feed(&self) -> Feed {
        self.feed.clone()
    }

    /// Answers a question, or says what is wrong with it. Reads files: not for an async thread.
    pub fn query(&self, query: &Query) -> Result<Answer, Fault> {
        self.inner.query(query)
    }

    /// Answers an expression over a time, or says what is wrong with it. Reads files: not for an async thread.
    pub fn evaluate(
        &self,
        expression: &Expression,
        from_ms: i64,
        to_ms: i64,
        step: Step,
    ) -> Result<Answer, Fault> {
        self.inner.evaluate(expression, from_ms, to_ms, step)
    }

    /// Hands over the newest raw rows of each channel, see [`lately`](mod@lately). Reads files: not for an async thread.
    pub fn lately(&self, limits: &Limits, take: impl FnMut(&str, Ring)) -> Lately {
        self.inner.lately(limits, take)
    }

    /// Series that any selector matches (all of them without one) and in which each of the words is found, nearly or quite: see [`find`].
    /// Best first; without words in the order of their numbers.
    pub fn series(&self, selectors: &[Selector], words: &str) -> Vec<Arc<Series>> {
        self.inner.find_series(selectors, words)
    }

    /// The metrics whose series are found by words, so many at most, best first.
    pub fn find(&self, words: &str, limit: usize) -> find::Found {
        self.inner.find_metrics(words, limit)
    }

    /// Does what reads files, where that may be done, when it is its turn.
    pub async fn seated<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let seat = self.gate.enter().await?;
        let store = self.clone();
        blocking(move || {
            let _seat = seat;
            work(&store)
        })
        .await
    }

    /// How it stands.
    pub fn status(&self) -> HistoryStatus {
        let inner = &self.inner;
        let (samples, dropped) = inner.health.counts();
        let reason = inner.health.stopped();
        let live = inner.read_live();
        let oldest = |tier| live.catalog.windows(tier).map(|(window, _)| window).next();
        let files: u64 = Tier::ALL.iter().map(|tier| live.catalog.bytes(*tier)).sum();
        HistoryStatus {
            state: if reason.is_some() {
                HistoryState::Stopped
            } else {
                HistoryState::Writing
            },
            reason: reason.unwrap_or_default(),
            series: inner.read_registry().len() as u64,
            samples,
            dropped,
            broken: inner.damage.count(),
            bytes: files + inner.journal_bytes.load(Ordering::Relaxed),
            files: live.catalog.files() as u64,
            oldest_ms: Tier::ALL.map(oldest),
        }
    }

    /// Waits until all that was handed in before is written down.
    pub fn flush(&self) {
        self.flushed(false);
    }

    fn flushed(&self, seal: bool) {
        let (done, wait) = mpsc::sync_channel(1);
        if self.feed.orders.send(Order::Flush(done, seal)).is_ok() {
            // An error is the end of the writer, which has written what it had.
            let _ = wait.recv();
        }
    }

    /// Writes what waits and ends both threads. What is in memory is in the journal, and the next start takes it over.
    pub fn close(&self) {
        let _ = self.feed.orders.send(Order::End);
        lock_of(&self.inner.work).end = true;
        self.inner.changed.notify_all();
        let threads = std::mem::take(&mut *lock_of(&self.threads));
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("history: a thread has panicked");
            }
        }
        *lock_of(&self.inner.lock) = None;
    }

    /// Waits until all that was handed in is sealed. For benches and tests, which are faster than any clock.
    pub fn settle(&self) {
        self.flushed(true);
        self.inner.wait_until_sealed(1);
    }

    /// Merges each window, also those that are not over. For benches, and before a folder is carried elsewhere.
    pub fn merge_all(&self) -> io::Result<()> {
        for tier in Tier::ALL {
            let live = self.inner.read_live();
            // What is one file already would be written over itself.
            let windows = live
                .catalog
                .windows(tier)
                .filter(|(_, files)| files.len() > 1 || !files[0].merged);
            let windows: Vec<i64> = windows.map(|(window, _)| window).collect();
            drop(live);
            for window in windows {
                let files = self.inner.read_live().catalog.window(tier, window).to_vec();
                let merged = shelf::merge(&self.inner.dir, tier, window, &files, &self.inner.damage)?;
                drop(files);
                self.inner.write_live().catalog.add(merged);
            }
        }
        Ok(())
    }

    /// Waits until all that has passed is merged and rolled up as well.
    pub fn tidied(&self) {
        self.settle();
        self.inner.wait_until_tidied();
    }
}

/// Takes the folder for this process.
fn lock(dir: &Path) -> io::Result<Option<File>> {
    use rustix::fs::{FlockOperation, flock};
    let file = match File::create(dir.join("lock")) {
        Ok(file) => file,
        // On a full disk there is no new file; then nothing is written either.
        Err(error) if error.kind() == io::ErrorKind::StorageFull => return Ok(None),
        Err(error) => return Err(error),
    };
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(io::Error::new(
            io::ErrorKind::ResourceBusy,
            format!(
                "another Farol writes to {}; give this one a data folder of its own",
                dir.display()
            ),
        )),
        Err(error) => Err(error.into()),
    }
}

fn lock_of<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    fn read_live(&self) -> RwLockReadGuard<'_, Live> {
        self.live.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_live(&self) -> RwLockWriteGuard<'_, Live> {
        self.live.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn read_registry(&self) -> RwLockReadGuard<'_, Registry> {
        self.registry.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_registry(&self) -> RwLockWriteGuard<'_, Registry> {
        self.registry.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_seq(&self) -> u64 {
        self.seq.fetch_add(1, Ordering::Relaxed)
    }

    /// An error unless something can be written.
    fn room(&self) -> io::Result<()> {
        if let Some(fault) = lock_of(&self.keeper_fault).clone() {
            return Err(io::Error::other(fault));
        }
        if writer::has_room(&self.dir, self.config.min_free_mib * 1024 * 1024)? {
            return Ok(());
        }
        let reason = format!(
            "less than history.min_free_mib ({} MiB) is free",
            self.config.min_free_mib
        );
        Err(io::Error::new(io::ErrorKind::StorageFull, reason))
    }

    /// What is wrong and what to do.
    fn words(&self, error: &io::Error) -> String {
        let dir = self.dir.display();
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                format!(
                    "There is no room in {dir}: {error}. Make room, or let history take less (history.max_mib)."
                )
            }
            _ => format!("{dir} cannot be written: {error}."),
        }
    }

    fn to_sync(&self, journal: Option<File>) {
        *lock_of(&self.journal) = journal;
    }

    fn sync_journal(&self) -> io::Result<()> {
        let journal = lock_of(&self.journal).as_ref().map(File::try_clone).transpose()?;
        journal.map_or(Ok(()), |file| file.sync_data())
    }

    fn wake_keeper(&self) {
        lock_of(&self.work).waiting = true;
        self.changed.notify_all();
    }

    /// Waits for work or for so long; false is the end.
    fn wait_for_work(&self, long: Duration) -> bool {
        let work = lock_of(&self.work);
        let waits = self
            .changed
            .wait_timeout_while(work, long, |work| !work.waiting && !work.end);
        let mut work = waits.unwrap_or_else(PoisonError::into_inner).0;
        work.waiting = false;
        !work.end
    }

    /// A head is on disk.
    fn sealed(&self) {
        // Held for a moment, so that nobody looks and then misses this.
        drop(lock_of(&self.work));
        self.changed.notify_all();
    }

    /// Asks for a round of merging and waits for its end, or that of the store.
    fn wait_until_tidied(&self) {
        let mut work = lock_of(&self.work);
        work.tidy.0 += 1;
        work.waiting = true;
        let wanted = work.tidy.0;
        self.changed.notify_all();
        while !work.end && work.tidy.1 < wanted {
            work = self.changed.wait(work).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The rounds that were asked for, when there are more than are done.
    fn tidy_wanted(&self) -> Option<u64> {
        let (wanted, done) = lock_of(&self.work).tidy;
        (wanted > done).then_some(wanted)
    }

    fn tidy_done(&self, round: u64) {
        lock_of(&self.work).tidy.1 = round;
        self.changed.notify_all();
    }

    /// Waits until fewer heads than these wait to be sealed, or the store ends.
    fn wait_until_sealed(&self, fewer_than: usize) {
        let mut work = lock_of(&self.work);
        while !work.end && self.read_live().frozen.len() >= fewer_than {
            work = self.changed.wait(work).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
#[path = "history/store_tests.rs"]
mod tests;
