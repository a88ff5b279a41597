//! Disks in detail: how long operations took, how many wait, how busy the device was, what was merged, discarded and flushed, per
//! device and partition, from `/proc/diskstats` (Documentation/admin-guide/iostats.rst says what each column is).

use super::{
    CollectError, Collector, Place, Reading,
    disk::SECTOR_BYTES,
    kernel::{Buffer, KernelFile, Words, lines},
    metric::{Metric, gauge, metrics, rate},
};
use farol_model::metric::Unit;

pub(super) const PATH: &str = "/proc/diskstats";
/// Devices that are told, partitions included; the others are left out.
const MAX_DEVICES: usize = 64;

metrics! {
    READ_WAIT = gauge("disk_read_wait_seconds", Unit::Seconds, "Latency of {}", "read", "Mean time from request to completion of the reads of the last interval. No value when there were none.").labels(&["device"]);
    WRITE_WAIT = gauge("disk_write_wait_seconds", Unit::Seconds, "Latency of {}", "write", "Mean time from request to completion of the writes of the last interval. No value when there were none.").labels(&["device"]);
    DISCARD_WAIT = gauge("disk_discard_wait_seconds", Unit::Seconds, "Latency of {}", "discard", "Mean time of the discards of the last interval. No value when there were none.").labels(&["device"]);
    FLUSH_WAIT = gauge("disk_flush_wait_seconds", Unit::Seconds, "Latency of {}", "flush", "Mean time of the flushes of the last interval. No value when there were none.").labels(&["device"]);
    BUSY = rate("disk_busy_percent", Unit::Percent, "Utilisation", "{}", "Share of time in which the device had something to do. At 100 % one that works in parallel may still have room.").labels(&["device"]).scale(0.1);
    QUEUE = rate("disk_queue_length", Unit::None, "Queue", "{}", "Mean number of requests that waited or were worked at.").labels(&["device"]).scale(0.001);
    IN_FLIGHT = gauge("disk_in_flight", Unit::Count, "Requests under way", "{}", "Requests under way right now.").labels(&["device"]);
    READ_SIZE = gauge("disk_read_size_bytes", Unit::Bytes, "Size of operations", "{} read", "Mean size of the reads of the last interval. No value when there were none.").labels(&["device"]);
    WRITE_SIZE = gauge("disk_write_size_bytes", Unit::Bytes, "Size of operations", "{} written", "Mean size of the writes of the last interval. No value when there were none.").labels(&["device"]);
    READ_MERGES = rate("disk_read_merges_per_second", Unit::PerSecond, "Merged", "{} read", "Reads joined with others before they went to the device.").labels(&["device"]);
    WRITE_MERGES = rate("disk_write_merges_per_second", Unit::PerSecond, "Merged", "{} written", "Writes joined with others before they went to the device.").labels(&["device"]);
    DISCARDS = rate("disk_discards_per_second", Unit::PerSecond, "Discards and flushes", "{} discards", "Discards completed.").labels(&["device"]);
    DISCARDED = rate("disk_discarded_bytes_per_second", Unit::BytesPerSecond, "Discarded", "{}", "Bytes told to the device to be free.").labels(&["device"]).scale(SECTOR_BYTES);
    FLUSHES = rate("disk_flushes_per_second", Unit::PerSecond, "Discards and flushes", "{} flushes", "Flushes of the device's cache completed.").labels(&["device"]);
    PARTITION_READ = rate("partition_read_bytes_per_second", Unit::BytesPerSecond, "Partition throughput", "{} read", "Bytes read from the partition.").labels(&["device"]).scale(SECTOR_BYTES);
    PARTITION_WRITTEN = rate("partition_written_bytes_per_second", Unit::BytesPerSecond, "Partition throughput", "{} written", "Bytes written to the partition.").labels(&["device"]).scale(SECTOR_BYTES);
    PARTITION_READS = rate("partition_read_operations_per_second", Unit::PerSecond, "Partition operations", "{} read", "Reads of the partition completed.").labels(&["device"]);
    PARTITION_WRITES = rate("partition_written_operations_per_second", Unit::PerSecond, "Partition operations", "{} written", "Writes of the partition completed.").labels(&["device"]);
}

