//! Which certificate is shown, and what becomes of connections that get no further than it.

use crate::{
    common::TestServer,
    encrypted, impatient,
    raw::{PATIENCE, read_all, tls},
};
use farol::config::{Config, HttpConfig, TlsConfig};
use rcgen::{CertificateParams, KeyPair};
use std::{fs, path::Path, time::Duration};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

/// A certificate for these names and its key.
fn made(names: &[&str]) -> (String, String) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
    (certificate.pem(), key.serialize_pem())
}

fn written(dir: &Path, (cert, key): &(String, String)) -> TlsConfig {
    let files = (dir.join("cert.pem"), dir.join("key.pem"));
    fs::write(&files.1, key).unwrap();
    fs::write(&files.0, cert).unwrap();
    TlsConfig {
        cert: Some(files.0),
        key: Some(files.1),
        self_signed: false,
    }
}

async fn certified(names: &[&str], hosts: &[&str]) -> (TempDir, TestServer) {
    let dir = tempfile::tempdir().unwrap();
    let config = Config {
        tls: written(dir.path(), &made(names)),
        http: HttpConfig {
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            ..Default::default()
        },
        ..Default::default()
    };
    (dir, TestServer::start_with(config).await)
}

#[tokio::test]
async fn who_speaks_plain_http_is_told_to_use_https() {
    let server = encrypted().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .unwrap();
    let answer = String::from_utf8(read_all(&mut stream).await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
    assert!(answer.ends_with("Use https:// instead of http://.\n"), "{answer}");
    // What is neither is closed without a word.
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(&[0x80, 0x2e, 1, 0, 2]).await.unwrap();
    assert_eq!(read_all(&mut stream).await, b"");
}

#[tokio::test]
async fn older_versions_than_tls_1_2_are_refused() {
    let server = encrypted().await;
    // A ClientHello (RFC 5246 section 7.4.1.2) that asks for TLS 1.1, with a cipher suite and a signature that we know.
    let signatures = [0, 8, 0, 13, 0, 4, 0, 2, 4, 3];
    let hello = [&[3, 2][..], &[7; 32], &[0, 0, 2, 0xc0, 0x09, 1, 0], &signatures].concat();
    let handshake = [&[1, 0, 0, hello.len() as u8][..], &hello].concat();
    let record = [&[22, 3, 1, 0, handshake.len() as u8][..], &handshake].concat();
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(&record).await.unwrap();
    let answer = read_all(&mut stream).await;
    // A fatal alert: protocol_version.
    assert_eq!((answer[0], &answer[5..]), (21, &[2, 70][..]), "{answer:?}");
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_ended_and_holds_up_nobody() {
    let server = impatient().await;
    let mut stuck = Vec::new();
    for first in [&b""[..], &[22], &[22, 3, 1, 0x40, 0, 1, 0, 0x3f, 0xfc, 3, 3]] {
        for _ in 0..20 {
            let mut stream = TcpStream::connect(server.address).await.unwrap();
            stream.write_all(first).await.unwrap();
            stuck.push(stream);
        }
    }
    // While they stand others are served.
    assert_eq!(server.status("/healthz").await, 200);
    for stream in &mut stuck {
        read_all(stream).await;
    }
}

#[tokio::test]
async fn browsers_are_told_to_come_by_https_where_somebody_vouches_for_the_certificate() {
    let (_dir, server) = certified(&["localhost", "127.0.0.1", "farol.example"], &["farol.example"]).await;
    let named = server
        .client()
        .resolve("farol.example", server.address)
        .build()
        .unwrap();
    let url = format!("https://farol.example:{}/sign-in", server.address.port());
    let answer = named.get(url).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["strict-transport-security"], "max-age=31536000");
    let answer = server
        .anonymous()
        .get(server.url("/sign-in"))
        .send()
        .await
        .unwrap();
    assert!(
        !answer.headers().contains_key("strict-transport-security"),
        "loopback is shared"
    );

    let own = TestServer::start_with(Config {
        tls: TlsConfig {
            self_signed: true,
            ..Default::default()
        },
        http: HttpConfig {
            hosts: vec!["farol.example".to_owned()],
            ..Default::default()
        },
        ..Default::default()
    })
    .await;
    let named = own
        .client()
        .resolve("farol.example", own.address)
        .build()
        .unwrap();
    let url = format!("https://farol.example:{}/sign-in", own.address.port());
    let answer = named.get(url).send().await.unwrap();
    assert!(
        !answer.headers().contains_key("strict-transport-security"),
        "a person must be able to go past the warning"
    );
}

/// The number of a metric without labels.
fn number(metrics: &str, name: &str) -> f64 {
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map_or(0.0, |number| number.parse().unwrap())
}

#[tokio::test]
async fn another_certificate_takes_its_place_and_a_bad_one_does_not() {
    let (dir, server) = certified(&["localhost", "127.0.0.1"], &[]).await;
    let http = server.anonymous();
    let metrics = async || {
        http.get(server.url("/metrics"))
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
    };
    // A connection that stays open over all of it, with the certificate that it began with.
    let left = number(&metrics().await, "farol_tls_certificate_expires_seconds");
    assert!(left > 24.0 * 3600.0, "{left}");
    let before = number(&metrics().await, "farol_tls_reload_failures_total");
    fs::write(dir.path().join("cert.pem"), "no certificate").unwrap();
    let deadline = Instant::now() + PATIENCE;
    while number(&metrics().await, "farol_tls_reload_failures_total") < before + 1.0 {
        assert!(Instant::now() < deadline, "nobody looked");
        sleep(Duration::from_millis(100)).await;
    }
    tls(server.address, server.pem(), &[]).await;

    let fresh = made(&["localhost"]);
    written(dir.path(), &fresh);
    let shown = async || {
        let trusting = reqwest::Certificate::from_pem(fresh.0.as_bytes()).unwrap();
        let client = reqwest::Client::builder()
            .add_root_certificate(trusting)
            .build()
            .unwrap();
        let url = format!("https://localhost:{}/healthz", server.address.port());
        client.get(url).send().await
    };
    while shown().await.is_err() {
        assert!(Instant::now() < deadline, "the new certificate is not shown");
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_stop_waits_for_no_handshake() {
    // Longer than this test has.
    let forever = HttpConfig {
        header_timeout_secs: 3600,
        drain_secs: 3600,
        ..Default::default()
    };
    let server = TestServer::start_with(Config {
        tls: TlsConfig {
            self_signed: true,
            ..Default::default()
        },
        http: forever,
        ..Default::default()
    })
    .await;
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    let mut half = TcpStream::connect(server.address).await.unwrap();
    half.write_all(&[22, 3, 1]).await.unwrap();
    let mut idle = tls(server.address, server.pem(), &["http/1.1"]).await;
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"alive\n") {
        answer.push(idle.read_u8().await.unwrap());
    }
    timeout(PATIENCE, server.stop())
        .await
        .expect("it waited for them");
    read_all(&mut silent).await;
    read_all(&mut half).await;
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest).await.expect("it says goodbye");
}
