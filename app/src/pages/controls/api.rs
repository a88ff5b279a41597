use crate::{error::AppError, page_data::PageData};
use farol_model::{
    action::{ActionSpec, PanelNotes, Params},
    fields,
};
use leptos::prelude::*;
use serde::Serialize;

/// What the page of controls shows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ControlsView {
    /// The actions that this viewer may run and that make sense by themselves, in display order.
    pub specs: Vec<ActionSpec>,
    /// What their panels show beside the specs, in the same order.
    pub notes: Vec<PanelNotes>,
    /// An action that is looked at before it runs, where the other actions are, and what is wrong with files of runbooks, as HTML.
    pub above: String,
    /// The action to be run again, and the values that it had.
    pub again: (String, Params),
    /// The newest runs as HTML.
    pub runs: String,
    /// What keys of this page's forms start with.
    pub key_seed: String,
}

fields!(ControlsView {
    specs,
    notes,
    above,
    again,
    runs,
    key_seed
});

/// Read once per page. `again` is the run whose values the panel of its action begins with.
#[server(prefix = "/api/fn", endpoint = "controls", output = crate::json::Json, input = server_fn::codec::GetUrl)]
pub async fn get_controls(#[server(default)] again: String) -> Result<PageData, AppError> {
    /// How many runs the page lists.
    const RECENT_RUNS: u32 = 20;
    let (ports, viewer) = crate::request::allowed(farol_model::Permission::ViewRuns)?;
    let now_ms = ports.metrics.now_ms();
    let mut specs = ports.control.specs_on(&viewer, None);
    let look = super::look::look(&ports, &viewer, &again, &crate::request::query());
    let again = match again.is_empty() || look.is_some() {
        true => Default::default(),
        false => {
            let view = ports.control.run_view(&viewer, &again).await;
            let run = view.map_err(crate::request::refuse)?.run;
            // What is done to something has its panel here only when it is to be done once more.
            let all = ports.control.specs(&viewer);
            if let Some(spec) = all.into_iter().find(|spec| spec.id == run.action)
                && !specs.contains(&spec)
            {
                specs.insert(0, spec);
            }
            (run.action.clone(), super::drawn::values_again(&specs, &run))
        }
    };
    let runs = ports.control.recent_runs(&viewer, RECENT_RUNS).await;
    let runs = runs.map_err(crate::request::refuse)?;
    PageData::of(ControlsView {
        notes: ports.runs.notes(&specs),
        above: look.unwrap_or_default() + &super::drawn::above(&ports, &viewer, !specs.is_empty()),
        again,
        specs,
        runs: super::drawn::run_list(&runs, now_ms),
        key_seed: crate::request::key_seed(now_ms),
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
    #[server(default)] typed: String,
) -> Result<PageData, AppError> {
    let (ports, viewer) = crate::ports::signed_in().map_err(crate::request::refuse)?;
    let request = farol_model::action::RunRequest {
        confirm: confirm || super::drawn::typed_right(&ports, &viewer, &action, &typed),
        key,
        action,
        params,
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
    let more = super::drawn::more(&ports, &viewer, &view.run).await;
    PageData::of((view, (ports.metrics.now_ms(), more)))
}

/// What exactly would run, as HTML. Does nothing.
#[server(prefix = "/api/fn", endpoint = "preview", output = crate::json::Json)]
pub async fn preview_action(action: String, #[server(default)] params: Params) -> Result<PageData, AppError> {
    let (ports, viewer) = crate::ports::signed_in().map_err(crate::request::refuse)?;
    let lines = ports.runs.preview(&viewer, &action, &params);
    PageData::of(super::drawn::preview(&lines.map_err(crate::request::refuse)?))
}

/// Says yes or no to a run that waits for a second person.
#[server(prefix = "/api/fn", endpoint = "decide", output = crate::json::Json)]
pub async fn decide_run(run: String, word: String) -> Result<PageData, AppError> {
    let (ports, viewer) = crate::ports::signed_in().map_err(crate::request::refuse)?;
    let yes = match word.as_str() {
        "approve" => true,
        "deny" => false,
        _ => {
            let fault = farol_model::Fault::invalid("word", "Say approve or deny.");
            return Err(crate::request::refuse(fault));
        }
    };
    let decided = ports.runs.decide(&viewer, &ports.from, &run, yes).await;
    let decided = match decided {
        Err(fault) if crate::request::prove_first(&fault, &format!("/controls/runs/{run}")) => {
            return PageData::of(fault);
        }
        decided => decided.map_err(crate::request::refuse)?,
    };
    crate::request::go_after_form(&format!("/controls/runs/{}", decided.id));
    PageData::of(decided)
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

/// A run with what it has printed so far ([`RunView`](farol_model::action::RunView)), the server's clock, and what else there
/// is to say of it as HTML.
#[server(prefix = "/api/fn", endpoint = "run-view", output = crate::json::Json, input = server_fn::codec::GetUrl)]
pub async fn get_run(id: String) -> Result<PageData, AppError> {
    let (ports, viewer) = crate::request::allowed(farol_model::Permission::ViewRuns)?;
    let view = ports
        .control
        .run_view(&viewer, &id)
        .await
        .map_err(crate::request::refuse)?;
    let more = super::drawn::more(&ports, &viewer, &view.run).await;
    PageData::of((view, (ports.metrics.now_ms(), more)))
}
