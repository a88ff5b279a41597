//! Configuration: one struct per concern, read from `farol.toml` and the environment, checked before anything starts.
//!
//! A value comes from, later wins: the default beside its field, the file, the environment variable
//! `FAROL_SECTION__KEY` (two underscores between section and key, e.g. `FAROL_HTTP__MAX_CONNECTIONS`). An unknown key or a
//! wrong value stops the start with a message that names the source, the key and the reason.

mod place;

use crate::{
    access::{
        AccessConfig,
        oidc::config::OidcConfig,
        roles::{self, RoleConfig},
    },
    actions::runbook::config::RunbookConfig,
    audit::config::AuditConfig,
    checks::CheckConfig,
    collectors::registered_names,
    containers::ContainersConfig,
    history::config::HistoryConfig,
    ingest::{IngestConfig, ScrapeConfig, StatsdConfig},
    live::LiveLimits,
    remote_write::RemoteWriteConfig,
    services::ServicesConfig,
    tls::certificate::{BadFile, Certificate, Files},
};
use figment::{
    Figment,
    error::Kind,
    providers::{Env, Format, Serialized, Toml},
};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

/// What is no file.
const ENVIRONMENT: &str = "environment";

/// Everything that can be configured.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub http: HttpConfig,
    pub tls: TlsConfig,
    pub access: AccessConfig,
    pub oidc: OidcConfig,
    pub audit: AuditConfig,
    pub collect: CollectConfig,
    pub containers: ContainersConfig,
    pub history: HistoryConfig,
    pub live: LiveConfig,
    pub log: LogConfig,
    pub metrics: MetricsConfig,
    pub telemetry: TelemetryConfig,
    pub roles: BTreeMap<String, RoleConfig>,
    pub services: ServicesConfig,
    #[serde(rename = "runbook")]
    pub runbooks: Vec<RunbookConfig>,
    #[serde(rename = "runbooks")]
    pub runbook_files: RunbookFilesConfig,
    pub ingest: IngestConfig,
    #[serde(rename = "scrape")]
    pub scrapes: Vec<ScrapeConfig>,
    pub statsd: StatsdConfig,
    #[serde(rename = "check")]
    pub checks: Vec<CheckConfig>,
    #[serde(rename = "remote_write")]
    pub remote_writes: Vec<RemoteWriteConfig>,
    #[serde(skip)]
    pub origin: Origin,
}

/// Where a configuration came from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// None where there was no file, or nobody read one.
    pub file: Option<PathBuf>,
    /// The command line said what `[tls]` is.
    pub tls_given: bool,
}

/// `[runbooks]`: where runbooks in files of their own are.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunbookFilesConfig {
    /// A folder of `NAME.toml`, read again when it changes; `runbooks` in the data folder when left out.
    pub dir: Option<PathBuf>,
}

#[expect(
    clippy::derivable_impls,
    reason = "every section states its defaults in one way"
)]
impl Default for RunbookFilesConfig {
    fn default() -> Self {
        RunbookFilesConfig { dir: None }
    }
}

/// `[http]`: who may connect, and how much.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpConfig {
    /// Open TCP connections at most; further ones wait in the kernel's backlog.
    pub max_connections: usize,
    /// Open TCP connections of one peer address at most; further ones are closed at once.
    pub max_connections_per_address: usize,
    /// Seconds a client has to send a request's header.
    pub header_timeout_secs: u64,
    /// Seconds a request may take.
    pub request_timeout_secs: u64,
    /// Bytes of a request body at most.
    pub max_body_bytes: usize,
    /// Names that this server is reached by, beside loopback and the listen address: `farol.example.org`.
    pub hosts: Vec<String>,
    /// Origins that pages are served under when a proxy stands in front: `https://farol.example.org`.
    pub public_origins: Vec<String>,
    /// Networks of proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether to listen without TLS on an address that is not loopback, because a proxy in front speaks TLS.
    pub allow_plain: bool,
    /// Seconds that a shutdown waits for open work.
    pub drain_secs: u64,
}

impl Default for HttpConfig {
    fn default() -> Self {
        HttpConfig {
            max_connections: 4096,
            max_connections_per_address: 256,
            header_timeout_secs: 10,
            request_timeout_secs: 30,
            max_body_bytes: 64 * 1024,
            hosts: Vec::new(),
            public_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            allow_plain: false,
            drain_secs: 10,
        }
    }
}

