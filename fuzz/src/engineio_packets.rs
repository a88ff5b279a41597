//! The body of a polling `POST /socket.io/`: Engine.IO packets, Socket.IO packets in them, requests in those. The packets
//! are read by the crates that stand under `socketioxide`, with the settings that Farol gives it; the requests by Farol.
//! The first byte of the input chooses how the body is cut.
//!
//! Asserts: the cut does not change the packets; together they are no larger than the body, and a body above the limit is
//! an error; a packet survives being written and read; no attachment is ever waited for; a request becomes one command
//! that survives, or an error with a code and words.

use super::{commands_survive, pieces};
use axum::body::Body;
use bytes::Bytes;
use engineioxide_core::{Packet, PacketParseError, ProtocolVersion, Str, payload};
use farol::live::carriers::socketio::{REQUESTS, command_of};
use farol_model::wire::Encoding;
use futures::{FutureExt, StreamExt, stream};
use serde_json::Value;
use socketioxide_core::{
    packet::PacketData,
    parser::{Parse, ParseConfig, ParseError, ParserState},
};
use socketioxide_parser_common::CommonParser;
use std::{convert::Infallible, pin::pin};

pub fn run(input: &[u8]) {
    let Some((seed, body)) = input.split_first() else {
        return;
    };
    let limit = body.len() as u64;
    let (packets, fault) = read(&[body], limit);
    let (cut, cut_fault) = read(&pieces(body, *seed), limit);
    assert_eq!((&packets, fault.is_some()), (&cut, cut_fault.is_some()));
    if let Some(less) = limit.checked_sub(1) {
        let (none, fault) = read(&[body], less);
        assert!(none.is_empty() && matches!(fault, Some(PacketParseError::PayloadTooLarge { .. })));
    }
    let size: usize = packets.iter().map(size_of).sum();
    assert!(size <= body.len());
    for packet in packets {
        if let Packet::Message(message) = &packet {
            socket_io(message.clone());
        }
        let again = Packet::parse(ProtocolVersion::V4, String::from(packet.clone()));
        assert_eq!(again.ok(), Some(packet));
    }
}

/// All packets up to the first that is none.
fn read(pieces: &[&[u8]], limit: u64) -> (Vec<Packet>, Option<PacketParseError>) {
    let pieces: Vec<_> = pieces
        .iter()
        // HTTP/1 has no empty part of a body, and the decoder counts on that.
        .filter(|piece| !piece.is_empty())
        .map(|piece| Ok::<_, Infallible>(Bytes::copy_from_slice(piece)))
        .collect();
    let body = Body::from_stream(stream::iter(pieces));
    let mut decoder = pin!(payload::decoder(body, None, ProtocolVersion::V4, limit));
    let mut packets = Vec::new();
    // The body is there, so nothing is waited for.
    while let Some(next) = decoder.next().now_or_never().expect("the body is whole") {
        match next {
            Ok(packet) => packets.push(packet),
            Err(fault) => return (packets, Some(fault)),
        }
    }
    (packets, None)
}

fn size_of(packet: &Packet) -> usize {
    match packet {
        Packet::Message(message) => message.len(),
        Packet::Binary(bytes) | Packet::BinaryV3(bytes) => bytes.len(),
        _ => 1,
    }
}

fn socket_io(message: Str) {
    let config = ParseConfig {
        // As `socketio::routes` sets it.
        max_incoming_binaries: 0,
        ..ParseConfig::default()
    };
    let state = ParserState::default();
    let packet = match CommonParser.decode_str(&config, &state, message) {
        Ok(packet) => packet,
        Err(error) => {
            assert!(!matches!(error, ParseError::NeedsMoreBinaryData));
            return;
        }
    };
    match packet.inner {
        PacketData::Event(mut value, _) | PacketData::BinaryEvent(mut value, _) => {
            let Ok(name) = CommonParser.read_event(&value).map(str::to_owned) else {
                return;
            };
            // The handler of a request takes what is no JSON for `null`.
            let data = CommonParser.decode_value::<Value>(&mut value, true);
            if let Some(name) = REQUESTS.iter().find(|known| **known == name) {
                request(name, data.unwrap_or(Value::Null));
            }
        }
        PacketData::Connect(auth) => drop(CommonParser.decode_default::<Value>(auth.as_ref())),
        _ => {}
    }
}

fn request(name: &'static str, data: Value) {
    match command_of(name, data) {
        Ok(command) => commands_survive(Encoding::Json, &[command]),
        Err(refused) => {
            assert!(refused["error"]["code"].as_u64().is_some_and(|code| code >= 100));
            assert!(
                !refused["error"]["message"]
                    .as_str()
                    .unwrap_or_default()
                    .is_empty()
            );
        }
    }
}
