//! The REST API as an OpenAPI 3.1 document: addresses by utoipa from the handlers, schemas by schemars from the types that
//! travel, as docs/asyncapi.yaml has them. `farol openapi` prints it, `cargo xtask openapi` keeps docs/openapi.json, and a test
//! fails when that file says something else.
//!
//! Anybody may read it: it says what any Farol of this version says, and nothing of this machine.

use super::problem::{self, Problem};
use axum::response::{IntoResponse, Response};
use farol_model::schema::SchemaSettings;
use http::{StatusCode, header};
use serde_json::{Map, Value, json};
use utoipa::OpenApi;

/// Where it is.
pub const PATH: &str = "/api/v1/openapi.json";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Farol",
        description = "Start actions, follow and cancel runs; read the history of metrics; send metrics of applications; mark on charts what happened. What is wrong is told as RFC 9457 problem details. \
            docs/PROTOCOL.md and docs/asyncapi.yaml have what is live."
    ),
    paths(
        super::actions,
        super::list,
        super::start,
        super::one,
        super::output,
        super::cancel,
        super::history::status,
        super::history::series,
        super::history::query_range,
        super::history::csv::export_csv,
        super::history::parquet::export_parquet,
        super::render::svg,
        super::render::png,
        super::apps::apps,
        super::apps::checks,
        super::apps::push,
        super::annotations::list,
        super::annotations::add,
        super::annotations::remove
    )
)]
struct Described;

/// What an operation may be refused with, beside what all may.
const ERRORS: [(&str, &[u16]); 19] = [
    ("listActions", &[]),
    ("listRuns", &[400, 422]),
    ("startRun", &[400, 404, 409, 413, 415, 422, 429]),
    ("getRun", &[400, 404]),
    ("getRunOutput", &[400, 404]),
    ("cancelRun", &[400, 404, 409, 413]),
    ("getHistory", &[]),
    ("listSeries", &[400, 422]),
    ("queryRange", &[400, 422, 429]),
    ("exportCsv", &[400, 422, 429]),
    ("exportParquet", &[400, 422, 429]),
    ("renderSvg", &[400, 422, 429]),
    ("renderPng", &[400, 422, 429]),
    ("listApps", &[]),
    ("listChecks", &[]),
    ("listAnnotations", &[400, 422]),
    ("addAnnotation", &[400, 413, 415, 422]),
    ("removeAnnotation", &[400, 404, 413]),
    ("pushMetrics", &[400, 409, 413, 415, 422, 429]),
];
/// What every operation may be refused with.
const ALWAYS: [u16; 5] = [401, 403, 408, 500, 503];

/// The whole document.
pub fn document() -> Value {
    // Every part of it can be written as JSON.
    let mut document = serde_json::to_value(Described::openapi()).unwrap_or_default();
    document["info"]["license"] = json!({"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"});
    document["servers"] = json!([{"url": "/"}]);
    document["security"] = json!([{"token": []}]);
    document["components"] = json!({
        "schemas": schemas(),
        "securitySchemes": {
            "token": {
                "type": "http",
                "scheme": "bearer",
                "description": "An API token: farol token create. It carries its user's permissions.",
            },
        },
    });
    starting(&mut document["paths"]["/api/v1/runs"]["post"]);
    pushing(&mut document["paths"]["/api/v1/push"]["post"]);
    annotating(&mut document["paths"]["/api/v1/annotations"]["post"]);
    if let Some(paths) = document["paths"].as_object_mut() {
        let operations = paths
            .values_mut()
            .filter_map(Value::as_object_mut)
            .flat_map(Map::values_mut);
        operations.for_each(refusals);
    }
    document
}

