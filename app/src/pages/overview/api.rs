use crate::{error::AppError, live_charts::LiveGroup, page_data::PageData};
use farol_model::{
    action::Mark, fields, health::CollectorStatus, packed, process::ProcessRow, sample::ChannelView,
};
use leptos::prelude::*;
use serde::Serialize;

/// Rows of each list of processes, and of the list of runs.
pub const LIST_ROWS: usize = 5;

/// What the overview shows.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct OverviewView {
    /// Name of the host.
    pub host: String,
    /// Its memory.
    pub memory_bytes: u64,
    /// The server's clock.
    pub now_ms: i64,
    pub collectors: Vec<CollectorStatus>,
    /// The channels that vital signs and live charts are drawn from, with the values of these alone.
    pub channels: Vec<ChannelView>,
    /// Ways to other times and looks, and the charts of a time that is past, as HTML.
    #[cfg_attr(feature = "ssr", serde(serialize_with = "crate::page_data::drawn::text"))]
    pub charts: String,
    /// The charts that are live, of each channel that has one; none on a page of a time that is past.
    pub live: Vec<LiveGroup>,
    /// The busiest and the largest processes, each once.
    #[serde(serialize_with = "packed::rows::serialize")]
    pub processes: Vec<ProcessRow>,
    /// The newest runs as HTML; absent when this viewer may not see runs.
    #[cfg_attr(feature = "ssr", serde(serialize_with = "crate::page_data::drawn::some"))]
    pub runs: Option<String>,
    /// What is marked on charts.
    pub marks: Option<Vec<Mark>>,
    /// Something to know first, as HTML; empty when there is nothing.
    #[cfg_attr(feature = "ssr", serde(serialize_with = "crate::page_data::drawn::text"))]
    pub notice: String,
}

fields!(OverviewView {
    host,
    memory_bytes,
    now_ms,
    collectors,
    channels,
    charts,
    live,
    processes by packed::rows::from_json,
    runs,
    marks,
    notice,
});

/// Read once per page; after that the parts are live. `query` is that of the page's address: a range is a time that is past, looked at
/// as the rest of it says. `only_charts`: the page stands and another time is wanted. `by_itself`: it asks without anybody having done
/// anything.
#[server(prefix = "/api/fn", endpoint = "overview", output = crate::json::Json, input = server_fn::codec::GetUrl)]
pub async fn get_overview(
    #[server(default)] query: String,
    #[server(default)] only_charts: bool,
    #[server(default)] by_itself: bool,
) -> Result<PageData, AppError> {
    use super::{drawn, top, vital::GROUPS};
    use farol_model::{Permission, channel::Channel};
    let (ports, viewer) = crate::request::allowed(Permission::ViewMetrics)?;
    // Read where the session is.
    let _ = by_itself;
    let (host, now_ms) = (ports.metrics.host(), ports.metrics.now_ms());
    let reach_ms = if only_charts {
        1
    } else {
        crate::pages::host::HISTORY_MS
    };
    let view = |group| ports.metrics.view(&Channel::local_metrics(group), reach_ms);
    let channels: Vec<ChannelView> = GROUPS.into_iter().filter_map(view).collect();
    let past = crate::past::gesture::has_time(&query);
    let asked = crate::past::asked::asked(&query, now_ms);
    let range = asked.as_ref().ok().and_then(|(range, _)| range.as_ref());
    let marked = crate::request::marks_over(&ports, &viewer, range).await;
    let charts = drawn::charts(ports.metrics.as_ref(), &channels, &asked, past, &marked).await;
    if only_charts {
        return PageData::of(OverviewView {
            charts: charts.html,
            ..OverviewView::default()
        });
    }
    let runs = if viewer.may(Permission::ViewRuns) {
        let recent = ports.control.recent_runs(&viewer, LIST_ROWS as u32).await;
        let recent = recent.map_err(crate::request::refuse)?;
        Some(crate::pages::controls::drawn::run_list(&recent, now_ms))
    } else {
        None
    };
    let processes = if viewer.may(Permission::ViewProcesses) {
        top::both(&ports.metrics.processes().1, LIST_ROWS)
    } else {
        Vec::new()
    };
    PageData::of(OverviewView {
        host: host.name,
        memory_bytes: host.memory_bytes,
        now_ms,
        collectors: ports.metrics.collectors(),
        channels: drawn::spared(channels, past),
        charts: charts.html,
        live: charts.live,
        processes,
        runs,
        marks: crate::request::marks(&ports, &viewer),
        notice: crate::pages::explore::lost_start(&ports, &viewer).await,
    })
}
