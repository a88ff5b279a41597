//! Metrics of applications over plain HTTP: how their sources and the health checks stand, and `POST /api/v1/push` for programs that
//! have nothing but an HTTP client. OpenTelemetry has an address of its own, `ingest::receive`.

use super::problem::Problem;
use crate::{
    access::Identity,
    checks::Checks,
    ingest::{
        Ingest,
        sample::{MAX_LABELS, Sample, Shape, segment_from},
    },
    time::now_ms,
};
use axum::{
    Extension, Json, Router,
    extract::{
        DefaultBodyLimit, Query, State,
        rejection::{JsonRejection, QueryRejection},
    },
    routing::{get, post},
};
use farol_model::{
    Fault, Permission,
    ingest::{Check, Source, SourceKind},
    metric::Unit,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Values of one push at most.
pub const MAX_VALUES: usize = 10_000;
/// The source of those who name none.
const USUAL: &str = "push";
/// The latest time that is taken, milliseconds since the epoch: the end of the year 9999.
const MAX_T_MS: i64 = 253_402_300_799_000;

/// All addresses.
pub fn routes(ingest: Ingest, checks: Checks) -> Router {
    let most = ingest.config().max_body_bytes;
    let of_checks = Router::new()
        .route("/api/v1/checks", get(self::checks))
        .with_state(checks);
    Router::new()
        .route("/api/v1/apps", get(apps))
        .route("/api/v1/push", post(push))
        .layer(DefaultBodyLimit::max(most))
        .with_state(ingest)
        .merge(of_checks)
}

/// By name.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AppList {
    pub sources: Vec<Source>,
}

/// In the order of the configuration.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CheckList {
    pub checks: Vec<Check>,
}

/// One value.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PushedValue {
    /// With the base unit as suffix; `_total` at its end says that it only grows.
    #[schemars(length(min = 1, max = 200), regex(pattern = r"^[a-zA-Z_:][a-zA-Z0-9_:]*$"))]
    pub name: String,
    /// At most 32, of at most 256 characters each.
    #[serde(default)]
    #[schemars(extend(
        "maxProperties" = 32,
        "propertyNames" = {"pattern": "^[a-zA-Z_][a-zA-Z0-9_]*$", "maxLength": 100},
        "additionalProperties" = {"type": "string", "maxLength": 256},
    ))]
    pub labels: BTreeMap<String, String>,
    pub value: f64,
    /// What its name says when left out.
    #[serde(default)]
    pub unit: Option<Unit>,
    /// When it was measured, milliseconds since the epoch: what the increase of a counter is divided by. Now when left out.
    #[serde(default, deserialize_with = "super::whole")]
    #[schemars(range(min = 0, max = 253_402_300_799_000_i64))]
    pub t_ms: Option<i64>,
}

/// What came of a push.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Pushed {
    pub accepted: u64,
    /// Values of series that are new while the source has as many as it may.
    pub refused: u64,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct PushQuery {
    source: Option<String>,
}

/// The sources of application metrics, and how they stand.
#[utoipa::path(
    get, path = "/api/v1/apps", tag = "apps", operation_id = "listApps",
    responses((status = 200, description = "By name", body = ref("#/components/schemas/AppList")))
)]
pub async fn apps(
    State(ingest): State<Ingest>,
    identity: Option<Extension<Identity>>,
) -> Result<Json<AppList>, Problem> {
    require(identity, Permission::ViewMetrics)?;
    Ok(Json(AppList {
        sources: ingest.sources(),
    }))
}

/// The health checks, and how they stand.
#[utoipa::path(
    get, path = "/api/v1/checks", tag = "apps", operation_id = "listChecks",
    responses((status = 200, description = "In the order of the configuration",
        body = ref("#/components/schemas/CheckList")))
)]
pub async fn checks(
    State(checks): State<Checks>,
    identity: Option<Extension<Identity>>,
) -> Result<Json<CheckList>, Problem> {
    require(identity, Permission::ViewMetrics)?;
    Ok(Json(CheckList { checks: checks.all() }))
}

