//! The Centrifugal client protocol: each request of a command with its result, each push, and the methods of rpc.

use super::{Parts, message, schemas::Schemas, sends, takes};
use crate::actions::rpc::RunCall;
use farol_model::{
    connection::{ConnectionPage, ConnectionQuery, FrameRow, FramesQuery},
    wire::{
        Command, Reply,
        payload::{CancelRequest, ClockReport, RunAccepted},
    },
};
use serde_json::{Map, Value, json};

/// The channel of commands, replies and pushes.
const CONNECTION: &str = "connection";
/// The channel of what the methods of rpc are given and answer.
const RPC: &str = "rpc";

/// Describes both.
pub fn describe(schemas: &mut Schemas, channels: &mut Parts, operations: &mut Parts) {
    connection(schemas, channels, operations);
    rpc(schemas, channels, operations);
}

fn connection(schemas: &mut Schemas, channels: &mut Parts, operations: &mut Parts) {
    let (command, reply) = (schemas.taken::<Command>(), schemas.sent::<Reply>());
    let mut messages = Parts::new();
    messages.insert("command".to_owned(), message("Any command.", command));
    messages.insert(
        "reply".to_owned(),
        message("Any reply or push; `{}` is a ping.", reply),
    );
    messages.insert(
        "pong".to_owned(),
        message("The answer to a ping: an empty command.", empty()),
    );
    let error = json!({"id": {"type": "integer"}, "error": {"$ref": "#/components/schemas/Error"}});
    messages.insert(
        "reply.error".to_owned(),
        message("The command was refused.", object(error)),
    );

    let results = fields(schemas, "Reply", &["id", "error", "push"]);
    for (name, result) in &results {
        let payload = object(json!({"id": {"type": "integer"}, name.clone(): result}));
        messages.insert(
            format!("reply.{name}"),
            message(&summary(schemas, result), payload),
        );
    }
    for (name, request) in fields(schemas, "Command", &["id"]) {
        let summary = summary(schemas, &request);
        let payload = object(json!({"id": {"type": "integer"}, name.clone(): request}));
        let said = format!("command.{name}");
        messages.insert(said.clone(), message(&summary, payload));
        // `send` alone is not answered.
        let answer = format!("reply.{name}");
        let answers: &[&str] = match results.contains_key(&name) {
            true => &[&answer, "reply.error"],
            false => &[],
        };
        operations.insert(name, takes(CONNECTION, &said, answers));
    }
    for (name, pushed) in fields(schemas, "Push", &["id", "channel"]) {
        let push = object(json!({"channel": {"type": "string"}, name.clone(): pushed}));
        let said = format!("push.{name}");
        messages.insert(
            said.clone(),
            message(&summary(schemas, &pushed), object(json!({"push": push}))),
        );
        operations.insert(said.clone(), sends(CONNECTION, &said));
    }
    let channel = json!({
        "address": null,
        "title": "Commands, replies and pushes",
        "description": "Each carrier message has one or more, as lines of JSON or as delimited Protobuf.",
        "servers": [
            {"$ref": "#/servers/websocket"}, {"$ref": "#/servers/http_stream"}, {"$ref": "#/servers/sse"},
        ],
        "messages": messages,
    });
    channels.insert(CONNECTION.to_owned(), channel);
}

fn rpc(schemas: &mut Schemas, channels: &mut Parts, operations: &mut Parts) {
    let nothing = empty();
    let methods = [
        (
            "run",
            "Starts an action",
            schemas.taken::<RunCall>(),
            schemas.sent::<RunAccepted>(),
        ),
        (
            "cancel",
            "Cancels a run",
            schemas.taken::<CancelRequest>(),
            nothing,
        ),
        (
            "connections",
            "Who is connected; asks for view_connections",
            schemas.taken::<ConnectionQuery>(),
            schemas.sent::<ConnectionPage>(),
        ),
        (
            "frames",
            "The last frames of one connection; asks for view_connections",
            schemas.taken::<FramesQuery>(),
            schemas.sent::<Vec<FrameRow>>(),
        ),
    ];
    let mut messages = Parts::new();
    for (method, what, request, answer) in methods {
        let answered = format!("{method}.answer");
        messages.insert(
            method.to_owned(),
            message(&format!("{what}: `data` of the request."), request),
        );
        messages.insert(answered.clone(), message("`data` of the result.", answer));
        operations.insert(format!("rpc.{method}"), takes(RPC, method, &[&answered]));
    }
    let clock = message("`data` of a `send` command.", schemas.taken::<ClockReport>());
    messages.insert("clock".to_owned(), clock);
    operations.insert("send.clock".to_owned(), takes(RPC, "clock", &[]));
    let channel = json!({
        "address": null,
        "title": "What commands carry",
        "description": "The message is `data` of the rpc command with the method of its name; of `clock`, of a send command.",
        "messages": messages,
    });
    channels.insert(RPC.to_owned(), channel);
}

/// The messages that a message may hold: its optional fields, each with the reference to its schema.
pub(super) fn fields(schemas: &Schemas, of: &str, but: &[&str]) -> Map<String, Value> {
    let properties = schemas
        .named(of)
        .and_then(|schema| schema["properties"].as_object());
    let reference = |field: &Value| Some(json!({"$ref": field.pointer("/anyOf/0/$ref")?}));
    properties
        .into_iter()
        .flatten()
        .filter(|(name, _)| !but.contains(&name.as_str()))
        .filter_map(|(name, field)| Some((name.clone(), reference(field)?)))
        .collect()
}

/// What a schema that is referred to says of itself.
fn summary(schemas: &Schemas, reference: &Value) -> String {
    let name = reference["$ref"]
        .as_str()
        .and_then(|path| path.rsplit('/').next());
    let schema = name.and_then(|name| schemas.named(name));
    let described = schema.and_then(|schema| schema["description"].as_str());
    described.unwrap_or_default().to_owned()
}

/// An object that has all of these.
pub(super) fn object(properties: Value) -> Value {
    let names: Vec<&String> = properties.as_object().into_iter().flat_map(Map::keys).collect();
    json!({"type": "object", "required": names, "properties": properties})
}

fn empty() -> Value {
    json!({"type": "object", "maxProperties": 0})
}
