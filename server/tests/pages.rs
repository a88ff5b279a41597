//! What a browser gets before any script has run, and what it gets without the right to it.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail their test by panicking")]

mod common;

#[path = "pages/boards.rs"]
mod boards;
#[path = "pages/weight.rs"]
mod weight;

use common::TestServer;
use farol::config::Config;
use reqwest::header;
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::Relaxed},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

#[tokio::test]
async fn the_overview_is_drawn_with_real_numbers_before_any_script() {
    let server = TestServer::start().await;
    let client = server.signed_in("viewer").await;
    let page = server
        .until(&client, "/", |html| {
            html.contains("<svg") && html.contains("chart")
        })
        .await;
    let memory_bytes = std::fs::read_to_string("/proc/meminfo").unwrap();
    assert!(
        memory_bytes.contains("MemTotal"),
        "the test wants a Linux machine"
    );
    assert!(
        page.contains(" %") || page.contains("%</"),
        "a percentage with its unit"
    );
    assert!(
        page.contains("GiB") || page.contains("MiB"),
        "memory in bytes with its unit"
    );
    assert!(
        !page.contains("style=\""),
        "an inline style would violate the policy"
    );
    server.stop().await;
}

/// What stands between two words, wherever it does.
fn between<'a>(html: &'a str, start: &str, end: char) -> Vec<&'a str> {
    let found = html.split(start).skip(1);
    found.filter_map(|rest| rest.split(end).next()).collect()
}

#[tokio::test]
async fn the_charts_of_the_overview_show_any_time_while_all_else_stays_live() {
    let server = TestServer::start().await;
    let client = server.signed_in("viewer").await;
    let tiles = |html: &str| html.matches("class=\"tile\"").count();
    let titles = |html: &str| -> Vec<String> {
        let found = between(html, "class=\"chart-title\">", '<');
        found.into_iter().map(str::to_owned).collect()
    };
    let live = server
        .until(&client, "/", |html| tiles(html) == 5 && titles(html).len() == 4)
        .await;
    assert!(
        live.contains("href=\"/?range=1h\"") && live.contains("href=\"/?overview\""),
        "{live}"
    );
    assert!(
        !live.contains("chart still"),
        "nothing of the past is drawn: {live}"
    );

    let past = server
        .until(&client, "/?range=15m", |html| {
            html.matches("class=\"chart still").count() == 4 && html.contains("What is marked")
        })
        .await;
    assert_eq!(titles(&past), titles(&live), "the same charts");
    assert_eq!(tiles(&past), 5);
    assert!(
        past.contains("Values as CSV") && !past.contains("style=\""),
        "{past}"
    );
    assert_eq!(past.matches("class=\"drop chart-menu\"").count(), 4);

    let query = format!("/?range=15m&mode=bars&compare=1h&chart={}", titles(&live)[1]);
    let alone = client.get(server.url(&query)).send().await.unwrap();
    let alone = alone.text().await.unwrap();
    assert_eq!(titles(&alone), [titles(&live)[1].clone()]);
    assert!(
        alone.contains("chart still alone") && alone.contains("is known of an hour earlier"),
        "{alone}"
    );
    for (query, words) in [
        ("range=2y", "there are 5m, 15m, 1h"),
        ("from=100&to=50", "end after it begins"),
        ("range=1h&mode=pie", "there are lines, area, stacked"),
        ("range=1h&chart=none", "There is no chart"),
    ] {
        let answer = client
            .get(server.url(&format!("/?{query}")))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200, "{query}");
        let html = answer.text().await.unwrap();
        assert!(
            html.contains(words) && html.contains("aria-label=\"Time\"") && titles(&html).is_empty(),
            "{query}: {html}"
        );
        assert_eq!(tiles(&html), 5, "{query}");
    }
    let before = client.get(server.url("/?from=1000000000&to=1000003600"));
    let before = before.send().await.unwrap().text().await.unwrap();
    assert_eq!(titles(&before), titles(&live));
    assert_eq!(
        before
            .matches("class=\"chart-empty\">No values in this time")
            .count(),
        4,
        "{before}"
    );
    server.stop().await;
}

