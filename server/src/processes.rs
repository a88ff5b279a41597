//! One process in full: read from `/proc` when somebody asks, never kept. The environment is never read: it holds secrets.
//!
//! The process is named by pid and start time, which are compared before and after reading: what is told is never of another
//! process that was given the number. What the kernel does not let us read is said with what would be needed; lists are bounded
//! and say how many more there are. Sources: proc_pid_status(5), proc_pid_fd(5), proc_pid_limits(5), proc_pid_cgroup(5).

mod files;
mod sockets;

use crate::procstat::{self, ProcStat};
use farol_model::{
    Fault,
    process::{ProcessDetails, ProcessLimit, Told},
};
use std::{fs, io};

/// Words of `/proc/PID/status`, and what they are called here.
const STATUS: [(&str, &str); 8] = [
    ("Uid", "User ids"),
    ("Gid", "Group ids"),
    ("VmPeak", "Largest address space"),
    ("VmHWM", "Largest memory"),
    ("VmSwap", "Swapped out"),
    ("NoNewPrivs", "May gain no privileges"),
    ("voluntary_ctxt_switches", "Waited by itself"),
    ("nonvoluntary_ctxt_switches", "Was made to wait"),
];

/// See the module.
pub async fn details(pid: u32, start_ms: i64) -> Result<ProcessDetails, Fault> {
    let read = tokio::task::spawn_blocking(move || read(pid, start_ms)).await;
    read.unwrap_or_else(|error| {
        tracing::error!(%error, "reading a process broke");
        Err(Fault::internal())
    })
}

fn read(pid: u32, start_ms: i64) -> Result<ProcessDetails, Fault> {
    check(pid, start_ms)?;
    let (files, sockets) = files::open(pid);
    let details = ProcessDetails {
        facts: facts(pid),
        files,
        sockets,
        limits: limits(pid),
    };
    check(pid, start_ms)?;
    Ok(details)
}

/// Whether the number still means the process.
fn check(pid: u32, start_ms: i64) -> Result<(), Fault> {
    let ended = || Fault::not_found(format!("Process {pid} has ended."));
    let stat = ProcStat::read(pid).map_err(|_| ended())?;
    let boot_ms = procstat::boot_ms().map_err(|_| Fault::internal())?;
    // `btime` has whole seconds and moves by one when the clock is set.
    match (stat.start_ms(boot_ms) - start_ms).abs() <= 1000 {
        true => Ok(()),
        false => Err(Fault::conflict(format!(
            "Number {pid} is another process now. The one you meant has ended."
        ))),
    }
}

fn facts(pid: u32) -> Vec<(String, String)> {
    let mut facts: Vec<(String, String)> = Vec::new();
    let mut fact = |word: &str, value: Option<String>| {
        facts.extend(
            value
                .filter(|value| !value.is_empty())
                .map(|value| (word.to_owned(), value)),
        );
    };
    let link = |name: &str| {
        let path = fs::read_link(format!("/proc/{pid}/{name}")).ok()?;
        Some(plain(&path.to_string_lossy()))
    };
    let file = |name: &str| fs::read_to_string(format!("/proc/{pid}/{name}")).ok();
    fact("Nice value", file("stat").as_deref().and_then(nice));
    fact("Control group", file("cgroup").as_deref().and_then(cgroup));
    fact("Program", link("exe"));
    fact("Folder", link("cwd"));
    fact(
        "Out of memory score",
        file("oom_score").map(|text| text.trim().to_owned()),
    );
    let status = file("status").unwrap_or_default();
    for (word, title) in STATUS {
        fact(title, status_value(&status, word));
    }
    facts
}

/// Field 19 of proc_pid_stat(5).
fn nice(stat: &str) -> Option<String> {
    let rest = &stat[stat.rfind(')')? + 1..];
    rest.split_ascii_whitespace().nth(16).map(str::to_owned)
}

/// The group in the unified hierarchy, or the deepest of the older ones.
fn cgroup(text: &str) -> Option<String> {
    let paths = text.lines().filter_map(|line| line.splitn(3, ':').nth(2));
    let unified = text.lines().find_map(|line| line.strip_prefix("0::"));
    let found = match unified {
        Some(path) if path.len() > 1 => Some(path),
        other => paths.max_by_key(|path| path.len()).or(other),
    };
    found.map(plain)
}

