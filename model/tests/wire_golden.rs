//! Every wire message as it is laid out in JSON and in Protobuf (hex). A changed snapshot is a changed protocol: clients
//! that nobody here wrote read these bytes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use bytes::Bytes;
use farol_model::{
    Fault,
    action::{OutputStream, Run, RunEvent, RunStatus},
    health::{CollectorState, CollectorStatus},
    metric::{MetricSpec, Unit},
    process::{ProcessRow, ProcessUpdate},
    sample::{Column, Snapshot},
    wire::{
        codec, codes,
        payload::{CancelRequest, MetricsPublication, MetricsSnapshot, RunAccepted, SubscribeOptions},
        *,
    },
};
use std::fmt::Write;

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for line in bytes.chunks(32) {
        for byte in line {
            write!(text, "{byte:02x}").unwrap();
        }
        text.push('\n');
    }
    text
}

fn both(json: &[u8], protobuf: &[u8]) -> String {
    format!(
        "{}\n{}",
        std::str::from_utf8(json).expect("JSON is text"),
        hex(protobuf)
    )
}

/// Also proves that both encodings read back to the same message.
fn command(command: &Command) -> String {
    let encode = |encoding| codec::encode_command(encoding, command);
    let (json, protobuf) = (encode(Encoding::Json), encode(Encoding::Protobuf));
    for (encoding, bytes) in [(Encoding::Json, &json), (Encoding::Protobuf, &protobuf)] {
        assert_eq!(
            codec::decode_commands(encoding, bytes).unwrap(),
            std::slice::from_ref(command)
        );
    }
    both(&json, &protobuf)
}

fn reply(reply: &Reply) -> String {
    let encode = |encoding| codec::encode_reply(encoding, reply);
    let (json, protobuf) = (encode(Encoding::Json), encode(Encoding::Protobuf));
    for (encoding, bytes) in [(Encoding::Json, &json), (Encoding::Protobuf, &protobuf)] {
        assert_eq!(
            codec::decode_replies(encoding, bytes).unwrap(),
            std::slice::from_ref(reply)
        );
    }
    both(&json, &protobuf)
}

fn payload<T: prost::Message + serde::Serialize>(message: &T) -> String {
    both(&serde_json::to_vec(message).unwrap(), &message.encode_to_vec())
}

