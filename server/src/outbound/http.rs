//! One HTTP/1.1 connection, for a few requests one after the other. It follows no redirect.

use super::line::{self, Duplex};
use ::http::{HeaderMap, HeaderValue, Request, StatusCode, Uri, header};
use anyhow::{Context, bail};
use axum::body::Body;
use bytes::Bytes;
use hyper::{
    body::{Body as _, Incoming},
    client::conn::http1::{SendRequest, handshake},
};
use hyper_util::rt::TokioIo;
use std::{path::Path, pin::pin};

/// Largest answer that is read, bytes.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// See the module.
pub struct Connection {
    sender: SendRequest<Body>,
    host: HeaderValue,
}

impl Connection {
    /// Connects to where an address leads. `ca` is a file of certificates that are trusted instead of the machine's.
    pub async fn open(to: &Uri, ca: Option<&Path>) -> anyhow::Result<Connection> {
        Self::over(line::open(to, ca).await?, to).await
    }

    /// The same over a line that is there already.
    pub async fn over(line: Box<dyn Duplex>, to: &Uri) -> anyhow::Result<Connection> {
        let host = to.authority().context("an address without a host")?.as_str();
        let (sender, connection) = handshake(TokioIo::new(line)).await?;
        // Ends with the sender.
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection of ours broke");
            }
        });
        Ok(Connection {
            sender,
            host: HeaderValue::from_str(host)?,
        })
    }

    /// Sends a request and reads the whole answer.
    pub async fn ask(&mut self, request: Request<impl Into<Body>>) -> anyhow::Result<(StatusCode, Bytes)> {
        let answer = self.ask_bounded(request, MAX_ANSWER).await?;
        Ok((answer.status, answer.body))
    }

    /// Sends a request and reads the whole answer, whose body may have so many bytes.
    pub async fn ask_bounded(
        &mut self,
        request: Request<impl Into<Body>>,
        most: usize,
    ) -> anyhow::Result<Answer> {
        let mut request = request.map(Into::into);
        // Over HTTP/1.1 the target is path and query, and the host is a header (RFC 9112 section 3.2.1).
        let target = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let target: Uri = target.parse()?;
        *request.uri_mut() = target;
        request.headers_mut().insert(header::HOST, self.host.clone());
        self.sender.ready().await.context("the connection broke")?;
        let answer = self
            .sender
            .send_request(request)
            .await
            .context("the connection broke")?;
        let (head, body) = answer.into_parts();
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body: read(body, most).await?,
        })
    }
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

async fn read(body: Incoming, most: usize) -> anyhow::Result<Bytes> {
    let mut body = pin!(body);
    let mut bytes = Vec::new();
    while let Some(frame) = std::future::poll_fn(|context| body.as_mut().poll_frame(context)).await {
        if let Ok(data) = frame.context("the answer broke off")?.into_data() {
            bytes.extend_from_slice(&data);
        }
        if bytes.len() > most {
            bail!("the answer is larger than {most} bytes");
        }
    }
    Ok(bytes.into())
}
