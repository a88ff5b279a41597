//! The hub without connections: what a subscriber's outbox receives.

use super::*;
use crate::history::ring::tests::schema;
use crate::live::{client::Client, flusher::Flusher, outbox::Outbox, subscription::Subscription};
use farol_model::{
    action::{OutputStream, RunEvent},
    wire::{
        Encoding, FLAG_CHANNEL_COMPACTION, HistoryRequest, Reply, StreamPosition, SubscribeRequest,
        SubscribeResult, codec,
        payload::{MetricsPublication, MetricsSnapshot, SubscribeOptions},
    },
};
use prost::Message;
use std::time::Duration;

fn outbox(encoding: Encoding) -> Arc<Outbox> {
    let flusher = Flusher::new(Duration::ZERO, usize::MAX);
    Outbox::new(Client::for_tests(encoding), 1024 * 1024, flusher, None)
}

const CPU: &str = "metrics/local/cpu";

/// Joins and lets publications flow, as a session does.
fn subscribe(
    hub: &Hub,
    outbox: &Arc<Outbox>,
    request: SubscribeRequest,
    options: &SubscribeOptions,
) -> (SubscribeResult, Arc<Subscription>) {
    let channel = hub.channel(&request.channel).unwrap();
    let numbered = request.flag & FLAG_CHANNEL_COMPACTION != 0;
    let joined = channel
        .join(outbox, &request, numbered, options, &hub.limits)
        .unwrap();
    let subscription = joined.subscription.clone();
    outbox.open(std::slice::from_ref(&subscription), &Reply::default());
    outbox.next().unwrap();
    (joined.result(outbox.encoding()), subscription)
}

fn to(channel: &str) -> SubscribeRequest {
    SubscribeRequest {
        channel: channel.into(),
        ..Default::default()
    }
}

fn recover(channel: &str, epoch: &str, offset: u64) -> SubscribeRequest {
    SubscribeRequest {
        recover: true,
        epoch: epoch.into(),
        offset,
        ..to(channel)
    }
}

fn received(hub: &Hub, outbox: &Outbox) -> Vec<Reply> {
    hub.flusher.put();
    outbox.next().map_or(Vec::new(), |message| {
        codec::decode_replies(outbox.encoding(), &message).unwrap()
    })
}

fn metrics_of(reply: &Reply) -> MetricsPublication {
    let publication = reply.push.as_ref().unwrap().publication.as_ref().unwrap();
    MetricsPublication::decode(publication.data.clone()).unwrap()
}

fn frames(hub: &Hub, times: std::ops::RangeInclusive<i64>, schema: &Arc<[MetricSpec]>) {
    for t_ms in times {
        hub.frame(CPU, schema, t_ms, 1, vec![t_ms as f64; schema.len()]);
    }
}

#[test]
fn a_subscriber_gets_the_history_and_then_every_frame_once() {
    let hub = Hub::new(LiveLimits::default());
    let specs = schema(&["a"]);
    frames(&hub, 1..=3, &specs);
    let outbox = outbox(Encoding::Protobuf);
    let (result, _) = subscribe(&hub, &outbox, to(CPU), &SubscribeOptions::default());
    let state = MetricsSnapshot::decode(result.data).unwrap();
    assert_eq!(state.snapshot.unwrap().times_ms, [1, 2, 3]);
    assert_eq!((result.offset, result.recovered), (3, false));
    frames(&hub, 4..=5, &specs);
    let seen: Vec<(i64, u64)> = received(&hub, &outbox)
        .iter()
        .map(|reply| {
            (
                metrics_of(reply).t_ms,
                reply.push.as_ref().unwrap().publication.as_ref().unwrap().offset,
            )
        })
        .collect();
    assert_eq!(seen, [(4, 4), (5, 5)]);
}

