//! What the pages may ask of the server: `farol_app::ports` implemented over the rooms.

use crate::{
    actions::{runbook::shelf::Shelf, runner::Runner},
    audit::AuditLog,
    live::{Live, hub::Hub},
    state::AppState,
    time::now_ms,
};
use farol_app::ports::{AuditPort, ConnectionsPort, ControlPort, MetricsPort, PortFuture, Ports, RunsPort};
use farol_model::{
    Fault, Permission, Viewer,
    action::{
        ActionSpec, Comparison, FileFault, Mark, PanelNotes, Params, Run, RunFacts, RunRequest, RunView,
        RunsPage, RunsQuery,
    },
    audit::{AuditPage, AuditQuery},
    connection::{ConnectionPage, ConnectionQuery, ConnectionRow, FrameRow},
    health::CollectorStatus,
    host::HostInfo,
    process::ProcessRow,
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
        runs: Arc::new(Runs {
            runner: state.runner.clone(),
            shelf: state.shelf.clone(),
            hub: state.live.hub.clone(),
        }),
        audit: Arc::new(Audit {
            log: state.audit.clone(),
        }),
        connections: Arc::new(Connections {
            live: state.live.clone(),
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

struct Runs {
    runner: Runner,
    shelf: Arc<Shelf>,
    hub: Arc<Hub>,
}

impl RunsPort for Runs {
    fn notes(&self, specs: &[ActionSpec]) -> Vec<PanelNotes> {
        self.runner.notes(specs)
    }

    fn faults(&self) -> Vec<FileFault> {
        self.shelf.faults()
    }

    fn preview(&self, viewer: &Viewer, action: &str, params: &Params) -> Result<Vec<String>, Fault> {
        self.runner.preview(viewer, action, params)
    }

    fn decide<'a>(
        &'a self,
        viewer: &'a Viewer,
        from: &'a str,
        run: &'a str,
        yes: bool,
    ) -> PortFuture<'a, Run> {
        match yes {
            true => Box::pin(self.runner.approve(viewer, from, run)),
            false => Box::pin(self.runner.deny(viewer, from, run)),
        }
    }

    fn why_not(&self, viewer: &Viewer, run: &str) -> Option<Fault> {
        self.runner.why_not_approve(viewer, run)
    }

    fn facts<'a>(&'a self, viewer: &'a Viewer, run: &'a str) -> PortFuture<'a, RunFacts> {
        Box::pin(self.runner.facts(viewer, run))
    }

    fn list<'a>(&'a self, viewer: &'a Viewer, query: RunsQuery) -> PortFuture<'a, RunsPage> {
        Box::pin(async move { self.runner.list(viewer, &query).await })
    }

    fn compare<'a>(
        &'a self,
        viewer: &'a Viewer,
        first: &'a str,
        second: &'a str,
    ) -> PortFuture<'a, Comparison> {
        Box::pin(self.runner.compare(viewer, first, second))
    }

    fn marks(&self) -> Vec<Mark> {
        self.hub.marks()
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
