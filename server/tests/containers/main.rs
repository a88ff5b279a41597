//! Containers over a real Unix socket: against a peer that serves what was recorded from Podman and keeps state (`peer.mjs`), and,
//! where `FAROL_TEST_ENGINE` names the socket of a real engine with a running container `farol-test`, against that.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail their test by panicking"
)]

#[path = "../common/mod.rs"]
mod common;

use common::TestServer;
use farol::{config::Config, db};
use futures::{SinkExt, StreamExt};
use reqwest::{Client, header};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpStream,
    process::{Child, Command},
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};

/// As a failure only.
const PATIENCE: Duration = Duration::from_secs(30);

/// A served engine.
struct Engine {
    child: Child,
    socket: PathBuf,
    _dir: TempDir,
}

impl Engine {
    async fn start(more: u32) -> Engine {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("engine.sock");
        let child = Self::spawn(&socket, more).await;
        Engine {
            child,
            socket,
            _dir: dir,
        }
    }

    async fn spawn(socket: &Path, more: u32) -> Child {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/containers/peer.mjs");
        let mut child = Command::new("node")
            .arg(script)
            .arg(socket)
            .arg(more.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("ready"));
        child
    }

    async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    async fn again(&mut self) {
        self.child = Self::spawn(&self.socket, 0).await;
    }

    /// What somebody else does to the engine.
    async fn order(&self, method: &str, path: &str) -> u16 {
        let url = format!("http://localhost{path}");
        let out = Command::new("curl")
            .args([
                "-s",
                "-o",
                "/dev/null",
                "-w",
                "%{http_code}",
                "-X",
                method,
                "--unix-socket",
            ])
            .arg(&self.socket)
            .arg(url)
            .output()
            .await
            .unwrap();
        String::from_utf8(out.stdout).unwrap().parse().unwrap()
    }
}

async fn farol(socket: &Path) -> TestServer {
    let mut config = Config::default();
    config.containers.socket = Some(socket.to_owned());
    TestServer::start_with(config).await
}

/// The number of a container of the peer as its whole id.
fn id(number: u32) -> String {
    let short = format!("{number:x}");
    format!("{}{short}{}", &"c0ffee000000"[..12 - short.len()], "0".repeat(52))
}

async fn client(server: &TestServer, name: &str) -> Client {
    let mut headers = header::HeaderMap::new();
    headers.insert(header::COOKIE, server.cookie(name).await.parse().unwrap());
    headers.insert(header::ORIGIN, server.url("").parse().unwrap());
    server.client().default_headers(headers).build().unwrap()
}

async fn read(server: &TestServer, client: &Client, query: &str) -> Value {
    let count = if query.contains("count=") {
        ""
    } else {
        "count=100&"
    };
    let path = server.url(&format!("/api/fn/containers?{count}{query}"));
    client.get(path).send().await.unwrap().json().await.unwrap()
}

