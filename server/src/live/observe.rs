//! What operators see of live connections: rows that are filtered, sorted and cut here, so that ten thousand of them cost
//! a browser no more than fifty; and the last frames of one, decoded when somebody asks.
//!
//! Secrets stay here: of a command that brings a token, and of what an rpc method was given, only the outline is shown.

use super::{Live, client::Client, hub::Hub, registry::Registry, traffic::Seen};
use crate::{actions::disconnect::Connections, time::now_ms};
use bytes::Bytes;
use farol_model::{
    Fault, Permission, Viewer,
    channel::{Channel as ChannelName, Class},
    connection::{
        ConnectionPage, ConnectionQuery, ConnectionRow, ConnectionSort, Flow, FrameRow, MAX_CONNECTION_ROWS,
    },
    process::ProcessUpdate,
    wire::{
        Command, Encoding, Publication, Reply, SubscribeResult, codec,
        codes::Disconnect,
        payload::{MetricsPublication, MetricsSnapshot},
    },
};
use prost::Message;
use serde::Serialize;
use serde_json::Value;
use std::{cmp::Ordering, collections::HashSet, sync::Arc};

/// Longest text of a frame, characters.
const MAX_TEXT: usize = 2000;
/// Longest part of an operator's reason that the client is told, bytes.
const MAX_REASON_BYTES: usize = 80;
/// What stands where a secret was.
const HIDDEN: &str = "(hidden)";

impl Live {
    /// The connections that a query asks for.
    pub fn connections(&self, viewer: &Viewer, query: &ConnectionQuery) -> Result<ConnectionPage, Fault> {
        viewer.require(Permission::ViewConnections)?;
        let clients = self.registry.clients();
        let all: Vec<ConnectionRow> = clients.iter().map(row).collect();
        Ok(page(all, query, now_ms()))
    }

    /// One connection; None when it is not there now.
    pub fn connection(&self, viewer: &Viewer, id: &str) -> Result<Option<ConnectionRow>, Fault> {
        viewer.require(Permission::ViewConnections)?;
        Ok(self.registry.client(id).as_ref().map(row))
    }

    /// The last frames of one connection, oldest first.
    pub fn frames(&self, viewer: &Viewer, id: &str) -> Result<Vec<FrameRow>, Fault> {
        viewer.require(Permission::ViewConnections)?;
        let client = self.registry.client(id).ok_or_else(|| unknown(id))?;
        let traffic = client.outbox().map(|outbox| outbox.traffic()).unwrap_or_default();
        Ok(traffic
            .recent()
            .map(|seen| FrameRow {
                t_ms: seen.t_ms,
                inbound: seen.inbound,
                size: seen.size as u64,
                text: read(&seen, client.encoding, &self.hub),
            })
            .collect())
    }
}

impl Connections for Registry {
    fn disconnect(&self, id: &str, may_return: bool, reason: &str) -> Result<String, Fault> {
        let client = self.client(id).ok_or_else(|| unknown(id))?;
        let code = match may_return {
            true => Disconnect::FORCE_RECONNECT,
            false => Disconnect::FORCE,
        };
        let told = &reason[..reason.floor_char_boundary(MAX_REASON_BYTES)];
        let words = format!("ended by an operator: {told}");
        client.kill.end_with(code, Some(words.into()));
        let name = client.identity().map(|identity| identity.viewer.name.clone());
        Ok(name.unwrap_or_else(|| client.address.to_string()))
    }
}

fn unknown(id: &str) -> Fault {
    let shown: String = id.chars().take(32).collect();
    Fault::not_found(format!("There is no connection `{shown}` now."))
}

fn row(client: &Arc<Client>) -> ConnectionRow {
    let told = client.told();
    let outbox = client.outbox();
    let traffic = outbox.as_ref().map(|outbox| outbox.flows()).unwrap_or_default();
    let counts = outbox.as_ref().map(|outbox| outbox.counts()).unwrap_or_default();
    let viewer = told.identity.as_ref().map(|identity| &identity.viewer);
    ConnectionRow {
        id: client.name(),
        user: viewer.map(|viewer| viewer.name.clone()).unwrap_or_default(),
        role: viewer.map(|viewer| viewer.role.clone()),
        address: client.address.to_string(),
        agent: client.agent.to_string(),
        program: told.program.to_string(),
        carrier: client.carrier,
        encoding: match client.encoding {
            Encoding::Json => "json".to_owned(),
            Encoding::Protobuf => "protobuf".to_owned(),
        },
        since_ms: client.since_ms,
        channels: told.channels,
        received: traffic.0,
        sent: traffic.1,
        queue_bytes: outbox.map_or(0, |outbox| outbox.waiting_bytes() as u64),
        conflations: counts.conflations,
        round_trip_us: counts
            .round_trip
            .map(|time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX)),
        clock_ahead_ms: counts.clock_ahead_ms,
    }
}

