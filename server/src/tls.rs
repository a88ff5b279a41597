//! TLS 1.2 and 1.3 by rustls: which certificate is shown, and when another takes its place.
//!
//! | file | owns |
//! |---|---|
//! | [`certificate`] | files in PEM in, a key that can sign out; what is wrong with them, in words |
//! | [`validity`] | from when until when a certificate holds |
//! | [`self_signed`] | a certificate of our own making, for a first try |
//! | [`reload`] | looks whether the files have changed |
//!
//! It knows nothing of what is said over a connection, and never opens one: [`crate::serve`] hands it accepted streams.
//! Whoever calls [`Tls::greet`] bounds its time; memory is bounded by the size of a TLS record.

pub mod certificate;
pub mod reload;
pub mod self_signed;
pub mod validity;

use crate::config::{Config, TlsConfig};
use anyhow::Context;
use certificate::{BadFile, Certificate, Files};
use self_signed::SelfSigned;
use std::{
    fmt, io,
    net::SocketAddr,
    path::Path,
    sync::{Arc, PoisonError, RwLock},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        server::{ClientHello, ResolvesServerCert},
        sign::CertifiedKey,
    },
    server::TlsStream,
};

/// What is spoken over TLS, the first that the client offers too (RFC 7301).
const PROTOCOLS: [&[u8]; 2] = [HTTP2, b"http/1.1"];
/// How HTTP/2 is called there.
pub const HTTP2: &[u8] = b"h2";
/// The first byte of whoever speaks TLS: a handshake record (RFC 8446 section 5.1).
const HANDSHAKE: u8 = 0x16;
/// Read of a client that speaks no TLS before it is let go, bytes.
const MAX_PLAIN_BYTES: u64 = 64 * 1024;

/// The server's side of TLS. Cheap to clone.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    shown: Arc<Shown>,
}

/// Where the certificate comes from.
#[derive(Debug, Clone)]
pub enum Source {
    Files(Files),
    SelfSigned(SelfSigned),
}

impl Source {
    /// What the configuration asks for; None is plain HTTP.
    fn of(config: &Config, data_dir: &Path, listen: SocketAddr) -> Option<Source> {
        match &config.tls {
            TlsConfig {
                cert: Some(cert),
                key: Some(key),
                ..
            } => Some(Source::Files(Files {
                cert: cert.clone(),
                key: key.clone(),
            })),
            TlsConfig {
                self_signed: true, ..
            } => Some(Source::SelfSigned(SelfSigned::new(
                data_dir,
                listen,
                &config.http.hosts,
            ))),
            _ => None,
        }
    }

    /// The files; a certificate of our own is made when there is none that will do. Blocks.
    fn files(&self) -> Result<Files, BadFile> {
        match self {
            Source::Files(files) => Ok(files.clone()),
            Source::SelfSigned(maker) => maker.ensure(now_secs()),
        }
    }
}

/// Whether passwords and cookies may travel as this configuration has it: TLS, or never leaving the machine, or a proxy in
/// front that the person vouches for.
pub fn check_listen(config: &Config, listen: SocketAddr) -> anyhow::Result<()> {
    anyhow::ensure!(
        config.tls.on() || listen.ip().to_canonical().is_loopback() || config.http.allow_plain,
        "refusing to listen on {listen} without TLS: passwords and cookies would travel in the clear. Give a certificate \
         (--tls-cert FILE --tls-key FILE, or tls.cert and tls.key), try one of Farol's own making (--tls-self-signed), or \
         listen on 127.0.0.1. Behind a proxy that speaks TLS set http.allow_plain = true"
    );
    Ok(())
}

