//! What points of OpenTelemetry become (opentelemetry.io, "OTLP Specification" and "Prometheus and OpenMetrics Compatibility"). Pure.
//!
//! | point | becomes |
//! |---|---|
//! | gauge, sum that is not monotonic | its value |
//! | monotonic sum, cumulative or delta | `NAME_total`, per second |
//! | histogram | `NAME_bucket{le}`, `NAME_count`, `NAME_sum`, per second, as a scraped one |
//! | exponential histogram | the same with buckets at powers of two, into which its own fall without a rest |
//! | summary | a gauge per quantile, `NAME_count`, `NAME_sum` |
//!
//! A point is kept at the time that it came at. One that was measured long before, or far ahead, is refused ([`Window`]); so is one that
//! is older than the newest of its series, by the series. Names get the base unit as suffix and values are told in it. Attributes of the resource, of the scope and of the point become
//! labels; `service.name` is the source. What names a process (`process.*`, `telemetry.sdk.*`) is left out: it would make new series at
//! each start.

use super::sample::{Sample, Shape, label_from, name_from, segment_from};
use farol_model::metric::Unit;
use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value},
    metrics::v1::{
        AggregationTemporality, ExponentialHistogramDataPoint, HistogramDataPoint, Metric, NumberDataPoint,
        ResourceMetrics, SummaryDataPoint, exponential_histogram_data_point::Buckets, metric::Data,
        number_data_point::Value as Number,
    },
    resource::v1::Resource,
};
use std::collections::BTreeMap;

/// What the specification calls a service without a name.
const NO_NAME: &str = "unknown_service";
/// There is no value at this time ("no recorded value", a flag of a point).
const NO_RECORDED_VALUE: u32 = 1;
/// Buckets that an exponential histogram becomes at most.
const MAX_BUCKETS: usize = 200;

/// The points of one resource.
#[derive(Debug, Default, PartialEq)]
pub struct Points {
    /// Of the source.
    pub name: String,
    pub samples: Vec<Sample>,
    /// Where the samples of each point end.
    pub ends: Vec<usize>,
    /// Points that can be no samples.
    pub refused: u64,
    pub why: Option<String>,
}

/// Labels that all points of a scope share.
type Labels = BTreeMap<String, String>;

/// What all points of a metric share.
struct Form<'a> {
    /// With its unit.
    name: String,
    unit: Unit,
    /// Of values to the base unit.
    factor: f64,
    help: &'a str,
    labels: &'a Labels,
    window: Window,
}

/// When a point may have been measured. It is shown and kept at the time that it came at, so it must be of about then.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    pub now_ms: i64,
    /// How long before, milliseconds.
    pub late_ms: i64,
}

/// How long after now a point may have been measured, milliseconds: what clocks differ by. As long as Prometheus lets one.
const AHEAD_MS: i64 = 600_000;

impl Window {
    /// When it was measured; now when it does not say.
    fn time_of(self, nanos: u64) -> i64 {
        match i64::try_from(nanos / 1_000_000) {
            Ok(0) | Err(_) => self.now_ms,
            Ok(t_ms) => t_ms,
        }
    }

    /// Why a point of this time cannot be kept.
    fn problem(self, name: &str, nanos: u64) -> Option<String> {
        let late_ms = self.now_ms - self.time_of(nanos);
        let secs = late_ms.abs() / 1000;
        if late_ms > self.late_ms {
            let most = self.late_ms / 1000;
            return Some(format!(
                "{name} came too late: it was measured {secs} s ago, and {most} s are let in (ingest.late_secs)"
            ));
        }
        (late_ms < -AHEAD_MS).then(|| {
            let most = AHEAD_MS / 1000;
            format!(
                "{name} was measured {secs} s after now, and {most} s are let in: look at the sender's clock"
            )
        })
    }
}

/// Turns what one resource sent into samples.
pub fn points(sent: &ResourceMetrics, window: Window) -> Points {
    let (name, resource) = resource(sent.resource.as_ref());
    let mut points = Points {
        name,
        ..Points::default()
    };
    for scope in &sent.scope_metrics {
        let mut labels = resource.clone();
        scope_labels(scope.scope.as_ref(), &mut labels);
        for metric in &scope.metrics {
            points.metric(metric, &labels, window);
        }
    }
    points
}

fn resource(resource: Option<&Resource>) -> (String, Labels) {
    let mut labels = Labels::new();
    let mut name = None;
    for attribute in resource
        .map(|resource| resource.attributes.as_slice())
        .unwrap_or_default()
    {
        match attribute.key.as_str() {
            "service.name" => name = text(attribute.value.as_ref()).and_then(|text| segment_from(&text)),
            "service.instance.id" => add(&mut labels, "instance", attribute),
            key if key.starts_with("process.") || key.starts_with("telemetry.sdk.") => {}
            key => add(&mut labels, key, attribute),
        }
    }
    (name.unwrap_or_else(|| NO_NAME.to_owned()), labels)
}

