//! What travels on the live socket: the messages of the Centrifugal client protocol, version 2 (public schema:
//! centrifugal/protocol `definitions/client.proto`), as far as Farol uses it. Names, numbers and codes are the schema's.
//!
//! - [`envelope`]: commands, replies and pushes, one definition for both encodings.
//! - [`payload`]: what Farol puts into their `data`.
//! - [`codec`]: JSON (newline-joined) and Protobuf (varint-prefixed) framing, with limits.
//! - [`codes`]: error, unsubscribe and disconnect codes.
//!
//! Payloads of metric and process channels are Protobuf messages under the Protobuf encoding and JSON objects under
//! JSON, with the same fields. Payloads of low-rate channels and of rpc are JSON documents under both.

pub mod codec;
pub mod codes;
pub mod envelope;
pub mod payload;

pub use codec::{CodecError, Encoding};
pub use envelope::*;
