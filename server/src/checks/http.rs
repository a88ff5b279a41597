//! One request to an address: does it answer with the status and the words that it should? Goes only where the configuration
//! names; redirects are followed as often as it says.

use super::{config::CheckConfig, probe::Outcome, tls};
use crate::outbound::{
    http::{Answer, Connection},
    line::Duplex,
};
use anyhow::{Context, bail};
use http::{HeaderValue, Request, Uri, header};
use regex::bytes::RegexBuilder;
use tokio::net::TcpStream;

/// Largest body that is looked at, bytes.
const MAX_BODY: usize = 1024 * 1024;
/// Bounds what a pattern takes once it is compiled, bytes.
const MAX_PATTERN: usize = 1024 * 1024;

/// Tries once. When the certificate of the last hop ends is told in any case.
pub async fn probe(config: &CheckConfig) -> Outcome {
    let mut expiry_secs = None;
    let judged = judge(config, &mut expiry_secs).await;
    Outcome {
        tls_expiry_secs: expiry_secs,
        ..Outcome::of(judged)
    }
}

async fn judge(config: &CheckConfig, expiry_secs: &mut Option<i64>) -> anyhow::Result<String> {
    let mut to: Uri = config.target.parse()?;
    let mut left = config.redirects;
    let answer = loop {
        let answer = ask(&to, config, expiry_secs).await?;
        if !answer.status.is_redirection() || left == 0 {
            break answer;
        }
        left -= 1;
        to = next(&to, &answer)?;
    };
    let status = answer.status.as_u16();
    let well = match config.status.is_empty() {
        true => answer.status.is_success(),
        false => config.status.contains(&status),
    };
    if !well {
        let leads = answer
            .headers
            .get(header::LOCATION)
            .and_then(|to| to.to_str().ok());
        let leads = leads.map_or_else(String::new, |to| format!(", leading to {}", cut(to)));
        bail!("answers {}{leads}", answer.status);
    }
    if let Some(pattern) = &config.body {
        let pattern = RegexBuilder::new(pattern).size_limit(MAX_PATTERN).build()?;
        if !pattern.is_match(&answer.body) {
            bail!(
                "answers {}, but its body does not match `{}`",
                answer.status,
                cut(pattern.as_str())
            );
        }
    }
    Ok(format!("answers {}", answer.status))
}

async fn ask(to: &Uri, config: &CheckConfig, expiry_secs: &mut Option<i64>) -> anyhow::Result<Answer> {
    let host = to.host().context("an address without a host")?;
    // IPv6 stands in brackets in an address, and nowhere else.
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let encrypted = to.scheme_str() == Some("https");
    let port = to.port_u16().unwrap_or(if encrypted { 443 } else { 80 });
    let stream = super::probe::reach(host, port).await?;
    let line = match encrypted {
        true => {
            let opened = tls::open(stream, host, config.verify, config.ca.clone()).await;
            *expiry_secs = opened.expiry_secs;
            opened.line?
        }
        false => plain(stream),
    };
    let mut request = Request::get(to.clone()).body(String::new())?;
    let headers = request.headers_mut();
    headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
    headers.insert(
        header::USER_AGENT,
        HeaderValue::from_static(concat!("farol-check/", env!("CARGO_PKG_VERSION"))),
    );
    let mut connection = Connection::over(line, to).await?;
    connection.ask_bounded(request, MAX_BODY).await
}

fn plain(stream: TcpStream) -> Box<dyn Duplex> {
    Box::new(stream)
}

/// Where a redirect leads (RFC 9110 section 10.2.2).
fn next(from: &Uri, answer: &Answer) -> anyhow::Result<Uri> {
    let location = answer
        .headers
        .get(header::LOCATION)
        .context("a redirect that leads nowhere")?;
    let location = location.to_str().context("a redirect that leads nowhere")?;
    let base = url::Url::parse(&from.to_string())?;
    let to = base
        .join(location)
        .with_context(|| format!("leads to `{}`, which is no address", cut(location)))?;
    if !matches!(to.scheme(), "http" | "https") || !to.username().is_empty() {
        bail!("leads to `{}`, which is not followed", cut(location));
    }
    Ok(to.as_str().split('#').next().unwrap_or_default().parse()?)
}

fn cut(text: &str) -> String {
    text.chars().take(120).collect()
}
