//! What a log says of a command: a span `live_command` with its kind and id, and the channel or the method that it names.
//! Never what it carries: that may be a token, or anything else that a client sends.

use farol_model::wire::Command;
use tracing::{Span, field};

/// A client's own words are cut to this, bytes.
const MAX_NAME_BYTES: usize = 100;

/// Costs nothing where nobody asked for it.
pub(super) fn span(command: &Command) -> Span {
    let span = tracing::debug_span!(
        "live_command",
        kind = field::Empty,
        id = command.id,
        channel = field::Empty,
        method = field::Empty,
    );
    if !span.is_disabled() {
        let (kind, channel, method) = describe(command);
        span.record("kind", kind);
        for (field, name) in [("channel", channel), ("method", method)] {
            if let Some(name) = name {
                // As a literal, so that it cannot pretend to be a line of the log.
                span.record(
                    field,
                    field::debug(&name[..name.floor_char_boundary(MAX_NAME_BYTES)]),
                );
            }
        }
    }
    span
}

/// Kind, channel and method.
fn describe(command: &Command) -> (&'static str, Option<&str>, Option<&str>) {
    if command.connect.is_some() {
        ("connect", None, None)
    } else if let Some(request) = &command.subscribe {
        ("subscribe", Some(&request.channel), None)
    } else if let Some(request) = &command.unsubscribe {
        ("unsubscribe", Some(&request.channel), None)
    } else if let Some(request) = &command.sub_refresh {
        ("sub_refresh", Some(&request.channel), None)
    } else if let Some(request) = &command.history {
        ("history", Some(&request.channel), None)
    } else if let Some(request) = &command.presence {
        ("presence", Some(&request.channel), None)
    } else if let Some(request) = &command.presence_stats {
        ("presence_stats", Some(&request.channel), None)
    } else if let Some(request) = &command.publish {
        ("publish", Some(&request.channel), None)
    } else if let Some(request) = &command.rpc {
        ("rpc", None, Some(&request.method))
    } else if command.send.is_some() {
        ("send", None, None)
    } else if command.refresh.is_some() {
        ("refresh", None, None)
    } else if command.ping.is_some() {
        ("ping", None, None)
    } else {
        ("unknown", None, None)
    }
}
