//! Runs and actions over plain HTTP, for programs: `/api/v1`. [`problem`] says what is wrong as RFC 9457 has it, [`openapi`]
//! describes all of it. The runner decides, as it does for the pages and for rpc; here is only what HTTP adds.
//!
//! To add an address: a handler with its `utoipa::path`, a line in [`routes`], one in `openapi::Described`, its errors in
//! `openapi::ERRORS`, then `cargo xtask openapi`.

pub mod annotations;
pub mod apps;
pub mod history;
pub mod openapi;
pub mod problem;
pub mod render;

use crate::{access::Identity, actions::runner::Runner, live::PeerAddress};
use axum::{
    Extension, Json, Router,
    extract::{
        Path, Query, State,
        rejection::{JsonRejection, PathRejection, QueryRejection},
    },
    response::{IntoResponse, Response},
    routing::{get, post},
};
use farol_model::{
    Fault,
    action::{ActionSpec, OutputStream, Params, Run, RunRequest},
};
use http::{HeaderMap, StatusCode, header};
use problem::Problem;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The header that makes a run happen once: the key of the run (draft-ietf-httpapi-idempotency-key-header).
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Runs that are listed when nobody says how many, and at most.
const LISTED: (u32, u32) = (50, 200);

/// All addresses.
pub fn routes(runner: Runner) -> Router {
    Router::new()
        .route("/api/v1/actions", get(actions))
        .route("/api/v1/runs", get(list).post(start))
        .route("/api/v1/runs/{id}", get(one))
        .route("/api/v1/runs/{id}/output", get(output))
        .route("/api/v1/runs/{id}/cancel", post(cancel))
        .route(openapi::PATH, get(openapi::serve))
        .with_state(runner)
}

/// Whether an address is one of these: what is refused there is a problem.
pub fn owns(path: &str) -> bool {
    path == openapi::PATH
        || history::PATHS.contains(&path)
        || [
            "/api/v1/actions",
            "/api/v1/annotations",
            "/api/v1/apps",
            "/api/v1/checks",
            "/api/v1/push",
            "/api/v1/runs",
        ]
        .iter()
        .any(|base| {
            path.strip_prefix(base)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
}

/// A whole number, however it is written: for JSON Schema `2852.0` is one (2020-12 validation, section 6.1.1).
pub fn whole<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let Some(number) = Option::<serde_json::Number>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let written_with_a_point = || {
        let value = number.as_f64()?;
        // All whole numbers below 2^53 are told apart.
        (value.fract() == 0.0 && value.abs() < 9e15).then_some(value as i64)
    };
    let found = number.as_i64().or_else(written_with_a_point);
    found
        .map(Some)
        .ok_or_else(|| serde::de::Error::custom("it must be a whole number"))
}

/// What is to be run.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunOrder {
    /// Id of an action, as `GET /api/v1/actions` has it.
    pub action: String,
    /// Values by name, as text.
    #[serde(default)]
    pub params: Params,
    /// Required to be true for a dangerous action.
    #[serde(default)]
    pub confirm: bool,
}

/// What the caller may run.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ActionList {
    pub actions: Vec<ActionSpec>,
}

/// The newest runs first.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RunList {
    pub runs: Vec<Run>,
}

/// What a run has printed so far.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RunOutput {
    pub output: Vec<Piece>,
    /// Whether more was printed than is kept.
    pub truncated: bool,
}

/// A piece of output, in the order of printing.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Piece {
    pub stream: OutputStream,
    pub text: String,
}

#[derive(Debug, Deserialize)]
pub struct ListQuery {
    limit: Option<u32>,
}

/// The actions that the caller may run.
#[utoipa::path(
    get, path = "/api/v1/actions", tag = "actions", operation_id = "listActions",
    responses((status = 200, description = "They and their parameters", body = ref("#/components/schemas/ActionList")))
)]
pub async fn actions(
    State(runner): State<Runner>,
    identity: Option<Extension<Identity>>,
) -> Result<Json<ActionList>, Problem> {
    let Extension(identity) = identity.ok_or_else(Fault::unauthenticated)?;
    Ok(Json(ActionList {
        actions: runner.specs(&identity.viewer),
    }))
}

