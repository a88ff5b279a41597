//! Decides before anything is drawn or done whether the asker may be there at all, by the matrix. Every server function and every
//! frame checks again.

use crate::{
    access::{
        Access, Identity,
        forms::encode,
        matrix::{self, Need},
    },
    error::Refusal,
};
use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use farol_model::Fault;
use http::{Method, StatusCode, header};

/// Layer: strangers go to sign-in (a page) or get 401 (a call); the signed-in get 403 where they lack the permission.
pub async fn guard(State(access): State<Access>, request: Request, next: Next) -> Response {
    let need = need(&request);
    if matches!(
        need,
        Need::Open | Need::Scraper | Need::Carrier | Need::CarrierLater | Need::CarrierBeside
    ) {
        // Those that are not open ask for themselves.
        return next.run(request).await;
    }
    if need == Need::Missing {
        return Refusal(Fault::forbidden(
            "Who may come here has not been decided. Tell the maintainers of Farol.",
        ))
        .into_response();
    }
    let is_page = is_page(&request);
    let Some(identity) = request.extensions().get::<Identity>() else {
        let wanted = wanted_page(&request);
        let by_form = wants_page(&request);
        drop(request);
        return match (is_page, by_form) {
            (true, _) => to_sign_in(&access, wanted).await,
            (false, true) => found("/sign-in?fault=expired".to_owned()),
            (false, false) => Refusal(Fault::unauthenticated()).into_response(),
        };
    };
    match need {
        Need::May(permission) if is_page && !identity.viewer.may(permission) => {
            // The page's own server function refuses as well, so what is drawn is the refusal, without data.
            let mut response = next.run(request).await;
            *response.status_mut() = StatusCode::FORBIDDEN;
            response
        }
        _ => next.run(request).await,
    }
}

/// What the matrix says. An address that no route knows is for the signed-in, who are told so.
fn need(request: &Request) -> Need {
    let Some(path) = request.extensions().get::<MatchedPath>() else {
        return match crate::live::owns(request.uri().path()) {
            true => Need::Carrier,
            false => Need::SignedIn,
        };
    };
    match matrix::need(request.method(), path.as_str()) {
        Some(need) => need,
        // The route answers that it does not take this method.
        None if matrix::knows(path.as_str()) => Need::SignedIn,
        None => {
            tracing::error!(path = path.as_str(), "an address is not in the matrix of access");
            Need::Missing
        }
    }
}

fn is_page(request: &Request) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD) && !request.uri().path().starts_with("/api/")
}

/// Whether a form without script was sent, whose answer a person will read.
fn wants_page(request: &Request) -> bool {
    let accept = request.headers().get(header::ACCEPT);
    let path = request.uri().path();
    (path.starts_with("/api/settings/") || path.starts_with("/api/boards"))
        && accept
            .and_then(|accept| accept.to_str().ok())
            .is_some_and(|accept| accept.contains("text/html"))
}

/// Address and query of a request.
fn wanted_page(request: &Request) -> String {
    request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str())
        .to_owned()
}

fn found(path: String) -> Response {
    (StatusCode::FOUND, [(header::LOCATION, path)]).into_response()
}

async fn to_sign_in(access: &Access, wanted: String) -> Response {
    match access.users.is_empty().await {
        Ok(true) => return found("/setup".to_owned()),
        Ok(false) => {}
        Err(error) => tracing::error!(%error, "users cannot be counted"),
    }
    if wanted == "/" {
        found("/sign-in".to_owned())
    } else {
        found(format!("/sign-in?next={}", encode(&wanted)))
    }
}