/// `[tls]`: the certificate that is shown. Without one Farol speaks plain HTTP.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsConfig {
    /// The certificate and its chain in PEM, the server's own first. Read again when it changes.
    pub cert: Option<PathBuf>,
    /// Its private key in PEM: PKCS#8, SEC1 or PKCS#1.
    pub key: Option<PathBuf>,
    /// Whether Farol makes a certificate of its own when none is given. Browsers warn of it.
    pub self_signed: bool,
}

#[expect(
    clippy::derivable_impls,
    reason = "every section states its defaults in one way"
)]
impl Default for TlsConfig {
    fn default() -> Self {
        TlsConfig {
            cert: None,
            key: None,
            self_signed: false,
        }
    }
}

impl TlsConfig {
    /// Whether connections are encrypted.
    pub fn on(&self) -> bool {
        self.self_signed || self.is_certified()
    }

    /// Whether somebody may vouch for the certificate: it is not one of our own making.
    pub fn is_certified(&self) -> bool {
        self.cert.is_some()
    }

    /// Key and reason of what is wrong. The files are read and checked as they will be at the start.
    pub fn problems(&self) -> Vec<(String, String)> {
        let missing = |key: &str, other: &str| {
            let reason = format!("is missing: {other} is set, and one is of no use without the other");
            vec![(key.to_owned(), reason)]
        };
        match (&self.cert, &self.key) {
            (None, None) => Vec::new(),
            (Some(_), None) => missing("tls.key", "tls.cert"),
            (None, Some(_)) => missing("tls.cert", "tls.key"),
            (Some(_), Some(_)) if self.self_signed => {
                let reason = "there is a certificate already in tls.cert; take one of the two away";
                vec![("tls.self_signed".to_owned(), reason.to_owned())]
            }
            (Some(cert), Some(key)) => {
                let files = Files {
                    cert: cert.clone(),
                    key: key.clone(),
                };
                let wrong = |bad: BadFile| {
                    let key = if bad.file == files.key {
                        "tls.key"
                    } else {
                        "tls.cert"
                    };
                    (key.to_owned(), bad.to_string())
                };
                Certificate::load(&files).err().map(wrong).into_iter().collect()
            }
        }
    }
}

/// `[collect]`: what is sampled, and how often.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct CollectConfig {
    /// Milliseconds between samples of every collector that does not say otherwise.
    pub interval_ms: Option<u32>,
    /// Collectors that are not started.
    pub disabled: Vec<String>,
}

#[expect(
    clippy::derivable_impls,
    reason = "every section states its defaults in one way"
)]
impl Default for CollectConfig {
    fn default() -> Self {
        CollectConfig {
            interval_ms: None,
            disabled: Vec::new(),
        }
    }
}

/// `[live]`: how many may watch at once. The protocol's other bounds are fixed, see docs/PROTOCOL.md.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct LiveConfig {
    /// Live connections in all; further ones are refused with 503.
    pub max_connections: usize,
    /// Live connections of one user; further ones are refused with 429.
    pub max_connections_per_user: usize,
    /// Live connections of one address (IPv6: one /64); further ones are refused with 429.
    pub max_connections_per_address: usize,
}

impl Default for LiveConfig {
    fn default() -> Self {
        let limits = LiveLimits::default();
        LiveConfig {
            max_connections: limits.connections,
            max_connections_per_user: limits.connections_per_user,
            max_connections_per_address: limits.connections_per_address,
        }
    }
}

impl LiveConfig {
    /// The bounds of the live plane with these caps.
    pub fn limits(&self) -> LiveLimits {
        LiveLimits {
            connections: self.max_connections,
            connections_per_user: self.max_connections_per_user,
            connections_per_address: self.max_connections_per_address,
            ..LiveLimits::default()
        }
    }
}

/// `[log]`: what is written to standard error.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// A `tracing` filter: `info`, or `farol=debug,warn`.
    pub filter: String,
    /// `text` or `json`.
    pub format: LogFormat,
}

