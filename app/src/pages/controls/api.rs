use crate::error::AppError;
use farol_model::action::{ActionSpec, Params, Run, RunView};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// What the page of controls shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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

/// Read once per page.
#[server(prefix = "/api/fn", endpoint = "controls", input = server_fn::codec::GetUrl)]
pub async fn get_controls() -> Result<ControlsView, AppError> {
    /// How many runs the page lists.
    const RECENT_RUNS: u32 = 20;
    let (ports, viewer) = crate::request::allowed(farol_model::Permission::ViewRuns)?;
    let now_ms = ports.metrics.now_ms();
    Ok(ControlsView {
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

/// Starts an action. A plain form is sent on to the page of the run; a request by script gets the run. The runner checks
/// permission, parameters and confirmation again.
#[server(prefix = "/api/fn", endpoint = "run")]
pub async fn run_action(
    action: String,
    key: String,
    #[server(default)] params: Params,
    #[server(default)] confirm: bool,
) -> Result<Run, AppError> {
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
    Ok(run)
}

/// Asks a run to stop.
#[server(prefix = "/api/fn", endpoint = "cancel")]
pub async fn cancel_run(run: String) -> Result<Run, AppError> {
    let (ports, viewer) = crate::ports::signed_in().map_err(crate::request::refuse)?;
    let run = ports
        .control
        .cancel(&viewer, &ports.from, &run)
        .await
        .map_err(crate::request::refuse)?;
    crate::request::go_after_form(&format!("/controls/runs/{}", run.id));
    Ok(run)
}

/// A run with what it has printed so far, and the server's clock.
#[server(prefix = "/api/fn", endpoint = "run-view", input = server_fn::codec::GetUrl)]
pub async fn get_run(id: String) -> Result<(RunView, i64), AppError> {
    let (ports, viewer) = crate::request::allowed(farol_model::Permission::ViewRuns)?;
    let view = ports
        .control
        .run_view(&viewer, &id)
        .await
        .map_err(crate::request::refuse)?;
    Ok((view, ports.metrics.now_ms()))
}