#[test]
fn the_snapshot_reaches_back_as_far_as_asked() {
    let hub = Hub::new(LiveLimits::default());
    frames(&hub, 1..=100, &schema(&["a"]));
    let outbox = outbox(Encoding::Protobuf);
    let options = SubscribeOptions {
        history_ms: 10,
        ..Default::default()
    };
    let (result, _) = subscribe(&hub, &outbox, to(CPU), &options);
    let times = MetricsSnapshot::decode(result.data)
        .unwrap()
        .snapshot
        .unwrap()
        .times_ms;
    assert_eq!(times, (90..=100).collect::<Vec<i64>>());
}

#[test]
fn recovery_replays_exactly_what_was_missed_and_sends_no_snapshot() {
    let hub = Hub::new(LiveLimits::default());
    frames(&hub, 1..=10, &schema(&["a"]));
    let epoch = hub.channel(CPU).unwrap().epoch.clone();
    let outbox = outbox(Encoding::Protobuf);
    let (result, _) = subscribe(
        &hub,
        &outbox,
        recover(CPU, &epoch, 7),
        &SubscribeOptions::default(),
    );
    assert!(result.recovered && result.was_recovering && result.data.is_empty());
    let offsets: Vec<u64> = result
        .publications
        .iter()
        .map(|publication| publication.offset)
        .collect();
    assert_eq!(offsets, [8, 9, 10]);
    let (nothing_missed, _) = subscribe(
        &hub,
        &outbox,
        recover(CPU, &epoch, 10),
        &SubscribeOptions::default(),
    );
    assert!(nothing_missed.recovered && nothing_missed.publications.is_empty());
}

#[test]
fn recovery_that_cannot_be_whole_says_so_and_sends_a_snapshot() {
    let hub = Hub::new(LiveLimits {
        metrics_hold: Duration::ZERO,
        ..Default::default()
    });
    frames(&hub, 1..=10, &schema(&["a"]));
    let epoch = hub.channel(CPU).unwrap().epoch.clone();
    let outbox = outbox(Encoding::Protobuf);
    for request in [
        recover(CPU, &epoch, 2),
        recover(CPU, "another-epoch", 10),
        recover(CPU, &epoch, 11),
    ] {
        let (result, _) = subscribe(&hub, &outbox, request, &SubscribeOptions::default());
        assert!(!result.recovered && result.was_recovering);
        assert!(result.publications.is_empty(), "never a part of what was missed");
        let state = MetricsSnapshot::decode(result.data).unwrap();
        assert_eq!(state.snapshot.unwrap().times_ms.len(), 10);
    }
}

#[test]
fn a_changed_schema_is_announced_first_and_has_its_own_offset() {
    let hub = Hub::new(LiveLimits::default());
    frames(&hub, 1..=1, &schema(&["a"]));
    let outbox = outbox(Encoding::Protobuf);
    // Asking for few publications does not hide a schema.
    let options = SubscribeOptions {
        every_ms: 60_000,
        ..Default::default()
    };
    subscribe(&hub, &outbox, to(CPU), &options);
    frames(&hub, 2..=2, &schema(&["a"]));
    frames(&hub, 3..=4, &schema(&["a", "b"]));
    let pushes = received(&hub, &outbox);
    assert_eq!(
        pushes.len(),
        2,
        "the first frame and the schema; equal schemas are one"
    );
    let announced = metrics_of(&pushes[1]);
    assert_eq!(announced.schema.len(), 2);
    assert!(announced.values.is_empty());
    assert_eq!(hub.view(CPU, 0).unwrap().offset, 5);
    assert_eq!(hub.view(CPU, 0).unwrap().snapshot.columns.len(), 2);
}

#[test]
fn every_ms_thins_frames_out() {
    let hub = Hub::new(LiveLimits::default());
    let specs = schema(&["a"]);
    frames(&hub, 1..=1, &specs);
    let outbox = outbox(Encoding::Json);
    let options = SubscribeOptions {
        every_ms: 60_000,
        ..Default::default()
    };
    subscribe(&hub, &outbox, to(CPU), &options);
    frames(&hub, 2..=50, &specs);
    assert_eq!(received(&hub, &outbox).len(), 1);
}

