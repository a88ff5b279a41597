//! What each fuzz target asserts of any bytes at all. The targets of `cargo fuzz` call these functions, and so does the
//! ordinary test `server/tests/corpus.rs`, which compiles this file as a module of its own: the corpus is run on every
//! compiler, the search for new inputs needs a nightly one.
//!
//! A target gives its input to a decoder as the decoder gets it in life, and asserts more than that nothing panics: what
//! was read survives being written and read again, the cut of the bytes does not matter, nothing is held or made that is
//! larger than its limit. To add one: a module with `run`, a line in [`ALL`], a file in `fuzz_targets`, an entry in
//! `Cargo.toml` and a folder in `corpus`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a target fails by panicking"
)]

pub mod container_frames;
pub mod emulation_request;
pub mod engineio_packets;
pub mod expressions;
pub mod json_commands;
pub mod kernel_files;
pub mod metrics_in;
pub mod payloads;
pub mod protobuf_commands;
pub mod signalr_records;
pub mod websocket_frames;

use bytes::Bytes;
use farol_model::wire::{Command, Encoding, Reply, codec};

/// One target.
pub type Target = fn(&[u8]);

/// Every target, by the name of its folder in `corpus`.
pub const ALL: [(&str, Target); 11] = [
    ("container_frames", container_frames::run),
    ("emulation_request", emulation_request::run),
    ("engineio_packets", engineio_packets::run),
    ("expressions", expressions::run),
    ("json_commands", json_commands::run),
    ("kernel_files", kernel_files::run),
    ("metrics_in", metrics_in::run),
    ("payloads", payloads::run),
    ("protobuf_commands", protobuf_commands::run),
    ("signalr_records", signalr_records::run),
    ("websocket_frames", websocket_frames::run),
];

/// Commands that were read are the same after they were written, joined and read again.
fn commands_survive(encoding: Encoding, commands: &[Command]) {
    let frames: Vec<Bytes> = commands
        .iter()
        .map(|command| codec::encode_command(encoding, command))
        .collect();
    let again = codec::decode_commands(encoding, &codec::join(encoding, &frames));
    assert_eq!(again.as_deref(), Ok(commands), "{encoding:?}");
}

/// Replies likewise.
fn replies_survive(encoding: Encoding, replies: &[Reply]) {
    let frames: Vec<Bytes> = replies
        .iter()
        .map(|reply| codec::encode_reply(encoding, reply))
        .collect();
    let again = codec::decode_replies(encoding, &codec::join(encoding, &frames));
    assert_eq!(again.as_deref(), Ok(replies), "{encoding:?}");
}

/// Cuts bytes into pieces of sizes that follow from `seed`: the same seed gives the same cuts.
fn pieces(mut bytes: &[u8], seed: u8) -> Vec<&[u8]> {
    let mut state = u32::from(seed) | 1;
    let mut pieces = Vec::new();
    while !bytes.is_empty() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // Mostly a few bytes, now and then many: heads are cut, and payloads come in large parts too.
        let size = 1 + ((state >> 24) as usize >> (state >> 8 & 7)) * (1 + (state >> 16 & 1) as usize * 63);
        let (piece, rest) = bytes.split_at(size.min(bytes.len()));
        pieces.push(piece);
        bytes = rest;
    }
    pieces
}
