//! The process table, and what the programs and users on the machine use together, from one look at `/proc`.
//!
//! Of each process one line is read each second (proc_pid_stat(5)), and its traffic (proc_pid_io(5)) where we may; owner and
//! command line only once. The start time together with the pid is what a signal is aimed with. A process that ends while it is
//! being read is left out.

use super::{
    CollectError, Collector, Reading,
    kernel::{Buffer, KernelFile, Words, lines, may_keep_many},
    metric::{Metric, gauge, metrics},
    usage::{Tally, Usage},
};
use crate::procstat::{self, ProcStat};
use farol_model::{metric::Unit, process::ProcessRow};
use rustix::fs::{Mode, OFlags, RawDir, SeekFrom};
use std::{collections::HashMap, os::fd::OwnedFd};
use sysinfo::{Uid, Users};

/// Longest command line that is kept, characters.
const MAX_COMMAND_CHARS: usize = 512;
/// Readings between two looks at the user list.
const USERS_EVERY: u32 = 60;
/// Processes whose files are kept open.
const MAX_KEPT: usize = 512;
/// Programs and users that are told; the others are counted.
const MAX_PROGRAMS: usize = 40;
const MAX_USERS: usize = 20;
const STATES: [&str; 6] = [
    "running",
    "sleeping",
    "waiting for disk",
    "stopped",
    "zombie",
    "idle",
];

metrics! {
    PROCESSES = gauge("processes", Unit::Count, "Processes by state", "{}", "Processes that are {}.").labels(&["state"]);
    PROGRAM_CPU = gauge("program_cpu_percent", Unit::Percent, "Processor by program", "{}", "Processor time of all processes of the name {}, of one core.").labels(&["program"]);
    PROGRAM_MEMORY = gauge("program_memory_bytes", Unit::Bytes, "Memory by program", "{}", "Resident memory of all processes of the name {}; what they share counts for each of them.").labels(&["program"]);
    PROGRAM_COUNT = gauge("program_processes", Unit::Count, "Processes by program", "{}", "Processes of the name {}.").labels(&["program"]);
    PROGRAM_THREADS = gauge("program_threads", Unit::Count, "Threads by program", "{}", "Threads of all processes of the name {}.").labels(&["program"]);
    PROGRAM_FAULTS = gauge("program_page_faults_per_second", Unit::PerSecond, "Page faults by program", "{}", "Times that processes of the name {} touched memory that was not mapped and was there.").labels(&["program"]);
    PROGRAM_MAJOR = gauge("program_page_faults_major_per_second", Unit::PerSecond, "Page faults by program, major", "{}", "Page faults of processes of the name {} that had to wait for a disk.").labels(&["program"]);
    PROGRAM_READ = gauge("program_read_bytes_per_second", Unit::BytesPerSecond, "Disk reads by program", "{}", "Bytes that processes of the name {} read from disks. No value where none of them may be looked at.").labels(&["program"]);
    PROGRAM_WRITTEN = gauge("program_written_bytes_per_second", Unit::BytesPerSecond, "Disk writes by program", "{}", "Bytes that processes of the name {} wrote to disks. No value where none of them may be looked at.").labels(&["program"]);
    USER_CPU = gauge("user_cpu_percent", Unit::Percent, "Processor by user", "{}", "Processor time of all processes of the user {}, of one core.").labels(&["user"]);
    USER_MEMORY = gauge("user_memory_bytes", Unit::Bytes, "Memory by user", "{}", "Resident memory of all processes of the user {}; what they share counts for each of them.").labels(&["user"]);
    USER_COUNT = gauge("user_processes", Unit::Count, "Processes by user", "{}", "Processes of the user {}.").labels(&["user"]);
    USER_THREADS = gauge("user_threads", Unit::Count, "Threads by user", "{}", "Threads of all processes of the user {}.").labels(&["user"]);
    USER_FAULTS = gauge("user_page_faults_per_second", Unit::PerSecond, "Page faults by user", "{}", "Times that processes of the user {} touched memory that was not mapped and was there.").labels(&["user"]);
    USER_MAJOR = gauge("user_page_faults_major_per_second", Unit::PerSecond, "Page faults by user, major", "{}", "Page faults of processes of the user {} that had to wait for a disk.").labels(&["user"]);
    USER_READ = gauge("user_read_bytes_per_second", Unit::BytesPerSecond, "Disk reads by user", "{}", "Bytes that processes of the user {} read from disks. No value where none of them may be looked at.").labels(&["user"]);
    USER_WRITTEN = gauge("user_written_bytes_per_second", Unit::BytesPerSecond, "Disk writes by user", "{}", "Bytes that processes of the user {} wrote to disks. No value where none of them may be looked at.").labels(&["user"]);
    PROGRAMS_LEFT_OUT = gauge("programs_left_out", Unit::Count, "Programs and users left out", "programs", "Names of programs above the limit of 40, which are not told.");
    USERS_LEFT_OUT = gauge("users_left_out", Unit::Count, "Programs and users left out", "users", "Users above the limit of 20, who are not told.");
}

