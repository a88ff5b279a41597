//! The audit log as others get it: syslog and webhook over real sockets, and the command line.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail their test by panicking")]

mod common;

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use common::TestServer;
use farol::{
    audit::entry::Head,
    config::Config,
    tls::{certificate::Files, self_signed::SelfSigned},
};
use hmac::{Hmac, Mac};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use serde_json::Value;
use std::{
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    net::{TcpListener, TcpStream, UdpSocket, UnixDatagram},
    sync::mpsc,
};
use tokio_rustls::{TlsAcceptor, rustls, server::TlsStream};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn config(toml: &str) -> Config {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("farol.toml");
    std::fs::write(&file, toml).unwrap();
    Config::load(Some(&file)).unwrap()
}

fn farol(data_dir: &Path, arguments: &[&str]) -> std::process::Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_farol"));
    command
        .env_clear()
        .args(arguments)
        .arg("--data-dir")
        .arg(data_dir)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Header and JSON of an RFC 5424 message.
fn parse(message: &str) -> (Vec<String>, Value) {
    let mut parts = message.splitn(8, ' ');
    let header: Vec<String> = parts.by_ref().take(7).map(str::to_owned).collect();
    (header, serde_json::from_str(parts.next().unwrap()).unwrap())
}

/// What a message must be, and its number.
fn check(message: &str) -> (i64, Value) {
    assert!(message.is_ascii(), "{message}");
    let (header, entry) = parse(message);
    let [priority, at, _, app, process, what, data] = header.as_slice() else {
        unreachable!("{message}")
    };
    let severity = priority
        .strip_prefix('<')
        .unwrap()
        .strip_suffix(">1")
        .unwrap()
        .parse::<u32>()
        .unwrap();
    assert_eq!(severity / 8, 13, "log audit");
    assert_eq!(
        (at.as_str(), app.as_str(), data.as_str()),
        (entry["at"].as_str().unwrap(), "farol", "-")
    );
    assert!(process.parse::<u32>().is_ok());
    assert_eq!(entry["what"], what.as_str());
    (entry["seq"].as_i64().unwrap(), entry)
}

