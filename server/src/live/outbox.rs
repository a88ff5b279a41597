//! What waits to be written to one connection, and who writes it.
//!
//! Control frames (replies, pings, unsubscribes) go first and in order; publications follow in order. Publications are
//! bounded by `queue_bytes`; a single publication larger than the bound passes when nothing else waits. Above the bound:
//!
//! - Queued publications of metrics, table and cache channels are dropped and each of these subscriptions ends with an
//!   unsubscribe push of code 2500, so that the client subscribes again with its last position. Why not just keep the
//!   newest frame: the client could not tell a dropped frame from one that never was, and would draw a gap that the
//!   server does not have. This way it recovers the missed frames, or is told that it cannot and gets a snapshot, at the
//!   pace of its own reading.
//! - A stream channel that still does not fit ends the connection with 3008: nothing in it may be lost unseen.
//!
//! Control frames are bounded by their cause: the session reads no further command while more than `queue_bytes` of them
//! wait ([`Outbox::room`]). The hub never waits here.
//!
//! Two may write: the [`Flusher`], which brings publications to carriers that take them at once, and the connection's
//! own session, which writes replies and waits for slow sockets. Who has the turn writes until nothing waits; the other
//! finds nothing left. What is taken is written before the turn ends, so order is kept without a lock over a write.

use super::{
    client::Client,
    flusher::{Express, Flusher, Tally},
    framed::Framed,
    lock,
    subscription::Subscription,
    traffic::{Counts, Traffic},
};
use crate::time::now_ms;
use bytes::Bytes;
use farol_model::{
    channel::Class,
    connection::Flow,
    wire::{
        Encoding, Push, Reply, Unsubscribe, codec,
        codes::{Disconnect, unsubscribe},
    },
};
use std::{
    collections::VecDeque,
    sync::{Arc, LazyLock, Mutex, atomic::Ordering},
    time::Duration,
};
use tokio::sync::Notify;

/// Between the frames of a JSON message.
static NEWLINE: LazyLock<Framed> = LazyLock::new(|| Bytes::from_static(b"\n").into());

/// See the module.
#[derive(Debug)]
pub struct Outbox {
    /// Whose it is.
    pub client: Arc<Client>,
    /// The client's, here because it is asked for at every publication.
    encoding: Encoding,
    /// Bound of waiting publications and of waiting control frames, bytes each.
    limit: usize,
    /// A std mutex: held for a few pushes, never over an await or a write.
    queue: Mutex<Queue>,
    /// The session may have to write.
    filled: Notify,
    /// Something was taken.
    drained: Notify,
    flusher: Arc<Flusher>,
    /// The carrier, when it can be written to without waiting.
    express: Option<Arc<dyn Express>>,
}

#[derive(Debug, Default)]
struct Queue {
    control: VecDeque<Framed>,
    control_bytes: usize,
    frames: VecDeque<Frame>,
    frame_bytes: usize,
    /// Some of the frames may be of subscriptions without a reply. While not, nobody looks at subscriptions.
    early: bool,
    /// The flusher has it on its list.
    listed: bool,
    /// Publications have waited long enough, and the carrier cannot be written to by the flusher.
    due: bool,
    /// The carrier holds a message that the session must wait for.
    held: bool,
    /// Somebody writes.
    taken: bool,
    traffic: Traffic,
}

#[derive(Debug)]
struct Frame {
    framed: Framed,
    subscription: Arc<Subscription>,
}

/// What became of a publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filled {
    /// The subscription has ended.
    Over,
    /// It waits, and is the first since the last flush.
    First,
    /// It waits behind others.
    More,
}

impl Outbox {
    pub fn new(
        client: Arc<Client>,
        limit: usize,
        flusher: Arc<Flusher>,
        express: Option<Arc<dyn Express>>,
    ) -> Arc<Self> {
        let outbox = Arc::new(Outbox {
            encoding: client.encoding,
            client,
            limit,
            queue: Mutex::default(),
            filled: Notify::new(),
            drained: Notify::new(),
            flusher,
            express,
        });
        outbox.client.set_outbox(&outbox);
        outbox
    }

    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Queues a reply or push ahead of all publications.
    pub fn control(&self, reply: &Reply) {
        lock(&self.queue).push_control(codec::encode_reply(self.encoding(), reply));
        self.filled.notify_one();
    }

