//! What the pages may ask of the server: `farol_app::ports` implemented over the rooms.

use crate::{
    actions::runner::Runner,
    audit::AuditLog,
    containers::Containers,
    live::{Live, hub::Hub},
    state::AppState,
    time::now_ms,
};
use farol_app::ports::{
    AuditPort, ConnectionsPort, ContainersPort, ControlPort, MetricsPort, PortFuture, Ports,
};
use farol_model::{
    Fault, Permission, Viewer,
    action::{ActionSpec, Run, RunRequest, RunView},
    audit::{AuditPage, AuditQuery},
    connection::{ConnectionPage, ConnectionQuery, ConnectionRow, FrameRow},
    container::{ContainerDetails, ContainerPage, ContainerQuery, ContainerRow},
    health::CollectorStatus,
    host::HostInfo,
    process::{ProcessDetails, ProcessRow},
    sample::ChannelView,
};
use std::sync::Arc;

/// The ports of one request.
pub fn ports(state: &AppState, viewer: Option<Viewer>, from: String) -> Ports {
    Ports {
        metrics: Arc::new(Metrics {
            hub: state.live.hub.clone(),
            host: state.host.clone(),
        }),
        control: Arc::new(Control {
            runner: state.runner.clone(),
        }),
        audit: Arc::new(Audit {
            log: state.audit.clone(),
        }),
        connections: Arc::new(Connections {
            live: state.live.clone(),
        }),
        containers: Arc::new(ContainerRoom {
            containers: state.containers.clone(),
        }),
        viewer,
        from,
    }
}

struct Metrics {
    hub: Arc<Hub>,
    host: Arc<HostInfo>,
}

impl MetricsPort for Metrics {
    fn host(&self) -> HostInfo {
        (*self.host).clone()
    }

    fn channels(&self) -> Vec<String> {
        self.hub.metrics_channels()
    }

    fn view(&self, channel: &str, history_ms: u32) -> Option<ChannelView> {
        self.hub.view(channel, history_ms)
    }

    fn collectors(&self) -> Vec<CollectorStatus> {
        self.hub.collectors()
    }

    fn processes(&self) -> (i64, Vec<ProcessRow>) {
        self.hub.processes()
    }

    fn process<'a>(&'a self, viewer: &'a Viewer, pid: u32, start_ms: i64) -> PortFuture<'a, ProcessDetails> {
        Box::pin(async move {
            viewer.require(Permission::RunActions)?;
            crate::processes::details(pid, start_ms).await
        })
    }

    fn now_ms(&self) -> i64 {
        now_ms()
    }
}

struct Control {
    runner: Runner,
}

impl ControlPort for Control {
    fn specs(&self, viewer: &Viewer) -> Vec<ActionSpec> {
        self.runner.specs(viewer)
    }

    fn run<'a>(&'a self, viewer: &'a Viewer, from: &'a str, request: RunRequest) -> PortFuture<'a, Run> {
        Box::pin(self.runner.start(viewer, from, request))
    }

    fn cancel<'a>(&'a self, viewer: &'a Viewer, from: &'a str, run: &'a str) -> PortFuture<'a, Run> {
        Box::pin(self.runner.cancel(viewer, from, run))
    }

    fn run_view<'a>(&'a self, viewer: &'a Viewer, run: &'a str) -> PortFuture<'a, RunView> {
        Box::pin(self.runner.get(viewer, run))
    }

    fn recent_runs<'a>(&'a self, viewer: &'a Viewer, limit: u32) -> PortFuture<'a, Vec<Run>> {
        Box::pin(self.runner.recent(viewer, limit))
    }
}

struct Audit {
    log: AuditLog,
}

impl AuditPort for Audit {
    fn page<'a>(&'a self, viewer: &'a Viewer, query: AuditQuery) -> PortFuture<'a, AuditPage> {
        Box::pin(async move {
            viewer.require(Permission::ViewAudit)?;
            self.log.page(&query).await.map_err(|error| {
                tracing::error!(%error, "cannot read the audit log");
                Fault::internal()
            })
        })
    }
}

struct Connections {
    live: Live,
}

impl ConnectionsPort for Connections {
    fn page(&self, viewer: &Viewer, query: &ConnectionQuery) -> Result<ConnectionPage, Fault> {
        self.live.connections(viewer, query)
    }

    fn one(&self, viewer: &Viewer, id: &str) -> Result<Option<ConnectionRow>, Fault> {
        self.live.connection(viewer, id)
    }

    fn frames(&self, viewer: &Viewer, id: &str) -> Result<Vec<FrameRow>, Fault> {
        self.live.frames(viewer, id)
    }
}

struct ContainerRoom {
    containers: Containers,
}

impl ContainersPort for ContainerRoom {
    fn page(&self, viewer: &Viewer, query: &ContainerQuery) -> Result<ContainerPage, Fault> {
        viewer.require(Permission::ViewProcesses)?;
        Ok(self.containers.page(query, now_ms()))
    }

    fn one(&self, viewer: &Viewer, id: &str) -> Result<Option<ContainerRow>, Fault> {
        viewer.require(Permission::ViewProcesses)?;
        Ok(self.containers.one(id))
    }

    fn inspect<'a>(&'a self, viewer: &'a Viewer, id: &'a str) -> PortFuture<'a, ContainerDetails> {
        Box::pin(async move {
            viewer.require(Permission::RunActions)?;
            self.containers.inspect(id).await
        })
    }
}
