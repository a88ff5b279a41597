//! Metrics of applications from real senders: Debian's node_exporter, the OpenTelemetry SDK, a StatsD client, plain HTTP. And health
//! checks of real sockets. Nobody here wrote those who send.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail their test by panicking"
)]

mod checks;
#[path = "../common/mod.rs"]
mod common;
mod otlp;
mod push;
mod receivers;
mod reload;
mod remote_write;
mod scrape;
mod statsd;

use common::TestServer;
use farol::config::Config;
use farol_model::{metric::MetricSpec, sample::ChannelView};
use reqwest::{Client, StatusCode, header};
use serde_json::Value;
use std::time::Duration;

/// As a failure only.
const PATIENCE: Duration = Duration::from_secs(30);

/// A Farol with applications, and a program that may send and look.
struct Apps {
    server: TestServer,
    client: Client,
}

impl Apps {
    async fn start(config: &str) -> Apps {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("farol.toml");
        std::fs::write(&file, config).unwrap();
        Apps::of(Config::load(Some(&file)).unwrap()).await
    }

    async fn of(config: Config) -> Apps {
        let server = TestServer::start_with(config).await;
        let token = server.token("operator").await;
        let mut headers = header::HeaderMap::new();
        headers.insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
        Apps {
            client: server.client().default_headers(headers).build().unwrap(),
            server,
        }
    }

    fn url(&self, path: &str) -> String {
        self.server.url(path)
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.client.get(self.url(path)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.json().await.unwrap()
    }

    /// Asks until `check` finds what it waits for.
    async fn until<T>(&self, path: &str, check: impl Fn(&Value) -> Option<T>) -> T {
        self.until_sent(path, || Ok(()), check).await
    }

    /// The same, and sends before each time that it asks.
    async fn until_sent<T>(
        &self,
        path: &str,
        send: impl Fn() -> std::io::Result<()>,
        check: impl Fn(&Value) -> Option<T>,
    ) -> T {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            send().unwrap();
            let told = self.get(path).await;
            if let Some(found) = check(&told) {
                return found;
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "{path} never became what the test waits for: {told:#}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// One of Farol's own metrics, as `GET /metrics` tells it.
    async fn metric(&self, name: &str) -> Option<f64> {
        let answer = self.client.get(self.url("/metrics")).send().await.unwrap();
        let text = answer.text().await.unwrap();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map(|value| value.parse().unwrap())
    }

    /// The same, once it is as `check` wants it.
    async fn until_metric(&self, name: &str, check: impl Fn(f64) -> bool) -> f64 {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            if let Some(value) = self.metric(name).await.filter(|value| check(*value)) {
                return value;
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "{name} never became what the test waits for"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The source, once it is as `check` wants it.
    async fn source(&self, name: &str, check: impl Fn(&Value) -> bool) -> Value {
        let find = |told: &Value| {
            let mut all = told["sources"].as_array()?.iter();
            all.find(|source| source["name"] == name && check(source))
                .cloned()
        };
        self.until("/api/v1/apps", find).await
    }

    /// The check, once it is as `check` wants it.
    async fn check(&self, name: &str, check: impl Fn(&Value) -> bool) -> Value {
        let find = |told: &Value| {
            let mut all = told["checks"].as_array()?.iter();
            all.find(|one| one["name"] == name && check(one)).cloned()
        };
        self.until("/api/v1/checks", find).await
    }

    /// The newest value of a series of a source, once it is as `check` wants it. The series is the first of this name with these labels.
    async fn value(
        &self,
        source: &str,
        name: &str,
        labels: &[(&str, &str)],
        check: impl Fn(f64) -> bool,
    ) -> f64 {
        let page = format!("/api/fn/apps?at=/apps/{source}");
        self.until(&page, |told| {
            newest(told, name, labels).filter(|value| check(*value))
        })
        .await
    }
}

/// The newest value of a series, of what `/api/fn/apps` tells. NaN where there is a series without a value.
fn newest(told: &Value, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    column(told, name, labels)?.last().copied()
}

/// All values of a series.
fn column(told: &Value, name: &str, labels: &[(&str, &str)]) -> Option<Vec<f64>> {
    let channel: ChannelView = serde_json::from_value(told["channel"].clone()).ok()?;
    let matches = |spec: &MetricSpec| {
        spec.name == name
            && labels
                .iter()
                .all(|(label, value)| spec.label_value(label) == Some(value))
    };
    let at = channel.schema.iter().position(matches)?;
    channel
        .snapshot
        .columns
        .get(at)
        .map(|column| column.values.clone())
}
