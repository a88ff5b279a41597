//! The page of live connections over real HTTP and real sockets: drawn before any script, read anew, acted upon.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail their test by panicking"
)]

mod common;

use common::TestServer;
use farol::db;
use futures::{SinkExt, StreamExt};
use reqwest::{Client, header};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};

/// As a failure only.
const PATIENCE: Duration = Duration::from_secs(20);

/// A client of the live plane in JSON.
struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    async fn connect(server: &TestServer, cookie: &str) -> (Socket, String) {
        let url = format!("ws://{}/connection/websocket", server.address);
        let mut request = url.into_client_request().unwrap();
        let headers = request.headers_mut();
        headers.insert(header::COOKIE, cookie.parse().unwrap());
        headers.insert(header::ORIGIN, server.url("").parse().unwrap());
        let mut socket = Socket(connect_async(request).await.unwrap().0);
        socket.say(&json!({"id": 1, "connect": {"name": "tester"}})).await;
        let welcome = socket.until(|reply| reply.get("connect").is_some()).await;
        (socket, welcome["connect"]["client"].as_str().unwrap().to_owned())
    }

    async fn say(&mut self, command: &Value) {
        self.0.send(Message::text(command.to_string())).await.unwrap();
    }

    async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = timeout(PATIENCE, self.0.next()).await.unwrap().unwrap().unwrap();
            let Message::Text(text) = message else { continue };
            let mut replies = text.lines().map(|line| serde_json::from_str(line).unwrap());
            if let Some(found) = replies.find(|reply| wanted(reply)) {
                return found;
            }
        }
    }
}

async fn read(server: &TestServer, client: &Client, query: &str) -> Value {
    let path = server.url(&format!("/api/fn/connections?{query}"));
    client.get(path).send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn the_page_lists_filters_and_opens_connections_without_a_script() {
    let server = TestServer::start().await;
    let operator = server.signed_in("operator").await;
    let cookie = server.cookie("viewer").await;
    let (mut socket, id) = Socket::connect(&server, &cookie).await;
    socket
        .say(&json!({"id": 2, "subscribe": {"channel": "collectors/local", "token": "s3cret"}}))
        .await;
    socket.until(|reply| reply["id"] == 2).await;
    let html = server
        .until(&operator, "/connections", |html| {
            html.contains("collectors/local") || html.contains("viewer (viewer)")
        })
        .await;
    assert!(
        html.contains(&format!("href=\"/connections?id={id}\"")),
        "leads to the details"
    );
    assert!(html.contains("1 connection<") && html.contains("tester") && html.contains("websocket"));
    let get = |path: String| {
        let operator = operator.clone();
        let url = server.url(&path);
        async move { operator.get(url).send().await.unwrap().text().await.unwrap() }
    };
    let none = get("/connections?q=nobody-has-this".into()).await;
    assert!(none.contains("No connection matches") && none.contains("0 of 1 connections match"));
    let sorted = get("/connections?sort=client-asc&q=tester".into()).await;
    assert!(sorted.contains("aria-sort=\"ascending\"") && sorted.contains(&id));
    let open = get(format!("/connections?id={id}&lines=true")).await;
    assert!(open.contains("Connection of viewer") && open.contains("collectors/local"));
    assert!(open.contains("Disconnect a client") && open.contains("from the client"));
    assert!(!open.contains("s3cret"), "a token is never shown");
    let gone = get("/connections?id=00000000000000000000000000000000".into()).await;
    assert!(gone.contains("Not connected now"));
    server.stop().await;
}

#[tokio::test]
async fn who_is_disconnected_is_told_why_and_the_log_has_it() {
    let server = TestServer::start().await;
    let operator = server.signed_in("operator").await;
    let cookie = server.cookie("viewer").await;
    for (then, code) in [("return", 3003), ("stay_away", 3503)] {
        let (mut socket, id) = Socket::connect(&server, &cookie).await;
        let key = format!("test-key-{then}");
        let reason = format!("updates of {then}");
        let form = [
            ("action", "live.disconnect"),
            ("key", &key),
            ("params[connection]", &id),
            ("params[then]", then),
            ("params[reason]", &reason),
            ("confirm", "true"),
        ];
        // Twice the same: once is done.
        for _ in 0..2 {
            let answer = operator.post(server.url("/api/fn/run")).form(&form).send().await;
            assert_eq!(answer.unwrap().status(), 200);
        }
        let push = socket
            .until(|reply| reply["push"].get("disconnect").is_some())
            .await;
        let told = &push["push"]["disconnect"];
        assert_eq!(told["code"], code, "{told}");
        assert_eq!(told["reason"], format!("ended by an operator: {reason}"));
        server
            .until(&operator, "/audit", |html| html.contains(&reason))
            .await;
    }
    server.stop().await;
}

#[tokio::test]
async fn a_viewer_is_refused_in_the_page_and_by_the_call_itself() {
    let server = TestServer::start().await;
    let viewer = server.signed_in("viewer").await;
    let page = viewer.get(server.url("/connections")).send().await.unwrap();
    assert_eq!(page.status(), 403);
    let html = page.text().await.unwrap();
    assert!(html.contains("Not for your role") && !html.contains("connection-table"));
    let call = server.url("/api/fn/connections?count=5");
    assert_eq!(viewer.get(&call).send().await.unwrap().status(), 403);
    assert_eq!(server.stranger().get(&call).send().await.unwrap().status(), 401);
    server.stop().await;
}

#[tokio::test]
async fn a_page_gets_the_rows_that_it_asks_for_and_no_more() {
    let server = TestServer::start().await;
    let operator = server.signed_in("operator").await;
    let cookie = server.cookie("viewer").await;
    let mut sockets = Vec::new();
    for _ in 0..5 {
        sockets.push(Socket::connect(&server, &cookie).await);
    }
    let answer = read(&server, &operator, "from=3&count=10&sort=age-desc&by_itself=true").await;
    assert_eq!(
        (&answer["matching"], &answer["from"]),
        (&json!(5), &json!(3)),
        "{answer}"
    );
    let ids: Vec<&str> = answer["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row[0].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), 2, "{answer}");
    assert!(ids.iter().all(|id| sockets.iter().any(|(_, known)| known == id)));
    assert_eq!(answer["actions"], json!([]), "they come with the page only");
    let all = read(&server, &operator, "count=4000000000").await;
    assert_eq!(all["rows"].as_array().unwrap().len(), 5);
    server.stop().await;
}

/// A screen that nobody looks at would otherwise keep its session for ever.
#[tokio::test]
async fn a_page_that_asks_by_itself_does_not_prolong_its_session() {
    let server = TestServer::start().await;
    let operator = server.signed_in("operator").await;
    let pool = db::open(server.data_dir.path()).await.unwrap();
    let prolonged = async || {
        let data: Vec<Vec<u8>> = sqlx::query_scalar("SELECT data FROM tower_sessions")
            .fetch_all(&pool)
            .await
            .unwrap();
        data.iter()
            .any(|data| data.windows(7).any(|part| part == b"seen_ms"))
    };
    read(&server, &operator, "count=5&by_itself=true").await;
    let charts = "/api/fn/overview?query=%3Frange%3D1h&only_charts=true&by_itself=true";
    assert_eq!(
        operator.get(server.url(charts)).send().await.unwrap().status(),
        200
    );
    assert!(!prolonged().await);
    read(&server, &operator, "count=5").await;
    assert!(prolonged().await);
    pool.close().await;
    server.stop().await;
}
