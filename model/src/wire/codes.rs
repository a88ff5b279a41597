//! Codes of the Centrifugal client protocol ("Client protocol codes") and Farol's own in the ranges left to applications.
//! Each has one line here, from which its constant, the list of all and what docs/asyncapi.yaml says of it are made.

/// A code, and when it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    pub code: u32,
    pub meaning: &'static str,
}

/// Declares codes and `ALL` of them.
macro_rules! codes {
    ($(#[doc = $doc:literal] $name:ident = $code:literal,)+) => {
        $(#[doc = $doc] pub const $name: u32 = $code;)+

        /// All of them.
        pub const ALL: &[super::Code] = &[$(super::Code { code: $code, meaning: $doc.trim_ascii_start() }),+];
    };
}

/// Declares disconnects and `ALL` of them.
macro_rules! disconnects {
    ($(#[doc = $doc:literal] $name:ident = $code:literal, $reason:literal;)+) => {
        impl Disconnect {
            $(#[doc = $doc] pub const $name: Disconnect = Self::new($code, $reason);)+

            /// All that the protocol has, each with when it is sent.
            pub const ALL: &[(Disconnect, &'static str)] = &[$((Self::$name, $doc.trim_ascii_start())),+];
        }
    };
}

/// Error codes of a reply.
pub mod error {
    codes! {
        /// Farol failed, or an answer of its own took too long; the log says why.
        INTERNAL = 100,
        /// Nobody is signed in, or the proof holds no more.
        UNAUTHORIZED = 101,
        /// There is no such channel.
        UNKNOWN_CHANNEL = 102,
        /// The role may not do this.
        PERMISSION_DENIED = 103,
        /// The command is not one that Farol knows.
        METHOD_NOT_FOUND = 104,
        /// The connection is subscribed to this channel.
        ALREADY_SUBSCRIBED = 105,
        /// A bound was reached: channels of the connection, rooms, clients named by presence.
        LIMIT_EXCEEDED = 106,
        /// The request is wrong; the message says in what.
        BAD_REQUEST = 107,
        /// This channel or this machine does not have it.
        NOT_AVAILABLE = 108,
        /// Too many calls at a time; try again.
        TOO_MANY_REQUESTS = 111,
        /// The person must prove again who they are, at `/prove`, and then ask again.
        PROOF_NEEDED = 403,
        /// What the method is asked about is not there.
        NOT_FOUND = 404,
        /// The world has moved on: a process is gone, a run has ended.
        CONFLICT = 409,
    }
}

/// Why the server closed a connection; also the WebSocket close code. 3000-3499 and 4000-4499 advise to reconnect,
/// 3500-3999 and 4500-4999 are final.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disconnect {
    pub code: u16,
    pub reason: &'static str,
}

disconnects! {
    /// The connection ended before its command did.
    CONNECTION_CLOSED = 3000, "connection closed";
    /// The server is stopping.
    SHUTDOWN = 3001, "shutdown";
    /// An operator ended the connection, or what the user may do has changed; the client may come back.
    FORCE_RECONNECT = 3003, "force reconnect";
    /// The client does not read what it is sent.
    SLOW = 3008, "slow";
    /// The connection cannot be written to.
    WRITE_ERROR = 3009, "write error";
    /// The state of the connection is lost; the client begins anew.
    INSUFFICIENT_STATE = 3010, "insufficient state";
    /// No sign of life after a ping.
    NO_PONG = 3012, "no pong";
    /// Commands come too fast.
    TOO_MANY_REQUESTS = 3013, "too many requests";
    /// The token or the session proves nobody.
    INVALID_TOKEN = 3500, "invalid token";
    /// What was sent is not the protocol.
    BAD_REQUEST = 3501, "bad request";
    /// No connect command in time.
    STALE = 3502, "stale";
    /// An operator ended the connection, for good.
    FORCE = 3503, "force disconnect";
    /// The user has as many connections as a user may have.
    CONNECTION_LIMIT = 3504, "connection limit";
    /// All proofs of the user have ended: disabled, or another role or password.
    SESSION_ENDED = 4500, "session ended";
    /// This proof has ended: signed out, expired or revoked.
    SIGNED_OUT = 4501, "signed out";
}

impl Disconnect {
    const fn new(code: u16, reason: &'static str) -> Self {
        Disconnect { code, reason }
    }

    /// A code of the carrier below, such as RFC 6455 section 7.4.1 has them.
    pub const fn of_carrier(code: u16, reason: &'static str) -> Self {
        Self::new(code, reason)
    }

    /// RFC 6455: a message too big to process.
    pub const TOO_BIG: Disconnect = Self::new(1009, "message too big");

    /// Whether the code belongs to the carrier and not to the protocol.
    pub fn is_of_carrier(self) -> bool {
        self.code < 3000
    }

    /// Whether a client should come back. What breaks the rules of the carrier would break them again.
    pub fn reconnect(code: u16) -> bool {
        !matches!(code, 1002 | 1003 | 1007 | 1009 | 3500..=3999 | 4500..=4999)
    }
}

/// Codes of an unsubscribe push. 2500 and above ask the client to subscribe again.
pub mod unsubscribe {
    codes! {
        /// The channel is gone.
        SERVER = 2000,
        /// What the client should have got does not fit: subscribe again, with the position.
        INSUFFICIENT_STATE = 2500,
    }
}
