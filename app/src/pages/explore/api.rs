use crate::{error::AppError, page_data::PageData};
use leptos::prelude::*;

/// What stands at an address of Explore or of boards, as HTML. `/explore/found` is only what is found, for who types.
#[server(prefix = "/api/fn", endpoint = "explore", output = crate::json::Json, input = server_fn::codec::GetUrl)]
pub async fn get_explore(
    #[server(default)] at: String,
    #[server(default)] by_itself: bool,
) -> Result<PageData, AppError> {
    use super::{drawn, found, saved};
    let (ports, viewer) = crate::request::allowed(farol_model::Permission::ViewMetrics)?;
    // Read where the session is.
    let _ = by_itself;
    let (path, query) = at.split_once('?').unwrap_or((&at, ""));
    let html = match path.trim_end_matches('/') {
        "/boards" => saved::boards(&ports, &viewer, query).await,
        "/explore/found" => Ok(found::only(&ports, query).await),
        path => match path.strip_prefix("/boards/") {
            Some(id) => saved::board(&ports, &viewer, id, query).await,
            None => drawn::explore(&ports, &viewer, query).await,
        },
    };
    PageData::drawn(html.map_err(crate::request::refuse)?)
}