#[test]
fn numbers_stand_for_names_only_when_the_client_asked() {
    let hub = Hub::new(LiveLimits::default());
    let specs = schema(&["a"]);
    frames(&hub, 1..=1, &specs);
    let (named, numbered) = (outbox(Encoding::Json), outbox(Encoding::Json));
    let (result, _) = subscribe(&hub, &named, to(CPU), &SubscribeOptions::default());
    assert_eq!(result.id, 0);
    let compact = SubscribeRequest {
        flag: FLAG_CHANNEL_COMPACTION,
        ..to(CPU)
    };
    let (result, _) = subscribe(&hub, &numbered, compact, &SubscribeOptions::default());
    frames(&hub, 2..=2, &specs);
    let push = received(&hub, &numbered).remove(0).push.unwrap();
    assert_eq!((push.id, push.channel.as_str()), (result.id, ""));
    let push = received(&hub, &named).remove(0).push.unwrap();
    assert_eq!((push.id, push.channel.as_str()), (0, CPU));
}

#[test]
fn a_table_starts_whole_and_goes_on_by_changes() {
    let row = |pid: u32, cpu_percent: f32| ProcessRow {
        pid,
        cpu_percent,
        ..Default::default()
    };
    let hub = Hub::new(LiveLimits::default());
    Outlet::processes(&*hub, 1, vec![row(1, 0.0), row(2, 0.0)]);
    let outbox = outbox(Encoding::Protobuf);
    let request = recover("processes/local", "whatever", 9);
    let (result, _) = subscribe(&hub, &outbox, request, &SubscribeOptions::default());
    assert!(!result.recoverable && !result.recovered);
    let mut table = Vec::new();
    ProcessUpdate::decode(result.data).unwrap().apply(&mut table);
    Outlet::processes(&*hub, 2, vec![row(2, 5.0), row(3, 0.0)]);
    let push = received(&hub, &outbox)
        .remove(0)
        .push
        .unwrap()
        .publication
        .unwrap();
    assert_eq!(push.offset, 0);
    let update = ProcessUpdate::decode(push.data).unwrap();
    assert!(!update.whole);
    update.apply(&mut table);
    assert_eq!((2, table), hub.processes());
}

#[test]
fn a_cache_channel_gives_the_latest_state_and_its_changes() {
    let status: CollectorStatus = serde_json::from_str(
        r#"{"name":"cpu","title":"Processor","state":"live","interval_ms":1000,"last_ok_ms":null,"last_duration_us":null,"series":1}"#,
    )
    .unwrap();
    let hub = Hub::new(LiveLimits::default());
    let outbox = outbox(Encoding::Json);
    let (result, _) = subscribe(
        &hub,
        &outbox,
        to("collectors/local"),
        &SubscribeOptions::default(),
    );
    assert_eq!(result.data, "[]");
    hub.health(std::slice::from_ref(&status));
    let push = received(&hub, &outbox)
        .remove(0)
        .push
        .unwrap()
        .publication
        .unwrap();
    assert_eq!(
        serde_json::from_slice::<Vec<CollectorStatus>>(&push.data).unwrap(),
        std::slice::from_ref(&status)
    );
    assert_eq!(hub.collectors(), [status]);
    let cpu = ChannelName::parse(CPU).unwrap();
    assert!(hub.may_come(&cpu), "its collector is known and may answer yet");
    assert!(!hub.may_come(&ChannelName::parse("metrics/local/nonsense").unwrap()));
}

fn output(text: &str) -> RunEvent {
    RunEvent::Output {
        stream: OutputStream::Stdout,
        text: text.into(),
    }
}

