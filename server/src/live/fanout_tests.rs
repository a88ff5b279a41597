use super::*;
use crate::live::{
    flusher::Flusher,
    publication::{ChannelKey, Payload},
};
use bytes::Bytes;
use farol_model::{channel::Class, wire::Reply};

/// A channel without its lock, and those who listen.
struct Plane {
    fanout: Fanout,
    key: Arc<ChannelKey>,
    flusher: Arc<Flusher>,
}

fn plane() -> Plane {
    let key = ChannelKey {
        name: "runs/1".into(),
        id: 1,
    };
    Plane {
        fanout: Fanout::default(),
        key: Arc::new(key),
        flusher: Flusher::new(Duration::ZERO, usize::MAX),
    }
}

impl Plane {
    fn joins(&mut self, watches: bool) -> (Arc<Outbox>, Arc<Subscription>) {
        let client = Client::for_tests(Encoding::Json);
        let outbox = Outbox::new(client, 1024 * 1024, self.flusher.clone(), None);
        let subscription = Subscription::new(self.key.clone(), Class::Stream);
        outbox.open(std::slice::from_ref(&subscription), &Reply::default());
        outbox.next().unwrap();
        let mut subscriber = Subscriber::new(outbox.clone(), subscription.clone());
        subscriber.watches = watches;
        self.fanout.add(subscriber);
        (outbox, subscription)
    }

    fn says(&mut self, text: &'static str) {
        let publication = self.publication(text);
        self.fanout.publish(publication, Instant::now());
    }

    fn publication(&self, text: &'static str) -> Arc<Publication> {
        let payload = Payload::Json(Bytes::from_static(text.as_bytes()));
        Publication::new(self.key.clone(), 0, payload)
    }

    fn round(&mut self) {
        let round = self.fanout.begin();
        self.fanout.visit(0..round.subscribers, |_, _| {});
        self.fanout.end(round);
    }
}

/// The data of what waits, one after the other.
fn heard(outbox: &Outbox) -> String {
    let mut heard = String::new();
    while let Some(message) = outbox.next() {
        for reply in farol_model::wire::codec::decode_replies(Encoding::Json, &message).unwrap() {
            let publication = reply.push.unwrap().publication.unwrap();
            heard.push_str(std::str::from_utf8(&publication.data).unwrap());
        }
    }
    heard
}

#[test]
fn who_joins_hears_what_comes_after_and_nothing_twice() {
    let mut plane = plane();
    let (early, _) = plane.joins(false);
    plane.says("1");
    let (late, _) = plane.joins(false);
    plane.says("2");
    plane.round();
    assert_eq!((heard(&early).as_str(), heard(&late).as_str()), ("12", "2"));
    plane.round();
    assert_eq!(heard(&early), "");
}

#[test]
fn who_joins_or_leaves_within_a_round_disturbs_nobody() {
    let mut plane = plane();
    let all: Vec<_> = (0..4).map(|_| plane.joins(false)).collect();
    plane.says("1");
    let round = plane.fanout.begin();
    plane.fanout.visit(0..2, |_, _| {});
    // One that was visited goes, one comes, and the source goes on.
    all[0].0.forget(&all[0].1);
    plane.fanout.leave();
    plane.fanout.leave();
    plane.fanout.leave();
    let (newcomer, _) = plane.joins(false);
    plane.says("2");
    assert!(plane.fanout.asks_to_be_listed(), "the next round is asked for");
    plane.fanout.visit(2..round.subscribers, |_, _| {});
    plane.fanout.end(round);
    plane.round();
    let said: Vec<String> = all[1..].iter().map(|(outbox, _)| heard(outbox)).collect();
    assert_eq!(said, ["12"; 3]);
    assert_eq!(heard(&newcomer), "2");
}

#[test]
fn who_has_ended_is_taken_out_by_the_next_round() {
    let mut plane = plane();
    let all: Vec<_> = (0..8).map(|_| plane.joins(true)).collect();
    all[3].0.forget(&all[3].1);
    plane.says("1");
    plane.round();
    assert_eq!(plane.fanout.subscribers.len(), 7);
    assert_eq!(plane.fanout.watchers, 7);
}

#[test]
fn many_who_leave_without_a_publication_are_taken_out_as_well() {
    let mut plane = plane();
    let all: Vec<_> = (0..8).map(|_| plane.joins(false)).collect();
    for (outbox, subscription) in &all[..4] {
        outbox.forget(subscription);
        plane.fanout.leave();
    }
    assert_eq!(plane.fanout.subscribers.len(), 4);
}

#[test]
fn comings_and_goings_are_told_in_order_to_those_who_asked() {
    let mut plane = plane();
    let ((watching, _), (other, _)) = (plane.joins(true), plane.joins(false));
    plane.says("1");
    let came = plane.publication("0");
    plane.fanout.tell(came);
    plane.says("2");
    plane.round();
    assert_eq!((heard(&watching).as_str(), heard(&other).as_str()), ("102", "12"));
}

#[test]
fn what_is_pending_is_bounded_without_a_loss() {
    let mut plane = plane();
    let (outbox, _) = plane.joins(false);
    for _ in 0..MAX_PENDING * 2 + 1 {
        plane.says("1");
    }
    assert!(plane.fanout.pending.len() <= MAX_PENDING);
    plane.round();
    assert_eq!(heard(&outbox).len(), MAX_PENDING * 2 + 1);
    assert!(plane.fanout.pending.is_empty());
}

#[test]
fn without_a_subscriber_nothing_is_kept() {
    let mut plane = plane();
    plane.says("1");
    assert!(!plane.fanout.asks_to_be_listed());
    let (outbox, _) = plane.joins(false);
    plane.says("2");
    let taken = plane.fanout.take();
    assert_eq!(taken.len(), 1);
    assert_eq!(
        heard(&outbox),
        "2",
        "those who are dismissed get what was on its way"
    );
}
