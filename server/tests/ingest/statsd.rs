use super::{Apps, column};
use cadence::{Counted, CountedExt, Gauged, Setted, StatsdClient, Timed, UdpMetricSink};
use std::{net::UdpSocket, time::Duration};

#[tokio::test]
async fn a_published_client_sends_each_type_with_tags() {
    let apps = Apps::start("[statsd]\nlisten = \"127.0.0.1:0\"\nname = \"web\"\n").await;
    let waiting = apps.source("web", |_| true).await;
    assert_eq!(waiting["state"], "waiting");
    let at = waiting["at"]
        .as_str()
        .unwrap()
        .strip_prefix("udp://")
        .unwrap()
        .to_owned();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let sink = UdpMetricSink::from(at.as_str(), socket).unwrap();
    let client = StatsdClient::builder("shop", sink).with_tag("env", "eu").build();
    client.incr("hits").unwrap();
    client.count_with_tags("hits", 4).with_tag("route", "/a").send();
    client.gauge("queue", 17_u64).unwrap();
    client.set("users", 7).unwrap();
    for ms in [10_u64, 20, 30] {
        client.time("load", Duration::from_millis(ms)).unwrap();
    }
    let eu = [("env", "eu")];
    assert_eq!(apps.value("web", "shop_queue", &eu, f64::is_finite).await, 17.0);
    // What was counted may fall into two seconds; what came in the last of them is there at some time.
    apps.value("web", "shop_hits", &[("env", "eu"), ("route", "/a")], |value| {
        value >= 0.0
    })
    .await;
    let max = apps
        .until("/api/fn/apps?at=/apps/web", |told| {
            ever(told, "shop_load_seconds_max")
        })
        .await;
    assert!(max > 0.0 && max <= 0.03, "{max}");
    let users = apps
        .until("/api/fn/apps?at=/apps/web", |told| ever(told, "shop_users"))
        .await;
    assert_eq!(users, 1.0);
    let web = apps.source("web", |source| source["state"] == "up").await;
    assert_eq!(web["refused"], 0, "{web}");
    // A raw packet of several lines, one of which is none.
    let raw = UdpSocket::bind("127.0.0.1:0").unwrap();
    raw.send_to(b"raw:5|g|#env:eu\nthis is nothing\nraw:+2|g|#env:eu", &at)
        .unwrap();
    assert_eq!(apps.value("web", "raw", &eu, f64::is_finite).await, 7.0);
    let told = apps.source("web", |source| source["refused"] == 1).await;
    assert!(told["error"].as_str().unwrap().contains("no `:`"), "{told}");
    // It goes on.
    client.gauge("queue", 18_u64).unwrap();
    apps.value("web", "shop_queue", &eu, |value| value == 18.0).await;
    apps.server.stop().await;
}

/// The largest value that a series ever had.
fn ever(told: &serde_json::Value, name: &str) -> Option<f64> {
    let values = column(told, name, &[])?;
    values.into_iter().filter(|value| *value > 0.0).reduce(f64::max)
}

#[tokio::test]
async fn an_address_that_is_taken_stops_the_start_and_is_named() {
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let mut config = farol::config::Config::default();
    config.statsd.listen = Some(address);
    let dir = tempfile::tempdir().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let ended = farol::run(
        listener,
        config,
        dir.path(),
        tokio_util::sync::CancellationToken::new(),
    )
    .await;
    let error = format!("{:#}", ended.unwrap_err());
    assert!(
        error.contains(&address.to_string()) && error.contains("statsd.listen"),
        "{error}"
    );
}
