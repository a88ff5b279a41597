//! `[[check]]`: what is tried again and again.

use crate::{ingest::config::url_problem, outbound::Final};
use farol_model::ingest::CheckKind;
use serde::{Deserialize, Serialize};
use std::{collections::HashSet, net::IpAddr, path::PathBuf, time::Duration};

/// Checks at most.
const MAX_CHECKS: usize = 500;
/// Longest name, characters.
const MAX_NAME_CHARS: usize = 64;

/// One check. Which keys are of use hangs on its kind.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct CheckConfig {
    pub name: String,
    /// `http`, `tcp`, `tls`, `dns`, `process`, `unit`.
    pub kind: String,
    /// An address `https://host/path`; `host:port`; a name that is looked up; the name of a program; the name of a unit.
    pub target: String,
    pub interval_secs: u32,
    /// Seconds for one try.
    pub timeout_secs: u32,
    /// It counts as failing after so many failures in a row.
    pub fails_after: u32,
    /// http: statuses that are well; 200 to 299 when left out.
    pub status: Vec<u16>,
    /// http: a regular expression that the body must match somewhere.
    pub body: Option<String>,
    /// http: redirects that are followed, wherever they lead.
    pub redirects: u32,
    /// http, tls: whether the certificate must be one that is trusted.
    pub verify: bool,
    /// http, tls: certificates in PEM that are trusted instead of the machine's.
    pub ca: Option<PathBuf>,
    /// tls: fewer days until the certificate ends are a failure.
    pub days: u32,
    /// dns: who is asked, `host:port` or an address; the machine's first name server when left out.
    pub server: Option<String>,
    /// dns: `A` or `AAAA`.
    pub record: String,
    /// dns: addresses that must all be in the answer; any address when left out.
    pub expect: Vec<IpAddr>,
}

impl Default for CheckConfig {
    fn default() -> Self {
        CheckConfig {
            name: String::new(),
            kind: String::new(),
            target: String::new(),
            interval_secs: 30,
            timeout_secs: 10,
            fails_after: 2,
            status: Vec::new(),
            body: None,
            redirects: 0,
            verify: true,
            ca: None,
            days: 14,
            server: None,
            record: "A".to_owned(),
            expect: Vec::new(),
        }
    }
}

impl CheckConfig {
    pub fn interval(&self) -> Duration {
        Duration::from_secs(self.interval_secs.into())
    }

    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_secs.into())
    }

    /// None in a configuration that was not checked.
    pub fn kind(&self) -> Option<CheckKind> {
        CheckKind::parse(&self.kind)
    }

    fn problem(&self) -> Option<(&'static str, String)> {
        let fits = (1..=MAX_NAME_CHARS).contains(&self.name.chars().count());
        if !fits || self.name.chars().any(char::is_control) {
            return Some(("name", format!("must be 1 to {MAX_NAME_CHARS} characters")));
        }
        let Some(kind) = self.kind() else {
            let known = CheckKind::ALL.map(CheckKind::as_str).join(", ");
            return Some((
                "kind",
                format!("there is no kind `{}`; there are {known}", self.kind),
            ));
        };
        if let Some(reason) = self.bad_target(kind) {
            return Some(("target", reason));
        }
        for (key, value, most) in [
            ("interval_secs", self.interval_secs, 86_400),
            ("timeout_secs", self.timeout_secs, 300),
            ("fails_after", self.fails_after, 100),
        ] {
            if !(1..=most).contains(&value) {
                return Some((key, format!("must be from 1 to {most}")));
            }
        }
        if self.redirects > 10 {
            return Some(("redirects", "must be from 0 to 10".to_owned()));
        }
        if let Some(pattern) = &self.body
            && let Err(error) = regex::Regex::new(pattern)
        {
            return Some(("body", error.to_string()));
        }
        if !matches!(self.record.as_str(), "A" | "AAAA") {
            return Some(("record", "must be A or AAAA".to_owned()));
        }
        self.out_of_place(kind)
    }

    fn bad_target(&self, kind: CheckKind) -> Option<String> {
        let target = &self.target;
        match kind {
            CheckKind::Http => url_problem(target),
            CheckKind::Tcp | CheckKind::Tls => host_port(target).err().map(|error| error.0),
            CheckKind::Dns => super::dns::question(target, false, 0).err(),
            CheckKind::Process | CheckKind::Unit => {
                (target.is_empty() || target.contains('/')).then(|| "must be a name without `/`".to_owned())
            }
        }
    }

    /// A key that does nothing here is a mistake of whoever wrote it.
    fn out_of_place(&self, kind: CheckKind) -> Option<(&'static str, String)> {
        let plain = CheckConfig::default();
        let http = kind == CheckKind::Http;
        let tls = http || kind == CheckKind::Tls;
        let keys = [
            ("status", http, self.status != plain.status),
            ("body", http, self.body != plain.body),
            ("redirects", http, self.redirects != plain.redirects),
            ("verify", tls, self.verify != plain.verify),
            ("ca", tls, self.ca != plain.ca),
            ("days", kind == CheckKind::Tls, self.days != plain.days),
            ("server", kind == CheckKind::Dns, self.server != plain.server),
            ("record", kind == CheckKind::Dns, self.record != plain.record),
            ("expect", kind == CheckKind::Dns, self.expect != plain.expect),
        ];
        let (key, ..) = keys.into_iter().find(|(_, of_use, given)| *given && !of_use)?;
        Some((key, format!("does nothing in a check of kind {}", kind.as_str())))
    }
}

