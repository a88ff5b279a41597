//! Socket.IO as the npm package `socket.io-client` sees it.

use crate::{plane::Plane, process::node};
use serde_json::{Value, json};
use std::future::ready;

async fn a_life(kind: &str) -> Value {
    let plane = Plane::start().await;
    let address = plane.address.to_string();
    let seen = node("socketio.mjs", &[&address, kind], ready(())).await;
    assert!(seen["refused"].as_str().unwrap().contains("Sign in"), "{seen}");
    assert_eq!(seen["connects"], 3, "{seen}");
    assert_eq!(
        seen["subscribed"]["data"]["schema"][0]["unit"], "percent",
        "{seen}"
    );
    assert_eq!(seen["unknownChannel"]["error"]["code"], 102, "{seen}");
    assert_eq!(seen["unknownRequest"]["error"]["code"], 104, "{seen}");
    assert_eq!(seen["notAnObject"]["error"]["code"], 107, "{seen}");
    assert_eq!(seen["run"]["data"], json!({"run": "r1"}), "{seen}");
    assert_eq!(seen["unknownMethod"]["error"]["code"], 404, "{seen}");
    let present = seen["presence"]["presence"].as_object().unwrap();
    assert_eq!(present.values().next().unwrap()["user"], "7", "{seen}");
    assert_eq!(seen["said"], json!({"text": "hello"}), "{seen}");
    assert_eq!(seen["left"], json!({}), "{seen}");
    let back = json!({"recovered": true, "wasRecovering": true});
    assert_eq!(seen["resubscribed"], back, "{seen}");
    assert_eq!(seen["cut"]["reconnect"], true, "{seen}");
    assert_eq!(seen["cutReason"], "io server disconnect", "{seen}");
    assert_eq!(seen["contiguous"], true, "every offset exactly once: {seen}");
    assert_eq!(seen["signedOut"]["code"], 4500, "{seen}");
    assert_eq!(seen["signedOut"]["reconnect"], Value::Null, "{seen}");
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn socket_io_lives_over_polling() {
    assert_eq!(a_life("polling").await["transport"], "polling");
}

#[tokio::test(flavor = "multi_thread")]
async fn socket_io_lives_over_websocket() {
    assert_eq!(a_life("websocket").await["transport"], "websocket");
}

#[tokio::test(flavor = "multi_thread")]
async fn socket_io_lives_through_an_upgrade() {
    assert_eq!(a_life("upgrade").await["transport"], "websocket");
}
