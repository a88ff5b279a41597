//! Farol's own metrics, as a collector like any other: what the facade has recorded, as rates and current values.

use super::{
    CollectError, Collector, Place, Reading,
    metric::{Metric, gauge, metrics, rate},
};
use crate::{
    remote_write::health,
    telemetry::{
        self,
        registry::{BUCKETS, Point, Snapshot, Value},
    },
};
use farol_model::metric::Unit;

metrics! {
    CPU = gauge("farol_cpu_percent", Unit::Percent, "Farol processor", "Farol", "Processor time of Farol, of one core.");
    MEMORY = gauge("farol_memory_bytes", Unit::Bytes, "Farol memory", "resident", "Resident memory of Farol.");
    REQUESTS = rate("farol_requests_per_second", Unit::PerSecond, "Requests", "all", "HTTP requests answered.");
    P50 = gauge("farol_request_p50_seconds", Unit::Seconds, "Request time", "half", "Time within which so many requests of the last interval were answered; the bucket's upper bound.");
    P99 = gauge("farol_request_p99_seconds", Unit::Seconds, "Request time", "99 of 100", "Time within which so many requests of the last interval were answered; the bucket's upper bound.");
    PUBLICATIONS = rate("farol_publications_per_second", Unit::PerSecond, "Live frames", "published", "From Farol's live plane.");
    FRAMES = rate("farol_frames_sent_per_second", Unit::PerSecond, "Live frames", "sent", "From Farol's live plane.");
    BYTES = rate("farol_bytes_sent_per_second", Unit::BytesPerSecond, "Live traffic", "sent", "From Farol's live plane.");
    CONFLATIONS = rate("farol_conflations_per_second", Unit::PerSecond, "Slow readers", "frames dropped", "From Farol's live plane.");
    CONNECTIONS = gauge("farol_connections", Unit::Count, "Connections", "live connections", "From Farol itself.");
    SESSIONS = gauge("farol_sessions", Unit::Count, "Connections", "sessions", "From Farol itself.");
    QUEUE = gauge("farol_queue_bytes", Unit::Bytes, "Live queue", "waiting", "From Farol itself.");
    REMOTE_WAITING = gauge("farol_remote_write_waiting_bytes", Unit::Bytes, "Remote write queue", "{}", "What waits on disk to be sent to a receiver.").labels(&["remote_write"]);
    REMOTE_LAG = gauge("farol_remote_write_behind_seconds", Unit::Seconds, "Remote write lag", "{}", "Age of the oldest sample that waits to be sent.").labels(&["remote_write"]);
    REMOTE_SENT = rate("farol_remote_write_sent_per_second", Unit::PerSecond, "Remote write", "{} sent", "Samples that a receiver took.").labels(&["remote_write"]);
    REMOTE_DROPPED = rate("farol_remote_write_dropped_per_second", Unit::PerSecond, "Remote write", "{} dropped", "Samples that were not sent; `GET /metrics` tells the reasons.").labels(&["remote_write"]);
    COLLECTOR = gauge("farol_collector_seconds", Unit::Seconds, "Collector time", "{}", "Mean time of a reading.").labels(&["collector"]);
}

/// Totals of the registry, and what they are.
static TOTALS: [(&str, &Metric); 7] = [
    ("farol_live_publications_total", &PUBLICATIONS),
    ("farol_live_frames_sent_total", &FRAMES),
    ("farol_live_bytes_sent_total", &BYTES),
    ("farol_live_conflations_total", &CONFLATIONS),
    ("farol_live_connections", &CONNECTIONS),
    ("farol_sessions", &SESSIONS),
    ("farol_live_queue_bytes", &QUEUE),
];

/// See the module.
#[derive(Default)]
pub struct Farol {
    /// Request time buckets of the reading before.
    buckets: Vec<u64>,
    /// Processor seconds of this process at the reading before.
    cpu_secs: Option<f64>,
}

impl Collector for Farol {
    fn name(&self) -> &'static str {
        "farol"
    }

    fn title(&self) -> &'static str {
        "Farol itself"
    }

    fn source(&self) -> &'static str {
        "what Farol records of itself, as `GET /metrics` tells it; `/proc/self/stat`"
    }

    fn metrics(&self) -> &'static [&'static Metric] {
        METRICS
    }

    fn place(&self) -> Place {
        Place::Shared
    }

    fn channel(&self) -> String {
        "apps/farol".to_owned()
    }

    fn collect(&mut self, reading: &mut Reading) -> Result<(), CollectError> {
        let snapshot = telemetry::registry().snapshot();
        self.own_process(reading);
        self.requests(reading, &snapshot);
        for (from, metric) in TOTALS {
            reading.count(metric, &[], Some(sum(&snapshot, from) as u64));
        }
        remote_writes(reading, &snapshot);
        collectors(reading, &snapshot);
        Ok(())
    }
}

impl Farol {
    fn own_process(&mut self, reading: &mut Reading) {
        let usage = telemetry::own_usage();
        let share = usage.and_then(|(_, secs)| {
            let before = self.cpu_secs.replace(secs)?;
            Some(100.0 * (secs - before) / reading.elapsed_secs())
        });
        reading.value(&CPU, &[], share.unwrap_or(f64::NAN));
        reading.value(
            &MEMORY,
            &[],
            usage.map_or(f64::NAN, |(rss_bytes, _)| rss_bytes as f64),
        );
    }

    fn requests(&mut self, reading: &mut Reading, snapshot: &Snapshot) {
        let total = sum(snapshot, "farol_http_requests_total");
        reading.count(&REQUESTS, &[], Some(total as u64));
        let now_buckets = buckets(snapshot, "farol_http_request_duration_seconds");
        let grown: Vec<u64> = now_buckets
            .iter()
            .enumerate()
            .map(|(at, count)| count.saturating_sub(self.buckets.get(at).copied().unwrap_or_default()))
            .collect();
        self.buckets = now_buckets;
        reading.value(&P50, &[], quantile(&grown, 0.5));
        reading.value(&P99, &[], quantile(&grown, 0.99));
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
        reading.value(&COLLECTOR, &[collector], mean);
    }
}

/// How sending to each receiver stands.
fn remote_writes(reading: &mut Reading, snapshot: &Snapshot) {
    let Some(family) = snapshot.families.get(health::QUEUE_BYTES) else {
        return;
    };
    for point in &family.points {
        let Some((_, name)) = point.labels.first() else {
            continue;
        };
        let of = |metric: &str| sum_of(snapshot, metric, Some(name));
        reading.value(&REMOTE_WAITING, &[name], of(health::QUEUE_BYTES));
        reading.value(&REMOTE_LAG, &[name], of(health::LAG));
        reading.count(&REMOTE_SENT, &[name], Some(of(health::SENT) as u64));
        reading.count(&REMOTE_DROPPED, &[name], Some(of(health::DROPPED) as u64));
    }
}

/// Over all series of a metric; 0 when nothing was recorded yet, which is what a counter then stands at.
fn sum(snapshot: &Snapshot, name: &str) -> f64 {
    sum_of(snapshot, name, None)
}

/// The same over those series that have a label of this value.
fn sum_of(snapshot: &Snapshot, name: &str, value: Option<&str>) -> f64 {
    let meant = |point: &&Point| value.is_none_or(|value| point.labels.iter().any(|(_, one)| one == value));
    snapshot.families.get(name).map_or(0.0, |family| {
        family
            .points
            .iter()
            .filter(meant)
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
        let reading = crate::collectors::tests::read(&mut Farol::default());
        assert!(reading.value_of("farol_memory_bytes").unwrap() > 1e6);
    }
}
