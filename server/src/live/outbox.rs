//! What waits to be written to one connection.
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

use super::{lock, publication::ChannelKey};
use bytes::Bytes;
use farol_model::{
    channel::Class,
    wire::{
        Encoding, Push, Reply, Unsubscribe, codec,
        codes::{Disconnect, unsubscribe},
    },
};
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Ends a connection from anywhere; the first reason stands.
#[derive(Debug, Default)]
pub struct Kill {
    reason: OnceLock<Disconnect>,
    ended: CancellationToken,
}

impl Kill {
    pub fn end(&self, reason: Disconnect) {
        let _ = self.reason.set(reason);
        self.ended.cancel();
    }

    /// Waits for the end.
    pub async fn ended(&self) -> Disconnect {
        self.ended.cancelled().await;
        self.reason
            .get()
            .copied()
            .unwrap_or(Disconnect::CONNECTION_CLOSED)
    }
}

/// One subscription of one connection.
#[derive(Debug)]
pub struct Subscription {
    pub channel: Arc<ChannelKey>,
    pub class: Class,
    /// False once it has ended, by whichever side.
    live: AtomicBool,
    /// False until its reply is queued. Publications wait for that.
    open: AtomicBool,
}

impl Subscription {
    pub fn new(channel: Arc<ChannelKey>, class: Class) -> Arc<Self> {
        Arc::new(Subscription {
            channel,
            class,
            live: AtomicBool::new(true),
            open: AtomicBool::new(false),
        })
    }

    pub fn is_live(&self) -> bool {
        self.live.load(Ordering::Acquire)
    }

    fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }
}

/// See the module.
#[derive(Debug)]
pub struct Outbox {
    encoding: Encoding,
    /// Bound of waiting publications and of waiting control frames, bytes each.
    limit: usize,
    /// A std mutex: held for a few pushes, never over an await.
    queue: Mutex<Queue>,
    /// Something can be taken.
    filled: Notify,
    /// Something was taken.
    drained: Notify,
    kill: Arc<Kill>,
}

#[derive(Debug, Default)]
struct Queue {
    control: VecDeque<Bytes>,
    control_bytes: usize,
    frames: VecDeque<Frame>,
    frame_bytes: usize,
}

#[derive(Debug)]
struct Frame {
    bytes: Bytes,
    subscription: Arc<Subscription>,
}

impl Outbox {
    pub fn new(encoding: Encoding, limit: usize, kill: Arc<Kill>) -> Arc<Self> {
        Arc::new(Outbox {
            encoding,
            limit,
            queue: Mutex::default(),
            filled: Notify::new(),
            drained: Notify::new(),
            kill,
        })
    }

    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Queues a reply or push ahead of all publications.
    pub fn control(&self, reply: &Reply) {
        lock(&self.queue).push_control(codec::encode_reply(self.encoding, reply));
        self.filled.notify_one();
    }