static OF_PROGRAM: [&Metric; 8] = [
    &PROGRAM_CPU,
    &PROGRAM_MEMORY,
    &PROGRAM_COUNT,
    &PROGRAM_THREADS,
    &PROGRAM_FAULTS,
    &PROGRAM_MAJOR,
    &PROGRAM_READ,
    &PROGRAM_WRITTEN,
];
static OF_USER: [&Metric; 8] = [
    &USER_CPU,
    &USER_MEMORY,
    &USER_COUNT,
    &USER_THREADS,
    &USER_FAULTS,
    &USER_MAJOR,
    &USER_READ,
    &USER_WRITTEN,
];

/// One process, from when it was first seen.
struct Known {
    pid: u32,
    start_ticks: i64,
    name: String,
    user: String,
    command: String,
    stat: KernelFile,
    /// None where we may not look.
    io: Option<KernelFile>,
    /// Processor ticks at the reading before.
    ticks: Option<u64>,
    /// Page faults at the reading before, all minor ones and all major ones.
    faults: Option<(u64, u64)>,
    /// Bytes read and written at the reading before.
    bytes: Option<(u64, u64)>,
    /// Its places among the programs and users.
    program: usize,
    owner: usize,
}

/// See the module.
pub struct Processes {
    /// `/proc`, open since the first reading.
    folder: Option<OwnedFd>,
    /// Where names in it are read into.
    entries: Vec<u8>,
    pids: Vec<u32>,
    buffer: Buffer,
    /// By pid, ascending.
    known: Vec<Known>,
    users: HashMap<u32, String>,
    programs: Tally,
    owners: Tally,
    readings: u32,
    page_bytes: u64,
    keeps_files: bool,
}

impl Default for Processes {
    fn default() -> Self {
        Processes {
            folder: None,
            entries: Vec::new(),
            pids: Vec::new(),
            buffer: Buffer::default(),
            known: Vec::new(),
            users: HashMap::new(),
            programs: Tally::new(MAX_PROGRAMS),
            owners: Tally::new(MAX_USERS),
            readings: 0,
            page_bytes: rustix::param::page_size() as u64,
            keeps_files: may_keep_many(),
        }
    }
}

impl Collector for Processes {
    fn name(&self) -> &'static str {
        "processes"
    }

    fn title(&self) -> &'static str {
        "Processes"
    }

    fn source(&self) -> &'static str {
        "`/proc/PID/stat` (proc_pid_stat(5)), `/proc/PID/io` (proc_pid_io(5))"
    }

    fn metrics(&self) -> &'static [&'static Metric] {
        METRICS
    }

    fn collect(&mut self, reading: &mut Reading) -> Result<(), CollectError> {
        let boot_ms = procstat::boot_ms().map_err(|error| CollectError::reading("/proc/stat", &error))?;
        if self.readings.is_multiple_of(USERS_EVERY) {
            self.users = user_names();
        }
        self.readings = self.readings.wrapping_add(1);
        self.list()
            .map_err(|error| CollectError::reading("/proc", &error.into()))?;
        self.programs.begin();
        self.owners.begin();
        let mut states = [0_u32; STATES.len()];
        let rows = self.rows(boot_ms, reading.elapsed_secs(), &mut states);
        reading.table(rows);
        for (state, count) in STATES.iter().zip(states) {
            reading.value(&PROCESSES, &[state], f64::from(count));
        }
        self.programs.end();
        self.owners.end();
        self.programs.say(&OF_PROGRAM, &PROGRAMS_LEFT_OUT, reading);
        self.owners.say(&OF_USER, &USERS_LEFT_OUT, reading);
        Ok(())
    }
}

