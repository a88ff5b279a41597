//! With systemd itself.

use crate::common::TestServer;
use farol::{checks::CheckConfig, config::Config, services::ServicesConfig};
use reqwest::Client;
use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;

/// A systemd of its own; it ends with this.
struct Systemd {
    child: Child,
    dir: TempDir,
}

impl Systemd {
    /// None when this is not root.
    fn start(units: &[(&str, &str)]) -> Option<Systemd> {
        if !rustix::process::geteuid().is_root() {
            eprintln!("not root: a systemd of its own cannot be started");
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("units")).unwrap();
        for (name, text) in units {
            std::fs::write(dir.path().join("units").join(name), text).unwrap();
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/systemd/start.sh");
        let mut child = Command::new("sh")
            .arg(script)
            .arg(dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        if line != "ready\n" {
            out.read_to_string(&mut line).unwrap();
        }
        assert_eq!(line, "ready\n", "systemd did not start");
        Some(Systemd { child, dir })
    }

    fn config(&self) -> Config {
        Config {
            services: ServicesConfig {
                bus: format!("unix:path={}/run/user/bus", self.dir.path().display()),
                journal: Some(self.dir.path().join("journal")),
            },
            ..Config::default()
        }
    }
}

impl Drop for Systemd {
    fn drop(&mut self) {
        // It ends when its standard input does.
        drop(self.child.stdin.take());
        self.child.wait().unwrap();
    }
}

const SLEEPY: (&str, &str) = (
    "sleepy.service",
    "[Unit]\nDescription=Sleeps all day\n[Service]\nExecStart=/bin/sh -c 'echo hello from sleepy; exec sleep 1000'\n\
     [Install]\nWantedBy=default.target\n",
);
const BROKEN: (&str, &str) = (
    "broken.service",
    // It ends when its line is in the journal: of a process that has ended before, journald may not know which unit it was.
    "[Unit]\nDescription=Never starts\n[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo no room left >&2; until journalctl --quiet --directory=/run/log/journal --output=cat | grep -q no.room.left; do sleep 0.05; done; exit 3'\n",
);
const SSH: (&str, &str) = ("ssh.service", "[Service]\nExecStart=/bin/sleep 1000\n");

async fn ask(server: &TestServer, client: &Client, query: &str) -> Value {
    let answer = client
        .get(server.url(&format!("/api/fn/services?{query}")))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    answer.json().await.unwrap()
}

/// Asks until it is as the test waits for.
async fn until(server: &TestServer, client: &Client, query: &str, check: impl Fn(&Value) -> bool) -> Value {
    let path = format!("/api/fn/services?{query}");
    let fits = |body: &str| serde_json::from_str::<Value>(body).is_ok_and(|view| check(&view));
    serde_json::from_str(&server.until(client, &path, fits).await).unwrap()
}

fn row<'a>(view: &'a Value, name: &str) -> &'a Value {
    let rows = view["rows"].as_array().unwrap();
    rows.iter().find(|row| row[0] == name).unwrap_or(&Value::Null)
}

/// Does it and waits for its end.
async fn run(
    server: &TestServer,
    client: &Client,
    action: &str,
    service: &str,
    more: &[(&str, &str)],
) -> Value {
    let key = format!("{:016x}", rand::random::<u64>());
    let mut fields = vec![
        ("action", action),
        ("key", key.as_str()),
        ("params[service]", service),
    ];
    fields.extend(more);
    let answer = client
        .post(server.url("/api/fn/run"))
        .form(&fields)
        .send()
        .await
        .unwrap();
    let status = answer.status().as_u16();
    let started: Value = answer.json().await.unwrap();
    if status != 200 {
        return started;
    }
    let id = started[0]["run"]["id"].as_str().unwrap();
    let path = format!("/api/fn/run-view?id={id}");
    let ended = |body: &str| {
        !["\"queued\"", "\"running\""]
            .iter()
            .any(|word| body.contains(word))
    };
    let view: Value = serde_json::from_str(&server.until(client, &path, ended).await).unwrap();
    view[0].clone()
}

