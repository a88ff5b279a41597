//! Carriers as `curl` would use them: what they say, what they refuse, what they bound.

use crate::plane::Plane;
use farol::live::LiveLimits;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;

pub const CPU: &str = "metrics/local/cpu";

/// A plane and a client of HTTP.
pub struct Plain {
    pub plane: Plane,
    pub http: Client,
}

impl Plain {
    async fn start() -> Plain {
        Plain::with(Duration::from_millis(20), LiveLimits::default()).await
    }

    pub async fn with(every: Duration, limits: LiveLimits) -> Plain {
        Plain {
            plane: Plane::with(every, limits).await,
            http: Client::new(),
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.plane.address)
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(self.url(path)).bearer_auth("good-token")
    }

    pub async fn poll(&self, query: &str) -> Value {
        let response = self.get(&format!("/live/poll?{query}")).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        response.json().await.unwrap()
    }

    /// Opens an http_stream that is connected; its session and its node.
    pub async fn open(&self) -> (Response, Value) {
        let connect = json!({"id": 1, "connect": {"token": "good-token"}});
        let request = self.http.post(self.url("/connection/http_stream")).json(&connect);
        let mut response = request.send().await.unwrap();
        let first = response.chunk().await.unwrap().unwrap();
        let reply: Value = serde_json::from_slice(&first).unwrap();
        (response, reply["connect"].clone())
    }

    async fn emulate(&self, body: &Value) -> StatusCode {
        let request = self.http.post(self.url("/emulation")).json(body);
        request.send().await.unwrap().status()
    }
}

/// Events of a stream as (name, id, data).
pub struct Events {
    response: Response,
    rest: String,
}