fn scope_labels(scope: Option<&InstrumentationScope>, labels: &mut Labels) {
    let Some(scope) = scope else { return };
    if !scope.name.is_empty() {
        labels.insert("otel_scope_name".to_owned(), scope.name.clone());
    }
    for attribute in &scope.attributes {
        add(labels, &format!("otel_scope_{}", attribute.key), attribute);
    }
}

fn add(labels: &mut Labels, name: &str, attribute: &KeyValue) {
    if let Some(value) = text(attribute.value.as_ref()).filter(|_| !name.is_empty()) {
        labels.insert(label_from(name), value);
    }
}

/// A value as a label has it; None of what is none: maps, bytes, nothing.
fn text(value: Option<&AnyValue>) -> Option<String> {
    match value?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::BoolValue(value) => Some(value.to_string()),
        Value::IntValue(value) => Some(value.to_string()),
        Value::DoubleValue(value) => Some(value.to_string()),
        Value::ArrayValue(array) => {
            // Not arrays in arrays, which nobody bounds.
            let one = |value: &AnyValue| match value.value {
                Some(Value::ArrayValue(_) | Value::KvlistValue(_)) => None,
                _ => text(Some(value)),
            };
            Some(array.values.iter().filter_map(one).collect::<Vec<_>>().join(","))
        }
        _ => None,
    }
}

impl Points {
    fn metric(&mut self, metric: &Metric, labels: &Labels, window: Window) {
        let (suffix, unit, factor) = unit_of(&metric.unit);
        let mut name = name_from(&metric.name);
        if !suffix.is_empty() && !name.ends_with(suffix) {
            name.push_str(suffix);
        }
        let form = Form {
            name,
            unit,
            factor,
            help: &metric.description,
            labels,
            window,
        };
        match &metric.data {
            Some(Data::Gauge(gauge)) => {
                for point in &gauge.data_points {
                    self.point(&form, point.flags, point.time_unix_nano, |points| {
                        points.number(&form, point, Some(Shape::Gauge));
                    });
                }
            }
            Some(Data::Sum(sum)) => {
                let total = Form {
                    name: match sum.is_monotonic && !form.name.ends_with("_total") {
                        true => format!("{}_total", form.name),
                        false => form.name.clone(),
                    },
                    ..form
                };
                for point in &sum.data_points {
                    let shape = match sum.is_monotonic {
                        true => shape(
                            sum.aggregation_temporality,
                            point.start_time_unix_nano,
                            point.time_unix_nano,
                        ),
                        false if is_delta(sum.aggregation_temporality) => None,
                        false => Some(Shape::Gauge),
                    };
                    self.point(&total, point.flags, point.time_unix_nano, |points| {
                        points.number(&total, point, shape);
                    });
                }
            }
            Some(Data::Histogram(histogram)) => {
                for point in &histogram.data_points {
                    let shape = shape(
                        histogram.aggregation_temporality,
                        point.start_time_unix_nano,
                        point.time_unix_nano,
                    );
                    self.point(&form, point.flags, point.time_unix_nano, |points| {
                        points.histogram(&form, point, shape);
                    });
                }
            }
            Some(Data::ExponentialHistogram(histogram)) => {
                for point in &histogram.data_points {
                    let shape = shape(
                        histogram.aggregation_temporality,
                        point.start_time_unix_nano,
                        point.time_unix_nano,
                    );
                    self.point(&form, point.flags, point.time_unix_nano, |points| {
                        points.exponential(&form, point, shape);
                    });
                }
            }
            Some(Data::Summary(summary)) => {
                for point in &summary.data_points {
                    self.point(&form, point.flags, point.time_unix_nano, |points| {
                        points.summary(&form, point);
                    });
                }
            }
            None => self.refuse(format!("{} has no points of a kind that is known", form.name)),
        }
    }

    fn refuse(&mut self, why: String) {
        self.refused += 1;
        self.why.get_or_insert(why);
    }

    /// Takes one point by `take`, unless it is none or not of about now.
    fn point(&mut self, form: &Form<'_>, flags: u32, nanos: u64, take: impl FnOnce(&mut Points)) {
        if flags & NO_RECORDED_VALUE != 0 {
            return;
        }
        if let Some(why) = form.window.problem(&form.name, nanos) {
            return self.refuse(why);
        }
        let before = self.samples.len();
        take(self);
        if self.samples.len() > before {
            self.ends.push(self.samples.len());
        }
    }

