//! Runs each collector on a thread of its own.
//!
//! - Readings fall on whole multiples of the interval, so that rows of different collectors line up; a reading that takes
//!   longer than its interval skips the missed ones, it never bunches them.
//! - A collector that errs or panics is failed with its reason and tried again after a pause that doubles up to a minute. One
//!   that has nothing to read is looked for again each minute.
//! - A collector that exceeds its time limit is failed by the watch while it still hangs; what it returns late is thrown
//!   away, and only then is it asked again. It holds its own thread and nothing else.
//!
//! Threads: one per collector and one watch. Nothing here queues.

use super::{CollectError, Collector, Outlet, Sample};
use crate::time::now_ms;
use farol_model::{
    Fault,
    health::{CollectorState, CollectorStatus},
    metric::MetricSpec,
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

/// The shortest and longest interval that an operator may set.
pub const INTERVAL_MS: std::ops::RangeInclusive<u32> = 250..=60_000;
/// The longest pause before a failed or absent collector is asked again.
const MAX_BACKOFF: Duration = Duration::from_secs(60);
/// Between two looks of the watch.
const WATCH_EVERY: Duration = Duration::from_millis(200);
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
    /// Woken when something in `state` changed that the thread waits for.
    changed: Condvar,
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
    for (slot, collector) in slots.iter().cloned().zip(collectors) {
        let outlet = outlet.clone();
        spawn(&format!("collect-{}", slot.name), move || {
            Worker {
                slot,
                collector,
                outlet,
                schema: None,
            }
            .run()
        });
    }
    let control = CollectorControl { slots };
    let watched = control.clone();
    spawn("collect-watch", move || {
        watch(&watched, outlet.as_ref(), &shutdown)
    });
    control
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
        slot.changed.notify_all();
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
            changed: Condvar::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, SlotState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a reading is due and marks it as begun. None when the thread shall end.
    fn next_reading(&self) -> Option<Instant> {
        let mut state = self.lock();
        loop {
            if state.stopping {
                return None;
            }
            let now = Instant::now();
            state = if state.paused {
                self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
            } else if let Some(left) = state
                .due
                .checked_duration_since(now)
                .filter(|left| !left.is_zero())
            {
                self.changed
                    .wait_timeout(state, left)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            } else {
                state.reading_since = Some(now);
                state.overdue = false;
                return Some(now);
            };
        }
    }
}

/// One collector on its thread.
struct Worker {
    slot: Arc<Slot>,
    collector: Box<dyn Collector>,
    outlet: Arc<dyn Outlet>,
    /// The schema of the frame before; handed out again as the same `Arc` while nothing changes.
    schema: Option<Arc<[MetricSpec]>>,
}

impl Worker {
    fn run(mut self) {
        while let Some(begun) = self.slot.next_reading() {
            let result =
                catch_unwind(AssertUnwindSafe(|| self.collector.collect())).unwrap_or_else(|panic| {
                    Err(CollectError::Failed(format!(
                        "It panicked: {}.",
                        panic_words(&*panic)
                    )))
                });
            let took = begun.elapsed();
            metrics::histogram!("farol_collector_duration_seconds", "collector" => self.slot.name)
                .record(took.as_secs_f64());
            self.finish(result, took);
        }
    }

    fn finish(&mut self, result: Result<Sample, CollectError>, took: Duration) {
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
            Ok(sample) => {
                state.failures = 0;
                state.due = Instant::now() + until_next(state.interval);
                state.status.state = CollectorState::Live;
                state.status.last_ok_ms = Some(now);
                state.status.last_duration_us = Some(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
                let series = match &sample {
                    Sample::Frame(reading) => reading.schema().len(),
                    Sample::Processes(rows) => rows.len(),
                };
                let series = u32::try_from(series).unwrap_or(u32::MAX);
                // A table's rows come and go each second; that is no news about its collector.
                state.news |= series != state.status.series && matches!(sample, Sample::Frame(_));
                state.status.series = series;
                state.news |= before != std::mem::discriminant(&state.status.state);
                drop(state);
                self.hand_out(sample, t_ms, interval_ms);
            }
            Err(error) => state.fail(self.slot.name, &error),
        }
    }

    fn hand_out(&mut self, sample: Sample, t_ms: i64, interval_ms: u32) {
        match sample {
            Sample::Processes(rows) => self.outlet.processes(t_ms, rows),
            Sample::Frame(reading) => {
                let (schema, values) = reading.into_parts();
                let schema = match self.schema.take() {
                    Some(same) if *same == *schema => same,
                    _ => Arc::from(schema),
                };
                self.outlet
                    .frame(&self.collector.channel(), &schema, t_ms, interval_ms, values);
                self.schema = Some(schema);
            }
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
        slot.changed.notify_all();
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
