//! Who takes publications to the sockets: a task for all connections, not one for each.
//!
//! A publication is put into the outbox of every subscriber, and the outbox is listed here once. A little later, when the
//! other channels of the same tick have published too, everything listed is flushed: a carrier that can be written to
//! without waiting ([`Express`]) is written to right here, one `writev(2)` per connection and no task woken; any other
//! carrier's session is told. What that saves is in docs/PERFORMANCE.md.
//!
//! Nothing here waits for a reader. A socket that does not take what it is given is handed to its session, which waits
//! for it under the rules of [`super::limits`].

use super::{
    lock,
    outbox::{Message, Outbox},
};
use crate::time::now_ms;
use bytes::Bytes;
use std::{
    fmt, io,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Outboxes flushed in one go, about ten milliseconds. Above it the work is shared among the threads of the runtime, which
/// then all count the owners of the same frames.
const SHARE: usize = 1024;
/// Outboxes flushed before other tasks of the thread get a turn.
const TURN: usize = 64;

/// A carrier that takes a message without waiting.
pub trait Express: fmt::Debug + Send + Sync {
    /// Takes the pieces, which are one message. False when some of it must be waited for: then nothing more may be given
    /// until the carrier's sink has been flushed.
    fn send(&self, pieces: &[Bytes]) -> io::Result<bool>;
    /// From now on inbound messages may have this many bytes.
    fn set_limit(&self, bytes: usize);
}

/// See the module.
pub struct Flusher {
    /// A std mutex: held for a push.
    listed: Mutex<Vec<Arc<Outbox>>>,
    filled: Notify,
    /// How long publications wait for others of the same tick.
    coalesce: Duration,
    /// Bytes of one message, about.
    pub(super) chunk_bytes: usize,
    pub(super) counters: Counters,
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

    /// Lists an outbox. It sees to it that it is listed once.
    pub(super) fn list(&self, outbox: Arc<Outbox>) {
        let mut listed = lock(&self.listed);
        listed.push(outbox);
        if listed.len() == 1 {
            self.filled.notify_one();
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
            let mut listed = std::mem::take(&mut *lock(&self.listed));
            while listed.len() > SHARE {
                let share = listed.split_off(listed.len() - SHARE);
                tokio::spawn(self.clone().flush(share));
            }
            self.clone().flush(listed).await;
        }
    }

    async fn flush(self: Arc<Self>, outboxes: Vec<Arc<Outbox>>) {
        let mut message = Message::default();
        let mut tally = Tally::now();
        for turn in outboxes.chunks(TURN) {
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

impl fmt::Debug for Flusher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flusher").finish_non_exhaustive()
    }
}
