//! The files of one group, open as long as it is told, and what they say. What a hierarchy does not have is not there.

use super::{
    CPU, CPU_SYSTEM, CPU_USER, MEMORY, MEMORY_PART, OOM_KILLS, READ, READS, STALLED, SWAP, TASKS, THROTTLED,
    WRITES, WRITTEN, hierarchies::Hierarchies, stalled, traffic, transfers, value,
};
use crate::collectors::{
    Reading,
    kernel::{Buffer, KernelFile, may_keep_many},
    metric::Metric,
};

/// A tick of `cpuacct.stat` (USER_HZ), microseconds.
const TICK_US: u64 = 10_000;
const RESOURCES: [&str; 3] = ["cpu", "memory", "io"];

/// Parts of a group's memory that are told, by the kernel's words of version 2, and what they are called in version 1, where some are
/// in files of their own or not told at all.
const PARTS: [(&str, &str); 6] = [
    ("anon", "total_rss"),
    ("file", "total_cache"),
    ("shmem", "total_shmem"),
    ("kernel", ""),
    ("slab", ""),
    ("sock", ""),
];

/// See the module.
pub(super) struct Group {
    /// Below the root, e.g. `system.slice/nginx.service`.
    pub(super) name: String,
    cpu: Option<Cpu>,
    memory: Option<KernelFile>,
    swap: Option<KernelFile>,
    stat: Option<Stat>,
    /// With a line `oom_kill`.
    events: Option<KernelFile>,
    tasks: Option<KernelFile>,
    io: Option<Io>,
    pressure: Vec<(&'static str, KernelFile)>,
}

enum Cpu {
    Unified(KernelFile),
    Legacy {
        /// Nanoseconds.
        usage: Option<KernelFile>,
        stat: Option<KernelFile>,
        /// Of the controller `cpu`.
        limit: Option<KernelFile>,
    },
}

enum Io {
    Unified(KernelFile),
    /// Bytes, and operations.
    Legacy([Option<KernelFile>; 2]),
}

/// `memory.stat`, and what it said last.
struct Stat {
    file: KernelFile,
    is_unified: bool,
    /// Parts that version 1 has in files of their own.
    beside: [(usize, Option<KernelFile>); 2],
    /// What is told at all, known since the first reading: the layout stays when a group goes.
    told: Option<[bool; SAID]>,
    last: [Option<u64>; SAID],
}

/// The parts, and swap where no file of its own tells it.
const SAID: usize = PARTS.len() + 1;

impl Group {
    pub(super) fn new(name: String, at: &Hierarchies) -> Group {
        let kept = may_keep_many();
        let unified = |file: &str| at.unified(&name, file).map(|file| file.kept(kept));
        let legacy = |controller: &str, file: &str| {
            let found = at.legacy(controller, &name, file);
            found.map(|file| file.kept(kept))
        };
        let usage = legacy("cpuacct", "cpuacct.usage");
        let stat = legacy("cpuacct", "cpuacct.stat");
        let limit = legacy("cpu", "cpu.stat");
        // The unified hierarchy tells the time without the controller too.
        let has_legacy = usage.is_some() || stat.is_some() || limit.is_some();
        let cpu = match has_legacy {
            true => Some(Cpu::Legacy { usage, stat, limit }),
            false => unified("cpu.stat").map(Cpu::Unified),
        };
        let recursive =
            |file: &str| legacy("blkio", &format!("{file}_recursive")).or_else(|| legacy("blkio", file));
        let bytes_and_operations = [
            recursive("blkio.throttle.io_service_bytes"),
            recursive("blkio.throttle.io_serviced"),
        ];
        let io = match bytes_and_operations.iter().any(Option::is_some) {
            true => Some(Io::Legacy(bytes_and_operations)),
            false => unified("io.stat").map(Io::Unified),
        };
        let pressure = |resource| Some((resource, unified(&format!("{resource}.pressure"))?));
        let beside = [
            (3, "memory.kmem.usage_in_bytes"),
            (5, "memory.kmem.tcp.usage_in_bytes"),
        ];
        let stat = |file: KernelFile, is_unified: bool| Stat {
            file,
            is_unified,
            beside: beside.map(|(part, file)| (part, legacy("memory", file))),
            told: None,
            last: [None; SAID],
        };
        Group {
            cpu,
            memory: unified("memory.current").or_else(|| legacy("memory", "memory.usage_in_bytes")),
            swap: unified("memory.swap.current"),
            stat: match unified("memory.stat") {
                Some(file) => Some(stat(file, true)),
                None => legacy("memory", "memory.stat").map(|file| stat(file, false)),
            },
            events: unified("memory.events").or_else(|| legacy("memory", "memory.oom_control")),
            tasks: unified("pids.current").or_else(|| legacy("pids", "pids.current")),
            io,
            pressure: RESOURCES.into_iter().filter_map(pressure).collect(),
            name,
        }
    }

