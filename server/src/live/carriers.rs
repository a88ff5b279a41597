//! The ways to reach the live plane: each turns what its clients say into commands and what the hub says into what they
//! understand. None of them knows what a command means; all of them pass the same door and the same session.
//!
//! | file | owns |
//! |---|---|
//! | [`ws`] | `GET /connection/websocket` |
//! | [`emulated`] | `POST /connection/http_stream`, `GET /connection/sse`, `POST /emulation` |
//! | [`events`], [`poll`] | `GET /live/events`, `GET /live/poll`; what they share is [`oneway`] |
//! | [`socketio`] | `/socket.io/` |
//! | [`signalr`] | `/signalr`, `POST /signalr/negotiate` |
//! | [`echo`] | `GET /live/echo` |
//! | [`pour`] | the body of a response that goes on |

pub mod echo;
pub mod emulated;
pub mod events;
pub mod oneway;
pub mod poll;
pub mod pour;
pub mod signalr;
pub mod socketio;
pub mod ws;

use super::{Live, session::CarrierError};
use axum::{Router, routing::get};
use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// What the addresses of all carriers begin with. They check for themselves who may.
const PREFIXES: [&str; 5] = ["/connection/", "/emulation", "/live/", "/socket.io/", "/signalr"];

/// Whether an address is a carrier's.
pub fn owns(path: &str) -> bool {
    PREFIXES.iter().any(|prefix| path.starts_with(prefix))
}

/// The routes of all carriers.
pub fn routes(live: Live) -> Router {
    Router::new()
        .route("/connection/websocket", get(ws::upgrade))
        .merge(echo::routes())
        .merge(emulated::routes())
        .merge(events::routes())
        .merge(poll::routes())
        .merge(signalr::routes())
        .merge(socketio::routes(&live))
        .with_state(live)
}

/// What a session reads where messages are handed to it: the first, then the others until the client is gone.
fn inlet(
    first: Bytes,
    mut later: mpsc::Receiver<Bytes>,
    gone: CancellationToken,
) -> impl Stream<Item = Result<Bytes, CarrierError>> + Unpin + Send {
    stream::iter([first])
        .chain(stream::poll_fn(move |context| later.poll_recv(context)))
        .map(Ok)
        .take_until(Box::pin(gone.cancelled_owned()))
}
