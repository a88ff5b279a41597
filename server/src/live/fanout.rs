//! Who is subscribed to one channel, and what is on its way to them.
//!
//! Publishing only takes down what is to be said. The [flusher](super::flusher) brings it round a little later, some
//! subscribers at a time, and writes to their sockets while what it touched of each is still in the processor's cache. Each
//! subscriber knows how far it has got, so that those who join while a round is under way get what comes after them and
//! nothing that their state had already.

use super::{
    client::Client,
    outbox::{Filled, Outbox},
    publication::Publication,
    subscription::Subscription,
};
use farol_model::wire::Encoding;
use std::{
    collections::VecDeque,
    ops::Range,
    sync::Arc,
    time::{Duration, Instant},
};

/// Publications on their way at most. One more and all go into the outboxes at once, without waiting for the round.
const MAX_PENDING: usize = 1024;

/// See the module. Plain: the channel guards it with its lock.
#[derive(Debug, Default)]
pub struct Fanout {
    /// Some of them may have ended: they are taken out by the next round, or when they are half of all.
    subscribers: Vec<Subscriber>,
    /// About how many of them have ended.
    left: usize,
    /// How many were found ended.
    over: usize,
    /// At least as many as asked to be told who comes and goes.
    watchers: usize,
    /// On their way, the newest last; its number is `sequence`.
    pending: VecDeque<Pending>,
    sequence: u64,
    /// The flusher knows that something is pending.
    listed: bool,
    /// A round is under way: nobody changes place.
    walking: bool,
}

#[derive(Debug)]
struct Pending {
    publication: Arc<Publication>,
    at: Instant,
    /// For those only who asked to be told who comes and goes.
    for_watchers: bool,
}

/// One who listens.
#[derive(Debug)]
pub struct Subscriber {
    pub outbox: Arc<Outbox>,
    pub subscription: Arc<Subscription>,
    /// Pushes carry the number and not the name.
    pub numbered: bool,
    /// It asked to be told who comes and goes.
    pub watches: bool,
    /// The least distance of publications; zero for each.
    pub every: Duration,
    encoding: Encoding,
    /// Not before this.
    next: Option<Instant>,
    /// Number of the last publication that it got or that came before it.
    got: u64,
    /// It was found ended.
    over: bool,
}

/// A round as it begins: who is to be visited.
#[derive(Debug, Clone, Copy)]
pub struct Round {
    pub subscribers: usize,
    /// All of them will have this one.
    until: u64,
}

impl Subscriber {
    pub fn new(outbox: Arc<Outbox>, subscription: Arc<Subscription>) -> Self {
        Subscriber {
            encoding: outbox.encoding(),
            outbox,
            subscription,
            numbered: false,
            watches: false,
            every: Duration::ZERO,
            next: None,
            got: 0,
            over: false,
        }
    }

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

    /// Puts what it has not got into its outbox. None when nothing was put; else whether the outbox is to be listed.
    fn catch_up(&mut self, pending: &VecDeque<Pending>, sequence: u64) -> Option<bool> {
        let missing = usize::try_from(sequence - self.got).unwrap_or(usize::MAX);
        self.got = sequence;
        let mut put = None;
        for pending in pending.range(pending.len().saturating_sub(missing)..) {
            let wanted = match pending.for_watchers {
                true => self.watches,
                false => pending.publication.is_schema() || self.due(pending.at),
            };
            if !wanted {
                continue;
            }
            let frame = pending.publication.frame(self.encoding, self.numbered);
            match self.outbox.fill(&self.subscription, frame) {
                Filled::Over => {
                    self.over = true;
                    return put;
                }
                Filled::First => put = Some(true),
                Filled::More => put = put.or(Some(false)),
            }
        }
        put
    }
}

impl Fanout {
    /// One more, who gets what comes from now on.
    pub fn add(&mut self, mut subscriber: Subscriber) {
        subscriber.got = self.sequence;
        self.watchers += usize::from(subscriber.watches);
        self.subscribers.push(subscriber);
    }

