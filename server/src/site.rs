//! The files of the browser side: wasm, script, style and what lies in `public/`.
//!
//! In a release build they are inside the binary, which then runs from any folder. In a debug build they are read from
//! `target/site` at each request, so that a rebuilt page needs no rebuilt server. Files below `/pkg` with a content hash
//! in their name never change and say so; all others are revalidated by their entity tag.

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use farol_app::shell::Assets;
use rust_embed::{EmbeddedFile, RustEmbed};

#[derive(RustEmbed)]
#[folder = "../target/site"]
#[allow_missing = true]
struct Files;

/// The bundle was never built.
#[derive(Debug, thiserror::Error)]
#[error("the browser side has not been built; run `cargo xtask build` once ({0} is missing)")]
pub struct MissingBundle(&'static str);

/// Finds script, wasm and style by name, hashed or not.
pub fn assets() -> Result<Assets, MissingBundle> {
    let names: Vec<String> = Files::iter().map(|name| name.into_owned()).collect();
    let find = |extension: &'static str| {
        names
            .iter()
            .find(|name| is_part(name, extension))
            .map(|name| format!("/{name}"))
            .ok_or(MissingBundle(extension))
    };
    Ok(Assets {
        script: find("js")?,
        wasm: find("wasm")?,
        style: find("css")?,
    })
}

fn is_part(name: &str, extension: &str) -> bool {
    name.strip_prefix("pkg/farol.")
        .and_then(|rest| rest.strip_suffix(extension))
        .is_some_and(|hash| hash.is_empty() || hash.strip_suffix('.').is_some_and(|hash| !hash.contains('.')))
}

/// Answers a GET or HEAD of a file; None when there is no such file.
pub fn serve(request: &Request) -> Option<Response> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return None;
    }
    let path = request.uri().path().trim_start_matches('/').to_owned();
    // A trailing `.br` or `.gz` is a variant, not a file of its own.
    if path.is_empty() || path.ends_with(".br") || path.ends_with(".gz") || path == "hash.txt" {
        return None;
    }
    let plain = Files::get(&path)?;
    let accepted = accepted_encodings(request.headers());
    for (encoding, suffix) in [("br", ".br"), ("gzip", ".gz")] {
        if accepted.contains(&encoding)
            && let Some(packed) = Files::get(&format!("{path}{suffix}"))
        {
            return Some(respond(request, &path, &packed, Some(encoding)));
        }
    }
    Some(respond(request, &path, &plain, None))
}

fn respond(request: &Request, path: &str, file: &EmbeddedFile, encoding: Option<&'static str>) -> Response {
    let tag: String = file
        .metadata
        .sha256_hash()
        .iter()
        .take(12)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let tag = format!("\"{tag}\"");
    let unchanged = request
        .headers()
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|given| {
            given
                .split(',')
                .any(|one| one.trim().trim_start_matches("W/") == tag)
        });
    let mut response = if unchanged {
        StatusCode::NOT_MODIFIED.into_response()
    } else if request.method() == Method::HEAD {
        Body::empty().into_response()
    } else {
        Body::from(file.data.clone().into_owned()).into_response()
    };
    let headers = response.headers_mut();
    let caching = if is_hashed(path) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(path)));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

/// Encodings the client takes, RFC 9110 section 12.5.3; a weight of zero refuses.
pub(crate) fn accepted_encodings(headers: &HeaderMap) -> Vec<&str> {
    let Some(value) = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
    else {
        return Vec::new();
    };
    value
        .split(',')
        .filter_map(|item| {
            let (name, weight) = item.split_once(';').unwrap_or((item, ""));
            let refused = weight
                .trim()
                .strip_prefix("q=")
                .is_some_and(|q| q.trim().parse::<f32>().is_ok_and(|q| q == 0.0));
            (!refused).then(|| name.trim())
        })
        .collect()
}

/// `pkg/farol.0123456789abcdef.wasm` and the like.
fn is_hashed(path: &str) -> bool {
    let Some(name) = path.strip_prefix("pkg/") else {
        return false;
    };
    let parts: Vec<&str> = name.split('.').collect();
    parts.len() == 3 && parts[1].len() >= 12
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "js" => "text/javascript; charset=utf-8",
        "wasm" => "application/wasm",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "txt" => "text/plain; charset=utf-8",
        "webmanifest" | "json" => "application/json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_with_and_without_a_hash() {
        assert!(is_part("pkg/farol.js", "js"));
        assert!(is_part("pkg/farol.0011223344556677.wasm", "wasm"));
        assert!(!is_part("pkg/farol.0011223344556677.wasm.br", "br"));
        assert!(!is_part("pkg/other.js", "js"));
    }

    #[test]
    fn only_a_hashed_name_is_immutable() {
        assert!(is_hashed("pkg/farol.0011223344556677.wasm"));
        assert!(!is_hashed("pkg/farol.wasm"));
        assert!(!is_hashed("favicon.svg"));
    }

    #[test]
    fn a_weight_of_zero_refuses_an_encoding() {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::ACCEPT_ENCODING,
            HeaderValue::from_static("br;q=0, gzip;q=0.5, zstd"),
        );
        assert_eq!(accepted_encodings(&headers), ["gzip", "zstd"]);
    }

    #[test]
    fn a_missing_file_and_another_method_are_not_answered() {
        let get = |path: &str| Request::builder().uri(path).body(Body::empty()).unwrap();
        assert!(serve(&get("/no/such/file.css")).is_none());
        assert!(serve(&get("/../Cargo.toml")).is_none());
        let post = Request::builder()
            .method(Method::POST)
            .uri("/favicon.svg")
            .body(Body::empty())
            .unwrap();
        assert!(serve(&post).is_none());
    }
}
