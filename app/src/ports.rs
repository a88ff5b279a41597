//! What pages may ask of the server. The server implements these and puts them into context for each request; the browser
//! never sees them. A port that is missing from context is a typed error, never a panic.

use farol_model::{
    Fault, Viewer,
    action::{ActionSpec, Run, RunRequest, RunView},
    audit::{AuditPage, AuditQuery},
    connection::{ConnectionPage, ConnectionQuery, ConnectionRow, FrameRow},
    container::{ContainerDetails, ContainerPage, ContainerQuery, ContainerRow},
    health::CollectorStatus,
    host::HostInfo,
    process::{ProcessDetails, ProcessRow},
    sample::ChannelView,
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
    /// Starts a run, or finds the one that the key already started.
    fn run<'a>(&'a self, viewer: &'a Viewer, from: &'a str, request: RunRequest) -> PortFuture<'a, Run>;
    fn cancel<'a>(&'a self, viewer: &'a Viewer, from: &'a str, run: &'a str) -> PortFuture<'a, Run>;
    fn run_view<'a>(&'a self, viewer: &'a Viewer, run: &'a str) -> PortFuture<'a, RunView>;
    /// The newest runs first.
    fn recent_runs<'a>(&'a self, viewer: &'a Viewer, limit: u32) -> PortFuture<'a, Vec<Run>>;
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

/// What runs in containers.
pub trait ContainersPort: Send + Sync {
    fn page(&self, viewer: &Viewer, query: &ContainerQuery) -> Result<ContainerPage, Fault>;
    /// None when it is not there any more.
    fn one(&self, viewer: &Viewer, id: &str) -> Result<Option<ContainerRow>, Fault>;
    /// One in full, for somebody who may act. Without secrets.
    fn inspect<'a>(&'a self, viewer: &'a Viewer, id: &'a str) -> PortFuture<'a, ContainerDetails>;
}

/// All ports and who is asking, as the server provides them for one request.
#[derive(Clone)]
pub struct Ports {
    pub metrics: Arc<dyn MetricsPort>,
    pub control: Arc<dyn ControlPort>,
    pub audit: Arc<dyn AuditPort>,
    pub connections: Arc<dyn ConnectionsPort>,
    pub containers: Arc<dyn ContainersPort>,
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
