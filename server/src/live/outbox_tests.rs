use super::*;
use crate::live::publication::ChannelKey;
use futures::FutureExt;
use std::io;

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
    assert!(outbox.next().is_some());
    subscription
}

fn outbox(limit: usize) -> (Arc<Outbox>, Arc<Client>) {
    let client = Client::for_tests(Encoding::Json);
    let flusher = Flusher::new(Duration::ZERO, usize::MAX);
    (Outbox::new(client.clone(), limit, flusher, None), client)
}

fn text(outbox: &Outbox) -> String {
    outbox
        .next()
        .map_or(String::new(), |bytes| String::from_utf8(bytes.to_vec()).unwrap())
}

#[test]
fn control_overtakes_publications_and_all_leaves_in_one_message() {
    let (outbox, _) = outbox(1024);
    let metrics = opened(&outbox, 1, Class::Metrics);
    assert_ne!(outbox.fill(&metrics, Bytes::from_static(b"one")), Filled::Over);
    assert_ne!(outbox.fill(&metrics, Bytes::from_static(b"two")), Filled::Over);
    outbox.control(&Reply::default());
    assert_eq!(text(&outbox), "{}\none\ntwo");
}

#[test]
fn publications_wait_for_the_reply_of_their_subscription() {
    let (outbox, _) = outbox(1024);
    let early = subscription(1, Class::Metrics);
    let other = opened(&outbox, 2, Class::Metrics);
    outbox.fill(&early, Bytes::from_static(b"early"));
    outbox.fill(&other, Bytes::from_static(b"other"));
    assert_eq!(text(&outbox), "other");
    outbox.open(std::slice::from_ref(&early), &Reply::default());
    assert_eq!(text(&outbox), "{}\nearly");
}

#[test]
fn a_slow_reader_of_metrics_is_asked_to_subscribe_again_and_is_not_disconnected() {
    let (outbox, client) = outbox(10);
    let (one, two) = (
        opened(&outbox, 1, Class::Metrics),
        opened(&outbox, 2, Class::Table),
    );
    assert_ne!(outbox.fill(&one, Bytes::from_static(b"12345678")), Filled::Over);
    assert_eq!(outbox.fill(&two, Bytes::from_static(b"12345678")), Filled::Over);
    assert_eq!(
        outbox.fill(&one, Bytes::from_static(b"1")),
        Filled::Over,
        "it is over"
    );
    let waiting = text(&outbox);
    assert_eq!(waiting.matches("2500").count(), 2, "{waiting}");
    assert!(!waiting.contains("12345678"), "{waiting}");
    assert!(client.kill.reason().is_none());
}

#[test]
fn a_stream_displaces_metrics_and_only_then_disconnects() {
    let (outbox, client) = outbox(10);
    let metrics = opened(&outbox, 1, Class::Metrics);
    let run = opened(&outbox, 2, Class::Stream);
    outbox.fill(&metrics, Bytes::from_static(b"12345678"));
    assert_ne!(outbox.fill(&run, Bytes::from_static(b"abcdefgh")), Filled::Over);
    assert!(client.kill.reason().is_none());
    assert_eq!(outbox.fill(&run, Bytes::from_static(b"ijklmnop")), Filled::Over);
    assert_eq!(client.kill.reason(), Some(Disconnect::SLOW));
}

#[test]
fn only_the_latest_of_a_cache_channel_waits() {
    let (outbox, _) = outbox(1024);
    let cache = opened(&outbox, 1, Class::Cache);
    outbox.fill(&cache, Bytes::from_static(b"old"));
    outbox.fill(&cache, Bytes::from_static(b"new"));
    assert_eq!(text(&outbox), "new");
}

#[test]
fn a_publication_larger_than_the_bound_passes_alone() {
    let (outbox, _) = outbox(4);
    let table = opened(&outbox, 1, Class::Table);
    assert_ne!(
        outbox.fill(&table, Bytes::from_static(b"0123456789")),
        Filled::Over
    );
    assert_eq!(text(&outbox), "0123456789");
}

#[test]
fn an_overflow_before_the_reply_is_told_after_it() {
    let (outbox, _) = outbox(4);
    let early = subscription(1, Class::Metrics);
    outbox.fill(&early, Bytes::from_static(b"123"));
    assert_eq!(outbox.fill(&early, Bytes::from_static(b"456")), Filled::Over);
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
    outbox.fill(&metrics, Bytes::from_static(b"late"));
    outbox.forget(&metrics);
    assert!(outbox.next().is_none());
    assert_eq!(lock(&outbox.queue).frame_bytes, 0);
}

/// A carrier that takes `room` messages at once.
#[derive(Debug, Default)]
struct Room {
    room: std::sync::atomic::AtomicUsize,
    taken: Mutex<Vec<Vec<u8>>>,
}

impl Express for Room {
    fn send(&self, pieces: &[Framed]) -> io::Result<bool> {
        lock(&self.taken).push(joined(pieces).to_vec());
        let room = self.room.load(Ordering::Relaxed);
        self.room.store(room.saturating_sub(1), Ordering::Relaxed);
        Ok(room > 0)
    }
    fn set_limit(&self, _: usize) {}
}

fn flush(outbox: &Outbox) {
    outbox.flush(&mut Message::default(), &mut Tally::now());
}

#[test]
fn the_flusher_writes_what_waits_as_one_message_of_pieces() {
    let room = Arc::new(Room::default());
    room.room.store(9, Ordering::Relaxed);
    let flusher = Flusher::new(Duration::ZERO, usize::MAX);
    let outbox = Outbox::new(
        Client::for_tests(Encoding::Json),
        1024,
        flusher,
        Some(room.clone()),
    );
    let metrics = opened(&outbox, 1, Class::Metrics);
    outbox.fill(&metrics, Bytes::from_static(b"one"));
    outbox.fill(&metrics, Bytes::from_static(b"two"));
    flush(&outbox);
    flush(&outbox);
    assert_eq!(*lock(&room.taken), [b"one\ntwo".to_vec()]);
    assert_eq!(outbox.counts().frames_out, 3);
}

#[test]
fn a_slow_socket_is_handed_to_its_session_and_order_is_kept() {
    let room = Arc::new(Room::default());
    let flusher = Flusher::new(Duration::ZERO, usize::MAX);
    let outbox = Outbox::new(
        Client::for_tests(Encoding::Json),
        1024,
        flusher,
        Some(room.clone()),
    );
    let metrics = opened(&outbox, 1, Class::Metrics);
    outbox.fill(&metrics, Bytes::from_static(b"first"));
    flush(&outbox);
    outbox.fill(&metrics, Bytes::from_static(b"second"));
    flush(&outbox);
    assert_eq!(
        lock(&room.taken).len(),
        1,
        "it is the session that waits for the first"
    );
    assert!(outbox.turn().now_or_never().is_some());
    outbox.fill(&metrics, Bytes::from_static(b"third"));
    flush(&outbox);
    assert_eq!(lock(&room.taken).len(), 1, "the session has the turn");
    assert_eq!(text(&outbox), "second\nthird");
    assert!(outbox.next().is_none());
    room.room.store(1, Ordering::Relaxed);
    outbox.fill(&metrics, Bytes::from_static(b"fourth"));
    flush(&outbox);
    assert_eq!(lock(&room.taken)[1], b"fourth");
}
