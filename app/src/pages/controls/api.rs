use crate::{error::AppError, page_data::PageData};
use farol_model::{
    action::{ActionSpec, Params, Run},
    fields,
};
use leptos::prelude::*;
use serde::Serialize;

/// What the page of controls shows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ControlsView {
    /// The actions that this viewer may run, in display order.
    pub specs: Vec<ActionSpec>,
    /// The newest first.
    pub runs: Vec<Run>,
    /// What keys of this page's forms start with.
    pub key_seed: String,
    /// The server's clock.
    pub now_ms: i64,
}

fields!(ControlsView {
    specs,
    runs,
    key_seed,
    now_ms
});

/// Read once per page.
#[server(prefix = "/api/fn", endpoint = "controls", output = crate::json::Json, input = server_fn::codec::GetUrl)]
pub async fn get_controls() -> Result<PageData, AppError> {
    /// How many runs the page lists.
    const RECENT_RUNS: u32 = 20;
    let (ports, viewer) = crate::request::allowed(farol_model::Permission::ViewRuns)?;
    let now_ms = ports.metrics.now_ms();
    PageData::of(ControlsView {
        specs: ports.control.specs(&viewer),
        runs: ports
            .control
            .recent_runs(&viewer, RECENT_RUNS)
            .await
            .map_err(crate::request::refuse)?,
        key_seed: crate::request::key_seed(now_ms),
        now_ms,
    })
}

/// Starts an action. A plain form is sent on to the page of the run; a request by script gets what [`get_run`] would answer.
/// The runner checks permission, parameters and confirmation again.
#[server(prefix = "/api/fn", endpoint = "run", output = crate::json::Json)]
pub async fn run_action(
    action: String,
    key: String,
    #[server(default)] params: Params,
    #[server(default)] confirm: bool,
) -> Result<PageData, AppError> {
    let (ports, viewer) = crate::ports::signed_in().map_err(crate::request::refuse)?;
    let request = farol_model::action::RunRequest {
        key,
        action,
        params,
        confirm,
    };
    let run = ports
        .control
        .run(&viewer, &ports.from, request)
        .await
        .map_err(crate::request::refuse)?;
    crate::request::go_after_form(&format!("/controls/runs/{}", run.id));
    // It was started, whether or not this viewer may see it: the answer must not say otherwise.
    let view = match ports.control.run_view(&viewer, &run.id).await {
        Ok(view) => view,
        Err(_) => farol_model::action::RunView::of(run),
    };
    PageData::of((view, ports.metrics.now_ms()))
}

/// Asks a run to stop.
#[server(prefix = "/api/fn", endpoint = "cancel", output = crate::json::Json)]
pub async fn cancel_run(run: String) -> Result<PageData, AppError> {
    let (ports, viewer) = crate::ports::signed_in().map_err(crate::request::refuse)?;
    let run = ports
        .control
        .cancel(&viewer, &ports.from, &run)
        .await
        .map_err(crate::request::refuse)?;
    crate::request::go_after_form(&format!("/controls/runs/{}", run.id));
    PageData::of(run)
}

/// A run with what it has printed so far ([`RunView`](farol_model::action::RunView)), and the server's clock.
#[server(prefix = "/api/fn", endpoint = "run-view", output = crate::json::Json, input = server_fn::codec::GetUrl)]
pub async fn get_run(id: String) -> Result<PageData, AppError> {
    let (ports, viewer) = crate::request::allowed(farol_model::Permission::ViewRuns)?;
    let view = ports
        .control
        .run_view(&viewer, &id)
        .await
        .map_err(crate::request::refuse)?;
    PageData::of((view, ports.metrics.now_ms()))
}
