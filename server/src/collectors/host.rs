//! The machine as a whole: facts, uptime, tasks, open files, inodes, and what the kernel has of randomness
//! (proc_loadavg(5), proc_uptime(5), proc_sys_fs(5), random(4)).

use super::{
    CollectError, Collector, Place, Reading,
    kernel::{Buffer, KernelFile, Words, cut, decimal, number},
    metric::{Metric, gauge, metrics},
};
use crate::procstat;
use farol_model::{
    host::{HostInfo, LOCAL_HOST},
    metric::Unit,
};
use sysinfo::System;

const LOADAVG: &str = "/proc/loadavg";
const UPTIME: &str = "/proc/uptime";
const FILES: &str = "/proc/sys/fs/file-nr";
const INODES: &str = "/proc/sys/fs/inode-state";
const DENTRIES: &str = "/proc/sys/fs/dentry-state";
const ENTROPY: &str = "/proc/sys/kernel/random/entropy_avail";
const THREADS_MAX: &str = "/proc/sys/kernel/threads-max";
const AIO_NR: &str = "/proc/sys/fs/aio-nr";
const TERMINALS: &str = "/proc/sys/kernel/pty/nr";

metrics! {
    RUNNING = gauge("host_tasks_running", Unit::Count, "Runnable tasks", "running", "Tasks that run or could run.");
    TASKS = gauge("host_tasks", Unit::Count, "Tasks", "all", "Tasks (threads of all processes) that exist.");
    UP = gauge("host_uptime_seconds", Unit::Seconds, "Uptime", "uptime", "Time since the machine booted.");
    FILES_OPEN = gauge("host_open_files", Unit::Count, "Open files", "open", "Files, sockets and pipes that are open, counted once however many share them.");
    FILES_PERCENT = gauge("host_open_files_percent", Unit::Percent, "Open files, share", "open", "Open files as share of what the kernel allows.");
    INODES_HELD = gauge("host_inodes", Unit::Count, "Inodes in memory", "held", "Inodes that the kernel has in memory.");
    INODES_FREE = gauge("host_inodes_free", Unit::Count, "Inodes in memory", "unused", "Inodes in memory that nobody uses.");
    DENTRIES_HELD = gauge("host_dentries", Unit::Count, "Names in memory", "held", "Names of files that the kernel has in memory.");
    DENTRIES_UNUSED = gauge("host_dentries_unused", Unit::Count, "Names in memory", "unused", "Names in memory that nobody uses.");
    ENTROPY_BITS = gauge("host_entropy_bits", Unit::Count, "Randomness", "bits", "Bits of randomness that the kernel has. 256 is all that there is since Linux 5.18.");
    TASKS_PERCENT = gauge("host_tasks_percent", Unit::Percent, "Tasks, share", "tasks", "Tasks as share of what the kernel allows.");
    AIO = gauge("host_asynchronous_requests", Unit::Count, "Asynchronous requests", "reserved", "Requests that programs have reserved for asynchronous reads and writes.");
    TERMINALS_OPEN = gauge("host_terminals", Unit::Count, "Terminals", "open", "Pseudo terminals that are open.");
}

/// See the module.
pub struct Host {
    loadavg: KernelFile,
    uptime: KernelFile,
    files: KernelFile,
    inodes: KernelFile,
    dentries: KernelFile,
    entropy: KernelFile,
    terminals: KernelFile,
    threads_max: KernelFile,
    aio: KernelFile,
    buffer: Buffer,
}

impl Default for Host {
    fn default() -> Self {
        Host {
            loadavg: KernelFile::new(LOADAVG),
            uptime: KernelFile::new(UPTIME),
            files: KernelFile::new(FILES),
            inodes: KernelFile::new(INODES),
            dentries: KernelFile::new(DENTRIES),
            entropy: KernelFile::new(ENTROPY),
            terminals: KernelFile::new(TERMINALS),
            threads_max: KernelFile::new(THREADS_MAX),
            aio: KernelFile::new(AIO_NR),
            buffer: Buffer::default(),
        }
    }
}

