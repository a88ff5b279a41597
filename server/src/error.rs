//! Faults as HTTP answers.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use farol_model::Fault;
use http::{HeaderValue, StatusCode, header};

/// A fault with its status, as JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal(pub Fault);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.0.code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = self.0.retry_after_secs;
        let mut response = (status, Json(&self.0)).into_response();
        if let Some(secs) = retry_after {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(secs));
        }
        // For a layer that says it in another form.
        response.extensions_mut().insert(self);
        response
    }
}