/// Reads the certificate that the configuration names and says where it will be looked for again; None is plain HTTP.
pub async fn start(
    config: &Config,
    data_dir: &Path,
    listen: SocketAddr,
) -> anyhow::Result<Option<(Tls, Source, Certificate)>> {
    let Some(source) = Source::of(config, data_dir, listen) else {
        return Ok(None);
    };
    let started = tokio::task::spawn_blocking(move || {
        let certificate = Certificate::load(&source.files()?)?;
        let tls = Tls::new(certificate.key.clone())?;
        anyhow::Ok((tls, source, certificate))
    });
    let (tls, source, certificate) = started.await.context("the certificate could not be read")??;
    if certificate.validity.expires_in_secs(now_secs()) <= 0 {
        tracing::error!("the certificate has expired: browsers will refuse it until there is another");
    }
    Ok(Some((tls, source, certificate)))
}

/// Why a connection did not get as far as TLS.
#[derive(Debug, thiserror::Error)]
pub enum NotGreeted {
    #[error("it left before it said anything")]
    Silent,
    #[error("it does not speak TLS")]
    Plain,
    #[error("the handshake failed: {0}")]
    Handshake(#[from] io::Error),
}

impl Tls {
    fn new(first: Arc<CertifiedKey>) -> anyhow::Result<Tls> {
        let shown = Arc::new(Shown(RwLock::new(first)));
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(shown.clone());
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
        Ok(Tls {
            acceptor: Arc::new(config).into(),
            shown,
        })
    }

    /// The handshake. Who speaks plain HTTP is told so, and let go.
    pub async fn greet(&self, mut stream: TcpStream) -> Result<TlsStream<TcpStream>, NotGreeted> {
        let mut first = [0];
        if stream.peek(&mut first).await? == 0 {
            return Err(NotGreeted::Silent);
        }
        match first[0] {
            HANDSHAKE => Ok(self.acceptor.accept(stream).await?),
            // How a method begins.
            letter if letter.is_ascii_uppercase() => {
                refuse_plain(&mut stream).await?;
                Err(NotGreeted::Plain)
            }
            _ => Err(NotGreeted::Plain),
        }
    }

    /// From now on this certificate is shown to who connects.
    fn show(&self, key: Arc<CertifiedKey>) {
        *self.shown.0.write().unwrap_or_else(PoisonError::into_inner) = key;
    }
}

/// Reads what was sent, so that the answer is not lost in a reset.
async fn refuse_plain(stream: &mut TcpStream) -> io::Result<()> {
    let words = "This port speaks TLS. Use https:// instead of http://.\n";
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{words}",
        words.len()
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    tokio::io::copy(&mut stream.take(MAX_PLAIN_BYTES), &mut tokio::io::sink()).await?;
    Ok(())
}

/// The certificate that is shown, whatever name the client asks for.
struct Shown(
    /// A std lock: held to take or put a pointer.
    RwLock<Arc<CertifiedKey>>,
);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shown([redacted])")
    }
}

/// Seconds since the epoch.
fn now_secs() -> i64 {
    crate::time::now_ms() / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_stays_on_this_machine_unless_somebody_says_otherwise() {
        let check = |config: &Config, listen: &str| check_listen(config, listen.parse().unwrap());
        let mut config = Config::default();
        for listen in [
            "127.0.0.1:3000",
            "127.8.8.8:1",
            "[::1]:3000",
            "[::ffff:127.0.0.1]:3000",
        ] {
            check(&config, listen).unwrap();
        }
        for listen in [
            "0.0.0.0:3000",
            "[::]:3000",
            "192.0.2.7:3000",
            "[2001:db8::1]:3000",
        ] {
            let error = check(&config, listen).unwrap_err().to_string();
            for words in [
                listen,
                "in the clear",
                "--tls-cert",
                "--tls-self-signed",
                "http.allow_plain",
            ] {
                assert!(error.contains(words), "{words} in {error}");
            }
        }
        config.http.allow_plain = true;
        check(&config, "0.0.0.0:3000").unwrap();
        config.http.allow_plain = false;
        config.tls.self_signed = true;
        check(&config, "0.0.0.0:3000").unwrap();
    }
}