#[test]
fn a_run_gives_what_it_said_so_far_and_recovers_whole() {
    let hub = Hub::new(LiveLimits::default());
    hub.event("r1", &output("one"));
    hub.event("r1", &output("two"));
    let outbox = outbox(Encoding::Protobuf);
    let (result, _) = subscribe(&hub, &outbox, to("runs/r1"), &SubscribeOptions::default());
    assert_eq!(
        result.data,
        r#"{"events":[{"event":"output","stream":"stdout","text":"one"},{"event":"output","stream":"stdout","text":"two"}]}"#
    );
    assert_eq!(result.offset, 2);
    let again = recover("runs/r1", &result.epoch, 1);
    let (result, _) = subscribe(&hub, &outbox, again, &SubscribeOptions::default());
    assert!(result.recovered && result.data.is_empty());
    assert_eq!(
        result.publications[0].data,
        r#"{"event":"output","stream":"stdout","text":"two"}"#
    );
}

#[test]
fn a_run_that_said_more_than_is_held_tells_so() {
    let hub = Hub::new(LiveLimits {
        run_events: 2,
        ..Default::default()
    });
    for text in ["one", "two", "three"] {
        hub.event("r1", &output(text));
    }
    let epoch = hub.channel("runs/r1").unwrap().epoch.clone();
    let outbox = outbox(Encoding::Json);
    let (result, _) = subscribe(
        &hub,
        &outbox,
        recover("runs/r1", &epoch, 0),
        &SubscribeOptions::default(),
    );
    assert!(!result.recovered);
    let data: serde_json::Value = serde_json::from_slice(&result.data).unwrap();
    assert_eq!(
        (data["events"].as_array().unwrap().len(), &data["dropped"]),
        (2, &1.into())
    );
}

#[test]
fn the_run_that_ended_first_gives_way() {
    let hub = Hub::new(LiveLimits {
        run_channels: 2,
        ..Default::default()
    });
    for run in ["a", "b"] {
        hub.event(run, &output(run));
    }
    let outbox = outbox(Encoding::Json);
    let (_, subscription) = subscribe(&hub, &outbox, to("runs/b"), &SubscribeOptions::default());
    hub.closed("b");
    hub.event("c", &output("c"));
    assert!(hub.channel("runs/a").is_some(), "it still runs");
    assert!(hub.channel("runs/b").is_none());
    assert!(!subscription.is_live());
    let told = received(&hub, &outbox)
        .remove(0)
        .push
        .unwrap()
        .unsubscribe
        .unwrap();
    assert_eq!(told.code, 2000, "final: there is nothing to come back to");
}

/// Rows of two series at these times.
fn seed(times: &[i64]) -> Ring {
    let column = |offset: f64| times.iter().map(|time| *time as f64 + offset).collect();
    Ring::with_rows(
        schema(&["a", "b"]),
        times.to_vec(),
        vec![column(0.0), column(0.5)],
        1,
    )
}

#[test]
fn a_channel_goes_on_from_the_rows_of_before_the_start_and_its_positions_begin_anew() {
    let hub = Hub::new(LiveLimits::default());
    hub.seed(CPU, seed(&[1, 2, 3, 8]));
    assert!(hub.channel(CPU).is_none(), "a seed alone is no channel");
    assert!(hub.metrics_channels().is_empty() && hub.view(CPU, 0).is_none());
    // The clock is a little behind what was kept: what is not over yet was not.
    hub.frame(CPU, &schema(&["b", "c"]), 7, 1, vec![70.0, 71.0]);
    let outbox = outbox(Encoding::Protobuf);
    let (result, _) = subscribe(&hub, &outbox, to(CPU), &SubscribeOptions::default());
    let state = MetricsSnapshot::decode(result.data).unwrap();
    let rows = state.snapshot.unwrap();
    assert_eq!(state.schema, schema(&["b", "c"]).to_vec());
    assert_eq!((rows.times_ms, rows.step_ms), (vec![1, 2, 3, 7], 1));
    assert_eq!(rows.columns[0].values, [1.5, 2.5, 3.5, 70.0]);
    assert!(rows.columns[1].values[2].is_nan() && rows.columns[1].values[3] == 71.0);
    assert_eq!((result.offset, result.recovered), (1, false));

    // Who was told position 0 misses one frame and no row of before.
    let epoch = result.epoch;
    let second = self::outbox(Encoding::Protobuf);
    let (result, _) = subscribe(
        &hub,
        &second,
        recover(CPU, &epoch, 0),
        &SubscribeOptions::default(),
    );
    assert_eq!(
        (result.recovered, result.publications.len(), result.offset),
        (true, 1, 1)
    );
    let asked = HistoryRequest {
        channel: CPU.into(),
        limit: -1,
        ..Default::default()
    };
    let held = hub.channel(CPU).unwrap();
    let held = held.history(&asked, Encoding::Protobuf, &hub.limits).unwrap();
    assert_eq!(
        (held.publications.len(), held.offset),
        (1, 1),
        "only what was published"
    );

    // It is taken once, and a channel that is open takes none.
    hub.seed(CPU, seed(&[5]));
    hub.frame(CPU, &schema(&["b", "c"]), 8, 1, vec![80.0, 81.0]);
    assert_eq!(hub.view(CPU, 0).unwrap().snapshot.times_ms, [1, 2, 3, 7, 8]);
}

