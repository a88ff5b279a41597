//! The live plane as published clients see it, over real sockets: npm `centrifuge` (WebSocket in both encodings,
//! http_stream, SSE) and PyPI `centrifuge-python`. Nobody here wrote them. Also what is made for those who write clients:
//! the examples and the AsyncAPI document.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod asyncapi;
#[path = "../common/mod.rs"]
mod common;
mod echo;
mod endings;
mod examples;
mod hostile;
mod parquet;
mod plain;
mod plane;
mod process;
mod proxy;
mod schemathesis;
mod signalr;
mod socketio;

use farol::live::LiveLimits;
use plane::Plane;
use process::{node, python};
use proxy::Proxy;
use serde_json::{Value, json};
use std::{future::ready, time::Duration};

/// Every way that the npm client can come.
async fn a_life(transport: &str, encoding: &str) -> Value {
    let plane = Plane::start().await;
    let address = plane.address.to_string();
    let seen = node("centrifuge.mjs", &[&address, transport, encoding], ready(())).await;
    assert_eq!(seen["connects"], 2, "{seen}");
    assert_eq!(seen["transport"], transport, "{seen}");
    let subscribed = &seen["subscribed"];
    assert_eq!(subscribed[0]["recoverable"], true, "{seen}");
    assert_eq!(subscribed[0]["hasData"], true, "the snapshot: {seen}");
    assert_eq!(subscribed[1]["wasRecovering"], true, "{seen}");
    assert_eq!(subscribed[1]["recovered"], true, "{seen}");
    assert_eq!(
        seen["contiguous"], true,
        "no frame is missed and none comes twice: {seen}"
    );
    assert_eq!(seen["refused"]["code"], 102, "{seen}");
    assert_eq!(seen["collectors"][0]["name"], "cpu", "{seen}");
    assert_eq!(seen["run"]["run"], "r1", "{seen}");
    assert_eq!(seen["heldEvents"]["events"][0]["text"], "started\n", "{seen}");
    assert_eq!(seen["cancelled"]["status"], "cancelled", "{seen}");
    assert_eq!(seen["events"][0]["event"], "truncated", "{seen}");
    assert_eq!(seen["unknownMethod"]["code"], 404, "{seen}");
    assert_eq!(seen["presence"], json!(["7"]), "{seen}");
    assert_eq!(seen["said"], json!({"text": "hello"}), "{seen}");
    assert_eq!(seen["disconnected"]["code"], 4500, "{seen}");
    assert_eq!(seen["errors"], json!([]), "{seen}");
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn centrifuge_lives_over_websocket_in_json() {
    let seen = a_life("websocket", "json").await;
    assert_eq!(seen["snapshot"]["schema"][0]["unit"], "percent", "{seen}");
    assert!(seen["publications"][0][0].is_number(), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn centrifuge_lives_over_websocket_in_protobuf() {
    a_life("websocket", "protobuf").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn centrifuge_lives_over_http_stream_in_json() {
    a_life("http_stream", "json").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn centrifuge_lives_over_http_stream_in_protobuf() {
    a_life("http_stream", "protobuf").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn centrifuge_lives_over_sse() {
    a_life("sse", "json").await;
}

/// What a client saw of a stream and of metrics, cut after cut.
fn nothing_is_missed(seen: &Value, cuts: u64) {
    assert!(seen["connects"].as_u64().unwrap() > cuts / 2, "{seen}");
    // From the first subscription on: the held events of its answer are the client's start.
    assert_eq!(seen["stream"]["recoveredAlways"], true, "{seen}");
    assert_eq!(
        seen["stream"]["wrong"],
        json!([]),
        "every offset exactly once: {seen}"
    );
    assert_eq!(
        seen["metrics"]["wrong"],
        json!([]),
        "no gap without a snapshot: {seen}"
    );
    assert!(seen["stream"]["count"].as_u64().unwrap() > cuts, "{seen}");
}

const CUTS: usize = 200;

async fn through_cuts(transport: &str, encoding: &str) {
    let limits = LiveLimits {
        connections_per_address: 10_000,
        connections_per_user: 10_000,
        ..Default::default()
    };
    let plane = Plane::with(Duration::from_millis(20), limits).await;
    let mut proxy = Proxy::start(plane.address, CUTS).await;
    let address = proxy.address.to_string();
    let arguments = [&*address, transport, encoding];
    let seen = match transport {
        "python" => python("cuts.py", &[&address], proxy.done()).await,
        _ => node("cuts.mjs", &arguments, proxy.done()).await,
    };
    nothing_is_missed(&seen, CUTS as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_cuts_lose_nothing_over_websocket() {
    through_cuts("websocket", "json").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_cuts_lose_nothing_over_http_stream() {
    through_cuts("http_stream", "protobuf").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_cuts_lose_nothing_over_sse() {
    through_cuts("sse", "json").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_cuts_lose_nothing_for_python() {
    through_cuts("python", "json").await;
}
