//! Which time is wanted: a word for a time that ends now, or two ends.

use super::gesture::REACH;
use farol_model::Fault;

/// Points of each series that are asked for: two pixels of a narrow chart each.
pub const POINTS: usize = 300;
/// Values of one page at most, so that a wide group is drawn with fewer points.
pub(super) const MAX_CELLS: usize = 60_000;

/// Ranges that end now: the word in the address, what the link says, milliseconds.
pub const RANGES: [(&str, &str, i64); 7] = [
    ("5m", "5 min", 300_000),
    ("15m", "15 min", 900_000),
    ("1h", "1 h", 3_600_000),
    ("6h", "6 h", 21_600_000),
    ("24h", "24 h", 86_400_000),
    ("7d", "7 d", 7 * 86_400_000),
    ("30d", "30 d", 30 * 86_400_000),
];

/// Which time is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// One of the ranges that end now; None: from and to were given.
    pub word: Option<&'static str>,
    pub from_ms: i64,
    pub to_ms: i64,
}

/// The word of what is live; in addresses it is left out.
const LIVE: &str = "";
/// How far back what is live reaches, milliseconds, and the same as the API reads it.
pub const LIVE_MS: i64 = 300_000;
const LIVE_START: &str = "-5m";

impl Range {
    /// What is live.
    pub fn live(now_ms: i64) -> Range {
        Range {
            word: Some(LIVE),
            from_ms: now_ms - LIVE_MS,
            to_ms: now_ms,
        }
    }

    pub fn is_live(&self) -> bool {
        self.word == Some(LIVE)
    }

    /// Reads `range`, or `from` and `to` in seconds since the epoch. None is live.
    ///
    /// # Errors
    /// What is given is no range; the words say what is.
    pub fn read(range: &str, from: &str, to: &str, now_ms: i64) -> Result<Option<Range>, Fault> {
        if let Some((word, _, span)) = RANGES.into_iter().find(|(word, ..)| *word == range) {
            return Ok(Some(Range {
                word: Some(word),
                from_ms: now_ms - span,
                to_ms: now_ms,
            }));
        }
        if !range.is_empty() {
            let words: Vec<&str> = RANGES.into_iter().map(|(word, ..)| word).collect();
            return Err(Fault::invalid(
                "range",
                format!(
                    "There is no range \u{201c}{}\u{201d}; there are {}.",
                    short(range),
                    words.join(", ")
                ),
            ));
        }
        if from.is_empty() && to.is_empty() {
            return Ok(None);
        }
        let seconds = |name: &str, text: &str, usual: i64| match text {
            "" => Ok(usual),
            text => text
                .parse::<i64>()
                .ok()
                .and_then(|seconds| seconds.checked_mul(1000))
                .filter(|ms| (0..=400_000_000_000_000).contains(ms))
                .ok_or_else(|| Fault::invalid(name, format!("{name} must be whole seconds since 1970."))),
        };
        let to_ms = seconds("to", to, now_ms)?;
        let from_ms = seconds("from", from, to_ms - 3_600_000)?;
        if to_ms - from_ms < REACH.0 || to_ms - from_ms > REACH.1 {
            return Err(Fault::invalid(
                "from",
                "A range must be at least 10 seconds and at most five years long, and end after it begins.",
            ));
        }
        Ok(Some(Range {
            word: None,
            from_ms,
            to_ms,
        }))
    }

    /// As the API reads it. What is live is the newest time whenever it is asked for.
    pub fn times(&self) -> Vec<(&'static str, String)> {
        let seconds = |ms: i64| (ms as f64 / 1000.0).to_string();
        match self.is_live() {
            true => vec![("start", LIVE_START.to_owned())],
            false => vec![("start", seconds(self.from_ms)), ("end", seconds(self.to_ms))],
        }
    }

    /// As parameters of an address.
    pub fn query(&self) -> Vec<(&'static str, String)> {
        match self.word {
            Some(LIVE) => Vec::new(),
            Some(word) => vec![("range", word.to_owned())],
            None => self.fixed(),
        }
    }

    /// The same time by its ends, so that it stays what it is.
    pub fn fixed(&self) -> Vec<(&'static str, String)> {
        vec![
            ("from", (self.from_ms / 1000).to_string()),
            ("to", (self.to_ms / 1000).to_string()),
        ]
    }
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}
