//! HTTP/2: pages and carriers over it, WebSocket not over it, and what a client may not make us hold.

use crate::{
    encrypted, impatient,
    raw::{
        CONTINUATION, END_HEADERS, END_STREAM, Frame, GOAWAY, HEADERS, Http2, RST_STREAM, SETTINGS, field,
        request, tls,
    },
};
use reqwest::{Response, Version};
use serde_json::{Value, json};
use std::{collections::HashMap, time::Duration};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Codes of RFC 9113 section 7.
const PROTOCOL_ERROR: u32 = 1;
const REFUSED_STREAM: u32 = 7;
const ENHANCE_YOUR_CALM: u32 = 11;

fn over_http2(response: Response) -> Response {
    assert_eq!(response.version(), Version::HTTP_2, "{response:?}");
    response
}

/// The next chunk with these words in what has come so far.
async fn until(response: &mut Response, words: &str) -> String {
    let mut seen = String::new();
    while !seen.contains(words) {
        let chunk = tokio::time::timeout(Duration::from_secs(30), response.chunk()).await;
        let chunk = chunk.expect("nothing came").unwrap().expect("it ended");
        seen.push_str(&String::from_utf8_lossy(&chunk));
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_carriers_come_over_http2() {
    let server = encrypted().await;
    let stranger = server.anonymous().get(server.url("/")).send().await.unwrap();
    assert_eq!(over_http2(stranger).status(), 302);
    let viewer = server.signed_in("viewer").await;
    let page = over_http2(viewer.get(server.url("/")).send().await.unwrap());
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains("</html>"));
    let forged = viewer
        .post(server.url("/api/auth/sign-out"))
        .header("origin", "https://evil.example");
    assert_eq!(over_http2(forged.send().await.unwrap()).status(), 403);

    let channel = "metrics/local/cpu";
    let events = viewer.get(server.url(&format!("/live/events?channels={channel}")));
    let mut events = over_http2(events.send().await.unwrap());
    until(&mut events, "event: subscribed").await;
    until(&mut events, "data: ").await;

    let poll = viewer.get(server.url(&format!("/live/poll?channels={channel}")));
    let first: Value = over_http2(poll.send().await.unwrap()).json().await.unwrap();
    let since = first["since"].as_str().unwrap();
    let poll = viewer.get(server.url(&format!("/live/poll?channels={channel}&since={since}")));
    let next: Value = over_http2(poll.send().await.unwrap()).json().await.unwrap();
    assert_eq!(next["events"][0]["event"], "publication", "{next}");

    let stream = viewer.post(server.url("/connection/http_stream"));
    let stream = stream
        .json(&json!({"id": 1, "connect": {}}))
        .send()
        .await
        .unwrap();
    let mut stream = over_http2(stream);
    let connect: Value = serde_json::from_str(&until(&mut stream, "\n").await).unwrap();
    let (node, session) = (&connect["connect"]["node"], &connect["connect"]["session"]);
    let command = json!({"node": node, "session": session, "data": "{\"id\":2,\"ping\":{}}"});
    let emulated = viewer
        .post(server.url("/emulation"))
        .json(&command)
        .send()
        .await
        .unwrap();
    assert_eq!(over_http2(emulated).status(), 204);
    until(&mut stream, r#"{"id":2,"ping":{}}"#).await;

    let connect = "%7B%22id%22%3A1%2C%22connect%22%3A%7B%7D%7D";
    let sse = viewer.get(server.url(&format!("/connection/sse?cf_connect={connect}")));
    until(&mut over_http2(sse.send().await.unwrap()), r#""connect""#).await;

    let engine = viewer.get(server.url("/socket.io/?EIO=4&transport=polling"));
    let engine = over_http2(engine.send().await.unwrap()).text().await.unwrap();
    assert!(engine.starts_with("0{"), "{engine}");
    let negotiate = viewer.post(server.url("/signalr/negotiate?negotiateVersion=1"));
    assert_eq!(over_http2(negotiate.send().await.unwrap()).status(), 200);
}

#[tokio::test]
async fn websocket_is_not_offered_over_http2_and_refused_where_it_is_tried() {
    let server = encrypted().await;
    let mut http2 = Http2::open(server.address, server.pem()).await;
    let settings = settings(&http2.next_of(SETTINGS).await);
    // SETTINGS_ENABLE_CONNECT_PROTOCOL (RFC 8441 section 3).
    assert_eq!(settings.get(&8), None, "{settings:?}");
    let extended = request(
        "CONNECT",
        "/connection/websocket",
        &[(":protocol", "websocket"), ("sec-websocket-version", "13")],
    );
    http2.send(&Frame::new(HEADERS, END_HEADERS, 1, &extended)).await;
    let reset = http2.next_of(RST_STREAM).await;
    assert_eq!((reset.stream, reset.error_code()), (1, PROTOCOL_ERROR));
    // The connection lives. What is no tunnel by the rules either is told with words.
    let tunnel = [(":method", "CONNECT"), (":authority", "localhost:22")];
    let tunnel: Vec<u8> = tunnel
        .iter()
        .flat_map(|(name, value)| field(name, value))
        .collect();
    http2
        .send(&Frame::new(HEADERS, END_HEADERS | END_STREAM, 3, &tunnel))
        .await;
    let answer = http2.next_of(HEADERS).await;
    assert_eq!(answer.stream, 3);
    assert!(
        String::from_utf8_lossy(&answer.payload).contains("501")
            || answer.payload.windows(3).any(|w| w == HUFFMAN_501),
        "{answer:?}"
    );
    // A GET there says what to do.
    let client = server.client().build().unwrap();
    let bare = client
        .get(server.url("/connection/websocket"))
        .send()
        .await
        .unwrap();
    assert_eq!(over_http2(bare).status(), 426);
    // And a client that asks for HTTP/1.1 gets it: that is how browsers open a WebSocket then.
    let stream = tls(server.address, server.pem(), &["http/1.1"]).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
}

/// `501` as HPACK writes it shorter (RFC 7541 appendix B: 5 is 011011, 0 is 00000, 1 is 00001).
const HUFFMAN_501: [u8; 3] = [0x82, 0b0110_1100, 0b0000_0001];

fn settings(frame: &Frame) -> HashMap<u16, u32> {
    let pairs = frame.payload.chunks(6).map(|pair| {
        let id = u16::from_be_bytes([pair[0], pair[1]]);
        (id, u32::from_be_bytes(pair[2..].try_into().unwrap()))
    });
    pairs.collect()
}

#[tokio::test]
async fn what_a_client_may_make_us_hold_is_told_in_the_settings_and_holds() {
    let server = encrypted().await;
    let mut http2 = Http2::open(server.address, server.pem()).await;
    let told = settings(&http2.next_of(SETTINGS).await);
    let streams = told[&3];
    assert_eq!(
        (streams, told[&4], told[&6]),
        (128, 64 * 1024, 32 * 1024),
        "{told:?}"
    );
    // Requests whose bodies do not come: as many as are allowed are held, the next is refused and may be sent again.
    let form = ("content-type", "application/x-www-form-urlencoded");
    let post = request(
        "POST",
        "/api/auth/sign-in",
        &[form, ("origin", "https://localhost")],
    );
    for index in 0..=streams {
        http2
            .send(&Frame::new(HEADERS, END_HEADERS, index * 2 + 1, &post))
            .await;
    }
    let reset = http2.next_of(RST_STREAM).await;
    assert_eq!(
        (reset.stream, reset.error_code()),
        (streams * 2 + 1, REFUSED_STREAM)
    );
    // A header that is too large is answered and not held.
    let mut http2 = Http2::open(server.address, server.pem()).await;
    let large = "x".repeat(8_000);
    let fields: Vec<(&str, &str)> = vec![("x-large", &large); 5];
    let header = request("GET", "/healthz", &fields);
    let (first, rest) = header.split_at(16_000);
    http2.send(&Frame::new(HEADERS, END_STREAM, 1, first)).await;
    let (second, third) = rest.split_at(16_000);
    http2.send(&Frame::new(CONTINUATION, 0, 1, second)).await;
    http2.send(&Frame::new(CONTINUATION, END_HEADERS, 1, third)).await;
    let answer = loop {
        let frame = http2.next().await.expect("it ended without a word");
        if [HEADERS, RST_STREAM, GOAWAY].contains(&frame.kind) {
            break frame;
        }
    };
    assert_eq!(answer.kind, HEADERS, "431: {answer:?}");
}

#[tokio::test]
async fn requests_that_are_taken_back_at_once_end_the_connection() {
    let server = encrypted().await;
    let mut http2 = Http2::open(server.address, server.pem()).await;
    http2.next_of(SETTINGS).await;
    let get = request("GET", "/healthz", &[]);
    let cancel = 8_u32.to_be_bytes();
    let flood: Vec<u8> = (0..200)
        .flat_map(|index| {
            let stream = index * 2 + 1;
            [
                Frame::new(HEADERS, END_HEADERS | END_STREAM, stream, &get).bytes(),
                Frame::new(RST_STREAM, 0, stream, &cancel).bytes(),
            ]
            .concat()
        })
        .collect();
    // It may be cut off in the middle.
    let _ = http2.0.write_all(&flood).await;
    let _ = http2.0.flush().await;
    let rest = http2.rest().await;
    let goodbye = rest.iter().find(|frame| frame.kind == GOAWAY).expect("a GOAWAY");
    assert_eq!(goodbye.error_code(), ENHANCE_YOUR_CALM);
    // Others are not disturbed.
    assert_eq!(server.status("/healthz").await, 200);
}

#[tokio::test]
async fn a_header_that_never_ends_is_cut_off_long_before_it_is_large() {
    let server = encrypted().await;
    let mut http2 = Http2::open(server.address, server.pem()).await;
    http2.next_of(SETTINGS).await;
    let begun = Frame::new(HEADERS, END_STREAM, 1, &request("GET", "/healthz", &[]));
    http2.send(&begun).await;
    // CVE-2024-27316. Far more than a client may send in one go, so that an end by the server is what stops it.
    let more = Frame::new(CONTINUATION, 0, 1, &field("x-more", &"x".repeat(1000))).bytes();
    let mut sent = 0;
    while sent < 64 * 1024 * 1024 && http2.0.write_all(&more).await.is_ok() {
        sent += more.len();
    }
    assert!(sent < 8 * 1024 * 1024, "{sent} bytes of it were taken");
    assert_eq!(server.status("/healthz").await, 200);
}

#[tokio::test]
async fn who_asks_nothing_is_let_go_and_who_waits_for_an_answer_is_not() {
    let server = impatient().await;
    let mut silent = tls(server.address, server.pem(), &["h2"]).await;
    let mut greeted = Http2::open(server.address, server.pem()).await;
    let mut half = Http2::open(server.address, server.pem()).await;
    let get = request("GET", "/healthz", &[]);
    // A header that does not end.
    half.send(&Frame::new(HEADERS, END_STREAM, 1, &get)).await;
    // One whose answer goes on.
    let viewer = server.signed_in("viewer").await;
    let events = viewer.get(server.url("/live/events?channels=metrics/local/cpu"));
    let mut events = over_http2(events.send().await.unwrap());
    let mut rest = Vec::new();
    let closed = silent.read_to_end(&mut rest);
    let _ = tokio::time::timeout(Duration::from_secs(30), closed)
        .await
        .expect("it is let go");
    for http2 in [&mut greeted, &mut half] {
        // It does not answer our pings, and is not waited for.
        let frames = http2.rest().await;
        assert!(frames.iter().any(|frame| frame.kind == GOAWAY), "{frames:?}");
    }
    // One a second: by then it stands for several times as long as who is silent may stay.
    for _ in 0..5 {
        until(&mut events, "data: ").await;
    }
}
