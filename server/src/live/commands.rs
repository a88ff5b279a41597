//! What each command of a connection means, and whether its sender may.
//!
//! Commands are taken one after the other; only rpc runs beside them. A command is either answered (with a result or an
//! error) or it ends the connection. Every command asks the role again; connect, resuming subscribes, rpc and history ask
//! the gate again.

use super::{
    Identity, Live,
    channel::{Channel, Joined},
    outbox::Outbox,
    registry::Seat,
    session::Peer,
    subscription::Subscription,
    throttle::Bucket,
};
use crate::time::now_ms;
use farol_model::{
    Fault, FaultCode,
    channel::Channel as ChannelName,
    wire::{
        Command, ConnectRequest, ConnectResult, Encoding, Error, FLAG_CHANNEL_COMPACTION, HistoryRequest,
        PingResult, RefreshRequest, RefreshResult, Reply, RpcRequest, RpcResult, SubscribeRequest,
        SubscribeResult, UnsubscribeResult, codec,
        codes::{Disconnect, error},
        payload::SubscribeOptions,
    },
};
use std::{collections::HashMap, sync::Arc, time::Instant};
use tokio::{sync::Semaphore, time::timeout};

/// What the connect result calls the server.
pub const SERVER_VERSION: &str = concat!("farol ", env!("CARGO_PKG_VERSION"));

/// Clients that call themselves so in connect (or `farol-...`) get numeric channel ids under Protobuf when they ask.
///
/// Others do not: the Protobuf build of npm `centrifuge` 5.8.0 asks for them in every subscribe, reads them as `Long`
/// objects, compares those by identity and so drops every publication. Under JSON numbers are numbers and all who ask
/// get them.
pub const NUMBERED_CLIENT: &str = "farol";

/// States of more values, rows or publications than this are encoded off the async threads. A value takes about 50 ns.
const BLOCKING_SIZE: usize = 10_000;

/// The commands of one connection and what they have built up.
pub struct Commands {
    live: Live,
    seat: Seat,
    outbox: Arc<Outbox>,
    /// Proven before the connection stood, until connect takes it.
    proven: Option<Arc<Identity>>,
    /// Set by connect.
    identity: Option<Arc<Identity>>,
    /// Whether this client can read numeric channel ids, see [`NUMBERED_CLIENT`]. Set by connect.
    numbered: bool,
    subscriptions: HashMap<String, (Arc<Channel>, Arc<Subscription>)>,
    bucket: Bucket,
    rpcs: Arc<Semaphore>,
}

/// Why a subscribe was refused.
type Refused = Error;

impl Commands {
    pub fn new(live: Live, peer: Peer, outbox: Arc<Outbox>) -> Self {
        let limits = &live.limits;
        let bucket = Bucket::new(
            limits.commands_per_second,
            limits.command_burst,
            limits.channels as f64,
            Instant::now(),
        );
        let rpcs = Arc::new(Semaphore::new(limits.rpcs_in_flight));
        Commands {
            live,
            seat: peer.seat,
            outbox,
            proven: peer.identity,
            identity: None,
            numbered: false,
            subscriptions: HashMap::new(),
            bucket,
            rpcs,
        }
    }

    pub fn connected(&self) -> bool {
        self.identity.is_some()
    }

    /// Takes one carrier message.
    pub async fn message(&mut self, message: &[u8]) -> Result<(), Disconnect> {
        let limit = match self.connected() {
            true => self.live.limits.frame_bytes,
            false => self.live.limits.frame_bytes_before_connect,
        };
        if message.len() > limit {
            return Err(Disconnect::TOO_BIG);
        }
        let commands = codec::decode_commands(self.outbox.encoding(), message).map_err(|error| {
            tracing::debug!(%error, peer = %self.seat.client.address, "a message that is not of the protocol");
            Disconnect::BAD_REQUEST
        })?;
        // A message without commands costs as much as one with one.
        if commands.is_empty() && !self.bucket.take(Instant::now()) {
            return Err(Disconnect::TOO_MANY_REQUESTS);
        }
        for command in commands {
            if !self.bucket.take(Instant::now()) {
                return Err(Disconnect::TOO_MANY_REQUESTS);
            }
            self.outbox.room().await;
            self.command(command).await?;
        }
        Ok(())
    }

