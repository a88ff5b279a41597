//! The end of a connection, from wherever it comes.

use farol_model::wire::codes::Disconnect;
use std::sync::OnceLock;
use tokio_util::sync::CancellationToken;

/// Ends a connection from anywhere; the first reason stands.
#[derive(Debug, Default)]
pub struct Kill {
    reason: OnceLock<Disconnect>,
    ended: CancellationToken,
}

impl Kill {
    pub fn end(&self, reason: Disconnect) {
        let _ = self.reason.set(reason);
        self.ended.cancel();
    }

    /// Why it ends, if it does.
    pub fn reason(&self) -> Option<Disconnect> {
        self.reason.get().copied()
    }

    /// Waits for the end.
    pub async fn ended(&self) -> Disconnect {
        self.ended.cancelled().await;
        self.reason().unwrap_or(Disconnect::CONNECTION_CLOSED)
    }
}