#[tokio::test]
async fn services_are_started_restarted_and_stopped_and_the_table_follows() {
    let Some(systemd) = Systemd::start(&[SLEEPY, BROKEN]) else {
        return;
    };
    let server = TestServer::start_with(systemd.config()).await;
    let operator = server.signed_in("operator").await;
    let view = until(&server, &operator, "count=500", |view| {
        !row(view, "sleepy.service").is_null()
    })
    .await;
    assert_eq!(
        row(&view, "sleepy.service")[2],
        "inactive",
        "a file that is not in memory is a service too"
    );
    assert_eq!(view["absent"], Value::Array(vec![]));

    let ended = run(&server, &operator, "service.start", "sleepy", &[]).await;
    assert_eq!(ended["run"]["status"], "succeeded", "{ended}");
    // Its words are asked for after it is loaded.
    let running = |view: &Value| {
        let row = row(view, "sleepy.service");
        row[2] == "active (running)" && row[3] == "Sleeps all day"
    };
    until(&server, &operator, "count=500", running).await;
    let details = |view: &Value| {
        view["facts"][5] != "—" && view["facts"].as_array().is_some_and(|facts| facts.len() == 12)
    };
    let before = until(&server, &operator, "id=sleepy.service&lines=true", details).await;
    let said = |view: &Value| view["lines"].to_string().contains("hello from sleepy");
    until(&server, &operator, "id=sleepy.service&lines=true", said).await;
    until(
        &server,
        &operator,
        "id=sleepy.service&lines=true&by_itself=true",
        said,
    )
    .await;

    let ended = run(&server, &operator, "service.restart", "sleepy.service", &[]).await;
    assert_eq!(ended["run"]["detail"], "sleepy.service was restarted.", "{ended}");
    let other = |view: &Value| details(view) && view["facts"][5] != before["facts"][5];
    until(&server, &operator, "id=sleepy.service", other).await;

    let ended = run(&server, &operator, "service.reload", "sleepy.service", &[]).await;
    assert_eq!(ended["run"]["status"], "failed");
    assert!(
        ended["run"]["detail"].to_string().contains("Restart it instead"),
        "{ended}"
    );

    let ended = run(&server, &operator, "service.stop", "sleepy.service", &[]).await;
    assert_eq!(ended["run"]["status"], "succeeded", "{ended}");
    until(&server, &operator, "count=500", |view| {
        row(view, "sleepy.service")[2] == "inactive"
    })
    .await;
    server.stop().await;
}

#[tokio::test]
async fn a_health_check_of_a_unit_follows_the_unit() {
    let Some(systemd) = Systemd::start(&[SLEEPY]) else {
        return;
    };
    let check = CheckConfig {
        name: "sleepy".to_owned(),
        kind: "unit".to_owned(),
        target: "sleepy.service".to_owned(),
        interval_secs: 1,
        fails_after: 1,
        ..CheckConfig::default()
    };
    let config = Config {
        checks: vec![check],
        ..systemd.config()
    };
    let server = TestServer::start_with(config).await;
    let operator = server.signed_in("operator").await;
    let checks = "/api/fn/apps?at=/checks";
    let words = |wanted: &'static str| move |body: &str| body.contains(wanted);
    server.until(&operator, checks, words("is inactive")).await;
    let ended = run(&server, &operator, "service.start", "sleepy.service", &[]).await;
    assert_eq!(ended["run"]["status"], "succeeded", "{ended}");
    server.until(&operator, checks, words("active (running)")).await;
    let ended = run(&server, &operator, "service.stop", "sleepy.service", &[]).await;
    assert_eq!(ended["run"]["status"], "succeeded", "{ended}");
    // It is well no more, and that it was is told.
    let again = |body: &str| body.matches("is inactive").count() > 1 && body.contains("active (running)");
    server.until(&operator, checks, again).await;
    server.stop().await;
}

#[tokio::test]
async fn a_service_that_fails_stands_first_and_its_run_says_its_last_line() {
    let Some(systemd) = Systemd::start(&[SLEEPY, BROKEN]) else {
        return;
    };
    let server = TestServer::start_with(systemd.config()).await;
    let operator = server.signed_in("operator").await;
    until(&server, &operator, "count=500", |view| {
        !row(view, "broken.service").is_null()
    })
    .await;
    let ended = run(&server, &operator, "service.start", "broken.service", &[]).await;
    assert_eq!(ended["run"]["status"], "failed", "{ended}");
    assert!(ended["output"].to_string().contains("no room left"), "{ended}");
    let view = until(&server, &operator, "count=500", |view| {
        view["rows"][0][0] == "broken.service"
    })
    .await;
    assert_eq!(view["rows"][0][2], "failed (exit-code)");
    let view = ask(&server, &operator, "id=broken.service").await;
    assert_eq!(view["facts"][4], "exit-code, status 3");
    server.stop().await;
}

