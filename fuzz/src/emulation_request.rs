//! What reaches the emulated carriers: the body of `POST /emulation` and the query of `GET /connection/sse`. The first byte
//! of the input chooses: `j` a JSON body, `p` a Protobuf body, any other a query.
//!
//! Asserts: a request survives being written and read, and its message is no larger than the body; the message of a query
//! is no larger than the limit; it is read under the encoding that was asked for without harm.

use axum::extract::Query;
use bytes::Bytes;
use farol::live::carriers::emulated::{SseQuery, connect_of, request_of};
use farol_model::wire::{EmulationRequest, Encoding, codec};
use http::Uri;
use prost::Message;

/// As `LiveLimits` has it for messages before connect.
const LIMIT: usize = 4 * 1024;

pub fn run(input: &[u8]) {
    match input.split_first() {
        Some((b'j', body)) => request(Encoding::Json, body),
        Some((b'p', body)) => request(Encoding::Protobuf, body),
        Some((_, query)) => connect(query),
        None => {}
    }
}

fn request(encoding: Encoding, body: &[u8]) {
    let Ok(request) = request_of(encoding, &Bytes::copy_from_slice(body)) else {
        return;
    };
    let size = request.node.len() + request.session.len() + request.data.len();
    assert!(size <= body.len());
    let written = match encoding {
        Encoding::Json => serde_json::to_vec(&request).expect("text"),
        Encoding::Protobuf => request.encode_to_vec(),
    };
    let again: EmulationRequest = request_of(encoding, &written.into()).expect("it was read before");
    assert_eq!(again, request);
    drop(codec::decode_commands(encoding, &request.data));
}

fn connect(query: &[u8]) {
    let Ok(uri) = Uri::try_from([b"/connection/sse?", query].concat()) else {
        return;
    };
    let Ok(Query(asked)) = Query::<SseQuery>::try_from_uri(&uri) else {
        return;
    };
    if let Ok((encoding, message)) = connect_of(asked, LIMIT) {
        assert!(!message.is_empty() && message.len() <= LIMIT);
        // Percent signs and Base64 only make it shorter; what is no UTF-8 becomes U+FFFD, three bytes for one of three.
        assert!(message.len() <= 3 * query.len());
        drop(codec::decode_commands(encoding, &message));
    }
}
