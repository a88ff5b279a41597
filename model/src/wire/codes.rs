//! Codes of the Centrifugal client protocol ("Client protocol codes") and Farol's own in the ranges left to applications.

/// Error codes of a reply.
pub mod error {
    pub const INTERNAL: u32 = 100;
    pub const UNAUTHORIZED: u32 = 101;
    pub const UNKNOWN_CHANNEL: u32 = 102;
    pub const PERMISSION_DENIED: u32 = 103;
    pub const METHOD_NOT_FOUND: u32 = 104;
    pub const ALREADY_SUBSCRIBED: u32 = 105;
    pub const LIMIT_EXCEEDED: u32 = 106;
    pub const BAD_REQUEST: u32 = 107;
    pub const NOT_AVAILABLE: u32 = 108;
    pub const TOKEN_EXPIRED: u32 = 109;
    pub const TOO_MANY_REQUESTS: u32 = 111;
    pub const UNRECOVERABLE_POSITION: u32 = 112;
}

/// Why the server closed a connection; also the WebSocket close code. 3000-3499 and 4000-4499 advise to reconnect,
/// 3500-3999 and 4500-4999 are final.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disconnect {
    pub code: u16,
    pub reason: &'static str,
}

impl Disconnect {
    const fn new(code: u16, reason: &'static str) -> Self {
        Disconnect { code, reason }
    }

    /// A code of the carrier below, such as RFC 6455 section 7.4.1 has them.
    pub const fn of_carrier(code: u16, reason: &'static str) -> Self {
        Self::new(code, reason)
    }

    /// Whether the code belongs to the carrier and not to the protocol.
    pub fn is_of_carrier(self) -> bool {
        self.code < 3000
    }

    /// RFC 6455: a message too big to process.
    pub const TOO_BIG: Disconnect = Self::new(1009, "message too big");
    pub const CONNECTION_CLOSED: Disconnect = Self::new(3000, "connection closed");
    pub const SHUTDOWN: Disconnect = Self::new(3001, "shutdown");
    /// An operator ended the connection; the client may come back.
    pub const FORCE_RECONNECT: Disconnect = Self::new(3003, "force reconnect");
    pub const SLOW: Disconnect = Self::new(3008, "slow");
    pub const WRITE_ERROR: Disconnect = Self::new(3009, "write error");
    pub const INSUFFICIENT_STATE: Disconnect = Self::new(3010, "insufficient state");
    pub const NO_PONG: Disconnect = Self::new(3012, "no pong");
    pub const TOO_MANY_REQUESTS: Disconnect = Self::new(3013, "too many requests");
    pub const INVALID_TOKEN: Disconnect = Self::new(3500, "invalid token");
    pub const BAD_REQUEST: Disconnect = Self::new(3501, "bad request");
    pub const STALE: Disconnect = Self::new(3502, "stale");
    /// An operator ended the connection, for good.
    pub const FORCE: Disconnect = Self::new(3503, "force disconnect");
    pub const CONNECTION_LIMIT: Disconnect = Self::new(3504, "connection limit");
    pub const CHANNEL_LIMIT: Disconnect = Self::new(3505, "channel limit");
    pub const PERMISSION_DENIED: Disconnect = Self::new(3507, "permission denied");
    pub const SESSION_ENDED: Disconnect = Self::new(4500, "session ended");
    pub const SIGNED_OUT: Disconnect = Self::new(4501, "signed out");

    /// Whether a client should come back. What breaks the rules of the carrier would break them again.
    pub fn reconnect(code: u16) -> bool {
        !matches!(code, 1002 | 1003 | 1007 | 1009 | 3500..=3999 | 4500..=4999)
    }
}

/// Codes of an unsubscribe push. 2500 and above ask the client to subscribe again.
pub mod unsubscribe {
    pub const SERVER: u32 = 2000;
    pub const INSUFFICIENT_STATE: u32 = 2500;
}
