//! Control groups, version 2: processor, memory, traffic, tasks and pressure per slice, service, scope and container
//! (Documentation/admin-guide/cgroup-v2.rst). What a controller that is off would tell has no series.
//!
//! Groups are looked for once in [`LOOK_EVERY`] readings. [`MAX_GROUPS`] are told: those that are told already stay as long as
//! they exist, free places go to those of most memory, and the others are counted. `memory.stat` is not read: for it the kernel
//! gathers the counters of all cores. The older hierarchies of version 1 are not read.

use super::{
    CollectError, Collector, Reading,
    kernel::{Buffer, KernelFile, Words, cut, lines, may_keep_many, number},
    metric::{Metric, gauge, metrics, rate},
    mounts::Mounts,
    sysfs::names,
};
use farol_model::metric::Unit;
use std::path::{Path, PathBuf};

/// Groups that are told.
const MAX_GROUPS: usize = 48;
/// Groups that are looked at to choose them.
const MAX_SEEN: usize = 2000;
/// How deep below the root. Below that are groups that services and containers make for themselves.
const MAX_DEPTH: usize = 4;
/// Readings from one look to the next.
const LOOK_EVERY: u32 = 10;

metrics! {
    CPU = rate("cgroup_cpu_percent", Unit::Percent, "Processor by group", "{}", "Processor time of the group {}, of one core.").labels(&["cgroup"]).scale(1e-4);
    CPU_USER = rate("cgroup_cpu_user_percent", Unit::Percent, "Processor by group, user", "{}", "Processor time of the group {} in programs, of one core.").labels(&["cgroup"]).scale(1e-4);
    CPU_SYSTEM = rate("cgroup_cpu_system_percent", Unit::Percent, "Processor by group, kernel", "{}", "Processor time of the group {} in the kernel, of one core.").labels(&["cgroup"]).scale(1e-4);
    THROTTLED = rate("cgroup_cpu_throttled_percent", Unit::Percent, "Held back by a limit", "{}", "Time in which the group {} was held back by its processor limit.").labels(&["cgroup"]).scale(1e-4);
    MEMORY = gauge("cgroup_memory_bytes", Unit::Bytes, "Memory by group", "{}", "Memory of the group {}, files it holds included.").labels(&["cgroup"]);
    SWAP = gauge("cgroup_swap_bytes", Unit::Bytes, "Swap by group", "{}", "Swap that the group {} uses.").labels(&["cgroup"]);
    TASKS = gauge("cgroup_tasks", Unit::Count, "Tasks by group", "{}", "Processes and threads of the group {}.").labels(&["cgroup"]);
    OOM_KILLS = rate("cgroup_oom_kills_per_second", Unit::PerSecond, "Killed for lack of memory by group", "{}", "Processes of the group {} that were killed because memory ran out.").labels(&["cgroup"]);
    READ = rate("cgroup_read_bytes_per_second", Unit::BytesPerSecond, "Disk reads by group", "{}", "Bytes that the group {} read from disks.").labels(&["cgroup"]);
    WRITTEN = rate("cgroup_written_bytes_per_second", Unit::BytesPerSecond, "Disk writes by group", "{}", "Bytes that the group {} wrote to disks.").labels(&["cgroup"]);
    READS = rate("cgroup_read_operations_per_second", Unit::PerSecond, "Disk reads by group, operations", "{}", "Reads of the group {}.").labels(&["cgroup"]);
    WRITES = rate("cgroup_written_operations_per_second", Unit::PerSecond, "Disk writes by group, operations", "{}", "Writes of the group {}.").labels(&["cgroup"]);
    STALLED = rate("cgroup_stalled_percent", Unit::Percent, "Stalled by group, {1}", "{}", "Share of time in which a task of the group {} waited for {1}.").labels(&["cgroup", "resource"]).scale(1e-4);
    LEFT_OUT = gauge("cgroups_left_out", Unit::Count, "Groups left out", "left out", "Control groups above the limit of 48, which are not told.");
}

/// One group with its files, each of which may be missing.
struct Group {
    /// Below the root, e.g. `system.slice/nginx.service`.
    name: String,
    #[cfg(test)]
    folder: PathBuf,
    cpu: Option<KernelFile>,
    memory: Option<KernelFile>,
    swap: Option<KernelFile>,
    events: Option<KernelFile>,
    tasks: Option<KernelFile>,
    io: Option<KernelFile>,
    pressure: Vec<(&'static str, KernelFile)>,
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
        "`/sys/fs/cgroup` (admin-guide/cgroup-v2.rst)"
    }

