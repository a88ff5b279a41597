//! Annotations over plain HTTP: what a deploy script says, and what charts are marked with.

use super::{
    history::asked::{Asked, time},
    problem::Problem,
};
use crate::{
    access::Identity,
    annotations::{Annotation, Annotations, NewAnnotation, Wanted},
    live::PeerAddress,
    time::now_ms,
};
use axum::{
    Extension, Json, Router,
    extract::{
        Path, RawQuery, State,
        rejection::{JsonRejection, PathRejection},
    },
    response::{IntoResponse, Response},
    routing::{delete, get},
};
use farol_model::{Fault, Permission};
use http::{StatusCode, header};
use schemars::JsonSchema;
use serde::Serialize;

/// Annotations that are listed when nobody says how many, and at most.
const LISTED: (i64, i64) = (100, 1000);
/// How far back they are listed when nobody says, milliseconds.
const USUAL_MS: i64 = 86_400_000;

/// All addresses.
pub fn routes(annotations: Annotations) -> Router {
    Router::new()
        .route("/api/v1/annotations", get(list).post(add))
        .route("/api/v1/annotations/{id}", delete(remove))
        .with_state(annotations)
}

/// The newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AnnotationList {
    pub annotations: Vec<Annotation>,
}

/// What happened within a time.
#[utoipa::path(
    get, path = "/api/v1/annotations", tag = "annotations", operation_id = "listAnnotations",
    params(
        ("start" = Option<String>, Query, description = "As with query_range; a day ago when left out"),
        ("end" = Option<String>, Query, description = "The same, exclusive; when left out what is planned is there too"),
        ("tag" = Option<String>, Query, description = "Only those with this tag"),
        ("limit" = Option<u32>, Query, description = "How many at most", minimum = 1, maximum = 1000),
    ),
    responses((status = 200, description = "The newest first", body = ref("#/components/schemas/AnnotationList")))
)]
pub async fn list(
    State(annotations): State<Annotations>,
    identity: Option<Extension<Identity>>,
    RawQuery(query): RawQuery,
) -> Result<Json<AnnotationList>, Problem> {
    let Extension(identity) = identity.ok_or_else(Fault::unauthenticated)?;
    identity.viewer.require(Permission::ViewMetrics)?;
    let asked = Asked::parse(query.as_deref(), &["start", "end", "tag", "limit"])?;
    let now = now_ms();
    let limit = asked.number("limit")?.unwrap_or(LISTED.0);
    if !(1..=LISTED.1).contains(&limit) {
        return Err(Fault::invalid("limit", format!("limit must be from 1 to {}.", LISTED.1)).into());
    }
    let at = |name: &str| asked.one(name)?.map(|text| time(name, text, now)).transpose();
    let wanted = Wanted {
        from_ms: at("start")?.unwrap_or(now - USUAL_MS),
        to_ms: at("end")?.unwrap_or(i64::MAX),
        tag: asked.one("tag")?.map(str::to_owned),
        limit: u32::try_from(limit).unwrap_or_default(),
    };
    Ok(Json(AnnotationList {
        annotations: annotations.list(&wanted).await?,
    }))
}

/// Says that something happened. It is a mark on charts from then on.
#[utoipa::path(
    post, path = "/api/v1/annotations", tag = "annotations", operation_id = "addAnnotation",
    request_body(content = ref("#/components/schemas/NewAnnotation"), content_type = "application/json"),
    responses((status = 201, description = "It is kept",
        body = ref("#/components/schemas/Annotation"), headers(("Location" = String, description = "Where it is taken away"))))
)]
pub async fn add(
    State(annotations): State<Annotations>,
    identity: Option<Extension<Identity>>,
    Extension(PeerAddress(address)): Extension<PeerAddress>,
    new: Result<Json<NewAnnotation>, JsonRejection>,
) -> Result<Response, Problem> {
    let Extension(identity) = identity.ok_or_else(Fault::unauthenticated)?;
    identity.viewer.require(Permission::PushMetrics)?;
    let Json(new) = new?;
    let added = annotations.add(&identity, &address.to_string(), new).await?;
    let location = format!("/api/v1/annotations/{}", added.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(added)).into_response())
}

/// Takes an annotation away.
#[utoipa::path(
    delete, path = "/api/v1/annotations/{id}", tag = "annotations", operation_id = "removeAnnotation",
    params(("id" = i64, Path, description = "Number of the annotation", minimum = 1)),
    responses((status = 204, description = "It is not there any more"))
)]
pub async fn remove(
    State(annotations): State<Annotations>,
    identity: Option<Extension<Identity>>,
    Extension(PeerAddress(address)): Extension<PeerAddress>,
    id: Result<Path<i64>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let Extension(identity) = identity.ok_or_else(Fault::unauthenticated)?;
    identity.viewer.require(Permission::PushMetrics)?;
    let Path(id) = id?;
    annotations.remove(&identity, &address.to_string(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}