    /// Queues the reply that carries the results of these subscriptions, and lets their publications go.
    pub fn open(&self, subscriptions: &[Arc<Subscription>], reply: &Reply) {
        let frame = codec::encode_reply(self.encoding(), reply);
        let mut queue = lock(&self.queue);
        queue.push_control(frame);
        for subscription in subscriptions {
            subscription.open.store(true, Ordering::Release);
            // It overflowed before its reply was ready.
            if !subscription.is_live() {
                queue.push_control(self.unsubscribe_frame(subscription, unsubscribe::INSUFFICIENT_STATE));
            }
        }
        drop(queue);
        self.filled.notify_one();
    }

    /// Queues a publication. The outbox must be listed after the first ([`Outbox::list`]).
    pub fn fill(&self, subscription: &Arc<Subscription>, framed: impl Into<Framed>) -> Filled {
        let framed = framed.into();
        let size = framed.len();
        let mut queue = lock(&self.queue);
        if !subscription.is_live() {
            return Filled::Over;
        }
        // Only the latest counts.
        if subscription.class == Class::Cache {
            queue.remove_frames_of(subscription);
        }
        if queue.overflows(size, self.limit) {
            self.shed(&mut queue);
            if sheddable(subscription.class) {
                self.lose(&mut queue, subscription);
                drop(queue);
                self.filled.notify_one();
                return Filled::Over;
            }
            if queue.overflows(size, self.limit) {
                self.client.kill.end(Disconnect::SLOW);
                return Filled::Over;
            }
        }
        queue.frame_bytes += size;
        queue.early |= !subscription.is_open();
        queue.frames.push_back(Frame {
            framed,
            subscription: subscription.clone(),
        });
        match std::mem::replace(&mut queue.listed, true) {
            true => Filled::More,
            false => Filled::First,
        }
    }

    /// Lists it with the flusher.
    pub(super) fn list(self: &Arc<Self>) {
        self.flusher.list_outbox(self.clone());
    }

    /// Ends a subscription at the client's wish, or because the connection is over. What still waits for it is dropped.
    pub fn forget(&self, subscription: &Arc<Subscription>) {
        let mut queue = lock(&self.queue);
        subscription.live.store(false, Ordering::Release);
        queue.remove_frames_of(subscription);
    }

    /// Ends a subscription at the server's wish. What waits for it still goes out, then the push.
    pub fn dismiss(self: &Arc<Self>, subscription: &Arc<Subscription>, code: u32) {
        let mut queue = lock(&self.queue);
        if subscription.live.swap(false, Ordering::AcqRel) {
            let bytes = self.unsubscribe_frame(subscription, code);
            queue.frame_bytes += bytes.len();
            queue.frames.push_back(Frame {
                framed: bytes.into(),
                subscription: subscription.clone(),
            });
        }
        let listed = std::mem::replace(&mut queue.listed, true);
        drop(queue);
        if !listed {
            self.list();
        }
    }

    /// Takes what waits to the carrier, or tells the session to. Called by the flusher. `message` is scratch.
    pub(super) fn flush(&self, message: &mut Message, tally: &mut Tally) {
        let mut queue = lock(&self.queue);
        // It was flushed already in this round.
        if !std::mem::replace(&mut queue.listed, false) {
            return;
        }
        let Some(express) = &self.express else {
            queue.due = true;
            drop(queue);
            self.filled.notify_one();
            return;
        };
        // The session writes and will find what waits, or the socket is slow and the session waits for it.
        if queue.taken || queue.held {
            return;
        }
        queue.taken = true;
        drop(queue);
        while self.take(message, tally) {
            match express.send(message.pieces()) {
                Ok(true) => {}
                Ok(false) => {
                    let mut queue = lock(&self.queue);
                    queue.traffic.sent(tally.t_ms, &mut message.frames);
                    (queue.taken, queue.held) = (false, true);
                    drop(queue);
                    self.filled.notify_one();
                    return;
                }
                Err(error) => {
                    tracing::debug!(%error, "a connection could not be written to");
                    message.frames.clear();
                    self.client.kill.end(Disconnect::WRITE_ERROR);
                    return;
                }
            }
        }
    }

    /// Waits until there is something that the session has to write, and gives it the turn.
    pub async fn turn(&self) {
        loop {
            {
                let mut queue = lock(&self.queue);
                if !queue.taken && queue.needs_session() {
                    (queue.taken, queue.held) = (true, false);
                    return;
                }
            }
            self.filled.notified().await;
        }
    }

