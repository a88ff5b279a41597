use super::Apps;
use crate::common::TestServer;
use axum::{
    Router,
    http::StatusCode,
    response::{IntoResponse, Redirect},
    routing::get,
};
use farol::config::Config;
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::{
    net::{TcpListener, UdpSocket},
    process::Command,
};

fn check(name: &str, kind: &str, target: &str, more: &str) -> String {
    format!(
        "[[check]]\nname = \"{name}\"\nkind = \"{kind}\"\ntarget = \"{target}\"\ninterval_secs = 1\ntimeout_secs = 5\nfails_after = 2\n{more}\n"
    )
}

/// A site that is well until it is told not to be.
async fn site(well: Arc<AtomicBool>) -> SocketAddr {
    let answer = move || {
        let well = well.load(Ordering::SeqCst);
        async move {
            match well {
                true => (StatusCode::OK, "all is well").into_response(),
                false => (StatusCode::INTERNAL_SERVER_ERROR, "oh no").into_response(),
            }
        }
    };
    let routes = Router::new()
        .route("/", get(answer))
        .route("/moved", get(|| async { Redirect::temporary("/") }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    address
}

#[tokio::test]
async fn a_site_that_breaks_and_mends_is_told_with_when_and_why() {
    let well = Arc::new(AtomicBool::new(true));
    let address = site(well.clone()).await;
    let nobody = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("http://{address}/");
    let config = [
        check("site", "http", &url, "body = \"is w.ll\""),
        check("words", "http", &url, "body = \"^no such words$\""),
        check("status", "http", &url, "status = [204]"),
        check("moved", "http", &format!("{url}moved"), ""),
        check("followed", "http", &format!("{url}moved"), "redirects = 1"),
        check("open", "tcp", &address.to_string(), ""),
        check("closed", "tcp", &nobody.to_string(), ""),
        check("unit", "unit", "no-such-unit.service", ""),
    ];
    let apps = Apps::start(&config.concat()).await;
    for name in ["site", "followed", "open"] {
        apps.check(name, |check| check["state"] == "ok").await;
    }
    for (name, reason) in [
        ("words", "does not match `^no such words$`"),
        ("status", "answers 200"),
        ("moved", "leading to /"),
        ("closed", "cannot be reached"),
        ("unit", "systemd"),
    ] {
        let failing = apps.check(name, |check| check["state"] == "failing").await;
        assert!(failing["message"].as_str().unwrap().contains(reason), "{failing}");
    }
    well.store(false, Ordering::SeqCst);
    let broken = apps.check("site", |check| check["state"] == "failing").await;
    assert_eq!(broken["message"], "answers 500 Internal Server Error");
    assert_eq!(broken["changes"][0]["state"], "failing");
    assert_eq!(broken["changes"][1]["state"], "ok");
    assert_eq!(broken["since_ms"], broken["changes"][0]["t_ms"]);
    // Two in a row, as the configuration says.
    let recent: Vec<bool> = broken["recent"]
        .as_array()
        .unwrap()
        .iter()
        .map(|ok| ok.as_bool().unwrap())
        .collect();
    assert!(
        recent.first() == Some(&true) && recent.ends_with(&[false, false]),
        "{recent:?}"
    );
    apps.value("checks", "check_up", &[("check", "site")], |value| value == 0.0)
        .await;
    assert_eq!(
        apps.value("checks", "check_up", &[("check", "open")], f64::is_finite)
            .await,
        1.0
    );
    let viewer = apps.server.signed_in("viewer").await;
    let page = viewer
        .get(apps.url("/checks"))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    for words in ["answers 500 Internal Server Error", "failing", "tries went well"] {
        assert!(page.contains(words), "{words}");
    }
    well.store(true, Ordering::SeqCst);
    apps.check("site", |check| check["state"] == "ok").await;
    apps.server.stop().await;
}

#[tokio::test]
async fn certificates_are_looked_at_trusted_or_not() {
    let mut secure = Config::default();
    secure.tls.self_signed = true;
    let other = TestServer::start_with(secure).await;
    let dir = tempfile::tempdir().unwrap();
    let ca = dir.path().join("ca.pem");
    std::fs::write(&ca, other.certificate.clone().unwrap()).unwrap();
    let (at, ca) = (
        other.address.to_string(),
        format!("ca = {:?}", ca.display().to_string()),
    );
    let health = format!("https://{at}/healthz");
    let config = [
        check("holds", "tls", &at, &ca),
        check("soon", "tls", &at, &format!("{ca}\ndays = 100000")),
        check("stranger", "tls", &at, ""),
        check("unverified", "tls", &at, "verify = false"),
        check("https", "http", &health, &ca),
        check("https-stranger", "http", &health, ""),
    ];
    let apps = Apps::start(&config.concat()).await;
    for name in ["holds", "unverified", "https"] {
        let well = apps.check(name, |check| check["state"] == "ok").await;
        assert!(well["tls_expiry_secs"].as_i64().unwrap() > 86_400, "{well}");
    }
    for (name, reason) in [
        ("soon", "fewer than 100000 are a failure"),
        ("stranger", "not trusted"),
        ("https-stranger", "not trusted"),
    ] {
        let failing = apps.check(name, |check| check["state"] == "failing").await;
        assert!(failing["message"].as_str().unwrap().contains(reason), "{failing}");
        assert!(
            failing["tls_expiry_secs"].as_i64().unwrap() > 86_400,
            "it is told all the same: {failing}"
        );
    }
    let expiry = apps
        .value(
            "checks",
            "tls_expiry_seconds",
            &[("check", "stranger")],
            f64::is_finite,
        )
        .await;
    assert!(expiry > 86_400.0);
    apps.server.stop().await;
    other.stop().await;
}

/// A name server that knows one name.
async fn name_server() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut question = [0; 512];
        loop {
            let (size, from) = socket.recv_from(&mut question).await.unwrap();
            let mut answer = question[..size].to_vec();
            let known = answer.windows(4).any(|label| label == b"shop");
            answer[2] = 0x81;
            answer[3] = if known { 0x80 } else { 0x83 };
            if known {
                answer[7] = 1;
                answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7]);
            }
            socket.send_to(&answer, from).await.unwrap();
        }
    });
    address
}