impl Default for LogConfig {
    fn default() -> Self {
        LogConfig {
            filter: "info".to_owned(),
            format: LogFormat::Text,
        }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

/// `[metrics]`: who may read `GET /metrics`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct MetricsConfig {
    /// Whether a peer on loopback may read without a token.
    pub loopback: bool,
}

impl Default for MetricsConfig {
    fn default() -> Self {
        MetricsConfig { loopback: true }
    }
}

/// `[telemetry]`: where Farol's own traces go.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetryConfig {
    /// An OpenTelemetry collector that takes OTLP over HTTP: `http://127.0.0.1:4318`. Without it nothing is sent.
    pub otlp_endpoint: Option<String>,
}

#[expect(
    clippy::derivable_impls,
    reason = "every section states its defaults in one way"
)]
impl Default for TelemetryConfig {
    fn default() -> Self {
        TelemetryConfig { otlp_endpoint: None }
    }
}

impl TelemetryConfig {
    fn problem(&self) -> Option<String> {
        let endpoint = self.otlp_endpoint.as_deref()?;
        if endpoint.starts_with("https://") {
            return Some(
                "TLS is not spoken to collectors; send to one on this machine, http://127.0.0.1:4318, that forwards"
                    .to_owned(),
            );
        }
        let authority = endpoint
            .strip_prefix("http://")
            .map(|rest| rest.trim_end_matches('/'))
            .and_then(|rest| rest.parse::<http::uri::Authority>().ok());
        match authority {
            Some(authority) if !authority.host().is_empty() && !authority.as_str().contains('@') => None,
            _ => Some(format!(
                "`{endpoint}` is no address of a collector; write scheme, host and port only: http://127.0.0.1:4318"
            )),
        }
    }
}

/// All that is wrong with a configuration, one line each.
#[derive(Debug)]
pub struct ConfigError(Vec<Problem>);

