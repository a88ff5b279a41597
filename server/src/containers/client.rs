//! Requests over the engine's Unix socket. One connection per request: they cost microseconds here, and nothing is left over
//! from one to the next. Every answer is bounded in size and time; streams are bounded by who reads them.

use super::error::{EngineError, shown};
use axum::body::{Body, BodyDataStream, Bytes, to_bytes};
use futures::StreamExt;
use http::{Method, Request, Response, header};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use std::{future::Future, path::Path, sync::Arc, time::Duration};
use tokio::net::UnixStream;

/// Bytes of an answer at most, MiB. Two thousand containers are listed in about two.
const MAX_ANSWER_MIB: usize = 16;
/// Bytes of one line in a stream of JSON at most.
const MAX_LINE_BYTES: usize = 1024 * 1024;
/// Time for an answer.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// Speaks to the engine at one socket. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    socket: Arc<Path>,
}

impl Client {
    pub fn new(socket: &Path) -> Self {
        Client {
            socket: socket.into(),
        }
    }

    /// The socket, for people.
    pub fn place(&self) -> String {
        shown(&self.socket)
    }

    /// Asks for a JSON document.
    pub async fn json<T: DeserializeOwned>(&self, path: &str) -> Result<T, EngineError> {
        let body = self.ask(Method::GET, path, TIME_LIMIT).await?.1;
        serde_json::from_slice(&body).map_err(|_| EngineError::OtherLanguage)
    }

    /// Asks for something to be done, which may take this long. False: it was so already (304).
    pub async fn order(&self, path: &str, time_limit: Duration) -> Result<bool, EngineError> {
        let (status, _) = self.ask(Method::POST, path, time_limit).await?;
        Ok(status != 304)
    }

    /// Opens a stream.
    pub async fn stream(&self, path: &str) -> Result<BodyDataStream, EngineError> {
        let response = self.send(Method::GET, path).await?;
        match response.status().as_u16() {
            200..300 => Ok(response.into_body().into_data_stream()),
            status => Err(EngineError::refused(status, &read(response).await?)),
        }
    }

    /// Status and body. What is no success and not 304 is an error.
    async fn ask(
        &self,
        method: Method,
        path: &str,
        time_limit: Duration,
    ) -> Result<(u16, Bytes), EngineError> {
        let answer = async {
            let response = self.send(method, path).await?;
            let status = response.status().as_u16();
            let body = read(response).await?;
            match status {
                200..300 | 304 => Ok((status, body)),
                _ => Err(EngineError::refused(status, &body)),
            }
        };
        within(time_limit, answer).await
    }

    async fn send(&self, method: Method, path: &str) -> Result<Response<Body>, EngineError> {
        let stream = UnixStream::connect(&*self.socket)
            .await
            .map_err(|error| EngineError::connecting(&error))?;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost")
            .header(header::CONTENT_LENGTH, "0")
            .body(Body::empty())
            .map_err(|_| EngineError::OtherLanguage)?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|_| EngineError::BrokeOff)?;
        // Ends with the answer, or when the answer is dropped. Its errors are the answer's as well.
        tokio::spawn(connection);
        let response = sender.send_request(request).await.map_err(|error| {
            if error.is_parse() {
                EngineError::OtherLanguage
            } else {
                EngineError::BrokeOff
            }
        })?;
        Ok(response.map(Body::new))
    }
}

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, EngineError>>,
) -> Result<T, EngineError> {
    tokio::time::timeout(limit, work)
        .await
        .unwrap_or(Err(EngineError::Silent(limit.as_secs())))
}

async fn read(response: Response<Body>) -> Result<Bytes, EngineError> {
    let limit = MAX_ANSWER_MIB * 1024 * 1024;
    to_bytes(response.into_body(), limit).await.map_err(|error| {
        let source = std::error::Error::source(&error);
        match source.is_some_and(|source| source.to_string().contains("length limit")) {
            true => EngineError::TooLarge(MAX_ANSWER_MIB),
            false => EngineError::BrokeOff,
        }
    })
}

/// Documents of a stream that has one per line.
pub struct Lines {
    stream: BodyDataStream,
    buffer: Vec<u8>,
}

impl Lines {
    pub fn new(stream: BodyDataStream) -> Self {
        Lines {
            stream,
            buffer: Vec::new(),
        }
    }

    /// The next document that can be read; None at the end. A line that is no such document is passed over.
    pub async fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, EngineError> {
        loop {
            while let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                if let Ok(document) = serde_json::from_slice(&line) {
                    return Ok(Some(document));
                }
            }
            if self.buffer.len() > MAX_LINE_BYTES {
                return Err(EngineError::TooLarge(MAX_LINE_BYTES / 1024 / 1024));
            }
            match self.stream.next().await {
                Some(Ok(chunk)) => self.buffer.extend_from_slice(&chunk),
                Some(Err(_)) => return Err(EngineError::BrokeOff),
                None => return Ok(None),
            }
        }
    }
}
