//! Every route of the process on one screen, and the layers around them.

use crate::{
    access::{self, Denied, Identity},
    live,
    middleware::{guard, headers, origin},
    ports::ports,
    site,
    state::AppState,
    telemetry,
};
use axum::{
    Extension, Router,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, StatusCode},
    middleware::{from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use farol_app::app::{App, shell};
use leptos::prelude::{provide_context, use_context};
use leptos_axum::{LeptosRoutes, ResponseOptions, generate_route_list};
use std::time::Duration;
use tower_http::{limit::RequestBodyLimitLayer, timeout::TimeoutLayer};

/// The whole process as one service.
pub fn router(state: AppState) -> Router {
    let pages = generate_route_list(App);
    let http = &state.config.http;
    let shell_of = {
        let state = state.clone();
        move || shell(&state.bundle)
    };
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(telemetry::metrics_handler).route_layer(from_fn_with_state(state.clone(), metrics_guard)))
        .route("/csp-report", post(headers::csp_report))
        .leptos_routes_with_context(&state, pages, page_context(&state), shell_of.clone())
        .fallback(file_or_not_found)
        .with_state(state.clone())
        .merge(live::routes(state.live.clone()))
        .merge(access::routes(state.access.clone()))
        .layer(from_fn(telemetry::record))
        .layer(from_fn(guard::guard))
        .layer(from_fn_with_state(state.access.clone(), access::identify))
        .layer(from_fn_with_state(state.access.clone(), origin::check))
        .layer(from_fn(headers::security))
        .layer(RequestBodyLimitLayer::new(http.max_body_bytes))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::REQUEST_TIMEOUT,
            Duration::from_secs(http.request_timeout_secs),
        ))
}
