//! History under what happens to machines: killed at any moment, bytes that turn, a disk that is full, files of an earlier version;
//! and as a program asks for it.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail their test by panicking")]

mod common;

use common::TestServer;
use farol::{
    access::cli,
    actions::store::RunStore,
    db,
    history::{
        Store,
        config::HistoryConfig,
        grid::Found,
        health::HistoryState,
        query::{Query, Step},
        selector::Selector,
    },
};
use farol_model::{
    Role,
    action::{Params, Run, RunStatus},
    metric::{MetricSpec, Unit},
};
use reqwest::header;
use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// A whole day of the epoch.
const START: i64 = 1_767_225_600_000;
const HOUR_MS: i64 = 3_600_000;
/// Says to a test that it is the child of another, and where its folder is.
const CHILD: &str = "FAROL_TEST_HISTORY";
/// Where a child begins.
const FROM: &str = "FAROL_TEST_HISTORY_FROM";

fn schema() -> Arc<[MetricSpec]> {
    ["a", "b"]
        .map(|device| {
            MetricSpec::gauge("test_value", Unit::None, "Test", device, "A value.").label("device", device)
        })
        .into()
}

fn value(t_ms: i64) -> f64 {
    ((t_ms / 1000) % 977) as f64 + 0.25
}

fn open(dir: &Path) -> Store {
    let config = HistoryConfig {
        min_free_mib: 0,
        ..HistoryConfig::default()
    };
    // Time stands still: nothing grows old.
    Store::open_with(&config, dir, Arc::new(|| START)).unwrap()
}

fn push(store: &Store, schema: &Arc<[MetricSpec]>, t_ms: i64) -> bool {
    store.feed().frame(
        "metrics/local/test",
        schema,
        t_ms,
        1000,
        &[value(t_ms), -value(t_ms)],
    )
}

fn push_all(store: &Store, from_ms: i64, to_ms: i64) {
    let schema = schema();
    for t_ms in (from_ms..to_ms).step_by(1000) {
        while !push(store, &schema, t_ms) {
            store.flush();
        }
    }
    store.flush();
}

fn ask(store: &Store, device: &str, from_ms: i64, to_ms: i64, step_ms: i64) -> Found {
    let selector = Selector::parse(&format!("test_value{{device=\"{device}\"}}")).unwrap();
    let query = Query {
        selectors: vec![selector],
        from_ms,
        to_ms,
        step: Step::Of(step_ms),
    };
    store.query(&query).unwrap().series.remove(0)
}

/// The seconds of a span that have a value; each is the right one, and there once.
fn seconds(store: &Store, device: &str, from_ms: i64, to_ms: i64) -> Vec<i64> {
    let sign = if device == "a" { 1.0 } else { -1.0 };
    let mut all = Vec::new();
    for from in (from_ms..to_ms).step_by(HOUR_MS as usize) {
        let found = ask(store, device, from, (from + HOUR_MS).min(to_ms), 1000);
        for (at, count) in found.count.iter().enumerate().filter(|(_, count)| **count > 0) {
            let t_ms = from + 1000 * at as i64;
            assert_eq!(
                (*count, found.last[at]),
                (1, sign * value(t_ms)),
                "{device} at {t_ms}"
            );
            all.push(t_ms);
        }
    }
    all
}

/// This program again, as one of its own tests with a folder.
fn child(test: &str, dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(CHILD, dir);
    command
}

fn child_dir() -> Option<PathBuf> {
    std::env::var_os(CHILD).map(PathBuf::from)
}

/// Hands over a second of rows after the other and says each, until it is killed. Nothing unless it is a child.
#[test]
fn writes_until_it_is_killed() {
    let Some(dir) = child_dir() else { return };
    let store = open(&dir);
    let from: i64 = std::env::var(FROM).unwrap().parse().unwrap();
    let schema = schema();
    let mut out = std::io::stdout().lock();
    for t_ms in (from..).step_by(1000) {
        // An hour of rows takes this long at least, so that all lives together are within what is asked for.
        if t_ms % HOUR_MS == 0 {
            std::thread::park_timeout(Duration::from_millis(60));
        }
        while !push(&store, &schema, t_ms) {
            store.flush();
        }
        writeln!(out, "{t_ms}").unwrap();
    }
}

