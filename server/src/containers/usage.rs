//! From the engine's counters to what one container uses, and the series that this is.
//!
//! Processor time is counted in nanoseconds on all cores, so its growth over our own clock is a share of one core. Memory is
//! told without the page cache that can be given back, as `docker stats` does (docs.docker.com, "docker container stats").

use super::wire::{BlockEntry, Stats};
use farol_model::{
    container::ContainerUsage,
    metric::{MetricSpec, Unit},
};
use std::{sync::Arc, time::Instant};

/// Counters that only grow, in the order of their rates in [`ContainerUsage`].
const COUNTERS: usize = 5;

/// Measures one container: its series, and its last counters.
#[derive(Debug)]
pub struct Meter {
    pub schema: Arc<[MetricSpec]>,
    last: Option<(Instant, [Option<u64>; COUNTERS])>,
}

impl Meter {
    pub fn new(container: &str) -> Self {
        Meter {
            schema: schema(container),
            last: None,
        }
    }

    /// Takes a reading. Rates need two, and counters that grew: after a restart of the container they begin anew.
    pub fn read(&mut self, stats: &Stats, now: Instant) -> ContainerUsage {
        let counters = counters(stats);
        let before = self.last.replace((now, counters));
        let rate = |at: usize| {
            let (then, before) = before?;
            let secs = now.saturating_duration_since(then).as_secs_f64();
            let grown = counters[at]?.checked_sub(before[at]?)?;
            (secs > 0.0).then(|| grown as f64 / secs)
        };
        let rate = |at| rate(at).unwrap_or(f64::NAN);
        let memory = &stats.memory_stats;
        let cache = memory.stats.inactive_file.or(memory.stats.total_inactive_file);
        let used = memory.usage.map(|usage| usage.saturating_sub(cache.unwrap_or(0)));
        ContainerUsage {
            cpu_percent: rate(0) / 1e9 * 100.0,
            memory_bytes: number(used),
            memory_limit_bytes: number(memory.limit),
            received_bytes_per_second: rate(1),
            sent_bytes_per_second: rate(2),
            read_bytes_per_second: rate(3),
            written_bytes_per_second: rate(4),
            processes: number(stats.pids_stats.current),
        }
    }

    /// The container does not run: what comes later is not the growth of what was before.
    pub fn pause(&mut self) {
        self.last = None;
    }
}

fn number(value: Option<u64>) -> f64 {
    value.map_or(f64::NAN, |value| value as f64)
}

fn counters(stats: &Stats) -> [Option<u64>; COUNTERS] {
    let networks = stats.networks.as_ref();
    let blocks = stats.blkio_stats.io_service_bytes_recursive.as_deref();
    let moved = |op: &str| {
        let of_op = |entry: &&BlockEntry| entry.op.eq_ignore_ascii_case(op);
        blocks.map(|entries| entries.iter().filter(of_op).map(|entry| entry.value).sum())
    };
    [
        Some(stats.cpu_stats.cpu_usage.total_usage),
        networks.map(|all| all.values().map(|one| one.rx_bytes).sum()),
        networks.map(|all| all.values().map(|one| one.tx_bytes).sum()),
        moved("read"),
        moved("write"),
    ]
}

/// The values by the places of [`schema`].
pub fn values(usage: &ContainerUsage) -> Vec<f64> {
    vec![
        usage.cpu_percent,
        usage.memory_bytes,
        usage.received_bytes_per_second,
        usage.sent_bytes_per_second,
        usage.read_bytes_per_second,
        usage.written_bytes_per_second,
        usage.processes,
    ]
}

