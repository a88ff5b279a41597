//! One running Farol per test: real sockets, a real database in a folder of its own, real collectors.

#![allow(dead_code, reason = "each test file uses its own part of this helper")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of tests fails its test by panicking"
)]

use farol::{access::cli, config::Config, db, time::now_ms, tls::self_signed::SelfSigned};
use farol_model::Role;
use reqwest::{Certificate, Client, ClientBuilder, Response, header};
use std::{net::SocketAddr, path::Path};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tower_sessions::{SessionStore, session::Id};
use tower_sessions_sqlx_store::SqliteStore;

/// The password of every user that [`TestServer::start`] makes.
pub const PASSWORD: &str = "correct horse battery";

/// A Farol on a free port of loopback, with the users `viewer`, `operator` and `admin`.
pub struct TestServer {
    pub address: SocketAddr,
    pub data_dir: TempDir,
    /// PEM of the certificate that it shows; None without TLS.
    pub certificate: Option<Vec<u8>>,
    pub shutdown: CancellationToken,
    pub task: JoinHandle<anyhow::Result<()>>,
}

impl TestServer {
    pub async fn start() -> Self {
        Self::start_with(Config::default()).await
    }

    pub async fn start_with(config: Config) -> Self {
        let data_dir = tempfile::tempdir().unwrap();
        let pool = db::open(data_dir.path()).await.unwrap();
        for role in Role::ALL {
            cli::user_add(&pool, role.as_str(), role, PASSWORD.into())
                .await
                .unwrap();
        }
        pool.close().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let certificate = certificate(&config, data_dir.path(), address);
        let dir = data_dir.path().to_owned();
        let token = shutdown.clone();
        let task = tokio::spawn(async move { farol::run(listener, config, &dir, token).await });
        let server = TestServer {
            address,
            data_dir,
            certificate,
            shutdown,
            task,
        };
        server.until_ready().await;
        server
    }

    pub fn url(&self, path: &str) -> String {
        let scheme = if self.certificate.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}{path}", self.address)
    }

    /// A client that trusts the certificate and does not follow redirects.
    pub fn client(&self) -> ClientBuilder {
        let client = Client::builder().redirect(reqwest::redirect::Policy::none());
        match &self.certificate {
            Some(pem) => client.add_root_certificate(Certificate::from_pem(pem).unwrap()),
            None => client,
        }
    }

    /// A client without a session that does not follow redirects.
    pub fn anonymous(&self) -> Client {
        self.client().build().unwrap()
    }

    /// A client without a session that sends our origin, as a page of ours would.
    pub fn stranger(&self) -> Client {
        let mut headers = header::HeaderMap::new();
        headers.insert(header::ORIGIN, self.url("").parse().unwrap());
        self.client().default_headers(headers).build().unwrap()
    }

    /// The cookie of a fresh session of the user.
    pub async fn cookie(&self, name: &str) -> String {
        let answer = self.post_sign_in(name, PASSWORD).await;
        assert_eq!(answer.status(), 303, "sign-in of {name}");
        let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap();
        cookie.split(';').next().unwrap().to_owned()
    }

    /// A fresh API token of the user.
    pub async fn token(&self, name: &str) -> String {
        let pool = db::open(self.data_dir.path()).await.unwrap();
        let said = cli::token_create(&pool, name, "test").await.unwrap();
        pool.close().await;
        let token = said.split_whitespace().find(|word| word.starts_with("farol_"));
        token.unwrap().to_owned()
    }

    /// What a stranger's GET is answered with.
    pub async fn status(&self, path: &str) -> u16 {
        let answer = self.anonymous().get(self.url(path)).send().await.unwrap();
        answer.status().as_u16()
    }

    pub async fn post_sign_in(&self, name: &str, password: &str) -> Response {
        self.anonymous()
            .post(self.url("/api/auth/sign-in"))
            .header(header::ORIGIN, self.url(""))
            .form(&[("name", name), ("password", password), ("next", "/")])
            .send()
            .await
            .unwrap()
    }

    /// A client that sends the session's cookie and our origin with each request, as a page of ours would.
    pub async fn signed_in(&self, name: &str) -> Client {
        let mut headers = header::HeaderMap::new();
        headers.insert(header::COOKIE, self.cookie(name).await.parse().unwrap());
        headers.insert(header::ORIGIN, self.url("").parse().unwrap());
        self.client().default_headers(headers).build().unwrap()
    }

    /// Waits until `check` holds for the answer to a GET; fails after a minute.
    pub async fn until(&self, client: &Client, path: &str, check: impl Fn(&str) -> bool) -> String {
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
        loop {
            let body = client
                .get(self.url(path))
                .send()
                .await
                .unwrap()
                .text()
                .await
                .unwrap();
            if check(&body) {
                return body;
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "{path} never became what the test waits for:\n{body}"
            );
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }

    async fn until_ready(&self) {
        self.until(&self.anonymous(), "/readyz", |body| body.starts_with("ready"))
            .await;
    }

    /// As if the last proof of every session had been shown an hour ago.
    pub async fn let_time_pass(&self) {
        let pool = db::open(self.data_dir.path()).await.unwrap();
        let store = SqliteStore::new(pool.clone());
        let ids: Vec<String> = sqlx::query_scalar("SELECT id FROM tower_sessions")
            .fetch_all(&pool)
            .await
            .unwrap();
        for id in ids {
            let id: Id = id.parse().unwrap();
            let mut record = store.load(&id).await.unwrap().unwrap();
            if record.data.contains_key("proven_ms") {
                record
                    .data
                    .insert("proven_ms".into(), (now_ms() - 3_600_000).into());
                store.save(&record).await.unwrap();
            }
        }
        pool.close().await;
    }

    pub async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.unwrap().unwrap();
    }
}

/// What it will show; its own certificate is made here already.
fn certificate(config: &Config, data_dir: &Path, address: SocketAddr) -> Option<Vec<u8>> {
    if let Some(cert) = &config.tls.cert {
        return Some(std::fs::read(cert).unwrap());
    }
    config.tls.self_signed.then(|| {
        let maker = SelfSigned::new(data_dir, address, &config.http.hosts);
        let files = maker.ensure(farol::time::now_ms() / 1000).unwrap();
        std::fs::read(files.cert).unwrap()
    })
}