/// Host and port. IPv6 stands in brackets.
pub fn host_port(text: &str) -> Result<(String, u16), Final> {
    let wrong = || {
        Final(format!(
            "`{text}` is no host with a port; write host:port or [address]:port"
        ))
    };
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let port = port.parse().map_err(|_| wrong())?;
    let host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(inner) => inner,
        None if host.contains(':') => return Err(wrong()),
        None => host,
    };
    let odd = |c: char| c.is_whitespace() || c == '/' || c == '@';
    match host.is_empty() || host.contains(odd) {
        true => Err(wrong()),
        false => Ok((host.to_owned(), port)),
    }
}

/// Key and reason of what is wrong with the checks.
pub fn problems(checks: &[CheckConfig]) -> Vec<(String, String)> {
    let mut problems = Vec::new();
    if checks.len() > MAX_CHECKS {
        problems.push(("check".to_owned(), format!("there are more than {MAX_CHECKS}")));
    }
    let mut names = HashSet::new();
    for (at, check) in checks.iter().enumerate() {
        let shown = match check.name.is_empty() {
            true => format!("check.{at}"),
            false => format!("check.{}", check.name),
        };
        if let Some((key, reason)) = check.problem() {
            problems.push((format!("{shown}.{key}"), reason));
        } else if !names.insert(&check.name) {
            problems.push((format!("{shown}.name"), "is there twice".to_owned()));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named_by_its_key() {
        let of = |text: &str| {
            let check: CheckConfig = toml::from_str(text).unwrap();
            problems(&[check])
        };
        for good in [
            "name = 'a'\nkind = 'http'\ntarget = 'https://x/y'\nstatus = [204]\nbody = 'o+k'\nverify = false",
            "name = 'a'\nkind = 'tcp'\ntarget = '[::1]:22'",
            "name = 'a'\nkind = 'tls'\ntarget = 'x:443'\ndays = 30",
            "name = 'a'\nkind = 'dns'\ntarget = 'example.org'\nexpect = ['10.0.0.1']\nserver = '127.0.0.1:53'",
            "name = 'a'\nkind = 'process'\ntarget = 'sshd'",
            "name = 'a'\nkind = 'unit'\ntarget = 'ssh.service'",
        ] {
            assert_eq!(of(good), [], "{good}");
        }
        for (bad, key, reason) in [
            ("kind = 'tcp'\ntarget = 'x:1'", "check.0.name", "1 to 64"),
            (
                "name = 'a'\nkind = 'ping'\ntarget = 'x'",
                "check.a.kind",
                "there are http, tcp",
            ),
            (
                "name = 'a'\nkind = 'http'\ntarget = 'x'",
                "check.a.target",
                "no address",
            ),
            (
                "name = 'a'\nkind = 'tcp'\ntarget = 'x'",
                "check.a.target",
                "host:port",
            ),
            (
                "name = 'a'\nkind = 'dns'\ntarget = 'a..b'",
                "check.a.target",
                "name",
            ),
            (
                "name = 'a'\nkind = 'tcp'\ntarget = 'x:1'\ninterval_secs = 0",
                "check.a.interval_secs",
                "from 1",
            ),
            (
                "name = 'a'\nkind = 'http'\ntarget = 'http://x'\nbody = '('",
                "check.a.body",
                "regex",
            ),
            (
                "name = 'a'\nkind = 'tcp'\ntarget = 'x:1'\nbody = 'x'",
                "check.a.body",
                "does nothing",
            ),
        ] {
            let found = of(bad);
            assert_eq!(found.len(), 1, "{bad}");
            assert!(found[0].0 == key && found[0].1.contains(reason), "{found:?}");
        }
    }
}
