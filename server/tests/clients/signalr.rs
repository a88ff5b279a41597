//! SignalR as the npm package `@microsoft/signalr` sees it.

use crate::{plane::Plane, process::node};
use serde_json::json;
use std::{future::ready, time::Duration};

async fn a_life(transport: &str) {
    let plane = Plane::start().await;
    let address = plane.address.to_string();
    let seen = node("signalr.mjs", &[&address, transport], ready(())).await;
    assert!(seen["refused"].as_str().unwrap().contains("401"), "{seen}");
    assert_eq!(
        seen["subscribed"]["data"]["schema"][0]["unit"], "percent",
        "{seen}"
    );
    let unknown = seen["unknownChannel"].as_str().unwrap();
    assert!(unknown.contains("102: There is no such channel."), "{seen}");
    assert_eq!(seen["run"], json!({"run": "r1"}), "{seen}");
    assert_eq!(seen["cancelled"], json!({"status": "cancelled"}), "{seen}");
    let unknown = seen["unknownMethod"].as_str().unwrap();
    assert!(unknown.contains("404: There is no method `nonsense`."), "{seen}");
    assert_eq!(seen["presence"], json!(["7"]), "{seen}");
    assert_eq!(seen["said"], json!({"text": "hello"}), "{seen}");
    assert_eq!(seen["history"], 1, "{seen}");
    assert!(seen["reconnecting"].as_str().unwrap().contains("3010"), "{seen}");
    assert!(seen["streamEnded"].as_str().is_some(), "{seen}");
    assert_eq!(
        (&seen["starts"], &seen["resumed"]),
        (&json!(2), &json!(true)),
        "{seen}"
    );
    assert_eq!(seen["contiguous"], true, "every offset exactly once: {seen}");
    assert!(seen["closed"].as_str().unwrap().contains("4500"), "{seen}");
    // All of them are gone, the last one because it stopped.
    tokio::time::timeout(Duration::from_secs(20), async {
        while !plane.live.registry.is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("a client that stopped is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn signalr_lives_over_websockets() {
    a_life("WebSockets").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signalr_lives_over_server_sent_events() {
    a_life("ServerSentEvents").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signalr_lives_over_long_polling() {
    a_life("LongPolling").await;
}
