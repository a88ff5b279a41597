//! What is known of series over a time, and which series there are.

use farol_model::metric::MetricSpec;

/// What is known of some series over a range. Columns are as long as `times_ms`, NaN where there was no value.
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

/// What words that somebody typed have found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FoundSeries {
    /// Series that were found in all.
    pub total: usize,
    /// Metrics that have some of them, best first.
    pub names: Vec<FoundName>,
}

/// A metric and how many series of it were found.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundName {
    pub name: String,
    pub help: String,
    pub unit: i32,
    /// Where its live values are.
    pub channel: String,
    pub count: usize,
    /// Names of labels that tell its series apart.
    pub labels: Vec<String>,
}
