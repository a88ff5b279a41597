//! The series of one source: what they are, their newest values, and a bound on how many there are.
//!
//! At the bound a new series is refused and counted; those that are there go on. A series that has not been heard of for
//! [`FORGET_MS`] gives its place away. You get it wrong when you number series anew in each frame: the place of a series is kept as
//! long as it is there, so that the schema changes only when series come or go.

use super::sample::{Sample, Shape};
use farol_model::metric::MetricSpec;
use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

/// A series that is not heard of for so long gives its place away, milliseconds: as long as live charts reach back.
pub const FORGET_MS: i64 = 615_000;
/// Refused series that are told apart at most.
const REFUSED_KNOWN: usize = 10_000;
/// How long a source counts as limited after the last refusal, milliseconds.
const LIMITED_MS: i64 = 300_000;

/// When a value is one no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// When it was not in the last round: whoever is asked tells all there is.
    Round,
    /// After so many milliseconds: whoever sends does so when it likes.
    For(i64),
}

#[derive(Debug, Clone)]
struct Series {
    spec: MetricSpec,
    value: f64,
    /// The counter that the value is the rate of, and when it stood so.
    counter: Option<(f64, i64)>,
    /// When the newest value was measured, as the sender says.
    t_ms: i64,
    seen_ms: i64,
    round: u64,
}

/// See the module.
#[derive(Debug)]
pub struct SeriesSet {
    limit: usize,
    hold: Hold,
    /// What was measured before the newest value of its series is refused.
    in_order: bool,
    series: Vec<Series>,
    /// Places by key.
    places: HashMap<String, usize>,
    /// Rebuilt when series come or go.
    schema: Option<Arc<[MetricSpec]>>,
    round: u64,
    /// Hashes of the keys that were refused.
    refused_keys: HashSet<u64>,
    /// Values that were refused.
    pub refused: u64,
    /// When a new series was last refused.
    limited_ms: Option<i64>,
}

impl SeriesSet {
    pub fn new(limit: usize, hold: Hold) -> Self {
        SeriesSet {
            limit,
            hold,
            in_order: false,
            series: Vec::new(),
            places: HashMap::new(),
            schema: None,
            round: 0,
            refused_keys: HashSet::new(),
            refused: 0,
            limited_ms: None,
        }
    }

    /// The same, but what is older than the newest value of its series is refused.
    pub fn in_order(self) -> Self {
        SeriesSet {
            in_order: true,
            ..self
        }
    }

    pub fn len(&self) -> usize {
        self.series.len()
    }

    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    pub fn limit(&self) -> usize {
        self.limit
    }

    pub fn refused_series(&self) -> usize {
        self.refused_keys.len()
    }

    /// Whether a new series was refused lately.
    pub fn is_limited(&self, now_ms: i64) -> bool {
        self.limited_ms.is_some_and(|at| now_ms - at < LIMITED_MS)
    }

    /// What was not taken since the last of these is not there any more, where values hold for a round.
    pub fn begin_round(&mut self) {
        self.round += 1;
    }

    /// No value holds any more, until another comes.
    pub fn end(&mut self) {
        self.begin_round();
        for series in &mut self.series {
            series.value = f64::NAN;
        }
    }

    /// Takes a value that came at `now_ms`, or says why not.
    pub fn take(&mut self, sample: &Sample, now_ms: i64) -> Result<(), String> {
        if let Some(problem) = sample.problem() {
            self.refused += 1;
            return Err(problem);
        }
        let spec = sample.spec();
        let key = spec.key();
        let place = match self.places.get(&key) {
            Some(place) => *place,
            None => self.add(key, spec, now_ms)?,
        };
        let Some(series) = self.series.get_mut(place) else {
            return Ok(());
        };
        if self.in_order && sample.t_ms < series.t_ms {
            self.refused += 1;
            let late_ms = series.t_ms - sample.t_ms;
            return Err(format!(
                "{} came out of order: it was measured {late_ms} ms before one of the same series that is there",
                sample.name
            ));
        }
        series.t_ms = sample.t_ms;
        series.seen_ms = now_ms;
        series.round = self.round;
        match sample.shape {
            Shape::Gauge => series.value = sample.value,
            Shape::Delta(secs) if secs > 0.0 => series.value = sample.value / secs,
            Shape::Delta(_) => {}
            Shape::Counter => series.count(sample.value, sample.t_ms),
        }
        Ok(())
    }