    fn number(&mut self, form: &Form<'_>, point: &NumberDataPoint, shape: Option<Shape>) {
        let value = match point.value {
            Some(Number::AsDouble(value)) => value,
            Some(Number::AsInt(value)) => value as f64,
            None => return self.refuse(format!("{} has a point without a value", form.name)),
        };
        let Some(shape) = shape else {
            return self.refuse(no_shape(&form.name));
        };
        let base = form.sample(&point.attributes, point.time_unix_nano);
        self.samples.push(Sample {
            value: form.scaled(value),
            shape,
            unit: Some(form.unit),
            ..base
        });
    }

    fn histogram(&mut self, form: &Form<'_>, point: &HistogramDataPoint, shape: Option<Shape>) {
        let (bounds, counts) = (&point.explicit_bounds, &point.bucket_counts);
        if !counts.is_empty() && counts.len() != bounds.len() + 1 {
            return self.refuse(format!(
                "{} has {} buckets for {} bounds",
                form.name,
                counts.len(),
                bounds.len()
            ));
        }
        let mut sum = 0_u64;
        let mut buckets = Vec::new();
        for (bound, count) in bounds.iter().zip(counts) {
            sum = sum.saturating_add(*count);
            buckets.push((form.scaled(*bound), sum));
        }
        let Some(shape) = shape else {
            return self.refuse(no_shape(&form.name));
        };
        let base = form.sample(&point.attributes, point.time_unix_nano);
        self.buckets(form, &base, shape, &buckets, point.count, point.sum);
    }

    fn exponential(&mut self, form: &Form<'_>, point: &ExponentialHistogramDataPoint, shape: Option<Shape>) {
        let Some(shape) = shape else {
            return self.refuse(no_shape(&form.name));
        };
        let Some(buckets) = powers_of_two(point) else {
            return self.refuse(format!("{} has more than {MAX_BUCKETS} buckets", form.name));
        };
        let scaled: Vec<(f64, u64)> = buckets
            .into_iter()
            .map(|(bound, count)| (form.scaled(bound), count))
            .collect();
        let base = form.sample(&point.attributes, point.time_unix_nano);
        self.buckets(form, &base, shape, &scaled, point.count, point.sum);
    }

    /// `buckets` are bounds and how many are not above them.
    fn buckets(
        &mut self,
        form: &Form<'_>,
        base: &Sample,
        shape: Shape,
        buckets: &[(f64, u64)],
        count: u64,
        sum: Option<f64>,
    ) {
        let all = buckets.iter().copied().chain([(f64::INFINITY, count)]);
        for (bound, count) in all {
            let le = if bound.is_finite() {
                bound.to_string()
            } else {
                "+Inf".to_owned()
            };
            let bucket = Sample {
                name: format!("{}_bucket", base.name),
                value: count as f64,
                shape,
                ..base.clone()
            };
            self.samples.push(bucket.label("le", &le));
        }
        self.count_and_sum(form, base, shape, count, sum);
    }

    fn count_and_sum(&mut self, form: &Form<'_>, base: &Sample, shape: Shape, count: u64, sum: Option<f64>) {
        self.samples.push(Sample {
            name: format!("{}_count", base.name),
            value: count as f64,
            shape,
            ..base.clone()
        });
        self.samples.extend(sum.map(|sum| Sample {
            name: format!("{}_sum", base.name),
            value: form.scaled(sum),
            unit: Some(form.unit),
            shape,
            ..base.clone()
        }));
    }

    fn summary(&mut self, form: &Form<'_>, point: &SummaryDataPoint) {
        let base = form.sample(&point.attributes, point.time_unix_nano);
        for at in &point.quantile_values {
            let quantile = Sample {
                value: form.scaled(at.value),
                unit: Some(form.unit),
                ..base.clone()
            };
            self.samples
                .push(quantile.label("quantile", &at.quantile.to_string()));
        }
        self.count_and_sum(form, &base, Shape::Counter, point.count, Some(point.sum));
    }
}

impl Form<'_> {
    /// In the base unit. Parts of it are divided, so that 700 ms are 0.7 s and not a bit more.
    fn scaled(&self, value: f64) -> f64 {
        match self.factor < 1.0 {
            true => value / self.factor.recip().round(),
            false => value * self.factor,
        }
    }

    fn sample(&self, attributes: &[KeyValue], time_nanos: u64) -> Sample {
        let mut labels = self.labels.clone();
        for attribute in attributes {
            add(&mut labels, &attribute.key, attribute);
        }
        let t_ms = self.window.time_of(time_nanos);
        Sample {
            labels: labels.into_iter().collect(),
            help: self.help.to_owned(),
            ..Sample::gauge(&self.name, f64::NAN, t_ms)
        }
    }
}

