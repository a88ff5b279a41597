//! What is asked of a running Farol over plain HTTP: docs/openapi.json has the addresses.

use super::{PATIENCE, Server};
use crate::outbound::{Final, http::Connection};
use anyhow::{Context, anyhow};
use http::{HeaderValue, Request, Uri, header};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::timeout;

/// The server understood and said no.
#[derive(Debug, thiserror::Error)]
#[error("{status}: {detail}")]
pub struct Refused {
    pub status: u16,
    pub detail: String,
}

/// Problem details, as far as they are looked at.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    detail: String,
}

/// Asks without a body.
pub async fn get(server: &Server, path: &str) -> anyhow::Result<Value> {
    ask(server, Request::get(path).body(String::new())?).await
}

/// Sends JSON. `key` is the idempotency key, where the address wants one.
pub async fn post(server: &Server, path: &str, body: &Value, key: Option<&str>) -> anyhow::Result<Value> {
    let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
    if let Some(key) = key {
        request = request.header(crate::rest::IDEMPOTENCY_KEY, key);
    }
    ask(server, request.body(body.to_string())?).await
}

async fn ask(server: &Server, mut request: Request<String>) -> anyhow::Result<Value> {
    let url = format!("{}{}", server.url.trim_end_matches('/'), request.uri());
    let url: Uri = url
        .parse()
        .map_err(|error| Final(format!("{}: {error}", server.url)))?;
    *request.uri_mut() = url.clone();
    let bearer = HeaderValue::from_str(&format!("Bearer {}", server.token));
    let bearer = bearer.map_err(|_| Final("The token has characters that no token has.".to_owned()))?;
    request.headers_mut().insert(header::AUTHORIZATION, bearer);
    let answer = async {
        let mut connection = Connection::open(&url, server.ca.as_deref()).await?;
        connection.ask(request).await
    };
    let answer = timeout(PATIENCE, answer).await;
    let (status, body) = answer.map_err(|_| anyhow!("{} does not answer", server.url))??;
    if status.is_success() {
        return serde_json::from_slice(&body).context("an answer of another version");
    }
    let problem: Problem = serde_json::from_slice(&body).unwrap_or_default();
    let said = (!problem.detail.is_empty()).then_some(problem.detail);
    let detail = said.unwrap_or_else(|| status.canonical_reason().unwrap_or("refused").to_owned());
    Err(Refused {
        status: status.as_u16(),
        detail,
    }
    .into())
}
