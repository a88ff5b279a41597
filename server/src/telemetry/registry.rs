//! The numbers behind the `metrics` facade.

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

/// Series at most. Further ones record into nothing and are counted in `farol_metrics_dropped_series_total`.
pub const MAX_SERIES: usize = 4096;

/// Upper bounds of histogram buckets, seconds. The last bucket, without a bound, is implied.
pub const BUCKETS: [f64; 12] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
];

/// See the module.
#[derive(Default)]
pub struct Registry {
    /// A std lock: read on registration, written when a series is new. Callers of the facade keep what they get.
    series: RwLock<HashMap<Key, Series>>,
    /// Help texts by metric name.
    help: Mutex<HashMap<String, String>>,
    dropped: AtomicU64,
    /// Counters in seconds, which the facade's whole-number counters cannot hold.
    seconds: Mutex<BTreeMap<String, f64>>,
}

enum Series {
    Counter(Arc<AtomicU64>),
    Gauge(Arc<AtomicU64>),
    Histogram(Arc<Buckets>),
}

/// A histogram with fixed buckets.
#[derive(Default)]
struct Buckets {
    counts: [AtomicU64; BUCKETS.len() + 1],
    /// Bits of an f64.
    sum: AtomicU64,
}

impl HistogramFn for Buckets {
    fn record(&self, value: f64) {
        if value.is_nan() {
            return;
        }
        let at = BUCKETS.partition_point(|bound| *bound < value);
        self.counts[at].fetch_add(1, Ordering::Relaxed);
        // The closure always answers, so there is no error to look at.
        let _ = self
            .sum
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |bits| {
                Some((f64::from_bits(bits) + value).to_bits())
            });
    }
}

/// All numbers at one moment, by metric name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    pub families: BTreeMap<String, Family>,
}

/// One metric with its series.
#[derive(Debug, Clone, PartialEq)]
pub struct Family {
    pub help: String,
    pub points: Vec<Point>,
}

/// One series.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Sorted by name.
    pub labels: Vec<(String, String)>,
    pub value: Value,
}

/// What a series holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Counter(f64),
    Gauge(f64),
    /// Counts per bucket of [`BUCKETS`] and the one above, not cumulative.
    Histogram {
        counts: Vec<u64>,
        sum: f64,
    },
}

impl Registry {
    /// Reads all numbers.
    pub fn snapshot(&self) -> Snapshot {
        let help = self.help.lock().unwrap_or_else(PoisonError::into_inner);
        let mut families: BTreeMap<String, Family> = BTreeMap::new();
        let mut add = |name: &str, labels: Vec<(String, String)>, value: Value| {
            let family = families.entry(name.to_owned()).or_insert_with(|| Family {
                help: help.get(name).cloned().unwrap_or_default(),
                points: Vec::new(),
            });
            family.points.push(Point { labels, value });
        };
        for (key, series) in self.series.read().unwrap_or_else(PoisonError::into_inner).iter() {
            let mut labels: Vec<(String, String)> = key
                .labels()
                .map(|label| (label.key().to_owned(), label.value().to_owned()))
                .collect();
            labels.sort();
            add(key.name(), labels, series.value());
        }
        let dropped = self.dropped.load(Ordering::Relaxed);
        if dropped > 0 {
            add(
                "farol_metrics_dropped_series_total",
                Vec::new(),
                Value::Counter(dropped as f64),
            );
        }
        for (name, secs) in self.seconds.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            add(name, Vec::new(), Value::Counter(*secs));
        }
        for family in families.values_mut() {
            family.points.sort_by(|a, b| a.labels.cmp(&b.labels));
        }
        Snapshot { families }
    }

    /// Sets a counter of seconds.
    pub fn set_counter_secs(&self, name: &str, secs: f64) {
        self.seconds
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.to_owned(), secs);
    }

    /// The series of a key, made by `make` when it is new and there is room.
    fn find<T>(
        &self,
        key: &Key,
        get: impl Fn(&Series) -> Option<T>,
        make: impl FnOnce() -> Series,
    ) -> Option<T> {
        if let Some(series) = self
            .series
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(key)
        {
            return get(series);
        }
        let mut all = self.series.write().unwrap_or_else(PoisonError::into_inner);
        if !all.contains_key(key) && all.len() >= MAX_SERIES {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        get(all.entry(key.clone()).or_insert_with(make))
    }

    fn note(&self, key: &KeyName, text: &SharedString) {
        let mut help = self.help.lock().unwrap_or_else(PoisonError::into_inner);
        help.insert(key.as_str().to_owned(), text.to_string());
    }
}

