//! Memory and swap as people ask for them, from `/proc/meminfo` (proc_meminfo(5)). All the other parts are
//! [`super::memory_parts`]'s.

use super::{
    CollectError, Collector, Place, Reading,
    kernel::{Buffer, KernelFile, Words, cut, lines},
    metric::{Metric, gauge, metrics},
};
use farol_model::metric::Unit;

pub(super) const PATH: &str = "/proc/meminfo";

metrics! {
    USED = gauge("memory_used_bytes", Unit::Bytes, "Memory", "used", "Memory that cannot be given to new programs: total less available.");
    CACHED = gauge("memory_cached_bytes", Unit::Bytes, "Memory", "cached", "Files kept in memory, given back when needed.");
    BUFFERS = gauge("memory_buffers_bytes", Unit::Bytes, "Memory", "buffers", "Block device buffers, given back when needed.");
    FREE = gauge("memory_free_bytes", Unit::Bytes, "Memory", "free", "Memory that nobody uses.");
    AVAILABLE = gauge("memory_available_bytes", Unit::Bytes, "Memory available", "available", "Memory that new programs could get without swapping.");
    TOTAL = gauge("memory_total_bytes", Unit::Bytes, "Memory available", "total", "Memory that the kernel manages.");
    SWAP_USED = gauge("swap_used_bytes", Unit::Bytes, "Swap", "used", "Swap in use.");
    SWAP_FREE = gauge("swap_free_bytes", Unit::Bytes, "Swap", "free", "Swap not in use.");
    SWAP_TOTAL = gauge("swap_total_bytes", Unit::Bytes, "Swap", "total", "Swap configured.");
    PERCENT = gauge("memory_used_percent", Unit::Percent, "Memory use", "used", "Used memory as share of the total.");
}

/// See the module.
pub struct Memory {
    file: KernelFile,
    buffer: Buffer,
}

impl Default for Memory {
    fn default() -> Self {
        Memory {
            file: KernelFile::new(PATH),
            buffer: Buffer::default(),
        }
    }
}

impl Collector for Memory {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn title(&self) -> &'static str {
        "Memory"
    }

    fn source(&self) -> &'static str {
        "`/proc/meminfo` (proc_meminfo(5))"
    }

    fn metrics(&self) -> &'static [&'static Metric] {
        METRICS
    }

    fn place(&self) -> Place {
        Place::Shared
    }

    fn collect(&mut self, reading: &mut Reading) -> Result<(), CollectError> {
        let text = self.file.read(&mut self.buffer);
        said(
            text.map_err(|error| CollectError::reading(PATH, &error))?,
            reading,
        )
    }
}

/// `Name:   123 kB`, the unit missing where the number is a count.
pub(super) fn part(line: &[u8]) -> Option<(&str, u64)> {
    let (name, rest) = cut(line, b':')?;
    let mut words = Words(rest);
    let number = words.number()?;
    let scale = if words.next() == Some(b"kB") { 1024 } else { 1 };
    Some((std::str::from_utf8(name).ok()?, number.saturating_mul(scale)))
}

/// Parts that the summary is made of.
const PARTS: [&str; 8] = [
    "MemTotal",
    "MemFree",
    "MemAvailable",
    "Buffers",
    "Cached",
    "SReclaimable",
    "Shmem",
    "SwapTotal",
];

/// What the file says.
pub fn said(text: &[u8], reading: &mut Reading) -> Result<(), CollectError> {
    let mut parts = [f64::NAN; PARTS.len()];
    let mut swap_free = f64::NAN;
    for (name, bytes) in lines(text).filter_map(part) {
        if let Some(place) = PARTS.iter().position(|part| *part == name) {
            parts[place] = bytes as f64;
        } else if name == "SwapFree" {
            swap_free = bytes as f64;
        }
    }
    let [
        total,
        free,
        available,
        buffers,
        cached,
        reclaimable,
        shared,
        swap_total,
    ] = parts;
    if total.is_nan() || total <= 0.0 {
        return Err(CollectError::Failed(format!("{PATH} tells no total.")));
    }
    let used = (total - available).max(if available.is_nan() { f64::NAN } else { 0.0 });
    reading.value(&USED, &[], used);
    // What the kernel can give back without swapping; shared memory sits in the page cache but cannot be given back.
    reading.value(&CACHED, &[], difference(cached + reclaimable, shared));
    reading.value(&BUFFERS, &[], buffers);
    reading.value(&FREE, &[], free);
    reading.value(&AVAILABLE, &[], available);
    reading.value(&TOTAL, &[], total);
    if swap_total > 0.0 {
        reading.value(&SWAP_USED, &[], difference(swap_total, swap_free));
        reading.value(&SWAP_FREE, &[], swap_free);
        reading.value(&SWAP_TOTAL, &[], swap_total);
    }
    reading.value(&PERCENT, &[], 100.0 * used / total);
    Ok(())
}

/// What is left, never less than nothing: the parts are not read at one moment. NaN stays NaN.
fn difference(whole: f64, part: f64) -> f64 {
    let left = whole - part;
    if left < 0.0 { 0.0 } else { left }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Reading, CollectError> {
        let mut reading = Reading::default();
        reading.begin(std::time::Instant::now());
        said(text.as_bytes(), &mut reading)?;
        reading.end();
        Ok(reading)
    }

    #[test]
    fn parts_are_read_in_bytes_and_swap_only_where_there_is_some() {
        let text = "MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 600 kB\nBuffers: 10 kB\nCached: 500 kB\n\
                    SReclaimable: 20 kB\nShmem: 5 kB\nSwapTotal: 0 kB\nHugePages_Total: 3\nodd line\n";
        let reading = read(text).unwrap();
        assert_eq!(reading.value_of("memory_used_bytes"), Some(400.0 * 1024.0));
        assert_eq!(reading.value_of("memory_cached_bytes"), Some(515.0 * 1024.0));
        assert_eq!(reading.value_of("memory_used_percent"), Some(40.0));
        assert_eq!(reading.value_of("swap_used_bytes"), None);
    }

    #[test]
    fn a_part_that_is_not_told_is_no_value_and_without_a_total_there_is_no_reading() {
        let partial = read("MemTotal: 1000 kB\n").unwrap();
        assert!(partial.value_of("memory_used_bytes").unwrap().is_nan());
        assert!(partial.value_of("memory_cached_bytes").unwrap().is_nan());
        assert!(matches!(read(""), Err(CollectError::Failed(_))));
        assert!(read("MemTotal: 18446744073709551615 kB\nMemAvailable: 99999999999999999999 kB\n").is_ok());
    }
}
