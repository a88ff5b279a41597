//! Security headers, the content security policy, and the reports of its violations.

use super::origin::host_of;
use axum::{body::Bytes, extract::Request, middleware::Next, response::Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use std::{
    net::IpAddr,
    sync::atomic::{AtomicU32, Ordering},
};

/// Reports logged per process; further ones are only counted.
const REPORTS_LOGGED: u32 = 100;

/// For everything that is no page of ours.
const STRICT_POLICY: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// The policy of a page. `connect-src 'self'` covers the live socket (CSP level 3, "'self' matches wss").
pub fn content_security_policy(nonce: &str) -> String {
    // `cargo xtask watch` reloads pages through a socket of its own.
    let reload = if std::env::var_os("LEPTOS_WATCH").is_some() {
        " ws://127.0.0.1:3001"
    } else {
        ""
    };
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; style-src 'self'; \
         connect-src 'self'{reload}; img-src 'self' data:; font-src 'self'; manifest-src 'self'; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'; report-uri /csp-report"
    )
}

/// A year, as OWASP advises. Not for names below ours: those are not ours to speak for.
const HTTPS_FROM_NOW_ON: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Layer, where TLS is on with a certificate that somebody vouches for: browsers come by https only from now on (RFC 6797).
/// Not where a person must be able to go past a warning, and not on loopback, which other programs share.
pub async fn https_only(request: Request, next: Next) -> Response {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let named = host.is_some_and(|host| !is_loopback(host_of(host)));
    let mut response = next.run(request).await;
    if named {
        response
            .headers_mut()
            .insert(header::STRICT_TRANSPORT_SECURITY, HTTPS_FROM_NOW_ON);
    }
    response
}

fn is_loopback(host: &str) -> bool {
    let address = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost")
        || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Layer: headers of the OWASP Secure Headers project, where the answer has not set its own.
pub async fn security(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        ("content-security-policy", STRICT_POLICY),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        // A refused form without JavaScript is sent back to the page that it came from.
        ("referrer-policy", "same-origin"),
        (
            "permissions-policy",
            "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
        ),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        let name = HeaderName::from_static(name);
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// `POST /csp-report`: counts, and logs the first ones. The body is bounded by the router.
pub async fn csp_report(body: Bytes) -> StatusCode {
    static LOGGED: AtomicU32 = AtomicU32::new(0);
    metrics::counter!("farol_csp_reports_total").increment(1);
    if LOGGED.fetch_add(1, Ordering::Relaxed) < REPORTS_LOGGED {
        let text: String = String::from_utf8_lossy(&body)
            .chars()
            .filter(|c| !c.is_control())
            .take(1000)
            .collect();
        tracing::warn!(
            report = text,
            "a browser reports a violation of the content security policy"
        );
    }
    StatusCode::NO_CONTENT
}
