//! OpenTelemetry over HTTP: `POST /v1/metrics` (opentelemetry.io, "OTLP Specification", "OTLP/HTTP"), in Protobuf and in JSON, packed
//! with gzip or not. What is refused is told in the encoding that was sent, as a `Status`.

use super::{
    Ingest,
    gzip::{self, Unpack},
    otlp::{self, Points, Window},
};
use crate::{live::Identity, time::now_ms};
use axum::{
    Extension, Router,
    extract::{DefaultBodyLimit, State, rejection::BytesRejection},
    response::{IntoResponse, Response},
    routing::post,
};
use bytes::Bytes;
use farol_model::{Fault, Permission, ingest::SourceKind};
use http::{HeaderMap, StatusCode, header};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use prost::Message;
use serde_json::json;

/// Where OTLP/HTTP sends metrics.
pub const PATH: &str = "/v1/metrics";

/// The address.
pub fn routes(ingest: Ingest) -> Router {
    let most = ingest.config().max_body_bytes;
    Router::new()
        .route(PATH, post(receive))
        .layer(DefaultBodyLimit::max(most))
        .with_state(ingest)
}

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Protobuf,
    Json,
}

impl Encoding {
    fn of(headers: &HeaderMap) -> Option<Encoding> {
        let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
        match kind.split(';').next()?.trim() {
            "application/x-protobuf" => Some(Encoding::Protobuf),
            "application/json" => Some(Encoding::Json),
            _ => None,
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Encoding::Protobuf => "application/x-protobuf",
            Encoding::Json => "application/json",
        }
    }
}

/// `google.rpc.Status`, of which a code and words are told.
#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

/// A refusal: status of HTTP and words.
type Refused = (StatusCode, String);

async fn receive(
    State(ingest): State<Ingest>,
    identity: Option<Extension<Identity>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let encoding = Encoding::of(&headers);
    let allowed = identity
        .ok_or_else(Fault::unauthenticated)
        .and_then(|Extension(identity)| identity.viewer.require(Permission::PushMetrics));
    if let Err(fault) = allowed {
        let status = StatusCode::from_u16(fault.code.http_status()).unwrap_or(StatusCode::FORBIDDEN);
        return refuse(encoding.unwrap_or(Encoding::Json), (status, fault.message));
    }
    let Some(encoding) = encoding else {
        let words = "Send application/x-protobuf or application/json.";
        return refuse(
            Encoding::Json,
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, words.to_owned()),
        );
    };
    let most = ingest.config().max_body_bytes;
    let body = match body {
        Ok(body) => body,
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            return refuse(encoding, large(most));
        }
        Err(rejection) => return refuse(encoding, (rejection.status(), rejection.body_text())),
    };
    let packed = match headers
        .get(header::CONTENT_ENCODING)
        .map(|value| value.as_bytes())
    {
        None | Some(b"identity") => false,
        Some(b"gzip") => true,
        Some(_) => {
            let words = "Pack it with gzip, or do not pack it.".to_owned();
            return refuse(encoding, (StatusCode::UNSUPPORTED_MEDIA_TYPE, words));
        }
    };
    // It is a lot of work for one of the threads that answer.
    let taken = tokio::task::spawn_blocking(move || take(&ingest, encoding, packed, &body)).await;
    match taken {
        Ok(Ok(answer)) => respond(encoding, StatusCode::OK, &answer, || {
            serde_json::to_vec(&answer).unwrap_or_default()
        }),
        Ok(Err(refused)) => refuse(encoding, refused),
        Err(error) => {
            tracing::error!(%error, "metrics over OTLP could not be taken");
            refuse(
                encoding,
                (StatusCode::INTERNAL_SERVER_ERROR, Fault::internal().message),
            )
        }
    }
}

fn large(most: usize) -> Refused {
    let words =
        format!("It is larger than {most} bytes (ingest.max_body_bytes). Send it in smaller batches.");
    (StatusCode::PAYLOAD_TOO_LARGE, words)
}

