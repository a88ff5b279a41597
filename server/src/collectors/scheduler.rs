//! Runs the collectors: those that wait for nothing on one thread, each of the others on a thread of its own.
//!
//! - Readings fall on whole multiples of the interval, so that rows of different collectors line up; a reading that takes
//!   longer than its interval skips the missed ones, it never bunches them.
//! - A collector that errs or panics is failed with its reason and tried again after a pause that doubles up to a minute. One
//!   that has nothing to read is looked for again each minute.
//! - A collector that exceeds its time limit is failed by the watch while it still hangs; what it returns late is thrown
//!   away, and only then is it asked again. It holds its own thread and nothing else.
//!
//! Threads: one per collector that may have to wait ([`Place::Own`]), one for all the others, and one watch. A wakeup costs
//! about as much as the reading of a small file, so those that are due within [`TOGETHER`] wake their thread once. Nothing
//! here queues.

use super::{CollectError, Collector, Outlet, Place, Reading};
use crate::time::now_ms;
use farol_model::{
    Fault,
    health::{CollectorState, CollectorStatus},
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    thread::{self, Thread},
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

/// The shortest and longest interval that an operator may set.
pub const INTERVAL_MS: std::ops::RangeInclusive<u32> = 250..=60_000;
/// The longest pause before a failed or absent collector is asked again.
const MAX_BACKOFF: Duration = Duration::from_secs(60);
/// Between two looks of the watch.
const WATCH_EVERY: Duration = Duration::from_millis(500);
/// Readings of one thread that are due within this time wake it once.
const TOGETHER: Duration = Duration::from_millis(5);
/// Health goes out at most this often, and at least every fifth time.
const HEALTH_EVERY: Duration = Duration::from_secs(1);

/// Looks at and changes the collectors. Cheap to clone.
#[derive(Clone)]
pub struct CollectorControl {
    slots: Arc<[Arc<Slot>]>,
}

/// What a collector's thread, the watch and operators share.
struct Slot {
    name: &'static str,
    time_limit: Duration,
    /// Held for field access only, never while a collector reads.
    state: Mutex<SlotState>,
    /// The thread that reads, woken when something in `state` changed that it waits for.
    thread: OnceLock<Thread>,
}

struct SlotState {
    status: CollectorStatus,
    paused: bool,
    stopping: bool,
    interval: Duration,
    due: Instant,
    /// Set while the collector reads.
    reading_since: Option<Instant>,
    /// The watch has given up on the reading under way.
    overdue: bool,
    failures: u32,
    /// Health has changed since it was last told.
    news: bool,
}

/// Starts all collectors. They stop when `shutdown` is cancelled; one that hangs then is left behind.
pub fn start(
    collectors: Vec<Box<dyn Collector>>,
    interval: Option<Duration>,
    outlet: Arc<dyn Outlet>,
    shutdown: CancellationToken,
) -> CollectorControl {
    let slots: Arc<[Arc<Slot>]> = collectors
        .iter()
        .map(|collector| Slot::new(collector.as_ref(), interval))
        .collect();
    let mut shared = Vec::new();
    for (slot, collector) in slots.iter().cloned().zip(collectors) {
        let (name, place) = (slot.name, collector.place());
        let member = Member {
            slot,
            channel: collector.channel(),
            collector,
            reading: Reading::default(),
        };
        match place {
            Place::Shared => shared.push(member),
            Place::Own => crew(&format!("collect-{name}"), vec![member], outlet.clone()),
        }
    }
    if !shared.is_empty() {
        crew("collect", shared, outlet.clone());
    }
    let control = CollectorControl { slots };
    let watched = control.clone();
    spawn("collect-watch", move || {
        watch(&watched, outlet.as_ref(), &shutdown)
    });
    control
}

fn crew(name: &str, members: Vec<Member>, outlet: Arc<dyn Outlet>) {
    spawn(name, move || Crew { members, outlet }.run());
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) {
    if let Err(error) = thread::Builder::new().name(name.to_owned()).spawn(work) {
        tracing::error!(thread = name, %error, "cannot start a thread; what it would collect is missing");
    }
}

impl CollectorControl {
    /// All collectors in display order.
    pub fn statuses(&self) -> Vec<CollectorStatus> {
        self.slots.iter().map(|slot| slot.lock().status.clone()).collect()
    }

    /// Stops a collector until it is resumed. What it reads right now is thrown away.
    pub fn pause(&self, name: &str) -> Result<(), Fault> {
        self.change(name, |state| {
            state.paused = true;
            state.status.state = CollectorState::Paused;
        })
    }

    /// Lets a paused collector read again, at once. Also ends the pause after a failure.
    pub fn resume(&self, name: &str) -> Result<(), Fault> {
        self.change(name, |state| {
            if state.paused {
                state.paused = false;
                state.status.state = CollectorState::Starting;
            }
            state.due = Instant::now();
        })
    }

    /// Sets the time between readings, milliseconds, within [`INTERVAL_MS`].
    pub fn set_interval(&self, name: &str, interval_ms: u32) -> Result<(), Fault> {
        if !INTERVAL_MS.contains(&interval_ms) {
            let (least, most) = (INTERVAL_MS.start(), INTERVAL_MS.end());
            return Err(Fault::invalid(
                "interval_ms",
                format!("The interval must be from {least} to {most} ms."),
            ));
        }
        self.change(name, |state| {
            state.interval = Duration::from_millis(interval_ms.into());
            state.status.interval_ms = interval_ms;
            state.due = Instant::now();
        })
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut SlotState)) -> Result<(), Fault> {
        let slot = self.slots.iter().find(|slot| slot.name == name);
        let slot = slot.ok_or_else(|| Fault::not_found(format!("There is no collector `{name}`.")))?;
        let mut state = slot.lock();
        change(&mut state);
        state.news = true;
        drop(state);
        slot.wake();
        Ok(())
    }
}

