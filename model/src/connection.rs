//! Live connections, as operators see them.

use crate::words;

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