    /// Queues the reply that carries the results of these subscriptions, and lets their publications go.
    pub fn open(&self, subscriptions: &[Arc<Subscription>], reply: &Reply) {
        let frame = codec::encode_reply(self.encoding, reply);
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

    /// Queues a publication. False when the subscription is over.
    pub fn publish(&self, subscription: &Arc<Subscription>, bytes: Bytes) -> bool {
        let mut queue = lock(&self.queue);
        if !subscription.is_live() {
            return false;
        }
        // Only the latest counts.
        if subscription.class == Class::Cache {
            queue.remove_frames_of(subscription);
        }
        if queue.overflows(bytes.len(), self.limit) {
            self.shed(&mut queue);
            if sheddable(subscription.class) {
                self.lose(&mut queue, subscription);
                drop(queue);
                self.filled.notify_one();
                return false;
            }
            if queue.overflows(bytes.len(), self.limit) {
                self.kill.end(Disconnect::SLOW);
                return false;
            }
        }
        queue.frame_bytes += bytes.len();
        queue.frames.push_back(Frame {
            bytes,
            subscription: subscription.clone(),
        });
        drop(queue);
        self.filled.notify_one();
        true
    }

    /// Ends a subscription at the client's wish, or because the connection is over. What still waits for it is dropped.
    pub fn forget(&self, subscription: &Arc<Subscription>) {
        let mut queue = lock(&self.queue);
        subscription.live.store(false, Ordering::Release);
        queue.remove_frames_of(subscription);
    }

    /// Ends a subscription at the server's wish. What waits for it still goes out, then the push.
    pub fn dismiss(&self, subscription: &Arc<Subscription>, code: u32) {
        let mut queue = lock(&self.queue);
        if subscription.live.swap(false, Ordering::AcqRel) {
            let bytes = self.unsubscribe_frame(subscription, code);
            queue.frame_bytes += bytes.len();
            queue.frames.push_back(Frame {
                bytes,
                subscription: subscription.clone(),
            });
        }
        drop(queue);
        self.filled.notify_one();
    }

    /// Waits until something can be taken.
    pub async fn ready(&self) {
        while !lock(&self.queue).has_work() {
            self.filled.notified().await;
        }
    }

    /// Waits until a control frame waits.
    pub async fn urgent(&self) {
        while lock(&self.queue).control.is_empty() {
            self.filled.notified().await;
        }
    }

    /// Waits until fewer bytes of control frames wait than the bound.
    pub async fn room(&self) {
        while lock(&self.queue).control_bytes > self.limit {
            self.drained.notified().await;
        }
    }

    /// The next carrier message: what waits, joined, up to about `chunk_bytes`.
    pub fn take(&self, chunk_bytes: usize) -> Option<Bytes> {
        let frames = {
            let mut queue = lock(&self.queue);
            metrics::histogram!("farol_live_queue_bytes")
                .record((queue.control_bytes + queue.frame_bytes) as f64);
            queue.take(chunk_bytes)
        };
        self.drained.notify_one();
        if frames.is_empty() {
            return None;
        }
        metrics::counter!("farol_live_frames_sent_total").increment(frames.len() as u64);
        Some(codec::join(self.encoding, &frames))
    }

    /// The control frames that wait, for a goodbye that leaves publications behind.
    pub fn take_control(&self) -> Vec<Bytes> {
        let mut queue = lock(&self.queue);
        queue.control_bytes = 0;
        queue.control.drain(..).collect()
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
        codec::encode_reply(self.encoding, &reply)
    }
}

/// Whether a subscriber can start afresh after a loss.
fn sheddable(class: Class) -> bool {
    class != Class::Stream
}

impl Queue {
    fn push_control(&mut self, bytes: Bytes) {
        self.control_bytes += bytes.len();
        self.control.push_back(bytes);
    }

    fn overflows(&self, more: usize, limit: usize) -> bool {
        !self.frames.is_empty() && self.frame_bytes + more > limit
    }

    fn has_work(&self) -> bool {
        !self.control.is_empty() || self.frames.iter().any(|frame| frame.subscription.is_open())
    }

    fn remove_frames_of(&mut self, subscription: &Arc<Subscription>) {
        let mut removed = 0;
        self.frames.retain(|frame| {
            let stays = !Arc::ptr_eq(&frame.subscription, subscription);
            if !stays {
                removed += frame.bytes.len();
            }
            stays
        });
        self.frame_bytes -= removed;
    }

