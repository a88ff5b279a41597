//! The process table.
//!
//! sysinfo reads names, command lines, owners, memory, traffic and shares; state, threads and the exact start time come from
//! `/proc/PID/stat`, because the start time together with the pid is what a signal is aimed with. A process that ends while
//! it is being read is left out.

use super::{CollectError, Collector, Sample};
use crate::procstat::{self, ProcStat};
use farol_model::process::ProcessRow;
use std::{collections::HashMap, time::Instant};
use sysinfo::{Process, ProcessRefreshKind, ProcessesToUpdate, System, Uid, UpdateKind, Users};

/// Longest command line that is kept, characters.
const MAX_COMMAND_CHARS: usize = 512;
/// Readings between two looks at the user list.
const USERS_EVERY: u32 = 60;

/// See the module.
#[derive(Default)]
pub struct Processes {
    system: Option<System>,
    users: HashMap<Uid, String>,
    readings: u32,
    last: Option<Instant>,
}

impl Collector for Processes {
    fn name(&self) -> &'static str {
        "processes"
    }

    fn title(&self) -> &'static str {
        "Processes"
    }

    fn channel(&self) -> String {
        format!("processes/{}", farol_model::host::LOCAL_HOST)
    }

    fn collect(&mut self) -> Result<Sample, CollectError> {
        let boot_ms = procstat::boot_ms().map_err(|error| CollectError::reading("/proc/stat", &error))?;
        if self.readings.is_multiple_of(USERS_EVERY) {
            self.users = user_names();
        }
        self.readings = self.readings.wrapping_add(1);
        let system = match &mut self.system {
            Some(system) => system,
            None => self.system.insert(System::new().map_err(|error| {
                CollectError::Unavailable(format!("Processes cannot be listed: {error}."))
            })?),
        };
        let what = ProcessRefreshKind::nothing()
            .without_tasks()
            .with_cpu()
            .with_memory()
            .with_disk_usage()
            .with_cmd(UpdateKind::OnlyIfNotSet)
            .with_user(UpdateKind::OnlyIfNotSet);
        system.refresh_processes_specifics(ProcessesToUpdate::All, true, what);
        let now = Instant::now();
        let secs = self
            .last
            .replace(now)
            .map(|last| now.duration_since(last).as_secs_f64());
        let mut rows: Vec<ProcessRow> = system
            .processes()
            .iter()
            .filter_map(|(pid, process)| {
                let stat = ProcStat::read(pid.as_u32()).ok()?;
                Some(row(pid.as_u32(), process, &stat, &self.users, boot_ms, secs))
            })
            .collect();
        rows.sort_by_key(|row| row.pid);
        Ok(Sample::Processes(rows))
    }
}

fn row(
    pid: u32,
    process: &Process,
    stat: &ProcStat,
    users: &HashMap<Uid, String>,
    boot_ms: i64,
    secs: Option<f64>,
) -> ProcessRow {
    let usage = process.disk_usage();
    let per_second = |bytes: u64| {
        secs.filter(|secs| *secs > 0.0)
            .map_or(0, |secs| (bytes as f64 / secs) as u64)
    };
    let user = process.user_id().map_or_else(String::new, |id| {
        users.get(id).cloned().unwrap_or_else(|| id.to_string())
    });
    ProcessRow {
        pid,
        parent: stat.parent,
        start_ms: stat.start_ms(boot_ms),
        name: process.name().to_string_lossy().into_owned(),
        user,
        state: stat.state_word().to_owned(),
        // Rounded, so that a sleeping process stays equal to itself and does not travel again.
        cpu_percent: (process.cpu_usage() * 10.0).round() / 10.0,
        memory_bytes: process.memory(),
        read_bytes_per_second: per_second(usage.read_bytes),
        written_bytes_per_second: per_second(usage.written_bytes),
        threads: stat.threads,
        command: command(process),
        // Only the owner and root may read it (proc_pid_io(5)); the first reading has no rate.
        io_known: secs.is_some() && std::fs::File::open(format!("/proc/{pid}/io")).is_ok(),
    }
}

fn command(process: &Process) -> String {
    let words: Vec<_> = process.cmd().iter().map(|word| word.to_string_lossy()).collect();
    let text: String = words
        .join(" ")
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    text.chars().take(MAX_COMMAND_CHARS).collect()
}

fn user_names() -> HashMap<Uid, String> {
    Users::new_with_refreshed_list().map_or_else(
        |_| HashMap::new(),
        |users| {
            users
                .iter()
                .map(|user| (user.id().clone(), user.name().to_owned()))
                .collect()
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_in_the_table_with_its_name_and_start() {
        let Ok(Sample::Processes(rows)) = Processes::default().collect() else {
            panic!("no table")
        };
        let own = rows.iter().find(|row| row.pid == std::process::id()).unwrap();
        assert_eq!(own.start_ms, procstat::start_ms(own.pid).unwrap());
        assert!(own.memory_bytes > 0 && own.threads > 0 && !own.command.is_empty());
        assert!(!own.io_known, "a rate needs two readings");
    }

    #[test]
    fn a_child_comes_and_goes() {
        let mut collector = Processes::default();
        let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
        let listed = |collector: &mut Processes, pid: u32| match collector.collect() {
            Ok(Sample::Processes(rows)) => rows.iter().any(|row| row.pid == pid),
            other => panic!("{other:?}"),
        };
        assert!(listed(&mut collector, child.id()));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!listed(&mut collector, child.id()));
    }
}