/// One wrong value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file or the environment.
    pub source: String,
    /// Line of the file, where it is known.
    pub line: Option<usize>,
    /// Dotted key.
    pub key: String,
    pub reason: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration is wrong:")?;
        for Problem {
            source,
            line,
            key,
            reason,
        } in &self.0
        {
            match line {
                Some(line) => write!(f, "\n  {source}:{line}: {key}: {reason}")?,
                None => write!(f, "\n  {source}: {key}: {reason}")?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Reads and checks. `file` must exist when it is named.
    pub fn load(file: Option<&Path>) -> Result<Config, ConfigError> {
        Self::load_from(file, Env::prefixed("FAROL_"))
    }

    /// Reads and checks what this came from.
    pub fn load_again(origin: &Origin) -> Result<Config, ConfigError> {
        Self::load(origin.file.as_deref())
    }

    fn load_from(file: Option<&Path>, env: Env) -> Result<Config, ConfigError> {
        let mut figment = Figment::from(Serialized::defaults(Config::default()));
        if let Some(file) = file {
            if !file.is_file() {
                let reason = "there is no such file".to_owned();
                return Err(ConfigError(vec![Problem {
                    source: shown(file),
                    line: None,
                    key: "--config".into(),
                    reason,
                }]));
            }
            figment = figment.merge(Toml::file_exact(file));
        }
        // Names with one underscore are command line options (`FAROL_LISTEN`), read by clap.
        let env = env.filter(|key| key.as_str().contains("__")).split("__");
        let figment = figment.merge(env);
        let mut config: Config = figment
            .extract()
            .map_err(|error| ConfigError(with_lines(from_figment(error, file), file)))?;
        config.origin.file = file.map(Path::to_owned);
        let problems: Vec<Problem> = config
            .problems()
            .into_iter()
            .map(|(key, reason)| Problem {
                source: source_of(&figment, &key, file),
                line: None,
                key,
                reason,
            })
            .collect();
        if problems.is_empty() {
            Ok(config)
        } else {
            Err(ConfigError(with_lines(problems, file)))
        }
    }

    /// What the types alone cannot say.
    fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        let mut at_least_one = |key: &str, value: u64| {
            if value == 0 {
                problems.push((key.to_owned(), "must be at least 1".to_owned()));
            }
        };
        at_least_one("http.max_connections", self.http.max_connections as u64);
        at_least_one(
            "http.max_connections_per_address",
            self.http.max_connections_per_address as u64,
        );
        at_least_one("http.header_timeout_secs", self.http.header_timeout_secs);
        at_least_one("http.request_timeout_secs", self.http.request_timeout_secs);
        at_least_one("http.max_body_bytes", self.http.max_body_bytes as u64);
        at_least_one("live.max_connections", self.live.max_connections as u64);
        at_least_one(
            "live.max_connections_per_user",
            self.live.max_connections_per_user as u64,
        );
        at_least_one(
            "live.max_connections_per_address",
            self.live.max_connections_per_address as u64,
        );
        for origin in &self.http.public_origins {
            let bare = origin
                .strip_prefix("https://")
                .or_else(|| origin.strip_prefix("http://"));
            if bare.is_none_or(|host| host.is_empty() || host.contains('/')) {
                let reason =
                    format!("`{origin}` is no origin; write scheme and host only: https://farol.example.org");
                problems.push(("http.public_origins".to_owned(), reason));
            }
        }
        if let Some(interval_ms) = self.collect.interval_ms
            && !(250..=60_000).contains(&interval_ms)
        {
            problems.push((
                "collect.interval_ms".to_owned(),
                "must be from 250 to 60000".to_owned(),
            ));
        }
        let known = registered_names();
        for name in self.collect.disabled.iter().filter(|name| !known.contains(name)) {
            let reason = format!("there is no collector `{name}`; there are {}", known.join(", "));
            problems.push(("collect.disabled".to_owned(), reason));
        }
        if let Some(reason) = self.containers.problem() {
            problems.push(("containers.socket".to_owned(), reason));
        }
        if let Some(reason) = self.telemetry.problem() {
            problems.push(("telemetry.otlp_endpoint".to_owned(), reason));
        }
        if let Err(error) = tracing_subscriber::EnvFilter::try_new(&self.log.filter) {
            problems.push(("log.filter".to_owned(), error.to_string()));
        }
        problems.extend(self.tls.problems());
        problems.extend(
            self.access
                .problems()
                .into_iter()
                .map(|(key, why)| (format!("access.{key}"), why)),
        );
        problems.extend(roles::problems(&self.roles));
        problems.extend(
            self.oidc
                .problems()
                .into_iter()
                .map(|(key, why)| (format!("oidc.{key}"), why)),
        );
        problems.extend(
            self.audit
                .problems()
                .into_iter()
                .map(|(key, why)| (format!("audit.{key}"), why)),
        );
        problems.extend(
            self.services
                .problems()
                .into_iter()
                .map(|(key, why)| (format!("services.{key}"), why)),
        );
        problems.extend(
            self.history
                .problems()
                .into_iter()
                .map(|(key, why)| (format!("history.{key}"), why)),
        );
        problems.extend(crate::actions::runbook::config::problems(&self.runbooks));
        problems.extend(
            self.ingest
                .problems()
                .into_iter()
                .map(|(key, why)| (format!("ingest.{key}"), why)),
        );
        problems.extend(crate::ingest::config::problems(&self.scrapes, &self.statsd));
        problems.extend(crate::checks::config::problems(&self.checks));
        problems.extend(crate::remote_write::config::problems(&self.remote_writes));
        if let Some(dir) = self.runbook_files.dir.as_ref().filter(|dir| !dir.is_dir()) {
            let reason = format!("`{}` is no folder", dir.display());
            problems.push(("runbooks.dir".to_owned(), reason));
        }
        problems
    }
}

/// The same, with the lines of what stands in the file.
fn with_lines(mut problems: Vec<Problem>, file: Option<&Path>) -> Vec<Problem> {
    let text = file.and_then(|file| std::fs::read_to_string(file).ok());
    if let Some(text) = text {
        let of_file = |problem: &&mut Problem| problem.source != ENVIRONMENT;
        for problem in problems.iter_mut().filter(of_file) {
            problem.line = place::line_of(&text, &problem.key);
        }
    }
    problems
}

