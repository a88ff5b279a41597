//! Connections that Farol opens itself: [`mod@line`] is their bytes, [`http`] asks over them. What is said is the business of
//! whoever opens one: the commands that talk to another Farol, and the webhook of the audit log.

pub mod http;
pub mod line;

/// Trying again is of no use: the address is none, or who is there is not to be trusted, or will not have us.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Final(pub String);