    /// The next message of the session's turn: what waits, joined, up to about the size of a chunk. With None the turn
    /// ends.
    pub fn next(&self) -> Option<Bytes> {
        let (mut message, mut tally) = (Message::default(), Tally::now());
        let taken = self.take(&mut message, &mut tally);
        self.flusher.count(&tally);
        if !taken {
            return None;
        }
        let joined = match message.pieces() {
            [only] => Bytes::clone(only),
            pieces => joined(pieces),
        };
        lock(&self.queue).traffic.sent(tally.t_ms, &mut message.frames);
        Some(joined)
    }

    /// Waits until fewer bytes of control frames wait than the bound.
    pub async fn room(&self) {
        while lock(&self.queue).control_bytes > self.limit {
            self.drained.notified().await;
        }
    }

    /// From now on inbound messages may have this many bytes, where the carrier bounds them.
    pub fn set_inbound_limit(&self, bytes: usize) {
        if let Some(express) = &self.express {
            express.set_limit(bytes);
        }
    }

    /// Bytes that wait.
    pub fn waiting_bytes(&self) -> usize {
        let queue = lock(&self.queue);
        queue.control_bytes + queue.frame_bytes
    }

    /// Takes the rates since the last look, and says how many bytes wait.
    pub(super) fn look(&self, ago: Duration) -> usize {
        let mut queue = lock(&self.queue);
        queue.traffic.look(ago);
        queue.control_bytes + queue.frame_bytes
    }

    /// What came in, and what went out.
    pub fn flows(&self) -> (Flow, Flow) {
        lock(&self.queue).traffic.flows()
    }

    /// What has passed so far, with the last frames.
    pub fn traffic(&self) -> Traffic {
        lock(&self.queue).traffic.clone()
    }

    /// What has passed so far.
    pub fn counts(&self) -> Counts {
        lock(&self.queue).traffic.counts
    }

    /// Counts an inbound message; `round_trip` when it is the answer to a ping.
    pub fn received(&self, message: &Bytes, round_trip: Option<Duration>) {
        let mut queue = lock(&self.queue);
        queue.traffic.received(now_ms(), message);
        let counts = &mut queue.traffic.counts;
        counts.round_trip = round_trip.or(counts.round_trip);
    }

    /// Takes down what the client's clock showed when it sent what has just come in: half a round trip ago.
    pub fn clock(&self, clock_ms: i64) {
        let mut queue = lock(&self.queue);
        let counts = &mut queue.traffic.counts;
        let way = counts.round_trip.unwrap_or_default() / 2;
        let way_ms = i64::try_from(way.as_millis()).unwrap_or_default();
        counts.clock_ahead_ms = Some(clock_ms.saturating_sub(now_ms() - way_ms));
    }

    /// Takes one message of whoever has the turn; the one before, which has been written, is remembered. False, and the
    /// end of the turn, when nothing waits.
    fn take(&self, message: &mut Message, tally: &mut Tally) -> bool {
        let mut queue = lock(&self.queue);
        queue.traffic.sent(tally.t_ms, &mut message.frames);
        let had_control = queue.control_bytes > 0;
        let bytes = queue.take(self.flusher.chunk_bytes, &mut message.frames);
        if message.frames.is_empty() {
            (queue.taken, queue.due) = (false, false);
            return false;
        }
        drop(queue);
        if had_control {
            self.drained.notify_one();
        }
        tally.frames += message.frames.len() as u64;
        tally.bytes += bytes as u64;
        message.separate(self.encoding());
        true
    }

    /// The control frames that wait, for a goodbye that leaves publications behind.
    pub fn take_control(&self) -> Vec<Bytes> {
        let mut queue = lock(&self.queue);
        // The flusher is not to write after the goodbye.
        queue.taken = true;
        queue.control_bytes = 0;
        queue
            .control
            .drain(..)
            .map(|framed| Bytes::clone(&framed))
            .collect()
    }

    /// Drops the publications of all channels that can start afresh.
    fn shed(&self, queue: &mut Queue) {
        let mut lost: Vec<Arc<Subscription>> = Vec::new();
        for frame in &queue.frames {
            if sheddable(frame.subscription.class) && frame.subscription.is_live() {
                frame.subscription.live.store(false, Ordering::Release);
                lost.push(frame.subscription.clone());
            }
        }
        for subscription in lost {
            self.tell_lost(queue, &subscription);
        }
    }

