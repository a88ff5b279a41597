//! Control groups: processor, memory, traffic, tasks and pressure per slice, service, scope and container. What a controller that is
//! off would tell has no series.
//!
//! The kernel has two kinds of hierarchies: the unified one of version 2 (Documentation/admin-guide/cgroup-v2.rst), and those of
//! version 1, one for each controller (Documentation/admin-guide/cgroup-v1). A controller is in one of them, so a group is one name
//! with files in both ([`hierarchies`]), and what both tell comes out the same.
//!
//! Groups are looked for once in [`LOOK_EVERY`] readings. [`MAX_GROUPS`] are told: those that are told already stay as long as
//! they exist, free places go to those of most memory, and the others are counted. For `memory.stat` the kernel gathers the counters
//! of all cores: it is read once in [`STAT_EVERY`] readings, some groups each time, and told as it was in between.

mod files;
mod hierarchies;

use super::{
    CollectError, Collector, Reading,
    kernel::{Buffer, Words, cut, lines, number},
    metric::{Metric, gauge, metrics, rate},
    mounts::Mounts,
};
use farol_model::metric::Unit;
use files::Group;
use hierarchies::Hierarchies;

/// Groups that are told.
const MAX_GROUPS: usize = 48;
/// Readings from one look to the next.
const LOOK_EVERY: u32 = 10;
/// Readings from one of a group's `memory.stat` to the next.
const STAT_EVERY: usize = 5;

metrics! {
    CPU = rate("cgroup_cpu_percent", Unit::Percent, "Processor by group", "{}", "Processor time of the group {}, of one core.").labels(&["cgroup"]).scale(1e-4);
    CPU_USER = rate("cgroup_cpu_user_percent", Unit::Percent, "Processor by group, user", "{}", "Processor time of the group {} in programs, of one core.").labels(&["cgroup"]).scale(1e-4);
    CPU_SYSTEM = rate("cgroup_cpu_system_percent", Unit::Percent, "Processor by group, kernel", "{}", "Processor time of the group {} in the kernel, of one core.").labels(&["cgroup"]).scale(1e-4);
    THROTTLED = rate("cgroup_cpu_throttled_percent", Unit::Percent, "Held back by a limit", "{}", "Time in which the group {} was held back by its processor limit.").labels(&["cgroup"]).scale(1e-4);
    MEMORY = gauge("cgroup_memory_bytes", Unit::Bytes, "Memory by group", "{}", "Memory of the group {}, files it holds included.").labels(&["cgroup"]);
    SWAP = gauge("cgroup_swap_bytes", Unit::Bytes, "Swap by group", "{}", "Swap that the group {} uses.").labels(&["cgroup"]);
    MEMORY_PART = gauge("cgroup_memory_part_bytes", Unit::Bytes, "Memory by group, {1}", "{}", "Memory of the group {} that is {1}, as the kernel calls it in memory.stat: anon is of programs, file is held of files with what is shared (shmem), kernel is the kernel's for the group, slab and sock parts of it. As it was within the last five readings.").labels(&["cgroup", "part"]);
    TASKS = gauge("cgroup_tasks", Unit::Count, "Tasks by group", "{}", "Processes and threads of the group {}.").labels(&["cgroup"]);
    OOM_KILLS = rate("cgroup_oom_kills_per_second", Unit::PerSecond, "Killed for lack of memory by group", "{}", "Processes of the group {} that were killed because memory ran out.").labels(&["cgroup"]);
    READ = rate("cgroup_read_bytes_per_second", Unit::BytesPerSecond, "Disk reads by group", "{}", "Bytes that the group {} read from disks.").labels(&["cgroup"]);
    WRITTEN = rate("cgroup_written_bytes_per_second", Unit::BytesPerSecond, "Disk writes by group", "{}", "Bytes that the group {} wrote to disks.").labels(&["cgroup"]);
    READS = rate("cgroup_read_operations_per_second", Unit::PerSecond, "Disk reads by group, operations", "{}", "Reads of the group {}.").labels(&["cgroup"]);
    WRITES = rate("cgroup_written_operations_per_second", Unit::PerSecond, "Disk writes by group, operations", "{}", "Writes of the group {}.").labels(&["cgroup"]);
    STALLED = rate("cgroup_stalled_percent", Unit::Percent, "Stalled by group, {1}", "{}", "Share of time in which a task of the group {} waited for {1}.").labels(&["cgroup", "resource"]).scale(1e-4);
    LEFT_OUT = gauge("cgroups_left_out", Unit::Count, "Groups left out", "left out", "Control groups above the limit of 48, which are not told.");
}