    /// Says all of it. `turn`: `memory.stat` is to be read again. A file that cannot be read has no value: the group may have gone
    /// since the last look.
    pub(super) fn said(&mut self, turn: bool, reading: &mut Reading, buffer: &mut Buffer) {
        let label = [self.name.as_str()];
        if let Some(cpu) = &mut self.cpu {
            cpu.said(label, reading, buffer);
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
        if let Some(stat) = &mut self.stat {
            stat.said(turn, label, reading, buffer);
        }
        if let Some(file) = &mut self.events {
            let text = file.read_record(buffer).unwrap_or_default();
            reading.count(&OOM_KILLS, &label, value(text, "oom_kill"));
        }
        if let Some(io) = &mut self.io {
            io.said(label, reading, buffer);
        }
        for (resource, file) in &mut self.pressure {
            let text = file.read_record(buffer).unwrap_or_default();
            reading.count(&STALLED, &[label[0], resource], stalled(text));
        }
    }
}

impl Cpu {
    fn said(&mut self, label: [&str; 1], reading: &mut Reading, buffer: &mut Buffer) {
        let mut say = |metric, us| reading.count(metric, &label, us);
        match self {
            Cpu::Unified(file) => {
                let text = file.read_record(buffer).unwrap_or_default();
                say(&CPU, value(text, "usage_usec"));
                say(&CPU_USER, value(text, "user_usec"));
                say(&CPU_SYSTEM, value(text, "system_usec"));
                // Only where the controller is on.
                if let Some(held_back) = value(text, "throttled_usec") {
                    say(&THROTTLED, Some(held_back));
                }
            }
            Cpu::Legacy { usage, stat, limit } => {
                if let Some(file) = usage {
                    say(&CPU, file.number(buffer).map(|nanos| nanos / 1000));
                }
                if let Some(file) = stat {
                    let text = file.read_record(buffer).unwrap_or_default();
                    let us = |word| value(text, word)?.checked_mul(TICK_US);
                    say(&CPU_USER, us("user"));
                    say(&CPU_SYSTEM, us("system"));
                }
                if let Some(file) = limit {
                    let text = file.read_record(buffer).unwrap_or_default();
                    say(
                        &THROTTLED,
                        value(text, "throttled_time").map(|nanos| nanos / 1000),
                    );
                }
            }
        }
    }
}

impl Io {
    fn said(&mut self, label: [&str; 1], reading: &mut Reading, buffer: &mut Buffer) {
        const KINDS: [[&Metric; 2]; 2] = [[&READ, &WRITTEN], [&READS, &WRITES]];
        match self {
            Io::Unified(file) => {
                let sums = traffic(file.read(buffer).unwrap_or_default());
                for (metric, sum) in KINDS.into_iter().flatten().zip(sums) {
                    reading.count(metric, &label, Some(sum));
                }
            }
            Io::Legacy(files) => {
                for (file, metrics) in files.iter_mut().zip(KINDS) {
                    let Some(file) = file else { continue };
                    let sums = file.read(buffer).ok().map(transfers);
                    for (at, metric) in metrics.into_iter().enumerate() {
                        reading.count(metric, &label, sums.map(|sums| sums[at]));
                    }
                }
            }
        }
    }
}

impl Stat {
    fn said(&mut self, turn: bool, label: [&str; 1], reading: &mut Reading, buffer: &mut Buffer) {
        if turn || self.told.is_none() {
            self.last = self.read(buffer);
        }
        let told = self
            .told
            .get_or_insert_with(|| self.last.map(|bytes| bytes.is_some()));
        for (at, bytes) in self.last.into_iter().enumerate().filter(|(at, _)| told[*at]) {
            match PARTS.get(at) {
                Some((part, _)) => reading.count(&MEMORY_PART, &[label[0], part], bytes),
                None => reading.count(&SWAP, &label, bytes),
            }
        }
    }

    fn read(&mut self, buffer: &mut Buffer) -> [Option<u64>; SAID] {
        let text = self.file.read(buffer).unwrap_or_default();
        let mut said = [None; SAID];
        for (said, (unified, legacy)) in said.iter_mut().zip(PARTS) {
            *said = value(text, if self.is_unified { unified } else { legacy });
        }
        if !self.is_unified {
            said[PARTS.len()] = value(text, "total_swap");
            for (part, file) in &mut self.beside {
                said[*part] = file.as_mut().and_then(|file| file.number(buffer));
            }
        }
        said
    }
}
