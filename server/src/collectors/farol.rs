//! Farol's own metrics, as a collector like any other: what the facade has recorded, as rates and current values.

use super::{CollectError, Collector, Reading, Sample, rate::Rates};
use crate::telemetry::{
    self,
    registry::{BUCKETS, Snapshot, Value},
};
use farol_model::metric::{MetricSpec, Unit};
use std::time::Instant;

/// See the module.
#[derive(Default)]
pub struct Farol {
    rates: Rates,
    /// Request time buckets of the reading before.
    buckets: Vec<u64>,
    /// Processor seconds of this process at the reading before.
    cpu: Option<(f64, Instant)>,
}

impl Collector for Farol {
    fn name(&self) -> &'static str {
        "farol"
    }

    fn title(&self) -> &'static str {
        "Farol itself"
    }

    fn channel(&self) -> String {
        "apps/farol".to_owned()
    }

    fn collect(&mut self) -> Result<Sample, CollectError> {
        let now = Instant::now();
        let snapshot = telemetry::registry().snapshot();
        let mut reading = Reading::default();
        self.own_process(&mut reading, now);
        self.requests(&mut reading, &snapshot, now);
        self.live(&mut reading, &snapshot, now);
        collectors(&mut reading, &snapshot);
        Ok(Sample::Frame(reading))
    }
}

impl Farol {
    fn own_process(&mut self, reading: &mut Reading, now: Instant) {
        let usage = telemetry::own_usage();
        let share = usage.and_then(|(_, secs)| {
            let (before, at) = self.cpu.replace((secs, now))?;
            Some(100.0 * (secs - before) / now.duration_since(at).as_secs_f64())
        });
        reading.push(
            MetricSpec::gauge(
                "farol_cpu_percent",
                Unit::Percent,
                "Farol processor",
                "Farol",
                "Processor time of Farol, of one core.",
            ),
            share.unwrap_or(f64::NAN),
        );
        reading.push(
            MetricSpec::gauge(
                "farol_memory_bytes",
                Unit::Bytes,
                "Farol memory",
                "resident",
                "Resident memory of Farol.",
            ),
            usage.map_or(f64::NAN, |(rss_bytes, _)| rss_bytes as f64),
        );
    }

    fn requests(&mut self, reading: &mut Reading, snapshot: &Snapshot, now: Instant) {
        let total = sum(snapshot, "farol_http_requests_total");
        let rate = self.rates.per_second("requests", total as u64, now);
        reading.push(
            gauge(
                "farol_requests_per_second",
                Unit::PerSecond,
                "Requests",
                "all",
                "HTTP requests answered.",
            ),
            rate,
        );
        let now_buckets = buckets(snapshot, "farol_http_request_duration_seconds");
        let grown: Vec<u64> = now_buckets
            .iter()
            .enumerate()
            .map(|(at, count)| count.saturating_sub(self.buckets.get(at).copied().unwrap_or_default()))
            .collect();
        self.buckets = now_buckets;
        for (name, title, share) in [
            ("farol_request_p50_seconds", "half", 0.5),
            ("farol_request_p99_seconds", "99 of 100", 0.99),
        ] {
            let help = "Time within which so many requests of the last interval were answered; the bucket's upper bound.";
            reading.push(
                gauge(name, Unit::Seconds, "Request time", title, help),
                quantile(&grown, share),
            );
        }
    }