#[tokio::test]
async fn syslog_over_udp_gets_every_entry_in_order_from_the_first() {
    let listener = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let server = TestServer::start_with(config(&format!("[audit]\nsyslog = \"udp://{at}\""))).await;
    server.post_sign_in("=cmd|é", "wrong").await;
    let mut bytes = vec![0; 65_536];
    let mut wanted = 1;
    loop {
        let length = listener.recv(&mut bytes).await.unwrap();
        let (seq, entry) = check(std::str::from_utf8(&bytes[..length]).unwrap());
        assert_eq!(seq, wanted, "in order, none left out");
        wanted += 1;
        if entry["who"] == "=cmd|é" {
            break;
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn syslog_over_a_datagram_socket_of_this_machine() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let listener = UnixDatagram::bind(&path).unwrap();
    let toml = format!("[audit]\nsyslog = \"unix:{}\"", path.display());
    let server = TestServer::start_with(config(&toml)).await;
    let mut bytes = vec![0; 65_536];
    let length = listener.recv(&mut bytes).await.unwrap();
    assert_eq!(check(std::str::from_utf8(&bytes[..length]).unwrap()).0, 1);
    server.stop().await;
}

/// Octet counting: the length in digits, a space, the message.
async fn frame(stream: &mut BufReader<TcpStream>) -> String {
    let mut length = Vec::new();
    stream.read_until(b' ', &mut length).await.unwrap();
    let length: usize = text(&length).trim().parse().unwrap();
    let mut message = vec![0; length];
    stream.read_exact(&mut message).await.unwrap();
    text(&message)
}

#[tokio::test]
async fn syslog_over_tcp_goes_on_after_the_other_end_was_away() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let server = TestServer::start_with(config(&format!("[audit]\nsyslog = \"tcp://{at}\""))).await;
    let (stream, _) = listener.accept().await.unwrap();
    let mut stream = BufReader::new(stream);
    assert_eq!(check(&frame(&mut stream).await).0, 1);
    // Away, with an entry written meanwhile; then there again.
    drop((stream, listener));
    server.post_sign_in("nobody", "wrong").await;
    let listener = TcpListener::bind(at).await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let mut stream = BufReader::new(stream);
    let mut seen = 0;
    loop {
        let (seq, entry) = check(&frame(&mut stream).await);
        assert!(seen == 0 || seq == seen + 1, "in order");
        seen = seq;
        if entry["who"] == "nobody" {
            break;
        }
    }
    server.stop().await;
}

/// A receiver that fails as often as it is told to, and says what it took.
struct Receiver {
    failures: AtomicUsize,
    took: mpsc::UnboundedSender<(HeaderMap, String)>,
}

async fn receive(State(receiver): State<Arc<Receiver>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let fails = receiver
        .failures
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
    if fails.is_ok() {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    receiver.took.send((headers, text(&body))).unwrap();
    StatusCode::NO_CONTENT
}

type Taken = mpsc::UnboundedReceiver<(HeaderMap, String)>;

fn routes(failures: usize) -> (Router, Taken) {
    let (took, taken) = mpsc::unbounded_channel();
    let receiver = Arc::new(Receiver {
        failures: failures.into(),
        took,
    });
    let routes = Router::new().route("/audit", post(receive)).with_state(receiver);
    (routes, taken)
}

async fn receiver(failures: usize) -> (String, Taken) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/audit?key=hidden", listener.local_addr().unwrap());
    let (routes, taken) = routes(failures);
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (url, taken)
}

/// A receiver behind TLS. Handshakes that fail are told.
struct Encrypted {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    failed: mpsc::UnboundedSender<String>,
}

impl axum::serve::Listener for Encrypted {
    type Io = TlsStream<TcpStream>;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = self.listener.accept().await.unwrap();
            match self.acceptor.accept(stream).await {
                Ok(stream) => return (stream, address),
                Err(error) => drop(self.failed.send(error.to_string())),
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// A certificate of its own making for the loopback.
fn made(dir: &Path) -> Files {
    let address = "127.0.0.1:1".parse().unwrap();
    let maker = SelfSigned::new(dir, address, &[]);
    maker.ensure(farol::time::now_ms() / 1000).unwrap()
}

#[tokio::test]
async fn a_webhook_behind_tls_is_believed_by_its_own_authority_and_by_no_other() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let files = made(dir.path());
    let chain = CertificateDer::pem_file_iter(&files.cert).unwrap();
    let chain = chain.collect::<Result<Vec<_>, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_file(&files.key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/audit", listener.local_addr().unwrap());
    let (failed, mut failures) = mpsc::unbounded_channel();
    let listener = Encrypted {
        listener,
        acceptor: TlsAcceptor::from(Arc::new(tls)),
        failed,
    };
    let (routes, mut taken) = routes(0);
    tokio::spawn(async move { axum::serve(listener, routes).await });

    let server = |ca: &Path| {
        let toml = format!(
            "[audit]\nwebhook = \"{url}\"\nwebhook_secret = \"{SECRET}\"\nwebhook_ca = \"{}\"",
            ca.display()
        );
        TestServer::start_with(config(&toml))
    };
    let strange = server(&made(other.path()).cert).await;
    let failure = failures.recv().await.unwrap();
    assert!(!failure.is_empty());
    assert!(taken.try_recv().is_err(), "nothing is told to who is not known");
    strange.stop().await;

    let known = server(&files.cert).await;
    known.post_sign_in("nobody", "wrong").await;
    loop {
        let (headers, body) = taken.recv().await.unwrap();
        assert!(headers.contains_key("webhook-signature"));
        if body.contains("\"nobody\"") {
            break;
        }
    }
    known.stop().await;
}

#[tokio::test]
async fn a_webhook_gets_every_entry_signed_whatever_fails_on_the_way() {
    let (url, mut taken) = receiver(2).await;
    let toml = format!("[audit]\nwebhook = \"{url}\"\nwebhook_secret = \"{SECRET}\"");
    let server = TestServer::start_with(config(&toml)).await;
    server.post_sign_in("nobody", "wrong").await;
    let mut wanted = 1;
    'all: loop {
        let (headers, body) = taken.recv().await.unwrap();
        let header = |name: &str| headers[name].to_str().unwrap().to_owned();
        let signed = format!("{}.{}.{body}", header("webhook-id"), header("webhook-timestamp"));
        let key = base64_of(SECRET.strip_prefix("whsec_").unwrap());
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
        mac.update(signed.as_bytes());
        let given = base64_of(header("webhook-signature").strip_prefix("v1,").unwrap());
        mac.verify_slice(&given).unwrap();
        let body: Value = serde_json::from_str(&body).unwrap();
        for entry in body["entries"].as_array().unwrap() {
            assert_eq!(entry["seq"], wanted, "in order, none twice, none left out");
            wanted += 1;
            if entry["who"] == "nobody" {
                break 'all;
            }
        }
    }
    let dir = server.data_dir.path().to_owned();
    // What was told is an anchor by itself, and its name has no secret in it.
    let pool = farol::db::open_to_read(&dir).await.unwrap();
    // The place is written down after the answer has come.
    let target: String = loop {
        let told = sqlx::query_scalar("SELECT target FROM audit_forward").fetch_optional(&pool);
        match told.await.unwrap() {
            Some(target) => break target,
            None => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
        }
    };
    assert!(
        target.starts_with("webhook http://127.0.0.1:") && !target.contains("hidden"),
        "{target}"
    );
    pool.close().await;
    server.stop().await;
}

fn base64_of(text: &str) -> Vec<u8> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.decode(text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_verifies_exports_and_names_what_is_wrong() {
    let server = TestServer::start().await;
    server.post_sign_in("=1+1", "wrong").await;
    let dir = server.data_dir.path().to_owned();
    let verified = farol(&dir, &["audit", "verify"]);
    assert!(verified.status.success(), "{verified:?}");
    let said = text(&verified.stdout);
    let anchor: Head = said.lines().last().unwrap().parse().unwrap();

    let export = farol(&dir, &["audit", "export", "--format", "csv"]);
    assert!(
        text(&export.stdout).contains(",\"'=1+1\","),
        "{}",
        text(&export.stdout)
    );
    let export = farol(&dir, &["audit", "export", "--until", "2001-01-01"]);
    assert_eq!(
        (text(&export.stdout).as_str(), text(&export.stderr).trim()),
        ("", "no entries in this time")
    );
    let odd = farol(&dir, &["audit", "export", "--since", "yesterday"]);
    assert!(text(&odd.stderr).contains("2026-01-31"), "{odd:?}");
    let nowhere = farol(&dir.join("absent"), &["audit", "verify"]);
    assert!(
        text(&nowhere.stderr).contains("there is no database"),
        "{nowhere:?}"
    );
    assert!(!dir.join("absent").exists(), "looking makes nothing");
    server.shutdown.cancel();
    server.task.await.unwrap().unwrap();

    let pool = farol::db::open(&dir).await.unwrap();
    for statement in [
        "DROP TRIGGER audit_is_never_deleted",
        "DROP TRIGGER audit_is_never_changed",
        &format!("DELETE FROM audit WHERE seq = {}", anchor.seq),
    ] {
        sqlx::query(statement).execute(&pool).await.unwrap();
    }
    // The end is cut off: only an anchor tells.
    assert!(farol(&dir, &["audit", "verify"]).status.success());
    let anchored = farol(&dir, &["audit", "verify", "--anchor", &anchor.to_string()]);
    assert_eq!(anchored.status.code(), Some(1));
    assert!(
        text(&anchored.stderr).contains(&format!("entry {} is missing", anchor.seq)),
        "{anchored:?}"
    );
    sqlx::query("UPDATE audit SET who = 'eve' WHERE seq = 2")
        .execute(&pool)
        .await
        .unwrap();
    let changed = farol(&dir, &["audit", "verify"]);
    assert_eq!(changed.status.code(), Some(1));
    assert!(
        text(&changed.stderr).contains("entry 2 is not what was written"),
        "{changed:?}"
    );
    pool.close().await;
}

/// By the page that says the bytes: a program in another language that was written from it.
#[tokio::test(flavor = "multi_thread")]
async fn another_program_verifies_an_export() {
    let server = TestServer::start().await;
    server.post_sign_in("é漢🦀", "wrong").await;
    let dir = server.data_dir.path().to_owned();
    let file = dir.join("audit.jsonl");
    let exported = farol(
        &dir,
        &["audit", "export", "--output", &file.display().to_string()],
    );
    assert!(exported.status.success(), "{exported:?}");
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/python/verify_audit.py");
    let verify = || Command::new("python3").arg(program).arg(&file).output().unwrap();
    let good = verify();
    assert!(good.status.success(), "{good:?}");
    let last = text(&exported.stderr)
        .trim()
        .rsplit(' ')
        .next()
        .unwrap()
        .to_owned();
    assert_eq!(text(&good.stdout).trim().rsplit(' ').next().unwrap(), last);
    let lines = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, lines.replace("漢", "汉")).unwrap();
    let bad = verify();
    assert!(
        !bad.status.success() && text(&bad.stderr).contains("is not what was written"),
        "{bad:?}"
    );
    server.stop().await;
}

/// Entries can be read, and nothing can be written: nothing that acts does.
#[tokio::test]
async fn without_its_entry_no_user_token_or_session_changes() {
    let server = TestServer::start().await;
    let operator = server.signed_in("operator").await;
    let pool = farol::db::open(server.data_dir.path()).await.unwrap();
    farol::access::cli::token_create(&pool, "viewer", "old")
        .await
        .unwrap();
    sqlx::query("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'disk full'); END")
        .execute(&pool)
        .await
        .unwrap();
    let count = async |table: &str| -> i64 {
        let count = format!("SELECT count(*) FROM {table}");
        sqlx::query_scalar(&count).fetch_one(&pool).await.unwrap()
    };
    let before = (
        count("users").await,
        count("tokens").await,
        count("tower_sessions").await,
    );
    let refused = server.post_sign_in("admin", common::PASSWORD).await;
    assert!(
        refused.headers()["location"]
            .to_str()
            .unwrap()
            .contains("fault=busy")
    );
    assert!(!refused.headers().contains_key("set-cookie"), "no session");
    let out = operator
        .post(server.url("/api/auth/sign-out"))
        .send()
        .await
        .unwrap();
    assert_eq!(out.status(), 500);
    assert_eq!(
        operator
            .get(server.url("/controls"))
            .send()
            .await
            .unwrap()
            .status(),
        200,
        "still signed in"
    );
    use farol::access::cli;
    let role = farol_model::Role::Viewer;
    let password = || common::PASSWORD.to_owned();
    let refusals = [
        cli::user_add(&pool, "eve", role, password()).await,
        cli::user_passwd(&pool, "viewer", password()).await,
        cli::user_disable(&pool, "viewer").await,
        cli::user_enable(&pool, "viewer").await,
        cli::token_create(&pool, "viewer", "x").await,
        cli::token_revoke(&pool, 1).await,
    ];
    for refused in refusals {
        assert!(refused.unwrap_err().to_string().contains("nothing was done"));
    }
    assert_eq!(
        (
            count("users").await,
            count("tokens").await,
            count("tower_sessions").await
        ),
        before
    );
    server.stop().await;
}

#[tokio::test]
async fn the_page_says_whether_the_chain_holds() {
    let server = TestServer::start().await;
    let operator = server.signed_in("operator").await;
    server
        .until(&operator, "/audit", |html| {
            html.contains("Chain verified up to entry")
        })
        .await;
    let pool = farol::db::open(server.data_dir.path()).await.unwrap();
    sqlx::query("DROP TRIGGER audit_is_never_deleted")
        .execute(&pool)
        .await
        .unwrap();
    sqlx::query("DELETE FROM audit WHERE seq > 2")
        .execute(&pool)
        .await
        .unwrap();
    server
        .until(&operator, "/audit", |html| {
            html.contains("The chain is broken") && html.contains("is missing")
        })
        .await;
    server.stop().await;
}