/// Reads and takes all of it.
fn take(
    ingest: &Ingest,
    encoding: Encoding,
    packed: bool,
    body: &[u8],
) -> Result<ExportMetricsServiceResponse, Refused> {
    let most = ingest.config().max_body_bytes;
    let plain;
    let body = match packed {
        false => body,
        true => {
            plain = gzip::unpack(body, most).map_err(|error| match error {
                Unpack::Large(most) => large(most),
                bad @ Unpack::Bad(_) => (
                    StatusCode::BAD_REQUEST,
                    format!("The body cannot be unpacked: {bad}."),
                ),
            })?;
            &plain
        }
    };
    let bad = |why: String| {
        let words = format!("The body is no ExportMetricsServiceRequest: {why}.");
        (StatusCode::BAD_REQUEST, words)
    };
    let request = read(encoding, body).map_err(bad)?;
    let window = Window {
        now_ms: now_ms(),
        late_ms: i64::from(ingest.config().late_secs) * 1000,
    };
    let (mut rejected, mut why) = (0_u64, None);
    for sent in &request.resource_metrics {
        let points = otlp::points(sent, window);
        let (more, reason) = keep(ingest, &points);
        rejected += more;
        why = why.or(reason);
    }
    let partial_success = (rejected > 0).then(|| ExportMetricsPartialSuccess {
        rejected_data_points: i64::try_from(rejected).unwrap_or(i64::MAX),
        error_message: why.unwrap_or_default(),
    });
    Ok(ExportMetricsServiceResponse { partial_success })
}

/// A body that is packed no more, or why it is none.
pub fn read(encoding: Encoding, body: &[u8]) -> Result<ExportMetricsServiceRequest, String> {
    match encoding {
        Encoding::Protobuf => ExportMetricsServiceRequest::decode(body).map_err(|error| error.to_string()),
        Encoding::Json => serde_json::from_slice(body).map_err(|error| error.to_string()),
    }
}

/// How many points were refused, and why the first.
fn keep(ingest: &Ingest, points: &Points) -> (u64, Option<String>) {
    let all = points.refused + points.ends.len() as u64;
    if let Some(why) = &points.why
        && let Err(fault) = ingest.refuse(SourceKind::Otlp, &points.name, points.refused, why)
    {
        return (all, Some(fault.message));
    }
    if points.samples.is_empty() {
        return (points.refused, points.why.clone());
    }
    match ingest.take(SourceKind::Otlp, &points.name, &points.samples) {
        Ok(taken) => {
            // One point may be many samples.
            let mut of_point: Vec<usize> = taken
                .refused_at
                .iter()
                .map(|at| points.ends.partition_point(|end| end <= at))
                .collect();
            of_point.dedup();
            let refused = points.refused + of_point.len() as u64;
            (refused, points.why.clone().or(taken.why))
        }
        Err(fault) => (all, Some(fault.message)),
    }
}

fn refuse(encoding: Encoding, (status, message): Refused) -> Response {
    // google.rpc.Code
    let code = match status {
        StatusCode::PAYLOAD_TOO_LARGE => 8,
        StatusCode::FORBIDDEN => 7,
        StatusCode::UNAUTHORIZED => 16,
        StatusCode::INTERNAL_SERVER_ERROR => 13,
        _ => 3,
    };
    let json = json!({"code": code, "message": message});
    let words = Status { code, message };
    respond(encoding, status, &words, || json.to_string().into_bytes())
}

fn respond(
    encoding: Encoding,
    status: StatusCode,
    message: &impl Message,
    json: impl FnOnce() -> Vec<u8>,
) -> Response {
    let body = match encoding {
        Encoding::Protobuf => message.encode_to_vec(),
        Encoding::Json => json(),
    };
    (status, [(header::CONTENT_TYPE, encoding.content_type())], body).into_response()
}
