//! What applications send, and what is checked, as people and programs are told of it. Numbers travel as metrics do; here is how
//! their sources stand.

use crate::words;
use serde::Serialize;

/// How the numbers of a source get here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SourceKind {
    /// Farol asks, in the text formats of Prometheus.
    Scrape,
    /// OpenTelemetry sends.
    Otlp,
    Statsd,
    /// A program posts JSON.
    Push,
}

words!(SourceKind {
    Scrape = "scrape",
    Otlp = "otlp",
    Statsd = "statsd",
    Push = "push",
});

/// How a source stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SourceState {
    /// Nothing that was asked answers as it should.
    Down,
    /// Some of what was asked does not answer.
    Partly,
    /// Nothing has come for longer than values hold.
    Silent,
    /// Nothing has come yet.
    Waiting,
    Up,
}

words!(SourceState {
    Down = "down",
    Partly = "partly",
    Silent = "silent",
    Waiting = "waiting",
    Up = "up",
});

/// One source of application metrics.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Source {
    /// Its channel is `apps/NAME`.
    pub name: String,
    pub kind: SourceKind,
    pub state: SourceState,
    /// Where it is asked, or where it sends to.
    pub at: String,
    /// When numbers last came, milliseconds since the epoch.
    pub last_ms: Option<i64>,
    /// Series that are kept now.
    pub series: u32,
    /// Series that may be kept.
    pub limit: u32,
    /// Whether a new series was refused lately because of the limit. Those that were there before go on.
    pub limited: bool,
    /// Series that were refused because of the limit, since the start; counted up to 10,000.
    pub refused_series: u32,
    /// Values that were refused since the start: of a refused series, or wrong in themselves.
    pub refused: u64,
    /// What went wrong last.
    pub error: Option<String>,
    /// When it did.
    pub error_ms: Option<i64>,
}

/// How a receiver of samples stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReceiverState {
    /// It answered that it will never take what was sent last; that is dropped.
    Refused,
    /// What waits is sent again: it did not answer, or asked for it.
    Retrying,
    /// Nothing was sent yet.
    Waiting,
    Sending,
}

words!(ReceiverState {
    Refused = "refused",
    Retrying = "retrying",
    Waiting = "waiting",
    Sending = "sending",
});

/// One receiver of samples, of remote write.
#[derive(Debug, Clone, PartialEq)]
pub struct Receiver {
    pub name: String,
    /// Where samples are sent, without secrets.
    pub at: String,
    pub state: ReceiverState,
    /// When samples were last taken, milliseconds since the epoch.
    pub last_ms: Option<i64>,
    /// Samples that were taken since the start.
    pub sent: u64,
    /// Samples that were lost since the start, by reason, without those of no samples.
    pub dropped: Vec<(&'static str, u64)>,
    /// Bytes on disk that wait, and that may.
    pub queue_bytes: u64,
    pub queue_limit_bytes: u64,
    /// What went wrong last.
    pub error: Option<String>,
    /// When it did.
    pub error_ms: Option<i64>,
    /// When it is tried again.
    pub retry_ms: Option<i64>,
}

/// What a check looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CheckKind {
    Http,
    Tcp,
    /// A certificate that still holds.
    Tls,
    Dns,
    /// A process of this name is running.
    Process,
    /// A unit of systemd is active.
    Unit,
}

words!(CheckKind {
    Http = "http",
    Tcp = "tcp",
    Tls = "tls",
    Dns = "dns",
    Process = "process",
    Unit = "unit",
});

/// How a check stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CheckState {
    Failing,
    /// It has failed, but not often enough to count.
    Unsure,
    /// It has not been tried yet.
    Waiting,
    Ok,
}

words!(CheckState {
    Failing = "failing",
    Unsure = "unsure",
    Waiting = "waiting",
    Ok = "ok",
});

/// A check changed its state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CheckChange {
    /// Milliseconds since the epoch.
    pub t_ms: i64,
    pub state: CheckState,
    /// Why.
    pub message: String,
}

/// One health check.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Check {
    pub name: String,
    pub kind: CheckKind,
    /// What is checked, without secrets.
    pub at: String,
    pub state: CheckState,
    /// Since when it stands so, milliseconds since the epoch.
    pub since_ms: Option<i64>,
    /// When it was last tried.
    pub last_ms: Option<i64>,
    /// What came of it.
    pub message: String,
    /// How long it took, seconds.
    pub duration_secs: Option<f64>,
    /// When the certificate ends, seconds from the last try.
    pub tls_expiry_secs: Option<i64>,
    pub interval_secs: u32,
    /// Whether each of the last tries went well, oldest first.
    pub recent: Vec<bool>,
    /// The newest first.
    pub changes: Vec<CheckChange>,
}