impl Collector for Host {
    fn name(&self) -> &'static str {
        "host"
    }

    fn title(&self) -> &'static str {
        "Host"
    }

    fn source(&self) -> &'static str {
        "`/proc/loadavg`, `/proc/uptime`, `/proc/sys/fs/*` (proc_sys_fs(5)), `/proc/sys/kernel/random` (random(4)), `/proc/sys/kernel/pty/nr` (pty(7))"
    }

    fn metrics(&self) -> &'static [&'static Metric] {
        METRICS
    }

    fn place(&self) -> Place {
        Place::Shared
    }

    fn collect(&mut self, reading: &mut Reading) -> Result<(), CollectError> {
        let text = self.loadavg.read_record(&mut self.buffer);
        let (running, all) = tasks(text.map_err(|error| CollectError::reading(LOADAVG, &error))?).unzip();
        reading.count(&RUNNING, &[], running);
        reading.count(&TASKS, &[], all);
        let uptime = self.uptime.read_record(&mut self.buffer).ok();
        let uptime = uptime.and_then(|text| decimal(Words(text).next()?));
        reading.value(&UP, &[], uptime.unwrap_or(f64::NAN));
        if let Ok(text) = self.files.read_record(&mut self.buffer) {
            let (open, share) = open_files(text).unwrap_or((f64::NAN, f64::NAN));
            reading.value(&FILES_OPEN, &[], open);
            reading.value(&FILES_PERCENT, &[], share);
        }
        for (file, held, unused) in [
            (&mut self.inodes, &INODES_HELD, &INODES_FREE),
            (&mut self.dentries, &DENTRIES_HELD, &DENTRIES_UNUSED),
        ] {
            if let Ok(text) = file.read_record(&mut self.buffer) {
                let mut words = Words(text);
                reading.count(held, &[], words.number());
                reading.count(unused, &[], words.number());
            }
        }
        if let (Some(all), Some(most @ 1..)) = (all, self.threads_max.number(&mut self.buffer)) {
            reading.value(&TASKS_PERCENT, &[], 100.0 * all as f64 / most as f64);
        }
        for (file, metric) in [
            (&mut self.entropy, &ENTROPY_BITS),
            (&mut self.terminals, &TERMINALS_OPEN),
            (&mut self.aio, &AIO),
        ] {
            if let Some(count) = file.number(&mut self.buffer) {
                reading.count(metric, &[], Some(count));
            }
        }
        Ok(())
    }
}

/// The fourth field, `running/all` (proc_loadavg(5)).
fn tasks(text: &[u8]) -> Option<(u64, u64)> {
    let (running, all) = cut(Words(text).nth(3)?, b'/')?;
    Some((number(running)?, number(all)?))
}

/// Allocated, free and the most that may be (proc_sys_fs(5)): how many are open, and their share.
fn open_files(text: &[u8]) -> Option<(f64, f64)> {
    let mut words = Words(text);
    let open = words.number()?.saturating_sub(words.number()?) as f64;
    let most = words.number()? as f64;
    Some((open, if most > 0.0 { 100.0 * open / most } else { f64::NAN }))
}

/// Facts about this machine.
pub fn host_info() -> HostInfo {
    let cpu = System::new_with_specifics(
        sysinfo::RefreshKind::nothing().with_cpu(sysinfo::CpuRefreshKind::nothing()),
    );
    let (cpu_model, cpu_count) = cpu.map_or((None, 0), |system| {
        let brand = system
            .cpus()
            .first()
            .map(|cpu| cpu.brand().trim().to_owned())
            .filter(|brand| !brand.is_empty());
        (brand, system.cpus().len())
    });
    let memory_bytes = System::new_with_specifics(
        sysinfo::RefreshKind::nothing().with_memory(sysinfo::MemoryRefreshKind::nothing().with_ram()),
    )
    .map_or(0, |system| system.total_memory());
    HostInfo {
        id: LOCAL_HOST.to_owned(),
        name: System::host_name().unwrap_or_else(|_| LOCAL_HOST.to_owned()),
        os: System::long_os_version().ok(),
        kernel: System::kernel_version().ok(),
        arch: System::cpu_arch(),
        cpu_model,
        cpu_count: u32::try_from(cpu_count).unwrap_or(u32::MAX),
        memory_bytes,
        boot_ms: procstat::boot_ms().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_are_read_from_their_field_or_not_at_all() {
        assert_eq!(tasks(b"0.1 0.2 0.3 2/345 6789\n"), Some((2, 345)));
        assert_eq!(tasks(b"0.1 0.2 0.3"), None);
        assert_eq!(tasks(b"0.1 0.2 0.3 x/y 1"), None);
    }

    #[test]
    fn open_files_are_those_that_are_not_free() {
        assert_eq!(open_files(b"760\t10\t7500\n"), Some((750.0, 10.0)));
        assert_eq!(open_files(b"760"), None);
    }

    #[test]
    fn this_machine_has_a_name_processors_and_memory() {
        let info = host_info();
        assert!(!info.name.is_empty() && info.cpu_count > 0 && info.memory_bytes > 0);
    }
}
