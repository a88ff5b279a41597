//! How long to wait after a failure, and what an answer means.

use http::{HeaderMap, StatusCode, header};
use std::time::Duration;

/// Waits grow from, to.
const RANGE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(30));
/// A receiver may ask for so long at most; above, it is tried all the same.
const LONGEST_ASKED: Duration = Duration::from_secs(600);

/// See the module.
#[derive(Debug)]
pub struct Backoff {
    next: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Backoff { next: RANGE.0 }
    }
}

impl Backoff {
    /// The wait after one more failure: half of it and a random part (0 to 1) of the other half, so that many senders do not come
    /// back at once, but not before the receiver asked for.
    pub fn wait(&mut self, random: f64, asked: Option<Duration>) -> Duration {
        let wait = self.next.mul_f64(0.5 + random / 2.0);
        self.next = (self.next * 2).min(RANGE.1);
        wait.max(asked.unwrap_or_default().min(LONGEST_ASKED))
    }
}

/// What is done about an answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    Taken,
    /// To be sent again, not before so long.
    Again(Option<Duration>),
    /// Sending it again would be answered the same: it is dropped.
    Refused,
}

impl Verdict {
    /// As the specification has it: 5xx and 429 are tried again, other 4xx are not. An answer that leads elsewhere is a fault of the
    /// configuration, and what waits is kept until it is mended.
    pub fn of(status: StatusCode, headers: &HeaderMap, now_secs: i64) -> Verdict {
        if status.is_success() {
            Verdict::Taken
        } else if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS {
            Verdict::Refused
        } else {
            Verdict::Again(retry_after(headers, now_secs))
        }
    }
}

/// RFC 9110 section 10.2.3: seconds, or a date.
fn retry_after(headers: &HeaderMap, now_secs: i64) -> Option<Duration> {
    use time::{OffsetDateTime, format_description::well_known::Rfc2822};
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(secs) = text.parse() {
        return Some(Duration::from_secs(secs));
    }
    // IMF-fixdate is one of its forms.
    let date = OffsetDateTime::parse(text, &Rfc2822).ok()?;
    let secs = u64::try_from(date.unix_timestamp() - now_secs).unwrap_or_default();
    Some(Duration::from_secs(secs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_to_a_bound_and_a_receiver_is_heard() {
        let mut backoff = Backoff::default();
        let waits: Vec<u64> = (0..9)
            .map(|_| backoff.wait(1.0, None).as_millis() as u64)
            .collect();
        assert_eq!(waits, [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
        assert_eq!(
            backoff.wait(0.0, None),
            Duration::from_secs(15),
            "the least of it"
        );
        let asked = |secs| Some(Duration::from_secs(secs));
        assert_eq!(backoff.wait(0.5, asked(40)), Duration::from_secs(40));
        assert_eq!(
            backoff.wait(1.0, asked(3)),
            Duration::from_secs(30),
            "not sooner than ours"
        );
        assert_eq!(backoff.wait(1.0, asked(u64::MAX)), LONGEST_ASKED);
        assert_eq!(
            Backoff::default().wait(1.0, None),
            RANGE.0,
            "it begins anew after a success"
        );
    }

    #[test]
    fn answers_are_what_the_specification_says() {
        let of = |status: u16, after: Option<&str>| {
            let mut headers = HeaderMap::new();
            if let Some(after) = after {
                headers.insert(header::RETRY_AFTER, after.parse().unwrap());
            }
            // 06 Nov 1994 08:49:37
            Verdict::of(StatusCode::from_u16(status).unwrap(), &headers, 784_111_777)
        };
        let again = |secs: Option<u64>| Verdict::Again(secs.map(Duration::from_secs));
        for (status, after, verdict) in [
            (200, None, Verdict::Taken),
            (204, None, Verdict::Taken),
            (400, None, Verdict::Refused),
            (401, Some("5"), Verdict::Refused),
            (404, None, Verdict::Refused),
            (301, None, again(None)),
            (429, Some("7"), again(Some(7))),
            (500, None, again(None)),
            (503, Some("Sun, 06 Nov 1994 08:50:37 GMT"), again(Some(60))),
            (503, Some("Sun, 06 Nov 1994 08:40:00 GMT"), again(Some(0))),
            (503, Some("soon"), again(None)),
        ] {
            assert_eq!(of(status, after), verdict, "{status} {after:?}");
        }
    }
}
