//! What request handlers share. Cheap to clone; every part is a handle.

use crate::{
    access::Access,
    actions::{runbook::shelf::Shelf, runner::Runner},
    annotations::Annotations,
    audit::AuditLog,
    boards::Boards,
    checks::Checks,
    collectors::scheduler::CollectorControl,
    config::Config,
    containers::Containers,
    history::Store,
    ingest::Ingest,
    live::Live,
    middleware::origin::OriginPolicy,
    remote_write::RemoteWrite,
    services::Services,
};
use axum::extract::FromRef;
use farol_app::shell::Assets;
use farol_model::host::HostInfo;
use leptos::config::LeptosOptions;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The parts of a running Farol.
#[derive(Clone, FromRef)]
pub struct AppState {
    pub config: Arc<Config>,
    pub access: Access,
    pub live: Live,
    pub runner: Runner,
    pub shelf: Arc<Shelf>,
    pub collectors: CollectorControl,
    pub services: Services,
    pub containers: Containers,
    pub ingest: Ingest,
    pub checks: Checks,
    pub remote_write: RemoteWrite,
    pub audit: AuditLog,
    pub boards: Boards,
    pub annotations: Annotations,
    /// None when the configuration wants none.
    pub history: Option<Store>,
    /// Facts about this machine, read at the start.
    pub host: Arc<HostInfo>,
    /// Names of the browser side's files.
    pub assets: Arc<Assets>,
    pub leptos: LeptosOptions,
    /// Which hosts and origins are ours.
    pub origins: Arc<OriginPolicy>,
    /// Cancelled when the process begins to drain.
    pub shutdown: CancellationToken,
}
