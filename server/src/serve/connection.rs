//! One accepted connection, from its first byte to its last: TLS where there is some, then HTTP/1.1 or HTTP/2.
//!
//! Bounds, beside those of [`super`]: the TLS handshake has `http.header_timeout_secs`, and so has the first request of an
//! HTTP/2 connection; one that asks nothing more for [`IDLE`] is closed. HTTP/1.1 has the former between any two requests.
//! What else HTTP/2 would let a client hold is bounded by the constants here.
//!
//! WebSocket over HTTP/2 (RFC 8441) is off: see docs/adr/0010.

use crate::tls::{self, NotGreeted, Tls};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::ConnectInfo,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, Method, Request, StatusCode, Version, header};
use hyper::{
    body::{Frame, Incoming, SizeHint},
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::watch,
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// Header of a request at most, bytes: HTTP/1.1 answers 431 above it.
const MAX_HEADER_BYTES: usize = 64 * 1024;
/// Header of a request over HTTP/2 at most, decoded, bytes; a larger one is answered with 431.
const MAX_HEADER_LIST_BYTES: u32 = 32 * 1024;
/// Requests of one HTTP/2 connection at a time; more are refused (REFUSED_STREAM) and may be sent again.
const MAX_STREAMS: u32 = 128;
/// Requests that were taken back before they were looked at ("rapid reset", CVE-2023-44487): one more ends the connection
/// with ENHANCE_YOUR_CALM.
const MAX_RESET_STREAMS: usize = 20;
/// Requests that we had to reset because they broke the rules: one more ends the connection.
const MAX_BROKEN_STREAMS: usize = 64;
/// Sent by a client and not yet read by us: of one request, of all. A client waits for room, RFC 9113 section 5.2.
const STREAM_WINDOW_BYTES: u32 = 64 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 256 * 1024;
/// Of one answer, taken from its body and not yet sent. A slow reader is then seen by who writes the body.
const SEND_BUFFER_BYTES: usize = 64 * 1024;
/// A silent HTTP/2 client is asked this often whether it is there, and has this long to say so.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// An HTTP/2 connection without a request under way is closed after this.
const IDLE: Duration = Duration::from_secs(60);

/// How connections are served; the same for all. Cheap to clone.
#[derive(Clone)]
pub struct Talk {
    app: Router,
    tls: Option<Tls>,
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
    /// For a handshake, and for a request's header.
    header_timeout: Duration,
    shutdown: CancellationToken,
}

impl Talk {
    pub fn new(app: Router, tls: Option<Tls>, header_timeout: Duration, shutdown: CancellationToken) -> Self {
        let mut http1 = http1::Builder::new();
        http1
            .timer(TokioTimer::new())
            .header_read_timeout(header_timeout)
            .max_buf_size(MAX_HEADER_BYTES);
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .max_header_list_size(MAX_HEADER_LIST_BYTES)
            .max_pending_accept_reset_streams(MAX_RESET_STREAMS)
            .max_local_error_reset_streams(MAX_BROKEN_STREAMS)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_send_buf_size(SEND_BUFFER_BYTES)
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_TIMEOUT);
        Talk {
            app,
            tls,
            http1,
            http2,
            header_timeout,
            shutdown,
        }
    }

    /// Serves one connection to its end.
    pub async fn with(self, stream: TcpStream, peer: SocketAddr) {
        let ended = match &self.tls {
            None => self.http1(stream, peer).await,
            Some(tls) => {
                let greeted = tokio::select! {
                    greeted = timeout(self.header_timeout, tls.greet(stream)) => greeted,
                    () = self.shutdown.cancelled() => return,
                };
                match greeted {
                    Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(tls::HTTP2) => {
                        self.http2(stream, peer).await
                    }
                    Ok(Ok(stream)) => self.http1(stream, peer).await,
                    Ok(Err(error)) => return not_greeted(peer, &error),
                    Err(_) => {
                        let late = std::io::Error::from(std::io::ErrorKind::TimedOut);
                        return not_greeted(peer, &NotGreeted::Handshake(late));
                    }
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%peer, %error, "connection ended with an error");
        }
    }

    async fn http1(&self, stream: impl Stream, peer: SocketAddr) -> hyper::Result<()> {
        let service = service_fn(|request| answer(self.app.clone(), request, peer));
        let connection = self
            .http1
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        let mut connection = pin!(connection);
        tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.shutdown.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        }
    }

    async fn http2(&self, stream: impl Stream, peer: SocketAddr) -> hyper::Result<()> {
        let (open, looking) = watch::channel(0);
        let service = service_fn(|request| {
            let under_way = UnderWay::begin(&open);
            let answer = answer_http2(self.app.clone(), request, peer);
            async move { Ok::<_, Infallible>(under_way.through(answer.await)) }
        });
        let connection = self.http2.serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        tokio::select! {
            ended = connection.as_mut() => return ended,
            () = self.shutdown.cancelled() => {
                connection.as_mut().graceful_shutdown();
                return connection.await;
            }
            () = idle(looking, self.header_timeout) => {}
        }
        connection.as_mut().graceful_shutdown();
        // Who does not answer the goodbye is not waited for.
        timeout(self.header_timeout, connection).await.unwrap_or(Ok(()))
    }
}

/// Bytes in both directions.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for T {}

fn not_greeted(peer: SocketAddr, error: &NotGreeted) {
    metrics::counter!("farol_tls_handshake_failures_total").increment(1);
    tracing::debug!(%peer, %error, "no TLS connection");
}

async fn answer(
    app: Router,
    mut request: Request<Incoming>,
    peer: SocketAddr,
) -> Result<Response, Infallible> {
    request.extensions_mut().insert(ConnectInfo(peer));
    app.oneshot(request.map(Body::new)).await
}

/// HTTP/2 names the host in a field of its own (RFC 9113 section 8.3.1), which goes before a `Host` that says otherwise.
/// From here on it stands where everybody looks for it.
async fn answer_http2(app: Router, mut request: Request<Incoming>, peer: SocketAddr) -> Response {
    if request.method() == Method::CONNECT {
        let words = "This server opens no tunnels over HTTP/2. Open a WebSocket over HTTP/1.1.\n";
        return (StatusCode::NOT_IMPLEMENTED, words).into_response();
    }
    debug_assert_eq!(request.version(), Version::HTTP_2);
    let host = request
        .uri()
        .authority()
        .map(|host| HeaderValue::from_str(host.as_str()));
    if let Some(Ok(host)) = host {
        request.headers_mut().insert(header::HOST, host);
    }
    match answer(app, request, peer).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// Waits until no request has been under way for long: the first has `first`, later ones [`IDLE`].
async fn idle(mut open: watch::Receiver<usize>, first: Duration) {
    let mut patience = first;
    loop {
        let changed = if *open.borrow_and_update() == 0 {
            match timeout(patience, open.changed()).await {
                Ok(changed) => changed,
                Err(_) => return,
            }
        } else {
            open.changed().await
        };
        if changed.is_err() {
            return;
        }
        patience = IDLE;
    }
}

/// Counts a request while it is answered, until its body has been sent.
struct UnderWay(watch::Sender<usize>);

impl UnderWay {
    fn begin(open: &watch::Sender<usize>) -> Self {
        open.send_modify(|open| *open += 1);
        UnderWay(open.clone())
    }

    fn through(self, response: Response) -> Response<Counted> {
        response.map(|body| Counted {
            body,
            _under_way: self,
        })
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open -= 1);
    }
}

/// A body whose request is under way.
struct Counted {
    body: Body,
    _under_way: UnderWay,
}

impl hyper::body::Body for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
