//! One channel: its position, what it holds for recovery and its state. Its subscribers are [`super::fanout`]'s.
//!
//! A publication and a subscription are each one critical section, so that what a subscriber gets as state and what it
//! gets as publications meet without a hole or an overlap. Encoding of state happens outside of it.

use super::{
    body::{Body, Whole},
    client::Client,
    fanout::{Fanout, Round, Subscriber},
    flusher::Flusher,
    limits::LiveLimits,
    lock,
    outbox::Outbox,
    publication::{ChannelKey, Payload, Publication},
    subscription::Subscription,
};
use farol_model::{
    channel::Class,
    wire::{
        ClientInfo, Encoding, HistoryRequest, HistoryResult, PresenceStatsResult, SubscribeRequest,
        SubscribeResult, codes::unsubscribe, payload::SubscribeOptions,
    },
};
use std::{
    collections::{HashSet, VecDeque},
    ops::Range,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// See the module.
#[derive(Debug)]
pub struct Channel {
    pub key: Arc<ChannelKey>,
    pub class: Class,
    /// Random per process and channel: offsets of another epoch mean nothing.
    pub epoch: String,
    flusher: Arc<Flusher>,
    /// A std mutex: every section is short and none awaits.
    inner: Mutex<Inner>,
}

/// What the lock guards.
#[derive(Debug)]
pub struct Inner {
    key: Arc<ChannelKey>,
    /// Offset of the newest publication.
    pub offset: u64,
    pub body: Body,
    /// Publications without holes, the newest last, its offset equal to `offset`.
    held: VecDeque<Held>,
    held_bytes: usize,
    fanout: Fanout,
    /// The state as last asked for, until the next publication: many who come back together share one encoding.
    whole: Option<(u32, Arc<Whole>)>,
    /// The channel was taken down.
    closed: bool,
}

#[derive(Debug)]
struct Held {
    publication: Arc<Publication>,
    at: Instant,
    /// About how much memory it takes.
    size: usize,
}

/// How many publications a channel holds.
#[derive(Debug, Clone, Copy)]
pub struct Hold {
    pub age: Duration,
    pub count: usize,
    pub bytes: usize,
}

/// A subscription that stands but has not been answered.
#[derive(Debug)]
pub struct Joined {
    pub subscription: Arc<Subscription>,
    result: SubscribeResult,
    missed: Vec<Arc<Publication>>,
    whole: Option<Arc<Whole>>,
}

impl Joined {
    /// How much there is to encode, in values or things that cost as much.
    pub fn size(&self) -> usize {
        self.missed.iter().map(|held| held.size()).sum::<usize>()
            + self.whole.as_ref().map_or(0, |whole| whole.size())
    }

    /// The answer. Encodes the state, which may be large.
    pub fn result(&self, encoding: Encoding) -> SubscribeResult {
        let mut result = self.result.clone();
        result.publications = self.missed.iter().map(|held| held.wire(encoding)).collect();
        if let Some(whole) = &self.whole {
            result.data = whole.encode(encoding);
        }
        result
    }
}

impl Channel {
    pub fn new(
        key: ChannelKey,
        class: Class,
        process_epoch: u32,
        body: Body,
        flusher: Arc<Flusher>,
    ) -> Arc<Self> {
        let epoch = format!("{process_epoch:08x}.{}", key.id);
        let key = Arc::new(key);
        let inner = Inner {
            key: key.clone(),
            offset: 0,
            body,
            held: VecDeque::new(),
            held_bytes: 0,
            fanout: Fanout::default(),
            whole: None,
            closed: false,
        };
        Arc::new(Channel {
            key,
            class,
            epoch,
            flusher,
            inner: Mutex::new(inner),
        })
    }

    /// Runs `f` on what the lock guards, and sees to it that what it published is brought to the subscribers.
    pub fn with<T>(self: &Arc<Self>, f: impl FnOnce(&mut Inner) -> T) -> T {
        let mut inner = lock(&self.inner);
        let value = f(&mut inner);
        let listed = inner.fanout.asks_to_be_listed();
        drop(inner);
        if listed {
            self.flusher.list_channel(self.clone());
        }
        value
    }

    /// Subscribes a connection; `numbered` pushes carry the channel's id and not its name. None when the channel has been
    /// taken down meanwhile.
    ///
    /// Who asked for it is told of those who come and go, but not in a cache channel, where the newest frame replaces all
    /// before it.
    pub fn join(
        self: &Arc<Self>,
        outbox: &Arc<Outbox>,
        request: &SubscribeRequest,
        numbered: bool,
        options: &SubscribeOptions,
        limits: &LiveLimits,
    ) -> Option<Joined> {
        self.with(|inner| {
            if inner.closed {
                return None;
            }
            let positioned = matches!(self.class, Class::Metrics | Class::Stream);
            let missed = match request.recover && positioned && request.epoch == self.epoch {
                true => inner.since(request.offset),
                false => None,
            };
            let recovered = missed.is_some();
            let whole = (!recovered).then(|| inner.whole(options.history_ms, limits.snapshot_cells));
            let subscription = Subscription::new(self.key.clone(), self.class);
            let mut subscriber = Subscriber::new(outbox.clone(), subscription.clone());
            subscriber.numbered = numbered;
            subscriber.watches = request.join_leave && self.class != Class::Cache;
            // The other classes would lose what is skipped.
            if self.class == Class::Metrics {
                subscriber.every = Duration::from_millis(u64::from(options.every_ms));
            }
            inner.fanout.add(subscriber);
            inner.tell_watchers(Payload::Join, &outbox.client);
            let result = SubscribeResult {
                recoverable: positioned,
                positioned,
                epoch: if positioned {
                    self.epoch.clone()
                } else {
                    String::new()
                },
                offset: if positioned { inner.offset } else { 0 },
                recovered,
                was_recovering: request.recover,
                id: if numbered { self.key.id } else { 0 },
                ..Default::default()
            };
            Some(Joined {
                subscription,
                result,
                missed: missed.unwrap_or_default(),
                whole,
            })
        })
    }

    /// A subscription has ended.
    pub fn leave(self: &Arc<Self>, client: &Client) {
        self.with(|inner| {
            inner.tell_watchers(Payload::Leave, client);
            inner.fanout.leave();
        });
    }

    /// Who is subscribed.
    pub fn present(&self) -> Vec<Arc<Client>> {
        lock(&self.inner).fanout.present()
    }

    /// How many are subscribed: connections, and users behind them.
    pub fn presence_stats(&self) -> PresenceStatsResult {
        let present = self.present();
        let users: HashSet<i64> = present
            .iter()
            .filter_map(|client| Some(client.identity()?.viewer.user_id))
            .collect();
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        PresenceStatsResult {
            num_clients: count(present.len()),
            num_users: count(users.len()),
        }
    }

    /// Held publications and the newest position; None in a class that holds none. What does not fit into the limits is
    /// not in it: the rest is asked for from the last one on.
    pub fn history(
        &self,
        request: &HistoryRequest,
        encoding: Encoding,
        limits: &LiveLimits,
    ) -> Option<HistoryResult> {
        if !matches!(self.class, Class::Metrics | Class::Stream) {
            return None;
        }
        let (chosen, offset) = {
            let inner = lock(&self.inner);
            (inner.history(request, &self.epoch, limits), inner.offset)
        };
        Some(HistoryResult {
            publications: chosen.iter().map(|held| held.wire(encoding)).collect(),
            epoch: self.epoch.clone(),
            offset,
        })
    }

    /// Takes the channel down and tells its subscribers, finally.
    pub fn close(&self) {
        let subscribers = {
            let mut inner = lock(&self.inner);
            inner.closed = true;
            inner.fanout.take()
        };
        for subscriber in subscribers {
            subscriber
                .outbox
                .dismiss(&subscriber.subscription, unsubscribe::SERVER);
        }
    }

    /// Begins to bring round what is pending. For the flusher, one round at a time.
    pub(super) fn begin(&self) -> Round {
        lock(&self.inner).fanout.begin()
    }

    /// Puts what is pending into some outboxes, see [`Fanout::visit`].
    pub(super) fn visit(&self, places: Range<usize>, reached: impl FnMut(&Arc<Outbox>, bool)) {
        lock(&self.inner).fanout.visit(places, reached);
    }

    /// Ends a round.
    pub(super) fn end(&self, round: Round) {
        lock(&self.inner).fanout.end(round);
    }
}

impl Inner {
    /// Publishes and holds, for classes with positions. `size` is about the memory it takes.
    pub fn publish_held(&mut self, payload: Payload, size: usize, hold: Hold, now: Instant) {
        self.offset += 1;
        let publication = Publication::new(self.key.clone(), self.offset, payload);
        self.held_bytes += size;
        self.held.push_back(Held {
            publication: publication.clone(),
            at: now,
            size,
        });
        self.trim_held(hold, now);
        self.whole = None;
        self.fanout.publish(publication, now);
    }

    /// Publishes without holding, for classes whose subscribers start afresh.
    pub fn publish(&mut self, payload: Payload, now: Instant) {
        self.whole = None;
        self.fanout
            .publish(Publication::new(self.key.clone(), 0, payload), now);
    }

    pub fn is_closed(&self) -> bool {
        self.closed
    }

    pub fn has_subscribers(&self) -> bool {
        self.fanout.has_subscribers()
    }

    /// The state in `body` has changed.
    pub fn touch(&mut self) {
        self.whole = None;
    }

    /// Bytes held for recovery.
    pub fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// Publications that fell out of what is held.
    pub fn dropped(&self) -> u64 {
        self.offset - self.held.len() as u64
    }

    /// Tells those who asked that somebody came or went.
    fn tell_watchers(&mut self, payload: fn(ClientInfo) -> Payload, client: &Client) {
        if self.fanout.is_watched()
            && let Some(info) = client.info()
        {
            self.fanout
                .tell(Publication::new(self.key.clone(), 0, payload(info)));
        }
    }

    fn trim_held(&mut self, hold: Hold, now: Instant) {
        while let Some(oldest) = self.held.front()
            && (now.saturating_duration_since(oldest.at) > hold.age
                || self.held.len() > hold.count
                || self.held_bytes > hold.bytes)
        {
            self.held_bytes -= oldest.size;
            self.held.pop_front();
        }
    }

    /// All publications after `offset`, or None when not all of them are held.
    fn since(&self, offset: u64) -> Option<Vec<Arc<Publication>>> {
        let missed = usize::try_from(self.offset.checked_sub(offset)?).ok()?;
        let from = self.held.len().checked_sub(missed)?;
        Some(
            self.held
                .range(from..)
                .map(|held| held.publication.clone())
                .collect(),
        )
    }

    fn whole(&mut self, history_ms: u32, max_cells: usize) -> Arc<Whole> {
        if let Some((cached_ms, whole)) = &self.whole
            && *cached_ms == history_ms
        {
            return whole.clone();
        }
        let held = self.held.iter().map(|held| &held.publication);
        let whole = Arc::new(self.body.whole(history_ms, max_cells, held, self.dropped()));
        self.whole = Some((history_ms, whole.clone()));
        whole
    }

    fn history(&self, request: &HistoryRequest, epoch: &str, limits: &LiveLimits) -> Vec<Arc<Publication>> {
        let since = request
            .since
            .as_ref()
            .filter(|since| since.epoch.is_empty() || since.epoch == epoch);
        let fits = |held: &&Held| {
            let offset = held.publication.offset;
            match since {
                None => true,
                Some(since) if request.reverse => offset < since.offset,
                Some(since) => offset > since.offset,
            }
        };
        let wanted = usize::try_from(request.limit).unwrap_or(usize::MAX);
        let mut room = limits.history_bytes;
        let fits_in = |held: &&Held| {
            let before = room;
            room = room.saturating_sub(held.size);
            // The first passes alone, however large.
            before == limits.history_bytes || before >= held.size
        };
        let wanted = wanted.min(limits.history_publications);
        let found = self.held.iter().filter(fits);
        match request.reverse {
            false => publications(found.take(wanted).take_while(fits_in)),
            true => publications(found.rev().take(wanted).take_while(fits_in)),
        }
    }
}

fn publications<'a>(held: impl Iterator<Item = &'a Held>) -> Vec<Arc<Publication>> {
    held.map(|held| held.publication.clone()).collect()
}
