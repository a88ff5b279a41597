//! One source: its series, how it stands, and the frames that it makes.

use super::{
    Taken,
    sample::Sample,
    series::{Hold, SeriesSet},
};
use farol_model::{
    ingest::{Source, SourceKind, SourceState},
    metric::MetricSpec,
};
use std::sync::Arc;

/// Longest error that is kept, characters.
const MAX_ERROR_CHARS: usize = 400;

/// What a source is judged by.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub now_ms: i64,
    pub stale_ms: i64,
}

/// What is to be published.
#[derive(Debug)]
pub struct Frame {
    pub schema: Arc<[MetricSpec]>,
    pub values: Vec<f64>,
    pub interval_ms: u32,
}

/// See the module.
#[derive(Debug)]
pub struct Feed {
    name: String,
    kind: SourceKind,
    at: String,
    pub set: SeriesSet,
    /// When values last came.
    last_ms: Option<i64>,
    error: Option<(String, i64)>,
    /// Of those that are asked: how many answered, of how many.
    answered: Option<(usize, usize)>,
    /// Values came since the last frame.
    changed: bool,
    /// When frames were last made, the newest last.
    frames_ms: [i64; 3],
    /// Values were taken since the numbers of ours were last told.
    taken: u64,
    /// What was told of those that were refused.
    told_refused: u64,
}

