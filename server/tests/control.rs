//! Acting, by the calls that a page makes and by those that it never would.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail their test by panicking")]

mod common;

use common::TestServer;
use farol::config::Config;
use reqwest::{Client, Response};
use serde_json::Value;

const KEY: &str = "test-key-0001";

async fn run(server: &TestServer, client: &Client, fields: &[(&str, &str)]) -> Response {
    client
        .post(server.url("/api/fn/run"))
        .form(fields)
        .send()
        .await
        .unwrap()
}

fn with_runbook(dir: &std::path::Path, toml: &str) -> Config {
    let file = dir.join("farol.toml");
    std::fs::write(&file, toml).unwrap();
    Config::load(Some(&file)).unwrap()
}

fn process_of(child: &std::process::Child) -> (String, String) {
    let start_ms = farol::procstat::start_ms(child.id()).unwrap();
    (child.id().to_string(), start_ms.to_string())
}

fn signal_fields<'a>(pid: &'a str, start_ms: &'a str, signal: &'a str) -> [(&'static str, &'a str); 6] {
    [
        ("action", "process.signal"),
        ("key", KEY),
        ("params[pid]", pid),
        ("params[start_ms]", start_ms),
        ("params[signal]", signal),
        ("confirm", "true"),
    ]
}

#[tokio::test]
async fn an_operator_stops_a_process_and_the_log_tells_it() {
    let server = TestServer::start().await;
    let operator = server.signed_in("operator").await;
    let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
    let (pid, start_ms) = process_of(&child);
    let fields = signal_fields(&pid, &start_ms, "TERM");
    let answer = run(&server, &operator, &fields).await;
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    let status = tokio::task::spawn_blocking(move || child.wait())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(15));
    server
        .until(&operator, "/audit", |html| {
            html.contains("run.process.signal") && html.contains(&pid)
        })
        .await;
    server.stop().await;
}

#[tokio::test]
async fn a_viewer_and_a_stranger_are_refused_by_the_call_itself() {
    let server = TestServer::start().await;
    let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
    let (pid, start_ms) = process_of(&child);
    let fields = signal_fields(&pid, &start_ms, "KILL");
    assert_eq!(
        run(&server, &server.signed_in("viewer").await, &fields)
            .await
            .status(),
        403
    );
    assert_eq!(run(&server, &server.stranger(), &fields).await.status(), 401);
    assert!(child.try_wait().unwrap().is_none(), "it still runs");
    child.kill().unwrap();
    child.wait().unwrap();
    server.stop().await;
}

#[tokio::test]
async fn a_session_from_another_origin_cannot_act() {
    let server = TestServer::start().await;
    let cookie = server.cookie("operator").await;
    let post = |origin: Option<&'static str>| {
        let request = server
            .anonymous()
            .post(server.url("/api/fn/run"))
            .header("cookie", &cookie);
        let request = match origin {
            Some(origin) => request.header("origin", origin),
            None => request,
        };
        request
            .form(&[
                ("action", "collector.pause"),
                ("key", KEY),
                ("params[collector]", "cpu"),
            ])
            .send()
    };
    for origin in [Some("https://evil.example"), Some("null"), None] {
        assert_eq!(post(origin).await.unwrap().status(), 403, "{origin:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_pid_that_is_another_process_now_is_never_hit() {
    let server = TestServer::start().await;
    let operator = server.signed_in("operator").await;
    let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
    let (pid, start_ms) = process_of(&child);
    let stale = (start_ms.parse::<i64>().unwrap() - 60_000).to_string();
    let fields = signal_fields(&pid, &stale, "KILL");
    let answer = run(&server, &operator, &fields).await;
    if answer.status() == 200 {
        let started: Value = answer.json().await.unwrap();
        let page = format!("/controls/runs/{}", started[0]["run"]["id"].as_str().unwrap());
        server
            .until(&operator, &page, |html| html.contains("Failed"))
            .await;
    } else {
        assert_eq!(answer.status(), 409);
    }
    assert!(child.try_wait().unwrap().is_none(), "it still runs");
    child.kill().unwrap();
    child.wait().unwrap();
    server.stop().await;
}

#[tokio::test]
async fn a_plain_form_leads_to_the_page_of_its_run_with_the_output_on_it() {
    let dir = tempfile::tempdir().unwrap();
    let config = with_runbook(
        dir.path(),
        r#"
        [[runbook]]
        name = "greet"
        title = "Greet"
        summary = "Says hello."
        argv = ["/bin/echo", "hello {who}"]
        [[runbook.params]]
        name = "who"
        label = "Who"
        help = "Who is greeted."
        kind = "text"
        max_chars = 20
        "#,
    );
    let server = TestServer::start_with(config).await;
    let operator = server.signed_in("operator").await;
    let answer = operator
        .post(server.url("/api/fn/run"))
        .header("accept", "text/html")
        .form(&[
            ("action", "runbook.greet"),
            ("key", KEY),
            ("params[who]", "wide world; reboot"),
        ])
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 302, "{}", answer.text().await.unwrap());
    let page = answer.headers()["location"].to_str().unwrap().to_owned();
    assert!(page.starts_with("/controls/runs/"), "{page}");
    server
        .until(&operator, &page, |html| {
            html.contains("hello wide world; reboot") && html.contains("Succeeded")
        })
        .await;
    server.stop().await;
}