/// Counts all, keeps what matches, sorts, cuts.
fn page(mut rows: Vec<ConnectionRow>, query: &ConnectionQuery, t_ms: i64) -> ConnectionPage {
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let users: HashSet<&str> = rows.iter().map(|row| row.user.as_str()).collect();
    let mut page = ConnectionPage {
        t_ms,
        total: count(rows.len()),
        users: count(users.iter().filter(|user| !user.is_empty()).count()),
        ..Default::default()
    };
    for row in &rows {
        add(&mut page.received, row.received);
        add(&mut page.sent, row.sent);
        page.queue_bytes += row.queue_bytes;
    }
    let text = query.text.to_lowercase();
    rows.retain(|row| text.is_empty() || matches(row, &text));
    page.matching = count(rows.len());
    rows.sort_by(|a, b| {
        let order = compare(a, b, query.sort);
        let order = if query.descending { order.reverse() } else { order };
        order.then_with(|| a.id.cmp(&b.id))
    });
    let limit = query.limit.min(MAX_CONNECTION_ROWS) as usize;
    page.rows = rows.into_iter().skip(query.offset as usize).take(limit).collect();
    page
}

fn add(sum: &mut Flow, flow: Flow) {
    sum.frames += flow.frames;
    sum.bytes += flow.bytes;
    sum.frames_per_s += flow.frames_per_s;
    sum.bytes_per_s += flow.bytes_per_s;
}

fn matches(row: &ConnectionRow, text: &str) -> bool {
    let fields = [
        row.id.as_str(),
        &row.user,
        &row.address,
        &row.agent,
        &row.program,
        row.carrier.as_str(),
    ];
    let channels = row.channels.iter().map(String::as_str);
    fields
        .into_iter()
        .chain(channels)
        .any(|field| field.to_lowercase().contains(text))
}

fn compare(a: &ConnectionRow, b: &ConnectionRow, sort: ConnectionSort) -> Ordering {
    use ConnectionSort as Sort;
    let number = |of: fn(&ConnectionRow) -> f64| of(a).total_cmp(&of(b));
    match sort {
        // The oldest is the one of the greatest age.
        Sort::Age => b.since_ms.cmp(&a.since_ms),
        Sort::User => a.user.cmp(&b.user),
        Sort::Address => a.address.cmp(&b.address),
        Sort::Client => a.client().cmp(b.client()),
        Sort::Carrier => a.carrier.as_str().cmp(b.carrier.as_str()),
        Sort::Encoding => a.encoding.cmp(&b.encoding),
        Sort::Channels => a.channels.len().cmp(&b.channels.len()),
        Sort::Sent => number(|row| row.sent.bytes_per_s),
        Sort::Received => number(|row| row.received.bytes_per_s),
        Sort::SentFrames => number(|row| row.sent.frames_per_s),
        Sort::ReceivedFrames => number(|row| row.received.frames_per_s),
        Sort::Queue => a.queue_bytes.cmp(&b.queue_bytes),
        Sort::RoundTrip => a.round_trip_us.cmp(&b.round_trip_us),
        Sort::Clock => a.clock_ahead_ms.cmp(&b.clock_ahead_ms),
        Sort::Conflations => a.conflations.cmp(&b.conflations),
    }
}

/// A frame as a person reads it.
fn read(seen: &Seen, encoding: Encoding, hub: &Hub) -> String {
    let Some(bytes) = &seen.bytes else {
        return "(too large to be kept)".to_owned();
    };
    let text = match seen.inbound {
        true => codec::decode_commands(encoding, bytes)
            .map(|commands| lines(commands.into_iter().map(outline_command))),
        false => codec::decode_replies(encoding, bytes).map(|replies| {
            lines(
                replies
                    .into_iter()
                    .map(|reply| outline_reply(reply, encoding, hub)),
            )
        }),
    };
    let text = text.unwrap_or_else(|_| "(not of the protocol)".to_owned());
    match text.char_indices().nth(MAX_TEXT) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text,
    }
}

fn lines(values: impl Iterator<Item = Value>) -> String {
    let lines: Vec<String> = values.map(|value| value.to_string()).collect();
    lines.join("\n")
}