impl Slot {
    fn new(collector: &dyn Collector, interval: Option<Duration>) -> Arc<Slot> {
        let interval = interval.unwrap_or_else(|| collector.interval());
        let status = CollectorStatus {
            name: collector.name().to_owned(),
            title: collector.title().to_owned(),
            state: CollectorState::Starting,
            interval_ms: u32::try_from(interval.as_millis()).unwrap_or(u32::MAX),
            last_ok_ms: None,
            last_duration_us: None,
            series: 0,
        };
        Arc::new(Slot {
            name: collector.name(),
            time_limit: collector.time_limit(),
            state: Mutex::new(SlotState {
                status,
                paused: false,
                stopping: false,
                interval,
                due: Instant::now(),
                reading_since: None,
                overdue: false,
                failures: 0,
                news: true,
            }),
            thread: OnceLock::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, SlotState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    /// What the thread has to do, with a reading that is due marked as begun.
    fn turn(&self) -> Turn {
        let mut state = self.lock();
        if state.stopping {
            return Turn::End;
        }
        if state.paused {
            return Turn::Wait(None);
        }
        let now = Instant::now();
        if state.due > now {
            return Turn::Wait(Some(state.due));
        }
        state.reading_since = Some(now);
        state.overdue = false;
        Turn::Read(now)
    }
}

/// See [`Slot::turn`].
enum Turn {
    Read(Instant),
    /// Until then, or until somebody wakes the thread.
    Wait(Option<Instant>),
    End,
}

/// The collectors of one thread.
struct Crew {
    members: Vec<Member>,
    outlet: Arc<dyn Outlet>,
}

/// One collector on its thread.
struct Member {
    slot: Arc<Slot>,
    collector: Box<dyn Collector>,
    channel: String,
    /// Kept from time to time, with its schema and buffers.
    reading: Reading,
}

impl Crew {
    fn run(mut self) {
        for member in &self.members {
            // Nobody else sets it.
            let _ = member.slot.thread.set(thread::current());
        }
        let mut dues: Vec<Instant> = Vec::with_capacity(self.members.len());
        loop {
            dues.clear();
            let mut has_read = false;
            for member in &mut self.members {
                match member.slot.turn() {
                    Turn::Read(begun) => {
                        member.read(begun, self.outlet.as_ref());
                        has_read = true;
                    }
                    Turn::Wait(due) => dues.extend(due),
                    Turn::End => return,
                }
            }
            if has_read {
                // When the next are due stands in their slots now.
                continue;
            }
            match wake_at(&dues) {
                Some(at) => thread::park_timeout(at.saturating_duration_since(Instant::now())),
                None => thread::park(),
            }
        }
    }
}

/// When to wake: with the first that is due, or with the last of those that are due together with it.
fn wake_at(dues: &[Instant]) -> Option<Instant> {
    let first = *dues.iter().min()?;
    dues.iter().copied().filter(|due| *due <= first + TOGETHER).max()
}

impl Member {
    fn read(&mut self, begun: Instant, outlet: &dyn Outlet) {
        self.reading.begin(begun);
        let work = AssertUnwindSafe(|| self.collector.collect(&mut self.reading));
        let result = catch_unwind(work).unwrap_or_else(|panic| {
            let words = panic_words(&*panic);
            Err(CollectError::Failed(format!("It panicked: {words}.")))
        });
        self.reading.end();
        let took = begun.elapsed();
        metrics::histogram!("farol_collector_duration_seconds", "collector" => self.slot.name)
            .record(took.as_secs_f64());
        if result.is_err() {
            self.reading = Reading::default();
        }
        self.finish(result, took, outlet);
    }

    fn finish(&mut self, result: Result<(), CollectError>, took: Duration, outlet: &dyn Outlet) {
        let mut state = self.slot.lock();
        state.reading_since = None;
        let interval_ms = state.status.interval_ms;
        let now = now_ms();
        let t_ms = now - now.rem_euclid(interval_ms.into());
        if state.overdue || state.paused {
            // The watch, or an operator, has said already how it stands.
            state.due = Instant::now() + until_next(state.interval);
            return;
        }
        let before = std::mem::discriminant(&state.status.state);
        match result {
            Ok(()) => {
                state.failures = 0;
                state.due = Instant::now() + until_next(state.interval);
                state.status.state = CollectorState::Live;
                state.status.last_ok_ms = Some(now);
                state.status.last_duration_us = Some(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
                let series = u32::try_from(self.reading.schema().len()).unwrap_or(u32::MAX);
                state.news |= series != state.status.series;
                state.status.series = series;
                state.news |= before != std::mem::discriminant(&state.status.state);
                drop(state);
                self.hand_out(t_ms, interval_ms, outlet);
            }
            Err(error) => state.fail(self.slot.name, &error),
        }
    }

    fn hand_out(&mut self, t_ms: i64, interval_ms: u32, outlet: &dyn Outlet) {
        if let Some(rows) = self.reading.take_table() {
            outlet.processes(t_ms, rows);
        }
        if !self.reading.schema().is_empty() {
            let values = self.reading.take_values();
            outlet.frame(&self.channel, self.reading.schema(), t_ms, interval_ms, values);
        }
    }
}

impl SlotState {
    fn fail(&mut self, name: &'static str, error: &CollectError) {
        self.news = true;
        let pause = match error {
            CollectError::Unavailable(reason) => {
                self.status.state = CollectorState::Unavailable {
                    reason: reason.clone(),
                };
                MAX_BACKOFF
            }
            CollectError::Failed(reason) => {
                self.failures = self.failures.saturating_add(1);
                metrics::counter!("farol_collector_failures_total", "collector" => name).increment(1);
                let pause = backoff(self.interval, self.failures);
                let retry_at_ms = now_ms() + i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
                if self.failures == 1 {
                    tracing::warn!(collector = name, %reason, "a collector failed");
                }
                self.status.state = CollectorState::Failed {
                    reason: reason.clone(),
                    failures: self.failures,
                    retry_at_ms,
                };
                pause
            }
        };
        self.due = Instant::now() + pause;
    }
}

/// Looks for readings that hang, and tells health.
fn watch(control: &CollectorControl, outlet: &dyn Outlet, shutdown: &CancellationToken) {
    let mut told: Option<Instant> = None;
    while !shutdown.is_cancelled() {
        let mut news = false;
        for slot in control.slots.iter() {
            let mut state = slot.lock();
            let hangs = state
                .reading_since
                .is_some_and(|since| since.elapsed() > slot.time_limit);
            if hangs && !state.overdue {
                let reason = format!("It did not answer within {} s.", slot.time_limit.as_secs_f64());
                state.fail(slot.name, &CollectError::Failed(reason));
                state.overdue = true;
            }
            news |= state.news;
        }
        let age = told.map(|at| at.elapsed());
        if age.is_none_or(|age| (news && age >= HEALTH_EVERY) || age >= 5 * HEALTH_EVERY) {
            for slot in control.slots.iter() {
                slot.lock().news = false;
            }
            outlet.health(&control.statuses());
            told = Some(Instant::now());
        }
        thread::park_timeout(WATCH_EVERY);
    }
    for slot in control.slots.iter() {
        slot.lock().stopping = true;
        slot.wake();
    }
}

/// Time to the next whole multiple of the interval on the wall clock.
fn until_next(interval: Duration) -> Duration {
    let interval_ms = i64::try_from(interval.as_millis()).unwrap_or(i64::MAX).max(1);
    let left = interval_ms - now_ms().rem_euclid(interval_ms);
    Duration::from_millis(left.unsigned_abs())
}

fn backoff(interval: Duration, failures: u32) -> Duration {
    interval.saturating_mul(1 << failures.min(16)).min(MAX_BACKOFF)
}

fn panic_words(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a word")
}

#[cfg(test)]
#[path = "scheduler_tests.rs"]
mod tests;
