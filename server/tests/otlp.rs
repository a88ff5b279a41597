//! Farol's own traces, from the program itself to a receiver of OTLP over HTTP.

#![cfg(feature = "otlp")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail their test by panicking"
)]

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, response::IntoResponse, routing::post};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, common::v1::any_value::Value, trace::v1::ResourceSpans,
};
use prost::Message;
use std::{
    process::{ExitStatus, Stdio},
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    net::TcpListener,
    process::{Child, Command},
    sync::mpsc,
    time::timeout,
};

/// As a failure only.
const PATIENCE: Duration = Duration::from_secs(30);

/// A collector on loopback: its address, and what it was sent.
async fn collector() -> (String, mpsc::UnboundedReceiver<ResourceSpans>) {
    let (sender, received) = mpsc::unbounded_channel();
    let take = async |State(sender): State<mpsc::UnboundedSender<ResourceSpans>>,
                      headers: HeaderMap,
                      body: Bytes| {
        assert_eq!(headers["content-type"], "application/x-protobuf");
        let request = ExportTraceServiceRequest::decode(body).unwrap();
        for spans in request.resource_spans {
            sender.send(spans).unwrap();
        }
        // An empty message: all were taken.
        ([("content-type", "application/x-protobuf")], Bytes::new()).into_response()
    };
    let app = Router::new().route("/v1/traces", post(take)).with_state(sender);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (endpoint, received)
}

/// The program, which has said where it listens.
struct Running {
    child: Child,
    url: String,
    _dir: TempDir,
}

impl Running {
    async fn start(endpoint: &str) -> Running {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_farol"))
            .current_dir(dir.path())
            .env_clear()
            .env("FAROL_TELEMETRY__OTLP_ENDPOINT", endpoint)
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir", "data"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        said.read_line(&mut line).await.unwrap();
        // Somebody has to read on.
        tokio::spawn(async move { said.read_to_end(&mut Vec::new()).await });
        let url = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        Running {
            child,
            url,
            _dir: dir,
        }
    }

    /// How it ended, and its log.
    async fn end(mut self) -> (ExitStatus, String) {
        let pid = rustix::process::Pid::from_raw(self.child.id().unwrap() as i32).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let mut log = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        let ended = async {
            stderr.read_to_string(&mut log).await.unwrap();
            self.child.wait().await.unwrap()
        };
        let status = timeout(PATIENCE, ended).await.unwrap();
        (status, log)
    }

    /// A counter of `/metrics`; 0 where there is none.
    async fn counter(&self, name: &str) -> f64 {
        let text = reqwest::get(format!("{}/metrics", self.url))
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        let line = text.lines().find(|line| line.starts_with(name));
        line.map_or(0.0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
    }

    async fn until_counted(&self, name: &str) {
        let counted = async {
            while self.counter(name).await == 0.0 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(PATIENCE, counted)
            .await
            .unwrap_or_else(|_| panic!("{name} stays 0"));
    }
}

#[tokio::test]
async fn a_start_is_a_span_that_the_collector_gets_with_the_name_of_the_service() {
    let (endpoint, mut received) = collector().await;
    let farol = Running::start(&endpoint).await;
    let sent = timeout(PATIENCE, received.recv()).await.unwrap().unwrap();
    let resource = sent.resource.unwrap();
    let service = resource
        .attributes
        .iter()
        .find(|attribute| attribute.key == "service.name")
        .and_then(|attribute| attribute.value.clone()?.value);
    assert_eq!(service, Some(Value::StringValue("farol".into())));
    let spans: Vec<_> = sent
        .scope_spans
        .into_iter()
        .flat_map(|scope| scope.spans)
        .collect();
    let start = spans.iter().find(|span| span.name == "start").unwrap();
    assert!(start.start_time_unix_nano > 0 && start.end_time_unix_nano >= start.start_time_unix_nano);
    let address = start
        .attributes
        .iter()
        .find(|attribute| attribute.key == "address");
    assert_eq!(
        address.unwrap().value.clone().unwrap().value,
        Some(Value::StringValue(farol.url["http://".len()..].to_owned()))
    );
    farol.until_counted("farol_traces_spans_sent_total").await;
    assert!(farol.end().await.0.success());
}

#[tokio::test]
async fn what_waits_at_a_stop_is_sent_before_the_end() {
    let (endpoint, mut received) = collector().await;
    // The distance of batches has not passed yet.
    let farol = Running::start(&endpoint).await;
    let (status, log) = farol.end().await;
    assert!(status.success(), "{log}");
    let sent = timeout(PATIENCE, received.recv()).await.unwrap().unwrap();
    assert_eq!(sent.scope_spans[0].spans[0].name, "start");
}

#[tokio::test]
async fn without_its_collector_spans_are_dropped_counted_and_nothing_else_suffers() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    // Nobody listens there any more.
    drop(listener);
    let farol = Running::start(&endpoint).await;
    farol
        .until_counted("farol_traces_spans_dropped_total{why=\"collector\"}")
        .await;
    let (status, log) = farol.end().await;
    assert!(status.success(), "{log}");
    assert_eq!(
        log.matches("the OpenTelemetry collector takes no spans").count(),
        1,
        "{log}"
    );
}
