//! The live plane: the hub, sessions and one thin adapter per carrier. Protocol: docs/PROTOCOL.md.

use farol_model::{Fault, Viewer};
use futures::future::BoxFuture;
use tokio::sync::broadcast;

/// Who stands behind a connection and what its life hangs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub viewer: Viewer,
    pub proof: Proof,
}

/// What the person showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// A signed-in browser session, by its session id.
    Session(String),
    /// An API token, by its row id.
    Token(i64),
}

/// Something that ends connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// This proof no longer holds: signed out, expired, revoked. Closed with 4501.
    Proof(Proof),
    /// All proofs of this user no longer hold: disabled, role or password changed. Closed with 4500.
    User(i64),
}

/// Asks whether somebody may be here. Implemented by `access`.
pub trait Gate: Send + Sync + 'static {
    /// The identity behind an API token or a single-use ticket; None when it is neither.
    fn by_token<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Option<Identity>, Fault>>;
    /// Whether an identity still holds, and with which role now.
    fn recheck<'a>(&'a self, identity: &'a Identity) -> BoxFuture<'a, Result<Option<Identity>, Fault>>;
    /// Endings from now on.
    fn endings(&self) -> broadcast::Receiver<Ending>;
}

/// Answers `rpc` commands. Implemented by `actions`. Data is JSON text in and out.
pub trait Rpc: Send + Sync + 'static {
    fn call<'a>(
        &'a self,
        identity: &'a Identity,
        peer: &'a str,
        method: &'a str,
        data: &'a [u8],
    ) -> BoxFuture<'a, Result<Vec<u8>, Fault>>;
}