/// A command without its secrets.
fn outline_command(mut command: Command) -> Value {
    let hide = |token: &mut String| {
        if !token.is_empty() {
            HIDDEN.clone_into(token);
        }
    };
    if let Some(connect) = &mut command.connect {
        hide(&mut connect.token);
        connect.data = Bytes::new();
        connect
            .subs
            .values_mut()
            .for_each(|subscribe| hide(&mut subscribe.token));
    }
    if let Some(subscribe) = &mut command.subscribe {
        hide(&mut subscribe.token);
        subscribe.data = as_json(&subscribe.data);
    }
    if let Some(refresh) = &mut command.refresh {
        hide(&mut refresh.token);
    }
    if let Some(refresh) = &mut command.sub_refresh {
        hide(&mut refresh.token);
    }
    if let Some(rpc) = &mut command.rpc {
        rpc.data = names_of(&rpc.data);
    }
    if let Some(send) = &mut command.send {
        send.data = as_json(&send.data);
    }
    if let Some(publish) = &mut command.publish {
        publish.data = as_json(&publish.data);
    }
    value_of(&command)
}

/// What an rpc method was given, its parameters hidden: they may be secret.
fn names_of(data: &Bytes) -> Bytes {
    let mut value: Value = serde_json::from_slice(data).unwrap_or_default();
    if let Some(params) = value.get_mut("params").and_then(Value::as_object_mut) {
        params.values_mut().for_each(|value| *value = HIDDEN.into());
    }
    value.to_string().into()
}

/// A reply whose Protobuf data is shown as JSON.
fn outline_reply(mut reply: Reply, encoding: Encoding, hub: &Hub) -> Value {
    if let Some(push) = &mut reply.push {
        if push.channel.is_empty() {
            push.channel = hub.name_of(push.id).unwrap_or_default();
        }
        if let Some(publication) = &mut push.publication {
            show(publication, &push.channel, encoding);
        }
    }
    if let Some(connect) = &mut reply.connect {
        if !connect.session.is_empty() {
            HIDDEN.clone_into(&mut connect.session);
        }
        for (channel, result) in &mut connect.subs {
            show_result(result, channel, encoding);
        }
    }
    if let Some(result) = &mut reply.subscribe {
        let channel = hub.name_of(result.id).unwrap_or_default();
        show_result(result, &channel, encoding);
    }
    if let Some(history) = &mut reply.history {
        history
            .publications
            .iter_mut()
            .for_each(|one| show(one, "", encoding));
    }
    value_of(&reply)
}

fn show_result(result: &mut SubscribeResult, channel: &str, encoding: Encoding) {
    for publication in &mut result.publications {
        show(publication, channel, encoding);
    }
    result.data = match encoding {
        Encoding::Json => as_json(&result.data),
        Encoding::Protobuf => match class_of(channel) {
            Some(Class::Metrics) => decoded::<MetricsSnapshot>(&result.data),
            Some(Class::Table) => decoded::<ProcessUpdate>(&result.data),
            _ => as_json(&result.data),
        },
    };
}

fn show(publication: &mut Publication, channel: &str, encoding: Encoding) {
    publication.data = match (encoding, class_of(channel)) {
        (Encoding::Protobuf, Some(Class::Metrics)) => decoded::<MetricsPublication>(&publication.data),
        (Encoding::Protobuf, Some(Class::Table)) => decoded::<ProcessUpdate>(&publication.data),
        _ => as_json(&publication.data),
    };
}

fn class_of(channel: &str) -> Option<Class> {
    Some(ChannelName::parse(channel)?.class())
}

fn decoded<T: Message + Default + Serialize>(data: &Bytes) -> Bytes {
    let text = T::decode(data.clone())
        .ok()
        .and_then(|message| serde_json::to_vec(&message).ok());
    text.map_or_else(|| size_of(data), Bytes::from)
}

/// JSON as it is; of anything else the size.
fn as_json(data: &Bytes) -> Bytes {
    match data.is_empty() || serde_json::from_slice::<serde::de::IgnoredAny>(data).is_ok() {
        true => data.clone(),
        false => size_of(data),
    }
}

fn size_of(data: &Bytes) -> Bytes {
    format!("\"({} bytes)\"", data.len()).into()
}

fn value_of(message: &impl Serialize) -> Value {
    serde_json::to_value(message).unwrap_or_default()
}

#[cfg(test)]
#[path = "observe_tests.rs"]
mod tests;
