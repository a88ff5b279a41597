//! The past of a group as the server draws it: a time range in the address, charts that stand still, and ways to other ranges.
//! Works without scripts; the live charts take its place when no range is asked for.

mod charts;

use crate::{
    format::duration,
    pages::drawn::{href, time},
    prelude::*,
    ui::{Card, Glyph, Icon},
};
pub use charts::charts;
use farol_model::{Fault, metric::MetricSpec};

/// Points of each series that are asked for: two pixels of a narrow chart each.
pub const POINTS: usize = 300;
/// Values of one page at most, so that a wide group is drawn with fewer points.
const MAX_CELLS: usize = 60_000;
/// The shortest and the longest range, milliseconds.
const REACH: (i64, i64) = (10_000, 5 * 366 * 86_400_000);

/// Ranges that end now: the word in the address, what the link says, milliseconds.
const RANGES: [(&str, &str, i64); 6] = [
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
    word: Option<&'static str>,
    pub from_ms: i64,
    pub to_ms: i64,
}

/// What is known of a channel over a range. Columns are as long as `times_ms`, NaN where there was no value.
#[derive(Debug, Clone, PartialEq)]
pub struct Past {
    pub step_ms: i64,
    /// Where each point begins.
    pub times_ms: Vec<i64>,
    pub series: Vec<PastSeries>,
}

/// One series of it.
#[derive(Debug, Clone, PartialEq)]
pub struct PastSeries {
    pub spec: MetricSpec,
    pub min: Vec<f64>,
    pub max: Vec<f64>,
    pub mean: Vec<f64>,
}

impl Range {
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

    /// Points to ask for when there are so many series.
    pub fn points(series: usize) -> usize {
        POINTS.min(MAX_CELLS / series.max(1)).max(20)
    }
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

/// The address of a group at another time.
fn address(group: &str, from_ms: i64, to_ms: i64) -> String {
    let (from, to) = ((from_ms / 1000).to_string(), (to_ms / 1000).to_string());
    href("/host", &[("group", group), ("from", &from), ("to", &to)])
}

/// Ways to ranges. `range` None is live.
pub fn bar(group: &str, range: Option<&Range>, now_ms: i64) -> AnyView {
    let link = |href: String, words: &'static str, here: bool| {
        view! {
            <li>
                <a href=href aria-current=here.then_some("true")>
                    {words}
                </a>
            </li>
        }
    };
    let mut links = vec![link(href("/host", &[("group", group)]), "Live", range.is_none())];
    links.extend(RANGES.into_iter().map(|(word, words, _)| {
        let here = range.is_some_and(|range| range.word == Some(word));
        link(href("/host", &[("group", group), ("range", word)]), words, here)
    }));
    let steps = range.map(|range| steps(group, range, now_ms));
    view! {
        <nav class="ranges" aria-label="Time">
            <ul>{links}</ul>
            {steps}
        </nav>
    }
}

/// Earlier, later, a longer time, and what is shown.
fn steps(group: &str, range: &Range, now_ms: i64) -> AnyView {
    let span = range.to_ms - range.from_ms;
    let half = span / 2;
    let later = (range.to_ms < now_ms - 1000).then(|| {
        let to_ms = (range.to_ms + half).min(now_ms);
        view! {
            <a class="button small" href=address(group, to_ms - span, to_ms) rel="next">
                "Later"
            </a>
        }
    });
    let wider = (span * 2 <= REACH.1).then(|| {
        let to_ms = (range.to_ms + half).min(now_ms.max(range.to_ms));
        view! {
            <a class="button small" href=address(group, to_ms - span * 2, to_ms)>
                "Zoom out"
            </a>
        }
    });
    let closer = (half >= REACH.0).then(|| {
        view! {
            <a class="button small" href=address(group, range.from_ms + span / 4, range.to_ms - span / 4)>
                "Zoom in"
            </a>
        }
    });
    view! {
        <p class="range-words">
            {time(range.from_ms)} " to " {time(range.to_ms)} " "
            <span class="muted nowrap">"(" {duration(span)} ")"</span>
        </p>
        <div class="button-row">
            <a class="button small" href=address(group, range.from_ms - half, range.to_ms - half) rel="prev">
                "Earlier"
            </a>
            {later} {closer} {wider}
        </div>
    }
}

/// What is said where a range cannot be read.
pub fn refused(fault: &Fault) -> AnyView {
    let words = fault.message.clone();
    view! {
        <Card title="Time">
            <div class="unavailable">
                <Icon glyph=Glyph::Alert/>
                <p>{words}</p>
            </div>
        </Card>
    }
}

#[cfg(test)]
#[path = "past_tests.rs"]
mod tests;