/// Asks until it is so. As often as the page does at most.
async fn until(server: &TestServer, client: &Client, query: &str, so: impl Fn(&Value) -> bool) -> Value {
    let asked = async {
        loop {
            let answer = read(server, client, query).await;
            if so(&answer) {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    match timeout(PATIENCE, asked).await {
        Ok(answer) => answer,
        Err(_) => panic!("never so: {}", read(server, client, query).await),
    }
}

/// The cells of a row by its name.
fn row<'a>(answer: &'a Value, name: &str) -> Option<&'a Vec<Value>> {
    let rows = answer["rows"].as_array()?.iter().filter_map(Value::as_array);
    rows.into_iter().find(|row| row[1] == name)
}

fn state(answer: &Value, name: &str) -> String {
    row(answer, name).map_or_else(String::new, |row| row[3].as_str().unwrap().to_owned())
}

async fn run(server: &TestServer, client: &Client, key: &str, fields: &[(&str, &str)]) -> (u16, Value) {
    let mut form = vec![("key".to_owned(), format!("container-{key}"))];
    for (name, value) in fields {
        let name = match *name {
            "action" | "confirm" => (*name).to_owned(),
            param => format!("params[{param}]"),
        };
        form.push((name, (*value).to_owned()));
    }
    let answer = client
        .post(server.url("/api/fn/run"))
        .form(&form)
        .send()
        .await
        .unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// Runs it and waits for its end: the sentence and the state.
async fn outcome(
    server: &TestServer,
    client: &Client,
    key: &str,
    fields: &[(&str, &str)],
) -> (String, String) {
    let (status, started) = run(server, client, key, fields).await;
    assert_eq!(status, 200, "{started}");
    let run = started[0]["run"]["id"].as_str().unwrap().to_owned();
    let ended = async {
        loop {
            let path = server.url(&format!("/api/fn/run-view?id={run}"));
            let view: Value = client.get(path).send().await.unwrap().json().await.unwrap();
            let run = &view[0]["run"];
            if !run["ended_ms"].is_null() {
                let word = |name: &str| run[name].as_str().unwrap().to_owned();
                return (word("status"), word("detail"));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, ended).await.unwrap()
}

/// A client of the live plane in JSON.
struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    async fn connect(server: &TestServer, name: &str) -> Socket {
        let url = format!("ws://{}/connection/websocket", server.address);
        let mut request = url.into_client_request().unwrap();
        let headers = request.headers_mut();
        headers.insert(header::COOKIE, server.cookie(name).await.parse().unwrap());
        headers.insert(header::ORIGIN, server.url("").parse().unwrap());
        let mut socket = Socket(connect_async(request).await.unwrap().0);
        socket.say(&json!({"id": 1, "connect": {"name": "tester"}})).await;
        socket.until(|reply| reply.get("connect").is_some()).await;
        socket
    }

    async fn subscribe(&mut self, channel: &str) -> Value {
        self.say(&json!({"id": 2, "subscribe": {"channel": channel}}))
            .await;
        self.until(|reply| reply["id"] == 2).await
    }

    async fn say(&mut self, command: &Value) {
        self.0.send(Message::text(command.to_string())).await.unwrap();
    }

    async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = timeout(PATIENCE, self.0.next()).await.unwrap().unwrap().unwrap();
            let Message::Text(text) = message else { continue };
            for line in text.lines().filter(|line| *line != "{}") {
                let reply: Value = serde_json::from_str(line).unwrap();
                if wanted(&reply) {
                    return reply;
                }
            }
            if text.lines().any(|line| line == "{}") {
                self.0.send(Message::text("{}")).await.unwrap();
            }
        }
    }

    /// Waits for a text in the log.
    async fn hears(&mut self, stream: &str, text: &str) {
        self.until(|reply| {
            let data = &reply["push"]["pub"]["data"];
            data["stream"] == stream && data["text"].as_str().is_some_and(|said| said.contains(text))
        })
        .await;
    }
}

#[tokio::test]
async fn containers_are_listed_measured_and_filtered() {
    let engine = Engine::start(0).await;
    let server = farol(&engine.socket).await;
    let viewer = client(&server, "viewer").await;
    let answer = until(&server, &viewer, "", |answer| {
        row(answer, "web").is_some_and(|row| row[4].as_str().unwrap().starts_with("5"))
            && row(answer, "db").is_some_and(|row| row[4].as_str().unwrap().starts_with("15"))
    })
    .await;
    assert_eq!(answer["matching"], 4);
    assert_eq!(state(&answer, "old"), "exited");
    assert_eq!(answer["head"][0], "4 containers");
    assert_eq!(answer["head"][5], "Podman Engine 4.3.1");
    assert_eq!(answer["notice"], "");
    let db = until(&server, &viewer, "text=D%42", |answer| answer["matching"] == 1).await;
    assert!(row(&db, "db").is_some(), "{db}");
    let sorted = read(&server, &viewer, "sort=cpu-desc").await;
    assert_eq!(sorted["rows"][0][1], "db");
    server.stop().await;
}

#[tokio::test]
async fn usage_is_a_metrics_channel_of_the_container_and_goes_with_it() {
    let engine = Engine::start(0).await;
    let server = farol(&engine.socket).await;
    let viewer = client(&server, "viewer").await;
    let query = format!("id={}&wants=charts", id(1));
    let answer = until(&server, &viewer, &query, |answer| {
        !answer["charts"].as_array().unwrap().is_empty()
    })
    .await;
    let channel = answer["charts"][0]["channel"].as_str().map(str::to_owned);
    let channel = channel.unwrap_or_else(|| format!("metrics/local/container.{}", &id(1)[..12]));
    let mut socket = Socket::connect(&server, "viewer").await;
    let reply = socket.subscribe(&channel).await;
    assert!(reply.get("error").is_none(), "{reply}");
    let frame = socket
        .until(|reply| {
            reply["push"]["pub"]["data"]["values"]
                .as_array()
                .is_some_and(|values| values[0].is_number())
        })
        .await;
    let percent = frame["push"]["pub"]["data"]["values"][0].as_f64().unwrap();
    assert!((20.0..80.0).contains(&percent), "half a core: {frame}");
    assert_eq!(
        engine.order("DELETE", &format!("/containers/{}", id(1))).await,
        204
    );
    socket
        .until(|reply| !reply["push"]["unsubscribe"].is_null())
        .await;
    until(&server, &viewer, &query, |answer| answer["gone"] == true).await;
    server.stop().await;
}

#[tokio::test]
async fn a_log_begins_with_its_tail_goes_on_and_survives_a_restart() {
    let engine = Engine::start(0).await;
    let server = farol(&engine.socket).await;
    let viewer = client(&server, "viewer").await;
    until(&server, &viewer, "", |answer| row(answer, "web").is_some()).await;
    let mut socket = Socket::connect(&server, "operator").await;
    let reply = socket
        .subscribe(&format!("logs/container/{}", &id(1)[..12]))
        .await;
    assert!(reply.get("error").is_none(), "{reply}");
    socket.hears("stdout", "web line").await;
    socket.hears("stderr", "web line").await;
    engine.order("POST", &format!("/containers/{}/stop", id(1))).await;
    socket.hears("stderr", "does not run").await;
    engine
        .order("POST", &format!("/containers/{}/start", id(1)))
        .await;
    socket.hears("stdout", "web started").await;
    engine.order("DELETE", &format!("/containers/{}", id(1))).await;
    socket.hears("stderr", "was removed").await;
    server.stop().await;
}

#[tokio::test]
async fn a_terminals_log_has_no_frames_and_a_viewer_reads_none() {
    let engine = Engine::start(0).await;
    let server = farol(&engine.socket).await;
    let viewer = client(&server, "viewer").await;
    until(&server, &viewer, "", |answer| row(answer, "terminal").is_some()).await;
    let channel = format!("logs/container/{}", &id(4)[..12]);
    let mut socket = Socket::connect(&server, "operator").await;
    socket.subscribe(&channel).await;
    socket.hears("stdout", "terminal line").await;
    let mut socket = Socket::connect(&server, "viewer").await;
    let refused = socket.subscribe(&channel).await;
    assert_eq!(refused["error"]["code"], 103, "{refused}");
    let mut socket = Socket::connect(&server, "operator").await;
    let unknown = socket.subscribe("logs/container/ffffffffffff").await;
    assert_eq!(unknown["error"]["code"], 404, "{unknown}");
    let unknown = socket.subscribe("logs/nothing/a").await;
    assert_eq!(unknown["error"]["code"], 404, "{unknown}");
    server.stop().await;
}

#[tokio::test]
async fn a_log_is_a_file_for_those_who_may_read_logs() {
    let engine = Engine::start(0).await;
    let server = farol(&engine.socket).await;
    let operator = client(&server, "operator").await;
    until(&server, &operator, "", |page| {
        page["rows"].as_array().is_some_and(|rows| !rows.is_empty())
    })
    .await;
    let file = |number: u32| server.url(&format!("/containers/{}/log.txt", id(number)));
    for number in [1, 4] {
        // The container has just begun to print.
        let text = loop {
            let answer = operator.get(file(number)).send().await.unwrap();
            assert_eq!(answer.status(), 200);
            let disposition = answer.headers()[header::CONTENT_DISPOSITION].to_str().unwrap();
            assert!(disposition.contains(&id(number)), "{disposition}");
            let text = answer.text().await.unwrap();
            if text.contains(" line") {
                break text;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        };
        assert!(!text.contains('\u{1b}') && !text.contains('\0'), "{text:?}");
    }
    assert_eq!(operator.get(file(99)).send().await.unwrap().status(), 404);
    let viewer = client(&server, "viewer").await;
    assert_eq!(viewer.get(file(1)).send().await.unwrap().status(), 403);
    // As for a page: a stranger is sent to sign in.
    assert_eq!(server.stranger().get(file(1)).send().await.unwrap().status(), 302);
}

#[tokio::test]
async fn orders_are_carried_out_once_confirmed_and_audited() {
    let engine = Engine::start(0).await;
    let server = farol(&engine.socket).await;
    let operator = client(&server, "operator").await;
    until(&server, &operator, "", |answer| row(answer, "web").is_some()).await;
    let web = id(1);
    let named = [("id", web.as_str()), ("name", "web")];
    let stop = [&named[..], &[("action", "container.stop")]].concat();
    let (status, refused) = run(&server, &operator, "unconfirmed", &stop).await;
    assert_eq!(status, 422, "{refused}");
    assert!(
        refused.to_string().contains("Stop the container web"),
        "{refused}"
    );
    let stop = [&stop[..], &[("confirm", "true")]].concat();
    let (status, told) = outcome(&server, &operator, "stop", &stop).await;
    assert_eq!((status.as_str(), told.as_str()), ("succeeded", "Stopped web."));
    until(&server, &operator, "", |answer| state(answer, "web") == "exited").await;
    let (_, told) = outcome(&server, &operator, "stop-again", &stop).await;
    assert!(told.contains("did not run"), "{told}");
    let kill = [&named[..], &[("action", "container.kill"), ("confirm", "true")]].concat();
    let (status, told) = outcome(&server, &operator, "kill-stopped", &kill).await;
    assert_eq!(status, "failed");
    assert!(
        told.contains("can only kill running containers"),
        "the engine's words: {told}"
    );
    let start = [&named[..], &[("action", "container.start")]].concat();
    let (_, told) = outcome(&server, &operator, "start", &start).await;
    assert_eq!(told, "Started web.");
    let restart = [
        &named[..],
        &[("action", "container.restart"), ("confirm", "true")],
    ]
    .concat();
    let (_, told) = outcome(&server, &operator, "restart", &restart).await;
    assert_eq!(told, "Restarted web.");
    let (_, told) = outcome(&server, &operator, "kill", &kill).await;
    assert_eq!(told, "Sent KILL to web.");
    until(&server, &operator, "", |answer| state(answer, "web") == "exited").await;
    let pool = db::open(server.data_dir.path()).await.unwrap();
    let audited: i64 = sqlx_count(&pool).await;
    pool.close().await;
    assert!(audited >= 6, "{audited}");
    server.stop().await;
}

async fn sqlx_count(pool: &sqlx::SqlitePool) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM audit WHERE what LIKE 'run.container.%'")
        .fetch_one(pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_name_a_short_id_a_renamed_one_and_a_viewer_are_refused() {
    let engine = Engine::start(0).await;
    let server = farol(&engine.socket).await;
    let operator = client(&server, "operator").await;
    until(&server, &operator, "", |answer| row(answer, "web").is_some()).await;
    let web = id(1);
    for (key, id, name, words) in [
        ("by-name", "web", "web", "whole id"),
        ("by-short-id", &web[..12], "web", "whole id"),
        ("renamed", &web, "other", "is called `web` now"),
        ("unknown", &"f".repeat(64), "web", "no such container"),
        ("upwards", "../../images/json", "web", "whole id"),
    ] {
        let fields = [("action", "container.start"), ("id", id), ("name", name)];
        let (status, told) = outcome(&server, &operator, key, &fields).await;
        assert_eq!(status, "failed");
        assert!(told.contains(words), "{key}: {told}");
    }
    let viewer = client(&server, "viewer").await;
    let fields = [
        ("action", "container.start"),
        ("id", web.as_str()),
        ("name", "web"),
    ];
    let (status, _) = run(&server, &viewer, "viewer", &fields).await;
    assert_eq!(status, 403);
    let path = server.url(&format!("/api/fn/containers?id={web}&wants=more"));
    assert_eq!(viewer.get(path).send().await.unwrap().status(), 403);
    server.stop().await;
}

#[tokio::test]
async fn a_container_is_told_in_full_without_secrets() {
    let engine = Engine::start(0).await;
    let server = farol(&engine.socket).await;
    let operator = client(&server, "operator").await;
    let query = format!("id={}&wants=more", id(1));
    let told = until(&server, &operator, &query, |answer| {
        !answer["lines"].as_array().unwrap().is_empty()
    })
    .await;
    let text = told.to_string();
    assert!(text.contains("SECRET_TOKEN") && !text.contains("abc"), "{text}");
    server.stop().await;
}

#[tokio::test]
async fn without_a_socket_the_page_says_how_and_an_engine_that_comes_later_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("engine.sock");
    let server = farol(&socket).await;
    let viewer = client(&server, "viewer").await;
    let told = until(&server, &viewer, "", |answer| {
        answer["notice"].as_str().unwrap().contains("No container engine")
    })
    .await;
    let notice = told["notice"].as_str().unwrap();
    assert!(
        notice.contains("there is no socket") && notice.contains("podman.socket"),
        "{notice}"
    );
    let page = viewer.get(server.url("/containers")).send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(
        page.text().await.unwrap().contains("usermod"),
        "drawn before any script"
    );
    let child = Engine::spawn(&socket, 0).await;
    until(&server, &viewer, "", |answer| {
        answer["matching"] == 4 && answer["notice"] == ""
    })
    .await;
    drop(child);
    server.stop().await;
}

#[tokio::test]
async fn an_engine_that_is_killed_is_told_and_found_again() {
    let mut engine = Engine::start(0).await;
    let server = farol(&engine.socket).await;
    let viewer = client(&server, "viewer").await;
    until(&server, &viewer, "", |answer| answer["matching"] == 4).await;
    engine.kill().await;
    let lost = until(&server, &viewer, "", |answer| {
        answer["notice"].as_str().unwrap().contains("does not answer")
    })
    .await;
    assert_eq!(lost["matching"], 4, "what was known stays");
    let operator = client(&server, "operator").await;
    let web = id(1);
    let fields = [
        ("action", "container.start"),
        ("id", web.as_str()),
        ("name", "web"),
    ];
    let (status, told) = outcome(&server, &operator, "lost", &fields).await;
    assert_eq!(status, "failed", "{told}");
    engine.again().await;
    until(&server, &viewer, "", |answer| answer["notice"] == "").await;
    server.stop().await;
}

#[tokio::test]
async fn what_is_no_engine_is_told_as_such() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("odd.sock");
    let listener = tokio::net::UnixListener::bind(&socket).unwrap();
    let odd = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            let mut question = [0; 1024];
            let _ = stream.read(&mut question).await;
            let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.9\r\n").await;
        }
    });
    let server = farol(&socket).await;
    let viewer = client(&server, "viewer").await;
    until(&server, &viewer, "", |answer| {
        answer["notice"]
            .as_str()
            .unwrap()
            .contains("speaks no Docker API")
    })
    .await;
    odd.abort();
    server.stop().await;
}

