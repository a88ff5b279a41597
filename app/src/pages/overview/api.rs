use crate::{error::AppError, page_data::PageData};
use farol_model::{
    action::Mark, fields, health::CollectorStatus, packed, process::ProcessRow, sample::ChannelView,
};
use leptos::prelude::*;
use serde::Serialize;

/// Rows of each list of processes, and of the list of runs.
pub const LIST_ROWS: usize = 5;

/// What the overview shows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OverviewView {
    /// Name of the host.
    pub host: String,
    /// Its memory.
    pub memory_bytes: u64,
    /// The server's clock.
    pub now_ms: i64,
    pub collectors: Vec<CollectorStatus>,
    /// The channels that vital signs and charts are drawn from.
    pub channels: Vec<ChannelView>,
    /// The busiest and the largest processes, each once.
    #[serde(serialize_with = "packed::rows::serialize")]
    pub processes: Vec<ProcessRow>,
    /// The newest runs as HTML; absent when this viewer may not see runs.
    pub runs: Option<String>,
    /// What is marked on charts.
    pub marks: Option<Vec<Mark>>,
    /// Something to know first, as HTML; empty when there is nothing.
    pub notice: String,
}

fields!(OverviewView {
    host,
    memory_bytes,
    now_ms,
    collectors,
    channels,
    processes by packed::rows::from_json,
    runs,
    marks,
    notice,
});

/// Read once per page; after that the parts are live.
#[server(prefix = "/api/fn", endpoint = "overview", output = crate::json::Json, input = server_fn::codec::GetUrl)]
pub async fn get_overview() -> Result<PageData, AppError> {
    use farol_model::{Permission, channel::Channel};
    let (ports, viewer) = crate::request::allowed(Permission::ViewMetrics)?;
    let (host, now_ms) = (ports.metrics.host(), ports.metrics.now_ms());
    let runs = if viewer.may(Permission::ViewRuns) {
        let recent = ports.control.recent_runs(&viewer, LIST_ROWS as u32).await;
        let recent = recent.map_err(crate::request::refuse)?;
        Some(crate::pages::controls::drawn::run_list(&recent, now_ms))
    } else {
        None
    };
    let processes = if viewer.may(Permission::ViewProcesses) {
        super::top::both(&ports.metrics.processes().1, LIST_ROWS)
    } else {
        Vec::new()
    };
    let channels = super::vital::GROUPS
        .into_iter()
        .filter_map(|group| {
            ports
                .metrics
                .view(&Channel::local_metrics(group), crate::pages::host::HISTORY_MS)
        })
        .collect();
    PageData::of(OverviewView {
        host: host.name,
        memory_bytes: host.memory_bytes,
        now_ms,
        collectors: ports.metrics.collectors(),
        channels,
        processes,
        runs,
        marks: crate::request::marks(&ports, &viewer),
        notice: crate::pages::explore::lost_start(&ports, &viewer).await,
    })
}