fn from_figment(error: figment::Error, file: Option<&Path>) -> Vec<Problem> {
    error
        .into_iter()
        .map(|error| {
            let source = match &error.metadata {
                Some(metadata) if metadata.name.contains(ENVIRONMENT) => ENVIRONMENT.to_owned(),
                Some(metadata) => metadata
                    .source
                    .as_ref()
                    .map_or_else(|| metadata.name.to_string(), ToString::to_string),
                None => file.map_or_else(|| "configuration".to_owned(), shown),
            };
            let mut path = error.path.clone();
            if let Kind::UnknownField(name, _) = &error.kind
                && path.last() != Some(name)
            {
                path.push(name.clone());
            }
            let key = match path.is_empty() {
                true => "(file)".to_owned(),
                false => path.join("."),
            };
            Problem {
                source,
                line: None,
                key,
                reason: error.kind.to_string(),
            }
        })
        .collect()
}

fn source_of(figment: &Figment, key: &str, file: Option<&Path>) -> String {
    match figment.find_metadata(key) {
        Some(metadata) if metadata.name.contains(ENVIRONMENT) => ENVIRONMENT.to_owned(),
        Some(metadata) if metadata.source.is_some() => file.map_or_else(|| metadata.name.to_string(), shown),
        _ => file.map_or_else(|| "configuration".to_owned(), shown),
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Where data is kept when nobody says: `$XDG_DATA_HOME/farol`, `$HOME/.local/share/farol`, or `./farol-data`.
pub fn default_data_dir() -> PathBuf {
    let base = std::env::var_os("XDG_DATA_HOME")
        .filter(|dir| !dir.is_empty())
        .map(PathBuf::from);
    let home = || {
        std::env::var_os("HOME")
            .filter(|dir| !dir.is_empty())
            .map(|home| PathBuf::from(home).join(".local/share"))
    };
    base.or_else(home)
        .map_or_else(|| PathBuf::from("farol-data"), |base| base.join("farol"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Config, String> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("farol.toml");
        std::fs::write(&file, text).unwrap();
        Config::load_from(Some(&file), Env::prefixed("FAROL_TEST_OF_NOTHING_"))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn an_empty_file_is_the_defaults() {
        let config = load("").unwrap();
        assert_eq!(config.http.max_connections, HttpConfig::default().max_connections);
    }

    #[test]
    fn a_wrong_value_names_file_key_and_reason() {
        for (text, key, reason) in [
            (
                "[http]\nmax_connections = \"many\"",
                "http.max_connections",
                "many",
            ),
            (
                "[http]\nmax_connections = 0",
                "http.max_connections",
                "at least 1",
            ),
            ("[http]\nmax_conections = 7", "max_conections", "unknown field"),
            ("[collect]\ndisabled = [\"gpu2\"]", "collect.disabled", "gpu2"),
            ("[collect]\ninterval_ms = 1", "collect.interval_ms", "250"),
            (
                "[http]\npublic_origins = [\"farol.example.org\"]",
                "http.public_origins",
                "scheme",
            ),
            (
                "[telemetry]\notlp_endpoint = \"https://collector.example.org\"",
                "telemetry.otlp_endpoint",
                "TLS",
            ),
            (
                "[telemetry]\notlp_endpoint = \"127.0.0.1:4318\"",
                "telemetry.otlp_endpoint",
                "http://127.0.0.1:4318",
            ),
            (
                "[telemetry]\notlp_endpoint = \"http://127.0.0.1:4318/v1/traces\"",
                "telemetry.otlp_endpoint",
                "host and port only",
            ),
            (
                "[http]\ntrusted_proxies = [\"10.0.0.0/99\"]",
                "http.trusted_proxies",
                "invalid",
            ),
            (
                "[roles.deployer]\npermissions = [\"view_metrics\", \"fly\"]",
                "roles.deployer.permissions",
                "there is no permission `fly`; there are view_metrics",
            ),
            (
                "[roles.deployer]\npermissions = [\"run:service.restart on \"]",
                "roles.deployer.permissions",
                "run:ACTION on HOST",
            ),
            (
                "[roles.admin]\npermissions = [\"view_metrics\"]",
                "roles.admin",
                "built in",
            ),
            (
                "[roles.deployer]\npermission = []",
                "roles.deployer",
                "unknown field",
            ),
            (
                "[audit]\nsyslog = \"localhost\"",
                "audit.syslog",
                "udp://host:514",
            ),
            (
                "[audit]\nwebhook = \"https://h/p\"",
                "audit.webhook",
                "webhook_secret",
            ),
            (
                "[runbooks]\ndir = \"/nonexistent/books\"",
                "runbooks.dir",
                "is no folder",
            ),
            (
                "[services]\nbus = \"systemd\"",
                "services.bus",
                "system, user, off",
            ),
            (
                "[services]\njournal = \"/nonexistent\"",
                "services.journal",
                "no folder",
            ),
            (
                "[containers]\nsocket = \"docker.sock\"",
                "containers.socket",
                "whole path",
            ),
            ("[history]\nraw_hours = 1", "history.raw_hours", "from 3 to 8784"),
            (
                "[history]\nraw_hours = 200\nten_seconds_days = 5",
                "history.ten_seconds_days",
                "shorter than raw_hours",
            ),
            (
                "[history]\ntwo_minutes_days = 21\nten_seconds_days = 30",
                "history.two_minutes_days",
                "shorter than ten_seconds_days",
            ),
            ("[history]\nmax_mib = 1", "history.max_mib", "from 16"),
            ("[history]\ndir = \"h\"", "history.dir", "whole path"),
            (
                "[ingest]\nmax_series = 0",
                "ingest.max_series",
                "from 1 to 100000",
            ),
            ("[[scrape]]\nname = \"node\"", "scrape.node.url", "is missing"),
            ("[statsd]\nlisten = \"8125\"", "statsd.listen", "socket address"),
            (
                "[[check]]\nname = \"a\"\nkind = \"ping\"",
                "check.a.kind",
                "there is no kind `ping`",
            ),
            (
                "[[remote_write]]\nname = \"vm\"",
                "remote_write.vm.url",
                "is missing",
            ),
            (
                "[[check]]\nname = \"a\"\nkind = \"tcp\"\ntarget = \"x:1\"\n[[check]]\nname = \"b\"\nkind = \"tcp\"\ntarget = \"x\"",
                "farol.toml:8: check.b.target",
                "host:port",
            ),
            (
                "[[check]]\nname = \"a\"\n\ntagret = \"x\"",
                "farol.toml:4: check.0.tagret",
                "unknown field",
            ),
            (
                "\n[statsd]\nname = \"a b\"",
                "farol.toml:3: statsd.name",
                "letters",
            ),
            ("[tls]\ncert = \"a.pem\"", "tls.key", "is missing"),
            ("[tls]\nkey = \"a.pem\"", "tls.cert", "is missing"),
            (
                "[tls]\ncert = \"/nonexistent/a.pem\"\nkey = \"b.pem\"",
                "tls.cert",
                "/nonexistent/a.pem: cannot be read",
            ),
            (
                "[tls]\ncert = \"a.pem\"\nkey = \"b.pem\"\nself_signed = true",
                "tls.self_signed",
                "take one of the two away",
            ),
        ] {
            let message = load(text).unwrap_err();
            assert!(message.contains("farol.toml"), "{message}");
            assert!(
                message.contains(key) && message.contains(reason),
                "{text}: {message}"
            );
        }
    }

    #[test]
    fn a_file_that_is_no_toml_is_refused() {
        assert!(load("[http").unwrap_err().contains("farol.toml"));
    }

    #[test]
    fn a_named_file_must_exist() {
        let error = Config::load(Some(Path::new("/nonexistent/farol.toml")))
            .unwrap_err()
            .to_string();
        assert!(error.contains("no such file"), "{error}");
    }

    #[test]
    #[expect(clippy::result_large_err, reason = "the closure's error type is figment's")]
    fn the_environment_wins_over_the_file_and_is_named_when_wrong() {
        figment::Jail::expect_with(|jail| {
            jail.create_file("farol.toml", "[http]\nmax_connections = 5")?;
            jail.set_env("FAROL_HTTP__MAX_CONNECTIONS", "6");
            let config = Config::load(Some(Path::new("farol.toml"))).map_err(|e| e.to_string())?;
            assert_eq!(config.http.max_connections, 6);
            jail.set_env("FAROL_HTTP__MAX_CONNECTIONS", "six");
            let message = Config::load(Some(Path::new("farol.toml")))
                .unwrap_err()
                .to_string();
            assert!(
                message.contains("environment") && message.contains("max_connections"),
                "{message}"
            );
            Ok(())
        });
    }
}
