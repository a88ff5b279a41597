//! Commands, replies and pushes. One struct serves both encodings: `data` holds Protobuf payload bytes under Protobuf and
//! JSON text under JSON, where it is embedded as a value and not as a string.

use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Declares a protocol message: absent fields are defaults and defaults are not written, in both encodings.
macro_rules! messages {
    ($($(#[doc = $doc:literal])+ pub struct $name:ident { $($(#[$attr:meta])* $field:ident : $ty:ty),* $(,)? })+) => {
        $(
            $(#[doc = $doc])+
            #[derive(Clone, PartialEq, Serialize, Deserialize, prost::Message)]
            #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
            #[serde(default)]
            pub struct $name { $($(#[$attr])* #[serde(skip_serializing_if = "is_default")] pub $field: $ty),* }
        )+
    };
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

messages! {
    /// Client to server. Exactly one request is set; an empty command is the answer to a ping.
    pub struct Command {
        #[prost(uint32, tag = "1")] id: u32,
        #[prost(message, optional, tag = "4")] connect: Option<ConnectRequest>,
        #[prost(message, optional, tag = "5")] subscribe: Option<SubscribeRequest>,
        #[prost(message, optional, tag = "6")] unsubscribe: Option<UnsubscribeRequest>,
        #[prost(message, optional, tag = "7")] publish: Option<PublishRequest>,
        #[prost(message, optional, tag = "8")] presence: Option<PresenceRequest>,
        #[prost(message, optional, tag = "9")] presence_stats: Option<PresenceStatsRequest>,
        #[prost(message, optional, tag = "10")] history: Option<HistoryRequest>,
        #[prost(message, optional, tag = "11")] ping: Option<PingRequest>,
        #[prost(message, optional, tag = "12")] send: Option<SendRequest>,
        #[prost(message, optional, tag = "13")] rpc: Option<RpcRequest>,
        #[prost(message, optional, tag = "14")] refresh: Option<RefreshRequest>,
        #[prost(message, optional, tag = "15")] sub_refresh: Option<SubRefreshRequest>,
    }
    /// Server to client: the answer to a command, or a push when `id` is 0. An empty reply is a ping.
    pub struct Reply {
        #[prost(uint32, tag = "1")] id: u32,
        #[prost(message, optional, tag = "2")] error: Option<Error>,
        #[prost(message, optional, tag = "4")] push: Option<Push>,
        #[prost(message, optional, tag = "5")] connect: Option<ConnectResult>,
        #[prost(message, optional, tag = "6")] subscribe: Option<SubscribeResult>,
        #[prost(message, optional, tag = "7")] unsubscribe: Option<UnsubscribeResult>,
        #[prost(message, optional, tag = "8")] publish: Option<PublishResult>,
        #[prost(message, optional, tag = "9")] presence: Option<PresenceResult>,
        #[prost(message, optional, tag = "10")] presence_stats: Option<PresenceStatsResult>,
        #[prost(message, optional, tag = "11")] history: Option<HistoryResult>,
        #[prost(message, optional, tag = "12")] ping: Option<PingResult>,
        #[prost(message, optional, tag = "13")] rpc: Option<RpcResult>,
        #[prost(message, optional, tag = "14")] refresh: Option<RefreshResult>,
        #[prost(message, optional, tag = "15")] sub_refresh: Option<SubRefreshResult>,
    }
    /// Why a command was refused. `temporary` advises the client to try again.
    pub struct Error {
        #[prost(uint32, tag = "1")] code: u32,
        #[prost(string, tag = "2")] message: String,
        #[prost(bool, tag = "3")] temporary: bool,
    }
    /// What the server sends on its own. Either `channel` or the numeric `id` of a compacted subscription is set.
    pub struct Push {
        #[prost(int64, tag = "1")] id: i64,
        #[prost(string, tag = "2")] channel: String,
        #[prost(message, optional, tag = "4")] #[serde(rename = "pub")] publication: Option<Publication>,
        #[prost(message, optional, tag = "5")] join: Option<Presence>,
        #[prost(message, optional, tag = "6")] leave: Option<Presence>,
        #[prost(message, optional, tag = "7")] unsubscribe: Option<Unsubscribe>,
        #[prost(message, optional, tag = "9")] subscribe: Option<SubscribePush>,
        #[prost(message, optional, tag = "11")] disconnect: Option<DisconnectPush>,
    }
    /// One publication. `offset` is 0 in channels without positions; `info` and `time` (milliseconds since the epoch) are set
    /// when a client published.
    pub struct Publication {
        #[prost(bytes = "bytes", tag = "4")] #[serde(with = "super::codec::RawJson")] data: bytes::Bytes,
        #[prost(message, optional, tag = "5")] info: Option<ClientInfo>,
        #[prost(uint64, tag = "6")] offset: u64,
        #[prost(int64, tag = "9")] time: i64,
    }
    /// Who a client is. `conn_info` is a JSON document under both encodings: `{"name":USER}`.
    pub struct ClientInfo {
        #[prost(string, tag = "1")] user: String,
        #[prost(string, tag = "2")] client: String,
        #[prost(bytes = "bytes", tag = "3")] #[serde(with = "super::codec::RawJson")] conn_info: bytes::Bytes,
    }
    /// Somebody subscribed to the channel, or is gone from it.
    pub struct Presence {
        #[prost(message, optional, tag = "1")] info: Option<ClientInfo>,
    }
    /// The server subscribed the connection to a channel.
    pub struct SubscribePush {
        #[prost(bool, tag = "1")] recoverable: bool,
        #[prost(string, tag = "4")] epoch: String,
        #[prost(uint64, tag = "5")] offset: u64,
        #[prost(bool, tag = "6")] positioned: bool,
        #[prost(bytes = "bytes", tag = "7")] #[serde(with = "super::codec::RawJson")] data: bytes::Bytes,
    }
    /// The server ended a subscription.
    pub struct Unsubscribe {
        #[prost(uint32, tag = "2")] code: u32,
        #[prost(string, tag = "3")] reason: String,
    }
    /// The server is about to close the connection.
    pub struct DisconnectPush {
        #[prost(uint32, tag = "1")] code: u32,
        #[prost(string, tag = "2")] reason: String,
        #[prost(bool, tag = "3")] reconnect: bool,
    }
    /// First command on a connection.
    pub struct ConnectRequest {
        #[prost(string, tag = "1")] token: String,
        #[prost(bytes = "bytes", tag = "2")] #[serde(with = "super::codec::RawJson")] data: bytes::Bytes,
        #[prost(map = "string, message", tag = "3")] subs: HashMap<String, SubscribeRequest>,
        #[prost(string, tag = "4")] name: String,
        #[prost(string, tag = "5")] version: String,
    }
    /// The connection stands. `ping` is the interval of server pings in seconds; `pong` asks for an answer to each.
    pub struct ConnectResult {
        #[prost(string, tag = "1")] client: String,
        #[prost(string, tag = "2")] version: String,
        #[prost(bool, tag = "3")] expires: bool,
        #[prost(uint32, tag = "4")] ttl: u32,
        #[prost(bytes = "bytes", tag = "5")] #[serde(with = "super::codec::RawJson")] data: bytes::Bytes,
        #[prost(map = "string, message", tag = "6")] subs: HashMap<String, SubscribeResult>,
        #[prost(uint32, tag = "7")] ping: u32,
        #[prost(bool, tag = "8")] pong: bool,
        #[prost(string, tag = "9")] session: String,
        #[prost(string, tag = "10")] node: String,
        #[prost(int64, tag = "11")] time: i64,
    }
    /// Asks for a channel, new or from a position. `flag` bit 1: the client takes numeric channel ids.
    pub struct SubscribeRequest {
        #[prost(string, tag = "1")] channel: String,
        #[prost(string, tag = "2")] token: String,
        #[prost(bool, tag = "3")] recover: bool,
        #[prost(string, tag = "6")] epoch: String,
        #[prost(uint64, tag = "7")] offset: u64,
        #[prost(bytes = "bytes", tag = "8")] #[serde(with = "super::codec::RawJson")] data: bytes::Bytes,
        #[prost(bool, tag = "9")] positioned: bool,
        #[prost(bool, tag = "10")] recoverable: bool,
        #[prost(bool, tag = "11")] join_leave: bool,
        #[prost(string, tag = "12")] delta: String,
        #[prost(int64, tag = "14")] flag: i64,
    }
    /// The subscription stands; publications that follow have offsets above `offset`.
    pub struct SubscribeResult {
        #[prost(bool, tag = "1")] expires: bool,
        #[prost(uint32, tag = "2")] ttl: u32,
        #[prost(bool, tag = "3")] recoverable: bool,
        #[prost(string, tag = "6")] epoch: String,
        #[prost(message, repeated, tag = "7")] publications: Vec<Publication>,
        #[prost(bool, tag = "8")] recovered: bool,
        #[prost(uint64, tag = "9")] offset: u64,
        #[prost(bool, tag = "10")] positioned: bool,
        #[prost(bytes = "bytes", tag = "11")] #[serde(with = "super::codec::RawJson")] data: bytes::Bytes,
        #[prost(bool, tag = "12")] was_recovering: bool,
        #[prost(int64, tag = "14")] id: i64,
    }
    /// Ends a subscription.
    pub struct UnsubscribeRequest {
        #[prost(string, tag = "1")] channel: String,
    }
    /// The subscription is gone.
    pub struct UnsubscribeResult {}
    /// Says something in a room. `data` is a JSON document under both encodings.
    pub struct PublishRequest {
        #[prost(string, tag = "1")] channel: String,
        #[prost(bytes = "bytes", tag = "2")] #[serde(with = "super::codec::RawJson")] data: bytes::Bytes,
    }
    /// It was said.
    pub struct PublishResult {}
    /// Asks who is subscribed to a channel.
    pub struct PresenceRequest {
        #[prost(string, tag = "1")] channel: String,
    }
    /// Everybody who is subscribed, by client id.
    pub struct PresenceResult {
        #[prost(map = "string, message", tag = "1")] presence: HashMap<String, ClientInfo>,
    }
    /// Asks how many are subscribed to a channel.
    pub struct PresenceStatsRequest {
        #[prost(string, tag = "1")] channel: String,
    }
    /// How many are subscribed: connections, and different users behind them.
    pub struct PresenceStatsResult {
        #[prost(uint32, tag = "1")] num_clients: u32,
        #[prost(uint32, tag = "2")] num_users: u32,
    }
    /// A place in a channel.
    pub struct StreamPosition {
        #[prost(uint64, tag = "1")] offset: u64,
        #[prost(string, tag = "2")] epoch: String,
    }
    /// Asks for held publications. `limit` 0: only the position; negative: all.
    pub struct HistoryRequest {
        #[prost(string, tag = "1")] channel: String,
        #[prost(int32, tag = "7")] limit: i32,
        #[prost(message, optional, tag = "8")] since: Option<StreamPosition>,
        #[prost(bool, tag = "9")] reverse: bool,
    }
    /// Held publications and the newest position.
    pub struct HistoryResult {
        #[prost(message, repeated, tag = "1")] publications: Vec<Publication>,
        #[prost(string, tag = "2")] epoch: String,
        #[prost(uint64, tag = "3")] offset: u64,
    }
    /// A client's own ping.
    pub struct PingRequest {}
    /// Its answer.
    pub struct PingResult {}
    /// A message without an answer.
    pub struct SendRequest {
        #[prost(bytes = "bytes", tag = "1")] #[serde(with = "super::codec::RawJson")] data: bytes::Bytes,
    }
    /// Calls a method.
    pub struct RpcRequest {
        #[prost(bytes = "bytes", tag = "1")] #[serde(with = "super::codec::RawJson")] data: bytes::Bytes,
        #[prost(string, tag = "2")] method: String,
    }
    /// What the method answered.
    pub struct RpcResult {
        #[prost(bytes = "bytes", tag = "1")] #[serde(with = "super::codec::RawJson")] data: bytes::Bytes,
    }
    /// Proves again who the client is.
    pub struct RefreshRequest {
        #[prost(string, tag = "1")] token: String,
    }
    /// The proof was taken.
    pub struct RefreshResult {
        #[prost(string, tag = "1")] client: String,
        #[prost(string, tag = "2")] version: String,
        #[prost(bool, tag = "3")] expires: bool,
        #[prost(uint32, tag = "4")] ttl: u32,
    }
    /// Asks that the right to one subscription be looked at again. `token` may be empty: then the connection's own proof counts.
    pub struct SubRefreshRequest {
        #[prost(string, tag = "1")] channel: String,
        #[prost(string, tag = "2")] token: String,
    }
    /// The subscription stays.
    pub struct SubRefreshResult {
        #[prost(bool, tag = "1")] expires: bool,
        #[prost(uint32, tag = "2")] ttl: u32,
    }
    /// `POST /emulation`: commands of a connection whose carrier goes one way. `data` is a carrier message; in JSON it is text.
    pub struct EmulationRequest {
        #[prost(string, tag = "1")] node: String,
        #[prost(string, tag = "2")] session: String,
        #[prost(bytes = "bytes", tag = "3")] #[serde(with = "super::codec::Text")] data: bytes::Bytes,
    }
}

/// Bit of `SubscribeRequest.flag`: pushes may carry the numeric id instead of the channel name.
pub const FLAG_CHANNEL_COMPACTION: i64 = 1;

impl From<&crate::Fault> for Error {
    fn from(fault: &crate::Fault) -> Self {
        Error {
            code: fault.code.live_code(),
            message: fault.message.clone(),
            temporary: false,
        }
    }
}
