//! Charts as pictures, as a program asks for them.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail their test by panicking")]

mod common;

use common::TestServer;
use farol::config::Config;
use reqwest::{Client, Response, header};
use serde_json::Value;

struct Api {
    server: TestServer,
    client: Client,
    token: String,
}

impl Api {
    /// A server that has written some history of its own machine.
    async fn start() -> Api {
        let server = TestServer::start_with(Config::load(None).unwrap()).await;
        let api = Api {
            client: server.anonymous(),
            token: server.token("viewer").await,
            server,
        };
        loop {
            let answer = api.get("query_range?match=memory_used_bytes&start=-1h").await;
            let answer: Value = answer.json().await.unwrap();
            let counts = answer["series"][0]["count"].as_array();
            if counts.is_some_and(|counts| counts.iter().filter_map(Value::as_u64).sum::<u64>() >= 3) {
                return api;
            }
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    }

    async fn get(&self, path: &str) -> Response {
        let request = self.client.get(self.server.url(&format!("/api/v1/{path}")));
        request.bearer_auth(&self.token).send().await.unwrap()
    }

    async fn refused(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), 422, "{path}");
        let problem: Value = answer.json().await.unwrap();
        problem["detail"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_chart_of_the_past_is_drawn_as_svg_and_as_png_and_what_makes_no_sense_is_refused() {
    let api = Api::start().await;

    let answer = api
        .get("render.svg?match=memory_used_bytes&start=-1m&title=Memory%20%26%20more&theme=dark")
        .await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "image/svg+xml");
    let svg = answer.text().await.unwrap();
    for part in [
        "width=\"800\" height=\"300\"",
        ">Memory &amp; more<",
        "#0f1a23",
        "stroke=\"#58b5f2\"",
        "iB",
    ] {
        assert!(svg.contains(part), "{part} is missing in {svg}");
    }

    // Without a title the chart's name stands there; series of the same title are told apart.
    let svg = api
        .get("render.svg?match=network_received_bytes_per_second&start=-1m")
        .await
        .text()
        .await
        .unwrap();
    assert!(svg.starts_with("<svg "), "{svg}");

    let answer = api
        .get("render.png?match=memory_used_bytes&start=-1m&width=500&height=200&scale=2")
        .await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "image/png");
    let png = answer.bytes().await.unwrap();
    assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"));
    let size = |from: usize| u32::from_be_bytes(png[from..from + 4].try_into().unwrap());
    assert_eq!((size(16), size(20)), (1000, 400), "PNG section 11.2.1");

    let svg = api
        .get("render.svg?match=no_such_metric&start=-1m")
        .await
        .text()
        .await
        .unwrap();
    assert!(svg.contains("No values in this time"), "{svg}");

    let mixed = api
        .refused("render.svg?match=memory_used_bytes&match=cpu_usage_percent&start=-1m")
        .await;
    assert!(mixed.contains("bytes and percent"), "{mixed}");
    for (path, word) in [
        (
            "render.svg?match=a&start=-1m&width=10",
            "width must be from 240 to 4000",
        ),
        ("render.svg?match=a&start=-1m&height=x", "height"),
        ("render.svg?match=a&start=-1m&theme=red", "light or dark"),
        ("render.svg?match=a&start=-1m&scale=2", "no parameter `scale`"),
        (
            "render.png?match=a&start=-1m&scale=3",
            "scale must be from 1 to 2",
        ),
        ("render.svg?match=a&start=soon", "as -6h"),
        ("render.svg?start=-1m", "selectors"),
    ] {
        let words = api.refused(path).await;
        assert!(words.contains(word), "{path}: {words}");
    }
    let long = format!("render.svg?match=a&start=-1m&title={}", "x".repeat(201));
    assert!(api.refused(&long).await.contains("200 letters"));

    looks(&api).await;

    let anonymous = api
        .client
        .get(api.server.url("/api/v1/render.svg?match=a&start=-1m"));
    assert_eq!(anonymous.send().await.unwrap().status(), 401);
}

/// Pictures are drawn as pages are, and refuse what pages refuse.
async fn looks(api: &Api) {
    // The first second has no processor time yet, and the last may not be written down.
    let drawn = async |query: &str, parts: &[&str]| loop {
        let answer = api.get(&format!("render.svg?start=-1m&{query}")).await;
        assert_eq!(answer.status(), 200, "{query}");
        let svg = answer.text().await.unwrap();
        if parts.iter().all(|part| svg.contains(part)) {
            return svg;
        }
        assert!(
            svg.contains("No values in this time"),
            "{query}: not all of {parts:?} in {svg}"
        );
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    };
    // Parts of a whole are a stack when nobody says.
    drawn("match=cpu_mode_percent", &["fill-opacity=\"0.45\"", ">100%<"]).await;
    drawn("match=memory_used_bytes&mode=bars", &["fill-opacity=\"0.85\""]).await;
    drawn(
        "match=memory_used_bytes&mode=heat",
        &["height=\"12\" fill=\"#076fb8\""],
    )
    .await;
    let svg = drawn(
        "match=memory_used_bytes&match=memory_available_bytes&axis=log&hide=memory_used_bytes&compare=1d",
        &["Dashed: a day earlier."],
    )
    .await;
    assert!(!svg.contains("#076fb8"), "the hidden one keeps its colour: {svg}");
    let png = api
        .get("render.png?match=memory_used_bytes&start=-1m&mode=states")
        .await;
    assert_eq!(png.status(), 200);
    for (query, word) in [
        ("mode=pie", "there are lines, area, stacked, bars, heat, states"),
        ("mode=bars&mode=area", "once"),
        ("axis=up", "linear, log"),
        ("compare=soon", "36h"),
        ("sort=max", "no parameter `sort`"),
    ] {
        let words = api
            .refused(&format!("render.svg?match=a&start=-1m&{query}"))
            .await;
        assert!(words.contains(word), "{query}: {words}");
    }
}
