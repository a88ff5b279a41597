//! Runs: how an action is asked for and how its progress is told.

use super::{Params, flat};
use crate::words;
use serde::{Deserialize, Serialize};

/// A request to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RunRequest {
    /// Chosen by the client, 8 to 64 of `A-Za-z0-9_-`. The same key of the same user within 10 minutes is the same run.
    pub key: String,
    pub action: String,
    #[serde(default)]
    pub params: Params,
    /// Required to be true for a dangerous action.
    #[serde(default)]
    pub confirm: bool,
}

/// Where a run stands. Refused and invalid requests never become runs: they are faults, and audit entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunStatus {
    Queued,
    Running,
    Succeeded,
    Failed,
    TimedOut,
    Cancelled,
    /// Ended by a signal that Farol did not send.
    Killed,
    /// The server stopped in mid-run and cannot say how it ended.
    Lost,
}

words!(RunStatus {
    Queued = "queued",
    Running = "running",
    Succeeded = "succeeded",
    Failed = "failed",
    TimedOut = "timed_out",
    Cancelled = "cancelled",
    Killed = "killed",
    Lost = "lost",
});

impl RunStatus {
    pub fn ended(self) -> bool {
        !matches!(self, RunStatus::Queued | RunStatus::Running)
    }
}

/// A run as told to people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Run {
    pub id: String,
    pub action: String,
    pub title: String,
    pub who: String,
    /// Secrets redacted.
    pub params: Params,
    pub status: RunStatus,
    /// One sentence about the outcome; empty while it runs.
    pub detail: String,
    pub queued_ms: i64,
    pub ended_ms: Option<i64>,
    pub exit_code: Option<i32>,
}

/// Which stream a piece of output came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputStream {
    Stdout,
    Stderr,
}

words!(OutputStream {
    Stdout = "stdout",
    Stderr = "stderr",
});

/// What is published on `runs/ID`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(!try_from))]
#[serde(tag = "event", rename_all = "snake_case", try_from = "flat::Event")]
pub enum RunEvent {
    /// The run changed state.
    State {
        run: Run,
    },
    Output {
        stream: OutputStream,
        text: String,
    },
    /// Output beyond the cap was dropped.
    Truncated {
        limit_bytes: u64,
    },
}

/// A run with what it has printed so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunView {
    pub run: Run,
    pub output: Vec<(OutputStream, String)>,
    pub truncated: bool,
}

impl RunView {
    /// A run that has printed nothing yet.
    pub fn of(run: Run) -> Self {
        RunView {
            run,
            output: Vec::new(),
            truncated: false,
        }
    }
}
