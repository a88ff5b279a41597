//! Decides before a page is drawn whether it may be. Every server function and every frame checks again.

use crate::{
    access::{Access, Identity, forms::encode},
    error::Refusal,
};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use farol_model::{Fault, Permission};
use http::{Method, StatusCode, header};

/// What a stranger may reach. The live plane, sign-in and tickets check for themselves.
const OPEN: [&str; 9] = [
    "/sign-in",
    "/setup",
    "/healthz",
    "/readyz",
    "/metrics",
    "/csp-report",
    "/api/fn/prefs",
    "/api/v1/tickets",
    "/api/v1/openapi.json",
];
const OPEN_BELOW: [&str; 2] = ["/api/auth/", "/pkg/"];

/// Layer: strangers go to sign-in (a page) or get 401 (a call); the signed-in get 403 where they lack the permission.
pub async fn guard(State(access): State<Access>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let open = OPEN.contains(&path)
        || OPEN_BELOW.iter().any(|below| path.starts_with(below))
        || crate::live::owns(path);
    if open {
        return next.run(request).await;
    }
    let is_page = matches!(*request.method(), Method::GET | Method::HEAD) && !path.starts_with("/api/");
    let Some(identity) = request.extensions().get::<Identity>() else {
        let wanted = wanted_page(&request);
        drop(request);
        return if is_page {
            to_sign_in(&access, wanted).await
        } else {
            Refusal(Fault::unauthenticated()).into_response()
        };
    };
    let wanted = required(path);
    if is_page && !identity.viewer.may(wanted) {
        // The page's own server function refuses as well, so what is drawn is the refusal, without data.
        let mut response = next.run(request).await;
        *response.status_mut() = StatusCode::FORBIDDEN;
        return response;
    }
    next.run(request).await
}

/// What a page asks of its viewer; the same as the app's menu says.
fn required(path: &str) -> Permission {
    farol_app::pages::page_of(path).map_or(Permission::ViewMetrics, |page| page.permission)
}

/// Address and query of a request.
fn wanted_page(request: &Request) -> String {
    request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str())
        .to_owned()
}

async fn to_sign_in(access: &Access, wanted: String) -> Response {
    let found = |path: String| (StatusCode::FOUND, [(header::LOCATION, path)]).into_response();
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