impl Processes {
    /// The numbers of all processes, ascending.
    fn list(&mut self) -> rustix::io::Result<()> {
        let folder = match self.folder.take() {
            Some(folder) => folder,
            None => rustix::fs::open(
                "/proc",
                OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
                Mode::empty(),
            )?,
        };
        rustix::fs::seek(&folder, SeekFrom::Start(0))?;
        self.pids.clear();
        self.entries.reserve(16 * 1024);
        let mut names = RawDir::new(&folder, self.entries.spare_capacity_mut());
        while let Some(entry) = names.next() {
            let name = super::kernel::number(entry?.file_name().to_bytes());
            self.pids.extend(name.and_then(|pid| u32::try_from(pid).ok()));
        }
        self.folder = Some(folder);
        self.pids.sort_unstable();
        Ok(())
    }

    /// Reads each process, and forgets those that have ended.
    fn rows(&mut self, boot_ms: i64, secs: f64, states: &mut [u32; STATES.len()]) -> Vec<ProcessRow> {
        let mut rows = Vec::with_capacity(self.pids.len());
        let mut before = std::mem::take(&mut self.known).into_iter().peekable();
        let mut known = Vec::with_capacity(self.pids.len());
        for pid in std::mem::take(&mut self.pids) {
            while before.next_if(|old| old.pid < pid).is_some() {}
            let old = before.next_if(|old| old.pid == pid);
            let keeps = self.keeps_files && known.len() < MAX_KEPT;
            if let Some((process, row, stat)) = self.one(pid, old, keeps, boot_ms, secs) {
                if let Some(place) = STATES.iter().position(|state| *state == stat.state_word()) {
                    states[place] += 1;
                }
                rows.push(row);
                known.push(process);
            }
        }
        self.known = known;
        rows
    }

    fn one(
        &mut self,
        pid: u32,
        old: Option<Known>,
        keeps: bool,
        boot_ms: i64,
        secs: f64,
    ) -> Option<(Known, ProcessRow, ProcStat)> {
        let mut file = None;
        let mut old = old;
        let line = match &mut old {
            Some(old) => old.stat.read_record(&mut self.buffer),
            None => file.insert(stat_file(pid, keeps)).read_record(&mut self.buffer),
        };
        // Another process may have been given the number: the file that was open is of the one that has ended.
        let line = match line {
            Ok(line) => line,
            Err(_) => {
                old?;
                old = None;
                file.insert(stat_file(pid, keeps))
                    .read_record(&mut self.buffer)
                    .ok()?
            }
        };
        let stat = ProcStat::parse(line)?;
        let name = ProcStat::name(line)?;
        let same = old.filter(|old| old.start_ticks == stat.start_ticks && old.name.as_bytes() == name);
        let mut process = match same {
            Some(known) => known,
            None => {
                let name = String::from_utf8_lossy(name).into_owned();
                self.meet(pid, name, &stat, keeps)
            }
        };
        let row = self.row(&mut process, &stat, boot_ms, secs);
        Some((process, row, stat))
    }

    /// A process that was not seen before, or runs another program now.
    fn meet(&mut self, pid: u32, name: String, stat: &ProcStat, keeps: bool) -> Known {
        let user = user_of(pid).map_or_else(String::new, |id| {
            self.users.get(&id).cloned().unwrap_or_else(|| id.to_string())
        });
        let program = match stat.is_kernel_thread() {
            true => self.programs.place(&kind_of_thread(&name)),
            false => self.programs.place(&name),
        };
        Known {
            pid,
            start_ticks: stat.start_ticks,
            program,
            owner: self.owners.place(&user),
            command: command(pid),
            name,
            user,
            stat: stat_file(pid, keeps),
            io: Some(KernelFile::at(format!("/proc/{pid}/io")).kept(keeps)),
            ticks: None,
            faults: None,
            bytes: None,
        }
    }