    fn lose(&self, queue: &mut Queue, subscription: &Arc<Subscription>) {
        if subscription.live.swap(false, Ordering::AcqRel) {
            self.tell_lost(queue, subscription);
        }
    }

    fn tell_lost(&self, queue: &mut Queue, subscription: &Arc<Subscription>) {
        metrics::counter!("farol_live_conflations_total").increment(1);
        queue.traffic.counts.conflations += 1;
        queue.remove_frames_of(subscription);
        // One that has no reply yet is told right after the reply, see `open`.
        if subscription.is_open() {
            queue.push_control(self.unsubscribe_frame(subscription, unsubscribe::INSUFFICIENT_STATE));
        }
    }

    fn unsubscribe_frame(&self, subscription: &Subscription, code: u32) -> Bytes {
        let reason = match code {
            unsubscribe::INSUFFICIENT_STATE => "insufficient state",
            _ => "unsubscribed by the server",
        };
        // Always by name: clients look the subscription up by it, also when pushes are numbered.
        let push = Push {
            channel: subscription.channel.name.clone(),
            unsubscribe: Some(Unsubscribe {
                code,
                reason: reason.to_owned(),
            }),
            ..Default::default()
        };
        let reply = Reply {
            push: Some(push),
            ..Default::default()
        };
        codec::encode_reply(self.encoding(), &reply)
    }
}

/// The pieces as one.
fn joined(pieces: &[Framed]) -> Bytes {
    let mut whole = Vec::with_capacity(pieces.iter().map(|piece| piece.len()).sum());
    for piece in pieces {
        whole.extend_from_slice(piece);
    }
    whole.into()
}

/// Whether a subscriber can start afresh after a loss.
fn sheddable(class: Class) -> bool {
    class != Class::Stream
}

impl Queue {
    fn push_control(&mut self, bytes: Bytes) {
        self.control_bytes += bytes.len();
        self.control.push_back(bytes.into());
    }

    fn overflows(&self, more: usize, limit: usize) -> bool {
        !self.frames.is_empty() && self.frame_bytes + more > limit
    }

    fn needs_session(&self) -> bool {
        let open = |frame: &Frame| frame.subscription.is_open();
        self.held || !self.control.is_empty() || (self.due && self.frames.iter().any(open))
    }

    fn remove_frames_of(&mut self, subscription: &Arc<Subscription>) {
        let mut removed = 0;
        self.frames.retain(|frame| {
            let stays = !Arc::ptr_eq(&frame.subscription, subscription);
            if !stays {
                removed += frame.framed.len();
            }
            stays
        });
        self.frame_bytes -= removed;
    }

    /// Moves about `chunk_bytes` of what may go into `taken` and says how many bytes that is.
    fn take(&mut self, chunk_bytes: usize, taken: &mut Vec<Framed>) -> usize {
        let mut size = 0;
        while size < chunk_bytes
            && let Some(framed) = self.control.pop_front()
        {
            size += framed.len();
            self.control_bytes -= framed.len();
            taken.push(framed);
        }
        // Frames of a subscription without a reply stay where they are.
        let mut waiting = VecDeque::new();
        while size < chunk_bytes
            && let Some(frame) = self.frames.pop_front()
        {
            if self.early && !frame.subscription.is_open() {
                waiting.push_back(frame);
                continue;
            }
            size += frame.framed.len();
            self.frame_bytes -= frame.framed.len();
            taken.push(frame.framed);
        }
        self.early &= !(waiting.is_empty() && self.frames.is_empty());
        while let Some(frame) = waiting.pop_back() {
            self.frames.push_front(frame);
        }
        size
    }
}

/// One carrier message. Its frames are shared with all who receive them; moving them on costs nothing, counting one more
/// owner is felt by all threads that write.
#[derive(Debug, Default)]
pub(super) struct Message {
    frames: Vec<Framed>,
    /// The frames of JSON with newlines between them, when there are several.
    separated: Vec<Framed>,
}

impl Message {
    fn separate(&mut self, encoding: Encoding) {
        self.separated.clear();
        if encoding != Encoding::Json || self.frames.len() < 2 {
            return;
        }
        for (index, frame) in self.frames.iter().enumerate() {
            if index > 0 {
                self.separated.push(NEWLINE.clone());
            }
            self.separated.push(frame.clone());
        }
    }

    /// What is to be written, one after the other.
    fn pieces(&self) -> &[Framed] {
        match self.separated.is_empty() {
            true => &self.frames,
            false => &self.separated,
        }
    }
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
