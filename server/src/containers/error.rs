//! What can go wrong between Farol and an engine, in words for the person who reads it.

use farol_model::{Fault, FaultCode};
use std::{io, path::Path};

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    #[error("No container engine answers on this machine. The page Containers says how to enable one.")]
    NoEngine,
    #[error("There is no such container now. It was removed, or the engine was restarted.")]
    NoContainer,
    /// There is no socket at the path.
    #[error("there is no socket")]
    NoSocket,
    /// The socket is there and not for us.
    #[error(
        "user id {0} may not use it: add the account that Farol runs as to the group that owns the socket"
    )]
    NotAllowed(u32),
    /// The socket is there and nobody listens.
    #[error("the socket is there, but no engine listens on it")]
    NobodyListens,
    #[error("the connection failed: {0}")]
    Connection(io::ErrorKind),
    #[error("the engine did not answer within {0} s")]
    Silent(u64),
    #[error("the connection broke off")]
    BrokeOff,
    #[error("the engine's answer is larger than {0} MiB and was not read")]
    TooLarge(usize),
    #[error("what answers speaks no Docker API")]
    OtherLanguage,
    /// The engine said no, in its own words.
    #[error("the engine refused ({status}): {message}")]
    Refused { status: u16, message: String },
}

impl EngineError {
    /// What connecting to a socket failed with.
    pub fn connecting(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => EngineError::NoSocket,
            io::ErrorKind::PermissionDenied => EngineError::NotAllowed(rustix::process::geteuid().as_raw()),
            io::ErrorKind::ConnectionRefused => EngineError::NobodyListens,
            kind => EngineError::Connection(kind),
        }
    }

    /// An answer that is no success. `text` is `{"message": "..."}` where the engine keeps to its API.
    pub fn refused(status: u16, text: &[u8]) -> Self {
        let said: Option<serde_json::Value> = serde_json::from_slice(text).ok();
        let message = said
            .as_ref()
            .and_then(|said| said.get("message"))
            .and_then(|message| message.as_str())
            .unwrap_or("it did not say why");
        EngineError::Refused {
            status,
            message: plain(message, 300),
        }
    }
}

/// Text of the engine without control characters, cut.
pub fn plain(text: &str, max_chars: usize) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(max_chars)
        .collect()
}

/// How a place that was looked at is told of.
pub fn shown(path: &Path) -> String {
    plain(&path.display().to_string(), 200)
}

impl From<EngineError> for Fault {
    fn from(error: EngineError) -> Fault {
        let code = match &error {
            EngineError::NoContainer | EngineError::Refused { status: 404, .. } => FaultCode::NotFound,
            EngineError::Refused { status: 409, .. } => FaultCode::Conflict,
            EngineError::Refused { status: 400, .. } => FaultCode::Invalid,
            _ => FaultCode::Unavailable,
        };
        let text = match error {
            EngineError::Refused { status: 404, .. } => EngineError::NoContainer.to_string(),
            other => other.to_string(),
        };
        let mut letters = text.chars();
        let first = letters.next().map(|first| first.to_uppercase().to_string());
        let sentence = format!("{}{}", first.unwrap_or_default(), letters.as_str());
        Fault::new(code, format!("{}.", sentence.trim_end_matches('.')))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engines_own_words_are_told_without_control_characters() {
        let text = br#"{"cause":"container state improper","message":"can only kill\u001b[31m running containers","response":500}"#;
        let error = EngineError::refused(500, text);
        assert_eq!(
            error.to_string(),
            "the engine refused (500): can only kill [31m running containers"
        );
        assert!(
            EngineError::refused(500, b"<html>")
                .to_string()
                .contains("did not say")
        );
    }

    #[test]
    fn a_fault_is_a_sentence_and_a_container_that_is_gone_is_not_found() {
        let fault = Fault::from(EngineError::refused(404, b"{}"));
        assert_eq!(fault.code, FaultCode::NotFound);
        assert!(
            fault.message.starts_with("There is no such container"),
            "{}",
            fault.message
        );
        let fault = Fault::from(EngineError::NobodyListens);
        assert_eq!(fault.message, "The socket is there, but no engine listens on it.");
    }
}
