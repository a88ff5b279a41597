//! File systems: inodes, space that only root may have, and whether one has become read-only, from statvfs(3); of ext4 also its
//! errors and what it wrote.
//!
//! A file system of a network that does not answer holds this thread; the others go on.

use super::{
    CollectError, Collector, Reading,
    kernel::{Buffer, KernelFile},
    metric::{Metric, gauge, metrics, rate},
    mounts::Mounts,
};
use farol_model::metric::Unit;

metrics! {
    PERCENT = gauge("filesystem_inodes_used_percent", Unit::Percent, "Inodes used, share", "{}", "Inodes in use as share of all: at 100 % no file can be made however much space there is.").labels(&["mount"]);
    USED = gauge("filesystem_inodes_used", Unit::Count, "Inodes used", "{}", "Files, folders and others that exist.").labels(&["mount"]);
    FREE = gauge("filesystem_inodes_free", Unit::Count, "Inodes free", "{}", "Files that can still be made.").labels(&["mount"]);
    RESERVED = gauge("filesystem_reserved_bytes", Unit::Bytes, "Space for root alone", "{}", "Free space that only root may use.").labels(&["mount"]);
    READ_ONLY = gauge("filesystem_read_only", Unit::None, "Read-only", "{}", "1 when the file system cannot be written to: so mounted, or by itself after an error.").labels(&["mount"]);
    ERRORS = gauge("filesystem_errors", Unit::Count, "Errors of file systems", "{}", "Errors that the file system has found in itself since it was last checked (ext4).").labels(&["mount"]);
    WRITTEN = rate("filesystem_written_bytes_per_second", Unit::BytesPerSecond, "Written by file systems", "{}", "Bytes that the file system wrote to its device, its own records included (ext4).").labels(&["mount"]).scale(1024.0);
    DELAYED = gauge("filesystem_delayed_blocks", Unit::Count, "Blocks without a place yet", "{}", "Blocks that are written to memory and have no place on the device yet (ext4).").labels(&["mount"]);
    LEFT_OUT = gauge("filesystems_left_out", Unit::Count, "File systems left out", "left out", "File systems above the limit of 64, which are not told.");
}

/// Files of ext4, and what they hold (Documentation/ABI/testing/sysfs-fs-ext4).
const EXT4: [(&str, &Metric); 3] = [
    ("errors_count", &ERRORS),
    ("lifetime_write_kbytes", &WRITTEN),
    ("delayed_allocation_blocks", &DELAYED),
];

/// See the module.
#[derive(Default)]
pub struct Filesystems {
    mounts: Mounts,
    buffer: Buffer,
}

impl Collector for Filesystems {
    fn name(&self) -> &'static str {
        "filesystems"
    }

    fn title(&self) -> &'static str {
        "File systems"
    }

    fn source(&self) -> &'static str {
        "statvfs(3) of what `/proc/self/mountinfo` (proc_pid_mountinfo(5)) names; `/sys/fs/ext4` (ABI/testing/sysfs-fs-ext4)"
    }

    fn metrics(&self) -> &'static [&'static Metric] {
        METRICS
    }

    fn collect(&mut self, reading: &mut Reading) -> Result<(), CollectError> {
        let (mounts, left_out) = self.mounts.read()?;
        for mount in mounts {
            let Ok(told) = rustix::fs::statvfs(&*mount.place) else {
                continue;
            };
            let label = [mount.place.as_str()];
            // btrfs and others make inodes as they need them, and tell none.
            if told.f_files > 0 {
                let used = told.f_files.saturating_sub(told.f_ffree) as f64;
                reading.value(&PERCENT, &label, 100.0 * used / told.f_files as f64);
                reading.value(&USED, &label, used);
                reading.value(&FREE, &label, told.f_favail as f64);
            }
            let reserved = told.f_bfree.saturating_sub(told.f_bavail) as f64 * told.f_frsize as f64;
            reading.value(&RESERVED, &label, reserved);
            let read_only = mount.read_only || told.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY);
            reading.value(&READ_ONLY, &label, f64::from(u8::from(read_only)));
            if mount.kind == "ext4" {
                let device = mount.device.rsplit('/').next().unwrap_or_default();
                for (name, metric) in EXT4 {
                    let mut file = KernelFile::at(format!("/sys/fs/ext4/{device}/{name}"));
                    if let Some(count) = file.number(&mut self.buffer) {
                        reading.count(metric, &label, Some(count));
                    }
                }
            }
        }
        if reading.values().is_empty() {
            return Err(CollectError::Unavailable(
                "This machine shows no file systems.".into(),
            ));
        }
        reading.value(&LEFT_OUT, &[], left_out as f64);
        Ok(())
    }
}