    /// Takes this connection out of all channels.
    pub fn leave_all(&mut self) {
        for (channel, subscription) in std::mem::take(&mut self.subscriptions).into_values() {
            self.outbox.forget(&subscription);
            channel.leave();
        }
    }

    async fn command(&mut self, command: Command) -> Result<(), Disconnect> {
        let id = command.id;
        match requests(&command) {
            // The answer to a ping.
            0 if id == 0 => return Ok(()),
            0 | 1 => {}
            _ => return Err(Disconnect::BAD_REQUEST),
        }
        if id == 0 && command.send.is_none() {
            return Err(Disconnect::BAD_REQUEST);
        }
        if let Some(request) = command.connect {
            return self.connect(id, request).await;
        }
        let Some(identity) = self.identity.clone() else {
            return Err(Disconnect::BAD_REQUEST);
        };
        if let Some(request) = command.subscribe {
            match self.subscribe(&identity, &request).await? {
                Ok((joined, result)) => self.reply_opened(id, &joined, result),
                Err(refused) => self.refuse(id, refused),
            }
        } else if let Some(request) = command.unsubscribe {
            self.unsubscribe(id, &request.channel);
        } else if let Some(request) = command.history {
            self.history(id, &request).await?;
        } else if let Some(request) = command.rpc {
            self.rpc(id, identity, request);
        } else if let Some(request) = command.refresh {
            self.refresh(id, &identity, &request).await?;
        } else if command.ping.is_some() {
            self.outbox.control(&Reply {
                id,
                ping: Some(PingResult {}),
                ..Default::default()
            });
        } else if command.send.is_some() {
            // Farol has no use for messages without an answer; they are allowed and go nowhere.
            tracing::debug!(peer = %self.seat.client.address, "a send command was ignored");
        } else if command.publish.is_some() {
            self.refuse(
                id,
                not_available("Clients cannot publish here. Call the rpc method that does what you want."),
            );
        } else if command.presence.is_some() || command.presence_stats.is_some() {
            self.refuse(
                id,
                not_available("This server does not tell who else is watching."),
            );
        } else {
            let message = "This server does not know this command.";
            self.refuse(id, refusal(error::METHOD_NOT_FOUND, message, false));
        }
        Ok(())
    }

    async fn connect(&mut self, id: u32, request: ConnectRequest) -> Result<(), Disconnect> {
        if self.connected() {
            return Err(Disconnect::BAD_REQUEST);
        }
        let shown = match request.token.is_empty() {
            true => self.proven.take(),
            false => match self.gate(self.live.gate.by_token(&request.token)).await {
                Ok(Some(identity)) => Some(Arc::new(identity)),
                Ok(None) => return Err(Disconnect::INVALID_TOKEN),
                Err(refused) => {
                    self.refuse(id, refused);
                    return Ok(());
                }
            },
        };
        let Some(shown) = shown else {
            let message = "Sign in, or send an API token or a ticket in the connect command.";
            self.refuse(id, refusal(error::UNAUTHORIZED, message, false));
            return Err(Disconnect::INVALID_TOKEN);
        };
        // In this order: what ends between the two is seen by one of them.
        if self.seat.identify(&shown).is_err() {
            return Err(Disconnect::CONNECTION_LIMIT);
        }
        let identity = match self.recheck(&shown).await? {
            Ok(identity) => identity,
            Err(refused) => {
                self.proven = Some(shown).filter(|_| request.token.is_empty());
                self.refuse(id, refused);
                return Ok(());
            }
        };
        self.identity = Some(identity.clone());
        self.seat.client.set_program(&request.name, &request.version);
        self.numbered = self.outbox.encoding() == Encoding::Json
            || request.name == NUMBERED_CLIENT
            || request.name.starts_with("farol-");
        self.welcome(id, &identity, request.subs).await
    }