    fn row(&mut self, process: &mut Known, stat: &ProcStat, boot_ms: i64, secs: f64) -> ProcessRow {
        let before = process.ticks.replace(stat.cpu_ticks);
        let ticks = before.and_then(|before| stat.cpu_ticks.checked_sub(before));
        // A hundred ticks are a second.
        let cpu_percent = ticks
            .filter(|_| secs > 0.0)
            .map_or(0.0, |ticks| ticks as f64 / secs);
        let memory_bytes = stat.resident_pages.saturating_mul(self.page_bytes);
        let told = process
            .io
            .as_mut()
            .map(|file| file.read_record(&mut self.buffer).map(traffic));
        let now = match told {
            Some(Ok(now)) => now,
            Some(Err(_)) => {
                // Only the owner and root may read it.
                process.io = None;
                None
            }
            None => None,
        };
        let traffic = rates(std::mem::replace(&mut process.bytes, now), now, secs);
        let faults = Some((stat.minor_faults, stat.major_faults));
        let faults = rates(std::mem::replace(&mut process.faults, faults), faults, secs);
        let usage = Usage {
            cpu_percent,
            memory_bytes,
            threads: stat.threads,
            faults,
            traffic,
        };
        self.programs.add(process.program, &usage);
        self.owners.add(process.owner, &usage);
        ProcessRow {
            pid: process.pid,
            parent: stat.parent,
            start_ms: stat.start_ms(boot_ms),
            name: process.name.clone(),
            user: process.user.clone(),
            state: stat.state_word().to_owned(),
            // Rounded, so that a sleeping process stays equal to itself and does not travel again.
            cpu_percent: ((cpu_percent * 10.0).round() / 10.0) as f32,
            memory_bytes,
            read_bytes_per_second: traffic.map_or(0, |(read, _)| read as u64),
            written_bytes_per_second: traffic.map_or(0, |(_, written)| written as u64),
            threads: stat.threads,
            command: process.command.clone(),
            // The first reading has no rate.
            io_known: traffic.is_some(),
        }
    }
}

/// Threads of the kernel have a name for each core and device: `kworker/0:1H-kblockd` is one of many workers.
fn kind_of_thread(name: &str) -> String {
    let kind = name.split(['/', ':', '-']).next().unwrap_or(name);
    format!("[{}]", kind.trim_end_matches(|c: char| c.is_ascii_digit()))
}

/// What two totals grew by per second.
fn rates(before: Option<(u64, u64)>, now: Option<(u64, u64)>, secs: f64) -> Option<(f64, f64)> {
    let (before, now) = (before?, now?);
    let first = now.0.checked_sub(before.0)?;
    let second = now.1.checked_sub(before.1)?;
    (secs > 0.0).then(|| (first as f64 / secs, second as f64 / secs))
}

fn stat_file(pid: u32, kept: bool) -> KernelFile {
    KernelFile::at(format!("/proc/{pid}/stat")).kept(kept)
}

/// Bytes that came from disks and went to them (proc_pid_io(5)).
pub fn traffic(text: &[u8]) -> Option<(u64, u64)> {
    let value = |name: &[u8]| lines(text).find_map(|line| Words(line.strip_prefix(name)?).number());
    Some((value(b"read_bytes:")?, value(b"write_bytes:")?))
}

/// The real user, from proc_pid_status(5).
fn user_of(pid: u32) -> Option<u32> {
    let text = std::fs::read(format!("/proc/{pid}/status")).ok()?;
    let id = lines(&text).find_map(|line| Words(line.strip_prefix(b"Uid:")?).number())?;
    u32::try_from(id).ok()
}

/// The command line, words parted by spaces.
fn command(pid: u32) -> String {
    let text = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let text = String::from_utf8_lossy(text.strip_suffix(b"\0").unwrap_or(&text));
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(MAX_COMMAND_CHARS).collect()
}

fn user_names() -> HashMap<u32, String> {
    let Ok(users) = Users::new_with_refreshed_list() else {
        return HashMap::new();
    };
    let number = |id: &Uid| **id;
    users
        .iter()
        .map(|user| (number(user.id()), user.name().to_owned()))
        .collect()
}

#[cfg(test)]
#[path = "processes_tests.rs"]
mod tests;