    fn add(&mut self, key: String, spec: MetricSpec, now_ms: i64) -> Result<usize, String> {
        if self.series.len() >= self.limit {
            self.forget(now_ms);
        }
        if self.series.len() >= self.limit {
            self.refused += 1;
            self.limited_ms = Some(now_ms);
            if self.refused_keys.len() < REFUSED_KNOWN {
                let mut hasher = DefaultHasher::new();
                key.hash(&mut hasher);
                self.refused_keys.insert(hasher.finish());
            }
            return Err(format!(
                "the limit of {} series is reached; new ones are refused, those before go on",
                self.limit
            ));
        }
        let place = self.series.len();
        self.series.push(Series {
            spec,
            value: f64::NAN,
            counter: None,
            t_ms: i64::MIN,
            seen_ms: now_ms,
            round: self.round,
        });
        self.places.insert(key, place);
        self.schema = None;
        Ok(place)
    }

    /// Lets series go that were not heard of for long.
    fn forget(&mut self, now_ms: i64) {
        let before = self.series.len();
        self.series.retain(|series| now_ms - series.seen_ms <= FORGET_MS);
        if self.series.len() == before {
            return;
        }
        let keys = self.series.iter().map(|series| series.spec.key());
        self.places = keys.enumerate().map(|(place, key)| (key, place)).collect();
        self.schema = None;
    }

    /// What the series are and what they say now. NaN where a value does not hold any more.
    pub fn frame(&mut self, now_ms: i64) -> (Arc<[MetricSpec]>, Vec<f64>) {
        self.forget(now_ms);
        let schema = match &self.schema {
            Some(schema) => schema.clone(),
            None => {
                let schema: Arc<[MetricSpec]> =
                    self.series.iter().map(|series| series.spec.clone()).collect();
                self.schema = Some(schema.clone());
                schema
            }
        };
        let holds = |series: &Series| match self.hold {
            Hold::Round => series.round == self.round,
            Hold::For(ms) => now_ms - series.seen_ms <= ms,
        };
        let value = |series: &Series| if holds(series) { series.value } else { f64::NAN };
        (schema, self.series.iter().map(value).collect())
    }
}

