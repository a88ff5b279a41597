//! The one thread that takes frames in: registry, journal, head, in this order, so that nothing is in memory that is not in the
//! journal, and nothing in the journal whose series nobody knows. It never waits for a disk to be done: what has to be brought
//! there is the [`super::keeper`]'s.

use super::{
    Inner,
    feed::{Frame, Order},
    journal::Journal,
    keeper::Frozen,
};
use farol_model::metric::MetricSpec;
use std::{
    borrow::Cow,
    collections::HashMap,
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender},
    },
    time::{Duration, Instant},
};

/// After so long, by the clock of the rows or of the machine, a head is handed over to be sealed.
pub const HEAD_LASTS: Duration = Duration::from_secs(240);
/// Values of a head at most (8 MiB of numbers); above it is handed over at once.
const HEAD_CELLS: usize = 1024 * 1024;
/// Stretches of a head at most.
const HEAD_PARTS: usize = 4096;
/// Heads that wait to be sealed at most. Above, rows wait in the queue, and what does not fit there is counted as dropped.
const MAX_FROZEN: usize = 2;
/// Channels whose numbers are remembered at most; those that are asked for again are looked up.
const MAX_LAYOUTS: usize = 4096;
/// Frames that are written in one go at most.
const BATCH: usize = 256;
/// Between two tries while the disk refuses.
const RETRY: Duration = Duration::from_secs(1);

/// See the module.
pub struct Writer {
    pub inner: Arc<Inner>,
    pub orders: Receiver<Order>,
    /// Values that wait in the queue.
    pub cells: Arc<AtomicUsize>,
    journal: Option<Journal>,
    layouts: HashMap<Arc<str>, Arc<Layout>>,
    /// When the head began.
    since: Instant,
    /// While the disk refuses: when to try again.
    retry: Option<Instant>,
}

/// The numbers of a schema's series.
struct Layout {
    schema: Arc<[MetricSpec]>,
    channel: u32,
    ids: Arc<[u32]>,
    /// Places whose series have a number, when not all have one: the values of the others are left out.
    with_number: Option<Vec<bool>>,
}

impl Writer {
    pub fn new(inner: Arc<Inner>, orders: Receiver<Order>, cells: Arc<AtomicUsize>) -> Writer {
        Writer {
            inner,
            orders,
            cells,
            journal: None,
            layouts: HashMap::new(),
            since: Instant::now(),
            retry: None,
        }
    }

    /// Until the end is ordered or nobody can order any more.
    pub fn run(mut self) {
        let (mut frames, mut flushes) = (Vec::new(), Vec::new());
        while let Ok(first) = self.orders.recv() {
            let more = self.orders.try_iter().take(BATCH);
            let mut end = false;
            for order in std::iter::once(first).chain(more) {
                match order {
                    Order::Frame(frame) => frames.push(frame),
                    Order::Flush(done, seal) => flushes.push((done, seal)),
                    Order::End => end = true,
                }
            }
            self.take(&frames);
            let cells: usize = frames.iter().map(|frame| frame.values.len()).sum();
            self.cells.fetch_sub(cells, Ordering::Relaxed);
            frames.clear();
            if flushes.iter().any(|(_, seal)| *seal) {
                self.hand_over();
            }
            flushes.drain(..).for_each(|(done, _): (SyncSender<()>, bool)| {
                // Who asked has gone: nobody is to be told.
                let _ = done.send(());
            });
            if end {
                break;
            }
        }
        if let Some(journal) = &self.journal
            && let Err(error) = journal.handle().and_then(|file| file.sync_data())
        {
            tracing::warn!(%error, "history: the journal could not be brought to the disk");
        }
    }

    fn take(&mut self, frames: &[Frame]) {
        let samples = |frames: &[Frame]| frames.iter().map(|frame| frame.values.len() as u64).sum();
        if self.retry.is_some_and(|at| Instant::now() < at) {
            return self.inner.health.dropped(samples(frames), "disk");
        }
        if let Err(error) = self.write_down(frames) {
            self.inner.health.dropped(samples(frames), "disk");
            self.inner.health.stop(self.inner.words(&error));
            self.retry = Some(Instant::now() + RETRY);
            return;
        }
        if self.retry.take().is_some() {
            self.inner.health.resume();
        }
        self.hand_over_when_due();
    }