    fn take(&mut self, chunk_bytes: usize) -> Vec<Bytes> {
        let mut taken = Vec::new();
        let mut size = 0;
        while size < chunk_bytes
            && let Some(bytes) = self.control.pop_front()
        {
            size += bytes.len();
            self.control_bytes -= bytes.len();
            taken.push(bytes);
        }
        // Frames of a subscription without a reply stay where they are.
        let mut waiting = VecDeque::new();
        while size < chunk_bytes
            && let Some(frame) = self.frames.pop_front()
        {
            if !frame.subscription.is_open() {
                waiting.push_back(frame);
                continue;
            }
            size += frame.bytes.len();
            self.frame_bytes -= frame.bytes.len();
            taken.push(frame.bytes);
        }
        while let Some(frame) = waiting.pop_back() {
            self.frames.push_front(frame);
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subscription(id: i64, class: Class) -> Arc<Subscription> {
        let key = ChannelKey {
            name: format!("c/{id}"),
            id,
        };
        Subscription::new(Arc::new(key), class)
    }

    fn opened(outbox: &Outbox, id: i64, class: Class) -> Arc<Subscription> {
        let subscription = subscription(id, class);
        outbox.open(std::slice::from_ref(&subscription), &Reply::default());
        assert!(outbox.take(usize::MAX).is_some());
        subscription
    }

    fn outbox(limit: usize) -> (Arc<Outbox>, Arc<Kill>) {
        let kill = Arc::new(Kill::default());
        (Outbox::new(Encoding::Json, limit, kill.clone()), kill)
    }

    fn text(outbox: &Outbox) -> String {
        outbox
            .take(usize::MAX)
            .map_or(String::new(), |bytes| String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[test]
    fn control_overtakes_publications_and_all_leaves_in_one_message() {
        let (outbox, _) = outbox(1024);
        let metrics = opened(&outbox, 1, Class::Metrics);
        assert!(outbox.publish(&metrics, Bytes::from_static(b"one")));
        assert!(outbox.publish(&metrics, Bytes::from_static(b"two")));
        outbox.control(&Reply::default());
        assert_eq!(text(&outbox), "{}\none\ntwo");
    }

    #[test]
    fn publications_wait_for_the_reply_of_their_subscription() {
        let (outbox, _) = outbox(1024);
        let early = subscription(1, Class::Metrics);
        let other = opened(&outbox, 2, Class::Metrics);
        outbox.publish(&early, Bytes::from_static(b"early"));
        outbox.publish(&other, Bytes::from_static(b"other"));
        assert_eq!(text(&outbox), "other");
        outbox.open(std::slice::from_ref(&early), &Reply::default());
        assert_eq!(text(&outbox), "{}\nearly");
    }

    #[test]
    fn a_slow_reader_of_metrics_is_asked_to_subscribe_again_and_is_not_disconnected() {
        let (outbox, kill) = outbox(10);
        let (one, two) = (
            opened(&outbox, 1, Class::Metrics),
            opened(&outbox, 2, Class::Table),
        );
        assert!(outbox.publish(&one, Bytes::from_static(b"12345678")));
        assert!(!outbox.publish(&two, Bytes::from_static(b"12345678")));
        assert!(!outbox.publish(&one, Bytes::from_static(b"1")), "it is over");
        let waiting = text(&outbox);
        assert_eq!(waiting.matches("2500").count(), 2, "{waiting}");
        assert!(!waiting.contains("12345678"), "{waiting}");
        assert!(!kill.ended.is_cancelled());
    }

    #[test]
    fn a_stream_displaces_metrics_and_only_then_disconnects() {
        let (outbox, kill) = outbox(10);
        let metrics = opened(&outbox, 1, Class::Metrics);
        let run = opened(&outbox, 2, Class::Stream);
        outbox.publish(&metrics, Bytes::from_static(b"12345678"));
        assert!(outbox.publish(&run, Bytes::from_static(b"abcdefgh")));
        assert!(!kill.ended.is_cancelled());
        assert!(!outbox.publish(&run, Bytes::from_static(b"ijklmnop")));
        assert_eq!(kill.reason.get(), Some(&Disconnect::SLOW));
    }

    #[test]
    fn only_the_latest_of_a_cache_channel_waits() {
        let (outbox, _) = outbox(1024);
        let cache = opened(&outbox, 1, Class::Cache);
        outbox.publish(&cache, Bytes::from_static(b"old"));
        outbox.publish(&cache, Bytes::from_static(b"new"));
        assert_eq!(text(&outbox), "new");
    }

    #[test]
    fn a_publication_larger_than_the_bound_passes_alone() {
        let (outbox, _) = outbox(4);
        let table = opened(&outbox, 1, Class::Table);
        assert!(outbox.publish(&table, Bytes::from_static(b"0123456789")));
        assert_eq!(text(&outbox), "0123456789");
    }

    #[test]
    fn an_overflow_before_the_reply_is_told_after_it() {
        let (outbox, _) = outbox(4);
        let early = subscription(1, Class::Metrics);
        outbox.publish(&early, Bytes::from_static(b"123"));
        assert!(!outbox.publish(&early, Bytes::from_static(b"456")));
        assert_eq!(text(&outbox), "");
        outbox.open(std::slice::from_ref(&early), &Reply::default());
        let waiting = text(&outbox);
        assert!(
            waiting.starts_with("{}\n") && waiting.contains("2500"),
            "{waiting}"
        );
    }

    #[test]
    fn what_waits_for_an_ended_subscription_is_dropped() {
        let (outbox, _) = outbox(1024);
        let metrics = opened(&outbox, 1, Class::Metrics);
        outbox.publish(&metrics, Bytes::from_static(b"late"));
        outbox.forget(&metrics);
        assert!(outbox.take(usize::MAX).is_none());
        assert_eq!(lock(&outbox.queue).frame_bytes, 0);
    }
}
