//! Where the protocol can be had, and what is said at the carriers that have words of their own.

use super::{
    Parts, message,
    protocol::{fields, object},
    schemas::Schemas,
    sends, takes,
};
use crate::live::carriers::{
    oneway::Happening,
    poll::Answer,
    signalr::hub::Item,
    socketio::{EVENTS, REQUESTS},
};
use farol_model::{connection::Carrier, wire::EmulationRequest};
use serde_json::{Value, json};

/// Scheme, address, and how it is used.
fn place(carrier: Carrier) -> (&'static str, &'static str, &'static str) {
    match carrier {
        Carrier::WebSocket => (
            "ws",
            "/connection/websocket",
            "RFC 6455. JSON text; Protobuf with the subprotocol `centrifuge-protobuf`.",
        ),
        Carrier::HttpStream => (
            "http",
            "/connection/http_stream",
            "POST: the body is the connect command, the response the stream of replies. JSON lines, or delimited Protobuf with \
             Content-Type application/octet-stream. Further commands go to /emulation.",
        ),
        Carrier::Sse => (
            "http",
            "/connection/sse",
            "GET: `cf_connect` is the connect command, the response Server-Sent Events of replies; with `cf_protocol=protobuf` \
             both are delimited Protobuf in Base64. Further commands go to /emulation.",
        ),
        Carrier::Events => (
            "http",
            "/live/events",
            "GET: Server-Sent Events of the channels named in `channels`, joined by commas.",
        ),
        Carrier::LongPoll => (
            "http",
            "/live/poll",
            "GET: one JSON document at the first publication in `channels` after the position `since`, or after `wait_ms`, 25 s at most.",
        ),
        Carrier::SocketIo => ("http", "/socket.io/", "Socket.IO 4 over polling and WebSocket."),
        Carrier::SignalR => (
            "http",
            "/signalr",
            "SignalR's JSON hub protocol over WebSockets, Server-Sent Events and long polling.",
        ),
        Carrier::Echo => (
            "ws",
            "/live/echo",
            "RFC 6455: every message comes back as it was sent.",
        ),
    }
}

/// One server for each carrier, and one for the commands of those that go one way.
pub fn servers() -> Parts {
    let server = |(protocol, path, what): (&str, &str, &str)| {
        json!({
            "host": "127.0.0.1:3000",
            "protocol": protocol,
            "pathname": path,
            "description": what,
            "security": [
                {"$ref": "#/components/securitySchemes/bearer"},
                {"$ref": "#/components/securitySchemes/session"},
            ],
        })
    };
    let mut servers: Parts = Carrier::ALL
        .into_iter()
        .map(|carrier| (carrier.as_str().to_owned(), server(place(carrier))))
        .collect();
    let emulation = (
        "http",
        "/emulation",
        "POST: commands of a connection over http_stream or sse. 204 when they were taken.",
    );
    servers.insert("emulation".to_owned(), server(emulation));
    servers
}

/// How a client shows who it is.
pub fn security_schemes() -> Value {
    json!({
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "An API token, or a ticket of POST /api/v1/tickets. Also as `token` of the connect command, as \
                `auth.token` of Socket.IO and as `access_token` in the address of SignalR.",
        },
        "session": {
            "type": "httpApiKey",
            "in": "cookie",
            "name": "__Host-farol",
            "description": "The cookie of a signed-in page, on a request whose Origin is ours.",
        },
    })
}

/// Describes what is said at each that has words of its own.
pub fn describe(schemas: &mut Schemas, channels: &mut Parts, operations: &mut Parts) {
    let bytes = json!({"description": "Any text or binary message of 32 KiB at most."});
    let happening = schemas.sent::<Happening>();
    let answer = schemas.sent::<Answer>();
    let item = schemas.sent::<Item>();
    let request = schemas.taken::<EmulationRequest>();
    let one = |name: &str, what: &str, payload: Value| {
        Parts::from_iter([(name.to_owned(), message(what, payload))])
    };
    let mut add = |key: &str, title: &str, messages: Parts| {
        let channel = json!({
            "address": null,
            "title": title,
            "servers": [{"$ref": format!("#/servers/{key}")}],
            "messages": messages,
        });
        channels.insert(key.to_owned(), channel);
    };
    add(
        "events",
        "One-way events",
        one(
            "event",
            "`data` of an event; its `id` is the position after it.",
            happening,
        ),
    );
    add(
        "long_poll",
        "Long poll",
        one(
            "answer",
            "What was published, and where the next request goes on.",
            answer,
        ),
    );
    add(
        "signalr",
        "Streams of the hub method Subscribe",
        one("item", "An item of the stream.", item),
    );
    add(
        "emulation",
        "Commands of a one-way connection",
        one("commands", "Commands, and whose.", request),
    );
    add("echo", "Echo", one("message", "Sent back as it is.", bytes));
    operations.insert("events.event".to_owned(), sends("events", "event"));
    operations.insert("long_poll.answer".to_owned(), sends("long_poll", "answer"));
    operations.insert("signalr.item".to_owned(), sends("signalr", "item"));
    operations.insert(
        "emulation.commands".to_owned(),
        takes("emulation", "commands", &[]),
    );
    operations.insert("echo.message".to_owned(), takes("echo", "message", &["message"]));
    let messages = socket_io(schemas, operations);
    add("socket_io", "Events of Socket.IO", messages);
}

/// Requests are events of the client and are answered by their acknowledgement; pushes are events of the server.
fn socket_io(schemas: &Schemas, operations: &mut Parts) -> Parts {
    const CHANNEL: &str = "socket_io";
    let mut messages = Parts::new();
    let (requests, results) = (fields(schemas, "Command", &[]), fields(schemas, "Reply", &[]));
    let error = object(json!({"error": {"$ref": "#/components/schemas/Error"}}));
    messages.insert("ack.error".to_owned(), message("The request was refused.", error));
    for name in REQUESTS {
        let (Some(request), Some(result)) = (requests.get(name), results.get(name)) else {
            continue;
        };
        let ack = format!("ack.{name}");
        messages.insert(
            name.to_owned(),
            message("An event of the client.", request.clone()),
        );
        messages.insert(ack.clone(), message("Its acknowledgement.", result.clone()));
        operations.insert(
            format!("{CHANNEL}.{name}"),
            takes(CHANNEL, name, &[&ack, "ack.error"]),
        );
    }
    let pushes = fields(schemas, "Push", &[]);
    for (name, event) in EVENTS {
        let Some(push) = pushes.get(name) else { continue };
        let channel = object(json!({"channel": {"type": "string"}}));
        let payload = match name {
            "disconnect" => push.clone(),
            _ => json!({"allOf": [push, channel]}),
        };
        messages.insert(event.to_owned(), message("An event of the server.", payload));
        operations.insert(format!("{CHANNEL}.{event}"), sends(CHANNEL, event));
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_is_one_that_carriers_own() {
        for server in servers().values() {
            let path = server["pathname"].as_str().unwrap();
            assert!(crate::live::owns(path), "{path}");
        }
    }

    #[test]
    fn every_request_and_event_of_socket_io_is_one_of_the_protocol() {
        let mut schemas = Schemas::default();
        crate::asyncapi::protocol::describe(&mut schemas, &mut Parts::new(), &mut Parts::new());
        let messages = socket_io(&schemas, &mut Parts::new());
        assert_eq!(messages.len(), 2 * REQUESTS.len() + EVENTS.len() + 1);
    }
}
