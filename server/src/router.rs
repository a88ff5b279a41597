//! Every route of the process on one screen, and the layers around them.

use crate::{
    access::{self, Identity, identify::ByBearer},
    boards, download,
    error::Refusal,
    ingest,
    live::{self, PeerAddress},
    middleware::{guard, headers, origin, pack},
    ports::ports,
    rest, site,
    state::AppState,
    telemetry,
};
use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use farol_app::{app::App, shell::shell};
use farol_model::Fault;
use leptos::{
    nonce::use_nonce,
    prelude::{provide_context, use_context},
};
use leptos_axum::{
    AxumRouteListing, LeptosRoutes, ResponseOptions, generate_route_list, render_app_async_with_context,
};
use std::{sync::LazyLock, time::Duration};
use tower_http::{limit::RequestBodyLimitLayer, timeout::TimeoutLayer};

/// Addresses of the pages, listed once for the whole process and before it serves anything. While leptos lists them it keeps
/// resources from loading, in all threads, and a resource that is first asked for in that moment waits for ever
/// (leptos-rs/leptos#4773). So a second router in a process that serves already, as in tests, would hang pages being drawn.
static PAGES: LazyLock<Vec<AxumRouteListing>> = LazyLock::new(|| generate_route_list(App));

/// The whole process as one service.
pub fn router(state: AppState) -> Router {
    let config = state.config.http.clone();
    let metrics =
        get(telemetry::metrics_handler).route_layer(from_fn_with_state(state.clone(), metrics_guard));
    let routes = Router::new()
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", metrics)
        .route("/csp-report", post(headers::csp_report))
        .route("/controls/runs/{id}/output.txt", get(download::output))
        .route("/containers/{id}/log.txt", get(download::log))
        .leptos_routes_with_context(&state, PAGES.clone(), page_context(&state), page_shell(&state))
        .fallback(not_found)
        .with_state(state.clone())
        .merge(live::routes(state.live.clone()))
        .merge(access::routes(state.access.clone()))
        .merge(boards::routes(state.boards.clone()))
        .merge(rest::routes(state.runner.clone()))
        .merge(rest::annotations::routes(state.annotations.clone()))
        .merge(rest::history::routes(
            state.history.clone(),
            state.annotations.clone(),
            state.runner.clone(),
        ))
        .layer(RequestBodyLimitLayer::new(config.max_body_bytes))
        // What is sent here may be larger, and has a bound of its own.
        .merge(ingest::receive::routes(state.ingest.clone()))
        .merge(rest::apps::routes(state.ingest.clone(), state.checks.clone()))
        .layer(from_fn_with_state(state.boards.clone(), boards::start_page))
        .layer(from_fn(telemetry::record))
        .layer(from_fn_with_state(state.access.clone(), guard::guard));
    let routes = state
        .access
        .around(routes)
        .layer(from_fn_with_state(state.origins.clone(), origin::check))
        .layer(from_fn(files))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::REQUEST_TIMEOUT,
            Duration::from_secs(config.request_timeout_secs),
        ))
        .layer(from_fn(rest::problem::problems))
        .layer(from_fn(pack::pages))
        .layer(from_fn(headers::security));
    match state.config.tls.is_certified() {
        true => routes.layer(from_fn(headers::https_only)),
        false => routes,
    }
}

/// Files of the browser side, before anything is asked of the database.
async fn files(request: Request, next: Next) -> Response {
    match site::serve(&request) {
        Some(response) => response,
        None => next.run(request).await,
    }
}

/// What pages and server functions find in context. The same for both, and for addresses that no route knows.
fn page_context(state: &AppState) -> impl Fn() + Clone + Send + Sync + 'static + use<> {
    let state = state.clone();
    move || {
        let Some(parts) = use_context::<http::request::Parts>() else {
            return;
        };
        let identity = parts.extensions.get::<Identity>().cloned();
        let host = parts
            .headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        let host = origin::host_of(host.unwrap_or_default()).to_owned();
        let from = parts
            .extensions
            .get::<PeerAddress>()
            .map(|PeerAddress(address)| address.to_string());
        provide_context(ports(&state, identity, host, from.unwrap_or_default()));
        if let (Some(nonce), Some(options)) = (use_nonce(), use_context::<ResponseOptions>())
            && let Ok(policy) = HeaderValue::from_str(&headers::content_security_policy(&nonce))
        {
            options.insert_header(header::CONTENT_SECURITY_POLICY, policy);
        }
    }
}

fn page_shell(
    state: &AppState,
) -> impl Fn() -> leptos::prelude::AnyView + Clone + Send + Sync + 'static + use<> {
    use leptos::prelude::IntoAny;
    let (options, assets) = (state.leptos.clone(), state.assets.clone());
    move || shell(options.clone(), &assets).into_any()
}

async fn not_found(State(state): State<AppState>, request: Request) -> Response {
    if request.uri().path().starts_with("/api/") {
        return Refusal(Fault::not_found("There is nothing at this address.")).into_response();
    }
    let render = render_app_async_with_context(page_context(&state), page_shell(&state));
    let mut response = render(request).await;
    if response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    response
}

/// Ready when every collector has answered once and nothing drains.
async fn ready(State(state): State<AppState>) -> Response {
    if state.shutdown.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "draining\n").into_response();
    }
    let starting = state
        .collectors
        .statuses()
        .into_iter()
        .find(|status| status.state == farol_model::health::CollectorState::Starting);
    match starting {
        Some(status) => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("waiting for collector {}\n", status.name),
        )
            .into_response(),
        None => "ready\n".into_response(),
    }
}

/// `/metrics` is for API tokens, and for loopback where the configuration says so.
async fn metrics_guard(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let by_token = request.extensions().get::<ByBearer>().is_some();
    let local = request
        .extensions()
        .get::<PeerAddress>()
        .is_some_and(|PeerAddress(address)| address.is_loopback());
    if by_token || (local && state.config.metrics.loopback) {
        return next.run(request).await;
    }
    let mut response = Refusal(Fault::unauthenticated()).into_response();
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}