/// What a page asks again and again is no more than it draws.
#[tokio::test]
async fn an_overview_that_stands_is_told_its_charts_alone() {
    let mut config = farol::config::Config::default();
    config.history.enabled = false;
    let server = TestServer::start_with(config).await;
    let client = server.signed_in("viewer").await;
    let ask = async |query: &str| -> serde_json::Value {
        let url = server.url(&format!("/api/fn/overview?{query}"));
        let text = client.get(url).send().await.unwrap().text().await.unwrap();
        serde_json::from_str(&text).unwrap()
    };
    server
        .until(&client, "/", |html| html.matches("class=\"tile\"").count() == 5)
        .await;
    let past = ask("query=%3Frange%3D1h").await;
    assert!(past["channels"].as_array().is_some_and(|all| all.len() == 5));
    let charts = ask("query=%3Frange%3D1h&only_charts=true&by_itself=true").await;
    assert_eq!(charts["channels"], serde_json::json!([]));
    for view in [past, charts] {
        let html = view["charts"].as_str().unwrap();
        assert!(
            html.contains("This cannot be shown") && html.contains("No history is kept here"),
            "no history is kept: {html}"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn the_host_page_opens_one_group_at_a_time_and_lists_them_all() {
    let server = TestServer::start().await;
    let client = server.signed_in("viewer").await;
    for (group, chart) in [
        ("", "Per core"),
        ("cpu-time", "Context switches"),
        ("memory", "Memory available"),
        ("vmstat", "Page faults"),
        ("disk", "Space used"),
        ("network", "Traffic"),
        ("tcp", "Retransmissions"),
        ("load", "15 min"),
        ("processes", "Memory by program"),
        ("farol", "Live frames"),
    ] {
        let page = format!("/host?group={group}");
        let page = server.until(&client, &page, |html| html.contains(chart)).await;
        assert!(page.contains("href=\"/host?group=cgroups\""), "{group}");
        assert!(
            !page.contains("Context switches") || group == "cpu-time",
            "{group} draws another group too"
        );
    }
    let absent = client
        .get(server.url("/host?group=no-such"))
        .send()
        .await
        .unwrap();
    assert!(absent.text().await.unwrap().contains("There is no group"));
    server.stop().await;
}

#[tokio::test]
async fn every_page_carries_a_policy_whose_nonce_its_scripts_have() {
    let server = TestServer::start().await;
    let client = server.signed_in("admin").await;
    for path in [
        "/",
        "/host",
        "/explore?p=load1",
        "/boards",
        "/processes",
        "/controls",
        "/connections",
        "/audit",
        "/lab",
        "/no/such/page",
    ] {
        let answer = client.get(server.url(path)).send().await.unwrap();
        let policy = answer.headers()[header::CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap()
            .to_owned();
        let nonce = policy
            .split("'nonce-")
            .nth(1)
            .unwrap()
            .split('\'')
            .next()
            .unwrap()
            .to_owned();
        let html = answer.text().await.unwrap();
        assert!(nonce.len() >= 16, "{path}: {policy}");
        for tag in html.split("<script").skip(1) {
            let tag = tag.split('>').next().unwrap();
            assert!(
                tag.contains(&format!("nonce=\"{nonce}\"")),
                "{path}: a script without the nonce: {tag}"
            );
        }
    }
    server.stop().await;
}

/// The browser takes readings by their number. A page that reads twice, or in another order each time, would be drawn from
/// one reading and come alive with another.
#[tokio::test]
async fn a_page_reads_each_thing_once_and_always_in_the_same_order() {
    let server = TestServer::start().await;
    let client = server.signed_in("admin").await;
    for (path, readings) in [
        ("/", 2),
        ("/host", 2),
        ("/processes?pid=1", 3),
        ("/controls", 3),
        ("/connections?id=x", 3),
        ("/audit", 2),
        ("/lab", 2),
        ("/no/such/page", 1),
    ] {
        let requests = (0..12).map(|_| async {
            let answer = client.get(server.url(path)).send().await.unwrap();
            let status = answer.status();
            let html = answer.text().await.unwrap();
            assert!(status == 200 || status == 404, "{path}: {status} {html}");
            html
        });
        for html in futures::future::join_all(requests).await {
            let numbers: Vec<usize> = html
                .split("__RESOLVED_RESOURCES[")
                .skip(1)
                .map(|rest| rest.split(']').next().unwrap().parse().unwrap())
                .collect();
            assert_eq!(numbers, (0..readings).collect::<Vec<_>>(), "{path}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn pages_are_drawn_while_another_router_is_made_in_the_process() {
    let server = TestServer::start().await;
    let client = server.signed_in("admin").await;
    let (dir, tasks) = (tempfile::tempdir().unwrap(), TaskTracker::new());
    let config = Config::default();
    let state = farol::assemble(server.address, config, dir.path(), &server.shutdown, &tasks)
        .await
        .unwrap();
    let (drawn, made) = (CancellationToken::new(), Arc::new(AtomicU32::new(0)));
    let end_of_making = drawn.clone().drop_guard();
    let maker = std::thread::spawn({
        let (drawn, made) = (drawn.clone(), made.clone());
        move || {
            while !drawn.is_cancelled() {
                drop(farol::router::router(state.clone()));
                made.fetch_add(1, Relaxed);
            }
        }
    });
    let mut rounds = 0;
    while rounds < 8 || made.load(Relaxed) < 8 {
        assert!(!maker.is_finished(), "routers are made");
        let pages = ["/", "/host", "/audit", "/lab"].map(|path| server.url(path));
        let answers = pages.map(|url| client.get(url).send());
        for answer in futures::future::join_all(answers).await {
            let answer = answer.unwrap();
            assert_eq!(answer.status(), 200, "{}", answer.url());
        }
        rounds += 1;
    }
    drop(end_of_making);
    maker.join().unwrap();
    server.stop().await;
    tasks.close();
    tasks.wait().await;
}

#[tokio::test]
async fn pages_that_are_whole_as_html_start_no_script() {
    let server = TestServer::start().await;
    for path in ["/sign-in", "/setup"] {
        let answer = server.anonymous().get(server.url(path)).send().await.unwrap();
        let html = answer.text().await.unwrap();
        assert!(html.contains("<h1>"), "{path}");
        assert!(!html.contains("hydrate()"), "{path}: starts the app");
        assert!(
            html.contains("rel=\"prefetch\""),
            "{path}: fetches it for the next page"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn a_stranger_is_sent_to_sign_in_and_sees_nothing() {
    let server = TestServer::start().await;
    let stranger = server.anonymous();
    for path in [
        "/",
        "/host",
        "/processes",
        "/controls",
        "/audit",
        "/lab",
        "/controls/runs/1",
    ] {
        let answer = stranger
            .get(server.url(path))
            .header(header::ACCEPT, "text/html")
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 302, "{path}");
        assert!(
            answer.headers()[header::LOCATION]
                .to_str()
                .unwrap()
                .starts_with("/sign-in"),
            "{path}"
        );
        assert_eq!(answer.text().await.unwrap(), "", "{path}: a redirect has no body");
    }
    let answer = stranger.get(server.url("/api/fn/overview")).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    server.stop().await;
}

#[tokio::test]
async fn a_viewer_is_refused_the_pages_of_an_operator_with_their_data_left_out() {
    let server = TestServer::start().await;
    let viewer = server.signed_in("viewer").await;
    for path in ["/controls", "/audit"] {
        let answer = viewer
            .get(server.url(path))
            .header(header::ACCEPT, "text/html")
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 403, "{path}");
        let html = answer.text().await.unwrap();
        assert!(
            !html.contains("session.sign_in") && !html.contains("process.signal"),
            "{path}"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn an_unknown_address_is_not_found_and_says_so() {
    let server = TestServer::start().await;
    let viewer = server.signed_in("viewer").await;
    let answer = viewer.get(server.url("/no/such/page")).send().await.unwrap();
    assert_eq!(answer.status(), 404);
    assert!(
        answer.text().await.unwrap().contains("no page"),
        "words for a person"
    );
    server.stop().await;
}

#[tokio::test]
async fn health_is_open_and_files_are_served_with_their_tags() {
    let server = TestServer::start().await;
    let stranger = server.anonymous();
    assert_eq!(
        stranger
            .get(server.url("/healthz"))
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    let icon = stranger.get(server.url("/favicon.svg")).send().await.unwrap();
    assert_eq!(icon.status(), 200);
    let tag = icon.headers()[header::ETAG].clone();
    let again = stranger
        .get(server.url("/favicon.svg"))
        .header(header::IF_NONE_MATCH, tag)
        .send()
        .await
        .unwrap();
    assert_eq!(again.status(), 304);
    server.stop().await;
}

/// A script outside of the bundle has no hash in its name: a browser must ask each time, or would run the last version's.
#[tokio::test]
async fn the_script_of_the_lab_is_asked_for_anew_each_time() {
    let server = TestServer::start().await;
    let viewer = server.signed_in("viewer").await;
    let page = viewer.get(server.url("/lab")).send().await.unwrap();
    assert_eq!(page.status(), 200);
    let html = page.text().await.unwrap();
    assert!(html.contains("Choose it when only the server talks."));
    assert!(html.contains(">metrics/local/cpu<"), "channels to choose from");
    for name in ["page", "carriers", "bytes"] {
        let path = format!("/lab/{name}.js");
        let script = viewer.get(server.url(&path)).send().await.unwrap();
        assert_eq!(script.status(), 200, "{path}");
        let head = script.headers();
        assert_eq!(head[header::CACHE_CONTROL], "no-cache", "{path}");
        assert_eq!(head[header::CONTENT_TYPE], "text/javascript; charset=utf-8");
        let tag = head[header::ETAG].clone();
        let again = viewer.get(server.url(&path)).header(header::IF_NONE_MATCH, tag);
        assert_eq!(again.send().await.unwrap().status(), 304, "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn metrics_are_open_to_loopback_in_the_openmetrics_format() {
    let server = TestServer::start().await;
    let answer = server
        .anonymous()
        .get(server.url("/metrics"))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert!(
        answer.headers()[header::CONTENT_TYPE]
            .to_str()
            .unwrap()
            .starts_with("application/openmetrics-text")
    );
    let text = answer.text().await.unwrap();
    assert!(text.ends_with("# EOF\n"));
    assert!(text.contains("farol_collector_duration_seconds"), "{text}");
    server.stop().await;
}

#[tokio::test]
async fn metrics_want_a_token_when_loopback_is_not_trusted() {
    let mut config = farol::config::Config::default();
    config.metrics.loopback = false;
    let server = TestServer::start_with(config).await;
    assert_eq!(server.status("/metrics").await, 401);
    let token = server.token("viewer").await;
    let answer = server
        .anonymous()
        .get(server.url("/metrics"))
        .bearer_auth(token)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    server.stop().await;
}

#[tokio::test]
async fn a_past_range_of_an_application_is_drawn_and_leads_to_explore() {
    let server = TestServer::start().await;
    let client = server.signed_in("viewer").await;
    let html = server
        .until(&client, "/apps/farol?range=15m&q=frames", |html| {
            html.contains("chart still")
        })
        .await;
    assert!(
        html.contains("aria-current=\"true\"") && html.contains("Values as CSV"),
        "{html}"
    );
    assert!(
        html.contains("name=\"range\" value=\"15m\""),
        "the field keeps it: {html}"
    );
    assert!(
        html.contains("%7Bchannel%3D%22apps%2Ffarol%22%7D&amp;range=15m"),
        "{html}"
    );
    let live = client.get(server.url("/apps/farol")).send().await.unwrap();
    let live = live.text().await.unwrap();
    assert!(
        live.contains("/apps/farol?range=1h") && !live.contains("chart still"),
        "{live}"
    );
    let wrong = client
        .get(server.url("/apps/farol?range=2y"))
        .send()
        .await
        .unwrap();
    assert!(wrong.text().await.unwrap().contains("there are 5m, 15m, 1h"));
    server.stop().await;
}

#[tokio::test]
async fn live_charts_are_drawn_as_the_address_says_beside_an_earlier_period() {
    let server = TestServer::start().await;
    let client = server.signed_in("viewer").await;
    let live = server
        .until(&client, "/host?group=load&mode=stacked", |html| {
            html.contains("class=\"stack c1\"")
        })
        .await;
    for part in [
        "class=\"chart blocks\"",
        "/host?group=load&amp;mode=bars",
        "/host?group=load&amp;mode=stacked&amp;range=15m",
        "start=-5m",
    ] {
        assert!(live.contains(part), "{part} is missing in {live}");
    }
    assert!(!live.contains("chart still") && !live.contains("end="), "{live}");
    let page = async |path: &str| {
        let answer = client.get(server.url(path)).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let alone = page("/host?group=load&chart=Load&mode=heat").await.1;
    assert!(
        alone.contains("chart rows alone") && alone.contains("All charts"),
        "{alone}"
    );
    let none = page("/host?group=load&chart=%3Cb%3E").await.1;
    assert!(
        none.contains("There is no chart \u{201c}&lt;b&gt;\u{201d} here"),
        "{none}"
    );
    let wrong = page("/host?group=load&mode=pie").await.1;
    assert!(
        wrong.contains("there are lines, area, stacked") && !wrong.contains("<canvas"),
        "{wrong}"
    );
    let apps = page("/apps/farol?mode=area&hide=x").await.1;
    assert!(apps.contains("chart blocks") && apps.contains("hide=x"), "{apps}");

    let unknown = page("/host?group=load&compare=1d").await.1;
    assert!(
        unknown.contains("Nothing of these series is known of a day earlier"),
        "{unknown}"
    );
    // A minute before the next minute and a half is now.
    server
        .until(&client, "/host?group=load&compare=1m", |html| {
            html.contains("What is paler and dashed is the same 1 min earlier")
        })
        .await;
    let earlier = "/api/fn/earlier?channel=metrics/local/load";
    let (status, text) = page(&format!("{earlier}&period=1m")).await;
    assert_eq!(status, 200, "{text}");
    let view: farol_model::sample::ChannelView = farol_model::json::read(&text).unwrap();
    let known = |column: &farol_model::sample::Column| column.values.iter().any(|value| value.is_finite());
    assert!(
        view.schema.len() == 3 && view.snapshot.columns.iter().all(known),
        "{view:?}"
    );
    let (status, text) = page(&format!("{earlier}&period=soon")).await;
    assert!(
        status >= 400 && text.contains("90m, 36h, 1d, 2w"),
        "{status} {text}"
    );
    let (status, text) = page("/api/fn/earlier?channel=metrics/local/none&period=1d").await;
    assert!(
        status >= 400 && text.contains("no such channel"),
        "{status} {text}"
    );
    let stranger = server.anonymous();
    let answer = stranger.get(server.url(&format!("{earlier}&period=1m"))).send();
    assert_eq!(answer.await.unwrap().status(), 401);
    server.stop().await;
}
