//! `[ingest]`, `[[scrape]]` and `[statsd]`: which metrics of applications are taken, and how many.

use super::sample::{is_label_name, segment_from};
use crate::outbound::proof::Proof;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashSet},
    fmt,
    net::SocketAddr,
    path::PathBuf,
    time::Duration,
};

/// `[[scrape]]` at most.
const MAX_SCRAPES: usize = 200;
/// Names that are taken: Farol itself, and its health checks. Two sources in one channel would be neither.
const TAKEN: [&str; 2] = ["farol", "checks"];

/// Whether a name is one of Farol's own sources.
pub fn is_taken(name: &str) -> bool {
    TAKEN.contains(&name)
}

/// `[ingest]`: bounds of all that comes in.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct IngestConfig {
    /// Series of one source at most; further ones are refused and counted.
    pub max_series: usize,
    /// Sources that may make themselves known by sending; further ones are refused.
    pub max_sources: usize,
    /// Bytes of what is sent at once, after it was unpacked.
    pub max_body_bytes: usize,
    /// Seconds after which a value that was sent holds no more.
    pub stale_secs: u32,
    /// Seconds before it came that a point of OpenTelemetry may have been measured; what is older is refused.
    pub late_secs: u32,
}

impl Default for IngestConfig {
    fn default() -> Self {
        IngestConfig {
            max_series: 2000,
            max_sources: 100,
            max_body_bytes: 4 * 1024 * 1024,
            stale_secs: 300,
            late_secs: 300,
        }
    }
}

impl IngestConfig {
    /// Key and reason of what is wrong.
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        let mut within = |key: &str, value: u64, from: u64, to: u64| {
            if !(from..=to).contains(&value) {
                problems.push((key.to_owned(), format!("must be from {from} to {to}")));
            }
        };
        within("max_series", self.max_series as u64, 1, 100_000);
        within("max_sources", self.max_sources as u64, 1, 10_000);
        within(
            "max_body_bytes",
            self.max_body_bytes as u64,
            1024,
            64 * 1024 * 1024,
        );
        within("stale_secs", self.stale_secs.into(), 2, 3600);
        within("late_secs", self.late_secs.into(), 1, 86_400);
        problems
    }
}

/// `[[scrape]]`: somebody who is asked for metrics in a text format of Prometheus.
#[derive(Clone, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScrapeConfig {
    /// Its channel is `apps/NAME`.
    pub name: String,
    /// `http://127.0.0.1:9100/metrics`.
    pub url: Option<String>,
    /// Lists of targets in Prometheus' `file_sd` form (JSON), read again when they change. Path and scheme are those of `url`
    /// where it is given, else `http` and `/metrics`.
    pub files: Vec<PathBuf>,
    pub interval_secs: u32,
    /// Seconds for one answer; as long as the interval at most.
    pub timeout_secs: u32,
    /// Labels that each of its series gets.
    pub labels: BTreeMap<String, String>,
    /// Sent as `Authorization: Bearer`.
    pub bearer_token: Option<String>,
    /// A file that holds it, read before each scrape.
    pub bearer_token_file: Option<PathBuf>,
    pub basic_user: Option<String>,
    pub basic_password: Option<String>,
    /// A file that holds it, read before each scrape.
    pub basic_password_file: Option<PathBuf>,
    /// Certificates in PEM that are trusted instead of the machine's.
    pub ca: Option<PathBuf>,
    /// Series at most; `ingest.max_series` when left out.
    pub max_series: Option<usize>,
}

impl Default for ScrapeConfig {
    fn default() -> Self {
        ScrapeConfig {
            name: String::new(),
            url: None,
            files: Vec::new(),
            interval_secs: 15,
            timeout_secs: 10,
            labels: BTreeMap::new(),
            bearer_token: None,
            bearer_token_file: None,
            basic_user: None,
            basic_password: None,
            basic_password_file: None,
            ca: None,
            max_series: None,
        }
    }
}

impl fmt::Debug for ScrapeConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secret = |value: &Option<String>| value.as_ref().map(|_| "[redacted]");
        f.debug_struct("ScrapeConfig")
            .field("name", &self.name)
            .field("url", &self.url)
            .field("files", &self.files)
            .field("interval_secs", &self.interval_secs)
            .field("timeout_secs", &self.timeout_secs)
            .field("labels", &self.labels)
            .field("bearer_token", &secret(&self.bearer_token))
            .field("bearer_token_file", &self.bearer_token_file)
            .field("basic_user", &self.basic_user)
            .field("basic_password", &secret(&self.basic_password))
            .field("basic_password_file", &self.basic_password_file)
            .field("ca", &self.ca)
            .field("max_series", &self.max_series)
            .finish()
    }
}

