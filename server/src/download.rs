//! What was printed as a file of plain text, without colours: by a run, read from the store, and by a container, read from its engine.
//! Both piece by piece while it is sent.

use crate::{access::Identity, error::Refusal, state::AppState};
use axum::{
    Extension,
    body::{Body, Bytes},
    extract::{Path, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use farol_model::{Fault, Permission};
use futures::stream::unfold;

/// `GET /controls/runs/{id}/output.txt`: what was kept, or has been kept so far.
pub async fn output(
    State(state): State<AppState>,
    identity: Option<Extension<Identity>>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let Some(Extension(identity)) = identity else {
        return Err(Refusal(Fault::unauthenticated()));
    };
    let viewer = identity.viewer;
    // Says whether there is such a run, before anything is sent.
    let facts = state.runner.facts(&viewer, &id).await.map_err(Refusal)?;
    if facts.output_gone {
        let fault = Fault::not_found("The output of this run was removed to make room for newer ones.");
        return Err(Refusal(fault));
    }
    let name = id.clone();
    let pages = unfold(Some(-1), move |from| {
        let (runner, viewer, id) = (state.runner.clone(), viewer.clone(), id.clone());
        async move {
            match runner.text_after(&viewer, &id, from?).await {
                Ok(Some((last, text))) => Some((Ok(Bytes::from(text)), Some(last))),
                Ok(None) => None,
                // What has begun cannot be refused any more; it breaks off, and the client sees that.
                Err(fault) => Some((Err(std::io::Error::other(fault.message)), None)),
            }
        }
    });
    Ok(file(&name, Body::from_stream(pages)))
}

/// `GET /containers/{id}/log.txt`: the last lines of its log, as many as a file holds.
pub async fn log(
    State(state): State<AppState>,
    identity: Option<Extension<Identity>>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let Some(Extension(identity)) = identity else {
        return Err(Refusal(Fault::unauthenticated()));
    };
    identity.viewer.require(Permission::ViewLogs).map_err(Refusal)?;
    let text = state.containers.log_text(&id).await.map_err(Refusal)?;
    Ok(file(&id, Body::from_stream(text)))
}

/// A text to be kept under this name.
fn file(name: &str, text: Body) -> Response {
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(name) = HeaderValue::from_str(&format!("attachment; filename=\"{name}.txt\"")) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    response
}
