//! What a client can do to the live plane over a real WebSocket, and what it is answered. Bad frames are in `echo.rs`; the
//! table of all of it is in docs/SECURITY.md.

use crate::{
    echo::{BINARY, CLOSE, CONTINUATION, FIN, Raw, TEXT, frame},
    plane::Plane,
};
use farol::{
    collectors::Outlet,
    live::LiveLimits,
    telemetry::{self, registry::Value as Number},
};
use farol_model::metric::{MetricSpec, Unit};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

const PATH: &str = "/connection/websocket";

/// Speaks the JSON protocol over a WebSocket by hand.
struct Spoken(Raw);

impl Spoken {
    async fn open(plane: &Plane) -> Spoken {
        Spoken(Raw::over(TcpStream::connect(plane.address).await.unwrap(), PATH).await)
    }

    async fn connected(plane: &Plane) -> Spoken {
        let mut spoken = Spoken::open(plane).await;
        spoken.say(&json!({"id": 1, "connect": {}})).await;
        assert!(spoken.heard().await[0]["connect"].is_object());
        spoken
    }

    async fn say(&mut self, command: &Value) {
        self.0.send(FIN | TEXT, command.to_string().as_bytes()).await;
    }

    /// The replies of the next message.
    async fn heard(&mut self) -> Vec<Value> {
        let (first, payload) = self.0.next().await.expect("the connection ended");
        assert_eq!(first, FIN | TEXT, "{payload:?}");
        let lines = payload.split(|byte| *byte == b'\n');
        lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
    }

    /// So many replies.
    async fn hear(&mut self, count: usize) -> Vec<Value> {
        let mut all = Vec::new();
        while all.len() < count {
            all.extend(self.heard().await);
        }
        all
    }
}

/// The head alone of a masked frame, its length as short as the rules have it.
fn head(first: u8, claimed: u64) -> Vec<u8> {
    let length = match (u8::try_from(claimed), u16::try_from(claimed)) {
        (Ok(size @ 0..126), _) => vec![0x80 | size],
        (_, Ok(size)) => [&[0x80 | 126][..], &size.to_be_bytes()].concat(),
        _ => [&[0x80 | 127][..], &claimed.to_be_bytes()].concat(),
    };
    [&[first][..], &length, &[1, 2, 3, 4]].concat()
}

#[tokio::test]
async fn what_is_too_large_is_refused_before_it_has_been_sent() {
    let plane = Plane::start().await;
    let limits = LiveLimits::default();
    let (before, after) = (limits.frame_bytes_before_connect, limits.frame_bytes);
    // Nothing of what is claimed ever comes, so the answer cannot have waited for it, and nothing can hold it.
    for claimed in [before as u64 + 1, 1 << 20, 1 << 40, (1 << 63) - 1] {
        let mut spoken = Spoken::open(&plane).await;
        spoken.0.0.write_all(&head(FIN | TEXT, claimed)).await.unwrap();
        assert_eq!(spoken.0.closed().await, 1009, "{claimed} before connect");
    }
    for claimed in [after as u64 + 1, 1 << 40] {
        let mut spoken = Spoken::connected(&plane).await;
        spoken.0.0.write_all(&head(FIN | TEXT, claimed)).await.unwrap();
        assert_eq!(spoken.0.closed().await, 1009, "{claimed} after connect");
    }
    // In fragments: the one that would pass the limit is refused by its head.
    let mut spoken = Spoken::open(&plane).await;
    spoken.0.send(TEXT, &vec![b' '; before - 1]).await;
    spoken.0.0.write_all(&head(CONTINUATION, 2)).await.unwrap();
    assert_eq!(spoken.0.closed().await, 1009, "fragments before connect");
    let mut spoken = Spoken::connected(&plane).await;
    spoken.0.send(TEXT, &vec![b' '; after]).await;
    spoken.0.0.write_all(&head(FIN | CONTINUATION, 1)).await.unwrap();
    assert_eq!(spoken.0.closed().await, 1009, "fragments after connect");
}