impl ScrapeConfig {
    pub fn interval(&self) -> Duration {
        Duration::from_secs(self.interval_secs.into())
    }

    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_secs.min(self.interval_secs).into())
    }

    fn problem(&self) -> Option<(&'static str, String)> {
        if let Some(reason) = bad_source(&self.name) {
            return Some(("name", reason));
        }
        match &self.url {
            None if self.files.is_empty() => {
                return Some((
                    "url",
                    "is missing: give an address, or files with targets".to_owned(),
                ));
            }
            Some(url) => {
                if let Some(reason) = url_problem(url) {
                    return Some(("url", reason));
                }
            }
            None => {}
        }
        if !(1..=3600).contains(&self.interval_secs) {
            return Some(("interval_secs", "must be from 1 to 3600".to_owned()));
        }
        if self.timeout_secs == 0 {
            return Some(("timeout_secs", "must be at least 1".to_owned()));
        }
        if let Some(name) = self.labels.keys().find(|name| !is_label_name(name)) {
            let reason = format!("`{name}` is no name of a label: letters, digits and `_`");
            return Some(("labels", reason));
        }
        if self.max_series.is_some_and(|most| !(1..=100_000).contains(&most)) {
            return Some(("max_series", "must be from 1 to 100000".to_owned()));
        }
        let proof = Proof {
            bearer_token: self.bearer_token.as_deref(),
            bearer_token_file: self.bearer_token_file.as_deref(),
            basic_user: self.basic_user.as_deref(),
            basic_password: self.basic_password.as_deref(),
            basic_password_file: self.basic_password_file.as_deref(),
        };
        proof.problem()
    }
}

/// Why this can be no address that is asked; None when it can.
pub fn url_problem(url: &str) -> Option<String> {
    let reason =
        || format!("`{url}` is no address to ask; write http://host:port/metrics without user and password");
    let Ok(uri) = url.parse::<http::Uri>() else {
        return Some(reason());
    };
    let named = uri
        .authority()
        .is_some_and(|authority| !authority.host().is_empty() && !authority.as_str().contains('@'));
    let known = matches!(uri.scheme_str(), Some("http" | "https"));
    (!named || !known).then(reason)
}

fn bad_source(name: &str) -> Option<String> {
    if is_taken(name) {
        return Some(format!(
            "`{name}` is a source of Farol's own; choose another name"
        ));
    }
    (segment_from(name).as_deref() != Some(name))
        .then(|| "must be 1 to 64 of letters, digits, `.`, `_` and `-`".to_owned())
}

/// `[statsd]`: where StatsD packets are taken.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct StatsdConfig {
    /// A UDP address, `127.0.0.1:8125`. Nobody has to prove who they are there, so it should be loopback. Off when left out.
    pub listen: Option<SocketAddr>,
    /// The source that its metrics belong to.
    pub name: String,
}

impl Default for StatsdConfig {
    fn default() -> Self {
        StatsdConfig {
            listen: None,
            name: "statsd".to_owned(),
        }
    }
}

/// Key and reason of what is wrong with scrapes and StatsD.
pub fn problems(scrapes: &[ScrapeConfig], statsd: &StatsdConfig) -> Vec<(String, String)> {
    let mut problems = Vec::new();
    if scrapes.len() > MAX_SCRAPES {
        problems.push(("scrape".to_owned(), format!("there are more than {MAX_SCRAPES}")));
    }
    let mut names = HashSet::new();
    for (at, scrape) in scrapes.iter().enumerate() {
        let shown = match scrape.name.is_empty() {
            true => format!("scrape.{at}"),
            false => format!("scrape.{}", scrape.name),
        };
        if let Some((key, reason)) = scrape.problem() {
            problems.push((format!("{shown}.{key}"), reason));
        } else if !names.insert(&scrape.name) {
            problems.push((format!("{shown}.name"), "is there twice".to_owned()));
        }
    }
    if let Some(reason) = bad_source(&statsd.name) {
        problems.push(("statsd.name".to_owned(), reason));
    } else if statsd.listen.is_some() && names.contains(&statsd.name) {
        problems.push((
            "statsd.name".to_owned(),
            "is the name of a scrape already".to_owned(),
        ));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_in_what_is_written_of_it() {
        let scrape = ScrapeConfig {
            bearer_token: Some("geheim".into()),
            basic_password: Some("auch geheim".into()),
            ..Default::default()
        };
        let written = format!("{scrape:?}");
        assert!(
            !written.contains("geheim") && written.contains("[redacted]"),
            "{written}"
        );
    }

    #[test]
    fn what_is_wrong_is_named_by_its_key() {
        let good = || ScrapeConfig {
            name: "node".into(),
            url: Some("http://127.0.0.1:9100/metrics".into()),
            ..Default::default()
        };
        let of = |change: fn(&mut ScrapeConfig)| {
            let mut scrape = good();
            change(&mut scrape);
            problems(&[scrape], &StatsdConfig::default())
        };
        assert_eq!(of(|_| {}), []);
        for (change, key, reason) in [
            (
                (|s| s.name = "a b".into()) as fn(&mut ScrapeConfig),
                "scrape.a b.name",
                "letters",
            ),
            (|s| s.name = "checks".into(), "scrape.checks.name", "Farol's own"),
            (|s| s.url = None, "scrape.node.url", "is missing"),
            (
                |s| s.url = Some("ftp://x".into()),
                "scrape.node.url",
                "no address to ask",
            ),
            (
                |s| s.url = Some("http://u:p@x/".into()),
                "scrape.node.url",
                "without user",
            ),
            (|s| s.interval_secs = 0, "scrape.node.interval_secs", "from 1"),
            (
                |s| s.basic_user = Some("u".into()),
                "scrape.node.basic_user",
                "basic_password",
            ),
            (
                |s| drop(s.labels.insert("a-b".into(), String::new())),
                "scrape.node.labels",
                "`a-b`",
            ),
        ] {
            let found = of(change);
            assert_eq!(found.len(), 1, "{key}");
            assert!(found[0].0 == key && found[0].1.contains(reason), "{found:?}");
        }
        let twice = problems(&[good(), good()], &StatsdConfig::default());
        assert_eq!(twice[0].1, "is there twice");
    }
}