fn is_delta(temporality: i32) -> bool {
    temporality == AggregationTemporality::Delta as i32
}

/// How a count is meant; None where it cannot be known.
fn shape(temporality: i32, start_nanos: u64, time_nanos: u64) -> Option<Shape> {
    if temporality == AggregationTemporality::Cumulative as i32 {
        return Some(Shape::Counter);
    }
    let nanos = time_nanos.checked_sub(start_nanos).filter(|_| start_nanos > 0)?;
    (is_delta(temporality) && nanos > 0).then_some(Shape::Delta(nanos as f64 / 1e9))
}

fn no_shape(name: &str) -> String {
    format!("{name} cannot be kept: send it cumulative, or a monotonic delta with the time that it began at")
}

/// The buckets of an exponential histogram as bounds at powers of two, and how many are not above each. A bucket of a scale from 0 on
/// lies between two of them (base 2^(2^-scale)); below it, its ends are such powers themselves.
fn powers_of_two(point: &ExponentialHistogramDataPoint) -> Option<Vec<(f64, u64)>> {
    // By power: how many values lie at most at 2^power and above 2^(power-1).
    let by_power = |buckets: Option<&Buckets>| -> Option<BTreeMap<i64, u64>> {
        let mut powers = BTreeMap::new();
        let Some(buckets) = buckets else {
            return Some(powers);
        };
        for (at, count) in buckets
            .bucket_counts
            .iter()
            .enumerate()
            .filter(|(_, count)| **count > 0)
        {
            let index = i64::from(buckets.offset).checked_add(i64::try_from(at).ok()?)?;
            let upper = index + 1;
            let power = match point.scale {
                0.. => {
                    let size = 1_i64
                        .checked_shl(point.scale.unsigned_abs())
                        .filter(|size| *size > 0)?;
                    upper.div_euclid(size) + i64::from(upper.rem_euclid(size) > 0)
                }
                _ => upper.checked_mul(
                    1_i64
                        .checked_shl(point.scale.unsigned_abs())
                        .filter(|size| *size > 0)?,
                )?,
            };
            let sum: &mut u64 = powers.entry(power.clamp(-1100, 1100)).or_insert(0);
            *sum = sum.saturating_add(*count);
        }
        (powers.len() <= MAX_BUCKETS).then_some(powers)
    };
    let (positive, negative) = (
        by_power(point.positive.as_ref())?,
        by_power(point.negative.as_ref())?,
    );
    let two = |power: i64| 2_f64.powi(i32::try_from(power).unwrap_or(i32::MAX));
    let mut sum = 0_u64;
    let mut bounds = Vec::new();
    // The most negative first. What lies between -2^p and -2^(p-1) is not above the latter.
    for (power, count) in negative.iter().rev() {
        sum = sum.saturating_add(*count);
        bounds.push((-two(power - 1), sum));
    }
    if point.zero_count > 0 || !negative.is_empty() {
        sum = sum.saturating_add(point.zero_count);
        bounds.push((point.zero_threshold.max(0.0), sum));
    }
    for (power, count) in positive {
        sum = sum.saturating_add(count);
        bounds.push((two(power), sum));
    }
    Some(bounds)
}

/// Suffix, unit, and the factor to it, of a unit of UCUM as OpenTelemetry uses them.
fn unit_of(unit: &str) -> (&'static str, Unit, f64) {
    let bytes = |factor: f64| ("_bytes", Unit::Bytes, factor);
    let seconds = |factor: f64| ("_seconds", Unit::Seconds, factor);
    match unit {
        "s" => seconds(1.0),
        "ms" => seconds(1e-3),
        "us" => seconds(1e-6),
        "ns" => seconds(1e-9),
        "min" => seconds(60.0),
        "h" => seconds(3600.0),
        "d" => seconds(86_400.0),
        "By" => bytes(1.0),
        "KiBy" => bytes(1024.0),
        "MiBy" => bytes(1024.0 * 1024.0),
        "GiBy" => bytes(1024.0 * 1024.0 * 1024.0),
        "kBy" => bytes(1e3),
        "MBy" => bytes(1e6),
        "GBy" => bytes(1e9),
        "By/s" => ("_bytes_per_second", Unit::BytesPerSecond, 1.0),
        "Cel" => ("_celsius", Unit::Celsius, 1.0),
        "Hz" => ("_hertz", Unit::Hertz, 1.0),
        "%" => ("_percent", Unit::Percent, 1.0),
        // `1` is a ratio or a count; `{request}` says what is counted.
        _ => ("", Unit::None, 1.0),
    }
}

#[cfg(test)]
#[path = "otlp_tests.rs"]
mod tests;
