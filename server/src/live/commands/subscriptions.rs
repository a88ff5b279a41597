//! The channels of a connection.

use super::{Answer, Commands, gone, parse, refusal};
use crate::live::{
    Identity, Live,
    channel::{Channel, Joined},
    lock,
    outbox::Outbox,
    subscription::Subscription,
};
use farol_model::{
    channel::Channel as ChannelName,
    wire::{
        Error, FLAG_CHANNEL_COMPACTION, Push, Reply, SubRefreshRequest, SubRefreshResult, SubscribePush,
        SubscribeRequest, SubscribeResult, UnsubscribeResult,
        codes::{Disconnect, error},
        payload::SubscribeOptions,
    },
};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

/// States of more values, rows or publications than this are encoded off the async threads. A value takes about 50 ns.
const BLOCKING_SIZE: usize = 10_000;

/// The subscriptions of one connection. Shared with the calls that run beside its commands.
#[derive(Debug)]
pub struct Subscriptions {
    outbox: Arc<Outbox>,
    /// Whether this client can read numeric channel ids, see [`super::NUMBERED_CLIENT`].
    numbered: AtomicBool,
    /// None once the connection has ended. A std mutex: held while a channel is joined, never over an await.
    entries: Mutex<Option<HashMap<String, Entry>>>,
}

#[derive(Debug)]
struct Entry {
    channel: Arc<Channel>,
    subscription: Arc<Subscription>,
}

impl Subscriptions {
    pub fn new(outbox: Arc<Outbox>) -> Arc<Self> {
        Arc::new(Subscriptions {
            outbox,
            numbered: AtomicBool::new(false),
            entries: Mutex::new(Some(HashMap::new())),
        })
    }

    pub fn allow_numbers(&self) {
        self.numbered.store(true, Ordering::Relaxed);
    }

    /// Ends all of them, and takes no more.
    pub fn end(&self) {
        let entries = lock(&self.entries).take();
        for entry in entries.into_iter().flat_map(HashMap::into_values) {
            self.leave(&entry);
        }
    }

    pub fn unsubscribe(&self, channel: &str) -> UnsubscribeResult {
        let entry = lock(&self.entries)
            .as_mut()
            .and_then(|entries| entries.remove(channel));
        if let Some(entry) = entry {
            self.outbox.client.left(channel);
            self.leave(&entry);
        }
        UnsubscribeResult {}
    }

    /// Whether the channel is subscribed to.
    pub fn holds(&self, channel: &str) -> bool {
        let entries = lock(&self.entries);
        let entry = entries.as_ref().and_then(|entries| entries.get(channel));
        entry.is_some_and(|entry| entry.subscription.is_live())
    }

    fn leave(&self, entry: &Entry) {
        self.outbox.forget(&entry.subscription);
        entry.channel.leave(&self.outbox.client);
    }

    /// Joins the channel when there is room for it.
    fn join(
        &self,
        live: &Live,
        name: &ChannelName,
        request: &SubscribeRequest,
        options: &SubscribeOptions,
    ) -> Answer<Joined> {
        let mut entries = lock(&self.entries);
        let Some(entries) = entries.as_mut() else {
            return Err(Disconnect::CONNECTION_CLOSED.into());
        };
        // Those that the server ended.
        entries.retain(|name, entry| {
            let stands = entry.subscription.is_live();
            if !stands {
                self.outbox.client.left(name);
                entry.channel.leave(&self.outbox.client);
            }
            stands
        });
        self.check_room(live, entries, &request.channel)?;
        let channel = match name {
            ChannelName::Room { .. } => Some(live.hub.room(&request.channel).ok_or_else(too_many_rooms)?),
            ChannelName::Log { kind, name } => Some(live.hub.log_channel(&request.channel, kind, name)?),
            _ => live.hub.channel(&request.channel),
        };
        let numbered = self.numbered.load(Ordering::Relaxed) && request.flag & FLAG_CHANNEL_COMPACTION != 0;
        let joined = channel.and_then(|channel| {
            let joined = channel.join(&self.outbox, request, numbered, options, &live.limits)?;
            Some((channel, joined))
        });
        let Some((channel, joined)) = joined else {
            return Err(gone(live, &request.channel, name).into());
        };
        // Remembered before anything is awaited, so that it is never left behind in the channel.
        self.outbox.client.joined(&request.channel);
        entries.insert(
            request.channel.clone(),
            Entry {
                channel,
                subscription: joined.subscription.clone(),
            },
        );
        Ok(joined)
    }

