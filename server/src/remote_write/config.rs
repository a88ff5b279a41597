//! `[[remote_write]]`: where samples are sent as Prometheus' remote write 1.0.

use crate::{
    history::selector::Selector,
    ingest::{
        config::url_problem,
        sample::{is_label_name, segment_from},
    },
    outbound::proof::Proof,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashSet},
    fmt,
    path::PathBuf,
    time::Duration,
};

/// `[[remote_write]]` at most.
const MAX_PLACES: usize = 16;
/// Selectors of one at most.
const MAX_SELECTORS: usize = 32;

/// One receiver.
#[derive(Clone, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct RemoteWriteConfig {
    /// Names its queue on disk and its own metrics.
    pub name: String,
    /// `http://127.0.0.1:8428/api/v1/write`.
    pub url: String,
    /// Which series are sent: selectors, any of which may match. All when empty.
    #[serde(rename = "match")]
    pub selectors: Vec<String>,
    /// Labels that each series gets, unless it has them. `instance` (the host) and `job` are there without being named.
    pub labels: BTreeMap<String, String>,
    /// Seconds after which what was gathered is put into the queue.
    pub flush_secs: u32,
    /// Samples after which it is, whatever the time.
    pub batch_samples: usize,
    /// Seconds for one request.
    pub timeout_secs: u32,
    /// MiB on disk at most; above, the oldest are dropped and counted.
    pub queue_mib: u64,
    /// Sent as `Authorization: Bearer`.
    pub bearer_token: Option<String>,
    /// A file that holds it, read before each request.
    pub bearer_token_file: Option<PathBuf>,
    pub basic_user: Option<String>,
    pub basic_password: Option<String>,
    /// A file that holds it, read before each request.
    pub basic_password_file: Option<PathBuf>,
    /// Certificates in PEM that are trusted instead of the machine's.
    pub ca: Option<PathBuf>,
}

impl Default for RemoteWriteConfig {
    fn default() -> Self {
        RemoteWriteConfig {
            name: String::new(),
            url: String::new(),
            selectors: Vec::new(),
            labels: BTreeMap::new(),
            flush_secs: 2,
            batch_samples: 5000,
            timeout_secs: 30,
            queue_mib: 512,
            bearer_token: None,
            bearer_token_file: None,
            basic_user: None,
            basic_password: None,
            basic_password_file: None,
            ca: None,
        }
    }
}

impl fmt::Debug for RemoteWriteConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secret = |value: &Option<String>| value.as_ref().map(|_| "[redacted]");
        f.debug_struct("RemoteWriteConfig")
            .field("name", &self.name)
            .field("url", &self.url)
            .field("match", &self.selectors)
            .field("labels", &self.labels)
            .field("flush_secs", &self.flush_secs)
            .field("batch_samples", &self.batch_samples)
            .field("timeout_secs", &self.timeout_secs)
            .field("queue_mib", &self.queue_mib)
            .field("bearer_token", &secret(&self.bearer_token))
            .field("bearer_token_file", &self.bearer_token_file)
            .field("basic_user", &self.basic_user)
            .field("basic_password", &secret(&self.basic_password))
            .field("basic_password_file", &self.basic_password_file)
            .field("ca", &self.ca)
            .finish()
    }
}