#[tokio::test]
async fn the_same_key_is_the_same_run() {
    let dir = tempfile::tempdir().unwrap();
    let count = dir.path().join("count");
    let toml = format!(
        "[[runbook]]\nname = \"count\"\ntitle = \"Count\"\nsummary = \"Adds a line.\"\nargv = [\"/bin/sh\", \"-c\", \"echo x >> {}\"]\n",
        count.display()
    );
    let server = TestServer::start_with(with_runbook(dir.path(), &toml)).await;
    let operator = server.signed_in("operator").await;
    let fields = [("action", "runbook.count"), ("key", KEY)];
    let (first, second) = tokio::join!(run(&server, &operator, &fields), run(&server, &operator, &fields));
    let id = |value: Value| value[0]["run"]["id"].as_str().unwrap().to_owned();
    let (first, second) = (id(first.json().await.unwrap()), id(second.json().await.unwrap()));
    assert_eq!(first, second);
    server
        .until(&operator, &format!("/controls/runs/{first}"), |html| {
            html.contains("Succeeded")
        })
        .await;
    assert_eq!(std::fs::read_to_string(&count).unwrap(), "x\n");
    server.stop().await;
}

const APPROVED: &str = "title = \"Deploy\"\napproval = true\nargv = [\"/bin/sh\", \"-c\", \"echo x >> {}; printf '\\\\033[31mred\\\\033[0m\\\\n'\"]\n";

/// A Farol with this runbook in its folder, called `deploy`.
async fn with_book(dir: &std::path::Path, text: &str) -> TestServer {
    let books = dir.join("books");
    std::fs::create_dir_all(&books).unwrap();
    std::fs::write(books.join("deploy.toml"), text).unwrap();
    let config = with_runbook(dir, &format!("[runbooks]\ndir = \"{}\"\n", books.display()));
    TestServer::start_with(config).await
}