    /// One less. Not searched for each time: twenty thousand who leave together would cost the square.
    pub fn leave(&mut self) {
        self.left += 1;
        self.sweep_if_many();
    }

    /// All of them, each with what is on its way to it in its outbox.
    pub fn take(&mut self) -> Vec<Subscriber> {
        self.distribute();
        self.watchers = 0;
        std::mem::take(&mut self.subscribers)
    }

    /// Who is subscribed.
    pub fn present(&self) -> Vec<Arc<Client>> {
        let standing = self.subscribers.iter().filter(|subscriber| subscriber.stands());
        standing
            .map(|subscriber| subscriber.outbox.client.clone())
            .collect()
    }

    pub fn is_watched(&self) -> bool {
        self.watchers > 0
    }

    pub fn has_subscribers(&self) -> bool {
        self.subscribers.iter().any(Subscriber::stands)
    }

    /// Takes down something for everybody.
    pub fn publish(&mut self, publication: Arc<Publication>, at: Instant) {
        self.pend(publication, at, false);
    }

    /// Takes down who came or went, for those who asked.
    pub fn tell(&mut self, publication: Arc<Publication>) {
        self.pend(publication, Instant::now(), true);
    }

    fn pend(&mut self, publication: Arc<Publication>, at: Instant, for_watchers: bool) {
        if self.subscribers.is_empty() {
            return;
        }
        if self.pending.len() >= MAX_PENDING {
            self.distribute();
        }
        self.sequence += 1;
        self.pending.push_back(Pending {
            publication,
            at,
            for_watchers,
        });
    }

    /// Puts all that is pending into the outboxes.
    fn distribute(&mut self) {
        self.visit(0..usize::MAX, |outbox, first| {
            if first {
                outbox.list();
            }
        });
        self.pending.clear();
    }

    /// Whether the flusher must be told that something is pending. Once until the next round.
    pub fn asks_to_be_listed(&mut self) -> bool {
        !self.pending.is_empty() && !std::mem::replace(&mut self.listed, true)
    }

    /// Begins a round. There is one at a time.
    pub fn begin(&mut self) -> Round {
        (self.listed, self.walking) = (false, true);
        Round {
            subscribers: self.subscribers.len(),
            until: self.sequence,
        }
    }

    /// Visits some subscribers; `reached` is told of each outbox that got something, and whether it is to be listed.
    pub fn visit(&mut self, places: Range<usize>, mut reached: impl FnMut(&Arc<Outbox>, bool)) {
        let end = places.end.min(self.subscribers.len());
        let start = places.start.min(end);
        for subscriber in &mut self.subscribers[start..end] {
            if let Some(first) = subscriber.catch_up(&self.pending, self.sequence) {
                reached(&subscriber.outbox, first);
            }
            self.over += usize::from(subscriber.over);
        }
    }

    /// Ends a round that visited everybody.
    pub fn end(&mut self, round: Round) {
        self.walking = false;
        let newer = usize::try_from(self.sequence - round.until).unwrap_or(usize::MAX);
        self.pending.drain(..self.pending.len().saturating_sub(newer));
        if std::mem::take(&mut self.over) > 0 {
            self.left = 0;
            self.keep(|subscriber| !subscriber.over);
        }
        self.sweep_if_many();
    }

    /// Takes out those who have ended, when they are many.
    fn sweep_if_many(&mut self) {
        if !self.walking && self.left > 0 && self.left * 2 >= self.subscribers.len() {
            self.left = 0;
            self.keep(Subscriber::stands);
        }
    }

    fn keep(&mut self, stays: impl Fn(&Subscriber) -> bool) {
        self.subscribers.retain(stays);
        let watchers = self.subscribers.iter().filter(|subscriber| subscriber.watches);
        self.watchers = watchers.count();
    }
}

#[cfg(test)]
#[path = "fanout_tests.rs"]
mod tests;
