//! Pages travel in gzip (RFC 9110, section 8.4.1.3) to browsers that take it: they are words that repeat, and a phone waits for each byte.
//!
//! Who can make a browser ask for a page with words of their own in it, and sees how long the answer is, could find out letter by letter what
//! else is in it (BREACH). So only what a browser itself says to come from us or from the person at it is packed (`Sec-Fetch-Site`, which
//! no page can set), and a name of random length at its head keeps two packings of one page from being of one length. Only documents are
//! packed: what programs ask for, and files of the browser side, which lie there packed already, pass as they are.

use crate::site::accepted_encodings;
use axum::{
    body::{Body, Bytes},
    extract::Request,
    middleware::Next,
    response::Response,
};
use flate2::{Compression, GzBuilder, write::GzEncoder};
use futures::{StreamExt, stream};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use std::io::{self, Write};

/// Letters of the name at most.
const NAME_MOST: usize = 100;
/// What the answer hangs on.
const HANGS_ON: HeaderValue = HeaderValue::from_static("accept-encoding, sec-fetch-site");

/// Layer: see the module.
pub async fn pages(request: Request, next: Next) -> Response {
    let takes = request.method() == Method::GET && is_ours(request.headers());
    let takes = takes && accepted_encodings(request.headers()).contains(&"gzip");
    let mut response = next.run(request).await;
    if !is_page(&response) {
        return response;
    }
    response.headers_mut().append(header::VARY, HANGS_ON);
    if !takes {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts
        .headers
        .insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    Response::from_parts(parts, packed(body))
}

/// The browser says that one of our own pages asks, or the person at it.
fn is_ours(headers: &HeaderMap) -> bool {
    let from = headers.get("sec-fetch-site").and_then(|from| from.to_str().ok());
    matches!(from, Some("same-origin" | "none"))
}

fn is_page(response: &Response) -> bool {
    let headers = response.headers();
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("text/html"))
        && !headers.contains_key(header::CONTENT_ENCODING)
        && response.status() != StatusCode::NO_CONTENT
}

/// Each piece goes out when it comes, so that a page that is drawn bit by bit is seen bit by bit.
fn packed(body: Body) -> Body {
    let pieces = (body.into_data_stream(), Some(Packer::new()));
    Body::from_stream(stream::unfold(pieces, async |(mut body, packer)| {
        let mut packer = packer?;
        Some(match body.next().await {
            Some(Ok(piece)) => (packer.piece(&piece), (body, Some(packer))),
            Some(Err(error)) => (Err(io::Error::other(error)), (body, None)),
            None => (packer.end(), (body, None)),
        })
    }))
}

struct Packer(GzEncoder<Vec<u8>>);

impl Packer {
    fn new() -> Packer {
        let name = vec![b'a'; rand::random_range(1..=NAME_MOST)];
        Packer(
            GzBuilder::new()
                .filename(name)
                .write(Vec::new(), Compression::default()),
        )
    }

    fn piece(&mut self, piece: &[u8]) -> io::Result<Bytes> {
        self.0.write_all(piece)?;
        self.0.flush()?;
        Ok(std::mem::take(self.0.get_mut()).into())
    }

    fn end(self) -> io::Result<Bytes> {
        self.0.finish().map(Bytes::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{Router, body::to_bytes, middleware::from_fn, response::Html, routing::get};
    use flate2::read::MultiGzDecoder;
    use std::io::Read;
    use tower::ServiceExt;

    const PAGE: &str = "<p>word word word word word word word word</p>";

    async fn asked(path: &str, headers: &[(&str, &str)]) -> Response {
        let routes = Router::new()
            .route("/", get(|| async { Html(PAGE.repeat(100)) }))
            .route("/text", get(|| async { PAGE }))
            .layer(from_fn(pages));
        let mut request = Request::get(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        routes
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap()
    }

    async fn bytes(response: Response) -> Bytes {
        to_bytes(response.into_body(), usize::MAX).await.unwrap()
    }

    fn unpacked(bytes: &[u8]) -> String {
        let mut text = String::new();
        MultiGzDecoder::new(bytes).read_to_string(&mut text).unwrap();
        text
    }

    const GZIP: (&str, &str) = ("accept-encoding", "br;q=0, gzip");

    #[tokio::test]
    async fn a_page_is_packed_and_is_the_same_page() {
        for from in ["none", "same-origin"] {
            let answer = asked("/", &[GZIP, ("sec-fetch-site", from)]).await;
            assert_eq!(answer.headers()[header::CONTENT_ENCODING], "gzip");
            assert!(!answer.headers().contains_key(header::CONTENT_LENGTH));
            assert_eq!(answer.headers()[header::VARY], HANGS_ON);
            let sent = bytes(answer).await;
            assert!(sent.len() < 300, "{}", sent.len());
            assert_eq!(unpacked(&sent), PAGE.repeat(100));
        }
    }

    #[tokio::test]
    async fn what_others_make_a_browser_ask_for_passes_as_it_is() {
        for from in [
            Some("cross-site"),
            Some("same-site"),
            Some("None"),
            Some(""),
            None,
        ] {
            let from = from.map(|from| ("sec-fetch-site", from));
            let headers: Vec<_> = from.into_iter().chain([GZIP]).collect();
            let answer = asked("/", &headers).await;
            assert!(!answer.headers().contains_key(header::CONTENT_ENCODING));
            assert_eq!(answer.headers()[header::VARY], HANGS_ON);
            assert_eq!(bytes(answer).await, PAGE.repeat(100));
        }
    }

    #[tokio::test]
    async fn who_does_not_take_it_and_what_is_no_page_is_left_alone() {
        let ours = ("sec-fetch-site", "none");
        for takes in ["identity", "br", "gzip;q=0", ""] {
            let answer = asked("/", &[ours, ("accept-encoding", takes)]).await;
            assert!(
                !answer.headers().contains_key(header::CONTENT_ENCODING),
                "{takes}"
            );
        }
        let text = asked("/text", &[ours, GZIP]).await;
        assert!(!text.headers().contains_key(header::CONTENT_ENCODING));
        assert_eq!(bytes(text).await, PAGE);
        let none = asked("/none", &[ours, GZIP]).await;
        assert!(!none.headers().contains_key(header::CONTENT_ENCODING));
    }

    #[tokio::test]
    async fn one_page_is_not_always_as_long() {
        let mut lengths = std::collections::HashSet::new();
        for _ in 0..50 {
            lengths.insert(
                bytes(asked("/", &[GZIP, ("sec-fetch-site", "none")]).await)
                    .await
                    .len(),
            );
        }
        assert!(lengths.len() > 5, "{lengths:?}");
    }

    #[tokio::test]
    async fn each_piece_is_readable_before_the_next_one_comes_and_a_break_breaks() {
        let pieces = [Ok("one "), Ok("two"), Err(io::Error::other("gone"))];
        let mut sent = packed(Body::from_stream(stream::iter(pieces))).into_data_stream();
        let mut seen = Vec::new();
        for wanted in ["one ", "one two"] {
            seen.extend(sent.next().await.unwrap().unwrap());
            let mut text = vec![0; 100];
            let read = MultiGzDecoder::new(seen.as_slice()).read(&mut text).unwrap();
            assert_eq!(&text[..read], wanted.as_bytes());
        }
        assert!(sent.next().await.unwrap().is_err());
        assert!(sent.next().await.is_none());
    }
}