#[tokio::test]
async fn enabling_is_written_and_undone() {
    let Some(systemd) = Systemd::start(&[SLEEPY, BROKEN]) else {
        return;
    };
    let server = TestServer::start_with(systemd.config()).await;
    let operator = server.signed_in("operator").await;
    until(&server, &operator, "count=500", |view| {
        row(view, "sleepy.service")[4] == "disabled"
    })
    .await;
    let ended = run(&server, &operator, "service.enable", "sleepy.service", &[]).await;
    assert!(ended["output"].to_string().contains("Made the link"), "{ended}");
    until(&server, &operator, "count=500", |view| {
        row(view, "sleepy.service")[4] == "enabled"
    })
    .await;
    let ended = run(&server, &operator, "service.disable", "sleepy.service", &[]).await;
    assert_eq!(ended["run"]["status"], "succeeded", "{ended}");
    until(&server, &operator, "count=500", |view| {
        row(view, "sleepy.service")[4] == "disabled"
    })
    .await;
    let ended = run(&server, &operator, "service.enable", "broken.service", &[]).await;
    assert!(
        ended["run"]["detail"].to_string().contains("[Install]"),
        "{ended}"
    );
    server.stop().await;
}

#[tokio::test]
async fn who_may_not_act_is_refused_and_what_carries_the_way_in_wants_confirmation() {
    let Some(systemd) = Systemd::start(&[SLEEPY, SSH]) else {
        return;
    };
    let server = TestServer::start_with(systemd.config()).await;
    let (viewer, operator) = (
        server.signed_in("viewer").await,
        server.signed_in("operator").await,
    );
    until(&server, &operator, "count=500", |view| {
        !row(view, "ssh.service").is_null()
    })
    .await;
    let refused = run(&server, &viewer, "service.start", "sleepy.service", &[]).await;
    assert!(refused.to_string().contains("may not"), "{refused}");
    let view = ask(&server, &viewer, "id=sleepy.service&lines=true").await;
    assert!(
        view["lines_why"].to_string().contains("may not read logs"),
        "{view}"
    );
    assert_eq!(view["actions"], Value::Array(vec![]));

    assert_eq!(
        run(&server, &operator, "service.start", "ssh", &[]).await["run"]["status"],
        "succeeded"
    );
    let refused = run(&server, &operator, "service.stop", "ssh", &[]).await;
    assert!(refused.to_string().contains("must be confirmed"), "{refused}");
    let ended = run(&server, &operator, "service.stop", "ssh", &[("confirm", "true")]).await;
    assert_eq!(ended["run"]["status"], "succeeded", "{ended}");
    let odd = run(&server, &operator, "service.start", "--now", &[]).await;
    assert!(odd.to_string().contains("no name of a service"), "{odd}");
    let unknown = run(&server, &operator, "service.start", "nobody", &[]).await;
    assert!(
        unknown["run"]["detail"]
            .to_string()
            .contains("no service nobody.service"),
        "{unknown}"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_health_check_of_a_unit_follows_it() {
    let Some(systemd) = Systemd::start(&[SLEEPY]) else {
        return;
    };
    let mut config = systemd.config();
    config.checks = vec![farol::checks::CheckConfig {
        name: "sleepy".into(),
        kind: "unit".into(),
        target: "sleepy.service".into(),
        interval_secs: 1,
        ..Default::default()
    }];
    let server = TestServer::start_with(config).await;
    let operator = server.signed_in("operator").await;
    let until = async |state: &str, message: &str| {
        let fits = |body: &str| {
            let told: Value = serde_json::from_str(body).unwrap();
            let check = &told["checks"][0];
            check["state"] == state && check["message"] == message
        };
        server.until(&operator, "/api/v1/checks", fits).await;
    };
    until("failing", "is inactive (dead)").await;
    let ended = run(&server, &operator, "service.start", "sleepy", &[]).await;
    assert_eq!(ended["run"]["status"], "succeeded", "{ended}");
    until("ok", "active (running)").await;
    server.stop().await;
}