#[test]
fn killed_at_any_moment_it_loses_at_most_two_seconds_and_has_nothing_twice() {
    let dir = tempfile::tempdir().unwrap();
    let (mut next, mut must, mut lost_most) = (START, Vec::new(), 0);
    for round in 0..12_u64 {
        let mut writer = child("writes_until_it_is_killed", dir.path())
            .env(FROM, next.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(writer.stdout.take().unwrap()).lines();
        let mut said: Vec<(i64, Instant)> = Vec::new();
        // Short and long lives: in the middle of opening, of sealing, of merging.
        let life = Duration::from_millis(30 + (round * 7919) % 3500);
        let began = Instant::now();
        for line in lines.map_while(Result::ok) {
            // The harness writes lines of its own.
            said.extend(line.trim().parse().ok().map(|t_ms: i64| (t_ms, Instant::now())));
            if began.elapsed() > life {
                break;
            }
        }
        writer.kill().unwrap();
        let killed = Instant::now();
        writer.wait().unwrap();
        let old = said
            .iter()
            .filter(|(_, at)| killed.duration_since(*at) > Duration::from_secs(2));
        must.extend(old.map(|(t_ms, _)| *t_ms));
        let store = open(dir.path());
        let end = said.last().map_or(next, |(t_ms, _)| t_ms + 10_000_000);
        let there = seconds(&store, "a", START, end.min(START + 40 * 24 * HOUR_MS));
        let missing: Vec<&i64> = must
            .iter()
            .filter(|t_ms| there.binary_search(t_ms).is_err())
            .collect();
        assert!(
            missing.is_empty(),
            "round {round}: {} of {} are lost",
            missing.len(),
            must.len()
        );
        assert!(there.is_sorted_by(|a, b| a < b));
        assert_eq!(store.status().broken, 0, "a kill is no damage");
        lost_most = lost_most.max(
            said.iter()
                .filter(|(t_ms, _)| there.binary_search(t_ms).is_err())
                .count(),
        );
        // What is there now must stay there, whatever happens to the next ones.
        must = there;
        next = must.last().map_or(next, |last| last + 1000);
        store.close();
    }
    assert!(must.len() > 1000, "{}", must.len());
    eprintln!(
        "{} rows; at most {lost_most} that were handed over were lost in one kill",
        must.len()
    );
}

fn files_of(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files_of(&path)),
            false => found.push(path),
        }
    }
    found.retain(|path| path.file_name().unwrap() != "lock");
    found
}

#[test]
fn a_byte_that_turns_costs_its_chunk_is_told_and_never_stops_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    push_all(&store, START, START + 2 * HOUR_MS + 1000);
    store.tidied();
    push_all(&store, START + 2 * HOUR_MS + 1000, START + 2 * HOUR_MS + 60_000);
    store.close();
    let whole: Vec<(PathBuf, Vec<u8>)> = files_of(dir.path())
        .into_iter()
        .map(|path| (path.clone(), fs::read(&path).unwrap()))
        .collect();
    let kinds = |end: &str| {
        whole
            .iter()
            .filter(|(path, _)| path.to_str().unwrap().ends_with(end))
            .count()
    };
    assert!(
        kinds(".log") >= 3 && kinds(".merged") >= 2 && kinds(".piece") >= 2,
        "{whole:?}"
    );
    let restore = || {
        fs::remove_dir_all(dir.path().join("history")).unwrap();
        for (path, bytes) in &whole {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    };
    let mut told = 0;
    for (path, bytes) in &whole {
        // Twenty places in each file, the first and the last bytes among them.
        for place in 0..20 {
            restore();
            let at = (bytes.len() - 1) * place / 19;
            let mut wrong = bytes.clone();
            wrong[at] ^= 0x08;
            fs::write(path, &wrong).unwrap();
            let store = open(dir.path());
            let mut hit = 0;
            for (device, hour) in [("a", 0), ("a", 1), ("a", 2), ("b", 0), ("b", 1), ("b", 2)] {
                let from = START + hour * HOUR_MS;
                let expected = if hour == 2 { 60 } else { 3600 };
                let there = seconds(&store, device, from, from + HOUR_MS).len();
                let row_of_journal = there + 1 == expected && path.extension().unwrap() == "log";
                hit += usize::from(there != expected && !row_of_journal);
                let coarse = ask(&store, device, from, from + HOUR_MS, 10_000);
                hit += usize::from(hour < 2 && coarse.count.iter().sum::<u64>() != 3600);
            }
            assert!(hit <= 1, "byte {at} of {}: {hit} chunks are gone", path.display());
            let broken = store.status().broken;
            assert!(
                hit == 0 || broken > 0,
                "byte {at} of {} was not told",
                path.display()
            );
            told += usize::from(broken > 0);
            store.close();
        }
    }
    assert!(told > 50, "{told}");
}

