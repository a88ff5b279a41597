//! `GET /live/echo`: a plain WebSocket (RFC 6455) that sends every message back, text as text and binary as binary.
//!
//! It is for whoever is signed in: the round-trip meter of the transport lab, and any conformance suite, which tests our
//! WebSocket and nothing else through it. Messages may have as many bytes as a command; nothing that is sent back waits in
//! memory, because the next message is read when the last has been taken.

use crate::{
    live::{
        Live,
        door::{Refused, Visitor},
    },
    websocket::{
        Event, Wire,
        frame::Opcode,
        handshake::{Handshake, NotWebSocket},
        wire::{ReadError, Reader},
    },
};
use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use farol_model::{connection::Carrier, wire::Encoding};
use std::{future::poll_fn, io};
use tokio::time::timeout;

pub(super) fn routes() -> Router<Live> {
    Router::new().route("/live/echo", get(upgrade))
}

async fn upgrade(
    State(live): State<Live>,
    visitor: Visitor,
    handshake: Result<Handshake, NotWebSocket>,
) -> Result<Response, Refused> {
    visitor.signed_in()?;
    let handshake = match handshake {
        Ok(handshake) => handshake,
        Err(refused) => return Ok(refused.into_response()),
    };
    let admitted = visitor.admit(&live, Carrier::Echo, Encoding::Json)?;
    let (response, opened) = handshake.accept(None);
    live.tasks.clone().spawn(async move {
        let Some(opened) = opened.await else { return };
        let limits = live.limits.clone();
        let (wire, mut reader) = Wire::new(opened.io, opened.first, limits.frame_bytes);
        let code = tokio::select! {
            reason = admitted.seat.client.kill.ended() => Some(reason.code),
            () = live.shutdown.cancelled() => Some(GOING_AWAY),
            // The same patience as for any other connection that says nothing.
            ended = echo(&wire, &mut reader, limits.ping_interval + limits.pong_timeout) => ended,
        };
        let goodbye = async {
            wire.close(code, "");
            if poll_fn(|context| wire.poll_flush(context)).await.is_ok() {
                poll_fn(|context| wire.poll_discard(context)).await;
            }
        };
        let _ = timeout(limits.farewell, goodbye).await;
    });
    Ok(response)
}

/// RFC 6455, 7.4.1.
const GOING_AWAY: u16 = 1001;
/// As above: it said nothing for too long.
const POLICY: u16 = 1008;

/// Sends back until the peer closes, and says with which code to close.
async fn echo(wire: &Wire, reader: &mut Reader, patience: std::time::Duration) -> Option<u16> {
    loop {
        let event = match timeout(patience, poll_fn(|context| wire.poll_event(reader, context))).await {
            Ok(Some(Ok(event))) => event,
            Ok(Some(Err(ReadError::Violation(violation)))) => return Some(violation.code),
            Ok(None | Some(Err(ReadError::Io(_)))) => return None,
            Err(_) => return Some(POLICY),
        };
        let sent: io::Result<()> = match event {
            Event::Text(message) => wire.send(Opcode::Text, &[message]).map(drop),
            Event::Binary(message) => wire.send(Opcode::Binary, &[message]).map(drop),
            Event::Ping(_) | Event::Pong => Ok(()),
            Event::Close(code) => return code,
        };
        if sent.is_err() {
            return None;
        }
        match timeout(patience, poll_fn(|context| wire.poll_flush(context))).await {
            Ok(Ok(())) => {}
            _ => return None,
        }
    }
}
