//! The upgrade (RFC 6455 section 4.2), and the socket behind it.

use super::wire::Io;
use axum::{
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use sha1::{Digest, Sha1};
use tokio::net::TcpStream;

/// The constant of section 1.3.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const VERSION: HeaderValue = HeaderValue::from_static("13");

/// A request that asks, by the rules, for a WebSocket.
#[derive(Debug)]
pub struct Handshake {
    accept: HeaderValue,
    /// Subprotocols that the client offers, in its order.
    offered: Vec<String>,
    pending: OnUpgrade,
}

/// Why a request is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotWebSocket {
    #[error("This address speaks WebSocket: send GET with `Connection: Upgrade` and `Upgrade: websocket`.")]
    Upgrade,
    #[error("This server speaks version 13 of WebSocket.")]
    Version,
    #[error("`Sec-WebSocket-Key` must be 16 bytes in Base64.")]
    Key,
    #[error("This connection cannot be turned into a WebSocket.")]
    Connection,
}

/// A socket that has been upgraded, and what came with the request's last bytes.
pub struct Opened {
    pub io: Io,
    pub first: Bytes,
}

impl<S: Sync> FromRequestParts<S> for Handshake {
    type Rejection = NotWebSocket;

    async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Result<Self, NotWebSocket> {
        let headers = &parts.headers;
        if parts.method != Method::GET
            || !has_token(headers, &header::CONNECTION, "upgrade")
            || !has_token(headers, &header::UPGRADE, "websocket")
        {
            return Err(NotWebSocket::Upgrade);
        }
        if headers.get(header::SEC_WEBSOCKET_VERSION) != Some(&VERSION) {
            return Err(NotWebSocket::Version);
        }
        let key = headers.get(header::SEC_WEBSOCKET_KEY).ok_or(NotWebSocket::Key)?;
        if STANDARD.decode(key).map_or(0, |key| key.len()) != 16 {
            return Err(NotWebSocket::Key);
        }
        let accept = accept(key.as_bytes());
        let offered = tokens(headers, &header::SEC_WEBSOCKET_PROTOCOL)
            .map(str::to_owned)
            .collect();
        let pending = parts
            .extensions
            .remove::<OnUpgrade>()
            .ok_or(NotWebSocket::Connection)?;
        Ok(Handshake {
            accept,
            offered,
            pending,
        })
    }
}

impl Handshake {
    /// Whether the client offers this subprotocol.
    pub fn offers(&self, protocol: &str) -> bool {
        self.offered.iter().any(|offered| offered == protocol)
    }

    /// The 101 answer, with the subprotocol chosen, and what becomes the socket once the answer is out.
    pub fn accept(
        self,
        protocol: Option<&'static str>,
    ) -> (Response, impl Future<Output = Option<Opened>> + Send) {
        let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, self.accept);
        if let Some(protocol) = protocol {
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
        }
        let pending = self.pending;
        (response, async move {
            match pending.await {
                Ok(upgraded) => Some(opened(upgraded)),
                Err(error) => {
                    tracing::debug!(%error, "a peer left before its WebSocket stood");
                    None
                }
            }
        })
    }
}

/// The plain TCP stream where it is one, because that can be written to without waiting; else whatever it is.
fn opened(upgraded: Upgraded) -> Opened {
    match upgraded.downcast::<TokioIo<TcpStream>>() {
        Ok(parts) => Opened {
            io: Io::tcp(parts.io.into_inner()),
            first: parts.read_buf,
        },
        Err(upgraded) => Opened {
            io: Io::other(TokioIo::new(upgraded)),
            first: Bytes::new(),
        },
    }
}

/// `Sec-WebSocket-Accept` for a key (4.2.2, step 5.4).
fn accept(key: &[u8]) -> HeaderValue {
    let digest = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    HeaderValue::try_from(STANDARD.encode(digest)).unwrap_or(HeaderValue::from_static(""))
}

fn tokens<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    tokens(headers, name).any(|value| value.eq_ignore_ascii_case(token))
}

impl IntoResponse for NotWebSocket {
    fn into_response(self) -> Response {
        let status = match self {
            NotWebSocket::Upgrade | NotWebSocket::Version => StatusCode::UPGRADE_REQUIRED,
            NotWebSocket::Key => StatusCode::BAD_REQUEST,
            NotWebSocket::Connection => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
        };
        let mut response = (status, self.to_string()).into_response();
        if status == StatusCode::UPGRADE_REQUIRED {
            let headers = response.headers_mut();
            // RFC 9110 section 15.5.22 asks for both.
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(header::SEC_WEBSOCKET_VERSION, VERSION);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn refused(headers: &[(&str, &str)]) -> NotWebSocket {
        let mut request = http::Request::get("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        Handshake::from_request_parts(&mut parts, &()).await.unwrap_err()
    }

    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

    #[test]
    fn the_key_of_the_rfc_gives_its_answer() {
        assert_eq!(accept(KEY.as_bytes()), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[tokio::test]
    async fn what_is_no_handshake_is_refused_by_name() {
        let upgrade = [("connection", "keep-alive, Upgrade"), ("upgrade", "WebSocket")];
        assert_eq!(refused(&[]).await, NotWebSocket::Upgrade);
        assert_eq!(refused(&upgrade).await, NotWebSocket::Version);
        let mut headers = upgrade.to_vec();
        headers.push(("sec-websocket-version", "8"));
        assert_eq!(refused(&headers).await, NotWebSocket::Version);
        headers[2].1 = "13";
        assert_eq!(refused(&headers).await, NotWebSocket::Key);
        headers.push(("sec-websocket-key", "c2hvcnQ="));
        assert_eq!(refused(&headers).await, NotWebSocket::Key);
        headers[3].1 = KEY;
        assert_eq!(refused(&headers).await, NotWebSocket::Connection);
        let response = NotWebSocket::Version.into_response();
        assert_eq!(response.status(), StatusCode::UPGRADE_REQUIRED);
        assert_eq!(response.headers()[header::SEC_WEBSOCKET_VERSION], "13");
    }
}