async fn decide(server: &TestServer, client: &Client, run: &str, word: &str) -> u16 {
    let fields = [("run", run), ("word", word)];
    let asked = client.post(server.url("/api/fn/decide")).form(&fields);
    asked.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_run_that_must_be_approved_waits_for_somebody_else_who_may() {
    let dir = tempfile::tempdir().unwrap();
    let count = dir.path().join("count");
    let text = APPROVED.replace("{}", &count.display().to_string());
    let server = with_book(dir.path(), &text).await;
    let (operator, admin) = (
        server.signed_in("operator").await,
        server.signed_in("admin").await,
    );
    let viewer = server.signed_in("viewer").await;
    let fields = [("action", "runbook.deploy"), ("key", KEY)];
    let started: Value = run(&server, &operator, &fields).await.json().await.unwrap();
    assert_eq!(started[0]["run"]["status"], "awaiting", "{started}");
    let id = started[0]["run"]["id"].as_str().unwrap();
    for (client, status) in [(&operator, 403), (&viewer, 403), (&server.stranger(), 401)] {
        assert_eq!(decide(&server, client, id, "approve").await, status);
    }
    assert_eq!(decide(&server, &admin, id, "perhaps").await, 422);
    assert!(!count.exists(), "nothing runs before it is approved");
    assert_eq!(decide(&server, &admin, id, "approve").await, 200);
    let page = format!("/controls/runs/{id}");
    server
        .until(&operator, &page, |html| html.contains("Succeeded"))
        .await;
    assert_eq!(
        decide(&server, &admin, id, "deny").await,
        409,
        "it has been decided"
    );
    assert_eq!(std::fs::read_to_string(&count).unwrap(), "x\n");
    let text = server.url(&format!("{page}/output.txt"));
    let output = operator.get(&text).send().await.unwrap();
    assert!(
        output.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/plain")
    );
    assert_eq!(output.text().await.unwrap(), "red\n", "as text, without colours");
    assert_eq!(viewer.get(&text).send().await.unwrap().status(), 403);
    assert_ne!(server.stranger().get(&text).send().await.unwrap().status(), 200);
    let missing = server.url("/controls/runs/01NOTHING/output.txt");
    assert_eq!(operator.get(missing).send().await.unwrap().status(), 404);
    server.stop().await;
}

#[tokio::test]
async fn a_yes_asks_for_a_fresh_proof_by_every_way() {
    let dir = tempfile::tempdir().unwrap();
    let text = "title = \"Deploy\"\napproval = true\nargv = [\"/bin/true\"]\n";
    let server = with_book(dir.path(), text).await;
    let (operator, admin) = (
        server.signed_in("operator").await,
        server.signed_in("admin").await,
    );
    let fields = [("action", "runbook.deploy"), ("key", KEY)];
    let started: Value = run(&server, &operator, &fields).await.json().await.unwrap();
    let id = started[0]["run"]["id"].as_str().unwrap();
    server.let_time_pass().await;
    let asked = || {
        let fields = [("run", id), ("word", "approve")];
        admin.post(server.url("/api/fn/decide")).form(&fields)
    };
    let stale = asked().send().await.unwrap();
    assert_eq!(stale.status(), 403);
    let told = stale.text().await.unwrap();
    assert!(told.contains("\"proof_needed\""), "{told}");
    // A plain form leads to the proof, and from there back to the run.
    let plain = asked().header("accept", "text/html").send().await.unwrap();
    assert_eq!(plain.status(), 302);
    let there = plain.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!(there, format!("/prove?next=/controls/runs/{id}"));
    let token = server.token("admin").await;
    let by_token = server.stranger().post(server.url("/api/fn/decide"));
    let by_token = by_token
        .bearer_auth(token)
        .form(&[("run", id), ("word", "approve")]);
    assert_eq!(by_token.send().await.unwrap().status(), 403, "it is not trusted");
    let proof = [("password", common::PASSWORD), ("next", &there[12..])];
    let proved = admin
        .post(server.url("/api/auth/prove"))
        .form(&proof)
        .send()
        .await
        .unwrap();
    let back = proved.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!(back, format!("/controls/runs/{id}"));
    assert_eq!(asked().send().await.unwrap().status(), 200);
    server
        .until(&operator, &back, |html| html.contains("Succeeded"))
        .await;
    server.stop().await;
}

#[tokio::test]
async fn who_lost_the_role_between_asking_and_approval_gets_no_run() {
    let dir = tempfile::tempdir().unwrap();
    let count = dir.path().join("count");
    let text = APPROVED.replace("{}", &count.display().to_string());
    let server = with_book(dir.path(), &text).await;
    let (operator, admin) = (
        server.signed_in("operator").await,
        server.signed_in("admin").await,
    );
    let fields = [("action", "runbook.deploy"), ("key", KEY)];
    let started: Value = run(&server, &operator, &fields).await.json().await.unwrap();
    let id = started[0]["run"]["id"].as_str().unwrap();
    let pool = farol::db::open(server.data_dir.path()).await.unwrap();
    farol::access::cli::user_role(&pool, "operator", "viewer")
        .await
        .unwrap();
    pool.close().await;
    assert_eq!(decide(&server, &admin, id, "approve").await, 409);
    let page = format!("/controls/runs/{id}");
    server
        .until(&admin, &page, |html| {
            html.contains("operator may not run this any more") && html.contains("Denied")
        })
        .await;
    server
        .until(&admin, "/audit", |html| {
            html.contains("operator may not run this any more")
        })
        .await;
    assert!(!count.exists());
    server.stop().await;
}

#[tokio::test]
async fn pages_of_runs_are_for_those_who_may_see_runs() {
    let server = TestServer::start().await;
    let (operator, viewer) = (
        server.signed_in("operator").await,
        server.signed_in("viewer").await,
    );
    for path in ["/runs", "/api/fn/runs"] {
        let ask = async |client: &Client| {
            client
                .get(server.url(path))
                .send()
                .await
                .unwrap()
                .status()
                .as_u16()
        };
        assert_eq!((ask(&operator).await, ask(&viewer).await), (200, 403), "{path}");
    }
    let unknown = server.url("/api/fn/compare?first=01A&second=01B");
    assert_eq!(operator.get(unknown).send().await.unwrap().status(), 404);
    assert_eq!(
        operator
            .get(server.url("/api/fn/compare"))
            .send()
            .await
            .unwrap()
            .status(),
        422
    );
    let preview = |client: &Client| {
        let fields = [("action", "process.signal")];
        client.post(server.url("/api/fn/preview")).form(&fields).send()
    };
    assert_eq!(preview(&viewer).await.unwrap().status(), 403);
    assert_eq!(
        preview(&operator).await.unwrap().status(),
        422,
        "its values are missing"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_plain_form_confirms_by_what_is_typed() {
    let dir = tempfile::tempdir().unwrap();
    let server = with_book(
        dir.path(),
        "dangerous = true\nargv = [\"/bin/echo\", \"wiped\"]\n",
    )
    .await;
    let operator = server.signed_in("operator").await;
    for (key, typed, status) in [("key-typed-1", "deplo", 422), ("key-typed-2", "deploy", 200)] {
        let fields = [("action", "runbook.deploy"), ("key", key), ("typed", typed)];
        assert_eq!(run(&server, &operator, &fields).await.status(), status, "{typed}");
    }
    server.stop().await;
}

/// Choose, give values, see what would run, confirm: links and forms alone.
#[tokio::test]
async fn without_scripts_what_would_run_is_seen_before_it_does() {
    let dir = tempfile::tempdir().unwrap();
    let text = "title = \"Greet\"\ndangerous = true\nargv = [\"/bin/echo\", \"{who}\"]\nenv = { KEY = \"{key}\" }\n\
        [[params]]\nname = \"who\"\nlabel = \"Who\"\nhelp = \"Who.\"\nkind = \"text\"\nmax_chars = 20\n\
        [[params]]\nname = \"key\"\nlabel = \"Key\"\nhelp = \"Key.\"\nkind = \"secret\"\nmax_chars = 20\n";
    let server = with_book(dir.path(), text).await;
    let (operator, viewer) = (
        server.signed_in("operator").await,
        server.signed_in("viewer").await,
    );
    let page = async |client: &Client, path: &str| {
        let answer = client.get(server.url(path)).send().await.unwrap();
        answer.text().await.unwrap()
    };
    let html = page(&operator, "/controls").await;
    assert!(
        html.contains("/controls?again=look:runbook.deploy"),
        "the way there"
    );
    let html = page(&operator, "/controls?again=look:runbook.deploy").await;
    let card = html.split("aria-label=\"Greet: what would run\"").nth(1).unwrap();
    assert!(card.contains("Show what would run") && card.contains("name=\"params[who]\""));
    let long = format!(
        "/controls?again=look:runbook.deploy&seen=true&params%5Bwho%5D={}",
        "x".repeat(21)
    );
    assert!(page(&operator, &long).await.contains("This cannot be run"));
    let seen = "/controls?again=look%3Arunbook.deploy&seen=true&params%5Bwho%5D=wide+world";
    let html = page(&operator, seen).await;
    assert!(html.contains("This is what would run. Nothing has been started."));
    assert!(
        html.contains("/bin/echo 'wide world'") && html.contains("KEY='[redacted]'"),
        "{html}"
    );
    let form = html.split("aria-label=\"Greet: what would run\"").nth(1).unwrap();
    let form = form.split("action=\"/api/fn/run\"").nth(1).unwrap();
    assert!(
        form.contains("name=\"params[key]\"") && form.contains("name=\"typed\""),
        "{form}"
    );
    let key = form.split("name=\"key\" value=\"").nth(1).unwrap();
    let key = key.split('"').next().unwrap();
    let fields = [
        ("action", "runbook.deploy"),
        ("key", key),
        ("params[who]", "wide world"),
        ("params[key]", "hunter2"),
        ("typed", "deploy"),
    ];
    let started = operator
        .post(server.url("/api/fn/run"))
        .header("accept", "text/html");
    let started = started.form(&fields).send().await.unwrap();
    let run = started.headers()["location"].to_str().unwrap().to_owned();
    server
        .until(&operator, &run, |html| {
            html.contains("wide world") && html.contains("Succeeded")
        })
        .await;
    assert!(
        !page(&viewer, seen).await.contains("/bin/echo"),
        "not for everybody"
    );
    server.stop().await;
}

#[tokio::test]
async fn an_administrator_drains_farol_by_its_name_and_nobody_else_does() {
    let server = TestServer::start().await;
    let host = farol::collectors::host::host_info().name;
    let (operator, admin) = (
        server.signed_in("operator").await,
        server.signed_in("admin").await,
    );
    let drain = |name: &str| {
        let fields = [
            ("action", "farol.drain"),
            ("key", KEY),
            ("confirm", "true"),
            ("params[host]", name),
        ];
        fields.map(|(key, value)| (key, value.to_owned()))
    };
    let fields = drain(&host);
    let fields: Vec<_> = fields.iter().map(|(key, value)| (*key, value.as_str())).collect();
    assert_eq!(run(&server, &operator, &fields).await.status(), 403);
    let wrong = drain("another-host");
    let wrong: Vec<_> = wrong.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let refused = run(&server, &admin, &wrong).await;
    assert_eq!(refused.status(), 422);
    assert!(
        refused.text().await.unwrap().contains(&host),
        "it says what the name is"
    );
    assert!(!server.shutdown.is_cancelled());
    assert_eq!(run(&server, &admin, &fields).await.status(), 200);
    // The server ends by itself, as at a SIGTERM.
    server.task.await.unwrap().unwrap();
    assert!(server.shutdown.is_cancelled());
}