    /// All of it or nothing.
    fn write_down(&mut self, frames: &[Frame]) -> io::Result<()> {
        if frames.is_empty() {
            return Ok(());
        }
        if self.retry.is_some() || self.inner.health.stopped().is_some() {
            self.inner.room()?;
            self.retry = Some(Instant::now());
        }
        let mut layouts = Vec::with_capacity(frames.len());
        for frame in frames {
            layouts.push(self.resolve(frame)?);
        }
        let journal = match &mut self.journal {
            Some(journal) => journal,
            None => {
                self.since = Instant::now();
                let journal = Journal::create(&self.inner.dir, self.inner.next_seq())?;
                self.inner.to_sync(Some(journal.handle()?));
                self.journal.insert(journal)
            }
        };
        let values: Vec<Cow<'_, [f64]>> = layouts
            .iter()
            .zip(frames)
            .map(|(layout, frame)| layout.kept(&frame.values))
            .collect();
        let kept = || layouts.iter().zip(frames).zip(&values);
        for ((layout, frame), values) in kept() {
            journal.row(layout.channel, &layout.ids, frame.t_ms, frame.interval_ms, values);
        }
        journal.write()?;
        self.inner.journal_bytes.store(journal.bytes(), Ordering::Relaxed);
        let mut live = self.inner.write_live();
        let (mut appended, mut without) = (0, 0);
        for ((layout, frame), values) in kept() {
            live.head
                .push(layout.channel, &layout.ids, frame.t_ms, frame.interval_ms, values);
            appended += values.len() as u64;
            without += (frame.values.len() - values.len()) as u64;
        }
        drop(live);
        self.inner.health.appended(appended);
        if without > 0 {
            self.inner.health.dropped(without, "series");
        }
        Ok(())
    }

    /// The numbers of a frame's series.
    fn resolve(&mut self, frame: &Frame) -> io::Result<Arc<Layout>> {
        let known = self.layouts.get(&frame.channel);
        if let Some(layout) = known.filter(|layout| Arc::ptr_eq(&layout.schema, &frame.schema)) {
            return Ok(layout.clone());
        }
        let (channel, ids) = self
            .inner
            .write_registry()
            .resolve(&frame.channel, &frame.schema)?;
        let without = ids.iter().filter(|id| id.is_none()).count();
        if without > 0 {
            tracing::warn!(channel = %frame.channel, without, "history: these series are above history.max_series and are not kept");
        }
        let with_number = (without > 0).then(|| ids.iter().map(Option::is_some).collect());
        let ids: Arc<[u32]> = ids.into_iter().flatten().collect();
        let ids = match known_ids(&self.layouts, frame, &ids) {
            Some(same) => same,
            None => ids,
        };
        let layout = Arc::new(Layout {
            schema: frame.schema.clone(),
            channel,
            ids,
            with_number,
        });
        if self.layouts.len() >= MAX_LAYOUTS {
            self.layouts.clear();
        }
        self.layouts.insert(frame.channel.clone(), layout.clone());
        Ok(layout)
    }

    fn hand_over_when_due(&mut self) {
        let live = self.inner.read_live();
        let head = &live.head;
        let span = head
            .first_ms
            .map_or(0, |first| head.last_ms.saturating_sub(first));
        let due = span >= HEAD_LASTS.as_millis() as i64
            || self.since.elapsed() >= HEAD_LASTS
            || head.cells >= HEAD_CELLS
            || head.parts.len() >= HEAD_PARTS;
        let full = head.cells >= 2 * HEAD_CELLS;
        let (empty, waiting) = (head.is_empty(), live.frozen.len());
        drop(live);
        if !due || empty {
            return;
        }
        if waiting >= MAX_FROZEN {
            if !full {
                return;
            }
            self.inner.wait_until_sealed(MAX_FROZEN);
        }
        self.hand_over();
    }

    fn hand_over(&mut self) {
        if self.inner.read_live().head.is_empty() {
            return;
        }
        let journals = self
            .journal
            .take()
            .map(|journal| journal.path)
            .into_iter()
            .collect();
        self.since = Instant::now();
        let seq = self.inner.next_seq();
        let mut live = self.inner.write_live();
        let head = std::mem::take(&mut live.head);
        live.frozen.push_back(Arc::new(Frozen {
            parts: head.parts,
            journals,
            seq,
        }));
        drop(live);
        self.inner.wake_keeper();
    }
}

impl Layout {
    /// The values of the series that have a number.
    fn kept<'a>(&self, values: &'a [f64]) -> Cow<'a, [f64]> {
        let Some(with_number) = &self.with_number else {
            return values.into();
        };
        let kept = values.iter().zip(with_number).filter(|(_, kept)| **kept);
        kept.map(|(value, _)| *value).collect::<Vec<f64>>().into()
    }
}

/// The same set under the same pointer, so that comparing it later is one look.
fn known_ids(layouts: &HashMap<Arc<str>, Arc<Layout>>, frame: &Frame, ids: &[u32]) -> Option<Arc<[u32]>> {
    let known = layouts.get(&frame.channel)?;
    (*known.ids == *ids).then(|| known.ids.clone())
}

/// Whether a folder's file system has so many bytes left.
pub fn has_room(dir: &Path, bytes: u64) -> io::Result<bool> {
    let stat = rustix::fs::statvfs(dir)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize) >= bytes)
}
