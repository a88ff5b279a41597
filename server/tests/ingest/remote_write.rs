//! Remote write to real receivers, to one that refuses, and to one that does not answer.

use super::{
    Apps, PATIENCE,
    receivers::{Kind, TimeSeriesDb},
};
use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use farol::remote_write::message::WriteRequest;
use prost::Message;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::Stdio,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpListener,
    process::{Child, Command},
};

/// What the page of all sources asks for again and again.
const APPS_PAGE: &str = "/api/fn/apps?at=/apps&by_itself=true";
const SERIES: [&str; 2] = ["memory_available_bytes", "farol_cpu_percent"];

fn place(name: &str, url: &str) -> String {
    format!(
        "[[remote_write]]\nname = \"{name}\"\nurl = \"{url}\"\nflush_secs = 1\nlabels = {{ site = \"lab\" }}\n"
    )
}

/// What history has of a series: values by time in milliseconds. `ask` gets a path of the API.
fn samples_of(told: &Value) -> BTreeMap<i64, f64> {
    let times = told["times_ms"].as_array().unwrap().iter();
    let series = told["series"].as_array().unwrap();
    assert_eq!(series.len(), 1, "{told}");
    let last = series[0]["last"].as_array().unwrap().iter();
    times
        .zip(last)
        .filter_map(|(time, value)| Some((time.as_i64()?, value.as_f64()?)))
        .collect()
}

fn past(series: &str) -> String {
    format!("/api/v1/query_range?match={series}&start=-300s&step=1")
}

/// Whether times are the same and values are, but for the last bit: some receivers keep decimal digits, and so does JSON.
fn same(some: &BTreeMap<i64, f64>, others: &BTreeMap<i64, f64>) -> bool {
    let close = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-12 * a.abs();
    some.keys().eq(others.keys()) && some.values().zip(others.values()).all(close)
}