/// Counters of one device since boot, in the order of the file. None where an older kernel has no such column.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub reads: Option<u64>,
    pub reads_merged: Option<u64>,
    pub sectors_read: Option<u64>,
    pub read_ms: Option<u64>,
    pub writes: Option<u64>,
    pub writes_merged: Option<u64>,
    pub sectors_written: Option<u64>,
    pub write_ms: Option<u64>,
    pub in_flight: Option<u64>,
    pub busy_ms: Option<u64>,
    pub weighted_ms: Option<u64>,
    pub discards: Option<u64>,
    pub sectors_discarded: Option<u64>,
    pub discard_ms: Option<u64>,
    pub flushes: Option<u64>,
    pub flush_ms: Option<u64>,
}

/// One device or partition.
#[derive(Debug)]
pub struct Device {
    pub name: String,
    /// Not a partition.
    pub whole: bool,
    pub now: Counts,
    pub before: Counts,
}

/// Devices that have ever done anything, in the order of the file.
#[derive(Debug, Default)]
pub struct Devices(Vec<Device>);

impl Devices {
    /// Takes what the file says now.
    pub fn read(&mut self, text: &[u8]) -> &[Device] {
        let mut at = 0;
        for (name, now) in lines(text).filter_map(parse) {
            if at == MAX_DEVICES {
                break;
            }
            match self.0[at..].iter().position(|device| device.name == name) {
                // Those in between have gone.
                Some(ahead) => drop(self.0.drain(at..at + ahead)),
                None => self.0.insert(at, Device::new(name)),
            }
            let device = &mut self.0[at];
            device.before = std::mem::replace(&mut device.now, now);
            at += 1;
        }
        self.0.truncate(at);
        &self.0
    }
}

impl Device {
    fn new(name: &str) -> Device {
        let block = std::path::Path::new("/sys/block").join(name.replace('/', "!"));
        Device {
            name: name.to_owned(),
            whole: block.is_dir(),
            now: Counts::default(),
            before: Counts::default(),
        }
    }
}

/// A device that has ever done anything; loop and RAM devices are left out.
pub fn parse(line: &[u8]) -> Option<(&str, Counts)> {
    let mut words = Words(line);
    let name = std::str::from_utf8(words.nth(2)?).ok()?;
    let mut next = || words.number();
    let counts = Counts {
        reads: next(),
        reads_merged: next(),
        sectors_read: next(),
        read_ms: next(),
        writes: next(),
        writes_merged: next(),
        sectors_written: next(),
        write_ms: next(),
        in_flight: next(),
        busy_ms: next(),
        weighted_ms: next(),
        discards: next(),
        // Merged discards are told by nobody.
        sectors_discarded: next().and_then(|_| next()),
        discard_ms: next(),
        flushes: next(),
        flush_ms: next(),
    };
    let worked = counts.reads? > 0 || counts.writes? > 0;
    (worked && !name.starts_with("loop") && !name.starts_with("ram")).then_some((name, counts))
}

/// What one grew by for each one that the other grew by. NaN without any.
fn per(sum: [Option<u64>; 2], count: [Option<u64>; 2], scale: f64) -> f64 {
    let grown = |[now, before]: [Option<u64>; 2]| now?.checked_sub(before?);
    match (grown(sum), grown(count)) {
        (Some(sum), Some(count)) if count > 0 => sum as f64 * scale / count as f64,
        _ => f64::NAN,
    }
}

/// See the module.
pub struct DiskIo {
    file: KernelFile,
    buffer: Buffer,
    devices: Devices,
}

impl Default for DiskIo {
    fn default() -> Self {
        DiskIo {
            file: KernelFile::new(PATH),
            buffer: Buffer::default(),
            devices: Devices::default(),
        }
    }
}

impl Collector for DiskIo {
    fn name(&self) -> &'static str {
        "disk-io"
    }

    fn title(&self) -> &'static str {
        "Disks in detail"
    }

    fn source(&self) -> &'static str {
        "`/proc/diskstats` (admin-guide/iostats.rst)"
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
            &mut self.devices,
            reading,
        );
        match reading.values().is_empty() {
            true => Err(CollectError::Unavailable(
                "This machine has no disk that was ever used.".into(),
            )),
            false => Ok(()),
        }
    }
}

