//! What is known of one connection, from its admission to its end.

use super::{Identity, kill::Kill, lock, outbox::Outbox};
use farol_model::{
    connection::Carrier,
    wire::{ClientInfo, Encoding},
};
use std::{
    net::IpAddr,
    sync::{Arc, Mutex, OnceLock, Weak},
};

/// A client's own words about itself are cut to this, bytes.
const MAX_AGENT_BYTES: usize = 200;

/// Who asks for a place.
#[derive(Debug, Clone)]
pub struct Newcomer {
    pub address: IpAddr,
    /// `User-Agent`.
    pub agent: String,
    pub carrier: Carrier,
    pub encoding: Encoding,
}

/// See the module.
#[derive(Debug)]
pub struct Client {
    /// Random. Told in the connect result and in presence, shown to operators.
    pub id: u128,
    pub address: IpAddr,
    pub agent: Box<str>,
    pub carrier: Carrier,
    pub encoding: Encoding,
    /// When it was admitted, milliseconds since the epoch.
    pub since_ms: i64,
    pub kill: Kill,
    /// Set when its session begins. Weak, because the outbox knows its client.
    outbox: OnceLock<Weak<Outbox>>,
    /// A std mutex: held for a look or a change.
    told: Mutex<Told>,
}

/// What came to be known later.
#[derive(Debug, Default, Clone)]
pub struct Told {
    pub identity: Option<Arc<Identity>>,
    /// `name` and `version` of the connect command.
    pub program: Box<str>,
    /// Channels it is subscribed to.
    pub channels: Vec<String>,
}

impl Client {
    pub fn new(newcomer: Newcomer, since_ms: i64) -> Arc<Self> {
        Arc::new(Client {
            id: rand::random(),
            address: newcomer.address,
            agent: cut(&newcomer.agent),
            carrier: newcomer.carrier,
            encoding: newcomer.encoding,
            since_ms,
            kill: Kill::default(),
            outbox: OnceLock::new(),
            told: Mutex::default(),
        })
    }

    /// The id as the protocol has it.
    pub fn name(&self) -> String {
        format!("{:032x}", self.id)
    }

    pub fn identity(&self) -> Option<Arc<Identity>> {
        lock(&self.told).identity.clone()
    }

    /// As other clients see it; None before it has said who it is.
    pub fn info(&self) -> Option<ClientInfo> {
        let identity = self.identity()?;
        let conn_info = serde_json::json!({ "name": identity.viewer.name });
        Some(ClientInfo {
            user: identity.viewer.user_id.to_string(),
            client: self.name(),
            conn_info: conn_info.to_string().into(),
        })
    }

    pub fn told(&self) -> Told {
        lock(&self.told).clone()
    }

    pub(super) fn set_identity(&self, identity: Arc<Identity>) {
        lock(&self.told).identity = Some(identity);
    }

    /// `name` and `version` as the client calls itself.
    pub(super) fn set_program(&self, name: &str, version: &str) {
        let program = format!("{name} {version}");
        lock(&self.told).program = cut(program.trim());
    }

    pub(super) fn set_outbox(&self, outbox: &Arc<Outbox>) {
        let _ = self.outbox.set(Arc::downgrade(outbox));
    }

    /// What waits for it and what has passed; None before its session has begun and after it has ended.
    pub fn outbox(&self) -> Option<Arc<Outbox>> {
        self.outbox.get().and_then(Weak::upgrade)
    }

    pub(super) fn joined(&self, channel: &str) {
        lock(&self.told).channels.push(channel.to_owned());
    }

    pub(super) fn left(&self, channel: &str) {
        lock(&self.told).channels.retain(|name| name != channel);
    }
}

#[cfg(test)]
impl Client {
    pub fn for_tests(encoding: Encoding) -> Arc<Self> {
        let newcomer = Newcomer {
            address: IpAddr::from([10, 0, 0, 1]),
            agent: String::new(),
            carrier: Carrier::WebSocket,
            encoding,
        };
        Client::new(newcomer, 0)
    }
}

fn cut(text: &str) -> Box<str> {
    text[..text.floor_char_boundary(MAX_AGENT_BYTES)].into()
}
