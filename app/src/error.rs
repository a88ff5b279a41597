//! The one error type of server functions.

use crate::json::JsonText;
use farol_model::{
    Fault,
    json::{FromJson, Json, Mismatch},
};
use leptos::prelude::FromServerFnError;
use serde::Serialize;
use server_fn::error::ServerFnErrorErr;

/// What a server function answers when it does not answer.
#[derive(Debug, Clone, PartialEq, Serialize, thiserror::Error)]
pub enum AppError {
    /// The server refused or failed, and says why.
    #[error("{0}")]
    Fault(#[from] Fault),
    /// The request did not arrive, or the answer did not come back whole.
    #[error("The server could not be reached: {0}")]
    Transport(String),
}

impl FromJson for AppError {
    fn from_json(json: Json) -> Result<Self, Mismatch> {
        let mut fields = json.object()?;
        match fields.take("Fault")? {
            Some(fault) => Ok(AppError::Fault(fault)),
            None => fields.take("Transport").map(AppError::Transport),
        }
    }
}

impl FromServerFnError for AppError {
    type Encoder = JsonText;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Args(message) | ServerFnErrorErr::MissingArg(message) => AppError::Fault(
                Fault::invalid("", format!("The request could not be read: {message}")),
            ),
            other => AppError::Transport(other.to_string()),
        }
    }
}
