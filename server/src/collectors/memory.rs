//! Memory and swap in all their parts, from `/proc/meminfo` (proc_meminfo(5)): sysinfo leaves out buffers and cache.

use super::{CollectError, Collector, Reading, Sample};
use farol_model::metric::{MetricSpec, Unit};
use std::collections::HashMap;

const PATH: &str = "/proc/meminfo";

/// See the module.
pub struct Memory;

impl Collector for Memory {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn title(&self) -> &'static str {
        "Memory"
    }

    fn collect(&mut self) -> Result<Sample, CollectError> {
        let text = std::fs::read_to_string(PATH).map_err(|error| CollectError::reading(PATH, &error))?;
        reading(&parse(&text)).map(Sample::Frame)
    }
}

/// `Name: 123 kB` lines, as bytes.
fn parse(text: &str) -> HashMap<&str, f64> {
    text.lines()
        .filter_map(|line| {
            let (name, rest) = line.split_once(':')?;
            let mut words = rest.split_ascii_whitespace();
            let number: f64 = words.next()?.parse().ok()?;
            Some((
                name,
                if words.next() == Some("kB") {
                    number * 1024.0
                } else {
                    number
                },
            ))
        })
        .collect()
}

fn reading(parts: &HashMap<&str, f64>) -> Result<Reading, CollectError> {
    let part = |name: &str| parts.get(name).copied().unwrap_or(f64::NAN);
    let total = part("MemTotal");
    if total.is_nan() || total <= 0.0 {
        return Err(CollectError::Failed(format!("{PATH} tells no total.")));
    }
    let (free, buffers) = (part("MemFree"), part("Buffers"));
    // What the kernel can give back without swapping; shared memory sits in the page cache but cannot be given back.
    let cached = part("Cached") + part("SReclaimable") - part("Shmem");
    let available = part("MemAvailable");
    let used = total - available;
    let mut reading = Reading::default();
    let mut bytes = |name: &str, chart: &str, title: &str, help: &str, value: f64| {
        reading.push(MetricSpec::gauge(name, Unit::Bytes, chart, title, help), value);
    };
    bytes(
        "memory_used_bytes",
        "Memory",
        "used",
        "Memory that cannot be given to new programs: total less available.",
        used,
    );
    bytes(
        "memory_cached_bytes",
        "Memory",
        "cached",
        "Files kept in memory, given back when needed.",
        cached,
    );
    bytes(
        "memory_buffers_bytes",
        "Memory",
        "buffers",
        "Block device buffers, given back when needed.",
        buffers,
    );
    bytes(
        "memory_free_bytes",
        "Memory",
        "free",
        "Memory that nobody uses.",
        free,
    );
    bytes(
        "memory_available_bytes",
        "Memory available",
        "available",
        "Memory that new programs could get without swapping.",
        available,
    );
    bytes(
        "memory_total_bytes",
        "Memory available",
        "total",
        "Memory that the kernel manages.",
        total,
    );
    let swap_total = part("SwapTotal");
    if swap_total > 0.0 {
        let swap_free = part("SwapFree");
        bytes(
            "swap_used_bytes",
            "Swap",
            "used",
            "Swap in use.",
            swap_total - swap_free,
        );
        bytes("swap_free_bytes", "Swap", "free", "Swap not in use.", swap_free);
        bytes(
            "swap_total_bytes",
            "Swap",
            "total",
            "Swap configured.",
            swap_total,
        );
    }
    reading.push(
        MetricSpec::gauge(
            "memory_used_percent",
            Unit::Percent,
            "Memory use",
            "used",
            "Used memory as share of the total.",
        ),
        100.0 * used / total,
    );
    Ok(reading)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_in_bytes_and_swap_only_where_there_is_some() {
        let text = "MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 600 kB\nBuffers: 10 kB\nCached: 500 kB\n\
                    SReclaimable: 20 kB\nShmem: 5 kB\nSwapTotal: 0 kB\nHugePages_Total: 3\nodd line\n";
        let reading = reading(&parse(text)).unwrap();
        assert_eq!(reading.value("memory_used_bytes"), Some(400.0 * 1024.0));
        assert_eq!(reading.value("memory_cached_bytes"), Some(515.0 * 1024.0));
        assert_eq!(reading.value("memory_used_percent"), Some(40.0));
        assert_eq!(reading.value("swap_used_bytes"), None);
    }

    #[test]
    fn a_part_that_is_not_told_is_no_value_and_without_a_total_there_is_no_reading() {
        let partial = reading(&parse("MemTotal: 1000 kB\n")).unwrap();
        assert!(partial.value("memory_used_bytes").unwrap().is_nan());
        assert!(matches!(reading(&parse("")), Err(CollectError::Failed(_))));
    }
}