impl Series {
    fn value(&self) -> Value {
        match self {
            Series::Counter(count) => Value::Counter(count.load(Ordering::Relaxed) as f64),
            Series::Gauge(bits) => Value::Gauge(f64::from_bits(bits.load(Ordering::Relaxed))),
            Series::Histogram(buckets) => Value::Histogram {
                counts: buckets
                    .counts
                    .iter()
                    .map(|count| count.load(Ordering::Relaxed))
                    .collect(),
                sum: f64::from_bits(buckets.sum.load(Ordering::Relaxed)),
            },
        }
    }
}

impl Recorder for Registry {
    fn describe_counter(&self, key: KeyName, _: Option<Unit>, text: SharedString) {
        self.note(&key, &text);
    }

    fn describe_gauge(&self, key: KeyName, _: Option<Unit>, text: SharedString) {
        self.note(&key, &text);
    }

    fn describe_histogram(&self, key: KeyName, _: Option<Unit>, text: SharedString) {
        self.note(&key, &text);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let get = |series: &Series| match series {
            Series::Counter(count) => Some(count.clone()),
            _ => None,
        };
        self.find(key, get, || Series::Counter(Arc::default()))
            .map_or_else(Counter::noop, as_counter)
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        let get = |series: &Series| match series {
            Series::Gauge(bits) => Some(bits.clone()),
            _ => None,
        };
        self.find(key, get, || Series::Gauge(Arc::default()))
            .map_or_else(Gauge::noop, as_gauge)
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        let get = |series: &Series| match series {
            Series::Histogram(buckets) => Some(buckets.clone()),
            _ => None,
        };
        self.find(key, get, || Series::Histogram(Arc::default()))
            .map_or_else(Histogram::noop, Histogram::from_arc)
    }
}

fn as_counter<F: CounterFn + Send + Sync + 'static>(count: Arc<F>) -> Counter {
    Counter::from_arc(count)
}

fn as_gauge<F: GaugeFn + Send + Sync + 'static>(bits: Arc<F>) -> Gauge {
    Gauge::from_arc(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    const META: Metadata<'_> = Metadata::new("test", metrics::Level::INFO, None);

    #[test]
    fn numbers_of_each_kind_are_read_back() {
        let registry = Registry::default();
        registry
            .register_counter(&Key::from_name("c"), &META)
            .increment(3);
        registry
            .register_counter(&Key::from_name("c"), &META)
            .increment(1);
        registry.register_gauge(&Key::from_name("g"), &META).set(2.5);
        let histogram = registry.register_histogram(&Key::from_name("h"), &META);
        for value in [0.0005, 0.0006, 7.0, f64::NAN] {
            histogram.record(value);
        }
        let families = registry.snapshot().families;
        assert_eq!(families["c"].points[0].value, Value::Counter(4.0));
        assert_eq!(families["g"].points[0].value, Value::Gauge(2.5));
        let Value::Histogram { counts, sum } = &families["h"].points[0].value else {
            panic!()
        };
        assert_eq!(
            (counts[0], counts[1], counts[BUCKETS.len()]),
            (1, 1, 1),
            "a bound belongs to its bucket"
        );
        assert!((sum - 7.0011).abs() < 1e-9);
    }

    #[test]
    fn above_the_bound_series_are_dropped_and_counted() {
        let registry = Registry::default();
        for index in 0..MAX_SERIES + 5 {
            registry
                .register_counter(&Key::from_name(format!("c{index}")), &META)
                .increment(1);
        }
        let families = registry.snapshot().families;
        assert_eq!(
            families["farol_metrics_dropped_series_total"].points[0].value,
            Value::Counter(5.0)
        );
    }
}
