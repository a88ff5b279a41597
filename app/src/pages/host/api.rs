use crate::{error::AppError, live_charts::LiveGroup, page_data::PageData};
use farol_model::{action::Mark, fields, health::CollectorStatus, sample::ChannelView};
use leptos::prelude::*;
use serde::Serialize;

/// How far back charts reach when a page opens, milliseconds.
pub const HISTORY_MS: u32 = 300_000;

/// What the page of the host shows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HostView {
    /// The list of groups and the head of the group that is open, as HTML.
    #[cfg_attr(feature = "ssr", serde(serialize_with = "crate::page_data::drawn::text"))]
    pub before: String,
    /// Facts about the host as HTML.
    #[cfg_attr(feature = "ssr", serde(serialize_with = "crate::page_data::drawn::text"))]
    pub after: String,
    /// The server's clock.
    pub now_ms: i64,
    /// In display order.
    pub collectors: Vec<CollectorStatus>,
    /// The group that is open and its charts, if it has anything to draw live.
    pub channel: Option<ChannelView>,
    pub live: LiveGroup,
    /// What is marked on live charts; absent where there are none.
    pub marks: Option<Vec<Mark>>,
}

fields!(HostView {
    before,
    after,
    now_ms,
    collectors,
    channel,
    live,
    marks
});

/// Read once per page; after that the charts are live. `query` is that of the page's address: no group is the first; a range is a
/// time that is past, looked at as the rest of it says. `by_itself`: the page asks again without anybody having done anything.
#[server(prefix = "/api/fn", endpoint = "host", output = crate::json::Json, input = server_fn::codec::GetUrl)]
pub async fn get_host(
    #[server(default)] query: String,
    #[server(default)] by_itself: bool,
) -> Result<PageData, AppError> {
    let (ports, viewer) = crate::request::allowed(farol_model::Permission::ViewMetrics)?;
    let marks = crate::request::marks(&ports, &viewer);
    // Read where the session is.
    let _ = by_itself;
    let asked = super::drawn::Asked::read(&query, ports.metrics.now_ms());
    let drawn = crate::request::marks_over(&ports, &viewer, asked.range()).await;
    let page = super::drawn::host(ports.metrics.as_ref(), &asked, &drawn).await;
    PageData::of(HostView {
        before: page.before,
        after: page.after,
        now_ms: ports.metrics.now_ms(),
        collectors: ports.metrics.collectors(),
        channel: page.channel,
        live: page.live,
        marks,
    })
}
