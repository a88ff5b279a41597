use crate::{error::AppError, live_charts::LiveGroup, page_data::PageData};
use farol_model::{action::Mark, fields, sample::ChannelView};
use leptos::prelude::*;
use serde::Serialize;

/// One of these pages.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AppsView {
    #[cfg_attr(feature = "ssr", serde(serialize_with = "crate::page_data::drawn::text"))]
    pub html: String,
    /// Of the source whose page it is, and the charts of it that follow.
    pub channel: Option<ChannelView>,
    pub live: LiveGroup,
    /// What is marked on live charts; absent where there are none.
    pub marks: Option<Vec<Mark>>,
}

fields!(AppsView {
    html,
    channel,
    live,
    marks
});

/// The page at an address: path and query. `by_itself`: it asks again for its words without anybody having done anything.
#[server(prefix = "/api/fn", endpoint = "apps", output = crate::json::Json, input = server_fn::codec::GetUrl)]
pub async fn get_apps(
    #[server(default)] at: String,
    #[server(default)] by_itself: bool,
) -> Result<PageData, AppError> {
    use super::{
        checks, drawn,
        source::{self, Pick},
    };
    let (ports, viewer) = crate::request::allowed(farol_model::Permission::ViewMetrics)?;
    let now_ms = ports.metrics.now_ms();
    let (path, query) = at.split_once('?').unwrap_or((&at, ""));
    let mut view = AppsView {
        html: String::new(),
        channel: None,
        live: LiveGroup::default(),
        marks: None,
    };
    if path == "/checks" {
        view.html = checks::checks(&ports.apps.checks(), now_ms);
    } else if let Some(name) = path.strip_prefix("/apps/") {
        let found = ports
            .apps
            .sources()
            .into_iter()
            .find(|source| source.name == name);
        let channel = source::view_of(&*ports.metrics, name);
        if found.is_none() && channel.is_none() {
            let words = "There is no source of this name. Either it has sent nothing since Farol started, or it is spelled otherwise.";
            return Err(crate::request::refuse(farol_model::Fault::not_found(words)));
        }
        let pick = Pick::of(query);
        let chosen = channel
            .as_ref()
            .map(|channel| pick.choose(&channel.schema))
            .unwrap_or_default();
        let marks = crate::request::marks(&ports, &viewer);
        let mut still = source::still(&ports, &viewer, name, query, &pick, &chosen).await;
        let channel = channel.filter(|_| still.charts.is_none());
        if let Some(channel) = &channel {
            let metrics = &*ports.metrics;
            view.live = source::live(metrics, channel, name, &pick, &chosen, &mut still).await;
        }
        view.html = source::source(name, found.as_ref(), &pick, &chosen, still, now_ms);
        if !by_itself {
            view.channel = channel;
            view.marks = marks;
        }
    } else {
        view.html = drawn::sources(&ports.apps.sources(), &ports.apps.receivers(), now_ms);
    }
    PageData::of(view)
}
