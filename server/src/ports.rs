//! What the pages may ask of the server: `farol_app::ports` implemented over the rooms.

use crate::{
    actions::runner::Runner,
    audit::AuditLog,
    live::{Live, hub::Hub},
    services::Services,
    state::AppState,
    time::now_ms,
};
use farol_app::ports::{
    AuditPort, ConnectionsPort, ControlPort, MetricsPort, PortFuture, Ports, ServicesPort,
};
use farol_model::{
    Fault, Permission, Viewer,
    action::{ActionSpec, Run, RunRequest, RunView},
    audit::{AuditPage, AuditQuery},
    connection::{ConnectionPage, ConnectionQuery, ConnectionRow, FrameRow},
    health::CollectorStatus,
    host::HostInfo,
    process::ProcessRow,
    sample::ChannelView,
    service::{LogLine, ServiceDetails, ServicePage, ServiceQuery},
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
        services: Arc::new(state.services.clone()),
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

/// Lines of a log that a page starts from.
const FIRST_LOG_LINES: usize = 60;

impl ServicesPort for Services {
    fn page(&self, viewer: &Viewer, query: &ServiceQuery) -> Result<ServicePage, Fault> {
        viewer.require(Permission::ViewProcesses)?;
        Ok(Services::page(self, query))
    }

    fn one<'a>(&'a self, viewer: &'a Viewer, name: &'a str) -> PortFuture<'a, Option<ServiceDetails>> {
        Box::pin(async move {
            viewer.require(Permission::ViewProcesses)?;
            self.details(name).await
        })
    }

    fn log<'a>(&'a self, viewer: &'a Viewer, name: &'a str, follow: bool) -> PortFuture<'a, Vec<LogLine>> {
        Box::pin(async move {
            viewer.require(Permission::ViewLogs)?;
            let followed = match follow {
                true => self.tail(name)?,
                false => None,
            };
            match followed {
                Some(lines) => Ok(lines),
                None => self.last_lines(name, FIRST_LOG_LINES).await,
            }
        })
    }
}