    fn live(&mut self, reading: &mut Reading, snapshot: &Snapshot, now: Instant) {
        for (name, unit, chart, title, from) in [
            (
                "farol_publications_per_second",
                Unit::PerSecond,
                "Live frames",
                "published",
                "farol_live_publications_total",
            ),
            (
                "farol_frames_sent_per_second",
                Unit::PerSecond,
                "Live frames",
                "sent",
                "farol_live_frames_sent_total",
            ),
            (
                "farol_bytes_sent_per_second",
                Unit::BytesPerSecond,
                "Live traffic",
                "sent",
                "farol_live_bytes_sent_total",
            ),
            (
                "farol_conflations_per_second",
                Unit::PerSecond,
                "Slow readers",
                "frames dropped",
                "farol_live_conflations_total",
            ),
        ] {
            let rate = self.rates.per_second(from, sum(snapshot, from) as u64, now);
            reading.push(gauge(name, unit, chart, title, "From Farol's live plane."), rate);
        }
        for (name, unit, chart, title, from) in [
            (
                "farol_connections",
                Unit::Count,
                "Connections",
                "live connections",
                "farol_live_connections",
            ),
            (
                "farol_sessions",
                Unit::Count,
                "Connections",
                "sessions",
                "farol_sessions",
            ),
            (
                "farol_queue_bytes",
                Unit::Bytes,
                "Live queue",
                "waiting",
                "farol_live_queue_bytes",
            ),
        ] {
            reading.push(
                gauge(name, unit, chart, title, "From Farol itself."),
                sum(snapshot, from),
            );
        }
    }
}

/// Mean time of each collector since the start.
fn collectors(reading: &mut Reading, snapshot: &Snapshot) {
    let Some(family) = snapshot.families.get("farol_collector_duration_seconds") else {
        return;
    };
    for point in &family.points {
        let (Value::Histogram { counts, sum }, Some((_, collector))) = (&point.value, point.labels.first())
        else {
            continue;
        };
        let readings: u64 = counts.iter().sum();
        let mean = if readings > 0 {
            sum / readings as f64
        } else {
            f64::NAN
        };
        let spec = gauge(
            "farol_collector_seconds",
            Unit::Seconds,
            "Collector time",
            collector,
            "Mean time of a reading.",
        );
        reading.push(spec.label("collector", collector), mean);
    }
}

fn gauge(name: &str, unit: Unit, chart: &str, title: &str, help: &str) -> MetricSpec {
    MetricSpec::gauge(name, unit, chart, title, help)
}

/// Over all series of a metric; 0 when nothing was recorded yet, which is what a counter then stands at.
fn sum(snapshot: &Snapshot, name: &str) -> f64 {
    snapshot.families.get(name).map_or(0.0, |family| {
        family
            .points
            .iter()
            .map(|point| match point.value {
                Value::Counter(value) | Value::Gauge(value) => value,
                Value::Histogram { .. } => 0.0,
            })
            .sum()
    })
}

fn buckets(snapshot: &Snapshot, name: &str) -> Vec<u64> {
    let mut all = vec![0; BUCKETS.len() + 1];
    for point in snapshot
        .families
        .get(name)
        .map_or(&[][..], |family| &family.points)
    {
        if let Value::Histogram { counts, .. } = &point.value {
            for (sum, count) in all.iter_mut().zip(counts) {
                *sum += count;
            }
        }
    }
    all
}

/// The upper bound of the bucket in which the share is reached; NaN without requests or above the last bound.
fn quantile(counts: &[u64], share: f64) -> f64 {
    let total: u64 = counts.iter().sum();
    if total == 0 {
        return f64::NAN;
    }
    let wanted = (share * total as f64).ceil() as u64;
    let mut below = 0;
    for (at, count) in counts.iter().enumerate() {
        below += count;
        if below >= wanted {
            return BUCKETS.get(at).copied().unwrap_or(f64::NAN);
        }
    }
    f64::NAN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_the_bound_of_its_bucket() {
        let mut counts = vec![0; BUCKETS.len() + 1];
        assert!(quantile(&counts, 0.5).is_nan(), "no requests, no time");
        (counts[1], counts[4]) = (9, 1);
        assert_eq!(quantile(&counts, 0.5), BUCKETS[1]);
        assert_eq!(quantile(&counts, 0.99), BUCKETS[4]);
        counts[BUCKETS.len()] = 1000;
        assert!(
            quantile(&counts, 0.99).is_nan(),
            "above the last bound nothing is known"
        );
    }

    #[test]
    fn farol_reads_its_own_memory() {
        let Ok(Sample::Frame(reading)) = Farol::default().collect() else {
            panic!("no reading")
        };
        assert!(reading.value("farol_memory_bytes").unwrap() > 1e6);
    }
}
