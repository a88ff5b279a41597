//! Where the connection stands, in words for people.

use super::ladder::Rung;
use crate::format::{clock_utc, duration};

/// State of the one live connection of the app. Times are milliseconds since the epoch by the browser's clock.
#[derive(Debug, Clone, PartialEq)]
pub enum LiveState {
    /// The first attempt is under way. What is on screen came with the page.
    Connecting,
    /// Over this carrier.
    Live(Rung),
    /// Lost; tries again at `at_ms`.
    Reconnecting { at_ms: f64 },
    /// Lost for long enough that numbers must be called old. Still trying.
    Stale { since_ms: f64 },
    /// The session has ended. Does not try again.
    SignedOut,
    /// Refused for good. Does not try again by itself.
    Failed { reason: String },
}

impl LiveState {
    /// Word for CSS and tests: `data-live` of the badge.
    pub fn name(&self) -> &'static str {
        match self {
            LiveState::Connecting => "connecting",
            LiveState::Live(_) => "live",
            LiveState::Reconnecting { .. } => "reconnecting",
            LiveState::Stale { .. } => "stale",
            LiveState::SignedOut => "signed-out",
            LiveState::Failed { .. } => "failed",
        }
    }

    /// What a person reads. Times are told as UTC unless the browser says otherwise.
    pub fn words(&self, now_ms: f64) -> String {
        match self {
            LiveState::Connecting => "Connecting".to_owned(),
            LiveState::Live(Rung::WebSocket) => "Live".to_owned(),
            LiveState::Live(_) => "Live over HTTP".to_owned(),
            LiveState::Reconnecting { at_ms } => match seconds_left(*at_ms, now_ms) {
                0 => "Reconnecting".to_owned(),
                left => format!("Reconnecting in {left} s"),
            },
            LiveState::Stale { since_ms } => {
                format!("Stale for {}", duration((now_ms - since_ms) as i64))
            }
            LiveState::SignedOut => "Signed out".to_owned(),
            LiveState::Failed { .. } => "Not live".to_owned(),
        }
    }

    /// The longer text behind the words.
    pub fn hint(&self) -> String {
        match self {
            LiveState::Connecting => {
                "Opening the live connection. Numbers are from when the page was loaded.".to_owned()
            }
            LiveState::Live(rung) => match rung {
                Rung::WebSocket => "Numbers are live.",
                Rung::HttpStream => "Live over HTTP stream; WebSocket is blocked here.",
                Rung::Sse => "Live over Server-Sent Events; WebSocket is blocked here.",
            }
            .to_owned(),
            LiveState::Reconnecting { .. } => "The connection was lost. Trying again by itself.".to_owned(),
            LiveState::Stale { since_ms } => format!(
                "No data since {} UTC. Trying again by itself; check the network or the server.",
                clock_utc(*since_ms as i64)
            ),
            LiveState::SignedOut => "Your session has ended. Sign in to see live data again.".to_owned(),
            LiveState::Failed { reason } => {
                format!("The server ended the connection: {reason}. Reload the page to try again.")
            }
        }
    }

    /// Whether the words change by themselves as time goes on.
    pub fn counts(&self) -> bool {
        matches!(self, LiveState::Reconnecting { .. } | LiveState::Stale { .. })
    }
}

fn seconds_left(at_ms: f64, now_ms: f64) -> u32 {
    ((at_ms - now_ms) / 1000.0).ceil().clamp(0.0, 999.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_countdown_is_in_whole_seconds_and_never_negative() {
        let state = LiveState::Reconnecting { at_ms: 10_000.0 };
        assert_eq!(state.words(7_600.0), "Reconnecting in 3 s");
        assert_eq!(state.words(10_000.0), "Reconnecting");
        assert_eq!(state.words(99_000.0), "Reconnecting");
    }

    #[test]
    fn a_carrier_that_is_not_the_best_is_told() {
        let told = |rung| {
            let state = LiveState::Live(rung);
            (state.words(0.0), state.hint())
        };
        assert_eq!(told(Rung::WebSocket).0, "Live");
        assert_eq!(told(Rung::HttpStream).0, "Live over HTTP");
        assert_eq!(
            told(Rung::HttpStream).1,
            "Live over HTTP stream; WebSocket is blocked here."
        );
        assert_eq!(
            told(Rung::Sse).1,
            "Live over Server-Sent Events; WebSocket is blocked here."
        );
    }

    #[test]
    fn stale_says_since_when() {
        let state = LiveState::Stale {
            since_ms: 3_600_000.0,
        };
        assert_eq!(state.words(3_665_000.0), "Stale for 1 min 5 s");
        assert!(state.hint().contains("01:00:00 UTC"));
    }
}