#[tokio::test]
async fn names_are_looked_up_at_the_server_that_is_named() {
    let server = format!("server = \"{}\"", name_server().await);
    let config = [
        check(
            "known",
            "dns",
            "shop.example.org",
            &format!("{server}\nexpect = [\"192.0.2.7\"]"),
        ),
        check(
            "other",
            "dns",
            "shop.example.org",
            &format!("{server}\nexpect = [\"192.0.2.8\"]"),
        ),
        check("unknown", "dns", "nothing.example.org", &server),
    ];
    let apps = Apps::start(&config.concat()).await;
    let known = apps.check("known", |check| check["state"] == "ok").await;
    assert_eq!(known["message"], "is 192.0.2.7");
    let other = apps.check("other", |check| check["state"] == "failing").await;
    assert_eq!(other["message"], "is 192.0.2.7, without 192.0.2.8");
    let unknown = apps.check("unknown", |check| check["state"] == "failing").await;
    assert!(
        unknown["message"].as_str().unwrap().contains("NXDOMAIN"),
        "{unknown}"
    );
    apps.server.stop().await;
}

#[tokio::test]
async fn a_process_is_running_until_it_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("farol-nap");
    std::os::unix::fs::symlink("/bin/sleep", &program).unwrap();
    let mut nap = Command::new(&program)
        .arg("600")
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let apps = Apps::start(&check("nap", "process", "farol-nap", "")).await;
    let running = apps.check("nap", |check| check["state"] == "ok").await;
    assert_eq!(running["message"], "1 process is running");
    nap.kill().await.unwrap();
    let gone = apps.check("nap", |check| check["state"] == "failing").await;
    assert_eq!(gone["message"], "no process of this name is running");
    apps.server.stop().await;
}
