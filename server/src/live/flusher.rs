//! Who takes publications to the sockets: a task for all connections, not one for each.
//!
//! A channel with something on its way is listed here once. A little later, when the other channels of the same tick have
//! published too, a round goes to the subscribers: what is on its way goes into their outboxes, and a carrier that can be
//! written to without waiting ([`Express`]) is written to right then, one `send(2)` per connection and no task woken; any
//! other carrier's session is told. The channel with the most subscribers is brought round last and flushed as it goes, so
//! that each connection is touched once; what the others put elsewhere is flushed after it. What that saves is in
//! docs/PERFORMANCE.md.
//!
//! Nothing here waits for a reader. A socket that does not take what it is given is handed to its session, which waits
//! for it under the rules of [`super::limits`].

use super::{
    channel::Channel,
    framed::Framed,
    lock,
    outbox::{Message, Outbox},
};
use crate::time::now_ms;
use std::{
    fmt, io,
    ops::Range,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Connections flushed in one go, about ten milliseconds. Above it the work is shared among the threads of the runtime, which
/// then all count the owners of the same frames.
const SHARE: usize = 1024;
/// Connections visited in one go and flushed right after, while they are in the processor's cache.
const VISIT: usize = 64;
/// Connections flushed before other tasks of the thread get a turn, about three milliseconds. Not fewer: whoever gives way
/// wakes an idle thread that looks for work, which costs as much as some frames.
const TURN: usize = 512;

/// A carrier that takes a message without waiting.
pub trait Express: fmt::Debug + Send + Sync {
    /// Takes the pieces, which are one message. False when some of it must be waited for: then nothing more may be given
    /// until the carrier's sink has been flushed.
    fn send(&self, pieces: &[Framed]) -> io::Result<bool>;
    /// From now on inbound messages may have this many bytes.
    fn set_limit(&self, bytes: usize);
}

/// See the module.
pub struct Flusher {
    /// A std mutex: held for a push.
    listed: Mutex<Listed>,
    filled: Notify,
    /// How long publications wait for others of the same tick.
    coalesce: Duration,
    /// Bytes of one message, about.
    pub(super) chunk_bytes: usize,
    pub(super) counters: Counters,
}

/// What the next round has to do.
#[derive(Default)]
struct Listed {
    /// Those with something on its way.
    channels: Vec<Arc<Channel>>,
    /// Those with something in them.
    outboxes: Vec<Arc<Outbox>>,
}

/// Handles, because looking them up costs more than counting.
pub(super) struct Counters {
    frames: metrics::Counter,
    bytes: metrics::Counter,
}

/// What was written, to be counted in one go.
#[derive(Debug)]
pub struct Tally {
    /// When, milliseconds since the epoch.
    pub t_ms: i64,
    pub frames: u64,
    pub bytes: u64,
}

impl Tally {
    pub fn now() -> Self {
        Tally {
            t_ms: now_ms(),
            frames: 0,
            bytes: 0,
        }
    }
}

impl Flusher {
    pub fn new(coalesce: Duration, chunk_bytes: usize) -> Arc<Self> {
        Arc::new(Flusher {
            listed: Mutex::default(),
            filled: Notify::new(),
            coalesce,
            chunk_bytes,
            counters: Counters {
                frames: metrics::counter!("farol_live_frames_sent_total"),
                bytes: metrics::counter!("farol_live_bytes_sent_total"),
            },
        })
    }

    /// Lists a channel. It sees to it that it is listed once.
    pub(super) fn list_channel(&self, channel: Arc<Channel>) {
        lock(&self.listed).channels.push(channel);
        self.filled.notify_one();
    }

    /// Lists an outbox. It sees to it that it is listed once.
    pub(super) fn list_outbox(&self, outbox: Arc<Outbox>) {
        lock(&self.listed).outboxes.push(outbox);
        self.filled.notify_one();
    }

    /// Puts what is on its way into the outboxes, and writes nothing.
    #[cfg(test)]
    pub(super) fn put(&self) {
        let channels = std::mem::take(&mut lock(&self.listed).channels);
        for channel in channels {
            let round = channel.begin();
            channel.visit(0..round.subscribers, |_, _| {});
            channel.end(round);
        }
    }

    /// Flushes until `stop`.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = self.filled.notified() => {}
                () = stop.cancelled() => return,
            }
            tokio::time::sleep(self.coalesce).await;
            self.round().await;
        }
    }

    /// Brings round what is listed. The next begins when it is over.
    async fn round(self: &Arc<Self>) {
        let Listed {
            channels,
            mut outboxes,
        } = std::mem::take(&mut *lock(&self.listed));
        let mut rounds: Vec<_> = channels
            .into_iter()
            .map(|channel| (channel.begin(), channel))
            .collect();
        rounds.sort_by_key(|(round, _)| round.subscribers);
        let last = rounds.pop();
        for (round, channel) in rounds {
            for places in spans(round.subscribers, VISIT) {
                channel.visit(places, |outbox, first| {
                    if first {
                        outboxes.push(outbox.clone());
                    }
                });
            }
            tokio::task::yield_now().await;
            channel.end(round);
        }
        if let Some((round, channel)) = last {
            let shares =
                spans(round.subscribers, SHARE).map(|share| self.clone().bring(channel.clone(), share));
            together(shares).await;
            channel.end(round);
        }
        let outboxes = Arc::new(outboxes);
        let shares = spans(outboxes.len(), SHARE).map(|share| self.clone().flush(outboxes.clone(), share));
        together(shares).await;
    }

    /// Brings what a channel has on its way to some of its subscribers.
    async fn bring(self: Arc<Self>, channel: Arc<Channel>, share: Range<usize>) {
        let mut reached = Vec::with_capacity(VISIT);
        let mut message = Message::default();
        let mut tally = Tally::now();
        for visit in spans(share.len(), VISIT) {
            if visit.start > 0 && visit.start % TURN == 0 {
                tokio::task::yield_now().await;
            }
            let places = share.start + visit.start..share.start + visit.end;
            channel.visit(places, |outbox, _| reached.push(outbox.clone()));
            for outbox in reached.drain(..) {
                outbox.flush(&mut message, &mut tally);
            }
        }
        self.count(&tally);
    }

    async fn flush(self: Arc<Self>, outboxes: Arc<Vec<Arc<Outbox>>>, share: Range<usize>) {
        let mut message = Message::default();
        let mut tally = Tally::now();
        for turn in outboxes[share].chunks(TURN) {
            for outbox in turn {
                outbox.flush(&mut message, &mut tally);
            }
            tokio::task::yield_now().await;
        }
        self.count(&tally);
    }

    pub(super) fn count(&self, tally: &Tally) {
        self.counters.frames.increment(tally.frames);
        self.counters.bytes.increment(tally.bytes);
    }
}

/// `0..len` in pieces of at most `size`.
fn spans(len: usize, size: usize) -> impl Iterator<Item = Range<usize>> {
    (0..len)
        .step_by(size)
        .map(move |start| start..len.min(start + size))
}

/// Waits for all of them. The first runs here, the others where there is a thread for them.
async fn together<F: Future<Output = ()> + Send + 'static>(mut shares: impl Iterator<Item = F>) {
    let Some(first) = shares.next() else {
        return;
    };
    let others: Vec<_> = shares.map(tokio::spawn).collect();
    first.await;
    for other in others {
        if let Err(error) = other.await {
            tracing::error!(%error, "a share of a round ended early");
        }
    }
}

impl fmt::Debug for Flusher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flusher").finish_non_exhaustive()
    }
}
