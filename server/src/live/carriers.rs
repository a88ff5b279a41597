//! The ways to reach the live plane: each turns what its clients say into commands and what the hub says into what they
//! understand. None of them knows what a command means; all of them pass the same door and the same session.
//!
//! | file | owns |
//! |---|---|
//! | [`ws`] | `GET /connection/websocket` |
//! | [`emulated`] | `POST /connection/http_stream`, `GET /connection/sse`, `POST /emulation` |
//! | [`events`], [`poll`] | `GET /live/events`, `GET /live/poll`; what they share is [`oneway`] |
//! | [`pour`] | the body of a response that goes on |

pub mod emulated;
pub mod events;
pub mod oneway;
pub mod poll;
pub mod pour;
pub mod ws;

use super::Live;
use axum::{Router, routing::get};

/// What the addresses of all carriers begin with. They check for themselves who may.
const PREFIXES: [&str; 3] = ["/connection/", "/emulation", "/live/"];

/// Whether an address is a carrier's.
pub fn owns(path: &str) -> bool {
    PREFIXES.iter().any(|prefix| path.starts_with(prefix))
}

/// The routes of all carriers.
pub fn routes(live: Live) -> Router {
    Router::new()
        .route("/connection/websocket", get(ws::upgrade))
        .merge(emulated::routes())
        .merge(events::routes())
        .merge(poll::routes())
        .with_state(live)
}
