//! What a collector can measure, as statics: a [`Metric`] describes one name, [`Fields`] the words of a file whose words the
//! kernel may add to. Specs are made from them only when the layout of a [`Reading`](super::Reading) changes.
//!
//! In `chart`, `title` and `help`, `{}` stands for the value of the first label and `{1}` for that of the second.

use farol_model::metric::{MetricSpec, Unit};

/// Declares the metrics of a collector, and lists them for docs/METRICS.md.
macro_rules! metrics {
    ($($name:ident = $metric:expr;)*) => {
        $(pub(super) static $name: $crate::collectors::metric::Metric = $metric;)*
        /// All that this collector can measure.
        pub static METRICS: &[&$crate::collectors::metric::Metric] = &[$(&$name),*];
    };
}
pub(super) use metrics;

/// One name, and what is told of it. Its address is its identity.
#[derive(Debug)]
pub struct Metric {
    /// Prometheus-style, with the base unit as suffix.
    pub name: &'static str,
    pub unit: Unit,
    pub chart: &'static str,
    pub title: &'static str,
    pub help: &'static str,
    /// Names of the labels; their values come with each number.
    pub labels: &'static [&'static str],
    /// What one of the kernel's counts is in the unit.
    pub scale: f64,
    /// The kernel tells a total that grows; the value is its growth per second.
    pub is_rate: bool,
}

/// A number as it stands.
pub const fn gauge(
    name: &'static str,
    unit: Unit,
    chart: &'static str,
    title: &'static str,
    help: &'static str,
) -> Metric {
    Metric {
        name,
        unit,
        chart,
        title,
        help,
        labels: &[],
        scale: 1.0,
        is_rate: false,
    }
}

/// The growth per second of a total.
pub const fn rate(
    name: &'static str,
    unit: Unit,
    chart: &'static str,
    title: &'static str,
    help: &'static str,
) -> Metric {
    Metric {
        is_rate: true,
        ..gauge(name, unit, chart, title, help)
    }
}

impl Metric {
    pub const fn labels(self, labels: &'static [&'static str]) -> Metric {
        Metric { labels, ..self }
    }

    pub const fn scale(self, scale: f64) -> Metric {
        Metric { scale, ..self }
    }

    /// Its spec with these values of its labels; `chart` replaces its own.
    pub fn spec(&self, labels: &[&str], chart: Option<&str>) -> MetricSpec {
        let fill = |text: &str| {
            let text = text.replace("{}", labels.first().copied().unwrap_or_default());
            text.replace("{1}", labels.get(1).copied().unwrap_or_default())
        };
        let chart = fill(chart.unwrap_or(self.chart));
        let spec = MetricSpec::gauge(self.name, self.unit, &chart, &fill(self.title), &fill(self.help));
        let pairs = self.labels.iter().zip(labels);
        pairs.fold(spec, |spec, (name, value)| spec.label(name, value))
    }
}

/// Words of a file and the metrics that they are. Its address is its identity.
pub struct Fields {
    /// Words with a metric of their own.
    pub named: &'static [(&'static str, &'static Metric)],
    /// The others: the metric, whose one label is the word, and its chart. None is left out.
    pub other: fn(&str) -> Option<(&'static Metric, &'static str)>,
}

impl Fields {
    /// The metric of a word, and the spec.
    pub fn resolve(&self, word: &str) -> Option<(&'static Metric, MetricSpec)> {
        if let Some((_, metric)) = self.named.iter().find(|(named, _)| *named == word) {
            return Some((metric, metric.spec(&[], None)));
        }
        let (metric, chart) = (self.other)(word)?;
        Some((metric, metric.spec(&[word], Some(chart))))
    }

    /// For files of which only the named words matter.
    pub const fn only(named: &'static [(&'static str, &'static Metric)]) -> Fields {
        Fields {
            named,
            other: |_| None,
        }
    }
}