#[tokio::test]
async fn what_is_said_before_connect_or_is_no_command_ends_the_connection() {
    let plane = Plane::start().await;
    for said in [
        json!({"id": 1, "subscribe": {"channel": "metrics/local/cpu"}}),
        json!({"id": 1, "rpc": {"method": "run"}}),
        json!({"id": 1, "dance": {}}),
        json!([]),
    ] {
        let mut spoken = Spoken::open(&plane).await;
        spoken.say(&said).await;
        let replies = spoken.heard().await;
        assert_eq!(
            replies[0]["push"]["disconnect"]["code"], 3501,
            "{said}: {replies:?}"
        );
        assert_eq!(spoken.0.closed().await, 3501, "{said}");
    }
    let mut binary = Spoken::open(&plane).await;
    binary.0.send(FIN | BINARY, br#"{"id":1,"connect":{}}"#).await;
    binary.heard().await;
    assert_eq!(binary.0.closed().await, 3501, "a JSON connection speaks text");
}

#[tokio::test]
async fn odd_commands_are_answered_by_their_id_and_the_connection_lives() {
    let plane = Plane::start().await;
    let mut spoken = Spoken::connected(&plane).await;
    let subscribe = json!({"id": 7, "subscribe": {"channel": "room/odd"}});
    for said in [
        subscribe.clone(),
        subscribe,
        json!({"id": 7, "ping": {}}),
        json!({"id": 7, "ping": {}}),
        json!({"id": 8, "dance": {"token": "x"}}),
        json!({"id": u32::MAX, "ping": {}}),
    ] {
        spoken.say(&said).await;
    }
    let replies = spoken.hear(6).await;
    let ids: Vec<u64> = replies
        .iter()
        .map(|reply| reply["id"].as_u64().unwrap())
        .collect();
    assert_eq!(ids, [7, 7, 7, 7, 8, u64::from(u32::MAX)], "in order: {replies:?}");
    assert!(replies[0]["subscribe"].is_object(), "{replies:?}");
    assert_eq!(replies[1]["error"]["code"], 105, "{replies:?}");
    assert!(
        replies[2]["ping"].is_object() && replies[3]["ping"].is_object(),
        "{replies:?}"
    );
    assert_eq!(replies[4]["error"]["code"], 104, "{replies:?}");
}

#[tokio::test]
async fn more_channels_than_allowed_are_refused_one_by_one_and_a_burst_of_thousands_ends_it() {
    let plane = Plane::start().await;
    let channels = LiveLimits::default().channels;
    let mut spoken = Spoken::connected(&plane).await;
    for index in 0..channels + 12 {
        let channel = format!("room/r{index}");
        spoken
            .say(&json!({"id": index + 2, "subscribe": {"channel": channel}}))
            .await;
    }
    let replies = spoken.hear(channels + 12).await;
    let (taken, refused) = replies.split_at(channels);
    assert!(taken.iter().all(|reply| reply["subscribe"].is_object()));
    assert!(
        refused.iter().all(|reply| reply["error"]["code"] == 106),
        "{refused:?}"
    );
    spoken.say(&json!({"id": 999, "ping": {}})).await;
    assert_eq!(spoken.heard().await[0]["id"], 999, "it lives");
    // Ten thousand more, as fast as the socket takes them.
    let flood: Vec<u8> = (1000..11_000)
        .flat_map(|id| {
            let command = json!({"id": id, "subscribe": {"channel": format!("room/f{id}")}});
            frame(FIN | TEXT, command.to_string().as_bytes())
        })
        .collect();
    let (mut reading, mut writing) = spoken.0.0.into_split();
    // It may be cut off in the middle of its flood.
    let write = tokio::spawn(async move { drop(writing.write_all(&flood).await) });
    let mut heard = Vec::new();
    let _ = reading.read_to_end(&mut heard).await;
    let text = String::from_utf8_lossy(&heard);
    assert!(text.contains(r#""disconnect":{"code":3013,"#), "{text}");
    let close = [
        &[FIN | CLOSE][..],
        &[2 + "too many requests".len() as u8],
        &3013_u16.to_be_bytes(),
    ]
    .concat();
    assert!(heard.windows(close.len()).any(|window| window == close), "{text}");
    write.await.unwrap();
}

/// How often connections have ended with a code.
fn ended_with(code: &str) -> f64 {
    let all = telemetry::registry().snapshot();
    let points = all
        .families
        .get("farol_live_disconnects_total")
        .map(|family| &family.points);
    let of_code = points
        .into_iter()
        .flatten()
        .filter(|point| point.labels[0].1 == code);
    of_code
        .map(|point| match point.value {
            Number::Counter(count) => count,
            _ => 0.0,
        })
        .sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_does_not_read_is_let_go_and_holds_no_more_than_its_share() {
    telemetry::registry();
    let before = ended_with("3008");
    let limits = LiveLimits {
        queue_bytes: 256 * 1024,
        write_stall: Duration::from_millis(300),
        ..Default::default()
    };
    let queue_bytes = limits.queue_bytes;
    let plane = Plane::with(Duration::from_secs(3600), limits).await;
    let mut living = Spoken::connected(&plane).await;
    // A small window, so that little is on the way.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stuck = Spoken(Raw::over(socket.connect(plane.address).await.unwrap(), PATH).await);
    stuck.say(&json!({"id": 1, "connect": {}})).await;
    stuck.heard().await;
    let subscribe = json!({"id": 2, "subscribe": {"channel": "metrics/local/wide"}});
    // 100 kB and more in each frame.
    let schema: Arc<[MetricSpec]> = (0..5000)
        .map(|index| MetricSpec::gauge(&format!("wide_{index}"), Unit::None, "c", "a", "h"))
        .collect();
    let publish = |index: i64| {
        let values = vec![index as f64 + 0.123_456_789; schema.len()];
        plane
            .live
            .hub
            .frame("metrics/local/wide", &schema, 1_000 + index, 1, values);
    };
    publish(0);
    for spoken in [&mut living, &mut stuck] {
        spoken.say(&subscribe).await;
    }
    living.hear(1).await;
    // Of both readers.
    let held = || plane.live.registry.look(Duration::from_secs(1));
    let gone = async {
        let mut index = 0;
        while plane.live.registry.len() > 1 {
            index += 1;
            publish(index);
            // What the other one gets, it gets in order and whole.
            let heard = living.heard().await;
            assert!(
                heard[0]["push"]["pub"].is_object(),
                "{:.200}",
                heard[0].to_string()
            );
            assert!(held() <= 3 * queue_bytes, "{}", held());
        }
    };
    tokio::time::timeout(Duration::from_secs(60), gone)
        .await
        .expect("it is let go");
    assert_eq!(ended_with("3008") - before, 1.0);
}
