//! Requests that act, and upgrades, must come from our own pages (OWASP CSRF Prevention, "verifying origin with standard
//! headers"), and every request must name a host that we are (against DNS rebinding).

use crate::{access::identify::bearer, error::Refusal};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use farol_model::Fault;
use http::{HeaderMap, Method, header};
use std::{net::SocketAddr, sync::Arc};

/// Which hosts and origins are ours.
#[derive(Debug, Clone)]
pub struct OriginPolicy {
    /// Names without port, lower case.
    hosts: Vec<String>,
    /// Whole origins, e.g. `https://farol.example.org`.
    origins: Vec<String>,
    /// Whether pages of ours come by TLS only: then one that says `http` is no page of ours.
    tls: bool,
}

impl OriginPolicy {
    /// Ours are loopback, the address that is listened on, configured names, and hosts of configured origins.
    pub fn new(listen: SocketAddr, tls: bool, hosts: &[String], public_origins: &[String]) -> Self {
        let mut all: Vec<String> = ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned).into();
        all.push(host_of(&listen.to_string()).to_owned());
        all.extend(hosts.iter().map(|host| host.to_ascii_lowercase()));
        let origins: Vec<String> = public_origins
            .iter()
            .map(|origin| origin.trim_end_matches('/').to_ascii_lowercase())
            .collect();
        all.extend(
            origins
                .iter()
                .filter_map(|origin| Some(host_of(origin.split_once("://")?.1).to_owned())),
        );
        OriginPolicy {
            hosts: all,
            origins,
            tls,
        }
    }

    /// Whether the `Host` is one of ours.
    fn host_allowed(&self, headers: &HeaderMap) -> bool {
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok())
            .unwrap_or_default();
        self.hosts
            .iter()
            .any(|ours| ours == &host_of(host).to_ascii_lowercase())
    }

    /// Whether a request that acts may. `Origin` decides; where a browser sends none, `Sec-Fetch-Site` does; a request with
    /// neither comes from no browser of today and is refused, unless it carries a bearer token.
    pub fn origin_allowed(&self, headers: &HeaderMap) -> bool {
        if bearer(headers).is_some() {
            return true;
        }
        let text = |name| {
            headers
                .get(name)
                .and_then(|value: &http::HeaderValue| value.to_str().ok())
        };
        match (
            text(header::ORIGIN),
            text(header::HeaderName::from_static("sec-fetch-site")),
        ) {
            (Some(origin), _) => self.is_ours(
                &origin.to_ascii_lowercase(),
                text(header::HOST).unwrap_or_default(),
            ),
            (None, Some(site)) => site == "same-origin",
            (None, None) => false,
        }
    }

    /// Whether a socket may be opened. A client that is no browser sends no `Origin`; it has no cookie that a browser would
    /// have added, so nobody is lured into anything.
    pub fn upgrade_allowed(&self, headers: &HeaderMap) -> bool {
        let browser = headers.contains_key(header::ORIGIN) || headers.contains_key(header::COOKIE);
        !browser || self.origin_allowed(headers) || self.comes_from_our_page(headers)
    }

    /// An EventSource of our own page brings no `Origin`, and over plain HTTP no `Sec-Fetch-Site` either (Fetch Metadata 2:
    /// only to trustworthy addresses). Its `Referer` cannot be written by a page. Where one of the others is there, it decides.
    fn comes_from_our_page(&self, headers: &HeaderMap) -> bool {
        if headers.contains_key(header::ORIGIN) || headers.contains_key("sec-fetch-site") {
            return false;
        }
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let referer = text(header::REFERER).unwrap_or_default().to_ascii_lowercase();
        let Some((scheme, rest)) = referer.split_once("://") else {
            return false;
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        self.is_ours(
            &format!("{scheme}://{authority}"),
            text(header::HOST).unwrap_or_default(),
        )
    }

    /// An origin is ours when it is configured, or is http(s) to the very host (and port) of this request: `https` where
    /// we speak TLS, either where a proxy may do so.
    fn is_ours(&self, origin: &str, host: &str) -> bool {
        let of_this_host = origin.split_once("://").is_some_and(|(scheme, authority)| {
            (scheme == "https" || (scheme == "http" && !self.tls)) && authority == host.to_ascii_lowercase()
        });
        self.origins.iter().any(|ours| ours == origin) || of_this_host
    }
}