/// The newest runs.
#[utoipa::path(
    get, path = "/api/v1/runs", tag = "runs", operation_id = "listRuns",
    params(("limit" = Option<u32>, Query, description = "How many at most", minimum = 1, maximum = 200)),
    responses((status = 200, description = "Newest first", body = ref("#/components/schemas/RunList")))
)]
pub async fn list(
    State(runner): State<Runner>,
    identity: Option<Extension<Identity>>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<RunList>, Problem> {
    let Extension(identity) = identity.ok_or_else(Fault::unauthenticated)?;
    let Query(query) = query?;
    let limit = query.limit.unwrap_or(LISTED.0);
    if !(1..=LISTED.1).contains(&limit) {
        return Err(Fault::invalid("limit", format!("limit must be from 1 to {}.", LISTED.1)).into());
    }
    let runs = runner.recent(&identity.viewer, limit).await?;
    Ok(Json(RunList { runs }))
}

/// Starts a run. The same key of the same user is the same run, however often it is sent: then this tells how it stands.
#[utoipa::path(
    post, path = "/api/v1/runs", tag = "runs", operation_id = "startRun",
    params(("Idempotency-Key" = String, Header, description = "Chosen by the caller, new for each run",
        pattern = "^[A-Za-z0-9_-]{8,64}$")),
    request_body(content = ref("#/components/schemas/RunOrder"), content_type = "application/json"),
    responses((status = 202, description = "It was accepted, now or before",
        body = ref("#/components/schemas/Run"), headers(("Location" = String, description = "Where it is told"))))
)]
pub async fn start(
    State(runner): State<Runner>,
    identity: Option<Extension<Identity>>,
    Extension(PeerAddress(address)): Extension<PeerAddress>,
    headers: HeaderMap,
    order: Result<Json<RunOrder>, JsonRejection>,
) -> Result<Response, Problem> {
    let Extension(identity) = identity.ok_or_else(Fault::unauthenticated)?;
    let Json(order) = order?;
    let key = headers.get(IDEMPOTENCY_KEY).ok_or_else(|| {
        Fault::invalid(
            "Idempotency-Key",
            "The header Idempotency-Key is missing. Choose one for each run: it makes the run happen once.",
        )
    })?;
    let request = RunRequest {
        // What is no text is no key, and is refused as such.
        key: key.to_str().unwrap_or_default().to_owned(),
        action: order.action,
        params: order.params,
        confirm: order.confirm,
    };
    let started = runner.start(&identity, &address.to_string(), request).await;
    let run = started.map_err(|fault| match fault.field.as_deref() {
        Some("key") => Fault {
            field: Some("Idempotency-Key".to_owned()),
            ..fault
        },
        _ => fault,
    })?;
    let location = format!("/api/v1/runs/{}", run.id);
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(run)).into_response())
}

/// A run as it stands.
#[utoipa::path(
    get, path = "/api/v1/runs/{id}", tag = "runs", operation_id = "getRun",
    params(("id" = String, Path, description = "Id of the run", pattern = "^[0-9A-HJKMNP-TV-Z]{26}$")),
    responses((status = 200, description = "How it stands", body = ref("#/components/schemas/Run")))
)]
pub async fn one(
    State(runner): State<Runner>,
    identity: Option<Extension<Identity>>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<Run>, Problem> {
    let Extension(identity) = identity.ok_or_else(Fault::unauthenticated)?;
    let Path(id) = id?;
    Ok(Json(runner.get(&identity.viewer, &id).await?.run))
}

/// What a run has printed so far.
#[utoipa::path(
    get, path = "/api/v1/runs/{id}/output", tag = "runs", operation_id = "getRunOutput",
    params(("id" = String, Path, description = "Id of the run", pattern = "^[0-9A-HJKMNP-TV-Z]{26}$")),
    responses((status = 200, description = "In pieces", body = ref("#/components/schemas/RunOutput")))
)]
pub async fn output(
    State(runner): State<Runner>,
    identity: Option<Extension<Identity>>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<RunOutput>, Problem> {
    let Extension(identity) = identity.ok_or_else(Fault::unauthenticated)?;
    let Path(id) = id?;
    let view = runner.get(&identity.viewer, &id).await?;
    let pieces = view.output.into_iter();
    Ok(Json(RunOutput {
        output: pieces.map(|(stream, text)| Piece { stream, text }).collect(),
        truncated: view.truncated,
    }))
}

/// Asks a run to stop. How it ended is told where the run is.
#[utoipa::path(
    post, path = "/api/v1/runs/{id}/cancel", tag = "runs", operation_id = "cancelRun",
    params(("id" = String, Path, description = "Id of the run", pattern = "^[0-9A-HJKMNP-TV-Z]{26}$")),
    responses((status = 202, description = "It was asked", body = ref("#/components/schemas/Run")))
)]
pub async fn cancel(
    State(runner): State<Runner>,
    identity: Option<Extension<Identity>>,
    Extension(PeerAddress(address)): Extension<PeerAddress>,
    id: Result<Path<String>, PathRejection>,
) -> Result<(StatusCode, Json<Run>), Problem> {
    let Extension(identity) = identity.ok_or_else(Fault::unauthenticated)?;
    let Path(id) = id?;
    let run = runner.cancel(&identity.viewer, &address.to_string(), &id).await?;
    Ok((StatusCode::ACCEPTED, Json(run)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ours_is_known_by_its_whole_name() {
        for ours in [
            "/api/v1/runs",
            "/api/v1/runs/x/y",
            "/api/v1/actions",
            "/api/v1/openapi.json",
            "/api/v1/query_range",
            "/api/v1/render.svg",
            "/api/v1/render.png",
        ] {
            assert!(owns(ours), "{ours}");
        }
        for other in ["/api/v1/runsx", "/api/v1/tickets", "/api/v1/", "/runs"] {
            assert!(!owns(other), "{other}");
        }
    }
}