    async fn welcome(
        &mut self,
        id: u32,
        identity: &Arc<Identity>,
        wanted: HashMap<String, SubscribeRequest>,
    ) -> Result<(), Disconnect> {
        let mut joined = Vec::new();
        let mut subs = HashMap::new();
        for (name, mut request) in wanted {
            request.channel.clone_from(&name);
            // A channel that is refused is absent from the result; subscribing to it says why.
            if let Ok((subscription, result)) = self.subscribe(identity, &request).await? {
                joined.push(subscription);
                subs.insert(name, result);
            }
        }
        let connect = ConnectResult {
            client: self.seat.client.name(),
            version: SERVER_VERSION.to_owned(),
            ping: u32::try_from(self.live.limits.ping_interval.as_secs().max(1)).unwrap_or(u32::MAX),
            pong: true,
            time: now_ms(),
            subs,
            ..Default::default()
        };
        let reply = Reply {
            id,
            connect: Some(connect),
            ..Default::default()
        };
        self.outbox.open(&joined, &reply);
        Ok(())
    }

    async fn subscribe(
        &mut self,
        identity: &Arc<Identity>,
        request: &SubscribeRequest,
    ) -> Result<Result<(Arc<Subscription>, SubscribeResult), Refused>, Disconnect> {
        let name = match self.may_subscribe(identity, &request.channel) {
            Ok(name) => name,
            Err(refused) => return Ok(Err(refused)),
        };
        let options = match options(request) {
            Ok(options) => options,
            Err(refused) => return Ok(Err(refused)),
        };
        // A resume is a new entry by somebody who was let in a while ago.
        if request.recover
            && let Err(refused) = self.recheck(identity).await?
        {
            return Ok(Err(refused));
        }
        let joined = self.live.hub.channel(&request.channel).and_then(|channel| {
            let numbered = self.numbered && request.flag & FLAG_CHANNEL_COMPACTION != 0;
            let joined = channel.join(&self.outbox, request, numbered, &options, &self.live.limits)?;
            Some((channel, joined))
        });
        let Some((channel, joined)) = joined else {
            let message = format!("There is no channel `{}` now.", request.channel);
            let soon = self.live.hub.may_come(&name);
            return Ok(Err(refusal(error::UNKNOWN_CHANNEL, message, soon)));
        };
        let subscription = joined.subscription.clone();
        // Remembered before anything is awaited, so that it is never left behind in the channel.
        self.seat.client.joined(&request.channel);
        self.subscriptions
            .insert(request.channel.clone(), (channel, subscription.clone()));
        Ok(Ok((subscription, self.encode(joined).await)))
    }

    fn may_subscribe(&mut self, identity: &Arc<Identity>, channel: &str) -> Result<ChannelName, Refused> {
        let unknown = || refusal(error::UNKNOWN_CHANNEL, "There is no such channel.", false);
        let name = ChannelName::parse(channel).ok_or_else(unknown)?;
        let client = &self.seat.client;
        self.subscriptions.retain(|name, (_, subscription)| {
            let stands = subscription.is_live();
            if !stands {
                client.left(name);
            }
            stands
        });
        if self.subscriptions.contains_key(channel) {
            return Err(refusal(
                error::ALREADY_SUBSCRIBED,
                "You are subscribed to this channel.",
                false,
            ));
        }
        if self.subscriptions.len() >= self.live.limits.channels {
            let message = format!(
                "A connection takes {} channels at most. Unsubscribe from some.",
                self.live.limits.channels
            );
            return Err(refusal(error::LIMIT_EXCEEDED, message, false));
        }
        let allowed = identity.viewer.require(name.permission());
        allowed.map_err(|fault| Error::from(&fault))?;
        Ok(name)
    }