/// Whether whoever asks is known, and may.
fn require(identity: Option<Extension<Identity>>, permission: Permission) -> Result<(), Fault> {
    let Extension(identity) = identity.ok_or_else(Fault::unauthenticated)?;
    identity.viewer.require(permission)
}

/// Takes values. All of them are wrong in form or none is; above the limit of series new ones are refused and counted.
#[utoipa::path(
    post, path = "/api/v1/push", tag = "apps", operation_id = "pushMetrics",
    params(("source" = Option<String>, Query, description = "Whose values they are; their channel is apps/NAME",
        pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")),
    request_body(content = ref("#/components/schemas/PushedValue"), content_type = "application/json"),
    responses((status = 200, description = "They were taken", body = ref("#/components/schemas/Pushed")))
)]
pub async fn push(
    State(ingest): State<Ingest>,
    identity: Option<Extension<Identity>>,
    query: Result<Query<PushQuery>, QueryRejection>,
    values: Result<Json<Vec<PushedValue>>, JsonRejection>,
) -> Result<Json<Pushed>, Problem> {
    require(identity, Permission::PushMetrics)?;
    let Query(query) = query?;
    let Json(values) = values?;
    let name = query.source.unwrap_or_else(|| USUAL.to_owned());
    let begins = name.starts_with(|first: char| first.is_ascii_alphanumeric());
    if !begins || segment_from(&name).as_deref() != Some(name.as_str()) {
        let words =
            "source must be 1 to 64 of letters, digits, `.`, `_` and `-`, beginning with a letter or digit.";
        return Err(Fault::invalid("source", words).into());
    }
    if values.is_empty() || values.len() > MAX_VALUES {
        let words = format!("Send 1 to {MAX_VALUES} values at once.");
        return Err(Fault::invalid("values", words).into());
    }
    let now = now_ms();
    let mut samples = Vec::with_capacity(values.len());
    for (at, value) in values.into_iter().enumerate() {
        samples.push(
            sample(value, now)
                .map_err(|why| Fault::invalid(at.to_string(), format!("Value {at}: {why}.")))?,
        );
    }
    // It is a lot of work for one of the threads that answer.
    let taken = tokio::task::spawn_blocking(move || ingest.take(SourceKind::Push, &name, &samples)).await;
    let taken = taken.map_err(|_| Fault::internal())??;
    Ok(Json(Pushed {
        accepted: taken.accepted,
        refused: taken.refused,
        reason: taken.why,
    }))
}

/// A value as it is kept, or why it is none.
fn sample(value: PushedValue, now_ms: i64) -> Result<Sample, String> {
    let t_ms = value.t_ms.unwrap_or(now_ms);
    if !(0..=MAX_T_MS).contains(&t_ms) {
        return Err(format!("t_ms must be from 0 to {MAX_T_MS}"));
    }
    if value.labels.len() > MAX_LABELS {
        return Err(format!("there are more than {MAX_LABELS} labels"));
    }
    let sample = Sample {
        labels: value.labels.into_iter().collect(),
        shape: match value.name.ends_with("_total") {
            true => Shape::Counter,
            false => Shape::Gauge,
        },
        unit: value.unit,
        ..Sample::gauge(&value.name, value.value, t_ms)
    };
    match sample.problem() {
        Some(why) => Err(why),
        None => Ok(sample),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_whole_number_however_it_is_written() {
        let read = |t_ms: &str| {
            let text = format!(r#"{{"name":"a","value":1,"t_ms":{t_ms}}}"#);
            serde_json::from_str::<PushedValue>(&text).map(|value| value.t_ms)
        };
        assert_eq!(read("2852").unwrap(), Some(2852));
        assert_eq!(read("2852.0").unwrap(), Some(2852));
        assert_eq!(read("null").unwrap(), None);
        for wrong in ["2852.5", "1e300", "\"2852\""] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