/// What the file says.
pub fn said(text: &[u8], devices: &mut Devices, reading: &mut Reading) {
    for device in devices.read(text) {
        let label = [device.name.as_str()];
        let (now, before) = (&device.now, &device.before);
        if !device.whole {
            reading.count(&PARTITION_READ, &label, now.sectors_read);
            reading.count(&PARTITION_WRITTEN, &label, now.sectors_written);
            reading.count(&PARTITION_READS, &label, now.reads);
            reading.count(&PARTITION_WRITES, &label, now.writes);
        }
        let (reads, writes) = ([now.reads, before.reads], [now.writes, before.writes]);
        reading.value(
            &READ_WAIT,
            &label,
            per([now.read_ms, before.read_ms], reads, 0.001),
        );
        reading.value(
            &WRITE_WAIT,
            &label,
            per([now.write_ms, before.write_ms], writes, 0.001),
        );
        reading.count(&BUSY, &label, now.busy_ms);
        reading.count(&QUEUE, &label, now.weighted_ms);
        reading.count(&IN_FLIGHT, &label, now.in_flight);
        reading.value(
            &READ_SIZE,
            &label,
            per([now.sectors_read, before.sectors_read], reads, SECTOR_BYTES),
        );
        reading.value(
            &WRITE_SIZE,
            &label,
            per(
                [now.sectors_written, before.sectors_written],
                writes,
                SECTOR_BYTES,
            ),
        );
        reading.count(&READ_MERGES, &label, now.reads_merged);
        reading.count(&WRITE_MERGES, &label, now.writes_merged);
        // Since Linux 4.18 and 5.5; what the kernel does not tell has no series.
        if now.discards.is_some() {
            reading.value(
                &DISCARD_WAIT,
                &label,
                per(
                    [now.discard_ms, before.discard_ms],
                    [now.discards, before.discards],
                    0.001,
                ),
            );
            reading.count(&DISCARDS, &label, now.discards);
            reading.count(&DISCARDED, &label, now.sectors_discarded);
        }
        if now.flushes.is_some() {
            reading.value(
                &FLUSH_WAIT,
                &label,
                per(
                    [now.flush_ms, before.flush_ms],
                    [now.flushes, before.flushes],
                    0.001,
                ),
            );
            reading.count(&FLUSHES, &label, now.flushes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collectors::tests::between;

    #[test]
    fn devices_are_read_and_idle_or_virtual_ones_left_out() {
        let text = b" 254 0 vda 10 1 80 5 20 2 160 7 0 1 2\n 7 0 loop0 5 0 10 0 5 0 10 0 0 0 0\n 8 0 sdz 0 0 0 0 0 0 0 0 0 0 0\nodd\n 8 1 x y\n";
        let all: Vec<_> = lines(text).filter_map(parse).collect();
        assert_eq!(all.len(), 1);
        let (name, counts) = all[0];
        assert_eq!(
            (name, counts.reads, counts.sectors_written, counts.discards),
            ("vda", Some(10), Some(160), None)
        );
    }

    #[test]
    fn latency_is_of_the_operations_of_the_interval_and_none_without_any() {
        let mut devices = Devices::default();
        let reading = between(
            b"8 0 sdq 10 0 80 100 5 0 40 50 0 100 200 1 0 8 2 4 8\n",
            b"8 0 sdq 12 0 112 130 5 0 40 50 3 600 1700 1 0 8 2 6 9\n",
            |text, reading| said(text, &mut devices, reading),
        );
        let value = |name: &str| reading.value_of(name).unwrap();
        assert_eq!(value("disk_read_wait_seconds"), 0.015);
        assert!(value("disk_write_wait_seconds").is_nan() && value("disk_discard_wait_seconds").is_nan());
        assert_eq!(value("disk_flush_wait_seconds"), 0.0005);
        assert_eq!(
            (
                value("disk_busy_percent"),
                value("disk_queue_length"),
                value("disk_in_flight")
            ),
            (50.0, 1.5, 3.0)
        );
        assert_eq!(value("disk_read_size_bytes"), 8192.0);
        assert_eq!(value("partition_read_operations_per_second"), 2.0);
    }

    #[test]
    fn devices_that_come_and_go_keep_their_own_counters() {
        let mut devices = Devices::default();
        devices.read(b"8 0 a 1 0 0 0 0 0 0\n8 1 b 2 0 0 0 0 0 0\n8 2 c 3 0 0 0 0 0 0\n");
        let names: Vec<_> = devices
            .read(b"8 2 c 4 0 0 0 0 0 0\n8 3 d 5 0 0 0 0 0 0\n")
            .iter()
            .map(|device| (device.name.clone(), device.before.reads))
            .collect();
        assert_eq!(names, [("c".to_owned(), Some(3)), ("d".to_owned(), None)]);
        assert!(devices.read(b"\xff\n").is_empty());
    }
}
