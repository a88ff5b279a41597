//! Disks: space per file system (statvfs(3)) and traffic per device (`/proc/diskstats`). Latency, queues and partitions are
//! [`super::disk_io`]'s, inodes [`super::filesystems`]'s.
//!
//! A file system of a network that does not answer holds this thread; the others go on.

use super::{
    CollectError, Collector, Reading,
    disk_io::{Devices, PATH},
    kernel::{Buffer, KernelFile},
    metric::{Metric, gauge, metrics, rate},
    mounts::Mounts,
};
use farol_model::metric::Unit;

/// Sectors of diskstats are of this size whatever the device says.
pub(super) const SECTOR_BYTES: f64 = 512.0;

metrics! {
    PERCENT = gauge("disk_used_percent", Unit::Percent, "Space used", "{}", "Used space as share of the file system.").labels(&["mount", "device"]);
    USED = gauge("disk_used_bytes", Unit::Bytes, "Space used, bytes", "{}", "Space that new files cannot have.").labels(&["mount", "device"]);
    AVAILABLE = gauge("disk_available_bytes", Unit::Bytes, "Space available", "{}", "Space that new files can have.").labels(&["mount", "device"]);
    TOTAL = gauge("disk_total_bytes", Unit::Bytes, "Size", "{}", "Size of the file system.").labels(&["mount", "device"]);
    READ_BYTES = rate("disk_read_bytes_per_second", Unit::BytesPerSecond, "Disk throughput", "{} read", "Bytes read from the device.").labels(&["device"]).scale(SECTOR_BYTES);
    WRITTEN_BYTES = rate("disk_written_bytes_per_second", Unit::BytesPerSecond, "Disk throughput", "{} written", "Bytes written to the device.").labels(&["device"]).scale(SECTOR_BYTES);
    READS = rate("disk_read_operations_per_second", Unit::PerSecond, "Disk operations", "{} read", "Reads completed.").labels(&["device"]);
    WRITES = rate("disk_written_operations_per_second", Unit::PerSecond, "Disk operations", "{} written", "Writes completed.").labels(&["device"]);
}

/// See the module.
pub struct Disk {
    mounts: Mounts,
    file: KernelFile,
    buffer: Buffer,
    devices: Devices,
}

impl Default for Disk {
    fn default() -> Self {
        Disk {
            mounts: Mounts::default(),
            file: KernelFile::new(PATH),
            buffer: Buffer::default(),
            devices: Devices::default(),
        }
    }
}

impl Collector for Disk {
    fn name(&self) -> &'static str {
        "disk"
    }

    fn title(&self) -> &'static str {
        "Disks"
    }

    fn source(&self) -> &'static str {
        "statvfs(3) of what `/proc/self/mountinfo` names; `/proc/diskstats` (admin-guide/iostats.rst)"
    }

    fn metrics(&self) -> &'static [&'static Metric] {
        METRICS
    }

    fn collect(&mut self, reading: &mut Reading) -> Result<(), CollectError> {
        let (mounts, _) = self.mounts.read()?;
        let mut found = false;
        for mount in mounts {
            let Ok(told) = rustix::fs::statvfs(&*mount.place) else {
                continue;
            };
            let total = told.f_blocks as f64 * told.f_frsize as f64;
            if total <= 0.0 {
                continue;
            }
            found = true;
            let available = told.f_bavail as f64 * told.f_frsize as f64;
            let used = (total - available).max(0.0);
            let labels = [mount.place.as_str(), mount.device.as_str()];
            reading.value(&PERCENT, &labels, 100.0 * used / total);
            reading.value(&USED, &labels, used);
            reading.value(&AVAILABLE, &labels, available);
            reading.value(&TOTAL, &labels, total);
        }
        // Without counters there are no series; space is told all the same.
        if let Ok(text) = self.file.read(&mut self.buffer) {
            for device in self.devices.read(text).iter().filter(|device| device.whole) {
                found = true;
                let now = &device.now;
                for (metric, count) in [
                    (&READ_BYTES, now.sectors_read),
                    (&WRITTEN_BYTES, now.sectors_written),
                    (&READS, now.reads),
                    (&WRITES, now.writes),
                ] {
                    reading.count(metric, &[&device.name], count);
                }
            }
        }
        match found {
            true => Ok(()),
            false => Err(CollectError::Unavailable(
                "This machine shows neither file systems nor disk counters.".into(),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_bind_mount_of_the_same_device_is_told_once_and_space_adds_up() {
        let mut reading = Reading::default();
        reading.begin(std::time::Instant::now());
        if Disk::default().collect(&mut reading).is_err() {
            return;
        }
        reading.end();
        let mut places = HashSet::new();
        for (spec, value) in reading.schema().iter().zip(reading.values()) {
            if spec.name == "disk_used_percent" {
                assert!(places.insert(spec.label_value("mount").unwrap().to_owned()));
                assert!((0.0..=100.0).contains(value), "{value}");
            }
        }
    }
}