impl Feed {
    pub fn new(name: &str, kind: SourceKind, at: String, limit: usize, hold: Hold) -> Feed {
        Feed {
            name: name.to_owned(),
            kind,
            at,
            // Only there a sender says of each value when it was measured.
            set: match kind {
                SourceKind::Otlp => SeriesSet::new(limit, hold).in_order(),
                _ => SeriesSet::new(limit, hold),
            },
            last_ms: None,
            error: None,
            answered: None,
            changed: false,
            frames_ms: [0; 3],
            taken: 0,
            told_refused: 0,
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn kind(&self) -> SourceKind {
        self.kind
    }

    /// Takes values that came now.
    pub fn take(&mut self, samples: &[Sample], now_ms: i64) -> Taken {
        let mut taken = Taken::default();
        for (at, sample) in samples.iter().enumerate() {
            match self.set.take(sample, now_ms) {
                Ok(()) => taken.accepted += 1,
                Err(why) => {
                    taken.refused += 1;
                    taken.refused_at.push(at);
                    taken.why.get_or_insert(why);
                }
            }
        }
        if let Some(why) = &taken.why {
            self.fail(why, now_ms);
        }
        if taken.accepted > 0 {
            self.last_ms = Some(now_ms);
            self.changed = true;
            self.taken += taken.accepted;
        }
        taken
    }

    /// So much that was sent could be no values.
    pub fn refuse(&mut self, count: u64, why: &str, now_ms: i64) {
        self.set.refused += count;
        self.fail(why, now_ms);
    }

    /// When something was last heard of it.
    pub fn heard_ms(&self) -> Option<i64> {
        self.last_ms
    }

    pub fn set_heard(&mut self, last_ms: Option<i64>) {
        self.last_ms = last_ms;
    }

    /// Something was wrong with what came, or nothing came.
    pub fn fail(&mut self, why: &str, now_ms: i64) {
        self.error = Some((why.chars().take(MAX_ERROR_CHARS).collect(), now_ms));
    }

    /// It is taken at another place from now on, and what went wrong before is over.
    pub fn move_to(&mut self, at: String) {
        self.at = at;
        self.error = None;
        self.answered = None;
    }

    pub fn at(&self) -> &str {
        &self.at
    }

    /// So many answered, of so many that were asked.
    pub fn answered(&mut self, answered: usize, asked: usize) {
        self.answered = Some((answered, asked));
    }

    /// Whether a frame is to be made for what was sent: there is news, or what there was holds no more. Who is asked or flushed has a
    /// beat of its own.
    pub fn is_due(&self, now_ms: i64, stale_ms: i64) -> bool {
        if !matches!(self.kind, SourceKind::Otlp | SourceKind::Push) {
            return false;
        }
        let ended = self.last_ms.is_some_and(|last_ms| {
            let end = last_ms + stale_ms;
            self.frames_ms[2] <= end && end < now_ms
        });
        self.changed || ended
    }

    /// A frame of now; None while there are no series.
    pub fn frame(&mut self, now_ms: i64, interval_ms: Option<u32>) -> Option<Frame> {
        self.changed = false;
        if self.set.is_empty() {
            return None;
        }
        self.frames_ms = [self.frames_ms[1], self.frames_ms[2], now_ms];
        let (schema, values) = self.set.frame(now_ms);
        Some(Frame {
            schema,
            values,
            interval_ms: interval_ms.unwrap_or_else(|| self.usual_interval_ms()),
        })
    }

    /// How far apart the last frames were: the longer of two distances, so that one that came early makes no gap of the next.
    fn usual_interval_ms(&self) -> u32 {
        let gaps = self.frames_ms.windows(2).filter(|pair| pair[0] > 0);
        let longest = gaps.map(|pair| pair[1] - pair[0]).max().unwrap_or(1000);
        u32::try_from(longest.clamp(1000, 120_000)).unwrap_or(1000)
    }

    /// Tells our own metrics.
    pub fn report(&mut self, now_ms: i64) {
        let source = self.name.clone();
        metrics::counter!("farol_ingest_values_total", "source" => source.clone())
            .increment(std::mem::take(&mut self.taken));
        metrics::counter!("farol_ingest_values_refused_total", "source" => source.clone())
            .increment(self.set.refused - self.told_refused);
        self.told_refused = self.set.refused;
        metrics::gauge!("farol_ingest_series", "source" => source.clone()).set(self.set.len() as f64);
        let limited = if self.set.is_limited(now_ms) { 1.0 } else { 0.0 };
        metrics::gauge!("farol_ingest_limited", "source" => source).set(limited);
    }

    fn state(&self, place: Place) -> SourceState {
        match self.answered {
            // No target is known.
            Some((_, 0)) => return SourceState::Waiting,
            Some((0, _)) => return SourceState::Down,
            Some((answered, asked)) if answered < asked => return SourceState::Partly,
            Some(_) => return SourceState::Up,
            None => {}
        }
        match self.last_ms {
            None => SourceState::Waiting,
            Some(last_ms) if place.now_ms - last_ms > place.stale_ms => SourceState::Silent,
            Some(_) => SourceState::Up,
        }
    }

    /// As it is told.
    pub fn source(&self, place: Place) -> Source {
        let small = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Source {
            name: self.name.clone(),
            kind: self.kind,
            state: self.state(place),
            at: self.at.clone(),
            last_ms: self.last_ms,
            series: small(self.set.len()),
            limit: small(self.set.limit()),
            limited: self.set.is_limited(place.now_ms),
            refused_series: small(self.set.refused_series()),
            refused: self.set.refused,
            error: self.error.as_ref().map(|(why, _)| why.clone()),
            error_ms: self.error.as_ref().map(|(_, at_ms)| *at_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(kind: SourceKind) -> Feed {
        Feed::new("shop", kind, String::new(), 2, Hold::For(5_000))
    }

    const PLACE: Place = Place {
        now_ms: 1_000,
        stale_ms: 5_000,
    };

    #[test]
    fn a_sender_is_waited_for_then_up_then_silent_and_its_values_end_with_a_frame() {
        let mut feed = feed(SourceKind::Push);
        assert_eq!(feed.source(PLACE).state, SourceState::Waiting);
        assert!(!feed.is_due(1_000, 5_000) && feed.frame(1_000, None).is_none());
        feed.take(&[Sample::gauge("a", 1.0, 0)], 1_000);
        assert!(feed.is_due(1_000, 5_000));
        assert_eq!(feed.frame(1_000, None).unwrap().values, [1.0]);
        assert!(!feed.is_due(6_000, 5_000), "it holds");
        assert!(feed.is_due(6_001, 5_000), "it holds no more");
        assert!(feed.frame(6_001, None).unwrap().values[0].is_nan());
        assert!(!feed.is_due(7_000, 5_000), "that was told");
        let later = Place {
            now_ms: 6_001,
            ..PLACE
        };
        assert_eq!(feed.source(later).state, SourceState::Silent);
    }

    #[test]
    fn what_is_refused_is_told_at_the_source() {
        let mut feed = feed(SourceKind::Push);
        let samples = ["a", "b", "c", "9"].map(|name| Sample::gauge(name, 1.0, 0));
        let taken = feed.take(&samples, 1_000);
        assert_eq!((taken.accepted, taken.refused), (2, 2));
        let source = feed.source(PLACE);
        assert!(source.limited);
        assert_eq!((source.series, source.refused_series, source.refused), (2, 1, 2));
        assert!(source.error.unwrap().contains("limit of 2 series"));
    }

    #[test]
    fn those_that_are_asked_are_down_or_partly_there() {
        let mut feed = feed(SourceKind::Scrape);
        for (answered, state) in [
            (0, SourceState::Down),
            (1, SourceState::Partly),
            (2, SourceState::Up),
        ] {
            feed.answered(answered, 2);
            assert_eq!(feed.source(PLACE).state, state);
        }
    }

    #[test]
    fn the_interval_is_the_longer_of_the_last_distances() {
        let mut feed = feed(SourceKind::Otlp);
        let mut seen = Vec::new();
        for now in [100_000, 110_000, 112_000, 122_000] {
            feed.take(&[Sample::gauge("a", 1.0, 0)], now);
            seen.push(feed.frame(now, None).unwrap().interval_ms);
        }
        assert_eq!(seen, [1_000, 10_000, 10_000, 10_000]);
    }
}