    fn check_room(&self, live: &Live, entries: &HashMap<String, Entry>, channel: &str) -> Result<(), Error> {
        if entries.contains_key(channel) {
            let message = "You are subscribed to this channel.";
            return Err(refusal(error::ALREADY_SUBSCRIBED, message, false));
        }
        let limit = live.limits.channels;
        if entries.len() >= limit {
            let message = format!("A connection takes {limit} channels at most. Unsubscribe from some.");
            return Err(refusal(error::LIMIT_EXCEEDED, message, false));
        }
        Ok(())
    }

    /// Subscribes by the server's wish and tells the client so. A channel that it has, may not see or that is gone is left
    /// alone: the client can still ask for it and is told why not.
    pub async fn follow(&self, live: &Live, identity: &Identity, channel: &str) {
        let Ok(name) = parse(channel) else { return };
        if identity.viewer.require(name.permission()).is_err() {
            return;
        }
        let request = SubscribeRequest {
            channel: channel.to_owned(),
            ..Default::default()
        };
        let Ok(joined) = self.join(live, &name, &request, &SubscribeOptions::default()) else {
            return;
        };
        let subscription = joined.subscription.clone();
        let result = self.encode(joined).await;
        let subscribe = SubscribePush {
            recoverable: result.recoverable,
            epoch: result.epoch,
            offset: result.offset,
            positioned: result.positioned,
            data: result.data,
        };
        let push = Push {
            channel: channel.to_owned(),
            subscribe: Some(subscribe),
            ..Default::default()
        };
        let reply = Reply {
            push: Some(push),
            ..Default::default()
        };
        self.outbox.open(std::slice::from_ref(&subscription), &reply);
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
}

impl Commands {
    pub(super) async fn subscribe(
        &mut self,
        id: u32,
        identity: &Arc<Identity>,
        request: &SubscribeRequest,
    ) -> Answer<()> {
        let (subscription, result) = self.join(identity, request).await?;
        let reply = Reply {
            id,
            subscribe: Some(result),
            ..Default::default()
        };
        self.outbox.open(std::slice::from_ref(&subscription), &reply);
        Ok(())
    }

    /// Subscribes; the result is still to be sent.
    pub(super) async fn join(
        &mut self,
        identity: &Arc<Identity>,
        request: &SubscribeRequest,
    ) -> Answer<(Arc<Subscription>, SubscribeResult)> {
        let name = parse(&request.channel)?;
        identity.viewer.require(name.permission())?;
        let options = options(request)?;
        // A resume is a new entry by somebody who was let in a while ago.
        if request.recover {
            let identity = self.recheck(identity).await?;
            identity.viewer.require(name.permission())?;
        }
        let joined = self.subscriptions.join(&self.live, &name, request, &options)?;
        let subscription = joined.subscription.clone();
        Ok((subscription, self.subscriptions.encode(joined).await))
    }

    /// Looks again at the right to one subscription, with another token or with the connection's own proof. No right of
    /// Farol's to a channel ends by itself, so there is never a time to live.
    pub(super) async fn sub_refresh(
        &mut self,
        identity: &Arc<Identity>,
        request: &SubRefreshRequest,
    ) -> Answer<SubRefreshResult> {
        let name = parse(&request.channel)?;
        if !self.subscriptions.holds(&request.channel) {
            let message = format!("You are not subscribed to `{}`.", request.channel);
            return Err(refusal(error::BAD_REQUEST, message, false).into());
        }
        let identity = match request.token.is_empty() {
            true => self.recheck(identity).await?,
            false => self.same_user(identity, &request.token).await?,
        };
        identity.viewer.require(name.permission())?;
        Ok(SubRefreshResult::default())
    }
}

pub(super) fn too_many_rooms() -> Error {
    let message = "There are as many rooms as there may be, and somebody is in each. Use one of them.";
    refusal(error::LIMIT_EXCEEDED, message, false)
}

/// The options in a subscribe request: a JSON object, or nothing.
fn options(request: &SubscribeRequest) -> Result<SubscribeOptions, Error> {
    if request.data.is_empty() || request.data == "null" {
        return Ok(SubscribeOptions::default());
    }
    serde_json::from_slice(&request.data).map_err(|error| {
        let message =
            format!("`data` of subscribe must be a JSON object of every_ms and history_ms, numbers: {error}");
        refusal(error::BAD_REQUEST, message, false)
    })
}
