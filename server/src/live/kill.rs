//! The end of a connection, from wherever it comes.

use farol_model::wire::codes::Disconnect;
use std::sync::OnceLock;
use tokio_util::sync::CancellationToken;

/// Ends a connection from anywhere; the first reason stands.
#[derive(Debug, Default)]
pub struct Kill {
    reason: OnceLock<(Disconnect, Option<Box<str>>)>,
    ended: CancellationToken,
}

impl Kill {
    pub fn end(&self, reason: Disconnect) {
        self.end_with(reason, None);
    }

    /// Ends it with words for whoever is behind it.
    pub fn end_with(&self, reason: Disconnect, words: Option<Box<str>>) {
        let _ = self.reason.set((reason, words));
        self.ended.cancel();
    }

    /// Why it ends, if it does.
    pub fn reason(&self) -> Option<Disconnect> {
        self.reason.get().map(|(reason, _)| *reason)
    }

    /// What whoever is behind it is told, when it ends for this reason.
    pub fn words(&self, reason: Disconnect) -> &str {
        match self.reason.get() {
            Some((known, Some(words))) if *known == reason => words,
            _ => reason.reason,
        }
    }

    /// Waits for the end.
    pub async fn ended(&self) -> Disconnect {
        self.ended.cancelled().await;
        self.reason().unwrap_or(Disconnect::CONNECTION_CLOSED)
    }
}