/// Fills the disk that it has for itself. Nothing unless it is a child.
#[test]
fn fills_its_own_disk() {
    let Some(dir) = child_dir() else { return };
    let store = open(&dir);
    let schema = schema();
    push_all(&store, START, START + 600_000);
    store.settle();
    // Nothing is left, not even for a byte.
    let filler = dir.join("filler");
    let mut file = fs::File::create(&filler).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}
    while file.write_all(&[0]).is_ok() {}
    let until = |wanted: HistoryState, mut t_ms: i64| {
        let deadline = Instant::now() + Duration::from_secs(60);
        while store.status().state != wanted {
            assert!(Instant::now() < deadline, "{:?}", store.status());
            // As collectors do; nobody waits.
            let began = Instant::now();
            push(&store, &schema, t_ms);
            assert!(began.elapsed() < Duration::from_secs(1), "the feed waited");
            store.flush();
            t_ms += 1000;
        }
        t_ms
    };
    let stopped = until(HistoryState::Stopped, START + 600_000);
    let status = store.status();
    assert!(
        status.reason.contains("no room") && status.reason.contains("Make room"),
        "{}",
        status.reason
    );
    let dropped = status.dropped;
    push_all(&store, stopped, stopped + 5000);
    assert!(store.status().dropped >= dropped + 10, "{:?}", store.status());
    assert_eq!(
        seconds(&store, "a", START, START + 600_000).len(),
        600,
        "what is there can be read"
    );
    drop(file);
    fs::remove_file(&filler).unwrap();
    // The keeper may have tried and failed a moment before there was room, which stops it for a second more.
    let mut again = START + 2 * HOUR_MS;
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        assert!(Instant::now() < deadline, "{:?}", store.status());
        again = until(HistoryState::Writing, again);
        let dropped = store.status().dropped;
        push_all(&store, again, again + 60_000);
        if store.status().dropped == dropped {
            break;
        }
        again += 60_000;
    }
    let check = |store: &Store| {
        assert_eq!(seconds(store, "a", START, START + 600_000).len(), 600);
        let after = seconds(store, "a", again, again + 60_000).len();
        assert_eq!(after, 60, "all since then");
    };
    check(&store);
    store.tidied();
    store.close();
    let store = open(&dir);
    check(&store);
    assert_eq!(store.status().broken, 0);
    store.close();
}

/// This program again, as one of its own tests with a file system of so many bytes for itself. It must pass there.
fn with_own_disk(test: &str, size: &str) {
    let dir = tempfile::tempdir().unwrap();
    let child = child(test, dir.path());
    let mut own = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        own.args(["--user", "--map-root-user"]);
    }
    own.args(["--mount", "sh", "-c"])
        .arg(format!(
            r#"mount -t tmpfs -o size={size} tmpfs "$FAROL_TEST_HISTORY" && exec "$0" "$@""#
        ))
        .arg(child.get_program())
        .args(child.get_args())
        .env(CHILD, dir.path())
        // What a server keeps is there too.
        .env("TMPDIR", dir.path());
    let output = own.output().unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[test]
fn a_full_disk_stops_writing_says_so_and_it_resumes_by_itself() {
    with_own_disk("fills_its_own_disk", "2m");
}

