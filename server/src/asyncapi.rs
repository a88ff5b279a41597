//! The live protocol as an AsyncAPI 3.0 document (asyncapi.com/docs/reference/specification/v3.0.0), made from the types
//! that travel: a change of one of them changes docs/asyncapi.yaml, or a test fails. `farol asyncapi` prints it, and
//! `cargo xtask asyncapi` keeps that file.
//!
//! | file | owns |
//! |---|---|
//! | [`schemas`] | JSON schemas of all types |
//! | [`protocol`] | commands, replies and pushes, and the methods of rpc |
//! | [`channels`] | the channels that are subscribed to |
//! | [`carriers`] | the addresses, and what is said at those that do not speak the protocol itself |
//! | [`numbers`] | codes and limits |
//! | [`yaml`] | how the document is written |
//!
//! A new command, push, code, class or carrier comes into it by itself or does not compile without; what it cannot know is
//! what docs/PROTOCOL.md says in words.

pub mod carriers;
pub mod channels;
pub mod numbers;
pub mod protocol;
pub mod schemas;
pub mod yaml;

use schemas::Schemas;
use serde_json::{Map, Value, json};

/// Named parts of the document.
type Parts = Map<String, Value>;

const DESCRIPTION: &str = "Farol speaks the Centrifugal client protocol, version 2, over WebSocket, HTTP streaming and \
    Server-Sent Events, and carries the same channels over one-way events, long poll, Socket.IO and SignalR. Types are shown \
    in JSON; fields that are absent have their defaults (0, empty, false). docs/PROTOCOL.md has the rules in words.";

/// The whole document.
pub fn document() -> Value {
    let mut schemas = Schemas::default();
    let (mut channels, mut operations) = (Parts::new(), Parts::new());
    protocol::describe(&mut schemas, &mut channels, &mut operations);
    channels::describe(&mut schemas, &mut channels, &mut operations);
    carriers::describe(&mut schemas, &mut channels, &mut operations);
    let license = json!({"name": "MIT OR Apache-2.0"});
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Farol live protocol",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": license,
        },
        "defaultContentType": "application/json",
        "servers": carriers::servers(),
        "channels": channels,
        "operations": operations,
        "components": {
            "schemas": schemas.finish(),
            "securitySchemes": carriers::security_schemes(),
        },
        "x-farol-errors": numbers::errors(),
        "x-farol-unsubscribes": numbers::unsubscribes(),
        "x-farol-disconnects": numbers::disconnects(),
        "x-farol-limits": numbers::limits(),
    })
}

/// The document as docs/asyncapi.yaml has it.
pub fn text() -> String {
    let head = "# Written by `cargo xtask asyncapi` from the types that travel. Not to be edited.\n";
    format!("{head}{}", yaml::write(&document()))
}

/// A message with a payload.
fn message(summary: &str, payload: Value) -> Value {
    json!({"summary": summary, "payload": payload})
}

/// A reference to a message of a channel.
fn message_ref(channel: &str, message: &str) -> Value {
    json!({"$ref": format!("#/channels/{channel}/messages/{message}")})
}

/// A reference to a channel.
fn channel_ref(channel: &str) -> Value {
    json!({"$ref": format!("#/channels/{channel}")})
}

/// What the server sends on its own.
fn sends(channel: &str, message: &str) -> Value {
    json!({
        "action": "send",
        "channel": channel_ref(channel),
        "messages": [message_ref(channel, message)],
    })
}

/// What the server takes, and what it answers, if it does.
fn takes(channel: &str, message: &str, answers: &[&str]) -> Value {
    let mut operation = json!({
        "action": "receive",
        "channel": channel_ref(channel),
        "messages": [message_ref(channel, message)],
    });
    if !answers.is_empty() {
        let answers: Vec<Value> = answers.iter().map(|one| message_ref(channel, one)).collect();
        operation["reply"] = json!({"channel": channel_ref(channel), "messages": answers});
    }
    operation
}