fn data(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

fn id(fill: impl FnOnce(&mut Command)) -> String {
    let mut filled = Command {
        id: 7,
        ..Default::default()
    };
    fill(&mut filled);
    command(&filled)
}

fn answer(fill: impl FnOnce(&mut Reply)) -> String {
    let mut filled = Reply {
        id: 7,
        ..Default::default()
    };
    fill(&mut filled);
    reply(&filled)
}

fn push(push: Push) -> String {
    reply(&Reply {
        push: Some(push),
        ..Default::default()
    })
}

fn subscribe_request() -> SubscribeRequest {
    SubscribeRequest {
        channel: "metrics/local/cpu".into(),
        token: "t".into(),
        recover: true,
        epoch: "0badcafe.3".into(),
        offset: 41,
        data: data(r#"{"every_ms":5000,"history_ms":60000}"#),
        positioned: true,
        recoverable: true,
        join_leave: true,
        delta: "fossil".into(),
        flag: FLAG_CHANNEL_COMPACTION,
    }
}

fn publication(offset: u64) -> Publication {
    Publication {
        data: data(r#"{"t_ms":1000,"values":[1.5,null]}"#),
        info: None,
        time: 0,
        offset,
    }
}

fn info() -> ClientInfo {
    ClientInfo {
        user: "1".into(),
        client: "c1".into(),
        conn_info: data(r#"{"name":"ana"}"#),
    }
}

fn subscribe_result() -> SubscribeResult {
    SubscribeResult {
        expires: true,
        ttl: 30,
        recoverable: true,
        epoch: "0badcafe.3".into(),
        publications: vec![publication(42), publication(43)],
        recovered: true,
        offset: 43,
        positioned: true,
        data: data(r#"{"schema":[]}"#),
        was_recovering: true,
        id: 3,
    }
}

#[test]
fn command_connect() {
    insta::assert_snapshot!(id(|c| c.connect = Some(ConnectRequest {
        token: "t".into(),
        data: data("{}"),
        subs: [("metrics/local/cpu".to_owned(), subscribe_request())].into(),
        name: "web".into(),
        version: "1".into(),
    })));
}

#[test]
fn command_subscribe() {
    insta::assert_snapshot!(id(|c| c.subscribe = Some(subscribe_request())));
}

#[test]
fn command_unsubscribe() {
    insta::assert_snapshot!(id(|c| c.unsubscribe = Some(UnsubscribeRequest {
        channel: "runs/r1".into()
    })));
}

#[test]
fn command_publish() {
    insta::assert_snapshot!(id(|c| c.publish = Some(PublishRequest {
        channel: "runs/r1".into(),
        data: data("1")
    })));
}

#[test]
fn command_presence() {
    insta::assert_snapshot!(id(|c| c.presence = Some(PresenceRequest {
        channel: "runs/r1".into()
    })));
}

#[test]
fn command_presence_stats() {
    insta::assert_snapshot!(id(|c| c.presence_stats = Some(PresenceStatsRequest {
        channel: "runs/r1".into()
    })));
}

#[test]
fn command_history() {
    insta::assert_snapshot!(id(|c| c.history = Some(HistoryRequest {
        channel: "metrics/local/cpu".into(),
        limit: -1,
        since: Some(StreamPosition {
            offset: 41,
            epoch: "0badcafe.3".into()
        }),
        reverse: true,
    })));
}

#[test]
fn command_ping() {
    insta::assert_snapshot!(id(|c| c.ping = Some(PingRequest {})));
}

#[test]
fn command_send() {
    insta::assert_snapshot!(command(&Command {
        send: Some(SendRequest { data: data("1") }),
        ..Default::default()
    }));
}

#[test]
fn command_rpc() {
    insta::assert_snapshot!(id(|c| c.rpc = Some(RpcRequest {
        data: data(r#"{"run":"r1"}"#),
        method: "cancel".into()
    })));
}

#[test]
fn command_refresh() {
    insta::assert_snapshot!(id(|c| c.refresh = Some(RefreshRequest { token: "t".into() })));
}

#[test]
fn command_sub_refresh() {
    insta::assert_snapshot!(id(|c| c.sub_refresh = Some(SubRefreshRequest {
        channel: "runs/r1".into(),
        token: "t".into(),
    })));
}

#[test]
fn command_pong() {
    insta::assert_snapshot!(command(&Command::default()));
}

#[test]
fn reply_ping() {
    insta::assert_snapshot!(reply(&Reply::default()));
}

#[test]
fn reply_error() {
    let fault = Fault::forbidden("Your role (viewer) may not do this.");
    insta::assert_snapshot!(answer(|r| r.error = Some(Error {
        temporary: true,
        ..Error::from(&fault)
    })));
}

#[test]
fn reply_connect() {
    insta::assert_snapshot!(answer(|r| r.connect = Some(ConnectResult {
        client: "c1".into(),
        version: "farol 0.1.0".into(),
        expires: true,
        ttl: 60,
        data: data("{}"),
        subs: [("metrics/local/cpu".to_owned(), subscribe_result())].into(),
        ping: 25,
        pong: true,
        session: "s".into(),
        node: "n".into(),
        time: 1_764_000_000_000,
    })));
}

#[test]
fn reply_subscribe() {
    insta::assert_snapshot!(answer(|r| r.subscribe = Some(subscribe_result())));
}

#[test]
fn reply_unsubscribe() {
    insta::assert_snapshot!(answer(|r| r.unsubscribe = Some(UnsubscribeResult {})));
}

#[test]
fn reply_publish() {
    insta::assert_snapshot!(answer(|r| r.publish = Some(PublishResult {})));
}

#[test]
fn reply_presence() {
    insta::assert_snapshot!(answer(|r| r.presence = Some(PresenceResult {
        presence: [("c1".to_owned(), info())].into(),
    })));
}

#[test]
fn reply_presence_stats() {
    insta::assert_snapshot!(answer(|r| r.presence_stats = Some(PresenceStatsResult {
        num_clients: 2,
        num_users: 1,
    })));
}

#[test]
fn reply_sub_refresh() {
    insta::assert_snapshot!(answer(|r| r.sub_refresh = Some(SubRefreshResult {
        expires: true,
        ttl: 60,
    })));
}

#[test]
fn reply_history() {
    insta::assert_snapshot!(answer(|r| r.history = Some(HistoryResult {
        publications: vec![publication(42)],
        epoch: "0badcafe.3".into(),
        offset: 43,
    })));
}

#[test]
fn reply_client_ping() {
    insta::assert_snapshot!(answer(|r| r.ping = Some(PingResult {})));
}

#[test]
fn reply_rpc() {
    insta::assert_snapshot!(answer(|r| r.rpc = Some(RpcResult {
        data: data(r#"{"run":"r1"}"#)
    })));
}

#[test]
fn reply_refresh() {
    insta::assert_snapshot!(answer(|r| r.refresh = Some(RefreshResult {
        client: "c1".into(),
        version: "farol 0.1.0".into(),
        expires: true,
        ttl: 60,
    })));
}

#[test]
fn push_publication_named() {
    insta::assert_snapshot!(push(Push {
        channel: "metrics/local/cpu".into(),
        publication: Some(publication(42)),
        ..Default::default()
    }));
}

#[test]
fn push_publication_numbered() {
    insta::assert_snapshot!(push(Push {
        id: 3,
        publication: Some(publication(42)),
        ..Default::default()
    }));
}

#[test]
fn push_publication_of_a_client() {
    insta::assert_snapshot!(push(Push {
        channel: "room/night".into(),
        publication: Some(Publication {
            info: Some(info()),
            time: 1_764_000_000_000,
            ..publication(42)
        }),
        ..Default::default()
    }));
}

#[test]
fn push_join_and_leave() {
    let presence = || Some(Presence { info: Some(info()) });
    let join = push(Push {
        channel: "room/night".into(),
        join: presence(),
        ..Default::default()
    });
    let leave = push(Push {
        id: 3,
        leave: presence(),
        ..Default::default()
    });
    insta::assert_snapshot!(format!("{join}\n{leave}"));
}

#[test]
fn push_subscribe() {
    insta::assert_snapshot!(push(Push {
        channel: "runs/r1".into(),
        subscribe: Some(SubscribePush {
            recoverable: true,
            epoch: "0badcafe.3".into(),
            offset: 41,
            positioned: true,
            data: data(r#"{"events":[]}"#),
        }),
        ..Default::default()
    }));
}

#[test]
fn emulation_request() {
    let request = EmulationRequest {
        node: "farol".into(),
        session: "5e55".into(),
        data: Bytes::from_static(b"{\"id\":2,\"ping\":{}}\n{}"),
    };
    let json = serde_json::to_vec(&request).unwrap();
    assert_eq!(
        serde_json::from_slice::<EmulationRequest>(&json).unwrap(),
        request
    );
    insta::assert_snapshot!(both(&json, &prost::Message::encode_to_vec(&request)));
}

#[test]
fn push_unsubscribe() {
    insta::assert_snapshot!(push(Push {
        channel: "metrics/local/cpu".into(),
        unsubscribe: Some(Unsubscribe {
            code: codes::unsubscribe::INSUFFICIENT_STATE,
            reason: "insufficient state".into(),
        }),
        ..Default::default()
    }));
}

#[test]
fn push_disconnect() {
    let reason = codes::Disconnect::SHUTDOWN;
    insta::assert_snapshot!(push(Push {
        disconnect: Some(DisconnectPush {
            code: u32::from(reason.code),
            reason: reason.reason.into(),
            reconnect: codes::Disconnect::reconnect(reason.code),
        }),
        ..Default::default()
    }));
}

fn schema() -> Vec<MetricSpec> {
    vec![
        MetricSpec::gauge(
            "cpu_usage_percent",
            Unit::Percent,
            "Processor",
            "all cores",
            "Busy time.",
        ),
        MetricSpec::gauge("disk_read_bytes", Unit::Bytes, "Disk", "sda read", "Bytes read.")
            .counter()
            .label("device", "sda"),
    ]
}

#[test]
fn payload_metrics_snapshot() {
    insta::assert_snapshot!(payload(&MetricsSnapshot {
        schema: schema(),
        snapshot: Some(Snapshot {
            times_ms: vec![1_764_000_000_000, 1_764_000_001_000],
            columns: vec![
                Column {
                    values: vec![1.5, f64::NAN]
                },
                Column {
                    values: vec![0.0, 4096.0]
                },
            ],
            step_ms: 1000,
        }),
    }));
}

#[test]
fn payload_metrics_frame() {
    insta::assert_snapshot!(payload(&MetricsPublication {
        t_ms: 1_764_000_001_000,
        values: vec![1.5, f64::NAN],
        schema: vec![],
    }));
}

#[test]
fn payload_metrics_schema() {
    insta::assert_snapshot!(payload(&MetricsPublication {
        t_ms: 1_764_000_001_000,
        values: vec![],
        schema: schema(),
    }));
}

#[test]
fn payload_process_update() {
    insta::assert_snapshot!(payload(&ProcessUpdate {
        t_ms: 1_764_000_001_000,
        whole: true,
        rows: vec![ProcessRow {
            pid: 77,
            parent: 1,
            start_ms: 1_764_000_000_000,
            name: "cat".into(),
            user: "ana".into(),
            state: "running".into(),
            cpu_percent: 12.5,
            memory_bytes: 4096,
            read_bytes_per_second: 1,
            written_bytes_per_second: 2,
            threads: 3,
            command: "cat x".into(),
            io_known: true,
        }],
        gone: vec![5, 6],
    }));
}

/// Payloads that are JSON documents under both encodings.
#[test]
fn payload_documents() {
    let run = Run {
        id: "r1".into(),
        action: "process.signal".into(),
        title: "Send a signal".into(),
        who: "ana".into(),
        params: [("pid".to_owned(), "77".to_owned())].into(),
        status: RunStatus::Running,
        detail: String::new(),
        queued_ms: 1,
        ended_ms: None,
        exit_code: None,
    };
    let status = |state| CollectorStatus {
        name: "cpu".into(),
        title: "Processor".into(),
        state,
        interval_ms: 1000,
        last_ok_ms: Some(1),
        last_duration_us: None,
        series: 9,
    };
    let documents = [
        serde_json::to_string(&SubscribeOptions {
            every_ms: 5000,
            history_ms: 60_000,
        }),
        serde_json::to_string(&RunAccepted { run: "r1".into() }),
        serde_json::to_string(&CancelRequest { run: "r1".into() }),
        serde_json::to_string(&RunEvent::State { run }),
        serde_json::to_string(&RunEvent::Output {
            stream: OutputStream::Stderr,
            text: "no\n".into(),
        }),
        serde_json::to_string(&RunEvent::Truncated { limit_bytes: 65_536 }),
        serde_json::to_string(&[
            status(CollectorState::Live),
            status(CollectorState::Failed {
                reason: "hung".into(),
                failures: 2,
                retry_at_ms: 9,
            }),
        ]),
    ];
    insta::assert_snapshot!(documents.map(Result::unwrap).join("\n"));
}
