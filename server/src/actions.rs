//! Actions: what operators can do. The [`runner`] alone validates, authorises, deduplicates, limits, times out, cancels and
//! audits; an action only does.
//!
//! To add one: a file with its spec, its `run` and its tests, and a line in [`registered`]. It gets checked parameters and
//! must stop soon after [`RunContext::stop`] is cancelled. You get it wrong when it trusts that the world is as it was when
//! the panel was drawn: name things by what is never reused, and look again before acting.

pub mod collector;
pub mod compare;
pub mod container;
pub mod disconnect;
pub mod output;
pub mod own;
pub mod pinned;
pub mod recover;
pub mod renice;
pub mod rpc;
pub mod runbook;
pub mod runner;
pub mod service;
pub mod signal;
pub mod store;

use crate::live::{Identity, Proof};
use collector::CollectorSwitch;
use disconnect::Connections;
use farol_model::{
    Fault, Viewer,
    action::{ActionSpec, Danger, PanelNotes, Params, RunEvent, RunStatus, Target},
};
use futures::future::BoxFuture;
use output::OutputSink;
use own::Own;
use serde::Serialize;
use service::ServiceManager;
use sha2::{Digest, Sha256};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// Every action that there always is, in display order. Runbooks come and go, see [`runbook::shelf`].
pub fn registered(
    collectors: Arc<dyn CollectorSwitch>,
    connections: Arc<dyn Connections>,
    services: Arc<dyn ServiceManager>,
    containers: Arc<dyn container::Engine>,
    own: Arc<dyn Own>,
) -> Vec<Arc<dyn Action>> {
    let mut actions: Vec<Arc<dyn Action>> = vec![
        Arc::new(signal::SendSignal::new()),
        Arc::new(renice::Renice::new()),
    ];
    actions.extend(service::all(&services));
    actions.extend(container::all(&containers));
    actions.push(Arc::new(collector::Pause::new(collectors.clone())));
    actions.push(Arc::new(collector::Resume::new(collectors.clone())));
    actions.push(Arc::new(collector::SetInterval::new(collectors)));
    actions.push(Arc::new(disconnect::Disconnect::new(connections)));
    actions.extend(own::all(&own));
    actions
}

/// Something that can be done.
pub trait Action: Send + Sync + 'static {
    /// What it is and what it takes.
    fn spec(&self) -> &ActionSpec;
    /// Does it. Parameters are complete and checked.
    fn run<'a>(&'a self, context: RunContext, params: Params) -> BoxFuture<'a, Outcome>;
    /// What the spec cannot say of checked parameters: whether they can be meant at all, and how much harm a wrong click does.
    ///
    /// # Errors
    /// Why they cannot.
    fn weigh(&self, _params: &Params) -> Result<Danger, Fault> {
        Ok(self.spec().danger)
    }
    /// What it is done to, where that is a thing with details of its own: its panel stands there. None: it makes sense by itself.
    fn target(&self) -> Option<Target> {
        None
    }
    /// Whether a second run must wait for the first.
    fn one_at_a_time(&self) -> bool {
        false
    }
    /// What becomes of a second run while one is under way.
    fn concurrency(&self) -> Concurrency {
        match self.one_at_a_time() {
            true => Concurrency::Queue,
            false => Concurrency::Parallel,
        }
    }
    /// How long a second person has to approve a run; None where nobody need.
    fn approval(&self) -> Option<Duration> {
        None
    }
    /// Complete and checked parameters, or what is wrong with them.
    fn check(&self, given: &Params) -> Result<Params, Fault> {
        self.spec().check(given)
    }
    /// What this action is, as a digest. A run that waits for approval over a restart goes on only where it is the same.
    fn digest(&self) -> String {
        digest_of(self.spec())
    }
    /// What would be started, line by line, with secrets masked. Does nothing.
    fn preview(&self, _: &Params) -> Result<Vec<String>, Fault> {
        Ok(Vec::new())
    }
    /// What its panel shows beside the spec.
    fn notes(&self) -> PanelNotes {
        PanelNotes::default()
    }
    /// Whether it is on no panel, because another action offers it.
    fn hidden(&self) -> bool {
        false
    }
}

/// SHA-256 of something as JSON, in hexadecimal.
pub fn digest_of(what: &impl Serialize) -> String {
    let bytes = serde_json::to_vec(what).unwrap_or_default();
    let hash = Sha256::digest(&bytes);
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// See [`Action::concurrency`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concurrency {
    Parallel,
    /// It waits for the first.
    Queue,
    /// It is refused.
    Skip,
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

/// Who asks for a run. Somebody of whom only the name is known has proved nothing, and starts nothing dangerous.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    pub viewer: &'a Viewer,
    pub proof: Option<&'a Proof>,
    /// Nobody is there who could prove anything: whoever may write the machine's files has decided.
    pub vouched: bool,
}

impl<'a> Caller<'a> {
    pub fn vouched(viewer: &'a Viewer) -> Self {
        Caller {
            viewer,
            proof: None,
            vouched: true,
        }
    }

    /// For whom what is asked for is done.
    pub fn asker(&self) -> Asker {
        Asker {
            user_id: self.viewer.user_id,
            token: match self.proof {
                Some(Proof::Token(id)) => Some(*id),
                _ => None,
            },
            vouched: self.vouched,
        }
    }
}

/// For whom a run is: enough to ask later what they may do by then. Not by which session: a run survives the browser.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asker {
    pub user_id: i64,
    /// The API token that it was asked for by.
    pub token: Option<i64>,
    /// See [`Caller::vouched`].
    pub vouched: bool,
}

/// Somebody in person.
impl From<i64> for Asker {
    fn from(user_id: i64) -> Self {
        Asker {
            user_id,
            ..Asker::default()
        }
    }
}

impl<'a> From<&'a Viewer> for Caller<'a> {
    fn from(viewer: &'a Viewer) -> Self {
        Caller {
            viewer,
            proof: None,
            vouched: false,
        }
    }
}

impl<'a> From<&'a Identity> for Caller<'a> {
    fn from(identity: &'a Identity) -> Self {
        Caller {
            viewer: &identity.viewer,
            proof: Some(&identity.proof),
            vouched: false,
        }
    }
}

/// Whether a proof is fresh enough for what is dangerous; the fault says what to do about it. Implemented by `access`.
pub trait Freshness: Send + Sync + 'static {
    fn fresh<'a>(&'a self, proof: &'a Proof) -> BoxFuture<'a, Result<(), Fault>>;
}

/// What somebody may do now, who asked for something earlier: None when there is no such account or token any more, or it may do
/// nothing. Implemented by `access`.
pub trait Standing: Send + Sync + 'static {
    fn standing<'a>(&'a self, asker: &'a Asker) -> BoxFuture<'a, Result<Option<Viewer>, Fault>>;
}
