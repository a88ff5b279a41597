//! `[audit]`: where entries are told beside the database.

use serde::{Deserialize, Serialize};
use std::{fmt, path::PathBuf};

/// `[audit]`. Nothing is forwarded without it.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuditConfig {
    /// Where syslog listens: `udp://host:514`, `tcp://host:601` or `unix:/dev/log`.
    pub syslog: Option<String>,
    /// Where entries are posted: `https://host/path`.
    pub webhook: Option<String>,
    /// What posts are signed with: `whsec_` and base64 of 24 to 64 random bytes.
    pub webhook_secret: Option<String>,
    /// Certificates in PEM to trust for the webhook instead of the machine's.
    pub webhook_ca: Option<PathBuf>,
}

impl fmt::Debug for AuditConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditConfig")
            .field("syslog", &self.syslog)
            .field("webhook", &self.webhook)
            .field(
                "webhook_secret",
                &self.webhook_secret.as_ref().map(|_| "[redacted]"),
            )
            .field("webhook_ca", &self.webhook_ca)
            .finish()
    }
}

impl AuditConfig {
    /// Key and reason of what is wrong.
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        let mut wrong = |key: &str, reason: String| problems.push((key.to_owned(), reason));
        if let Some(address) = &self.syslog
            && let Err(reason) = address.parse::<SyslogAddress>()
        {
            wrong("syslog", reason);
        }
        match (&self.webhook, &self.webhook_secret) {
            (None, None) => {}
            (None, Some(_)) => wrong("webhook_secret", "is of no use without audit.webhook".to_owned()),
            (Some(_), None) => wrong(
                "webhook",
                "needs audit.webhook_secret, so that who gets the entries knows that they are ours"
                    .to_owned(),
            ),
            (Some(url), Some(secret)) => {
                if let Some(reason) = url_problem(url) {
                    wrong("webhook", reason);
                }
                if secret_bytes(secret).is_none() {
                    let reason = "must be `whsec_` and base64 of 24 to 64 random bytes: \
                                  echo whsec_$(head -c 32 /dev/urandom | base64)";
                    wrong("webhook_secret", reason.to_owned());
                }
            }
        }
        problems
    }
}

/// The key within a secret, as the Standard Webhooks specification has it.
pub fn secret_bytes(secret: &str) -> Option<Vec<u8>> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let bytes = STANDARD.decode(secret.strip_prefix("whsec_")?).ok()?;
    (24..=64).contains(&bytes.len()).then_some(bytes)
}

fn url_problem(url: &str) -> Option<String> {
    let reason =
        || format!("`{url}` is no address to post to; write https://host/path without user and password");
    let uri: http::Uri = match url.parse() {
        Ok(uri) => uri,
        Err(_) => return Some(reason()),
    };
    let authority = uri
        .authority()
        .filter(|authority| !authority.as_str().contains('@'));
    match (uri.scheme_str(), authority) {
        (Some("http" | "https"), Some(authority)) if !authority.host().is_empty() => None,
        _ => Some(reason()),
    }
}

/// Where syslog listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyslogAddress {
    /// RFC 5426. What is lost on the way is lost.
    Udp(String),
    /// RFC 6587, octet counting.
    Tcp(String),
    /// A datagram socket, as `/dev/log` is.
    Unix(PathBuf),
}

impl std::str::FromStr for SyslogAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let host_and_port = |rest: &str| {
            let (host, port) = rest.rsplit_once(':')?;
            let fits =
                !host.is_empty() && !rest.contains('/') && port.parse::<u16>().is_ok_and(|port| port > 0);
            fits.then(|| rest.to_owned())
        };
        let found = if let Some(rest) = text.strip_prefix("udp://") {
            host_and_port(rest).map(SyslogAddress::Udp)
        } else if let Some(rest) = text.strip_prefix("tcp://") {
            host_and_port(rest).map(SyslogAddress::Tcp)
        } else {
            text.strip_prefix("unix:")
                .filter(|path| path.starts_with('/'))
                .map(|path| SyslogAddress::Unix(path.into()))
        };
        found.ok_or_else(|| {
            format!(
                "`{text}` is no address of a syslog; write udp://host:514, tcp://host:601 or unix:/dev/log"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_syslog_are_read_and_others_are_refused_with_what_to_write() {
        assert_eq!(
            "udp://[::1]:514".parse(),
            Ok(SyslogAddress::Udp("[::1]:514".into()))
        );
        assert_eq!(
            "unix:/dev/log".parse(),
            Ok(SyslogAddress::Unix("/dev/log".into()))
        );
        for wrong in [
            "",
            "localhost:514",
            "udp://:514",
            "tcp://h",
            "tcp://h:0",
            "tcp://h:1/x",
            "unix:log",
        ] {
            let reason = wrong.parse::<SyslogAddress>().unwrap_err();
            assert!(reason.contains("udp://host:514"), "{reason}");
        }
    }

    #[test]
    fn a_webhook_without_a_good_secret_and_address_is_refused_and_the_secret_is_never_shown() {
        let config = |webhook: Option<&str>, secret: Option<&str>| AuditConfig {
            webhook: webhook.map(str::to_owned),
            webhook_secret: secret.map(str::to_owned),
            ..Default::default()
        };
        let good = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        assert!(config(Some("https://h/p"), Some(good)).problems().is_empty());
        for (config, key) in [
            (config(Some("https://h/p"), None), "webhook"),
            (config(None, Some(good)), "webhook_secret"),
            (
                config(Some("https://h/p"), Some("whsec_c2hvcnQ=")),
                "webhook_secret",
            ),
            (config(Some("https://a:b@h/p"), Some(good)), "webhook"),
            (config(Some("ftp://h/p"), Some(good)), "webhook"),
            (config(Some("h"), Some(good)), "webhook"),
        ] {
            assert_eq!(config.problems()[0].0, key);
            assert!(!format!("{config:?}").contains("whsec_M"));
        }
    }
}
