//! What a peer sends on an open WebSocket. The first byte of the input chooses the limit of a message, the second how the
//! others are cut.
//!
//! Asserts: the cut does not change events or violation; all that is not wrong is looked at; no message is larger than its
//! limit, no control frame larger than 125 bytes, and no more than both is held meanwhile; events that are written as
//! frames again are read as the same events.

use super::pieces;
use bytes::Bytes;
use farol::websocket::{
    Assembler, Event, Violation,
    frame::{MAX_CONTROL, Opcode, server_head, unmask},
};

const LIMITS: [usize; 4] = [64, 1024, 4 * 1024, 32 * 1024];

pub fn run(input: &[u8]) {
    let [limit, seed, bytes @ ..] = input else {
        return;
    };
    let limit = LIMITS[usize::from(*limit) % LIMITS.len()];
    let (events, violation) = read(&[bytes], limit);
    assert_eq!(read(&pieces(bytes, *seed), limit), (events.clone(), violation));
    let bytes_each: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(read(&bytes_each, limit), (events.clone(), violation));
    if let Some(violation) = violation {
        assert!(matches!(violation.code, 1002 | 1007 | 1009), "{violation}");
    }
    let mask = [*seed, seed.wrapping_mul(7), !seed, 0x55];
    let frames: Vec<u8> = events.iter().flat_map(|event| frame(event, mask)).collect();
    assert_eq!(read(&[frames.as_slice()], limit), (events, None));
}

/// All events up to the first violation.
fn read(pieces: &[&[u8]], limit: usize) -> (Vec<Event>, Option<Violation>) {
    let mut assembler = Assembler::default();
    let mut events = Vec::new();
    for piece in pieces {
        let mut input = *piece;
        loop {
            let step = assembler.next(&mut input, limit);
            assert!(
                assembler.held_bytes() <= limit + MAX_CONTROL,
                "{} bytes are held, the limit is {limit}",
                assembler.held_bytes()
            );
            match step {
                Ok(Some(event)) => {
                    is_bounded(&event, limit);
                    events.push(event);
                }
                Ok(None) => {
                    assert!(input.is_empty(), "what is left was not looked at");
                    break;
                }
                Err(violation) => return (events, Some(violation)),
            }
        }
    }
    (events, None)
}

fn is_bounded(event: &Event, limit: usize) {
    match event {
        Event::Text(message) => {
            assert!(message.len() <= limit);
            assert!(std::str::from_utf8(message).is_ok(), "text that is not UTF-8");
        }
        Event::Binary(message) => assert!(message.len() <= limit),
        Event::Ping(payload) => assert!(payload.len() <= MAX_CONTROL),
        Event::Pong | Event::Close(_) => {}
    }
}

/// One masked frame of a client.
fn frame(event: &Event, mask: [u8; 4]) -> Vec<u8> {
    let (opcode, payload) = match event {
        Event::Text(message) => (Opcode::Text, message.clone()),
        Event::Binary(message) => (Opcode::Binary, message.clone()),
        Event::Ping(payload) => (Opcode::Ping, payload.clone()),
        Event::Pong => (Opcode::Pong, Bytes::new()),
        Event::Close(code) => (
            Opcode::Close,
            code.map_or_else(Bytes::new, |code| Bytes::copy_from_slice(&code.to_be_bytes())),
        ),
    };
    let (mut head, size) = server_head(opcode, payload.len());
    head[1] |= 0x80;
    let mut payload = payload.to_vec();
    unmask(&mut payload, mask, 0);
    [&head[..size], &mask[..], &payload[..]].concat()
}