/// Without port.
pub fn host_of(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

/// Layer: refuses with 403 (origin) or 421 (host).
pub async fn check(State(policy): State<Arc<OriginPolicy>>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    if !policy.host_allowed(headers) {
        let text = "This server is not known under this name. Add it to http.hosts in farol.toml.\n";
        return (http::StatusCode::MISDIRECTED_REQUEST, text).into_response();
    }
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let upgrades = headers.contains_key(header::UPGRADE);
    // A browser posts reports without these headers, and they change nothing.
    let path = request.uri().path();
    let reports = path == "/csp-report";
    let allowed = match (upgrades || crate::live::owns(path), reads) {
        (true, _) => policy.upgrade_allowed(headers),
        (false, true) => true,
        (false, false) => reports || policy.origin_allowed(headers),
    };
    if !allowed {
        let text =
            "This request comes from another site and was refused. Open Farol itself and try again there.";
        return Refusal(Fault::forbidden(text)).into_response();
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    fn policy() -> OriginPolicy {
        policy_with(false)
    }

    fn policy_with(tls: bool) -> OriginPolicy {
        OriginPolicy::new(
            "192.0.2.7:3000".parse().unwrap(),
            tls,
            &["Farol.lan".into()],
            &["https://farol.example.org".into()],
        )
    }

    #[test]
    fn only_our_own_names_are_answered_to() {
        for host in [
            "127.0.0.1:3000",
            "localhost",
            "[::1]:9",
            "192.0.2.7:3000",
            "farol.lan:80",
            "farol.example.org",
        ] {
            assert!(policy().host_allowed(&headers(&[("host", host)])), "{host}");
        }
        for host in ["evil.example", "127.0.0.1.evil.example", "", "farol.lan.evil:80"] {
            assert!(!policy().host_allowed(&headers(&[("host", host)])), "{host}");
        }
    }

    #[test]
    fn a_socket_needs_our_origin_or_no_browser_behind_it() {
        let allowed = |pairs: &[(&'static str, &str)]| {
            let mut all = headers(pairs);
            all.insert(header::HOST, "127.0.0.1:3000".parse().unwrap());
            policy().upgrade_allowed(&all)
        };
        assert!(allowed(&[]));
        assert!(allowed(&[("origin", "http://127.0.0.1:3000"), ("cookie", "a=b")]));
        assert!(!allowed(&[("cookie", "a=b")]), "a browser sends Origin");
        assert!(!allowed(&[("origin", "https://evil.example")]));
        let from = |referer| allowed(&[("cookie", "a=b"), ("referer", referer)]);
        assert!(from("http://127.0.0.1:3000/processes?sort=cpu") && from("https://farol.example.org/"));
        for evil in [
            "http://127.0.0.1:3000.evil.example/",
            "http://evil.example/?http://127.0.0.1:3000/",
            "http://127.0.0.1:3000@evil.example/",
            "127.0.0.1:3000",
            "",
        ] {
            assert!(!from(evil), "{evil}");
        }
        let ours = ("referer", "http://127.0.0.1:3000/");
        assert!(!allowed(&[
            ("cookie", "a=b"),
            ours,
            ("sec-fetch-site", "cross-site")
        ]));
        assert!(!allowed(&[("origin", "https://evil.example"), ours]));
    }

    #[test]
    fn where_we_speak_tls_a_page_without_it_is_none_of_ours() {
        let headers = |origin| headers(&[("host", "192.0.2.7:3000"), ("origin", origin)]);
        let (plain, tls) = ("http://192.0.2.7:3000", "https://192.0.2.7:3000");
        assert!(policy_with(true).origin_allowed(&headers(tls)));
        assert!(!policy_with(true).origin_allowed(&headers(plain)));
        assert!(
            policy_with(false).origin_allowed(&headers(tls)),
            "a proxy in front"
        );
        assert!(policy_with(false).origin_allowed(&headers(plain)));
    }

    #[test]
    fn only_our_own_pages_may_act() {
        let allowed = |pairs: &[(&'static str, &str)]| {
            let mut all = headers(pairs);
            all.insert(header::HOST, "127.0.0.1:3000".parse().unwrap());
            policy().origin_allowed(&all)
        };
        assert!(allowed(&[("origin", "http://127.0.0.1:3000")]));
        assert!(allowed(&[("origin", "https://farol.example.org")]));
        assert!(allowed(&[("sec-fetch-site", "same-origin")]));
        assert!(allowed(&[("authorization", "Bearer farol_x")]));
        for refused in [
            &[("origin", "http://127.0.0.1:3001")][..],
            &[("origin", "null")],
            &[("origin", "ftp://127.0.0.1:3000")],
            &[
                ("origin", "https://evil.example"),
                ("sec-fetch-site", "same-origin"),
            ],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "none")],
            &[("authorization", "Basic x")],
            &[],
        ] {
            assert!(!allowed(refused), "{refused:?}");
        }
    }
}
