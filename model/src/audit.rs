//! The audit log as told to people.

use crate::{action::RunStatus, fields, words};
use serde::{Deserialize, Serialize};

/// One entry: somebody did, or tried to do, something.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AuditEntry {
    pub id: i64,
    pub at_ms: i64,
    /// Sign-in name at the time, or what was typed as one.
    pub who: String,
    /// Address of the peer.
    pub from: String,
    /// Dotted verb: `run.process.signal`, `session.sign_in`, `user.add`.
    pub what: String,
    /// Parameters as JSON text, secrets redacted.
    pub params: String,
    /// The run it belongs to, if any.
    pub run: Option<String>,
    pub outcome: AuditOutcome,
    /// One sentence about the outcome.
    pub detail: String,
    pub duration_ms: Option<i64>,
}

fields!(AuditEntry {
    id,
    at_ms,
    who,
    from,
    what,
    params,
    run,
    outcome,
    detail,
    duration_ms
});

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditOutcome {
    /// Written before the action started; not completed yet.
    Started,
    Succeeded,
    Failed,
    Refused,
    Invalid,
    TimedOut,
    Cancelled,
    Killed,
    /// The server stopped in mid-run and cannot say.
    Lost,
}

words!(AuditOutcome {
    Started = "started",
    Succeeded = "succeeded",
    Failed = "failed",
    Refused = "refused",
    Invalid = "invalid",
    TimedOut = "timed_out",
    Cancelled = "cancelled",
    Killed = "killed",
    Lost = "lost",
});

impl From<RunStatus> for AuditOutcome {
    fn from(status: RunStatus) -> Self {
        match status {
            RunStatus::Awaiting | RunStatus::Queued | RunStatus::Running => AuditOutcome::Started,
            RunStatus::Denied => AuditOutcome::Refused,
            RunStatus::Expired => AuditOutcome::TimedOut,
            RunStatus::Succeeded => AuditOutcome::Succeeded,
            RunStatus::Failed => AuditOutcome::Failed,
            RunStatus::TimedOut => AuditOutcome::TimedOut,
            RunStatus::Cancelled => AuditOutcome::Cancelled,
            RunStatus::Killed => AuditOutcome::Killed,
            RunStatus::Lost => AuditOutcome::Lost,
        }
    }
}

/// What to show of the log. Newest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AuditQuery {
    /// Part of who, what, from or detail; empty matches all. At most 200 characters are used.
    #[serde(default)]
    pub text: String,
    /// One outcome word, or empty.
    #[serde(default)]
    pub outcome: String,
    /// Show entries older than this id; 0 starts at the newest.
    #[serde(default)]
    pub before: i64,
}

/// One page of the log.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct AuditPage {
    pub entries: Vec<AuditEntry>,
    /// Pass as `before` for the next page; absent on the last.
    pub next_before: Option<i64>,
    /// Entries that match the filter.
    pub total: u64,
    /// Whether the chain holds, in a sentence.
    pub chain: String,
    pub chain_broken: bool,
}

fields!(AuditPage {
    entries,
    next_before,
    total,
    chain,
    chain_broken
});