/// See the module.
#[derive(Default)]
pub struct Cgroups {
    groups: Vec<Group>,
    left_out: usize,
    readings: u32,
    buffer: Buffer,
}

impl Collector for Cgroups {
    fn name(&self) -> &'static str {
        "cgroups"
    }

    fn title(&self) -> &'static str {
        "Control groups"
    }

    fn source(&self) -> &'static str {
        "`/sys/fs/cgroup` (admin-guide/cgroup-v2.rst; admin-guide/cgroup-v1 where controllers are there)"
    }

    fn metrics(&self) -> &'static [&'static Metric] {
        METRICS
    }

    fn collect(&mut self, reading: &mut Reading) -> Result<(), CollectError> {
        if self.readings.is_multiple_of(LOOK_EVERY) {
            let hierarchies = Hierarchies::of(&Mounts::default().control_groups());
            if hierarchies.is_empty() {
                return Err(CollectError::Unavailable(
                    "This machine has no control groups: neither of version 2 nor of version 1.".into(),
                ));
            }
            self.look(&hierarchies);
        }
        self.said(reading);
        if reading.values().is_empty() {
            self.readings = 0;
            return Err(CollectError::Unavailable(
                "The control groups of this machine have no controllers.".into(),
            ));
        }
        reading.value(&LEFT_OUT, &[], self.left_out as f64);
        Ok(())
    }
}

impl Cgroups {
    /// Finds the groups that are told from now on.
    fn look(&mut self, hierarchies: &Hierarchies) {
        let found = hierarchies.names();
        self.groups.retain(|group| found.contains(&group.name));
        let mut new = found;
        new.retain(|name| self.groups.iter().all(|group| group.name != *name));
        let places = MAX_GROUPS.saturating_sub(self.groups.len());
        if new.len() > places {
            new.sort_by_cached_key(|name| (std::cmp::Reverse(hierarchies.memory(name)), name.clone()));
        }
        self.left_out = new.len().saturating_sub(places);
        let new = new.into_iter().take(places);
        self.groups.extend(new.map(|name| Group::new(name, hierarchies)));
        self.groups.sort_by(|a, b| a.name.cmp(&b.name));
    }

    fn said(&mut self, reading: &mut Reading) {
        for (place, group) in self.groups.iter_mut().enumerate() {
            let turn = (self.readings as usize + place).is_multiple_of(STAT_EVERY);
            group.said(turn, reading, &mut self.buffer);
        }
        self.readings = self.readings.wrapping_add(1);
    }
}

/// The number beside a word.
pub fn value(text: &[u8], word: &str) -> Option<u64> {
    lines(text).find_map(|line| {
        let mut words = Words(line);
        (words.next()? == word.as_bytes()).then(|| words.number())?
    })
}

/// Bytes read and written, reads and writes, over all devices: `8:0 rbytes=1 wbytes=2 rios=3 wios=4 ...`
pub fn traffic(text: &[u8]) -> [u64; 4] {
    let mut sums = [0_u64; 4];
    for word in lines(text).flat_map(Words) {
        let Some((name, value)) = cut(word, b'=') else {
            continue;
        };
        let place = [&b"rbytes"[..], b"wbytes", b"rios", b"wios"]
            .iter()
            .position(|known| *known == name);
        if let (Some(place), Some(value)) = (place, number(value)) {
            sums[place] = sums[place].saturating_add(value);
        }
    }
    sums
}

/// The same of version 1, of one of its files: `8:0 Read 1` and `8:0 Write 2`, and sums that are left out.
pub fn transfers(text: &[u8]) -> [u64; 2] {
    let mut sums = [0_u64; 2];
    for line in lines(text) {
        let mut words = Words(line).skip(1);
        let place = match words.next() {
            Some(b"Read") => 0,
            Some(b"Write") => 1,
            _ => continue,
        };
        sums[place] = sums[place].saturating_add(words.next().and_then(number).unwrap_or(0));
    }
    sums
}

/// Stall time of `some`, microseconds.
pub fn stalled(text: &[u8]) -> Option<u64> {
    let line = lines(text).find(|line| line.starts_with(b"some"))?;
    Words(line).find_map(|word| number(word.strip_prefix(b"total=")?))
}

#[cfg(test)]
#[path = "cgroups/tests.rs"]
mod tests;