fn schema(container: &str) -> Arc<[MetricSpec]> {
    let spec = |name: &str, unit, chart: &str, title: &str, help: &str| {
        MetricSpec::gauge(name, unit, chart, title, help).label("container", container)
    };
    let rate = Unit::BytesPerSecond;
    [
        spec(
            "container_cpu_percent",
            Unit::Percent,
            "CPU",
            "of one core",
            "Processor time of the engine's count, of one core: two busy threads are 200.",
        ),
        spec(
            "container_memory_used_bytes",
            Unit::Bytes,
            "Memory",
            "used",
            "Memory in use without page cache that can be given back.",
        ),
        spec(
            "container_network_received_bytes_per_second",
            rate,
            "Network",
            "in",
            "Bytes received on all its networks.",
        ),
        spec(
            "container_network_sent_bytes_per_second",
            rate,
            "Network",
            "out",
            "Bytes sent on all its networks.",
        ),
        spec(
            "container_block_read_bytes_per_second",
            rate,
            "Disk",
            "read",
            "Bytes read from block devices.",
        ),
        spec(
            "container_block_written_bytes_per_second",
            rate,
            "Disk",
            "written",
            "Bytes written to block devices.",
        ),
        spec(
            "container_processes",
            Unit::Count,
            "Processes",
            "running",
            "Processes and threads inside of it.",
        ),
    ]
    .into()
}

/// Series of all containers together.
pub fn total_schema() -> Arc<[MetricSpec]> {
    let spec = |name: &str, unit, chart: &str, title: &str, help: &str| {
        MetricSpec::gauge(name, unit, chart, title, help)
    };
    [
        spec(
            "containers_running",
            Unit::Count,
            "Containers",
            "running",
            "Containers that run now, by the engine's list.",
        ),
        spec(
            "containers_stopped",
            Unit::Count,
            "Containers",
            "not running",
            "Containers that exist and do not run, by the engine's list.",
        ),
        spec(
            "containers_memory_used_bytes",
            Unit::Bytes,
            "Memory of containers",
            "used",
            "Memory of all measured containers together.",
        ),
        spec(
            "containers_cpu_percent",
            Unit::Percent,
            "CPU of containers",
            "of one core",
            "Processor time of all measured containers together, of one core.",
        ),
    ]
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// As Podman 4.3 answered, cgroup v1, network `none`.
    const PODMAN: &str = include_str!("../../tests/containers/recorded/podman-stats.json");
    /// After the Docker Engine API 1.51 reference, cgroup v2.
    const DOCKER: &str = include_str!("../../tests/containers/recorded/docker-stats.json");

    #[test]
    fn rates_come_with_the_second_reading_and_start_anew_when_a_counter_shrank() {
        let mut stats: Stats = serde_json::from_str(DOCKER).unwrap();
        let mut meter = Meter::new("web");
        let start = Instant::now();
        let first = meter.read(&stats, start);
        assert!(first.cpu_percent.is_nan() && first.sent_bytes_per_second.is_nan());
        assert_eq!(first.memory_bytes, (6_537_216 - 2_000_000) as f64);
        assert_eq!(first.processes, 3.0);

        stats.cpu_stats.cpu_usage.total_usage += 3_000_000_000;
        stats.networks.as_mut().unwrap().get_mut("eth0").unwrap().tx_bytes += 4096;
        let second = meter.read(&stats, start + Duration::from_secs(2));
        assert_eq!(second.cpu_percent, 150.0);
        assert_eq!(second.sent_bytes_per_second, 2048.0);
        assert_eq!(second.read_bytes_per_second, 0.0);

        stats.cpu_stats.cpu_usage.total_usage = 5;
        let restarted = meter.read(&stats, start + Duration::from_secs(3));
        assert!(restarted.cpu_percent.is_nan());
    }

    #[test]
    fn what_podman_recorded_is_read_and_what_it_does_not_tell_is_not_zero() {
        let stats: Stats = serde_json::from_str(PODMAN).unwrap();
        let usage = Meter::new("one").read(&stats, Instant::now());
        assert_eq!(usage.memory_bytes, 925_696.0);
        assert_eq!(usage.processes, 2.0);
        let bare: Stats = serde_json::from_str("{}").unwrap();
        let usage = Meter::new("one").read(&bare, Instant::now());
        assert!(usage.memory_bytes.is_nan() && usage.processes.is_nan());
    }

    #[test]
    fn there_is_a_value_per_series() {
        let usage = Meter::new("a").read(&Stats::default(), Instant::now());
        assert_eq!(values(&usage).len(), schema("a").len());
    }
}