    fn metrics(&self) -> &'static [&'static Metric] {
        METRICS
    }

    fn collect(&mut self, reading: &mut Reading) -> Result<(), CollectError> {
        if self.readings.is_multiple_of(LOOK_EVERY) {
            let root = Mounts::default().unified().ok_or_else(|| {
                CollectError::Unavailable("This machine has no control groups of version 2.".into())
            })?;
            self.look(Path::new(&root));
        }
        self.readings = self.readings.wrapping_add(1);
        for group in &mut self.groups {
            group.said(reading, &mut self.buffer);
        }
        if reading.values().is_empty() {
            self.readings = 0;
            return Err(CollectError::Unavailable(
                "The control groups of version 2 on this machine have no controllers.".into(),
            ));
        }
        reading.value(&LEFT_OUT, &[], self.left_out as f64);
        Ok(())
    }
}

impl Cgroups {
    fn look(&mut self, root: &Path) {
        let mut found = Vec::new();
        find(root, String::new(), 0, &mut found);
        self.groups
            .retain(|group| found.iter().any(|(name, _)| *name == group.name));
        let mut new: Vec<(String, PathBuf)> = found;
        new.retain(|(name, _)| self.groups.iter().all(|group| group.name != *name));
        let places = MAX_GROUPS.saturating_sub(self.groups.len());
        if new.len() > places {
            let memory = |folder: &Path| {
                KernelFile::at(folder.join("memory.current").display().to_string())
                    .number(&mut Buffer::default())
            };
            new.sort_by_cached_key(|(name, folder)| (std::cmp::Reverse(memory(folder)), name.clone()));
        }
        self.left_out = new.len().saturating_sub(places);
        self.groups.extend(
            new.into_iter()
                .take(places)
                .map(|(name, folder)| Group::new(name, folder)),
        );
        self.groups.sort_by(|a, b| a.name.cmp(&b.name));
    }
}

/// Groups below a folder, the folder itself first.
fn find(folder: &Path, name: String, depth: usize, found: &mut Vec<(String, PathBuf)>) {
    if found.len() >= MAX_SEEN {
        return;
    }
    let label = if name.is_empty() {
        "/".to_owned()
    } else {
        name.clone()
    };
    found.push((label, folder.to_owned()));
    if depth == MAX_DEPTH {
        return;
    }
    for child in names(folder) {
        let path = folder.join(&child);
        if path.is_dir() {
            let name = if name.is_empty() {
                child
            } else {
                format!("{name}/{child}")
            };
            find(&path, name, depth + 1, found);
        }
    }
}

impl Group {
    fn new(name: String, folder: PathBuf) -> Group {
        let kept = may_keep_many();
        let file = |name: &str| {
            let path = folder.join(name);
            path.is_file()
                .then(|| KernelFile::at(path.display().to_string()).kept(kept))
        };
        let pressure = [
            ("cpu", "cpu.pressure"),
            ("memory", "memory.pressure"),
            ("io", "io.pressure"),
        ];
        Group {
            cpu: file("cpu.stat"),
            memory: file("memory.current"),
            swap: file("memory.swap.current"),
            events: file("memory.events"),
            tasks: file("pids.current"),
            io: file("io.stat"),
            pressure: pressure
                .into_iter()
                .filter_map(|(resource, name)| Some((resource, file(name)?)))
                .collect(),
            name,
            #[cfg(test)]
            folder,
        }
    }

