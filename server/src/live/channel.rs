//! One channel: its position, what it holds for recovery, its state and its subscribers.
//!
//! A publication and a subscription are each one critical section, so that what a subscriber gets as state and what it
//! gets as publications meet without a hole or an overlap. Encoding of state happens outside of it.

use super::{
    body::{Body, Whole},
    client::Client,
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
    /// Some of them may have ended: they are taken out by the next publication, or when they are half of all.
    subscribers: Vec<Subscriber>,
    /// About how many of them have ended.
    left: usize,
    /// At least as many as asked to be told who comes and goes.
    watchers: usize,
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

#[derive(Debug)]
struct Subscriber {
    outbox: Arc<Outbox>,
    subscription: Arc<Subscription>,
    encoding: Encoding,
    /// Pushes carry the number and not the name.
    numbered: bool,
    /// It asked to be told who comes and goes.
    watches: bool,
    /// The least distance of publications; zero for each.
    every: Duration,
    /// Not before this.
    next: Option<Instant>,
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
    pub fn new(key: ChannelKey, class: Class, process_epoch: u32, body: Body) -> Arc<Self> {
        let epoch = format!("{process_epoch:08x}.{}", key.id);
        let key = Arc::new(key);
        let inner = Inner {
            key: key.clone(),
            offset: 0,
            body,
            held: VecDeque::new(),
            held_bytes: 0,
            subscribers: Vec::new(),
            left: 0,
            watchers: 0,
            whole: None,
            closed: false,
        };
        Arc::new(Channel {
            key,
            class,
            epoch,
            inner: Mutex::new(inner),
        })
    }

    /// Runs `f` on what the lock guards.
    pub fn with<T>(&self, f: impl FnOnce(&mut Inner) -> T) -> T {
        f(&mut lock(&self.inner))
    }

    /// Subscribes a connection; `numbered` pushes carry the channel's id and not its name. None when the channel has been
    /// taken down meanwhile.
    ///
    /// Who asked for it is told of those who come and go, but not in a cache channel, where the newest frame replaces all
    /// before it.
    pub fn join(
        &self,
        outbox: &Arc<Outbox>,
        request: &SubscribeRequest,
        numbered: bool,
        options: &SubscribeOptions,
        limits: &LiveLimits,
    ) -> Option<Joined> {
        let mut inner = lock(&self.inner);
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
        let watches = request.join_leave && self.class != Class::Cache;
        inner.subscribers.push(Subscriber {
            watches,
            outbox: outbox.clone(),
            subscription: subscription.clone(),
            encoding: outbox.encoding(),
            numbered,
            // The other classes would lose what is skipped.
            every: match self.class {
                Class::Metrics => Duration::from_millis(u64::from(options.every_ms)),
                _ => Duration::ZERO,
            },
            next: None,
        });
        inner.watchers += usize::from(watches);
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
    }

    /// A subscription has ended. Not searched for each time: twenty thousand who leave together would cost the square.
    pub fn leave(&self, client: &Client) {
        let mut inner = lock(&self.inner);
        inner.tell_watchers(Payload::Leave, client);
        inner.left += 1;
        if inner.left * 2 >= inner.subscribers.len() {
            inner.sweep();
        }
    }

    /// Who is subscribed.
    pub fn present(&self) -> Vec<Arc<Client>> {
        let inner = lock(&self.inner);
        let standing = inner.subscribers.iter().filter(|subscriber| subscriber.stands());
        standing
            .map(|subscriber| subscriber.outbox.client.clone())
            .collect()
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
            std::mem::take(&mut inner.subscribers)
        };
        for subscriber in subscribers {
            subscriber
                .outbox
                .dismiss(&subscriber.subscription, unsubscribe::SERVER);
        }
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
        self.fan_out(&publication, now);
    }

    /// Publishes without holding, for classes whose subscribers start afresh.
    pub fn publish(&mut self, payload: Payload, now: Instant) {
        let publication = Publication::new(self.key.clone(), 0, payload);
        self.fan_out(&publication, now);
    }

    pub fn is_closed(&self) -> bool {
        self.closed
    }

    pub fn has_subscribers(&self) -> bool {
        self.subscribers.iter().any(Subscriber::stands)
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

    fn fan_out(&mut self, publication: &Arc<Publication>, now: Instant) {
        self.whole = None;
        self.left = 0;
        let always = publication.is_schema();
        let mut watchers = 0;
        self.subscribers.retain_mut(|subscriber| {
            let stays = match always || subscriber.due(now) {
                true => {
                    let frame = publication.frame(subscriber.encoding, subscriber.numbered);
                    subscriber.outbox.publish(&subscriber.subscription, frame)
                }
                false => subscriber.stands(),
            };
            watchers += usize::from(stays && subscriber.watches);
            stays
        });
        self.watchers = watchers;
    }

    /// Takes out those who have ended.
    fn sweep(&mut self) {
        self.left = 0;
        self.subscribers.retain(Subscriber::stands);
        self.watchers = self
            .subscribers
            .iter()
            .filter(|subscriber| subscriber.watches)
            .count();
    }

    /// Tells those who asked that somebody came or went.
    fn tell_watchers(&self, payload: fn(ClientInfo) -> Payload, client: &Client) {
        if self.watchers == 0 {
            return;
        }
        let Some(info) = client.info() else {
            return;
        };
        let publication = Publication::new(self.key.clone(), 0, payload(info));
        for subscriber in self.subscribers.iter().filter(|subscriber| subscriber.watches) {
            let frame = publication.frame(subscriber.encoding, subscriber.numbered);
            subscriber.outbox.publish(&subscriber.subscription, frame);
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

impl Subscriber {
    fn stands(&self) -> bool {
        self.subscription.is_live()
    }

    /// Whether a publication is due. The newest at that time is the one that is sent; those between are skipped and are
    /// not owed. A tenth of slack keeps a source that ticks a little early in step.
    fn due(&mut self, now: Instant) -> bool {
        if self.every.is_zero() {
            return true;
        }
        if self.next.is_some_and(|next| now < next) {
            return false;
        }
        self.next = Some(now + self.every - self.every / 10);
        true
    }
}
