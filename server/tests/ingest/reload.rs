//! Health checks and StatsD of a configuration that is read again. The action does what a SIGHUP does (`binary.rs` sends one).

use super::{Apps, PATIENCE, newest};
use farol::config::Config;
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    net::{SocketAddr, UdpSocket},
    path::PathBuf,
};
use tempfile::TempDir;
use tokio::net::TcpListener;

struct Lab {
    apps: Apps,
    file: PathBuf,
    /// Holds the file.
    _dir: TempDir,
    admin: String,
}

impl Lab {
    async fn start(text: &str) -> Lab {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("farol.toml");
        std::fs::write(&file, text).unwrap();
        let apps = Apps::of(Config::load(Some(&file)).unwrap()).await;
        Lab {
            admin: apps.server.token("admin").await,
            apps,
            file,
            _dir: dir,
        }
    }

    /// What the run says that reads this configuration, and what it prints.
    async fn reload(&self, text: &str) -> (String, String) {
        std::fs::write(&self.file, text).unwrap();
        let ask = async |method: Method, path: &str| -> Value {
            let request = self
                .apps
                .client
                .request(method.clone(), self.apps.url(path))
                .bearer_auth(&self.admin);
            let request = match method {
                Method::POST => request
                    .header("idempotency-key", format!("key-{}", farol::time::now_ms()))
                    .json(&json!({"action": "farol.reload"})),
                _ => request,
            };
            request.send().await.unwrap().json().await.unwrap()
        };
        let run = ask(Method::POST, "/api/v1/runs").await;
        let path = format!("/api/v1/runs/{}", run["id"].as_str().unwrap());
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let run = ask(Method::GET, &path).await;
            if run["ended_ms"].is_i64() {
                let printed = ask(Method::GET, &format!("{path}/output")).await;
                return (
                    run["detail"].as_str().unwrap().to_owned(),
                    printed["output"].to_string(),
                );
            }
            assert!(tokio::time::Instant::now() < deadline, "{run}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    async fn checks(&self) -> Vec<String> {
        let told = self.apps.get("/api/v1/checks").await;
        let all = told["checks"].as_array().unwrap().iter();
        all.map(|check| check["name"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Waits until a series of checks is there or is not.
    async fn until_series(&self, check: &str, there: bool) {
        let labels = [("check", check)];
        self.apps
            .until("/api/fn/apps?at=/apps/checks", |told| {
                let found = newest(told, "check_up", &labels).is_some_and(f64::is_finite);
                (found == there).then_some(())
            })
            .await;
    }
}

fn check(name: &str, target: SocketAddr) -> String {
    format!(
        "[[check]]\nname = \"{name}\"\nkind = \"tcp\"\ntarget = \"{target}\"\ninterval_secs = 1\nfails_after = 1\n"
    )
}

#[tokio::test]
async fn checks_begin_end_and_change_and_the_others_go_on() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let open = listener.local_addr().unwrap();
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = nobody.local_addr().unwrap();
    drop(nobody);
    let (kept, gone) = (check("kept", open), check("gone", open));
    let lab = Lab::start(&format!("{kept}{gone}")).await;
    let well = |check: &Value| check["state"] == "ok";
    let before = lab.apps.check("kept", well).await;
    let was = lab.apps.check("gone", well).await;

    let two = format!("{kept}{}", check("fresh", closed));
    assert_eq!(lab.reload(&two).await.0, "In force now: check.");
    assert_eq!(lab.checks().await, ["kept", "fresh"]);
    let failing = lab.apps.check("fresh", |check| check["state"] == "failing").await;
    assert_eq!(failing["changes"].as_array().unwrap().len(), 1, "{failing}");
    lab.until_series("fresh", true).await;
    lab.until_series("gone", false).await;
    // The one that stays was not begun anew: its tries are all there, and nothing changed.
    let tries = |check: &Value| check["recent"].as_array().unwrap().len();
    let after = lab
        .apps
        .check("kept", |check| tries(check) > tries(&before))
        .await;
    assert_eq!(
        (&after["since_ms"], &after["changes"]),
        (&before["since_ms"], &before["changes"])
    );

    // Another target is the same check with the same past, in its own words.
    let changed = format!("{kept}{}", check("fresh", open));
    assert_eq!(lab.reload(&changed).await.0, "In force now: check.");
    let mended = lab.apps.check("fresh", well).await;
    assert_eq!(mended["changes"][0]["state"], "ok", "{mended}");
    assert_eq!(mended["changes"][1], failing["changes"][0], "{mended}");

    // A wrong file changes nothing, and what is wrong is told with its line.
    let (said, printed) = lab
        .reload(&format!("{kept}{}kind = \"ping\"\n", check("new", open)))
        .await;
    assert!(
        said.starts_with("The configuration is wrong; all is as it was."),
        "{said}"
    );
    assert!(
        printed.contains("farol.toml"),
        "a key that is there twice: {printed}"
    );
    let wrong = check("new", open).replace("\"tcp\"", "\"ping\"");
    let (said, printed) = lab.reload(&format!("{kept}{wrong}")).await;
    assert!(
        said.starts_with("The configuration is wrong; all is as it was."),
        "{said}"
    );
    assert!(
        printed.contains("farol.toml:9: check.new.kind: there is no kind `ping`"),
        "{printed}"
    );
    assert_eq!(lab.checks().await, ["kept", "fresh"]);

    // One that comes back has what is known of it; nothing has changed since.
    lab.reload(&format!("{gone}{kept}")).await;
    assert_eq!(lab.checks().await, ["gone", "kept"]);
    let back = lab.apps.check("gone", well).await;
    assert_eq!(
        (&back["since_ms"], &back["changes"]),
        (&was["since_ms"], &was["changes"])
    );

    // All of them end, and their values with them.
    assert_eq!(lab.reload("").await.0, "In force now: check.");
    assert_eq!(lab.checks().await, [] as [&str; 0]);
    lab.until_series("kept", false).await;
    lab.apps.server.stop().await;
}

fn statsd(listen: SocketAddr, name: &str) -> String {
    format!("[statsd]\nlisten = \"{listen}\"\nname = \"{name}\"\n")
}

/// An address that nobody has.
fn free() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap()
}

#[tokio::test]
async fn statsd_moves_to_another_address_and_stays_where_it_is_when_that_is_taken() {
    let lab = Lab::start("").await;
    let (first, second) = (free(), free());
    let holder = UdpSocket::bind("127.0.0.1:0").unwrap();
    let taken = holder.local_addr().unwrap();
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    // Sent until it has come: whoever sends over UDP is not told that nobody listens.
    let heard = async |at: SocketAddr, source: &str, value: f64| {
        let line = format!("queue:{value}|g");
        let page = format!("/api/fn/apps?at=/apps/{source}");
        lab.apps
            .until_sent(
                &page,
                || client.send_to(line.as_bytes(), at).map(drop),
                |told| newest(told, "queue", &[]).filter(|newest| *newest == value),
            )
            .await;
    };
    assert_eq!(
        lab.reload(&statsd(first, "web")).await.0,
        "In force now: statsd.listen, statsd.name."
    );
    heard(first, "web", 1.0).await;

    // Taken: it goes on where it is, and the source says why.
    let said = lab.reload(&statsd(taken, "web")).await.0;
    assert_eq!(said, "In force after a restart: statsd.listen.");
    let stays = lab.apps.source("web", |source| source["error"].is_string()).await;
    let why = stays["error"].as_str().unwrap();
    assert!(
        why.contains(&format!("StatsD cannot be taken at {taken} (statsd.listen)")),
        "{why}"
    );
    assert!(why.contains(&format!("it goes on at udp://{first}")), "{why}");
    assert_eq!(stays["at"], format!("udp://{first}"));
    heard(first, "web", 2.0).await;

    // No address: nothing changes.
    let text = statsd(second, "web").replace(&second.to_string(), "8125");
    let (said, printed) = lab.reload(&text).await;
    assert!(
        said.starts_with("The configuration is wrong; all is as it was."),
        "{said}"
    );
    assert!(printed.contains("farol.toml:2: statsd.listen"), "{printed}");

    // Another address: the source goes on there, and the first one is given up.
    assert_eq!(
        lab.reload(&statsd(second, "web")).await.0,
        "In force now: statsd.listen."
    );
    let moved = lab.apps.source("web", |_| true).await;
    assert_eq!(
        (&moved["at"], &moved["error"]),
        (&json!(format!("udp://{second}")), &Value::Null)
    );
    // What is known of before is known there: a gauge is changed from where it stood.
    client.send_to(b"queue:+5|g", second).unwrap();
    let seven = |told: &Value| newest(told, "queue", &[]).filter(|value| *value == 7.0);
    lab.apps.until("/api/fn/apps?at=/apps/web", seven).await;
    heard(second, "web", 3.0).await;
    drop(UdpSocket::bind(first).unwrap());

    // Another name, at the same address.
    assert_eq!(
        lab.reload(&statsd(second, "shop")).await.0,
        "In force now: statsd.name."
    );
    heard(second, "shop", 4.0).await;
    let names = lab.apps.get("/api/v1/apps").await;
    assert!(!names.to_string().contains("\"web\""), "{names}");

    // Off, and on at an address that is taken: down, with the reason, until it is free.
    assert_eq!(
        lab.reload("").await.0,
        "In force now: statsd.listen, statsd.name."
    );
    drop(UdpSocket::bind(second).unwrap());
    lab.reload(&statsd(taken, "web")).await;
    let down = lab.apps.source("web", |source| source["state"] == "down").await;
    assert!(
        down["error"].as_str().unwrap().contains("cannot be taken"),
        "{down}"
    );
    drop(holder);
    lab.reload(&statsd(taken, "web")).await;
    heard(taken, "web", 5.0).await;
    lab.apps.server.stop().await;
}