    /// A file that cannot be read has no value: the group may have gone since the last look.
    fn said(&mut self, reading: &mut Reading, buffer: &mut Buffer) {
        let label = [self.name.as_str()];
        if let Some(file) = &mut self.cpu {
            let text = file.read_record(buffer).unwrap_or_default();
            for (metric, word) in [
                (&CPU, "usage_usec"),
                (&CPU_USER, "user_usec"),
                (&CPU_SYSTEM, "system_usec"),
            ] {
                reading.count(metric, &label, value(text, word));
            }
            // Only where the controller is on.
            if let Some(held_back) = value(text, "throttled_usec") {
                reading.count(&THROTTLED, &label, Some(held_back));
            }
        }
        for (file, metric) in [
            (&mut self.memory, &MEMORY),
            (&mut self.swap, &SWAP),
            (&mut self.tasks, &TASKS),
        ] {
            if let Some(file) = file {
                reading.count(metric, &label, file.number(buffer));
            }
        }
        if let Some(file) = &mut self.events {
            let text = file.read_record(buffer).unwrap_or_default();
            reading.count(&OOM_KILLS, &label, value(text, "oom_kill"));
        }
        if let Some(file) = &mut self.io {
            let sums = traffic(file.read(buffer).unwrap_or_default());
            for (metric, sum) in [&READ, &WRITTEN, &READS, &WRITES].into_iter().zip(sums) {
                reading.count(metric, &label, Some(sum));
            }
        }
        for (resource, file) in &mut self.pressure {
            let text = file.read_record(buffer).unwrap_or_default();
            reading.count(&STALLED, &[label[0], resource], stalled(text));
        }
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

/// Stall time of `some`, microseconds.
pub fn stalled(text: &[u8]) -> Option<u64> {
    let line = lines(text).find(|line| line.starts_with(b"some"))?;
    Words(line).find_map(|word| number(word.strip_prefix(b"total=")?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        fs::{create_dir_all, remove_dir_all, write},
        time::{Duration, Instant},
    };

    fn make(root: &Path, name: &str, usage: u64) {
        let folder = root.join(name);
        create_dir_all(&folder).unwrap();
        write(
            folder.join("cpu.stat"),
            format!("usage_usec {usage}\nuser_usec 1\nsystem_usec 2\n"),
        )
        .unwrap();
        write(folder.join("memory.current"), format!("{usage}\n")).unwrap();
        write(
            folder.join("io.stat"),
            format!("8:0 rbytes={usage} wbytes=0 rios=1 wios=0\n8:16 rbytes=1 odd wios=x\n"),
        )
        .unwrap();
        write(
            folder.join("memory.pressure"),
            format!("some avg10=0.00 avg60=0.00 avg300=0.00 total={usage}\n"),
        )
        .unwrap();
    }

    fn read(cgroups: &mut Cgroups, reading: &mut Reading, at: Instant) {
        reading.begin(at);
        for group in &mut cgroups.groups {
            group.said(reading, &mut cgroups.buffer);
        }
        reading.end();
    }

    #[test]
    fn groups_are_told_by_their_path_and_only_with_what_their_controllers_tell() {
        let dir = tempfile::tempdir().unwrap();
        make(dir.path(), "system.slice/a.service", 1_000_000);
        let (mut cgroups, mut reading, start) = (Cgroups::default(), Reading::default(), Instant::now());
        cgroups.look(dir.path());
        read(&mut cgroups, &mut reading, start);
        make(dir.path(), "system.slice/a.service", 1_500_000);
        read(&mut cgroups, &mut reading, start + Duration::from_secs(1));
        let value = |name: &str| reading.value_of(name);
        assert_eq!(
            reading.schema()[0].label_value("cgroup"),
            Some("system.slice/a.service")
        );
        assert_eq!(value("cgroup_cpu_percent"), Some(50.0));
        assert_eq!(value("cgroup_memory_bytes"), Some(1_500_000.0));
        assert_eq!(value("cgroup_read_bytes_per_second"), Some(500_000.0));
        assert_eq!(value("cgroup_stalled_percent"), Some(50.0));
        assert_eq!(
            (value("cgroup_tasks"), value("cgroup_cpu_throttled_percent")),
            (None, None)
        );
        assert!(
            cgroups
                .groups
                .iter()
                .any(|group| group.folder == dir.path().join("system.slice/a.service"))
        );
    }

    #[test]
    fn one_that_went_has_no_value_until_the_next_look_and_then_no_series() {
        let dir = tempfile::tempdir().unwrap();
        make(dir.path(), "a", 1);
        let (mut cgroups, mut reading) = (Cgroups::default(), Reading::default());
        cgroups.look(dir.path());
        read(&mut cgroups, &mut reading, Instant::now());
        remove_dir_all(dir.path().join("a")).unwrap();
        let mut again = Cgroups::default();
        again.look(dir.path());
        read(&mut again, &mut Reading::default(), Instant::now());
        cgroups.look(dir.path());
        assert!(cgroups.groups.iter().all(|group| group.name == "/"));
    }

    #[test]
    fn above_the_limit_the_largest_are_told_those_told_stay_and_the_others_are_counted() {
        let dir = tempfile::tempdir().unwrap();
        for number in 0..MAX_GROUPS as u64 + 10 {
            make(dir.path(), &format!("g{number:03}"), number);
        }
        let mut cgroups = Cgroups::default();
        cgroups.look(dir.path());
        // The root has a place only when there is one left.
        assert_eq!((cgroups.groups.len(), cgroups.left_out), (MAX_GROUPS, 11));
        let has = |cgroups: &Cgroups, name: &str| cgroups.groups.iter().any(|group| group.name == name);
        assert!(has(&cgroups, "g057") && !has(&cgroups, "g000"));
        make(dir.path(), "g000", 1_000_000);
        cgroups.look(dir.path());
        assert!(!has(&cgroups, "g000"), "a place is not taken away");
        remove_dir_all(dir.path().join("g057")).unwrap();
        cgroups.look(dir.path());
        assert!(has(&cgroups, "g000"));
    }
}
