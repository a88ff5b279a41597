use crate::{error::AppError, page_data::PageData};
use leptos::prelude::*;

/// One page of runs as HTML. Empty texts and zero match all.
#[server(prefix = "/api/fn", endpoint = "runs", output = crate::json::Json, input = server_fn::codec::GetUrl)]
pub async fn get_runs(
    #[server(default)] action: String,
    #[server(default)] who: String,
    #[server(default)] status: String,
    #[server(default)] hours: String,
    #[server(default)] before: String,
) -> Result<PageData, AppError> {
    let (ports, viewer) = crate::request::allowed(farol_model::Permission::ViewRuns)?;
    let query = farol_model::action::RunsQuery {
        action,
        who,
        status,
        hours: hours.parse().unwrap_or_default(),
        before,
    };
    let drawn = super::drawn::runs(&ports, &viewer, query).await;
    PageData::drawn(drawn.map_err(crate::request::refuse)?)
}

/// What differs between the outputs of two runs, as HTML.
#[server(prefix = "/api/fn", endpoint = "compare", output = crate::json::Json, input = server_fn::codec::GetUrl)]
pub async fn get_comparison(
    #[server(default)] first: String,
    #[server(default)] second: String,
) -> Result<PageData, AppError> {
    let (ports, viewer) = crate::request::allowed(farol_model::Permission::ViewRuns)?;
    if first.is_empty() || second.is_empty() {
        let fault = farol_model::Fault::invalid("second", "Choose two runs on the page of runs first.");
        return Err(crate::request::refuse(fault));
    }
    let comparison = ports.runs.compare(&viewer, &first, &second).await;
    PageData::drawn(super::drawn::comparison(
        &comparison.map_err(crate::request::refuse)?,
    ))
}
