//! Health of collectors: is what you look at still being measured?

use serde::{Deserialize, Serialize};

/// Where a collector stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum CollectorState {
    /// Registered, has not answered yet.
    Starting,
    Live,
    /// Stopped by an operator.
    Paused,
    /// This machine does not have what it reads. Not a failure.
    Unavailable {
        reason: String,
    },
    /// Erred, hung or panicked. Retried after a growing pause.
    Failed {
        reason: String,
        failures: u32,
        retry_at_ms: i64,
    },
}

/// One collector as told to people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CollectorStatus {
    /// E.g. `cpu`; also the group segment of its channel.
    pub name: String,
    /// E.g. `Processor`.
    pub title: String,
    #[serde(flatten)]
    pub state: CollectorState,
    pub interval_ms: u32,
    /// Time of the last good answer.
    pub last_ok_ms: Option<i64>,
    /// How long the last answer took, microseconds.
    pub last_duration_us: Option<u64>,
    /// Series in its current schema.
    pub series: u32,
}