impl Series {
    /// A counter stands at `value`. One that went back began anew, from zero.
    fn count(&mut self, value: f64, t_ms: i64) {
        match self.counter {
            Some((_, before_ms)) if t_ms < before_ms => {
                // The sender's clock was set back: begin anew.
                self.value = f64::NAN;
            }
            // The same measurement once more.
            Some((_, before_ms)) if t_ms == before_ms => return,
            Some((before, before_ms)) => {
                let increase = if value < before { value } else { value - before };
                self.value = increase * 1000.0 / (t_ms - before_ms) as f64;
            }
            None => {}
        }
        self.counter = Some((value, t_ms));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counter(name: &str, value: f64, t_ms: i64) -> Sample {
        Sample {
            shape: Shape::Counter,
            ..Sample::gauge(name, value, t_ms)
        }
    }

    #[test]
    fn a_counter_is_its_increase_per_second_and_a_restart_is_no_cliff() {
        let mut set = SeriesSet::new(10, Hold::Round);
        let mut rates = Vec::new();
        for (value, t_ms) in [(100.0, 0), (150.0, 10_000), (150.0, 20_000), (30.0, 30_000)] {
            set.begin_round();
            set.take(&counter("requests_total", value, t_ms), t_ms).unwrap();
            rates.push(set.frame(t_ms).1[0]);
        }
        assert!(rates[0].is_nan(), "one reading is no rate");
        assert_eq!(rates[1..], [5.0, 0.0, 3.0]);
    }

    #[test]
    fn at_the_limit_new_series_are_refused_and_counted_and_the_others_go_on() {
        let mut set = SeriesSet::new(2, Hold::For(1_000));
        for name in ["a", "b", "c", "d", "c"] {
            let took = set.take(&Sample::gauge(name, 1.0, 0), 0);
            assert_eq!(took.is_ok(), name < "c", "{took:?}");
        }
        assert_eq!((set.len(), set.refused, set.refused_series()), (2, 3, 2));
        assert!(set.is_limited(1) && !set.is_limited(LIMITED_MS + 1));
        set.take(&Sample::gauge("a", 7.0, 5), 5).unwrap();
        assert_eq!(set.frame(5).1, [7.0, 1.0]);
        // Who is silent for long gives the place away.
        set.take(&Sample::gauge("a", 8.0, 5), FORGET_MS + 1).unwrap();
        set.take(&Sample::gauge("c", 9.0, 5), FORGET_MS + 1).unwrap();
        let (schema, values) = set.frame(FORGET_MS + 1);
        let names: Vec<&str> = schema.iter().map(|spec| spec.name.as_str()).collect();
        assert_eq!((names, values), (vec!["a", "c"], vec![8.0, 9.0]));
    }

    #[test]
    fn what_was_not_in_the_last_round_or_is_stale_has_no_value_and_keeps_its_place() {
        let mut set = SeriesSet::new(9, Hold::Round);
        set.begin_round();
        set.take(&Sample::gauge("a", 1.0, 0), 0).unwrap();
        set.take(&Sample::gauge("b", 2.0, 0), 0).unwrap();
        let first = set.frame(0).0;
        set.begin_round();
        set.take(&Sample::gauge("b", 3.0, 0), 1).unwrap();
        let (schema, values) = set.frame(1);
        assert!(Arc::ptr_eq(&first, &schema));
        assert!(values[0].is_nan() && values[1] == 3.0);
        let mut set = SeriesSet::new(9, Hold::For(10));
        set.take(&Sample::gauge("a", 1.0, 0), 0).unwrap();
        assert_eq!(set.frame(10).1, [1.0]);
        assert!(set.frame(11).1[0].is_nan());
    }

    #[test]
    fn in_order_an_older_value_is_refused_and_changes_nothing() {
        let mut set = SeriesSet::new(9, Hold::For(60_000)).in_order();
        set.take(&counter("a_total", 10.0, 1_000), 5_000).unwrap();
        set.take(&counter("a_total", 30.0, 3_000), 5_000).unwrap();
        set.take(&Sample::gauge("b", 1.0, 2_500), 5_000).unwrap();
        let refused = set.take(&counter("a_total", 20.0, 2_000), 5_000).unwrap_err();
        assert!(
            refused.contains("measured 1000 ms before one of the same series"),
            "{refused}"
        );
        set.take(&counter("a_total", 30.0, 3_000), 5_000).unwrap();
        assert_eq!((set.frame(5_000).1, set.refused), (vec![10.0, 1.0], 1));
        // Elsewhere a counter whose sender's clock went back begins anew.
        let mut set = SeriesSet::new(9, Hold::For(60_000));
        set.take(&counter("a_total", 10.0, 3_000), 5_000).unwrap();
        set.take(&counter("a_total", 20.0, 2_000), 5_000).unwrap();
        assert_eq!(set.refused, 0);
    }

    #[test]
    fn a_delta_is_told_per_second() {
        let mut set = SeriesSet::new(9, Hold::For(10));
        let delta = Sample {
            shape: Shape::Delta(4.0),
            ..Sample::gauge("a_total", 8.0, 0)
        };
        set.take(&delta, 0).unwrap();
        assert_eq!(set.frame(0).1, [2.0]);
    }
}