#[test]
fn a_channel_of_a_container_goes_on_as_well_and_after_its_end_begins_empty() {
    let hub = Hub::new(LiveLimits::default());
    let name = "metrics/local/container.web";
    hub.seed(name, seed(&[1, 2]));
    hub.frame(name, &schema(&["a", "b"]), 3, 1, vec![3.0, 3.5]);
    assert_eq!(hub.view(name, 0).unwrap().snapshot.times_ms, [1, 2, 3]);
    crate::containers::ContainerOutlet::gone(&*hub, name);
    assert!(hub.channel(name).is_none());
    hub.frame(name, &schema(&["a", "b"]), 4, 1, vec![4.0, 4.5]);
    assert_eq!(hub.view(name, 0).unwrap().snapshot.times_ms, [4]);
}

#[test]
fn rows_of_before_the_start_that_nobody_takes_go() {
    let hub = Hub::new(LiveLimits {
        seed_keep: Duration::ZERO,
        ..Default::default()
    });
    hub.seed(CPU, seed(&[1, 2]));
    hub.sweep();
    hub.frame(CPU, &schema(&["a", "b"]), 3, 1, vec![3.0, 3.5]);
    assert_eq!(hub.view(CPU, 0).unwrap().snapshot.times_ms, [3]);
}

#[test]
fn nobody_finds_a_channel_of_metrics_without_the_row_it_was_opened_for() {
    let hub = Hub::new(LiveLimits::default());
    let specs = schema(&["a", "b"]);
    let names: Vec<String> = (0..300).map(|n| format!("metrics/local/n{n}")).collect();
    for name in &names[..150] {
        hub.seed(name, seed(&[1, 2]));
    }
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for name in &names {
                hub.frame(name, &specs, 3, 1, vec![3.0, 3.5]);
            }
        });
        for (at, name) in names.iter().enumerate() {
            let view = loop {
                if let Some(view) = hub.view(name, 0) {
                    break view;
                }
                std::hint::spin_loop();
            };
            let expected: &[i64] = if at < 150 { &[1, 2, 3] } else { &[3] };
            assert_eq!(
                (&view.snapshot.times_ms[..], view.offset),
                (expected, 1),
                "{name}"
            );
            assert_eq!(view.snapshot.step_ms, 1);
        }
    });
}

#[test]
fn ended_runs_leave_after_their_time_and_running_ones_stay() {
    let hub = Hub::new(LiveLimits {
        run_keep: Duration::ZERO,
        ..Default::default()
    });
    hub.event("ended", &output("x"));
    hub.event("running", &output("x"));
    hub.closed("ended");
    hub.sweep();
    assert!(hub.channel("runs/ended").is_none());
    assert!(hub.channel("runs/running").is_some());
}

