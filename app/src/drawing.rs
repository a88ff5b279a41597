//! What only the server knows while it draws a page; the page carries it to the browser. The twin `drawing_absent.rs` gives
//! the same names to the browser, which asks them only for a page that the server did not draw.

use crate::{error::AppError, ports, request, session::Session};
use leptos::{prelude::*, server::ServerActionError};
use server_fn::error::ServerFnUrlError;

/// Sets no status: guarded pages are refused before they are drawn.
pub fn session() -> Result<Session, AppError> {
    let (ports, viewer) = ports::signed_in()?;
    Ok(Session {
        viewer,
        host: ports.metrics.host().name,
        prefs: request::prefs(),
        now_ms: ports.metrics.now_ms(),
    })
}

/// The error of a plain form travels in the address of the page that it is sent back to.
pub fn came_back() -> Option<AppError> {
    let error = use_context::<ServerActionError>()?;
    Some(ServerFnUrlError::decode_err(error.err()))
}