impl Events {
    pub async fn next(&mut self) -> Option<(String, String, Value)> {
        loop {
            if let Some((event, rest)) = self.rest.split_once("\n\n") {
                let event = event.to_owned();
                self.rest = rest.to_owned();
                let field = |name: &str| {
                    let line = event.lines().find_map(|line| line.strip_prefix(name));
                    line.unwrap_or_default().to_owned()
                };
                let data = serde_json::from_str(&field("data: ")).unwrap_or(Value::Null);
                return Some((field("event: "), field("id: "), data));
            }
            let chunk = self.response.chunk().await.ok()??;
            self.rest.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

pub async fn events(request: RequestBuilder) -> Events {
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    Events {
        response,
        rest: String::new(),
    }
}

#[tokio::test]
async fn events_begin_with_the_state_and_go_on_from_the_last_event_id() {
    let plain = Plain::start().await;
    let path = format!("/live/events?channels={CPU},runs/ticks");
    let mut stream = events(plain.get(&path)).await;
    let mut last_id = String::new();
    let mut seen = Vec::new();
    while seen.len() < 6 {
        let (name, id, data) = stream.next().await.unwrap();
        match name.as_str() {
            "subscribed" => assert!(data["data"].is_object(), "{data}"),
            _ => seen.push((data["channel"].clone(), data["offset"].as_u64().unwrap())),
        }
        last_id = id;
    }
    drop(stream);
    let mut stream = events(plain.get(&path).header("last-event-id", last_id)).await;
    while seen.len() < 20 {
        let (name, _, data) = stream.next().await.unwrap();
        match name.as_str() {
            "subscribed" => assert_eq!(data["recovered"], true, "{data}"),
            _ => seen.push((data["channel"].clone(), data["offset"].as_u64().unwrap())),
        }
    }
    for channel in [CPU, "runs/ticks"] {
        let offsets = seen
            .iter()
            .filter(|(of, _)| of == channel)
            .map(|(_, offset)| *offset);
        let offsets: Vec<u64> = offsets.collect();
        assert!(offsets.len() > 3);
        assert!(
            offsets.windows(2).all(|pair| pair[1] == pair[0] + 1),
            "{channel}: {offsets:?}"
        );
    }
}

#[tokio::test]
async fn a_poll_answers_with_the_state_then_with_what_was_missed() {
    let plain = Plain::start().await;
    let first = plain.poll(&format!("channels={CPU}")).await;
    assert_eq!(first["events"][0]["event"], "subscribed", "{first}");
    assert_eq!(
        first["events"][0]["data"]["schema"][0]["unit"], "percent",
        "{first}"
    );
    let mut since = first["since"].as_str().unwrap().to_owned();
    let mut next: u64 = since.rsplit_once(':').unwrap().1.parse::<u64>().unwrap() + 1;
    for _ in 0..5 {
        let answer = plain.poll(&format!("channels={CPU}&since={since}")).await;
        let published = answer["events"].as_array().unwrap();
        assert!(!published.is_empty(), "{answer}");
        for event in published {
            assert_eq!(
                (&event["event"], &event["offset"]),
                (&json!("publication"), &json!(next))
            );
            next += 1;
        }
        since = answer["since"].as_str().unwrap().to_owned();
    }
    // A position of another process: the answer says what is true now.
    let lost = plain.poll(&format!("channels={CPU}&since=00000000.9:3")).await;
    assert_eq!(lost["events"][0]["recovered"], false, "{lost}");
    // The session has ended with its request.
    tokio::time::timeout(Duration::from_secs(20), async {
        while !plain.plane.live.registry.is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the sessions of polls end");
}

#[tokio::test]
async fn a_poll_that_does_not_wait_answers_at_once_with_what_was_missed_or_nothing() {
    let plain = Plain::start().await;
    let path = |since: &str| format!("channels={CPU}&wait_ms=0&since={since}");
    let first = plain.poll(&format!("channels={CPU}")).await;
    let mut since = first["since"].as_str().unwrap().to_owned();
    let mut next: u64 = since.rsplit_once(':').unwrap().1.parse::<u64>().unwrap() + 1;
    // A frame comes every 20 ms; who asks without a pause finds nothing most of the time, and never misses one.
    let (mut empty, mut published) = (0, 0);
    while empty == 0 || published < 5 {
        let answer = plain.poll(&path(&since)).await;
        let events = answer["events"].as_array().unwrap();
        empty += usize::from(events.is_empty());
        for event in events {
            assert_eq!(event["offset"], json!(next), "{answer}");
            next += 1;
            published += 1;
        }
        since = answer["since"].as_str().unwrap().to_owned();
    }
    // A position of another process: the answer says what is true now, and does not wait either.
    let lost = plain.poll(&path("00000000.9:3")).await;
    assert_eq!(lost["events"][0]["recovered"], false, "{lost}");
    let wrong = plain.get("/live/poll?channels=metrics/local/cpu&wait_ms=soon");
    let wrong = wrong.send().await.unwrap();
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
    let words = wrong.text().await.unwrap();
    assert!(words.contains("wait_ms"), "{words}");
}

#[tokio::test]
async fn the_state_reaches_back_as_far_as_is_asked_for() {
    let plain = Plain::start().await;
    let rows = async |query: &str| {
        let answer = plain.poll(&format!("channels={CPU}{query}")).await;
        let values = &answer["events"][0]["data"]["snapshot"]["columns"][0]["values"];
        values.as_array().unwrap().len()
    };
    while rows("").await < 10 {
        tokio::task::yield_now().await;
    }
    assert_eq!(rows("&history_ms=1").await, 1);
    // A frame every 20 ms, both ends counted.
    assert_eq!(rows("&history_ms=100").await, 6);
    let mut stream = events(plain.get(&format!("/live/events?channels={CPU}&history_ms=1"))).await;
    let (name, _, data) = stream.next().await.unwrap();
    assert_eq!(name, "subscribed");
    let values = &data["data"]["snapshot"]["columns"][0]["values"];
    assert_eq!(values.as_array().unwrap().len(), 1, "{data}");
}

#[tokio::test]
async fn what_cannot_be_followed_is_refused_with_words() {
    let plain = Plain::start().await;
    let table = "/live/poll?channels=processes/local";
    let cases = [
        ("/live/events", 400, "names 1 to 128 channels"),
        (
            "/live/events?channels=no/such/thing",
            404,
            "There is no channel `no/such/thing`",
        ),
        (
            "/live/events?channels=runs/unknown",
            404,
            "There is no channel `runs/unknown`",
        ),
        (
            "/live/events?channels=metrics/local/cpu,metrics/local/cpu",
            400,
            "named twice",
        ),
        (table, 400, "Use /live/events"),
        ("/connection/sse", 400, "`cf_connect` is missing"),
        (
            "/connection/sse?cf_connect=x&cf_protocol=morse",
            400,
            "`json` or `protobuf`",
        ),
        (
            "/connection/sse?cf_connect=%21&cf_protocol=protobuf",
            400,
            "not Base64",
        ),
    ];
    for (path, status, words) in cases {
        let response = plain.get(path).send().await.unwrap();
        assert_eq!(response.status(), status, "{path}");
        let text = response.text().await.unwrap();
        assert!(text.contains(words), "{path}: {text}");
    }
    for path in ["/live/events", "/live/poll"] {
        let request = plain.http.get(plain.url(&format!("{path}?channels={CPU}")));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(response.headers()["www-authenticate"], "Bearer");
    }
    assert!(plain.plane.live.registry.is_empty());
}

#[tokio::test]
async fn a_command_reaches_its_own_session_and_no_other() {
    let plain = Plain::start().await;
    let (mut stream, connect) = plain.open().await;
    let command = |node: &Value, session: &Value| json!({"node": node, "session": session, "data": "{\"id\":2,\"ping\":{}}"});
    let (node, session) = (&connect["node"], &connect["session"]);
    assert_eq!(
        plain.emulate(&command(node, session)).await,
        StatusCode::NO_CONTENT
    );
    let answer = stream.chunk().await.unwrap().unwrap();
    assert_eq!(answer, "{\"id\":2,\"ping\":{}}\n");
    // Another process; a session that is over; no command at all; the other encoding.
    assert_eq!(
        plain.emulate(&command(&json!("farol-0"), session)).await,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        plain.emulate(&command(node, &json!("gone"))).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(plain.emulate(&json!([1])).await, StatusCode::BAD_REQUEST);
    let text = |field: u8, value: &Value| {
        let value = value.as_str().unwrap();
        [&[field, u8::try_from(value.len()).unwrap()], value.as_bytes()].concat()
    };
    let request = plain.http.post(plain.url("/emulation"));
    let binary = request
        .header("content-type", "application/octet-stream")
        .body([text(0x0a, node), text(0x12, session)].concat());
    assert_eq!(binary.send().await.unwrap().status(), StatusCode::BAD_REQUEST);
    // It hung up: its commands go nowhere, without an error.
    drop(stream);
    assert_eq!(
        plain.emulate(&command(node, session)).await,
        StatusCode::NO_CONTENT
    );
}

#[tokio::test]
async fn messages_are_bounded_before_they_are_read() {
    let plain = Plain::start().await;
    let large = "x".repeat(70 * 1024);
    for path in ["/connection/http_stream", "/emulation"] {
        let response = plain
            .http
            .post(plain.url(path))
            .body(large.clone())
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE, "{path}");
    }
    let response = plain
        .get(&format!("/connection/sse?cf_connect={}", "x".repeat(5000)))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let empty = plain
        .http
        .post(plain.url("/connection/http_stream"))
        .send()
        .await
        .unwrap();
    assert_eq!(empty.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_stopping_server_asks_to_come_back_later() {
    let plain = Plain::start().await;
    plain.plane.live.shutdown.cancel();
    let refused = plain
        .get(&format!("/live/poll?channels={CPU}"))
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers().contains_key("retry-after"));
}

/// A SignalR connection by hand.
struct ByHand<'a> {
    plain: &'a Plain,
    token: String,
}

impl ByHand<'_> {
    async fn negotiate(plain: &Plain) -> ByHand<'_> {
        let request = plain
            .http
            .post(plain.url("/signalr/negotiate?negotiateVersion=1"));
        let answer: Value = request
            .bearer_auth("good-token")
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let token = answer["connectionToken"].as_str().unwrap().to_owned();
        ByHand { plain, token }
    }

    fn path(&self) -> String {
        format!("/signalr?id={}", self.token)
    }

    async fn poll(&self) -> (StatusCode, String) {
        let response = self.plain.get(&self.path()).send().await.unwrap();
        (response.status(), response.text().await.unwrap())
    }

    async fn say(&self, record: &str) -> StatusCode {
        let request = self.plain.http.post(self.plain.url(&self.path()));
        let request = request.bearer_auth("good-token").body(format!("{record}\u{1e}"));
        request.send().await.unwrap().status()
    }
}

#[tokio::test]
async fn signalr_refuses_what_it_does_not_speak_and_closes_with_words() {
    let plain = Plain::start().await;
    let empty = (StatusCode::OK, String::new());
    let hand = ByHand::negotiate(&plain).await;
    assert_eq!(hand.say("{}").await, StatusCode::BAD_REQUEST, "not open yet");
    assert_eq!(hand.poll().await, empty, "the first poll opens");
    assert_eq!(
        hand.say(r#"{"protocol":"messagepack","version":1}"#).await,
        StatusCode::BAD_REQUEST
    );
    let (_, words) = hand.poll().await;
    assert!(
        words.contains("The hub protocol `messagepack`, version 1, is not spoken here"),
        "{words}"
    );
    assert_eq!(hand.poll().await.0, StatusCode::NO_CONTENT);
    assert_eq!(hand.poll().await.0, StatusCode::NOT_FOUND);

    let hand = ByHand::negotiate(&plain).await;
    hand.poll().await;
    assert_eq!(
        hand.say(r#"{"protocol":"json","version":1}"#).await,
        StatusCode::OK
    );
    assert_eq!(hand.poll().await, (StatusCode::OK, "{}\u{1e}".to_owned()));
    assert_eq!(hand.say(r#"{"type":99}"#).await, StatusCode::BAD_REQUEST);
    let (_, words) = hand.poll().await;
    assert!(
        words.contains(r#""error":"3501: bad request""#) && words.contains(r#""type":7"#),
        "{words}"
    );

    let hand = ByHand::negotiate(&plain).await;
    hand.poll().await;
    let ended = plain
        .http
        .delete(plain.url(&hand.path()))
        .bearer_auth("good-token")
        .send()
        .await;
    assert_eq!(ended.unwrap().status(), StatusCode::ACCEPTED);
    assert_eq!(hand.say("{}").await, StatusCode::NOT_FOUND);
    let unknown = plain.get("/signalr?id=0").send().await.unwrap();
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    let stranger = plain
        .http
        .post(plain.url("/signalr/negotiate"))
        .send()
        .await
        .unwrap();
    assert_eq!(stranger.status(), StatusCode::UNAUTHORIZED);
}
