//! What the pages may ask of the server: `farol_app::ports` implemented over the rooms.

mod labels;
mod past;

use crate::{
    access::{Access, proof::page},
    actions::{Caller, runbook::shelf::Shelf, runner::Runner},
    annotations::Annotations,
    audit::AuditLog,
    boards::Boards,
    checks::Checks,
    containers::Containers,
    history::Store,
    ingest::Ingest,
    live::{Identity, Live, Proof, hub::Hub},
    marked,
    remote_write::RemoteWrite,
    services::Services,
    state::AppState,
    time::now_ms,
};
use farol_app::{
    pages::{
        account::{AccountView, Ways},
        explore::view::{BoardList, LabelValues, Said, SavedBoard, Start},
        settings::view::{Ask, SettingsView},
    },
    past::{FoundSeries, Past},
    ports::{
        AccountPort, AppsPort, AuditPort, BoardsPort, ConnectionsPort, ContainersPort, ControlPort,
        MetricsPort, PortFuture, Ports, RunsPort, ServicesPort, SettingsPort,
    },
};
use farol_model::{
    Fault, Permission, Viewer,
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
use std::sync::Arc;

/// The ports of one request.
pub fn ports(state: &AppState, identity: Option<Identity>, host: String, from: String) -> Ports {
    let viewer = identity.as_ref().map(|identity| identity.viewer.clone());
    let proof = identity.as_ref().map(|identity| identity.proof.clone());
    Ports {
        metrics: Arc::new(Metrics {
            hub: state.live.hub.clone(),
            host: state.host.clone(),
            history: state.history.clone(),
        }),
        control: Arc::new(Control {
            runner: state.runner.clone(),
            proof: proof.clone(),
        }),
        account: Arc::new(OwnAccount {
            access: state.access.clone(),
            identity: identity.clone(),
            host,
        }),
        runs: Arc::new(Runs {
            runner: state.runner.clone(),
            proof,
            shelf: state.shelf.clone(),
            hub: state.live.hub.clone(),
            annotations: state.annotations.clone(),
        }),
        audit: Arc::new(Audit {
            log: state.audit.clone(),
        }),
        connections: Arc::new(Connections {
            live: state.live.clone(),
        }),
        settings: Arc::new(Settings {
            access: state.access.clone(),
            identity,
        }),
        services: Arc::new(state.services.clone()),
        containers: Arc::new(ContainerRoom {
            containers: state.containers.clone(),
        }),
        apps: Arc::new(Apps {
            ingest: state.ingest.clone(),
            checks: state.checks.clone(),
            remote_write: state.remote_write.clone(),
        }),
        boards: Arc::new(state.boards.clone()),
        viewer,
        from,
    }
}

struct Metrics {
    hub: Arc<Hub>,
    host: Arc<HostInfo>,
    history: Option<Store>,
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

    fn past<'a>(&'a self, channel: &'a str, from_ms: i64, to_ms: i64, points: usize) -> PortFuture<'a, Past> {
        Box::pin(past::read(self.history.clone(), channel, from_ms, to_ms, points))
    }

    fn evaluate<'a>(
        &'a self,
        expression: &'a str,
        from_ms: i64,
        to_ms: i64,
        points: usize,
    ) -> PortFuture<'a, Past> {
        Box::pin(past::evaluate(
            self.history.clone(),
            expression,
            from_ms,
            to_ms,
            points,
        ))
    }

    fn find<'a>(&'a self, words: &'a str, limit: usize) -> PortFuture<'a, FoundSeries> {
        Box::pin(past::find(self.history.clone(), words, limit))
    }

    fn labels<'a>(&'a self, metric: &'a str, limit: usize) -> PortFuture<'a, Vec<LabelValues>> {
        Box::pin(labels::labels(self.history.clone(), metric, limit))
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

impl BoardsPort for Boards {
    fn list<'a>(&'a self, viewer: &'a Viewer) -> PortFuture<'a, BoardList> {
        Box::pin(Boards::list(self, viewer))
    }

    fn one<'a>(&'a self, viewer: &'a Viewer, id: i64) -> PortFuture<'a, SavedBoard> {
        Box::pin(Boards::one(self, viewer, id))
    }

    fn start<'a>(&'a self, viewer: &'a Viewer) -> PortFuture<'a, Start> {
        Box::pin(Boards::start(self, viewer))
    }

    fn said(&self, viewer: &Viewer, key: &str) -> Option<Said> {
        self.take_said(viewer, key)
    }
}

struct Apps {
    ingest: Ingest,
    checks: Checks,
    remote_write: RemoteWrite,
}

impl AppsPort for Apps {
    fn sources(&self) -> Vec<Source> {
        self.ingest.sources()
    }

    fn checks(&self) -> Vec<Check> {
        self.checks.all()
    }

    fn receivers(&self) -> Vec<Receiver> {
        self.remote_write.receivers()
    }
}

struct Control {
    runner: Runner,
    /// What the caller of this request has shown.
    proof: Option<Proof>,
}

impl ControlPort for Control {
    fn specs(&self, viewer: &Viewer) -> Vec<ActionSpec> {
        self.runner.specs(viewer)
    }

    fn specs_on(&self, viewer: &Viewer, target: Option<Target>) -> Vec<ActionSpec> {
        self.runner.specs_on(viewer, target)
    }

    fn run<'a>(&'a self, viewer: &'a Viewer, from: &'a str, request: RunRequest) -> PortFuture<'a, Run> {
        let proof = self.proof.as_ref();
        Box::pin(self.runner.start(
            Caller {
                viewer,
                proof,
                vouched: false,
            },
            from,
            request,
        ))
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
    /// What the caller of this request has shown.
    proof: Option<Proof>,
    shelf: Arc<Shelf>,
    hub: Arc<Hub>,
    annotations: Annotations,
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
        let caller = Caller {
            viewer,
            proof: self.proof.as_ref(),
            vouched: false,
        };
        match yes {
            true => Box::pin(self.runner.approve(caller, from, run)),
            false => Box::pin(self.runner.deny(caller, from, run)),
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

    fn marks(&self, viewer: &Viewer) -> Vec<Mark> {
        match viewer.may(Permission::ViewRuns) {
            true => self.hub.marks(),
            false => self.hub.annotations(),
        }
    }

    fn marks_of<'a>(&'a self, viewer: &'a Viewer, from_ms: i64, to_ms: i64) -> PortFuture<'a, Vec<Mark>> {
        Box::pin(async move {
            viewer.require(Permission::ViewMetrics)?;
            marked::over(&self.annotations, &self.runner, viewer, from_ms, to_ms).await
        })
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

struct Settings {
    access: Access,
    identity: Option<Identity>,
}

impl SettingsPort for Settings {
    fn view<'a>(&'a self, _: &'a Viewer, ask: Ask) -> PortFuture<'a, SettingsView> {
        Box::pin(async move {
            let identity = self.identity.as_ref().ok_or_else(Fault::unauthenticated)?;
            self.access.settings(identity, ask).await
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

/// The account of whoever asks.
struct OwnAccount {
    access: Access,
    identity: Option<Identity>,
    /// As the browser calls this server, without port.
    host: String,
}

impl AccountPort for OwnAccount {
    fn view(&self) -> PortFuture<'_, AccountView> {
        Box::pin(async move {
            let identity = self.identity.as_ref().ok_or_else(Fault::unauthenticated)?;
            page::account(&self.access, identity, &self.host).await
        })
    }

    fn ways(&self) -> PortFuture<'_, Ways> {
        Box::pin(page::ways(&self.access, self.identity.as_ref(), &self.host))
    }

    fn provider(&self) -> Option<String> {
        self.access.oidc.as_ref().map(|oidc| oidc.title().to_owned())
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
