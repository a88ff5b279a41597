//! Farol's own metrics: recorded through the `metrics` facade, read by the `farol` collector and by `GET /metrics`. And its
//! own log and traces: [`log`] writes the one, [`traces`] sends the others to a collector, if there is one.
//!
//! [`mod@registry`] holds the numbers, [`openmetrics`] writes them as text. Recording is atomics only; a name or label set that
//! is new takes a lock once. Above [`registry::MAX_SERIES`] further series are dropped and counted.

pub mod log;
pub mod openmetrics;
pub mod registry;
#[cfg(feature = "otlp")]
pub mod traces;
#[cfg(not(feature = "otlp"))]
#[path = "telemetry/traces_absent.rs"]
pub mod traces;

use crate::procstat::ProcStat;
use axum::{
    extract::{MatchedPath, Request},
    http::header,
    middleware::Next,
    response::{IntoResponse, Response},
};
use registry::Registry;
use std::{sync::OnceLock, time::Instant};

static REGISTRY: OnceLock<&'static Registry> = OnceLock::new();

/// The process-wide registry, installed as the facade's recorder on first use.
pub fn registry() -> &'static Registry {
    REGISTRY.get_or_init(|| {
        let registry: &'static Registry = Box::leak(Box::default());
        // Fails only when something else was installed first; then ours stays empty and says nothing wrong.
        if metrics::set_global_recorder(registry).is_err() {
            tracing::warn!("another metrics recorder was installed; Farol's own metrics are not recorded");
        }
        describe();
        registry
    })
}

fn describe() {
    use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
    describe_counter!("farol_http_requests_total", "HTTP requests answered.");
    describe_histogram!(
        "farol_http_request_duration_seconds",
        Unit::Seconds,
        "Time to answer a request."
    );
    describe_counter!(
        "farol_http_connections_refused_total",
        "TCP connections closed because their address had too many."
    );
    describe_counter!(
        "farol_tls_handshake_failures_total",
        "Connections that did not get as far as TLS."
    );
    describe_gauge!(
        "farol_tls_certificate_expires_seconds",
        Unit::Seconds,
        "Time until the certificate that is shown expires; negative when it has."
    );
    describe_counter!(
        "farol_tls_reload_failures_total",
        "New certificates that could not be used."
    );
    describe_histogram!(
        "farol_collector_duration_seconds",
        Unit::Seconds,
        "Time that a reading took."
    );
    describe_counter!("farol_collector_failures_total", "Readings that failed.");
    describe_gauge!("farol_live_connections", "Open live connections.");
    describe_counter!("farol_live_publications_total", "Publications made by the hub.");
    describe_counter!(
        "farol_live_frames_sent_total",
        "Frames written to live connections."
    );
    describe_counter!(
        "farol_live_bytes_sent_total",
        Unit::Bytes,
        "Bytes written to live connections."
    );
    describe_gauge!(
        "farol_live_queue_bytes",
        Unit::Bytes,
        "Bytes that wait for live connections."
    );
    describe_counter!(
        "farol_live_conflations_total",
        "Publications dropped for slow readers."
    );
    describe_gauge!("farol_sessions", "Sessions that have not expired.");
    describe_counter!("farol_sign_ins_total", "Tries to sign in with a password.");
    describe_counter!("farol_runs_total", "Runs ended.");
    describe_gauge!("farol_runs_running", "Runs under way.");
    describe_counter!(
        "farol_csp_reports_total",
        "Violations of the content security policy that browsers reported."
    );
    describe_counter!(
        "farol_traces_spans_sent_total",
        "Spans that the OpenTelemetry collector took."
    );
    describe_counter!(
        "farol_traces_spans_dropped_total",
        "Spans dropped because too many waited or the collector did not take them."
    );
    describe_gauge!(
        "process_resident_memory_bytes",
        Unit::Bytes,
        "Memory of this process."
    );
    describe_counter!(
        "process_cpu_seconds_total",
        Unit::Seconds,
        "Processor time of this process."
    );
}

/// Memory and processor time of this process: resident bytes, seconds (proc_pid_stat(5), proc_pid_statm(5)).
pub fn own_usage() -> Option<(u64, f64)> {
    let pages: u64 = std::fs::read_to_string("/proc/self/statm")
        .ok()?
        .split_ascii_whitespace()
        .nth(1)?
        .parse()
        .ok()?;
    let stat = ProcStat::read(std::process::id()).ok()?;
    Some((pages * rustix::param::page_size() as u64, stat.cpu_seconds()))
}

/// Layer: counts requests and times them, by route. An address that no route knows is `unmatched`, so that a scanner cannot
/// make series.
pub async fn record(request: Request, next: Next) -> Response {
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unmatched".to_owned(), |matched| matched.as_str().to_owned());
    let method = request.method().as_str().to_owned();
    let started = Instant::now();
    let response = next.run(request).await;
    metrics::histogram!("farol_http_request_duration_seconds", "route" => route.clone())
        .record(started.elapsed().as_secs_f64());
    let status = response.status().as_str().to_owned();
    metrics::counter!("farol_http_requests_total", "route" => route, "method" => method, "status" => status)
        .increment(1);
    response
}

/// `GET /metrics`. Who may read is decided by the router.
pub async fn metrics_handler() -> Response {
    if let Some((rss_bytes, cpu_secs)) = own_usage() {
        metrics::gauge!("process_resident_memory_bytes").set(rss_bytes as f64);
        // A counter of the facade holds whole numbers; seconds are not, so this one is a gauge underneath.
        registry().set_counter_secs("process_cpu_seconds_total", cpu_secs);
    }
    (
        [(header::CONTENT_TYPE, openmetrics::CONTENT_TYPE)],
        openmetrics::render(&registry().snapshot()),
    )
        .into_response()
}