    /// The result of a subscription. Large states are written off the async threads.
    async fn encode(&self, joined: Joined) -> SubscribeResult {
        let encoding = self.outbox.encoding();
        if joined.size() <= BLOCKING_SIZE {
            return joined.result(encoding);
        }
        let joined = Arc::new(joined);
        let shared = joined.clone();
        match tokio::task::spawn_blocking(move || shared.result(encoding)).await {
            Ok(result) => result,
            // The runtime is going down.
            Err(_) => joined.result(encoding),
        }
    }

    fn unsubscribe(&mut self, id: u32, channel: &str) {
        self.seat.client.left(channel);
        if let Some((channel, subscription)) = self.subscriptions.remove(channel) {
            self.outbox.forget(&subscription);
            channel.leave();
        }
        self.outbox.control(&Reply {
            id,
            unsubscribe: Some(UnsubscribeResult {}),
            ..Default::default()
        });
    }

    async fn history(&mut self, id: u32, request: &HistoryRequest) -> Result<(), Disconnect> {
        let Some(identity) = self.identity.clone() else {
            return Err(Disconnect::BAD_REQUEST);
        };
        let identity = match self.recheck(&identity).await? {
            Ok(identity) => identity,
            Err(refused) => {
                self.refuse(id, refused);
                return Ok(());
            }
        };
        let Some(name) = ChannelName::parse(&request.channel) else {
            self.refuse(
                id,
                refusal(error::UNKNOWN_CHANNEL, "There is no such channel.", false),
            );
            return Ok(());
        };
        if let Err(fault) = identity.viewer.require(name.permission()) {
            self.refuse(id, Error::from(&fault));
            return Ok(());
        }
        let Some(channel) = self.live.hub.channel(&request.channel) else {
            let message = format!("There is no channel `{}` now.", request.channel);
            self.refuse(id, refusal(error::UNKNOWN_CHANNEL, message, false));
            return Ok(());
        };
        match channel.history(request, self.outbox.encoding()) {
            Some(history) => self.outbox.control(&Reply {
                id,
                history: Some(history),
                ..Default::default()
            }),
            None => self.refuse(
                id,
                not_available("This channel keeps no history. Subscribe to it and you get the whole state."),
            ),
        }
        Ok(())
    }

    /// Runs beside all that follows, and to its end also when the connection goes: what was asked for is done.
    fn rpc(&self, id: u32, identity: Arc<Identity>, request: RpcRequest) {
        let Ok(permit) = self.rpcs.clone().try_acquire_owned() else {
            let message = format!(
                "{} calls of this connection are still running. Wait for one to end.",
                self.live.limits.rpcs_in_flight
            );
            self.refuse(id, refusal(error::TOO_MANY_REQUESTS, message, true));
            return;
        };
        let (live, outbox) = (self.live.clone(), self.outbox.clone());
        let address = self.seat.client.address.to_string();
        self.live.tasks.clone().spawn(async move {
            let answer = match live.gate.recheck(&identity).await {
                Ok(Some(identity)) => {
                    live.rpc
                        .call(&identity, &address, &request.method, &request.data)
                        .await
                }
                Ok(None) => Err(Fault::unauthenticated()),
                Err(fault) => Err(fault),
            };
            let answer = answer.and_then(|data| checked_json(data, &request.method));
            let mut reply = Reply {
                id,
                ..Default::default()
            };
            match answer {
                Ok(data) => reply.rpc = Some(RpcResult { data: data.into() }),
                Err(fault) => reply.error = Some(Error::from(&fault)),
            }
            outbox.control(&reply);
            drop(permit);
        });
    }