impl RemoteWriteConfig {
    pub fn flush(&self) -> Duration {
        Duration::from_secs(self.flush_secs.into())
    }

    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_secs.into())
    }

    pub fn queue_bytes(&self) -> u64 {
        self.queue_mib * 1024 * 1024
    }

    pub fn proof(&self) -> Proof<'_> {
        Proof {
            bearer_token: self.bearer_token.as_deref(),
            bearer_token_file: self.bearer_token_file.as_deref(),
            basic_user: self.basic_user.as_deref(),
            basic_password: self.basic_password.as_deref(),
            basic_password_file: self.basic_password_file.as_deref(),
        }
    }

    /// Those of its selectors that are some: all of them, once the configuration has been checked.
    pub fn filter(&self) -> Vec<Selector> {
        let parsed = self.selectors.iter().map(|text| Selector::parse(text));
        parsed.filter_map(Result::ok).collect()
    }

    fn problem(&self) -> Option<(&'static str, String)> {
        if segment_from(&self.name).as_deref() != Some(&self.name) || self.name.starts_with('.') {
            let reason = "must be 1 to 64 of letters, digits, `.`, `_` and `-`, not beginning with `.`";
            return Some(("name", reason.to_owned()));
        }
        if self.url.is_empty() {
            let reason = "is missing: http://host:port/api/v1/write";
            return Some(("url", reason.to_owned()));
        }
        if url_problem(&self.url).is_some() {
            let reason =
                "is no address to send to; write http://host:port/api/v1/write without user and password";
            return Some(("url", reason.to_owned()));
        }
        if self.selectors.len() > MAX_SELECTORS {
            return Some(("match", format!("has more than {MAX_SELECTORS} selectors")));
        }
        if let Some(fault) = self.selectors.iter().find_map(|text| Selector::parse(text).err()) {
            return Some(("match", fault.message));
        }
        if let Some(name) = self.labels.keys().find(|name| !is_label_name(name)) {
            let reason = format!("`{name}` is no name of a label: letters, digits and `_`");
            return Some(("labels", reason));
        }
        for (key, value, from, to) in [
            ("flush_secs", u64::from(self.flush_secs), 1, 60),
            ("batch_samples", self.batch_samples as u64, 100, 100_000),
            ("timeout_secs", u64::from(self.timeout_secs), 1, 300),
            ("queue_mib", self.queue_mib, 1, 1024 * 1024),
        ] {
            if !(from..=to).contains(&value) {
                return Some((key, format!("must be from {from} to {to}")));
            }
        }
        self.proof().problem()
    }
}

/// Key and reason of what is wrong.
pub fn problems(places: &[RemoteWriteConfig]) -> Vec<(String, String)> {
    let mut problems = Vec::new();
    if places.len() > MAX_PLACES {
        problems.push((
            "remote_write".to_owned(),
            format!("there are more than {MAX_PLACES}"),
        ));
    }
    let mut names = HashSet::new();
    for (at, place) in places.iter().enumerate() {
        let shown = match place.name.is_empty() {
            true => format!("remote_write.{at}"),
            false => format!("remote_write.{}", place.name),
        };
        if let Some((key, reason)) = place.problem() {
            problems.push((format!("{shown}.{key}"), reason));
        } else if !names.insert(&place.name) {
            problems.push((format!("{shown}.name"), "is there twice".to_owned()));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named_by_its_key_and_secrets_are_not_shown() {
        let good = || RemoteWriteConfig {
            name: "vm".into(),
            url: "http://127.0.0.1:8428/api/v1/write".into(),
            bearer_token: Some("geheim".into()),
            ..Default::default()
        };
        assert_eq!(problems(&[good()]), []);
        assert!(!format!("{:?}", good()).contains("geheim"));
        for (change, key, reason) in [
            (
                (|c| c.name = "..".into()) as fn(&mut RemoteWriteConfig),
                "remote_write....name",
                "letters",
            ),
            (|c| c.url = String::new(), "remote_write.vm.url", "is missing"),
            (
                |c| c.url = "https://u:p@h/w".into(),
                "remote_write.vm.url",
                "without user",
            ),
            (
                |c| c.selectors = vec!["a{".into()],
                "remote_write.vm.match",
                "The selector",
            ),
            (
                |c| drop(c.labels.insert("a-b".into(), String::new())),
                "remote_write.vm.labels",
                "`a-b`",
            ),
            (|c| c.flush_secs = 0, "remote_write.vm.flush_secs", "from 1 to 60"),
            (|c| c.queue_mib = 0, "remote_write.vm.queue_mib", "from 1"),
            (
                |c| c.basic_user = Some("u".into()),
                "remote_write.vm.bearer_token",
                "one way too many",
            ),
        ] {
            let mut place = good();
            change(&mut place);
            let found = problems(&[place]);
            assert_eq!(found.len(), 1, "{key}");
            assert!(found[0].0 == key && found[0].1.contains(reason), "{found:?}");
        }
        assert_eq!(problems(&[good(), good()])[0].1, "is there twice");
    }
}
