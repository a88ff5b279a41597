//! How sending stands, in Farol's own metrics.

use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};

pub const QUEUE_BYTES: &str = "farol_remote_write_queue_bytes";
pub const SENT: &str = "farol_remote_write_samples_total";
pub const DROPPED: &str = "farol_remote_write_samples_dropped_total";
pub const FAILURES: &str = "farol_remote_write_failures_total";
pub const LAG: &str = "farol_remote_write_lag_seconds";

/// Why samples were not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The receiver answered that it will never take them.
    Refused,
    /// The queue had no room for them.
    Full,
    /// The disk did not take them.
    Disk,
    /// They were not newer than one before.
    Order,
    /// They came faster than they could be looked at.
    Busy,
}

impl Why {
    fn as_str(self) -> &'static str {
        match self {
            Why::Refused => "refused",
            Why::Full => "full",
            Why::Disk => "disk",
            Why::Order => "order",
            Why::Busy => "busy",
        }
    }
}

/// What the facade says of these.
pub fn describe() {
    describe_gauge!(
        QUEUE_BYTES,
        Unit::Bytes,
        "Bytes on disk that wait to be sent to a receiver of remote write."
    );
    describe_counter!(SENT, "Samples that a receiver of remote write took.");
    describe_counter!(
        DROPPED,
        "Samples that were not sent to a receiver of remote write, by reason."
    );
    describe_counter!(
        FAILURES,
        "Requests to a receiver of remote write that failed and are tried again."
    );
    describe_gauge!(
        LAG,
        Unit::Seconds,
        "Age of the oldest sample that waits to be sent; 0 when none does."
    );
}

/// The numbers of one receiver.
#[derive(Debug, Clone)]
pub struct Health {
    name: String,
}

impl Health {
    pub fn of(name: &str) -> Health {
        let health = Health {
            name: name.to_owned(),
        };
        // So that there is a zero before the first.
        health.sent(0);
        health.failed(0);
        health.dropped(Why::Refused, 0);
        health
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    pub fn sent(&self, samples: u64) {
        counter!(SENT, "remote_write" => self.name()).increment(samples);
    }

    pub fn failed(&self, requests: u64) {
        counter!(FAILURES, "remote_write" => self.name()).increment(requests);
    }

    pub fn dropped(&self, why: Why, samples: u64) {
        if samples > 0 || why == Why::Refused {
            counter!(DROPPED, "remote_write" => self.name(), "reason" => why.as_str()).increment(samples);
        }
    }

    /// How much waits, and since when.
    pub fn waits(&self, bytes: u64, oldest_ms: Option<i64>, now_ms: i64) {
        gauge!(QUEUE_BYTES, "remote_write" => self.name()).set(bytes as f64);
        let lag = oldest_ms.map_or(0.0, |oldest_ms| (now_ms - oldest_ms).max(0) as f64 / 1000.0);
        gauge!(LAG, "remote_write" => self.name()).set(lag);
    }
}