    async fn refresh(
        &mut self,
        id: u32,
        identity: &Arc<Identity>,
        request: &RefreshRequest,
    ) -> Result<(), Disconnect> {
        let fresh = match self.gate(self.live.gate.by_token(&request.token)).await {
            // A connection never changes hands.
            Ok(Some(fresh)) if fresh.viewer.user_id == identity.viewer.user_id => Arc::new(fresh),
            Ok(_) => return Err(Disconnect::INVALID_TOKEN),
            Err(refused) => {
                self.refuse(id, refused);
                return Ok(());
            }
        };
        if self.seat.identify(&fresh).is_err() {
            return Err(Disconnect::CONNECTION_LIMIT);
        }
        self.identity = Some(fresh);
        let refresh = RefreshResult {
            client: self.seat.client.name(),
            version: SERVER_VERSION.to_owned(),
            ..Default::default()
        };
        self.outbox.control(&Reply {
            id,
            refresh: Some(refresh),
            ..Default::default()
        });
        Ok(())
    }

    /// Asks the gate whether the identity still holds, and takes the role it has now.
    async fn recheck(
        &mut self,
        identity: &Arc<Identity>,
    ) -> Result<Result<Arc<Identity>, Refused>, Disconnect> {
        match self.gate(self.live.gate.recheck(identity)).await {
            Ok(Some(now)) => {
                let now = match now == **identity {
                    true => identity.clone(),
                    false => Arc::new(now),
                };
                if self.connected() {
                    self.identity = Some(now.clone());
                }
                Ok(Ok(now))
            }
            Ok(None) => Err(Disconnect::SIGNED_OUT),
            Err(refused) => Ok(Err(refused)),
        }
    }

    /// An answer of the gate within its time, or a refusal that advises to try again.
    async fn gate<T>(&self, answer: impl Future<Output = Result<T, Fault>>) -> Result<T, Refused> {
        let fault = match timeout(self.live.limits.gate_timeout, answer).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(fault)) => fault,
            Err(_) => {
                tracing::warn!("the check of a live connection took too long");
                Fault::internal()
            }
        };
        let temporary = matches!(
            fault.code,
            FaultCode::Internal | FaultCode::Unavailable | FaultCode::Limited
        );
        Err(refusal(fault.code.live_code(), fault.message, temporary))
    }

    fn reply_opened(&self, id: u32, subscription: &Arc<Subscription>, result: SubscribeResult) {
        let reply = Reply {
            id,
            subscribe: Some(result),
            ..Default::default()
        };
        self.outbox.open(std::slice::from_ref(subscription), &reply);
    }

    fn refuse(&self, id: u32, refused: Refused) {
        self.outbox.control(&Reply {
            id,
            error: Some(refused),
            ..Default::default()
        });
    }
}

/// Requests that a command holds.
fn requests(command: &Command) -> usize {
    [
        command.connect.is_some(),
        command.subscribe.is_some(),
        command.unsubscribe.is_some(),
        command.publish.is_some(),
        command.presence.is_some(),
        command.presence_stats.is_some(),
        command.history.is_some(),
        command.ping.is_some(),
        command.send.is_some(),
        command.rpc.is_some(),
        command.refresh.is_some(),
    ]
    .into_iter()
    .filter(|set| *set)
    .count()
}

/// The options in a subscribe request: a JSON object, or nothing.
fn options(request: &SubscribeRequest) -> Result<SubscribeOptions, Refused> {
    if request.data.is_empty() || request.data == "null" {
        return Ok(SubscribeOptions::default());
    }
    serde_json::from_slice(&request.data).map_err(|error| {
        let message =
            format!("`data` of subscribe must be a JSON object of every_ms and history_ms, numbers: {error}");
        refusal(error::BAD_REQUEST, message, false)
    })
}

/// What cannot be written as JSON must not reach the wire: the frame would be another one.
fn checked_json(data: Vec<u8>, method: &str) -> Result<Vec<u8>, Fault> {
    if data.is_empty() || serde_json::from_slice::<serde::de::IgnoredAny>(&data).is_ok() {
        return Ok(data);
    }
    tracing::error!(method, "an rpc method answered what is not JSON");
    Err(Fault::internal())
}

fn refusal(code: u32, message: impl Into<String>, temporary: bool) -> Refused {
    Error {
        code,
        message: message.into(),
        temporary,
    }
}

fn not_available(message: &str) -> Refused {
    refusal(error::NOT_AVAILABLE, message, false)
}
