//! The errors that may leave the process. A fault never carries driver text, paths or secrets: it says what is wrong and
//! what to do, in words for the person who reads it.

use crate::{fields, words};
use serde::Serialize;

/// What kind of refusal it is. Each kind has one HTTP status and one error code of the live protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultCode {
    /// Nobody is signed in, or the proof has expired.
    Unauthenticated,
    /// Signed in, but not allowed.
    Forbidden,
    /// Signed in and allowed, but too long ago: the person must prove again who they are, then ask again.
    ProofNeeded,
    /// No such thing.
    NotFound,
    /// The request itself is wrong; `field` may name the part.
    Invalid,
    /// The state of the world has moved on (a process is gone, a run has ended).
    Conflict,
    /// Too much or too often.
    Limited,
    /// The server cannot do this now, or not on this machine.
    Unavailable,
    /// A fault of Farol itself. Logged where it happened.
    Internal,
}

words!(FaultCode {
    Unauthenticated = "unauthenticated",
    Forbidden = "forbidden",
    ProofNeeded = "proof_needed",
    NotFound = "not_found",
    Invalid = "invalid",
    Conflict = "conflict",
    Limited = "limited",
    Unavailable = "unavailable",
    Internal = "internal",
});

impl FaultCode {
    /// HTTP status, RFC 9110 section 15.
    pub fn http_status(self) -> u16 {
        match self {
            FaultCode::Unauthenticated => 401,
            FaultCode::Forbidden | FaultCode::ProofNeeded => 403,
            FaultCode::NotFound => 404,
            FaultCode::Invalid => 422,
            FaultCode::Conflict => 409,
            FaultCode::Limited => 429,
            FaultCode::Unavailable => 503,
            FaultCode::Internal => 500,
        }
    }

    /// Error code of the Centrifugal client protocol. Codes below 400 are the published ones; 400 and above are the
    /// range left to applications.
    pub fn live_code(self) -> u32 {
        match self {
            FaultCode::Unauthenticated => 101,
            FaultCode::Forbidden => 103,
            FaultCode::ProofNeeded => 403,
            FaultCode::NotFound => 404,
            FaultCode::Invalid => 107,
            FaultCode::Conflict => 409,
            FaultCode::Limited => 111,
            FaultCode::Unavailable => 108,
            FaultCode::Internal => 100,
        }
    }
}

/// One refusal or failure, as told to a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    pub code: FaultCode,
    /// What happened and what to do, as one or two sentences.
    pub message: String,
    /// The field or parameter at fault, when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Seconds after which trying again makes sense.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_secs: Option<u32>,
}

fields!(Fault {
    code,
    message,
    field,
    retry_after_secs
});

impl Fault {
    pub fn new(code: FaultCode, message: impl Into<String>) -> Self {
        Fault {
            code,
            message: message.into(),
            field: None,
            retry_after_secs: None,
        }
    }

    pub fn unauthenticated() -> Self {
        Self::new(
            FaultCode::Unauthenticated,
            "You are signed out. Sign in to continue.",
        )
    }

    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(FaultCode::Forbidden, message)
    }

    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(FaultCode::NotFound, message)
    }

    /// `field` is the name of the parameter as the caller sent it.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Fault {
            field: Some(field.into()),
            ..Self::new(FaultCode::Invalid, message)
        }
    }

    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(FaultCode::Conflict, message)
    }

    pub fn limited(message: impl Into<String>, retry_after_secs: u32) -> Self {
        Fault {
            retry_after_secs: Some(retry_after_secs),
            ..Self::new(FaultCode::Limited, message)
        }
    }

    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(FaultCode::Unavailable, message)
    }

    /// The caller logs the cause; the person only learns that it is ours.
    pub fn internal() -> Self {
        Self::new(
            FaultCode::Internal,
            "Farol failed while doing this. The server log says why.",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::codes;

    #[test]
    fn every_fault_has_a_code_that_is_told_of() {
        for code in FaultCode::ALL {
            let known = codes::error::ALL.iter().any(|one| one.code == code.live_code());
            assert!(known, "{code:?}");
        }
    }
}