/// What utoipa has no words for: an example that is whole, and where its answer leads.
fn starting(operation: &mut Value) {
    let order = json!({"action": "runbook.greet", "params": {"who": "world"}, "confirm": false});
    let body = &mut operation["requestBody"];
    body["required"] = json!(true);
    body["content"]["application/json"]["examples"] = json!({"greet": {"value": order}});
    operation["parameters"][0]["example"] = json!("greet-2026-01-31");
    let by_id = |id: &str| json!({"operationId": id, "parameters": {"id": "$response.body#/id"}});
    operation["responses"]["202"]["links"] = json!({
        "run": by_id("getRun"),
        "output": by_id("getRunOutput"),
        "cancel": by_id("cancelRun"),
    });
}

/// What utoipa has no words for: a list of bounded length, with an example.
fn pushing(operation: &mut Value) {
    let values = json!([
        {"name": "queue_length", "labels": {"queue": "mail"}, "value": 17},
        {"name": "request_duration_seconds", "value": 0.25},
    ]);
    let body = &mut operation["requestBody"];
    body["required"] = json!(true);
    body["content"]["application/json"] = json!({
        "schema": {
            "type": "array",
            "items": {"$ref": "#/components/schemas/PushedValue"},
            "minItems": 1,
            "maxItems": super::apps::MAX_VALUES,
        },
        "examples": {"two": {"value": values}},
    });
}

/// What utoipa has no words for: an example, and where its answer leads.
fn annotating(operation: &mut Value) {
    let body = &mut operation["requestBody"];
    body["required"] = json!(true);
    body["content"]["application/json"]["examples"] =
        json!({"deploy": {"value": {"title": "Deployed 1.4", "tags": ["deploy"]}}});
    operation["responses"]["201"]["links"] = json!({
        "remove": {"operationId": "removeAnnotation", "parameters": {"id": "$response.body#/id"}},
    });
}

/// The document as docs/openapi.json has it.
pub fn text() -> String {
    serde_json::to_string_pretty(&document()).unwrap_or_default() + "\n"
}

/// Answers with it.
pub async fn serve() -> Response {
    let json = [(header::CONTENT_TYPE, "application/json")];
    (StatusCode::OK, json, text()).into_response()
}

fn refusals(operation: &mut Value) {
    let own = ERRORS
        .iter()
        .find(|(id, _)| operation["operationId"] == *id)
        .map_or(&[][..], |(_, statuses)| statuses);
    for status in ALWAYS.iter().chain(own) {
        let code = StatusCode::from_u16(*status).unwrap_or_default();
        let mut answer = json!({
            "description": code.canonical_reason().unwrap_or_default(),
            "content": {problem::MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        });
        let named = match status {
            401 => Some(("WWW-Authenticate", "string")),
            429 => Some(("Retry-After", "integer")),
            _ => None,
        };
        if let Some((name, kind)) = named {
            answer["headers"] = json!({name: {"schema": {"type": kind}}});
        }
        operation["responses"][status.to_string()] = answer;
    }
}

/// By name. JSON Schema 2020-12, which is what OpenAPI 3.1 has.
fn schemas() -> Value {
    let settings = || {
        SchemaSettings::draft2020_12()
            .with(|settings| settings.definitions_path = "/components/schemas".into())
    };
    let mut sent = settings().for_serialize().into_generator();
    sent.subschema_for::<super::ActionList>();
    sent.subschema_for::<super::RunList>();
    sent.subschema_for::<super::RunOutput>();
    sent.subschema_for::<crate::history::health::HistoryStatus>();
    sent.subschema_for::<super::history::SeriesList>();
    sent.subschema_for::<super::history::Range>();
    sent.subschema_for::<super::apps::AppList>();
    sent.subschema_for::<super::apps::CheckList>();
    sent.subschema_for::<super::apps::Pushed>();
    sent.subschema_for::<super::annotations::AnnotationList>();
    sent.subschema_for::<Problem>();
    let mut taken = settings().for_deserialize().into_generator();
    taken.subschema_for::<super::RunOrder>();
    taken.subschema_for::<super::apps::PushedValue>();
    taken.subschema_for::<crate::annotations::NewAnnotation>();
    let mut all = taken.take_definitions(true);
    all.extend(sent.take_definitions(true));
    Value::Object(all)
}