/// Waits until a receiver has all samples that `kept` has from one time to another, with the same values, and no others between.
async fn until_equal(db: &TimeSeriesDb, series: &str, kept: &BTreeMap<i64, f64>) {
    let (first, last) = (*kept.keys().next().unwrap(), *kept.keys().last().unwrap());
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let selector = format!("{series}{{site=\"lab\",job=~\"farol\"}}");
    loop {
        let sent = db.samples(&selector).await;
        let there: BTreeMap<i64, f64> = sent.range(first..=last).map(|(t, v)| (*t, *v)).collect();
        if same(&there, kept) {
            return;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "{series}: history has {kept:?}, the receiver {there:?}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn prometheus_and_victoria_metrics_have_the_same_values_also_after_they_were_away() {
    let mut both = [Kind::Prometheus, Kind::VictoriaMetrics].map(TimeSeriesDb::new);
    for db in &mut both {
        db.start().await;
    }
    let config = format!(
        "[ingest]\nstale_secs = 2\n{}{}",
        place("prometheus", &both[0].write_url()),
        place("vm", &both[1].write_url())
    );
    let apps = Apps::start(&config).await;
    let enough = |count: usize| {
        move |told: &Value| {
            let found = told["series"].as_array().is_some_and(|all| all.len() == 1);
            let kept = found.then(|| samples_of(told))?;
            (kept.len() >= count).then_some(kept)
        }
    };
    for series in SERIES {
        let kept = apps.until(&past(series), enough(3)).await;
        for db in &both {
            until_equal(db, series, &kept).await;
        }
    }

    // A series that ends is not there any more, though it was a moment ago.
    let pushed = json!([{"name": "jobs_waiting", "value": 17, "labels": {"queue": "mail"}}]);
    let push = apps.client.post(apps.url("/api/v1/push?source=shop"));
    assert_eq!(push.json(&pushed).send().await.unwrap().status(), StatusCode::OK);
    let selector = "jobs_waiting{job=\"shop\",queue=\"mail\",site=\"lab\"}";
    for there in [true, false] {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while both[0].now(selector).await.is_empty() == there {
            assert!(tokio::time::Instant::now() < deadline, "there: {there}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    assert_eq!(
        both[0].samples(selector).await.values().copied().next(),
        Some(17.0)
    );

    // Away for a while: what was sampled meanwhile comes when they are back.
    for db in &mut both {
        db.stop().await;
    }
    let away = apps.until(&past(SERIES[0]), enough(1)).await.len();
    let kept = apps.until(&past(SERIES[0]), enough(away + 4)).await;
    let waits = apps
        .until_metric("farol_remote_write_failures_total{remote_write=\"vm\"}", |n| {
            n > 0.0
        })
        .await;
    assert!(waits > 0.0);
    // The page says so while they are away, with the reason and when it is tried again, and that all is well afterwards.
    let says = |word: &'static str, other: &'static str| {
        move |told: &Value| {
            let html = told["html"].as_str()?;
            (html.contains(word) && !html.contains(other)).then(|| html.to_owned())
        }
    };
    let away = apps.until(APPS_PAGE, says("retrying", "sending")).await;
    for url in both.each_ref().map(TimeSeriesDb::write_url) {
        assert!(away.contains(&url), "{away}");
    }
    assert!(away.contains("Connection refused"), "{away}");
    assert!(
        away.contains("next try in") || away.contains("trying now"),
        "{away}"
    );
    for db in &mut both {
        db.start().await;
    }
    for db in &both {
        until_equal(db, SERIES[0], &kept).await;
    }
    let well = apps.until(APPS_PAGE, says("sending", "retrying")).await;
    assert!(well.contains("Remote write"), "{well}");
    // Farol says so itself, among its own numbers.
    let vm = [("remote_write", "vm")];
    apps.value("farol", "farol_remote_write_behind_seconds", &vm, |age| age < 5.0)
        .await;
    apps.value("farol", "farol_remote_write_sent_per_second", &vm, |sent| {
        sent > 0.0
    })
    .await;
    for reason in ["refused", "full", "disk", "order", "busy"] {
        let name =
            format!("farol_remote_write_samples_dropped_total{{reason=\"{reason}\",remote_write=\"vm\"}}");
        let dropped = apps.metric(&name);
        assert_eq!(dropped.await.unwrap_or_default(), 0.0, "{reason}");
    }
    apps.server.stop().await;
}

/// The program itself, so that it can be killed.
struct Program {
    dir: PathBuf,
    child: Child,
    address: String,
}

fn farol(dir: &std::path::Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_farol"));
    command
        .current_dir(dir)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("FAROL_DATA_DIR", "data")
        .kill_on_drop(true);
    command
}

impl Program {
    async fn start(dir: &std::path::Path) -> Program {
        let mut child = farol(dir)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = said.next_line().await.unwrap().unwrap();
        let address = line.strip_prefix("listening on ").unwrap().to_owned();
        Program {
            dir: dir.to_owned(),
            child,
            address,
        }
    }

    /// What history has of a series; None before the first sample.
    async fn kept(&self, client: &reqwest::Client, series: &str) -> Option<BTreeMap<i64, f64>> {
        let asked = client
            .get(format!("{}{}", self.address, past(series)))
            .send()
            .await;
        let told: Value = asked.unwrap().json().await.unwrap();
        (told["series"].as_array()?.len() == 1).then(|| samples_of(&told))
    }

    async fn until_kept(&self, client: &reqwest::Client, count: usize) -> BTreeMap<i64, f64> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            if let Some(kept) = self.kept(client, SERIES[0]).await
                && kept.len() >= count
            {
                return kept;
            }
            assert!(tokio::time::Instant::now() < deadline, "no {count} samples");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test]
async fn a_killed_farol_sends_what_waited_and_loses_no_more_than_what_it_had_not_put_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = TimeSeriesDb::new(Kind::Prometheus);
    let config = place("prometheus", &db.write_url()) + "match = [\"memory_available_bytes\"]\n";
    std::fs::write(dir.path().join("farol.toml"), config).unwrap();
    let user = "printf 'correct horse battery staple\\n' | \"$0\" user add olga --role operator --password-stdin && \"$0\" token create --user olga --name test";
    let made = Command::new("sh")
        .args(["-c", user, env!("CARGO_BIN_EXE_farol")])
        .current_dir(dir.path())
        .env("FAROL_DATA_DIR", "data")
        .output()
        .await
        .unwrap();
    let said = String::from_utf8(made.stdout).unwrap();
    let token = said
        .split_whitespace()
        .find(|word| word.starts_with("farol_"))
        .unwrap();
    let mut headers = reqwest::header::HeaderMap::new();
    headers.insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    let client = reqwest::Client::builder()
        .default_headers(headers)
        .build()
        .unwrap();

    // Nobody is there to take anything while it is killed, twice.
    let mut seen = 0;
    let mut killed = Vec::new();
    for _ in 0..2 {
        let mut program = Program::start(dir.path()).await;
        let kept = program.until_kept(&client, seen + 4).await;
        program.child.kill().await.unwrap();
        seen = kept.len();
        killed.push(farol::time::now_ms());
        assert!(program.dir.join("data/remote-write/prometheus").is_dir());
    }
    db.start().await;
    let program = Program::start(dir.path()).await;
    let kept = program.until_kept(&client, seen + 2).await;
    // What may be lost: gathered for a second, and a look every quarter.
    let lost = |t_ms: i64| killed.iter().any(|at| (at - 1500..*at).contains(&t_ms));
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let sent = db.samples("memory_available_bytes{site=\"lab\"}").await;
        // Of the second in which one was killed and the next began each has a sample of its own; history and queue may have put
        // the one or the other on disk.
        let wrong = sent
            .iter()
            .find(|(time, value)| !lost(**time) && kept.get(*time).is_some_and(|kept| kept != *value));
        assert_eq!(wrong, None);
        let missing: Vec<i64> = kept
            .keys()
            .copied()
            .filter(|time| !sent.contains_key(time))
            .collect();
        if missing.iter().all(|time| lost(*time)) {
            break;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "missing {missing:?}, killed at {killed:?}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// What came of each request.
type Heard = Arc<Mutex<Vec<(StatusCode, WriteRequest)>>>;

/// Answers 500, 429 and 400 before it takes anything.
async fn moody(State(heard): State<Heard>, headers: HeaderMap, body: Bytes) -> Response {
    let word = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(word("content-type").as_deref(), Some("application/x-protobuf"));
    assert_eq!(word("content-encoding").as_deref(), Some("snappy"));
    assert_eq!(
        word("x-prometheus-remote-write-version").as_deref(),
        Some("0.1.0")
    );
    assert!(word("user-agent").unwrap().starts_with("farol/"));
    assert_eq!(word("authorization").as_deref(), Some("Basic YW5hOmdlaGVpbQ=="));
    let plain = snap::raw::Decoder::new().decompress_vec(&body).unwrap();
    let request = WriteRequest::decode(&*plain).unwrap();
    let mut heard = heard.lock().unwrap();
    let (status, after) = match heard.len() {
        0 => (StatusCode::INTERNAL_SERVER_ERROR, None),
        1 => (StatusCode::TOO_MANY_REQUESTS, Some("1")),
        2 => (StatusCode::BAD_REQUEST, None),
        _ => (StatusCode::NO_CONTENT, None),
    };
    heard.push((status, request));
    let after = after.map(|secs| [(header::RETRY_AFTER, secs)]);
    (status, after, "out of order sample").into_response()
}

#[tokio::test]
async fn what_fails_is_sent_again_what_is_refused_is_dropped_and_a_silent_receiver_holds_nobody_up() {
    let heard = Heard::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = Router::new()
        .route("/write", post(moody))
        .route("/silent", post(std::future::pending::<()>))
        .with_state(heard.clone());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "geheim\n").unwrap();
    let config = format!(
        "{}basic_user = \"ana\"\nbasic_password_file = {:?}\n{}{}",
        place("moody", &format!("http://{address}/write")),
        secret.path(),
        place("silent", &format!("http://{address}/silent")),
        place("away", "http://127.0.0.1:9/write?token=geheim"),
    );
    let apps = Apps::start(&config).await;
    let dropped = "farol_remote_write_samples_dropped_total{reason=\"refused\",remote_write=\"moody\"}";
    apps.until_metric(dropped, |samples| samples > 0.0).await;
    apps.until_metric(
        "farol_remote_write_samples_total{remote_write=\"moody\"}",
        |samples| samples > 0.0,
    )
    .await;
    let heard = std::mem::take(&mut *heard.lock().unwrap());
    // As bytes: what says that a series has ended is no number, which equals nothing.
    let sent: Vec<Vec<u8>> = heard.iter().map(|(_, request)| request.encode_to_vec()).collect();
    assert!(
        sent[0] == sent[1] && sent[1] == sent[2],
        "the same until it is taken or refused"
    );
    assert_ne!(sent[2], sent[3], "and then the next");
    let mut last: BTreeMap<Vec<(String, String)>, i64> = BTreeMap::new();
    for (_, request) in &heard[2..] {
        for series in &request.timeseries {
            let labels: Vec<_> = series
                .labels
                .iter()
                .map(|label| (label.name.clone(), label.value.clone()))
                .collect();
            assert!(labels.is_sorted_by(|a, b| a.0 < b.0), "{labels:?}");
            for wanted in ["__name__", "instance", "job", "site"] {
                assert!(
                    labels
                        .iter()
                        .any(|(name, value)| name == wanted && !value.is_empty()),
                    "{labels:?}"
                );
            }
            for sample in &series.samples {
                let before = last.insert(labels.clone(), sample.timestamp);
                assert!(
                    before.is_none_or(|before| before < sample.timestamp),
                    "{labels:?}"
                );
            }
        }
    }
    // The page says what was lost and that one of them has taken nothing yet, and no secret.
    let html = apps
        .until(APPS_PAGE, |told| {
            let html = told["html"].as_str()?;
            let told = html.contains(" refused") && html.contains("cannot reach");
            told.then(|| html.to_owned())
        })
        .await;
    for words in [
        "moody",
        "sending",
        "out of order sample",
        "silent",
        "waiting",
        "http://127.0.0.1:9/write?…",
    ] {
        assert!(html.contains(words), "{words}: {html}");
    }
    assert!(!html.contains("geheim"), "{html}");
    // The other receiver has not answered once; its samples wait, and live values have gone on all the time.
    apps.until_metric(
        "farol_remote_write_queue_bytes{remote_write=\"silent\"}",
        |bytes| bytes > 0.0,
    )
    .await;
    assert_eq!(
        apps.metric("farol_remote_write_samples_total{remote_write=\"silent\"}")
            .await,
        Some(0.0)
    );
    apps.value("farol", "farol_memory_bytes", &[], |bytes| bytes > 0.0)
        .await;
    // Nor does it hold up the end.
    tokio::time::timeout(Duration::from_secs(8), apps.server.stop())
        .await
        .unwrap();
}

/// Requests by the last part of their path.
type ByPath = Arc<Mutex<Vec<(String, WriteRequest)>>>;

async fn took(State(heard): State<ByPath>, Path(place): Path<String>, body: Bytes) -> StatusCode {
    let plain = snap::raw::Decoder::new().decompress_vec(&body).unwrap();
    let request = WriteRequest::decode(&*plain).unwrap();
    heard.lock().unwrap().push((place, request));
    StatusCode::NO_CONTENT
}

/// Waits for a sample of the lab at a place that is as `check` wants it; what came before is forgotten.
async fn until_heard(heard: &ByPath, place: &str, check: impl Fn(f64) -> bool) {
    heard.lock().unwrap().clear();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let found = heard.lock().unwrap().iter().any(|(at, request)| {
            let named = |name: &str, value: &str, series: &farol::remote_write::message::TimeSeries| {
                let mut labels = series.labels.iter();
                labels.any(|label| label.name == name && label.value == value)
            };
            let mut all = request.timeseries.iter();
            at == place
                && all.any(|series| {
                    named("__name__", "lab_answer", series)
                        && named("job", "lab", series)
                        && series.samples.iter().any(|sample| check(sample.value))
                })
        });
        if found {
            return;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "nothing of the lab came to {place}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_hangup_takes_receivers_and_scrapes_and_a_wrong_file_changes_nothing() {
    let heard = ByPath::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = Router::new()
        .route("/write/{place}", post(took))
        .route("/metrics", axum::routing::get(|| async { "lab_answer 42\n" }))
        .with_state(heard.clone());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("farol.toml");
    std::fs::write(&file, "").unwrap();
    let program = Program::start(dir.path()).await;
    let hangup = async |text: &str| {
        std::fs::write(&file, text).unwrap();
        let pid = program.child.id().unwrap().to_string();
        let told = Command::new("kill").args(["-HUP", &pid]).status().await;
        assert!(told.unwrap().success());
    };
    let to = |path: &str| place("lab", &format!("http://{address}/write/{path}"));
    let scrape =
        format!("[[scrape]]\nname = \"lab\"\nurl = \"http://{address}/metrics\"\ninterval_secs = 1\n");
    hangup(&format!("{}{scrape}", to("first"))).await;
    until_heard(&heard, "first", |value| value == 42.0).await;
    hangup(&format!("{}{scrape}", to("second"))).await;
    until_heard(&heard, "second", |value| value == 42.0).await;
    // A scrape without an address: all of it is refused.
    hangup(&format!("{}[[scrape]]\nname = \"lab\"\n", to("third"))).await;
    until_heard(&heard, "second", |value| value == 42.0).await;
    // The scrape is gone, and its series with it.
    hangup(&to("second")).await;
    until_heard(&heard, "second", f64::is_nan).await;
    assert!(heard.lock().unwrap().iter().all(|(place, _)| place != "third"));
}