fn status_value(status: &str, word: &str) -> Option<String> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(word)?.strip_prefix(':'))?;
    Some(line.split_ascii_whitespace().collect::<Vec<_>>().join(" "))
}

fn limits(pid: u32) -> Told<ProcessLimit> {
    match fs::read_to_string(format!("/proc/{pid}/limits")) {
        Ok(text) => Told::Listed {
            rows: text.lines().skip(1).filter_map(limit).collect(),
            more: 0,
        },
        Err(error) => Told::Refused(refusal(&error, "limits")),
    }
}

/// A line of columns that are parted by two spaces at least; the unit may be missing.
fn limit(line: &str) -> Option<ProcessLimit> {
    let mut columns = line
        .split("  ")
        .map(str::trim)
        .filter(|column| !column.is_empty());
    Some(ProcessLimit {
        name: columns.next()?.trim_start_matches("Max ").to_owned(),
        soft: columns.next()?.to_owned(),
        hard: columns.next()?.to_owned(),
        unit: columns.next().unwrap_or_default().to_owned(),
    })
}

/// Why something of another user's process cannot be read, and what would be needed.
fn refusal(error: &io::Error, what: &str) -> String {
    let user = rustix::process::geteuid().as_raw();
    match error.kind() {
        io::ErrorKind::PermissionDenied => format!(
            "The kernel shows the {what} of a process to its own user and to root only. Farol runs as user id {user}; it would \
             need to run as the same user, or with the capability CAP_SYS_PTRACE."
        ),
        io::ErrorKind::NotFound => "The process has ended.".to_owned(),
        _ => format!("The {what} cannot be read: {error}."),
    }
}

/// Text of a program without control characters, cut.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(400)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::pinned::tests::sleeper;

    #[test]
    fn this_process_is_told_with_its_limits_and_without_its_environment() {
        let pid = std::process::id();
        let details = read(pid, procstat::start_ms(pid).unwrap()).unwrap();
        let has = |word: &str| details.facts.iter().any(|(name, _)| name == word);
        assert!(
            has("Nice value") && has("Program") && has("User ids"),
            "{details:?}"
        );
        let Told::Listed { rows, more: 0 } = &details.limits else {
            panic!("{:?}", details.limits)
        };
        let open = rows.iter().find(|limit| limit.name == "open files").unwrap();
        assert_eq!(open.unit, "files");
        assert!(open.soft.parse::<u64>().is_ok() || open.soft == "unlimited");
        let secret = std::env::var("PATH").unwrap();
        assert!(!format!("{details:?}").contains(&secret));
    }

    #[test]
    fn another_process_under_the_number_and_one_that_has_ended_are_refused() {
        let (mut child, start_ms) = sleeper();
        let fault = read(child.id(), start_ms - 5000).unwrap_err();
        assert!(fault.message.contains("another process"), "{}", fault.message);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(read(child.id(), start_ms).is_err());
    }

    #[test]
    fn the_control_group_is_the_unified_one_or_the_deepest() {
        assert_eq!(
            cgroup("12:pids:/a\n0::/system.slice/x.service\n").as_deref(),
            Some("/system.slice/x.service")
        );
        assert_eq!(
            cgroup("4:cpu:/\n1:name=systemd:/a/b\n0::/\n").as_deref(),
            Some("/a/b")
        );
        assert_eq!(cgroup("0::/\n").as_deref(), Some("/"));
        assert_eq!(cgroup(""), None);
    }

    #[test]
    fn limits_are_read_with_and_without_a_unit() {
        let with =
            limit("Max open files            1024                 4096                 files     ").unwrap();
        assert_eq!(
            (
                with.name.as_str(),
                with.soft.as_str(),
                with.hard.as_str(),
                with.unit.as_str()
            ),
            ("open files", "1024", "4096", "files")
        );
        let without = limit("Max nice priority         0                    0                    ").unwrap();
        assert_eq!(
            (without.name.as_str(), without.unit.as_str()),
            ("nice priority", "")
        );
        assert_eq!(limit("Max"), None);
    }

    #[test]
    fn a_refusal_says_whose_right_is_missing() {
        let error = io::Error::from(io::ErrorKind::PermissionDenied);
        assert!(refusal(&error, "open files").contains("CAP_SYS_PTRACE"));
    }
}
