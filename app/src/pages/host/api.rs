use crate::{error::AppError, page_data::PageData};
use farol_model::{action::Mark, fields, health::CollectorStatus, host::HostInfo, sample::ChannelView};
use leptos::prelude::*;
use serde::Serialize;

/// How far back charts reach when a page opens, milliseconds.
pub const HISTORY_MS: u32 = 300_000;

/// What the page of the host shows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HostView {
    pub host: HostInfo,
    /// The server's clock.
    pub now_ms: i64,
    /// In display order.
    pub collectors: Vec<CollectorStatus>,
    /// In display order.
    pub channels: Vec<ChannelView>,
    /// When runs began and ended; absent when this viewer may not see runs.
    pub marks: Option<Vec<Mark>>,
}

fields!(HostView {
    host,
    now_ms,
    collectors,
    channels,
    marks
});

/// Read once per page; after that the charts are live.
#[server(prefix = "/api/fn", endpoint = "host", output = crate::json::Json, input = server_fn::codec::GetUrl)]
pub async fn get_host() -> Result<PageData, AppError> {
    let (ports, viewer) = crate::request::allowed(farol_model::Permission::ViewMetrics)?;
    let channels = ports
        .metrics
        .channels()
        .iter()
        // Applications have pages of their own, but for Farol itself, which is a collector here.
        .filter(|name| !name.starts_with("apps/") || *name == "apps/farol")
        .filter_map(|name| ports.metrics.view(name, HISTORY_MS))
        .collect();
    PageData::of(HostView {
        host: ports.metrics.host(),
        now_ms: ports.metrics.now_ms(),
        collectors: ports.metrics.collectors(),
        channels,
        marks: crate::request::marks(&ports, &viewer),
    })
}