#[tokio::test]
async fn more_containers_than_are_measured_are_listed_and_the_limit_is_told() {
    let engine = Engine::start(200).await;
    let server = farol(&engine.socket).await;
    let viewer = client(&server, "viewer").await;
    let answer = until(&server, &viewer, "count=300", |answer| answer["matching"] == 204).await;
    assert!(
        answer["notice"]
            .as_str()
            .unwrap()
            .contains("64 containers are measured, 139 more"),
        "{}",
        answer["notice"]
    );
    let not_measured = answer["rows"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row[4] == "limit");
    assert!(not_measured.count() > 0);
    let host: Value = viewer
        .get(server.url("/api/fn/host"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let channels = host["channels"].to_string();
    assert!(
        !channels.contains("container."),
        "the page of the host is spared of them"
    );
    server.stop().await;
}

/// Against a real engine, where there is one: see the head of this file.
#[tokio::test]
async fn a_real_engine_is_listed_measured_read_and_ordered() {
    let Some(socket) = std::env::var_os("FAROL_TEST_ENGINE") else {
        return;
    };
    let server = farol(Path::new(&socket)).await;
    let operator = client(&server, "operator").await;
    let answer = until(&server, &operator, "text=farol-test", |answer| {
        row(answer, "farol-test")
            .is_some_and(|row| row[3] == "running" && row[4].as_str().unwrap().ends_with('%'))
    })
    .await;
    let id = row(&answer, "farol-test").unwrap()[0]
        .as_str()
        .unwrap()
        .to_owned();
    let mut socket = Socket::connect(&server, "operator").await;
    let reply = socket.subscribe(&format!("logs/container/{}", &id[..12])).await;
    assert!(reply.get("error").is_none(), "{reply}");
    socket.hears("stdout", "line").await;
    socket.hears("stderr", "err").await;
    let named = [("id", id.as_str()), ("name", "farol-test"), ("confirm", "true")];
    let stop = [&named[..], &[("action", "container.stop"), ("wait_secs", "1")]].concat();
    let (_, told) = outcome(&server, &operator, "real-stop", &stop).await;
    assert_eq!(told, "Stopped farol-test.");
    until(&server, &operator, "", |answer| {
        state(answer, "farol-test") == "exited"
    })
    .await;
    socket.hears("stderr", "does not run").await;
    let start = [&named[..], &[("action", "container.start")]].concat();
    let (_, told) = outcome(&server, &operator, "real-start", &start).await;
    assert_eq!(told, "Started farol-test.");
    until(&server, &operator, "", |answer| {
        state(answer, "farol-test") == "running"
    })
    .await;
    socket.hears("stdout", "line").await;
    let more = read(&server, &operator, &format!("id={id}&wants=more"))
        .await
        .to_string();
    assert!(more.contains("SECRET_TOKEN") && !more.contains("abc"), "{more}");
    server.stop().await;
}
