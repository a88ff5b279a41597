//! What is wrong, as RFC 9457 problem details. [`problems`] stands around the whole router, so that also what a layer or axum
//! itself refuses (405, 413, 415, 408) is told in this form.

use super::owns;
use crate::error::Refusal;
use axum::{
    Json,
    extract::{
        Request,
        rejection::{JsonRejection, PathRejection, QueryRejection},
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use farol_model::{Fault, FaultCode};
use http::{HeaderValue, Method, StatusCode, header};
use schemars::JsonSchema;
use serde::Serialize;

/// The media type.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Problem details.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Problem {
    /// `about:blank`: the status says what kind it is, and `code` says it more closely.
    #[serde(rename = "type")]
    pub kind: String,
    /// The name of the status.
    pub title: String,
    pub status: u16,
    /// What is wrong and what to do.
    pub detail: String,
    /// Farol's own word for the kind; absent where HTTP itself refuses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<FaultCode>,
    /// The field, parameter or header at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Seconds after which trying again makes sense; the same as `Retry-After`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_secs: Option<u32>,
}

impl Problem {
    fn of_http(status: StatusCode, detail: impl Into<String>) -> Problem {
        Problem {
            kind: "about:blank".to_owned(),
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            code: None,
            field: None,
            retry_after_secs: None,
        }
    }

    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Problem {
        let status =
            StatusCode::from_u16(fault.code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Problem {
            code: Some(fault.code),
            field: fault.field,
            retry_after_secs: fault.retry_after_secs,
            ..Problem::of_http(status, fault.message)
        }
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Problem {
        Problem::of_http(rejection.status(), rejection.body_text())
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Problem {
        Problem::of_http(rejection.status(), rejection.body_text())
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Problem {
        Problem::of_http(rejection.status(), rejection.body_text())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, retry_after) = (self.status(), self.retry_after_secs);
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(secs) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(secs));
        }
        if status == StatusCode::UNAUTHORIZED {
            // RFC 9110 section 15.5.2 asks for it.
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Layer: a refusal at our addresses that is no problem yet becomes one. Its other headers stay.
pub async fn problems(request: Request, next: Next) -> Response {
    let ours = owns(request.uri().path());
    if ours && acts_without_proof(&request) {
        // A program that forgot its token is told so, and not that it is another site.
        return Problem::from(Fault::unauthenticated()).into_response();
    }
    let response = next.run(request).await;
    let status = response.status();
    let told = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind == MEDIA_TYPE);
    if !ours || told || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let problem = match response.extensions().get::<Refusal>() {
        Some(Refusal(fault)) => Problem::from(fault.clone()),
        None => Problem::of_http(status, words(status)),
    };
    let mut answer = problem.into_response();
    for (name, value) in response.headers() {
        let of_the_body = [header::CONTENT_TYPE, header::CONTENT_LENGTH].contains(name);
        if !of_the_body && !answer.headers().contains_key(name) {
            answer.headers_mut().insert(name.clone(), value.clone());
        }
    }
    answer
}

fn acts_without_proof(request: &Request) -> bool {
    let acts = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let shows = |name| request.headers().contains_key(name);
    acts && !shows(header::AUTHORIZATION) && !shows(header::COOKIE)
}

fn words(status: StatusCode) -> &'static str {
    match status {
        StatusCode::METHOD_NOT_ALLOWED => "This address takes the methods that the header Allow names.",
        StatusCode::PAYLOAD_TOO_LARGE => "The request is larger than this server takes.",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "Send application/json.",
        StatusCode::REQUEST_TIMEOUT => "The request took too long.",
        StatusCode::NOT_FOUND => "There is nothing at this address.",
        _ => "The request was refused.",
    }
}
