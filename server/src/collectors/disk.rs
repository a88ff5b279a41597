//! Disks: space per file system (sysinfo) and traffic per device (`/proc/diskstats`, the kernel's iostats document).
//!
//! sysinfo reports zero traffic where it finds no counters; reading them ourselves tells "none" from "not available".

use super::{CollectError, Collector, Reading, Sample, rate::Rates};
use farol_model::metric::{MetricSpec, Unit};
use std::{collections::HashSet, path::Path, time::Instant};
use sysinfo::{DiskRefreshKind, Disks};

const PATH: &str = "/proc/diskstats";
/// Sectors of diskstats are of this size whatever the device says.
const SECTOR_BYTES: u64 = 512;
/// File systems that hold no files of anybody.
const PSEUDO: [&str; 8] = [
    "tmpfs", "devtmpfs", "proc", "sysfs", "cgroup2", "squashfs", "ramfs", "efivarfs",
];

/// See the module.
#[derive(Default)]
pub struct Disk {
    disks: Option<Disks>,
    rates: Rates,
}

/// Counters of one whole device.
#[derive(Debug, PartialEq, Eq)]
struct Device<'a> {
    name: &'a str,
    reads: u64,
    sectors_read: u64,
    writes: u64,
    sectors_written: u64,
}

impl Collector for Disk {
    fn name(&self) -> &'static str {
        "disk"
    }

    fn title(&self) -> &'static str {
        "Disks"
    }

    fn collect(&mut self) -> Result<Sample, CollectError> {
        let mut reading = Reading::default();
        self.space(&mut reading)?;
        self.traffic(&mut reading);
        if reading.schema().is_empty() {
            return Err(CollectError::Unavailable(
                "This machine shows neither file systems nor disk counters.".into(),
            ));
        }
        Ok(Sample::Frame(reading))
    }
}

impl Disk {
    fn space(&mut self, reading: &mut Reading) -> Result<(), CollectError> {
        let what = DiskRefreshKind::nothing().with_storage();
        let disks = match &mut self.disks {
            Some(disks) => disks,
            None => {
                self.disks
                    .insert(Disks::new_with_refreshed_list_specifics(what).map_err(|error| {
                        CollectError::Failed(format!("File systems cannot be listed: {error}."))
                    })?)
            }
        };
        disks.refresh_specifics(true, what);
        let mut seen = HashSet::new();
        let mut listed: Vec<_> = disks.iter().collect();
        listed.sort_by_key(|disk| disk.mount_point().to_owned());
        for disk in listed {
            let kind = disk.file_system().to_string_lossy();
            let device = disk.name().to_string_lossy().into_owned();
            // The same device under a second place is a bind mount: its space is told once.
            if disk.total_space() == 0
                || PSEUDO.contains(&&*kind)
                || !seen.insert((device.clone(), disk.total_space()))
            {
                continue;
            }
            push_space(
                reading,
                disk.mount_point(),
                &device,
                disk.total_space() as f64,
                disk.available_space() as f64,
            );
        }
        Ok(())
    }

    fn traffic(&mut self, reading: &mut Reading) {
        // Without counters there are no series; space is told all the same.
        let Ok(text) = std::fs::read_to_string(PATH) else {
            return;
        };
        let now = Instant::now();
        let whole = |name: &str| Path::new("/sys/block").join(name.replace('/', "!")).is_dir();
        let devices: Vec<Device> = parse(&text)
            .into_iter()
            .filter(|device| whole(device.name))
            .collect();
        for device in &devices {
            let mut rate = |way: &str, what: &str, count: u64, unit: Unit, chart: &str, help: &str| {
                let name = format!("disk_{way}_{what}_per_second");
                let spec = MetricSpec::gauge(&name, unit, chart, &format!("{} {way}", device.name), help)
                    .label("device", device.name);
                let value = self.rates.per_second(&spec.key(), count, now);
                reading.push(spec, value);
            };
            let (read, written) = (
                device.sectors_read * SECTOR_BYTES,
                device.sectors_written * SECTOR_BYTES,
            );
            rate(
                "read",
                "bytes",
                read,
                Unit::BytesPerSecond,
                "Disk throughput",
                "Bytes read from the device.",
            );
            rate(
                "written",
                "bytes",
                written,
                Unit::BytesPerSecond,
                "Disk throughput",
                "Bytes written to the device.",
            );
            rate(
                "read",
                "operations",
                device.reads,
                Unit::PerSecond,
                "Disk operations",
                "Reads completed.",
            );
            rate(
                "written",
                "operations",
                device.writes,
                Unit::PerSecond,
                "Disk operations",
                "Writes completed.",
            );
        }
        self.rates.forget_before(now);
    }
}

fn push_space(reading: &mut Reading, mount: &Path, device: &str, total: f64, available: f64) {
    let mount = mount.display().to_string();
    let used = total - available;
    let mut push = |name: &str, unit: Unit, chart: &str, help: &str, value: f64| {
        let spec = MetricSpec::gauge(name, unit, chart, &mount, help)
            .label("mount", &mount)
            .label("device", device);
        reading.push(spec, value);
    };
    push(
        "disk_used_percent",
        Unit::Percent,
        "Space used",
        "Used space as share of the file system.",
        100.0 * used / total,
    );
    push(
        "disk_used_bytes",
        Unit::Bytes,
        "Space used, bytes",
        "Space that new files cannot have.",
        used,
    );
    push(
        "disk_available_bytes",
        Unit::Bytes,
        "Space available",
        "Space that new files can have.",
        available,
    );
    push(
        "disk_total_bytes",
        Unit::Bytes,
        "Size",
        "Size of the file system.",
        total,
    );
}

/// Devices that have ever done anything; loop and RAM devices are left out.
fn parse(text: &str) -> Vec<Device<'_>> {
    text.lines()
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_ascii_whitespace().collect();
            let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
            let name = *fields.get(2)?;
            let device = Device {
                name,
                reads: number(3)?,
                sectors_read: number(5)?,
                writes: number(7)?,
                sectors_written: number(9)?,
            };
            let idle = device.reads == 0 && device.writes == 0;
            (!idle && !name.starts_with("loop") && !name.starts_with("ram")).then_some(device)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_read_and_idle_or_virtual_ones_left_out() {
        let text = " 254 0 vda 10 1 80 5 20 2 160 7 0 1 2\n 7 0 loop0 5 0 10 0 5 0 10 0 0 0 0\n 8 0 sdz 0 0 0 0 0 0 0 0 0 0 0\nodd\n 8 1 x y\n";
        let device = Device {
            name: "vda",
            reads: 10,
            sectors_read: 80,
            writes: 20,
            sectors_written: 160,
        };
        assert_eq!(parse(text), [device]);
    }

    #[test]
    fn a_bind_mount_of_the_same_device_is_told_once() {
        let Ok(Sample::Frame(reading)) = Disk::default().collect() else {
            return;
        };
        let mut places = HashSet::new();
        for spec in reading
            .schema()
            .iter()
            .filter(|spec| spec.name == "disk_used_percent")
        {
            assert!(places.insert(spec.label_value("mount").unwrap().to_owned()));
        }
    }
}
