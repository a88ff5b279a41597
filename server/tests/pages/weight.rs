//! What a page weighs on its way to a browser.

use crate::common::TestServer;
use farol_model::sample::ChannelView;
use flate2::read::MultiGzDecoder;
use reqwest::{Client, header};
use std::io::Read;

/// The overview of a time that is past, bytes on the way. It has four charts, each with its menu and its legend, five vital signs and three
/// lists; what it says of a few seconds more or less of history is little beside.
const OVERVIEW_MOST: usize = 20_000;

struct Sent {
    bytes: usize,
    packed: bool,
    html: String,
}

/// Asks as a browser does, told by a page `from` where.
async fn asked(client: &Client, url: String, from: &str) -> Sent {
    let request = client
        .get(url)
        .header(header::ACCEPT_ENCODING, "gzip, deflate, br, zstd")
        .header("sec-fetch-site", from);
    let answer = request.send().await.unwrap();
    let packed = answer
        .headers()
        .get(header::CONTENT_ENCODING)
        .is_some_and(|encoding| encoding == "gzip");
    let bytes = answer.bytes().await.unwrap();
    let mut html = String::new();
    match packed {
        true => MultiGzDecoder::new(&bytes[..]).read_to_string(&mut html).unwrap(),
        false => (&bytes[..]).read_to_string(&mut html).unwrap(),
    };
    Sent {
        bytes: bytes.len(),
        packed,
        html,
    }
}

fn values(channels: &serde_json::Value) -> Vec<(String, usize)> {
    let channels: Vec<ChannelView> = serde_json::from_value(channels.clone()).unwrap();
    let told = |view: ChannelView| {
        let columns = view.snapshot.columns;
        let some = columns.iter().filter(|column| !column.values.is_empty());
        (view.channel, some.count())
    };
    channels.into_iter().map(told).collect()
}

#[tokio::test]
async fn the_overview_of_a_past_time_is_light_and_says_each_thing_once() {
    let server = TestServer::start().await;
    let client = server.signed_in("viewer").await;
    let charts = |html: &str| html.matches("class=\"chart still").count();
    server
        .until(&client, "/?range=15m", |html| {
            charts(html) == 4 && html.matches("class=\"tile\"").count() == 5
        })
        .await;
    let sent = asked(&client, server.url("/?range=15m"), "none").await;
    assert!(sent.packed && sent.bytes < OVERVIEW_MOST, "{}", sent.bytes);
    assert_eq!(charts(&sent.html), 4);
    let (drawn, beside) = sent.html.split_once("__RESOLVED_RESOURCES[").unwrap();
    assert!(
        !beside.contains("chart-title"),
        "what is drawn is told once: {beside}"
    );
    assert!(
        drawn.matches("chart-menu").count() == 4 && !beside.contains("chart-menu"),
        "nothing is told of charts that are live"
    );

    let ask = async |query: &str| -> serde_json::Value {
        let url = server.url(&format!("/api/fn/overview?query={query}"));
        let text = client.get(url).send().await.unwrap().text().await.unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let (past, live) = (ask("%3Frange%3D15m").await, ask("").await);
    assert!(
        past["charts"].as_str().unwrap().contains("chart-title"),
        "who asks for it alone is told it"
    );
    assert_eq!(past["live"], serde_json::json!([]));
    let past = values(&past["channels"]);
    assert!(
        past.len() == 5 && past.iter().all(|(_, some)| *some == 1),
        "one vital sign of each: {past:?}"
    );
    assert_eq!(live["live"].as_array().map(Vec::len), Some(4));
    let live = values(&live["channels"]);
    let some = |group: &str| {
        let found = live.iter().find(|(name, _)| name.ends_with(group));
        found.map(|(_, some)| *some)
    };
    assert_eq!((some("/cpu"), some("/load")), (Some(1), Some(1)), "{live:?}");
    assert!(some("/memory") > Some(1), "a sign and a chart: {live:?}");
    server.stop().await;
}

#[tokio::test]
async fn pages_are_packed_for_us_alone() {
    let server = TestServer::start().await;
    let client = server.signed_in("admin").await;
    for path in [
        "/host",
        "/explore?p=load1",
        "/boards",
        "/lab",
        "/settings",
        "/no/such/page",
    ] {
        let ours = asked(&client, server.url(path), "same-origin").await;
        assert!(ours.packed, "{path}");
        assert!(ours.html.contains("</body>"), "{path}: {}", ours.html);
        assert!(
            ours.bytes * 2 < ours.html.len(),
            "{path}: {} of {}",
            ours.bytes,
            ours.html.len()
        );
        let theirs = asked(&client, server.url(path), "cross-site").await;
        assert!(
            !theirs.packed && theirs.html.contains("<title>"),
            "{path}: what others made a browser ask for is not packed"
        );
    }
    for path in ["/api/v1/series?q=load", "/healthz"] {
        assert!(
            !asked(&client, server.url(path), "same-origin").await.packed,
            "{path}"
        );
    }
    server.stop().await;
}
