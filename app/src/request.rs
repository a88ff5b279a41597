//! What server functions read of the request and write to the answer. Exists on the server only.

use crate::{
    error::AppError,
    past::Range,
    ports::{Ports, signed_in},
    session::{Density, Prefs, Theme},
};
use farol_model::{Fault, FaultCode, Permission, Viewer, action::Mark};
use http::{HeaderValue, StatusCode, header, request::Parts};
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;
use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
};

/// A year, in seconds.
const PREFS_MAX_AGE_SECS: u32 = 31_536_000;

/// Turns a refusal into the error of a server function and sets the status that belongs to it. A plain form is sent back
/// to its page with the error in the address instead, which a status of our own would prevent.
pub fn refuse(fault: Fault) -> AppError {
    let plain_form =
        use_context::<Parts>().is_some_and(|parts| parts.method == http::Method::POST && wants_page(&parts));
    if plain_form {
        return AppError::Fault(fault);
    }
    if let (Some(options), Ok(status)) = (
        use_context::<ResponseOptions>(),
        StatusCode::from_u16(fault.code.http_status()),
    ) {
        options.set_status(status);
    }
    AppError::Fault(fault)
}

/// The ports and the viewer, who must hold the permission.
pub fn allowed(permission: Permission) -> Result<(Ports, Viewer), AppError> {
    let (ports, viewer) = signed_in().map_err(refuse)?;
    viewer.require(permission).map_err(refuse)?;
    Ok((ports, viewer))
}

/// What is marked on live charts when they begin; [`crate::feed::marks`] goes on from there.
pub fn marks(ports: &Ports, viewer: &Viewer) -> Option<Vec<Mark>> {
    Some(ports.runs.marks(viewer))
}

/// What is marked on charts of a time that is past. Without it the charts are still there, so what goes wrong is not told here.
pub async fn marks_over(ports: &Ports, viewer: &Viewer, range: Option<&Range>) -> Vec<Mark> {
    let Some(range) = range else { return Vec::new() };
    let marks = ports.runs.marks_of(viewer, range.from_ms, range.to_ms).await;
    marks.unwrap_or_default()
}

/// Sends the browser to another page when the request came from a plain form. A request by script gets its answer.
pub fn go_after_form(path: &str) {
    if use_context::<Parts>().is_some_and(|parts| wants_page(&parts)) {
        leptos_axum::redirect(path);
    }
}

/// Whether a page is being drawn for a person's browser.
pub fn is_page() -> bool {
    use_context::<Parts>().is_some_and(|parts| wants_page(&parts))
}

/// Sends the browser of a plain form to where people prove who they are, and from there to this page. False when it is no plain
/// form, or the refusal is another.
pub fn prove_first(fault: &Fault, page: &str) -> bool {
    let plain_form = use_context::<Parts>().is_some_and(|parts| wants_page(&parts));
    let needed = plain_form && fault.code == FaultCode::ProofNeeded;
    if needed {
        leptos_axum::redirect(&format!("/prove?next={page}"));
    }
    needed
}

/// Whether a person's browser asks for a page, as opposed to a script for data.
fn wants_page(parts: &Parts) -> bool {
    parts
        .headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
}

/// The path of the page that is being drawn.
pub fn path() -> String {
    use_context::<Parts>().map_or_else(String::new, |parts| parts.uri.path().to_owned())
}

/// The query of this request.
pub fn query() -> String {
    let parts = use_context::<Parts>();
    let query = parts.as_ref().and_then(|parts| parts.uri.query());
    query.unwrap_or_default().to_owned()
}

/// Theme and density as the cookies of this request say.
pub fn prefs() -> Prefs {
    let Some(parts) = use_context::<Parts>() else {
        return Prefs::default();
    };
    let cookies: Vec<&str> = parts
        .headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .collect();
    let find = |name: &str| {
        cookies
            .iter()
            .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
    };
    Prefs {
        theme: find("farol_theme").and_then(Theme::parse).unwrap_or_default(),
        density: find("farol_density").and_then(Density::parse).unwrap_or_default(),
    }
}

/// Keeps one preference in the browser. It is no secret and proves nothing.
pub fn keep(name: &str, word: &str) {
    let cookie = format!("{name}={word}; Path=/; Max-Age={PREFS_MAX_AGE_SECS}; SameSite=Lax");
    if let (Some(options), Ok(value)) = (use_context::<ResponseOptions>(), HeaderValue::from_str(&cookie)) {
        options.append_header(header::SET_COOKIE, value);
    }
}

/// A seed for the idempotency keys of the forms on one page: unique, not secret. 16 hexadecimal digits.
pub fn key_seed(now_ms: i64) -> String {
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_i64(now_ms);
    format!("{:016x}", hasher.finish())
}
