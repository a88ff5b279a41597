//! What pages may ask of the server. The server implements these and puts them into context for each request; the browser
//! never sees them. A port that is missing from context is a typed error, never a panic.

use crate::pages::{
    account::{AccountView, Ways},
    explore::view::{BoardList, LabelValues, Said, SavedBoard, Start},
    settings::view::{Ask, SettingsView},
};
use crate::past::{FoundSeries, Past};
use farol_model::{
    Fault, Viewer,
    action::{
        ActionSpec, Comparison, FileFault, Mark, PanelNotes, Params, Run, RunFacts, RunRequest, RunView,
        RunsPage, RunsQuery, Target,
    },
    audit::{AuditPage, AuditQuery},
    connection::{ConnectionPage, ConnectionQuery, ConnectionRow, FrameRow},
    container::{ContainerDetails, ContainerPage, ContainerQuery, ContainerRow},
    health::CollectorStatus,
    host::HostInfo,
    ingest::{Check, Receiver, Source},
    process::{ProcessDetails, ProcessRow},
    sample::ChannelView,
    service::{LogLine, ServiceDetails, ServicePage, ServiceQuery},
};
use leptos::prelude::use_context;
use std::{future::Future, pin::Pin, sync::Arc};

/// A future that a port returns.
pub type PortFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, Fault>> + Send + 'a>>;

/// What is being measured.
pub trait MetricsPort: Send + Sync {
    fn host(&self) -> HostInfo;
    /// Names of the metrics channels that exist now, e.g. `metrics/local/cpu`, in display order.
    fn channels(&self) -> Vec<String>;
    /// Schema and history of one channel, at most `history_ms` back.
    fn view(&self, channel: &str, history_ms: u32) -> Option<ChannelView>;
    /// What was written down of one channel, in so many points at most. A fault when no history is kept.
    fn past<'a>(&'a self, channel: &'a str, from_ms: i64, to_ms: i64, points: usize) -> PortFuture<'a, Past>;
    /// What an expression over what was written down says, in so many points at most.
    fn evaluate<'a>(
        &'a self,
        expression: &'a str,
        from_ms: i64,
        to_ms: i64,
        points: usize,
    ) -> PortFuture<'a, Past>;
    /// Series in which words are found, so many metrics at most. A fault when no history is kept.
    fn find<'a>(&'a self, words: &'a str, limit: usize) -> PortFuture<'a, FoundSeries>;
    /// The labels of a metric with their values, so many values of each at most. Empty when no series is called so.
    fn labels<'a>(&'a self, metric: &'a str, limit: usize) -> PortFuture<'a, Vec<LabelValues>>;
    fn collectors(&self) -> Vec<CollectorStatus>;
    /// Time of the table and its rows.
    fn processes(&self) -> (i64, Vec<ProcessRow>);
    /// One process in full, for somebody who may act. A conflict when another process has its number by now.
    fn process<'a>(&'a self, viewer: &'a Viewer, pid: u32, start_ms: i64) -> PortFuture<'a, ProcessDetails>;
    /// The server's clock.
    fn now_ms(&self) -> i64;
}

/// What can be done.
pub trait ControlPort: Send + Sync {
    /// The actions that this viewer may run.
    fn specs(&self, viewer: &Viewer) -> Vec<ActionSpec>;
    /// Those of them that are done to a kind of thing; None: those that make sense by themselves.
    fn specs_on(&self, viewer: &Viewer, target: Option<Target>) -> Vec<ActionSpec>;
    /// Starts a run, or finds the one that the key already started.
    fn run<'a>(&'a self, viewer: &'a Viewer, from: &'a str, request: RunRequest) -> PortFuture<'a, Run>;
    fn cancel<'a>(&'a self, viewer: &'a Viewer, from: &'a str, run: &'a str) -> PortFuture<'a, Run>;
    fn run_view<'a>(&'a self, viewer: &'a Viewer, run: &'a str) -> PortFuture<'a, RunView>;
    /// The newest runs first.
    fn recent_runs<'a>(&'a self, viewer: &'a Viewer, limit: u32) -> PortFuture<'a, Vec<Run>>;
}

/// Begins and ends of runs that are told of a time that is over, at most.
pub const MOST_MOMENTS: u32 = 400;

/// Runs, and what panels say beside their specs.
pub trait RunsPort: Send + Sync {
    /// What the panels of these actions show beside their specs, in the same order.
    fn notes(&self, specs: &[ActionSpec]) -> Vec<PanelNotes>;
    /// What is wrong with files of runbooks.
    fn faults(&self) -> Vec<FileFault>;
    /// What a request would start, line by line, with secrets masked. Does nothing.
    fn preview(&self, viewer: &Viewer, action: &str, params: &Params) -> Result<Vec<String>, Fault>;
    /// Says yes or no to a run that waits for a second person.
    fn decide<'a>(
        &'a self,
        viewer: &'a Viewer,
        from: &'a str,
        run: &'a str,
        yes: bool,
    ) -> PortFuture<'a, Run>;
    /// Why this viewer may not decide about a run that waits.
    fn why_not(&self, viewer: &Viewer, run: &str) -> Option<Fault>;
    /// What is known of a run beside its state.
    fn facts<'a>(&'a self, viewer: &'a Viewer, run: &'a str) -> PortFuture<'a, RunFacts>;
    fn list<'a>(&'a self, viewer: &'a Viewer, query: RunsQuery) -> PortFuture<'a, RunsPage>;
    fn compare<'a>(
        &'a self,
        viewer: &'a Viewer,
        first: &'a str,
        second: &'a str,
    ) -> PortFuture<'a, Comparison>;
    /// What happened lately, as far as this viewer may see it.
    fn marks(&self, viewer: &Viewer) -> Vec<Mark>;
    /// What happened in a time that is over, as far as this viewer may see it; of runs the newest [`MOST_MOMENTS`].
    fn marks_of<'a>(&'a self, viewer: &'a Viewer, from_ms: i64, to_ms: i64) -> PortFuture<'a, Vec<Mark>>;
}

