//! Farol over TLS, over real sockets: HTTP/1.1, HTTP/2 and WebSocket, certificates that change, and clients that mean harm.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod certificates;
#[path = "../common/mod.rs"]
mod common;
mod http2;
mod raw;
mod sockets;

use common::TestServer;
use farol::config::{Config, HttpConfig, TlsConfig};

/// A server with a certificate of its own making, which gives a client one second.
async fn impatient() -> TestServer {
    TestServer::start_with(Config {
        tls: TlsConfig {
            self_signed: true,
            ..Default::default()
        },
        http: HttpConfig {
            header_timeout_secs: 1,
            ..Default::default()
        },
        ..Default::default()
    })
    .await
}

/// A server with a certificate of its own making.
async fn encrypted() -> TestServer {
    TestServer::start_with(Config {
        tls: TlsConfig {
            self_signed: true,
            ..Default::default()
        },
        ..Default::default()
    })
    .await
}

impl TestServer {
    fn pem(&self) -> &[u8] {
        self.certificate.as_deref().unwrap()
    }
}