#[test]
fn history_pages_both_ways_and_only_where_it_is_kept() {
    let hub = Hub::new(LiveLimits::default());
    frames(&hub, 1..=5, &schema(&["a"]));
    let channel = hub.channel(CPU).unwrap();
    let ask = |limit: i32, since: Option<u64>, reverse: bool| {
        let since = since.map(|offset| StreamPosition {
            offset,
            epoch: channel.epoch.clone(),
        });
        let request = HistoryRequest {
            channel: CPU.into(),
            limit,
            since,
            reverse,
        };
        let result = channel
            .history(&request, Encoding::Json, &LiveLimits::default())
            .unwrap();
        assert_eq!(result.offset, 5);
        result
            .publications
            .iter()
            .map(|publication| publication.offset)
            .collect::<Vec<u64>>()
    };
    assert_eq!(ask(0, None, false), Vec::<u64>::new());
    assert_eq!(ask(-1, None, false), [1, 2, 3, 4, 5]);
    assert_eq!(ask(2, Some(2), false), [3, 4]);
    assert_eq!(ask(2, Some(4), true), [3, 2]);
    let table = hub.channel("processes/local").unwrap();
    assert!(
        table
            .history(&HistoryRequest::default(), Encoding::Json, &LiveLimits::default())
            .is_none()
    );
}

#[test]
fn channels_come_in_the_order_of_their_collectors() {
    let hub = Hub::new(LiveLimits::default());
    let specs = schema(&["a"]);
    for group in ["disk", "zeta", "cpu", "alpha"] {
        hub.frame(&ChannelName::local_metrics(group), &specs, 1, 1, vec![0.0]);
    }
    let status = |name: &str| CollectorStatus {
        name: name.into(),
        title: name.into(),
        state: farol_model::health::CollectorState::Live,
        interval_ms: 1,
        last_ok_ms: None,
        last_duration_us: None,
        series: 1,
    };
    hub.health(&[status("cpu"), status("disk")]);
    assert_eq!(
        hub.metrics_channels(),
        [
            "metrics/local/cpu",
            "metrics/local/disk",
            "metrics/local/alpha",
            "metrics/local/zeta"
        ]
    );
}

#[test]
fn every_state_of_a_run_changes_the_list_of_runs_and_what_it_prints_does_not() {
    let hub = Hub::new(LiveLimits::default());
    let told = || {
        let list = hub.channel("runlist/local").unwrap();
        list.with(|inner| match &inner.body {
            Body::Cache(text) => String::from_utf8(text.to_vec()).unwrap(),
            _ => panic!("it is a cache"),
        })
    };
    assert_eq!(told(), "0");
    let output = RunEvent::Output {
        stream: farol_model::action::OutputStream::Stdout,
        text: "a".into(),
    };
    RunOutlet::event(&*hub, "1", &output);
    assert_eq!(told(), "0");
    let run = Run {
        id: "1".into(),
        action: "a".into(),
        title: "A".into(),
        who: "ana".into(),
        params: Default::default(),
        status: farol_model::action::RunStatus::Queued,
        detail: String::new(),
        queued_ms: 0,
        ended_ms: None,
        exit_code: None,
    };
    RunOutlet::event(&*hub, "1", &RunEvent::State { run: run.clone() });
    RunOutlet::event(&*hub, "1", &RunEvent::State { run });
    assert_eq!(told(), "2");
}

#[test]
fn no_two_channels_have_one_number() {
    let hub = Hub::new(LiveLimits::default());
    for name in [CPU, "metrics/local/memory"] {
        Outlet::frame(&*hub, name, &schema(&["a"]), 1_000, 1_000, vec![1.0]);
    }
    let channels = numbered(&hub);
    let mut numbers: Vec<i64> = channels.iter().map(|(_, number)| *number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), channels.len(), "{channels:?}");
    for (name, number) in &channels {
        assert_eq!(hub.name_of(*number).as_ref(), Some(name));
    }
}

/// Names and numbers of all channels.
fn numbered(hub: &Hub) -> Vec<(String, i64)> {
    let channels = hub.channels.read().unwrap();
    let channels = channels.values();
    channels
        .map(|channel| (channel.key.name.clone(), channel.key.id))
        .collect()
}