/// A whole server whose disk is full, its database on it: live values go on. Nothing unless it is a child.
#[tokio::test(flavor = "multi_thread")]
async fn serves_from_its_own_full_disk() {
    let Some(dir) = child_dir() else { return };
    let mut config = farol::config::Config::default();
    config.history.min_free_mib = 0;
    let server = TestServer::start_with(config).await;
    assert!(server.data_dir.path().starts_with(&dir));
    let client = viewer(&server).await;
    let number = |body: &str, name: &str| -> f64 {
        let line = body.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok())
            .unwrap_or(0.0)
    };
    let state = |body: &str| serde_json::from_str::<Value>(body).unwrap()["state"].clone();
    let status = "/api/v1/history";
    server
        .until(&client, "/metrics", |body| {
            number(body, "farol_history_samples_total") > 0.0
        })
        .await;

    let filler = dir.join("filler");
    let file = fs::File::create(&filler).unwrap();
    // What frees a few bytes for a moment, as a database does, takes them from the filler.
    let fill = || while (&file).write_all(&[0; 4096]).is_ok() || (&file).write_all(&[0]).is_ok() {};
    fill();
    let stopped = server
        .until(&client, status, |body| {
            fill();
            state(body) == "stopped"
        })
        .await;
    assert!(
        stopped.contains("no room") && stopped.contains("Make room"),
        "{stopped}"
    );
    assert_eq!(server.status("/healthz").await, 200);
    let before = server.until(&client, "/metrics", |_| true).await;
    let (live, dropped) = (
        number(&before, "farol_live_publications_total"),
        number(&before, "farol_history_samples_dropped_total"),
    );
    assert_eq!(number(&before, "farol_history_writing"), 0.0, "{before}");
    server
        .until(&client, "/metrics", |body| {
            number(body, "farol_live_publications_total") > live + 20.0
                && number(body, "farol_history_samples_dropped_total") > dropped
        })
        .await;
    let path = format!(
        "/api/v1/query_range?match=memory_used_bytes&start={}&step=1",
        now_s() - 60
    );
    let kept = server.until(&client, &path, |_| true).await;
    assert!(
        kept.contains("\"count\":["),
        "what is there can be asked for: {kept}"
    );

    drop(file);
    fs::remove_file(&filler).unwrap();
    let freed = now_s();
    server
        .until(&client, status, |body| state(body) == "writing")
        .await;
    let path = format!("/api/v1/query_range?match=memory_used_bytes&start={freed}&step=1");
    let counted = |body: &str| {
        let answer: Value = serde_json::from_str(body).unwrap();
        let counts = answer["series"][0]["count"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        counts.iter().filter(|count| **count == 1).count() >= 3
    };
    server.until(&client, &path, counted).await;
    server.stop().await;
}

fn now_s() -> i64 {
    farol::time::now_ms() / 1000
}

#[test]
fn a_server_whose_disk_is_full_stays_live_says_so_and_keeps_history_again_by_itself() {
    with_own_disk("serves_from_its_own_full_disk", "24m");
}

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/history-v1");

/// Writes the folder that later versions must be able to read. Run once for each version of the files, by hand.
#[test]
#[ignore = "writes a file of the repository"]
fn writes_the_fixture() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    push_all(&store, START, START + HOUR_MS + 1000);
    store.tidied();
    push_all(&store, START + HOUR_MS + 1000, START + HOUR_MS + 60_000);
    store.close();
    let _ = fs::remove_dir_all(FIXTURE);
    for path in files_of(dir.path()) {
        let to = Path::new(FIXTURE).join(path.strip_prefix(dir.path().join("history")).unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(path, to).unwrap();
    }
}

