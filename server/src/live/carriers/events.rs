//! `GET /live/events`: Server-Sent Events (WHATWG HTML, 9.2) of channels named in the address.

use super::{
    oneway::{self, Happening, Heard, Wanted},
    pour::pour,
};
use crate::live::{
    Live,
    door::{Refused, Visitor},
    session::Outbound,
};
use axum::{
    Router,
    extract::{Query, State},
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use farol_model::connection::Carrier;
use http::{HeaderMap, header};
use std::fmt::Write;

pub(super) fn routes() -> Router<Live> {
    Router::new().route("/live/events", get(events))
}

async fn events(
    State(live): State<Live>,
    visitor: Visitor,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let last = headers.get("last-event-id").and_then(|last| last.to_str().ok());
    let since = last.or(wanted.since.as_deref());
    let mut response = None;
    oneway::listen(&live, visitor, &wanted, since, Carrier::Events, |mut listener| {
        let (sink, body, gone) = pour(move |outbound| match outbound {
            Outbound::Message(message) => Ok(Some(written(&listener.hear(&message)?))),
            Outbound::Close(_) => Ok(None),
        });
        response = Some(body);
        (sink, gone)
    })?;
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((headers, response.unwrap_or_default()).into_response())
}

/// As events, each with the position after it. Publications have no name, so that `onmessage` gets them.
fn written(heard: &[Heard]) -> Bytes {
    let mut text = String::new();
    for Heard { happening, position } in heard {
        let name = match happening {
            Happening::Ping => {
                text.push_str(": ping\n\n");
                continue;
            }
            Happening::Publication { .. } => "",
            Happening::Subscribed { .. } => "event: subscribed\n",
            Happening::Unsubscribed { .. } => "event: unsubscribed\n",
            Happening::Disconnected { .. } => "event: disconnected\n",
        };
        let data = serde_json::to_string(happening).unwrap_or_default();
        // Writing to a string does not fail.
        let _ = write!(text, "{name}id: {position}\ndata: {data}\n\n");
    }
    text.into()
}
