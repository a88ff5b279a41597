//! What pages say of actions and runs beside spec and state.

use super::Run;
use crate::fields;
use serde::{Deserialize, Serialize};

/// A kind of thing with details of its own, where the panels of what can be done to it stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Process,
    Service,
    Container,
    Connection,
}

impl Target {
    pub const ALL: [Target; 4] = [
        Target::Process,
        Target::Service,
        Target::Container,
        Target::Connection,
    ];
}

/// What a panel shows and offers beside what its spec says.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct PanelNotes {
    /// HTML that the server has made safe: description, schedule, who must approve.
    pub html: String,
    /// What must be typed before a dangerous run; empty asks for nothing.
    pub typed: String,
    /// Whether it can be shown what exactly would run.
    pub previews: bool,
    /// The action that is its dry run; empty when there is none.
    pub dry_run: String,
}

fields!(PanelNotes {
    html,
    typed,
    previews,
    dry_run
});

/// A moment that is marked on every chart of a host.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Mark {
    pub at_ms: i64,
    /// What happened, e.g. `Rotate logs began (olga)`.
    pub title: String,
}

fields!(Mark { at_ms, title });

/// What is known of a run beside what it tells itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunFacts {
    /// Row id of the user who asked for it.
    pub user_id: i64,
    /// When its action began; None when it never did, or not yet.
    pub started_ms: Option<i64>,
    /// The process that it is or was.
    pub pid: Option<u32>,
    /// Who approved or denied it.
    pub approver: Option<String>,
    /// Until when it may be approved.
    pub approve_by_ms: Option<i64>,
    /// Output kept, bytes.
    pub output_bytes: u64,
    /// Its output was removed to make room for newer ones.
    pub output_gone: bool,
}

/// Which runs are wanted. Empty texts match all.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RunsQuery {
    /// Part of the title or the id of the action.
    #[serde(default)]
    pub action: String,
    /// Part of the name of the person.
    #[serde(default)]
    pub who: String,
    /// One word of [`RunStatus`](super::RunStatus).
    #[serde(default)]
    pub status: String,
    /// Only those that were asked for in the last so many hours; 0 is all.
    #[serde(default)]
    pub hours: u32,
    /// Only those that are older than this run.
    #[serde(default)]
    pub before: String,
}

/// One page of runs, newest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunsPage {
    pub runs: Vec<Run>,
    /// Pass as `before` for the next page; None on the last.
    pub next_before: Option<String>,
    /// Runs that match.
    pub total: u64,
}

/// One line of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffLine {
    pub change: Change,
    /// Line numbers in the first and the second output, from 1.
    pub first: Option<usize>,
    pub second: Option<usize>,
    pub text: String,
}

/// What became of a line from the first run to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Same,
    Removed,
    Added,
    /// Lines that are alike were left out here.
    Skipped,
}

/// The outputs of two runs side by side.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    pub first: Run,
    pub second: Run,
    pub lines: Vec<DiffLine>,
    /// More was left out than is shown here.
    pub cut: bool,
}

/// What is wrong with a file of runbooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFault {
    pub file: String,
    /// From 1; 0 when it is about the whole.
    pub line: usize,
    pub reason: String,
}
