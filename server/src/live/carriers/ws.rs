//! The WebSocket carrier: `GET /connection/websocket`.
//!
//! It hands whole messages to [`crate::live::session`], and is the one carrier that the flusher writes to directly. It knows
//! nothing of commands. The subprotocol `centrifuge-protobuf` chooses Protobuf in binary messages; without it messages
//! are JSON text. What breaks the rules of WebSocket is answered with the code of RFC 6455 (1002, 1007, 1009).

use crate::live::{
    Live,
    door::{Admitted, Visitor},
    flusher::Express,
    framed::Framed,
    session::{self, CarrierError, Outbound, Peer},
};
use crate::websocket::{
    Event, Wire,
    frame::Opcode,
    handshake::{Handshake, NotWebSocket, Opened},
    wire::{ReadError, Reader, Sent},
};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use farol_model::{
    connection::Carrier,
    wire::{Encoding, codes::Disconnect},
};
use futures::{Sink, Stream};
use std::{
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

/// The subprotocol that chooses Protobuf; without it messages are JSON.
pub const PROTOBUF_SUBPROTOCOL: &str = "centrifuge-protobuf";

/// See the module.
pub async fn upgrade(
    State(live): State<Live>,
    visitor: Visitor,
    handshake: Result<Handshake, NotWebSocket>,
) -> Response {
    let handshake = match handshake {
        Ok(handshake) => handshake,
        Err(refused) => return refused.into_response(),
    };
    let (encoding, protocol) = match handshake.offers(PROTOBUF_SUBPROTOCOL) {
        true => (Encoding::Protobuf, Some(PROTOBUF_SUBPROTOCOL)),
        false => (Encoding::Json, None),
    };
    let admitted = match visitor.admit(&live, Carrier::WebSocket, encoding) {
        Ok(admitted) => admitted,
        Err(refused) => return refused.into_response(),
    };
    let (response, opened) = handshake.accept(protocol);
    // The tracker must know of the session before the answer is out, or a shutdown in between would not wait for it.
    live.tasks.clone().spawn(async move {
        if let Some(opened) = opened.await {
            let (peer, sink, stream) = open(&live, admitted, opened, encoding);
            session::run(live, peer, sink, stream).await;
        }
    });
    response
}

fn open(live: &Live, admitted: Admitted, opened: Opened, encoding: Encoding) -> (Peer, Outgoing, Incoming) {
    let (outgoing, incoming) = sides(opened, encoding, live.limits.frame_bytes_before_connect);
    let peer = Peer {
        seat: admitted.seat,
        identity: admitted.identity,
        emulated: None,
        express: Some(outgoing.0.clone()),
    };
    (peer, outgoing, incoming)
}

/// Both sides of a WebSocket whose messages may have so many bytes.
pub(super) fn sides(opened: Opened, encoding: Encoding, limit: usize) -> (Outgoing, Incoming) {
    let (wire, reader) = Wire::new(opened.io, opened.first, limit);
    let line = Arc::new(Line {
        wire,
        opcode: match encoding {
            Encoding::Json => Opcode::Text,
            Encoding::Protobuf => Opcode::Binary,
        },
    });
    let incoming = Incoming {
        line: line.clone(),
        reader,
        refused: false,
    };
    (Outgoing(line), incoming)
}

/// One open WebSocket, as the flusher and the session share it.
struct Line {
    wire: Wire,
    /// Of messages in both directions.
    opcode: Opcode,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line")
            .field("opcode", &self.opcode)
            .finish_non_exhaustive()
    }
}

impl Express for Line {
    fn send(&self, pieces: &[Framed]) -> io::Result<bool> {
        Ok(self.wire.send(self.opcode, pieces)? == Sent::Whole)
    }

    fn set_limit(&self, bytes: usize) {
        self.wire.set_limit(bytes);
    }
}

/// The writing side.
pub struct Outgoing(Arc<Line>);

impl Sink<Outbound> for Outgoing {
    type Error = CarrierError;

    fn poll_ready(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), CarrierError>> {
        self.poll_flush(context)
    }

    fn start_send(self: Pin<&mut Self>, outbound: Outbound) -> Result<(), CarrierError> {
        match outbound {
            Outbound::Message(message) => {
                let sent = self.0.wire.send(self.0.opcode, &[message]);
                sent.map(drop).map_err(|_| CarrierError::Broken)
            }
            Outbound::Close(Disconnect { code, reason }) => {
                self.0.wire.close(Some(code), reason);
                Ok(())
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), CarrierError>> {
        self.0.wire.poll_flush(context).map_err(|_| CarrierError::Broken)
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), CarrierError>> {
        self.0
            .wire
            .poll_shutdown(context)
            .map_err(|_| CarrierError::Broken)
    }
}

/// The reading side.
pub struct Incoming {
    line: Arc<Line>,
    reader: Reader,
    /// The peer broke a rule: what else it sends is not looked at.
    refused: bool,
}

impl Stream for Incoming {
    type Item = Result<Bytes, CarrierError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.refused {
            ready!(this.line.wire.poll_discard(context));
            return Poll::Ready(None);
        }
        let refusal = match ready!(this.line.wire.poll_event(&mut this.reader, context)) {
            None => return Poll::Ready(None),
            Some(Ok(Event::Text(message))) if this.line.opcode == Opcode::Text => {
                return Poll::Ready(Some(Ok(message)));
            }
            Some(Ok(Event::Binary(message))) if this.line.opcode == Opcode::Binary => {
                return Poll::Ready(Some(Ok(message)));
            }
            Some(Ok(Event::Text(_) | Event::Binary(_))) => Disconnect::BAD_REQUEST,
            // Signs of life; a ping has been answered.
            Some(Ok(Event::Ping(_) | Event::Pong)) => return Poll::Ready(Some(Ok(Bytes::new()))),
            Some(Ok(Event::Close(code))) => {
                this.line.wire.close(code, "");
                return Poll::Ready(None);
            }
            Some(Err(ReadError::Violation(violation))) => {
                tracing::debug!(%violation, "a peer broke the rules of WebSocket");
                Disconnect::of_carrier(violation.code, violation.reason)
            }
            Some(Err(ReadError::Io(_))) => return Poll::Ready(Some(Err(CarrierError::Broken))),
        };
        this.refused = true;
        Poll::Ready(Some(Err(CarrierError::Refused(refusal))))
    }
}
