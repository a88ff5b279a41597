//! Connections that Farol opens itself: [`mod@line`] is their bytes, [`http`] asks over them, [`proof`] says who asks. What is said is
//! the business of whoever opens one: commands that talk to another Farol, the webhook of the audit log, scrapes, remote write.

pub mod http;
pub mod line;
pub mod proof;

/// An address for people, without what may be a secret: the query.
pub fn shown(url: &str) -> String {
    match url.split_once('?') {
        Some((place, _)) => format!("{place}?…"),
        None => url.to_owned(),
    }
}

/// Trying again is of no use: the address is none, or who is there is not to be trusted, or will not have us.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Final(pub String);
