//! The accept loop: our own, because `axum::serve` has no header time-out and does not bound connections.
//!
//! Bounds: `http.max_connections` open connections in all (further ones wait in the kernel's backlog) and
//! `http.max_connections_per_address` of one peer (further ones are closed at once). A client has
//! `http.header_timeout_secs` to send a request's header. What is said on a connection is [`connection`]'s: nothing that a
//! client does or leaves undone, a TLS handshake least of all, holds up this loop.

pub mod connection;

use crate::{config::HttpConfig, tls::Tls};
use axum::Router;
use connection::Talk;
use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Bytes that the kernel takes for one connection and has not sent, about.
#[cfg(target_os = "linux")]
const UNSENT_BYTES: u32 = 64 * 1024;

/// Serves until `shutdown`, then lets open requests finish for at most `http.drain_secs`. Plain HTTP without `tls`.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    config: &HttpConfig,
    tls: Option<Tls>,
    shutdown: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(config.max_connections));
    let peers = Peers {
        open: Arc::default(),
        limit: config.max_connections_per_address,
    };
    let open = TaskTracker::new();
    let header_timeout = Duration::from_secs(config.header_timeout_secs);
    let talk = Talk::new(app, tls, header_timeout, shutdown.clone());

    loop {
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place,
            () = shutdown.cancelled() => break,
        };
        let Ok(place) = place else { break };
        let Some((stream, peer)) = accept(&listener, &shutdown).await else {
            break;
        };
        let Some(peer_place) = peers.enter(peer.ip()) else {
            metrics::counter!("farol_http_connections_refused_total").increment(1);
            continue;
        };
        let talk = talk.clone();
        open.spawn(async move {
            talk.with(stream, peer).await;
            drop((place, peer_place));
        });
    }

    drop(listener);
    open.close();
    let drain = Duration::from_secs(config.drain_secs);
    if tokio::time::timeout(drain, open.wait()).await.is_err() {
        tracing::warn!(
            drain_secs = config.drain_secs,
            "some requests did not finish in time"
        );
    }
}

/// The next connection. Errors of one connection (it was gone before we took it) or of the process (no descriptors left)
/// are logged, the latter with a pause so that the loop does not spin.
async fn accept(listener: &TcpListener, shutdown: &CancellationToken) -> Option<(TcpStream, SocketAddr)> {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => return None,
        };
        match accepted {
            Ok((stream, peer)) => {
                if let Err(error) = prepare(&stream) {
                    tracing::debug!(%peer, %error, "the options of a connection cannot be set");
                }
                return Some((stream, peer));
            }
            Err(error) if is_about_one_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "cannot accept connections");
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_millis(200)) => {}
                    () = shutdown.cancelled() => return None,
                }
            }
        }
    }
}

/// Small messages leave at once, and what a slow reader does not take waits here, where it is counted and conflated, and
/// not in megabytes of the kernel (tcp(7): `TCP_NODELAY`, `TCP_NOTSENT_LOWAT`).
fn prepare(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    #[cfg(target_os = "linux")]
    socket2::SockRef::from(stream).set_tcp_notsent_lowat(UNSENT_BYTES)?;
    Ok(())
}

fn is_about_one_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

/// Open connections by peer address.
#[derive(Clone)]
struct Peers {
    /// Held for a map operation only, never across an await.
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
    limit: usize,
}

/// One counted connection; leaving is dropping.
struct PeerPlace {
    peers: Peers,
    address: IpAddr,
}

impl Peers {
    fn enter(&self, address: IpAddr) -> Option<PeerPlace> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_default();
        if *count >= self.limit {
            return None;
        }
        *count += 1;
        Some(PeerPlace {
            peers: self.clone(),
            address,
        })
    }
}

impl Drop for PeerPlace {
    fn drop(&mut self) {
        let mut open = self.peers.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::extract::ConnectInfo;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    async fn start(config: HttpConfig) -> (SocketAddr, CancellationToken, tokio::task::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let app = Router::new().route(
            "/",
            axum::routing::get(
                |ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.ip().to_string() },
            ),
        );
        let token = shutdown.clone();
        let task = tokio::spawn(async move { serve(listener, app, &config, None, token).await });
        (address, shutdown, task)
    }

    async fn read_all(stream: &mut TcpStream) -> String {
        let mut bytes = Vec::new();
        // A reset is as good an end as a close.
        let _ = stream.read_to_end(&mut bytes).await;
        String::from_utf8_lossy(&bytes).into_owned()
    }

    #[tokio::test]
    async fn a_request_knows_its_peer_and_shutdown_ends_the_loop() {
        let (address, shutdown, task) = start(HttpConfig::default()).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            .await
            .unwrap();
        assert!(read_all(&mut stream).await.ends_with("127.0.0.1"));
        shutdown.cancel();
        task.await.unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[tokio::test]
    async fn a_client_that_never_finishes_its_header_is_dropped() {
        let (address, _shutdown, _task) = start(HttpConfig {
            header_timeout_secs: 1,
            ..HttpConfig::default()
        })
        .await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost:").await.unwrap();
        read_all(&mut stream).await;
        let mut silent = TcpStream::connect(address).await.unwrap();
        assert_eq!(read_all(&mut silent).await, "", "who says nothing is let go too");
    }

    #[tokio::test]
    async fn one_address_cannot_hold_more_than_its_share() {
        let config = HttpConfig {
            max_connections_per_address: 2,
            ..HttpConfig::default()
        };
        let (address, _shutdown, _task) = start(config).await;
        let mut held = Vec::new();
        for _ in 0..2 {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream
                .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
                .await
                .unwrap();
            let mut first = [0u8; 16];
            stream.read_exact(&mut first).await.unwrap();
            held.push(stream);
        }
        let mut third = TcpStream::connect(address).await.unwrap();
        let _ = third.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert_eq!(read_all(&mut third).await, "", "closed without an answer");
    }
}
