//! Whether history is being written, and what became of the samples; in Farol's own metrics, in the log and in the status.

use schemars::JsonSchema;
use serde::Serialize;
use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

/// How history stands.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct HistoryStatus {
    /// `writing`, or `stopped` while there is no room or the disk refuses: then the live plane goes on and new samples are not
    /// kept, until it resumes by itself.
    pub state: HistoryState,
    /// Why it is stopped and what to do; empty while it writes.
    pub reason: String,
    /// Series that are known.
    pub series: u64,
    /// Samples taken in since the start.
    pub samples: u64,
    /// Samples not kept since the start.
    pub dropped: u64,
    /// Places on disk found broken since the start; what they held is missing.
    pub broken: u64,
    /// Bytes on disk, with the journal.
    pub bytes: u64,
    /// Files on disk.
    pub files: u64,
    /// Where the oldest file of each resolution begins, milliseconds since the epoch: raw, 10 s, 2 min.
    pub oldest_ms: [Option<i64>; 3],
}

/// Whether it writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HistoryState {
    Writing,
    Stopped,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Health {
    samples: AtomicU64,
    dropped: AtomicU64,
    /// Since it was last told that writing stopped.
    dropped_while_stopped: AtomicU64,
    /// Why nothing is written. A std mutex: held to read or set it only.
    stopped: Mutex<Option<String>>,
}

impl Health {
    pub fn appended(&self, samples: u64) {
        self.samples.fetch_add(samples, Ordering::Relaxed);
        metrics::counter!("farol_history_samples_total").increment(samples);
    }

    pub fn dropped(&self, samples: u64, why: &'static str) {
        self.dropped.fetch_add(samples, Ordering::Relaxed);
        self.dropped_while_stopped.fetch_add(samples, Ordering::Relaxed);
        metrics::counter!("farol_history_samples_dropped_total", "reason" => why).increment(samples);
    }

    /// Nothing can be written now. Told once, until it is written again.
    pub fn stop(&self, reason: String) {
        let mut stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        if stopped.is_none() {
            tracing::error!(%reason, "history is not written; live values go on, and writing resumes by itself");
            self.dropped_while_stopped.store(0, Ordering::Relaxed);
            metrics::gauge!("farol_history_writing").set(0.0);
        }
        *stopped = Some(reason);
    }

    /// It is written again.
    pub fn resume(&self) {
        let mut stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        if stopped.take().is_some() {
            let dropped = self.dropped_while_stopped.load(Ordering::Relaxed);
            tracing::warn!(
                dropped,
                "history is written again; samples of the time between are missing"
            );
        }
        metrics::gauge!("farol_history_writing").set(1.0);
    }

    pub fn stopped(&self) -> Option<String> {
        self.stopped
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Samples taken in and not kept.
    pub fn counts(&self) -> (u64, u64) {
        (
            self.samples.load(Ordering::Relaxed),
            self.dropped.load(Ordering::Relaxed),
        )
    }
}

/// What the facade says of these.
pub fn describe() {
    use metrics::{Unit, describe_counter, describe_gauge};
    describe_counter!("farol_history_samples_total", "Samples taken into history.");
    describe_counter!(
        "farol_history_samples_dropped_total",
        "Samples that were not kept, by reason."
    );
    describe_counter!(
        "farol_history_broken_chunks_total",
        "Places on disk that were found broken."
    );
    describe_gauge!(
        "farol_history_bytes",
        Unit::Bytes,
        "Bytes that history takes on disk."
    );
    describe_gauge!("farol_history_series", "Series that history knows.");
    describe_gauge!(
        "farol_history_writing",
        "1 while history is written, 0 while it is stopped."
    );
}