#[test]
fn a_folder_that_version_1_has_written_is_read_and_written_on() {
    let dir = tempfile::tempdir().unwrap();
    for path in files_of(Path::new(FIXTURE)) {
        let to = dir
            .path()
            .join("history")
            .join(path.strip_prefix(FIXTURE).unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(path, to).unwrap();
    }
    let store = open(dir.path());
    let check = |store: &Store, minutes: i64| {
        for device in ["a", "b"] {
            let there = seconds(store, device, START, START + 2 * HOUR_MS);
            assert_eq!(
                there.len() as i64,
                3600 + 60 * minutes,
                "raw rows, pieces and the journal"
            );
            let coarse = ask(store, device, START, START + HOUR_MS, 10_000);
            assert!(coarse.count.iter().all(|count| *count == 10));
        }
        assert_eq!(store.series(&[], "").len(), 2);
        assert_eq!(store.status().broken, 0);
    };
    check(&store, 1);
    push_all(&store, START + HOUR_MS + 60_000, START + HOUR_MS + 120_000);
    check(&store, 2);
    store.close();
}

/// A program that may look.
async fn viewer(server: &TestServer) -> reqwest::Client {
    let mut headers = header::HeaderMap::new();
    let token = format!("Bearer {}", server.token("viewer").await);
    headers.insert(header::AUTHORIZATION, token.parse().unwrap());
    server.client().default_headers(headers).build().unwrap()
}

/// A server with some seconds of history, and a program that may look.
async fn asked() -> (TestServer, reqwest::Client) {
    let server = TestServer::start().await;
    let client = viewer(&server).await;
    let three = |body: &str| {
        let answer: Value = serde_json::from_str(body).unwrap_or_default();
        let counts = answer["series"][0]["count"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        counts.iter().filter(|count| **count == 1).count() >= 3
    };
    let start = farol::time::now_ms() / 1000 - 60;
    let path = format!("/api/v1/query_range?match=memory_used_bytes&start={start}&step=1");
    server.until(&client, &path, three).await;
    (server, client)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_finds_series_and_their_past() {
    let (server, client) = asked().await;
    let get = async |path: &str| {
        let answer = client.get(server.url(path)).send().await.unwrap();
        (
            answer.status().as_u16(),
            answer.headers().clone(),
            answer.text().await.unwrap(),
        )
    };
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let of_memory = "match=%7Bchannel%3D%22metrics%2Flocal%2Fmemory%22%7D";
    let (status, _, body) = get(&format!("/api/v1/series?q=memory+bytes&limit=2&{of_memory}")).await;
    let list = json(&body);
    assert_eq!(
        (status, list["series"].as_array().unwrap().len()),
        (200, 2),
        "{list}"
    );
    assert!(list["total"].as_u64().unwrap() > 2);
    assert_eq!(list["series"][0]["channel"], "metrics/local/memory");
    let name = list["series"][0]["name"].as_str().unwrap().to_owned();

    let start = farol::time::now_ms() / 1000 - 60;
    let (status, _, body) = get(&format!("/api/v1/query_range?match={name}&start={start}")).await;
    let range = json(&body);
    assert_eq!(status, 200, "{range}");
    let (times, series) = (range["times_ms"].as_array().unwrap(), &range["series"][0]);
    for column in ["min", "max", "mean", "last", "count"] {
        assert_eq!(series[column].as_array().unwrap().len(), times.len(), "{column}");
    }
    assert_eq!(series["unit"], "bytes");
    assert!(
        series["min"].as_array().unwrap().iter().any(Value::is_null),
        "before the start there was nothing"
    );

    let path = format!("/api/v1/export.csv?match={name}&start={start}&step=1");
    let (status, headers, body) = get(&path).await;
    assert_eq!(status, 200);
    assert!(
        headers[header::CONTENT_TYPE]
            .to_str()
            .unwrap()
            .starts_with("text/csv")
    );
    let lines: Vec<&str> = body.split("\r\n").collect();
    assert_eq!(lines[0], "time,channel,series,unit,min,max,mean,last,count");
    assert!(
        lines.len() >= 4 && lines[1].contains(&format!(",metrics/local/memory,{name},bytes,")),
        "{body}"
    );

    let path = format!("/api/v1/query_range?expr=sum+by+(channel)({name})/1024&start={start}&step=1");
    let (status, _, body) = get(&path).await;
    let sum = &json(&body)["series"][0];
    assert_eq!(
        (status, &sum["unit"], &sum["channel"]),
        (200, &Value::from("bytes"), &Value::from("metrics/local/memory")),
        "{body}"
    );
    assert_eq!(sum["title"], format!("sum by (channel) ({name}) / 1024"));
    assert!(
        sum["mean"].as_array().unwrap().iter().any(Value::is_number),
        "{sum}"
    );
    let (status, _, body) = get(&format!("/api/v1/export.csv?expr=-{name}&start={start}")).await;
    assert!(
        status == 200 && body.contains(&format!(",'-{name},bytes,-")),
        "{body}"
    );
    let (status, _, body) = get(&format!("/api/v1/render.svg?expr=abs({name})&start={start}")).await;
    assert!(status == 200 && body.contains(&format!("abs({name})")), "{body}");
    let (_, _, body) = get("/api/v1/series?q=memroy+avilable&limit=1").await;
    let nearly = json(&body);
    assert!(
        nearly["series"][0]["name"]
            .as_str()
            .unwrap()
            .starts_with("memory"),
        "{nearly}"
    );

    let (status, _, body) = get("/api/v1/history").await;
    let stands = json(&body);
    assert_eq!(
        (status, &stands["state"]),
        (200, &Value::from("writing")),
        "{stands}"
    );
    assert!(
        stands["series"].as_u64().unwrap() > 20 && stands["samples"].as_u64().unwrap() > 60,
        "{stands}"
    );
    assert_eq!(stands["dropped"], 0);

    for (path, field, words) in [
        ("/api/v1/query_range?start=1", "match", "which series"),
        ("/api/v1/query_range?match=a{&start=1", "match", "byte 2"),
        ("/api/v1/query_range?match=a", "start", "missing"),
        ("/api/v1/query_range?expr=sum(a&start=1", "expr", "needs `)` here"),
        ("/api/v1/query_range?expr=a&match=a&start=1", "expr", "not both"),
        ("/api/v1/render.svg?expr=foo(a)&start=1", "expr", "no function"),
        (
            "/api/v1/query_range?match=a&start=1&step=1",
            "step",
            "more than 11000",
        ),
        (
            "/api/v1/query_range?match=a&start=tomorrow",
            "start",
            "2026-01-31T12:00:00Z",
        ),
        (
            "/api/v1/export.csv?match=a&start=2&end=1",
            "start",
            "before the end",
        ),
        ("/api/v1/series?limit=0", "limit", "1 to 1000"),
        ("/api/v1/series?lines=3", "lines", "no parameter"),
    ] {
        let (status, headers, body) = get(path).await;
        let problem = json(&body);
        assert_eq!(
            (status, problem["field"].as_str()),
            (422, Some(field)),
            "{path}: {problem}"
        );
        assert_eq!(headers[header::CONTENT_TYPE], "application/problem+json");
        assert!(
            problem["detail"].as_str().unwrap().contains(words),
            "{path}: {problem}"
        );
    }
    for path in [
        "/api/v1/history",
        "/api/v1/series",
        "/api/v1/query_range",
        "/api/v1/export.csv",
        "/api/v1/export.parquet",
    ] {
        assert_eq!(server.status(path).await, 401, "{path} for a stranger");
    }
    let metrics = get("/metrics").await.2;
    assert!(
        metrics.contains("farol_history_samples_total") && metrics.contains("farol_history_writing 1"),
        "{metrics}"
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_has_kept_is_there_after_its_restart() {
    let dir = tempfile::tempdir().unwrap();
    let config = || {
        let mut config = farol::config::Config::default();
        config.history.dir = Some(dir.path().to_owned());
        config
    };
    let begun = farol::time::now_ms();
    let server = TestServer::start_with(config()).await;
    server.stop().await;
    let store = Store::open(&config().history, Path::new("/nonexistent")).unwrap();
    let selector = Selector::parse("{channel=\"metrics/local/memory\"}").unwrap();
    let query = Query {
        selectors: vec![selector],
        from_ms: begun - 2000,
        to_ms: farol::time::now_ms() + 2000,
        step: Step::Of(1000),
    };
    let answer = store.query(&query).unwrap();
    assert!(
        answer
            .series
            .iter()
            .any(|found| found.count.iter().sum::<u64>() >= 1)
    );
    store.close();
}

/// What the live plane says of a channel.
async fn live(server: &TestServer, token: &str, channel: &str) -> String {
    let url = server.url(&format!("/live/poll?channels={channel}"));
    let answer = server.anonymous().get(url).bearer_auth(token).send().await;
    answer.unwrap().text().await.unwrap()
}

/// The times of the rows in that; nothing while there is no such channel.
fn rows_of(answer: &str) -> Vec<i64> {
    let answer: Value = serde_json::from_str(answer).unwrap_or_default();
    let times = &answer["events"][0]["data"]["snapshot"]["times_ms"];
    let number = |time: &Value| time.as_i64().or_else(|| time.as_str()?.parse().ok());
    let times = times.as_array().map_or(&[][..], Vec::as_slice);
    times.iter().map(|time| number(time).unwrap()).collect()
}

/// Waits until so many rows are shown that were sampled at this time or later.
async fn rows_since(server: &TestServer, channel: &str, since_ms: i64, count: usize) -> Vec<i64> {
    let token = server.token("viewer").await;
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let answer = live(server, &token, channel).await;
        let rows = rows_of(&answer);
        if rows.iter().filter(|time| **time >= since_ms).count() >= count {
            return rows;
        }
        assert!(Instant::now() < deadline, "{channel}: {answer}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

const MEMORY: &str = "metrics/local/memory";

/// Milliseconds between two rows.
const INTERVAL_MS: i64 = 250;

/// The time of a row that is sampled now: the clock of all collectors ticks at whole intervals.
fn tick() -> i64 {
    let now = farol::time::now_ms();
    now - now % INTERVAL_MS
}

fn kept_in(dir: &Path) -> farol::config::Config {
    let mut config = farol::config::Config::default();
    config.history.dir = Some(dir.to_owned());
    config.history.min_free_mib = 0;
    config.collect.interval_ms = Some(INTERVAL_MS as u32);
    config
}

/// A server that says which rows it shows and goes on until it is killed. Nothing unless it is a child.
#[tokio::test(flavor = "multi_thread")]
async fn shows_rows_until_it_is_killed() {
    let Some(dir) = child_dir() else { return };
    let server = TestServer::start_with(kept_in(&dir.join("kept"))).await;
    let rows = rows_since(&server, MEMORY, 0, 4).await;
    let client = viewer(&server).await;
    // What history answers with is in the journal.
    let kept = |body: &str| {
        let answer: Value = serde_json::from_str(body).unwrap();
        let counts = answer["series"][0]["count"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        counts.iter().filter_map(Value::as_u64).sum::<u64>() >= rows.len() as u64
    };
    let path = format!(
        "/api/v1/query_range?match=memory_used_bytes&start={}&step=1",
        now_s() - 60
    );
    server.until(&client, &path, kept).await;
    println!("rows {}", serde_json::to_string(&rows).unwrap());
    server.task.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn live_charts_go_on_after_a_kill_and_after_a_restart_without_a_seam() {
    let dir = tempfile::tempdir().unwrap();
    let kept = dir.path().join("kept");
    fs::create_dir_all(&kept).unwrap();
    // A channel that is gone: a device, or an application, that was there a moment ago.
    let store = Store::open(&kept_in(&kept).history, Path::new("/nonexistent")).unwrap();
    let gone = "metrics/local/app.gone";
    store
        .feed()
        .frame(gone, &schema(), farol::time::now_ms() - 5000, 1000, &[1.0, 2.0]);
    store.flush();
    store.close();

    let child = child("shows_rows_until_it_is_killed", dir.path())
        .env("TMPDIR", dir.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut child = child.unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let said = lines
        .map_while(Result::ok)
        .find_map(|line| line.split_once("rows ").map(|(_, rows)| rows.to_owned()));
    let before: Vec<i64> = serde_json::from_str(&said.unwrap()).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let mut lives = vec![(before[0], farol::time::now_ms())];
    let mut must = before;

    for _ in 0..2 {
        let started = tick();
        let server = TestServer::start_with(kept_in(&kept)).await;
        let rows = rows_since(&server, MEMORY, started, 2).await;
        assert!(rows.is_sorted_by(|a, b| a < b), "{rows:?}");
        assert!(
            must.iter().all(|time| rows.binary_search(time).is_ok()),
            "{must:?} in {rows:?}"
        );
        lives.push((started, i64::MAX));
        // The time in which nobody sampled stays one.
        let sampled = |time: &i64| lives.iter().any(|(from, to)| (from..=to).contains(&time));
        assert!(rows.iter().all(sampled), "{rows:?} in {lives:?}");
        let token = server.token("viewer").await;
        let answer = live(&server, &token, gone).await;
        assert!(
            answer.contains("There is no channel"),
            "rows of before alone are none: {answer}"
        );
        server.stop().await;
        lives.last_mut().unwrap().1 = farol::time::now_ms();
        must = rows;
    }
    // Without history it begins anew, and says nothing else.
    let mut config = kept_in(&kept);
    config.history.enabled = false;
    let started = tick();
    let server = TestServer::start_with(config).await;
    let rows = rows_since(&server, MEMORY, started, 1).await;
    assert!(rows[0] >= started, "{rows:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_of_before_a_restart_are_marked_on_live_charts() {
    let dir = tempfile::tempdir().unwrap();
    let pool = db::open(dir.path()).await.unwrap();
    cli::user_add(&pool, "ana", Role::Operator, common::PASSWORD.into())
        .await
        .unwrap();
    let (store, now) = (RunStore::new(pool.clone()), farol::time::now_ms());
    for (id, began_ms, ended_ms) in [
        ("old", now - 900_000, Some(now - 800_000)),
        ("done", now - 90_000, Some(now - 80_000)),
        ("left", now - 70_000, None),
    ] {
        let mut run = Run {
            id: id.into(),
            action: "runbook.rotate".into(),
            title: id.into(),
            who: "ana".into(),
            params: Params::new(),
            status: RunStatus::Queued,
            detail: String::new(),
            queued_ms: began_ms,
            ended_ms: None,
            exit_code: None,
        };
        store.insert(1, id, &run).await.unwrap();
        store.begin(&run, began_ms).await.unwrap();
        if ended_ms.is_some() {
            run.status = RunStatus::Succeeded;
            run.ended_ms = ended_ms;
            store.update(&run).await.unwrap();
        }
    }
    pool.close().await;
    let (shutdown, tasks) = (CancellationToken::new(), TaskTracker::new());
    let address = "127.0.0.1:0".parse().unwrap();
    let config = farol::config::Config::default();
    let state = farol::assemble(address, config, dir.path(), &shutdown, &tasks)
        .await
        .unwrap();
    let marks = state.live.hub.marks();
    let found: Vec<(&str, i64)> = marks.iter().map(|mark| (&*mark.title, mark.at_ms)).collect();
    // What was running when the process ended has its end with the start; before and after it Farol itself is marked.
    let of_runs: Vec<_> = found
        .iter()
        .filter(|(title, _)| title.ends_with("(ana)"))
        .collect();
    assert_eq!(
        of_runs[..3],
        [
            &("done began (ana)", now - 90_000),
            &("done succeeded (ana)", now - 80_000),
            &("left began (ana)", now - 70_000)
        ]
    );
    assert_eq!(
        (of_runs.len(), of_runs[3].0),
        (4, "left ended (ana)"),
        "{found:?}"
    );
    shutdown.cancel();
    tasks.close();
    tasks.wait().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_history_the_answer_says_so() {
    let mut config = farol::config::Config::default();
    config.history.enabled = false;
    let server = TestServer::start_with(config).await;
    let token = server.token("viewer").await;
    let request = server
        .anonymous()
        .get(server.url("/api/v1/history"))
        .bearer_auth(token);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 503);
    let problem: Value = answer.json().await.unwrap();
    assert!(
        problem["detail"].as_str().unwrap().contains("history.enabled"),
        "{problem}"
    );
    assert!(!server.data_dir.path().join("history").exists());
    server.stop().await;
}
