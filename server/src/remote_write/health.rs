//! How sending stands, in Farol's own metrics and for people.

use super::config::RemoteWriteConfig;
use crate::outbound::shown;
use farol_model::ingest::{Receiver, ReceiverState};
use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};
use std::sync::{Mutex, MutexGuard, PoisonError};

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
    /// In the order of their numbers.
    const ALL: [Why; 5] = [Why::Refused, Why::Full, Why::Disk, Why::Order, Why::Busy];

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

/// How one receiver stands.
#[derive(Debug)]
pub struct Health {
    name: String,
    /// A std lock: held for looking and changing.
    standing: Mutex<Standing>,
}

/// What is told of it beside the metrics.
#[derive(Debug, Default)]
struct Standing {
    sent: u64,
    dropped: [u64; Why::ALL.len()],
    last_ms: Option<i64>,
    queue_bytes: u64,
    error: Option<(String, i64)>,
    /// What the last request came to, when it was not taken.
    fault: Option<Fault>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Refused,
    /// It is sent again at this time, milliseconds since the epoch.
    Again(i64),
}

impl Health {
    pub fn of(name: &str) -> Health {
        let health = Health {
            name: name.to_owned(),
            standing: Mutex::default(),
        };
        // So that there is a zero before the first.
        counter!(SENT, "remote_write" => health.name()).increment(0);
        counter!(FAILURES, "remote_write" => health.name()).increment(0);
        health.dropped(Why::Refused, 0);
        health
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Samples were taken.
    pub fn sent(&self, samples: u64, now_ms: i64) {
        counter!(SENT, "remote_write" => self.name()).increment(samples);
        let mut standing = self.standing();
        standing.sent += samples;
        standing.last_ms = Some(now_ms);
        standing.fault = None;
    }

    /// A request was refused for good; its samples are dropped.
    pub fn refused(&self, samples: u64, why: &str, now_ms: i64) {
        self.dropped(Why::Refused, samples);
        self.wrong(why, now_ms);
        self.standing().fault = Some(Fault::Refused);
    }

    /// A request failed and is sent again at another time.
    pub fn failed(&self, why: &str, now_ms: i64, retry_ms: i64) {
        counter!(FAILURES, "remote_write" => self.name()).increment(1);
        self.paused(why, now_ms, retry_ms);
    }

    /// Nothing can be sent before another time.
    pub fn paused(&self, why: &str, now_ms: i64, retry_ms: i64) {
        self.wrong(why, now_ms);
        self.standing().fault = Some(Fault::Again(retry_ms));
    }

    /// Something else went wrong.
    pub fn wrong(&self, why: &str, now_ms: i64) {
        self.standing().error = Some((why.to_owned(), now_ms));
    }

    pub fn dropped(&self, why: Why, samples: u64) {
        if samples > 0 || why == Why::Refused {
            counter!(DROPPED, "remote_write" => self.name(), "reason" => why.as_str()).increment(samples);
        }
        if let Some(dropped) = self.standing().dropped.get_mut(why as usize) {
            *dropped += samples;
        }
    }

    /// How much waits, and since when.
    pub fn waits(&self, bytes: u64, oldest_ms: Option<i64>, now_ms: i64) {
        gauge!(QUEUE_BYTES, "remote_write" => self.name()).set(bytes as f64);
        let lag = oldest_ms.map_or(0.0, |oldest_ms| (now_ms - oldest_ms).max(0) as f64 / 1000.0);
        gauge!(LAG, "remote_write" => self.name()).set(lag);
        self.standing().queue_bytes = bytes;
    }

    /// All of it. `busy` were lost before it was known for whom they are: for all.
    pub fn receiver(&self, config: &RemoteWriteConfig, busy: u64) -> Receiver {
        let standing = self.standing();
        let of_all = |why: Why| if why == Why::Busy { busy } else { 0 };
        let dropped = Why::ALL.iter().zip(standing.dropped);
        let (error, error_ms) = standing.error.clone().unzip();
        Receiver {
            name: config.name.clone(),
            at: shown(&config.url),
            state: match standing.fault {
                Some(Fault::Refused) => ReceiverState::Refused,
                Some(Fault::Again(_)) => ReceiverState::Retrying,
                None if standing.last_ms.is_none() => ReceiverState::Waiting,
                None => ReceiverState::Sending,
            },
            last_ms: standing.last_ms,
            sent: standing.sent,
            dropped: dropped
                .map(|(why, samples)| (why.as_str(), samples + of_all(*why)))
                .filter(|(_, samples)| *samples > 0)
                .collect(),
            queue_bytes: standing.queue_bytes,
            queue_limit_bytes: config.queue_bytes(),
            error,
            error_ms,
            retry_ms: match standing.fault {
                Some(Fault::Again(at_ms)) => Some(at_ms),
                _ => None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_is_told_with_its_reason_and_never_the_query_of_the_address() {
        let config = RemoteWriteConfig {
            name: "vm".into(),
            url: "http://127.0.0.1:8428/api/v1/write?token=geheim".into(),
            queue_mib: 2,
            bearer_token: Some("geheim".into()),
            ..Default::default()
        };
        let health = Health::of("vm");
        let told = || health.receiver(&config, 5);
        let first = told();
        assert_eq!((first.state, first.last_ms), (ReceiverState::Waiting, None));
        assert_eq!(first.at, "http://127.0.0.1:8428/api/v1/write?…");
        assert_eq!(first.dropped, [("busy", 5)]);
        health.failed("it answers 503", 1_000, 3_000);
        health.waits(77, Some(0), 1_000);
        let told_again = told();
        assert_eq!(
            (told_again.state, told_again.retry_ms),
            (ReceiverState::Retrying, Some(3_000))
        );
        assert_eq!(told_again.error.as_deref(), Some("it answers 503"));
        assert_eq!(
            (told_again.queue_bytes, told_again.queue_limit_bytes),
            (77, 2 * 1024 * 1024)
        );
        health.refused(12, "it answers 400", 4_000);
        health.dropped(Why::Full, 3);
        let refused = told();
        assert_eq!((refused.state, refused.retry_ms), (ReceiverState::Refused, None));
        assert_eq!(refused.dropped, [("refused", 12), ("full", 3), ("busy", 5)]);
        health.sent(40, 5_000);
        let sent = told();
        assert_eq!(
            (sent.state, sent.sent, sent.last_ms),
            (ReceiverState::Sending, 40, Some(5_000))
        );
        assert_eq!(sent.error_ms, Some(4_000), "what went wrong last stays told");
        assert!(!format!("{sent:?}").contains("geheim"), "{sent:?}");
    }
}
