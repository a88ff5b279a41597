//! Where messages of a channel go: decoding and applying, per kind of channel. Metrics and tables are Protobuf on our
//! socket; the rest is JSON.

use super::{
    apply::{Applied, View},
    book::Position,
    handles::{RunFeed, Table, Timeline},
};
use crate::json;
use farol_model::{
    Fault,
    action::{OutputStream, RunEvent},
    fields,
    json::FromJson,
    process::ProcessUpdate,
    wire::{
        ClientInfo, PresenceResult, Publication, SubscribeResult,
        payload::{MetricsPublication, MetricsSnapshot},
    },
};
use leptos::prelude::*;
use prost::Message;
use std::sync::{Arc, PoisonError, RwLock};

/// What arrives on a channel.
pub enum Delivery<'a> {
    /// The subscription stands, with what was missed or the whole.
    Start(&'a SubscribeResult),
    Publication(&'a Publication),
    /// The server will not give this channel.
    Refused(&'a Fault),
    People(Attendance<'a>),
}

/// What the server says of those who are in a channel.
pub enum Attendance<'a> {
    Came(&'a ClientInfo),
    Went(&'a ClientInfo),
    /// Everybody, as of a moment ago.
    All(&'a PresenceResult),
}

/// Takes what arrives on one channel.
pub trait Sink: Send + Sync {
    /// Where to continue; None asks for the whole.
    fn position(&self) -> Option<Position>;
    fn deliver(&self, delivery: &Delivery<'_>) -> Applied;
    /// Bumped once per frame after something was applied.
    fn tick(&self) -> RwSignal<u64>;
}

/// What can be fed by a channel.
pub trait Feed: Send + Sync + 'static {
    fn position(&self) -> Option<Position> {
        None
    }
    fn start(&mut self, result: &SubscribeResult) -> Applied;
    fn publication(&mut self, publication: &Publication) -> Applied;
    fn refused(&mut self, _fault: &Fault) -> Applied {
        Applied::Nothing
    }
    fn attendance(&mut self, _news: &Attendance<'_>) -> Applied {
        Applied::Nothing
    }
}

/// A feed behind a lock, with the signal that tells of its changes.
pub struct FeedSink<T> {
    pub data: Arc<RwLock<T>>,
    pub tick: RwSignal<u64>,
}

impl<T: Feed> Sink for FeedSink<T> {
    fn position(&self) -> Option<Position> {
        self.data
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .position()
    }

    fn deliver(&self, delivery: &Delivery<'_>) -> Applied {
        let mut data = self.data.write().unwrap_or_else(PoisonError::into_inner);
        match delivery {
            Delivery::Start(result) => data.start(result),
            Delivery::Publication(publication) => data.publication(publication),
            Delivery::Refused(fault) => data.refused(fault),
            Delivery::People(news) => data.attendance(news),
        }
    }

    fn tick(&self) -> RwSignal<u64> {
        self.tick
    }
}

impl Feed for View {
    fn position(&self) -> Option<Position> {
        Some((self.epoch.clone(), self.offset))
    }

    fn start(&mut self, result: &SubscribeResult) -> Applied {
        let whole = match result.data.is_empty() {
            true => None,
            false => MetricsSnapshot::decode(result.data.clone()).ok(),
        };
        let missed = result.publications.iter().filter_map(|missed| {
            Some((
                missed.offset,
                MetricsPublication::decode(missed.data.clone()).ok()?,
            ))
        });
        self.subscribed(&result.epoch, result.offset, whole, missed)
    }

    fn publication(&mut self, publication: &Publication) -> Applied {
        match MetricsPublication::decode(publication.data.clone()) {
            Ok(decoded) => View::publication(self, publication.offset, decoded),
            Err(_) => Applied::Gap,
        }
    }
}

impl Feed for Table {
    fn start(&mut self, result: &SubscribeResult) -> Applied {
        self.update(ProcessUpdate::decode(result.data.clone()).ok())
    }

    fn publication(&mut self, publication: &Publication) -> Applied {
        self.update(ProcessUpdate::decode(publication.data.clone()).ok())
    }
}

impl Table {
    fn update(&mut self, update: Option<ProcessUpdate>) -> Applied {
        let Some(update) = update else { return Applied::Gap };
        self.t_ms = update.t_ms;
        update.apply(&mut self.rows);
        Applied::Values
    }
}

/// The latest state of a cache channel.
pub struct Latest<T>(pub T);

impl<T: FromJson + Send + Sync + 'static> Feed for Latest<T> {
    fn start(&mut self, result: &SubscribeResult) -> Applied {
        self.take(&result.data)
    }

    fn publication(&mut self, publication: &Publication) -> Applied {
        self.take(&publication.data)
    }
}

impl<T: FromJson> Latest<T> {
    fn take(&mut self, text: &[u8]) -> Applied {
        match json::read(text) {
            Ok(value) => {
                self.0 = value;
                Applied::Values
            }
            Err(_) => Applied::Nothing,
        }
    }
}

/// The whole of a run's channel.
struct Events {
    events: Vec<RunEvent>,
    dropped: u64,
}

fields!(Events { events, dropped or default });

impl Feed for RunFeed {
    fn position(&self) -> Option<Position> {
        (!self.at.epoch.is_empty()).then(|| (self.at.epoch.clone(), self.at.offset))
    }

    fn start(&mut self, result: &SubscribeResult) -> Applied {
        if result.data.is_empty() {
            for missed in &result.publications {
                Feed::publication(self, missed);
            }
        } else {
            let Ok(whole) = json::read::<Events>(&result.data) else {
                return Applied::Nothing;
            };
            // The same text may come in other pieces: none that is drawn is taken for one of these.
            self.dropped += self.view.output.len();
            self.view.output.clear();
            self.view.truncated = whole.dropped > 0;
            for event in whole.events {
                self.event(event);
            }
        }
        self.at = Timeline {
            epoch: result.epoch.clone(),
            offset: result.offset,
        };
        Applied::Values
    }

    fn publication(&mut self, publication: &Publication) -> Applied {
        if publication.offset != 0 && publication.offset <= self.at.offset {
            return Applied::Nothing;
        }
        let missed = publication.offset > self.at.offset + 1;
        self.at.offset = self.at.offset.max(publication.offset);
        match json::read(&publication.data) {
            Ok(event) => self.event(event),
            Err(_) => return Applied::Nothing,
        }
        if missed { Applied::Gap } else { Applied::Values }
    }

    /// A log says itself why it is not there; the page of a run has a place of its own for that.
    fn refused(&mut self, fault: &Fault) -> Applied {
        if self.newest.is_some() {
            self.output(OutputStream::Stderr, format!("[{}]\n", fault.message));
        }
        Applied::Values
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use farol_model::{
        action::{Run, RunStatus, RunView},
        metric::{MetricSpec, Unit},
        process::ProcessRow,
        sample::ChannelView,
    };

    fn run() -> RunFeed {
        let run = Run {
            id: "1".into(),
            action: "a".into(),
            title: "A".into(),
            who: "w".into(),
            params: Default::default(),
            status: RunStatus::Running,
            detail: String::new(),
            queued_ms: 0,
            ended_ms: None,
            exit_code: None,
        };
        RunFeed::new(RunView {
            run,
            output: vec![(OutputStream::Stdout, "old".into())],
            truncated: false,
        })
    }

    fn output(offset: u64, text: &str) -> Publication {
        let event = RunEvent::Output {
            stream: OutputStream::Stdout,
            text: text.into(),
        };
        Publication {
            offset,
            data: serde_json::to_vec(&event).unwrap().into(),
            info: None,
            time: 0,
        }
    }

    fn texts(feed: &RunFeed) -> Vec<&str> {
        feed.view.output.iter().map(|(_, text)| text.as_str()).collect()
    }

    #[test]
    fn a_run_begins_with_its_whole_and_continues_without_repeating() {
        let mut feed = run();
        assert_eq!(feed.position(), None);
        let whole = br#"{"events":[{"event":"output","stream":"stdout","text":"a"}]}"#;
        feed.start(&SubscribeResult {
            epoch: "e".into(),
            offset: 1,
            data: whole.to_vec().into(),
            ..Default::default()
        });
        // What is on screen is known by its number: the old piece and the new one must not share theirs.
        assert_eq!(feed.dropped, 1);
        Feed::publication(&mut feed, &output(1, "again"));
        Feed::publication(&mut feed, &output(2, "b"));
        assert_eq!(texts(&feed), ["a", "b"]);
        assert_eq!(feed.position(), Some(("e".into(), 2)));
        let missed = SubscribeResult {
            epoch: "e".into(),
            offset: 4,
            recovered: true,
            publications: vec![output(2, "b"), output(3, "c"), output(4, "d")],
            ..Default::default()
        };
        feed.start(&missed);
        assert_eq!(texts(&feed), ["a", "b", "c", "d"]);
        assert_eq!(Feed::publication(&mut feed, &output(9, "z")), Applied::Gap);
    }

    #[test]
    fn a_log_keeps_the_newest_and_numbers_of_pieces_stay() {
        let mut feed = RunFeed::log();
        feed.newest = Some(8);
        for offset in 1..=30 {
            Feed::publication(&mut feed, &output(offset, &offset.to_string()));
            let texts = texts(&feed);
            assert!(texts.len() <= 10, "{texts:?}");
            assert_eq!(texts[0], (feed.dropped + 1).to_string());
            assert_eq!(texts.last().unwrap(), &offset.to_string());
        }
        feed.refused(&Fault::forbidden("Not for your role."));
        assert_eq!(texts(&feed).last(), Some(&"[Not for your role.]\n"));
    }

    #[test]
    fn a_table_starts_whole_and_takes_changes() {
        let mut table = Table {
            t_ms: 0,
            rows: vec![],
        };
        let row = ProcessRow {
            pid: 1,
            ..Default::default()
        };
        let whole = ProcessUpdate {
            t_ms: 5,
            whole: true,
            rows: vec![row],
            gone: vec![],
        };
        table.start(&SubscribeResult {
            data: whole.encode_to_vec().into(),
            ..Default::default()
        });
        assert_eq!((table.t_ms, table.rows.len()), (5, 1));
        let gone = ProcessUpdate {
            t_ms: 6,
            gone: vec![1],
            ..Default::default()
        };
        table.publication(&Publication {
            data: gone.encode_to_vec().into(),
            info: None,
            time: 0,
            offset: 0,
        });
        assert!(table.rows.is_empty());
    }

    #[test]
    fn metrics_travel_as_protobuf_and_garbage_asks_for_the_whole() {
        let spec = MetricSpec::gauge("m", Unit::None, "M", "m", "M.");
        let mut view = View::new(ChannelView {
            channel: "c".into(),
            schema: vec![spec],
            snapshot: Default::default(),
            epoch: "e".into(),
            offset: 0,
        });
        let frame = MetricsPublication {
            t_ms: 1,
            values: vec![7.0],
            schema: vec![],
        };
        Feed::publication(
            &mut view,
            &Publication {
                data: frame.encode_to_vec().into(),
                info: None,
                time: 0,
                offset: 1,
            },
        );
        assert_eq!(view.last(0), 7.0);
        assert_eq!(
            Feed::publication(
                &mut view,
                &Publication {
                    data: vec![0xff].into(),
                    info: None,
                    time: 0,
                    offset: 2,
                }
            ),
            Applied::Gap
        );
    }
}
