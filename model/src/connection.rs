//! Live connections, as operators see them.

use crate::{fields, words};
use serde::{Deserialize, Serialize};

/// How a connection travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Carrier {
    WebSocket,
    HttpStream,
    Sse,
    /// One-way Server-Sent Events.
    Events,
    LongPoll,
    SocketIo,
    SignalR,
    /// Sends back what it gets.
    Echo,
}

words!(Carrier {
    WebSocket = "websocket",
    HttpStream = "http_stream",
    Sse = "sse",
    Events = "events",
    LongPoll = "long_poll",
    SocketIo = "socket_io",
    SignalR = "signalr",
    Echo = "echo",
});

/// One live connection.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConnectionRow {
    /// 32 hexadecimal digits; `client` of the connect result and of presence.
    pub id: String,
    /// Empty until it has said who it is.
    pub user: String,
    /// Name of the role; absent until it has said who it is.
    pub role: Option<String>,
    pub address: String,
    /// `User-Agent`.
    pub agent: String,
    /// `name` and `version` of the connect command.
    pub program: String,
    pub carrier: Carrier,
    /// `json` or `protobuf`.
    pub encoding: String,
    /// When it was admitted, milliseconds since the epoch.
    pub since_ms: i64,
    pub channels: Vec<String>,
    pub received: Flow,
    pub sent: Flow,
    /// What waits for it, bytes.
    pub queue_bytes: u64,
    /// Subscriptions that were ended because their publications did not fit.
    pub conflations: u64,
    /// Time from the last ping to its answer, microseconds.
    pub round_trip_us: Option<u64>,
    /// How far its clock is ahead of ours, milliseconds; None when it has not said.
    pub clock_ahead_ms: Option<i64>,
}

fields!(ConnectionRow {
    id,
    user,
    role,
    address,
    agent,
    program,
    carrier,
    encoding,
    since_ms,
    channels,
    received,
    sent,
    queue_bytes,
    conflations,
    round_trip_us,
    clock_ahead_ms
});
impl ConnectionRow {
    /// What the client calls itself, or else what its requests say.
    pub fn client(&self) -> &str {
        match self.program.is_empty() {
            true => &self.agent,
            false => &self.program,
        }
    }
}

/// One direction of a connection, or of all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Flow {
    pub frames: u64,
    pub bytes: u64,
    /// Per second, over the last second.
    pub frames_per_s: f64,
    pub bytes_per_s: f64,
}

fields!(Flow {
    frames,
    bytes,
    frames_per_s,
    bytes_per_s
});

/// What connections are sorted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ConnectionSort {
    /// The time of admission.
    #[default]
    Age,
    User,
    Address,
    /// Its program, or its agent where the program is not known.
    Client,
    Carrier,
    Encoding,
    /// How many channels it is subscribed to.
    Channels,
    /// Bytes per second to it.
    Sent,
    /// Bytes per second from it.
    Received,
    /// Frames per second to it.
    SentFrames,
    /// Frames per second from it.
    ReceivedFrames,
    Queue,
    RoundTrip,
    /// How far its clock is ahead.
    Clock,
    Conflations,
}

words!(ConnectionSort {
    Age = "age",
    User = "user",
    Address = "address",
    Client = "client",
    Carrier = "carrier",
    Encoding = "encoding",
    Channels = "channels",
    Sent = "sent",
    Received = "received",
    SentFrames = "sent_frames",
    ReceivedFrames = "received_frames",
    Queue = "queue",
    RoundTrip = "round_trip",
    Clock = "clock",
    Conflations = "conflations",
});

/// Which connections to show.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct ConnectionQuery {
    /// Part of the id, user, address, agent, program, carrier or a channel; empty matches all.
    pub text: String,
    pub sort: ConnectionSort,
    /// The greatest, latest or last by name first.
    pub descending: bool,
    /// Rows to leave out, then to give at most.
    pub offset: u32,
    pub limit: u32,
}

/// Rows of one query given at most.
pub const MAX_CONNECTION_ROWS: u32 = 500;

/// Some connections, and how many there are.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConnectionPage {
    /// When it was looked, milliseconds since the epoch.
    pub t_ms: i64,
    /// All connections.
    pub total: u32,
    /// Those that the text matches.
    pub matching: u32,
    /// Different users behind all connections.
    pub users: u32,
    /// Of all connections.
    pub received: Flow,
    pub sent: Flow,
    pub queue_bytes: u64,
    /// Matching, sorted, from the offset on.
    pub rows: Vec<ConnectionRow>,
}

fields!(ConnectionPage {
    t_ms,
    total,
    matching,
    users,
    received,
    sent,
    queue_bytes,
    rows
});

/// Whose last frames to show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FramesQuery {
    /// Id of the connection.
    pub connection: String,
}

/// One frame that passed, as a person reads it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FrameRow {
    /// Milliseconds since the epoch.
    pub t_ms: i64,
    /// From the client.
    pub inbound: bool,
    pub size: u64,
    /// JSON, cut where it is long; tokens and parameters are not in it. Words in parentheses when there is nothing to show.
    pub text: String,
}

fields!(FrameRow {
    t_ms,
    inbound,
    size,
    text
});