/// What was done.
pub trait AuditPort: Send + Sync {
    fn page<'a>(&'a self, viewer: &'a Viewer, query: AuditQuery) -> PortFuture<'a, AuditPage>;
}

/// Who is connected.
pub trait ConnectionsPort: Send + Sync {
    fn page(&self, viewer: &Viewer, query: &ConnectionQuery) -> Result<ConnectionPage, Fault>;
    /// None when it is not there any more.
    fn one(&self, viewer: &Viewer, id: &str) -> Result<Option<ConnectionRow>, Fault>;
    /// The last frames of one, oldest first. Without secrets.
    fn frames(&self, viewer: &Viewer, id: &str) -> Result<Vec<FrameRow>, Fault>;
}

/// Who may come in, and what they may do.
pub trait SettingsPort: Send + Sync {
    fn view<'a>(&'a self, viewer: &'a Viewer, ask: Ask) -> PortFuture<'a, SettingsView>;
}

/// Boards that are kept.
pub trait BoardsPort: Send + Sync {
    fn list<'a>(&'a self, viewer: &'a Viewer) -> PortFuture<'a, BoardList>;
    /// Not found when there is none of this number, or this viewer may not see it.
    fn one<'a>(&'a self, viewer: &'a Viewer, id: i64) -> PortFuture<'a, SavedBoard>;
    /// What this viewer opens Farol with.
    fn start<'a>(&'a self, viewer: &'a Viewer) -> PortFuture<'a, Start>;
    /// What a form has to say to this viewer, once.
    fn said(&self, viewer: &Viewer, key: &str) -> Option<Said>;
}

/// One's own account, of whoever sent this request.
pub trait AccountPort: Send + Sync {
    fn view(&self) -> PortFuture<'_, AccountView>;
    /// By what this person can prove again who they are.
    fn ways(&self) -> PortFuture<'_, Ways>;
    /// What the provider of identities is called, where one is configured.
    fn provider(&self) -> Option<String>;
}

/// The services of the init system.
pub trait ServicesPort: Send + Sync {
    fn page(&self, viewer: &Viewer, query: &ServiceQuery) -> Result<ServicePage, Fault>;
    /// None when there is no such service.
    fn one<'a>(&'a self, viewer: &'a Viewer, name: &'a str) -> PortFuture<'a, Option<ServiceDetails>>;
    /// The last lines of one, oldest first. `follow`: to be asked for again and again; the first answer may have none.
    fn log<'a>(&'a self, viewer: &'a Viewer, name: &'a str, follow: bool) -> PortFuture<'a, Vec<LogLine>>;
}

/// What runs in containers.
pub trait ContainersPort: Send + Sync {
    fn page(&self, viewer: &Viewer, query: &ContainerQuery) -> Result<ContainerPage, Fault>;
    /// None when it is not there any more.
    fn one(&self, viewer: &Viewer, id: &str) -> Result<Option<ContainerRow>, Fault>;
    /// One in full, for somebody who may act. Without secrets.
    fn inspect<'a>(&'a self, viewer: &'a Viewer, id: &'a str) -> PortFuture<'a, ContainerDetails>;
}

/// What applications send, and what is checked.
pub trait AppsPort: Send + Sync {
    /// By name.
    fn sources(&self) -> Vec<Source>;
    /// In the order of the configuration.
    fn checks(&self) -> Vec<Check>;
    /// Who is sent samples, by name.
    fn receivers(&self) -> Vec<Receiver>;
}

/// All ports and who is asking, as the server provides them for one request.
#[derive(Clone)]
pub struct Ports {
    pub metrics: Arc<dyn MetricsPort>,
    pub control: Arc<dyn ControlPort>,
    pub runs: Arc<dyn RunsPort>,
    pub audit: Arc<dyn AuditPort>,
    pub connections: Arc<dyn ConnectionsPort>,
    pub settings: Arc<dyn SettingsPort>,
    pub account: Arc<dyn AccountPort>,
    pub services: Arc<dyn ServicesPort>,
    pub containers: Arc<dyn ContainersPort>,
    pub apps: Arc<dyn AppsPort>,
    pub boards: Arc<dyn BoardsPort>,
    /// The signed-in viewer of this request.
    pub viewer: Option<Viewer>,
    /// Address of the peer of this request.
    pub from: String,
}

/// The ports of this request.
pub fn ports() -> Result<Ports, Fault> {
    use_context::<Ports>().ok_or_else(Fault::internal)
}

/// The ports and the viewer, or the refusal for somebody who is not signed in.
pub fn signed_in() -> Result<(Ports, Viewer), Fault> {
    let ports = ports()?;
    let viewer = ports.viewer.clone().ok_or_else(Fault::unauthenticated)?;
    Ok((ports, viewer))
}
