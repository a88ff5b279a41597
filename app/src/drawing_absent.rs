//! The browser draws nothing first: what only the server knows is not to be had here.

use crate::{error::AppError, session::Session};
use farol_model::Fault;

pub fn session() -> Result<Session, AppError> {
    Err(Fault::unavailable("This page must come from the server. Load it again.").into())
}

pub fn came_back() -> Option<AppError> {
    None
}
