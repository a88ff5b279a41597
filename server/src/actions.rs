//! Actions: what operators can do. The [`runner`] alone validates, authorises, deduplicates, limits, times out, cancels and
//! audits; an action only does.
//!
//! To add one: a file with its spec, its `run` and its tests, and a line in [`registered`]. It gets checked parameters and
//! must stop soon after [`RunContext::stop`] is cancelled. You get it wrong when it trusts that the world is as it was when
//! the panel was drawn: name things by what is never reused, and look again before acting.

pub mod collector;
pub mod container;
pub mod disconnect;
pub mod output;
pub mod pinned;
pub mod renice;
pub mod rpc;
pub mod runbook;
pub mod runner;
pub mod signal;
pub mod store;

use collector::CollectorSwitch;
use disconnect::Connections;
use farol_model::action::{ActionSpec, Params, RunEvent, RunStatus};
use futures::future::BoxFuture;
use output::OutputSink;
use runbook::config::RunbookConfig;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Every action there is, in display order.
pub fn registered(
    collectors: Arc<dyn CollectorSwitch>,
    connections: Arc<dyn Connections>,
    containers: Arc<dyn container::Engine>,
    runbooks: &[RunbookConfig],
) -> Vec<Arc<dyn Action>> {
    let mut actions: Vec<Arc<dyn Action>> = Vec::new();
    actions.extend(
        runbooks
            .iter()
            .map(|config| Arc::new(runbook::Runbook::new(config)) as Arc<dyn Action>),
    );
    actions.push(Arc::new(signal::SendSignal::new()));
    actions.push(Arc::new(renice::Renice::new()));
    actions.extend(container::all(&containers));
    actions.push(Arc::new(collector::Pause::new(collectors.clone())));
    actions.push(Arc::new(collector::Resume::new(collectors.clone())));
    actions.push(Arc::new(collector::SetInterval::new(collectors)));
    actions.push(Arc::new(disconnect::Disconnect::new(connections)));
    actions
}

/// Something that can be done.
pub trait Action: Send + Sync + 'static {
    /// What it is and what it takes.
    fn spec(&self) -> &ActionSpec;
    /// Does it. Parameters are complete and checked.
    fn run<'a>(&'a self, context: RunContext, params: Params) -> BoxFuture<'a, Outcome>;
    /// Whether a second run must wait for the first.
    fn one_at_a_time(&self) -> bool {
        false
    }
}

/// What a run may use.
#[derive(Clone)]
pub struct RunContext {
    /// Where it prints to.
    pub output: OutputSink,
    /// Cancelled when it must stop: on request, at the time limit, at shutdown.
    pub stop: CancellationToken,
}

/// How a run ended, as its action sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub end: End,
    /// One sentence.
    pub detail: String,
    pub exit_code: Option<i32>,
}

/// See [`Outcome`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Succeeded,
    Failed,
    /// By a signal that Farol did not send.
    Killed,
    /// It honoured [`RunContext::stop`].
    Stopped,
}

impl Outcome {
    pub fn succeeded(detail: impl Into<String>) -> Self {
        Outcome {
            end: End::Succeeded,
            detail: detail.into(),
            exit_code: None,
        }
    }

    pub fn failed(detail: impl Into<String>) -> Self {
        Outcome {
            end: End::Failed,
            detail: detail.into(),
            exit_code: None,
        }
    }

    /// The state of the run; `stopped` is what [`End::Stopped`] means here.
    fn status(&self, stopped: RunStatus) -> RunStatus {
        match self.end {
            End::Succeeded => RunStatus::Succeeded,
            End::Failed => RunStatus::Failed,
            End::Killed => RunStatus::Killed,
            End::Stopped => stopped,
        }
    }
}

/// Where the events of runs go. Implemented by the live hub. Never waits.
pub trait RunOutlet: Send + Sync + 'static {
    /// Publishes on `runs/ID`; the first event of a run opens the channel.
    fn event(&self, run: &str, event: &RunEvent);
    /// The run has ended and its channel may go after a while.
    fn closed(&self, run: &str);
}
