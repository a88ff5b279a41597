//! Gives one process another share of the processor: its nice value, -20 (most) to 19 (least).
//!
//! setpriority(2) takes a pid and on Linux changes one thread only, so it is done for every thread of the pinned process, and
//! once more for those that were born meanwhile. When the process has ended while that was done, it is said that nothing is sure.

use super::{Action, Outcome, RunContext, pinned::Pinned};
use farol_model::{
    Permission,
    action::{ActionSpec, Danger, ParamKind, ParamSpec, Params, Target},
};
use futures::future::BoxFuture;
use rustix::{
    io::Errno,
    process::{Pid, getpriority_process, setpriority_process},
};
use std::{collections::HashSet, fs};

/// Threads of one process that are changed at most.
const MAX_THREADS: usize = 20_000;

/// See the module.
pub struct Renice {
    spec: ActionSpec,
}

impl Renice {
    pub fn new() -> Self {
        let nice = ParamSpec {
            name: "nice".to_owned(),
            label: "Nice value".to_owned(),
            help: "-20 takes the most of the processor, 0 is usual, 19 gives way to all others.".to_owned(),
            kind: ParamKind::Integer { min: -20, max: 19 },
            default: Some("10".to_owned()),
        };
        let [pid, start] = super::pinned::params();
        let spec = ActionSpec {
            id: "process.renice".to_owned(),
            title: "Renice".to_owned(),
            summary: "Gives a process a larger or smaller share of the processor.".to_owned(),
            group: "Processes".to_owned(),
            permission: Permission::RunActions,
            danger: Danger::Safe,
            confirm: None,
            time_limit_secs: 10,
            params: vec![pid, start, nice],
        };
        Renice { spec }
    }
}

impl Default for Renice {
    fn default() -> Self {
        Self::new()
    }
}

impl Action for Renice {
    fn spec(&self) -> &ActionSpec {
        &self.spec
    }

    fn target(&self) -> Option<Target> {
        Some(Target::Process)
    }

    fn run<'a>(&'a self, _: RunContext, params: Params) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let done = tokio::task::spawn_blocking(move || renice(&params)).await;
            match done {
                Ok(Ok(told)) => Outcome::succeeded(told),
                Ok(Err(told)) => Outcome::failed(told),
                Err(_) => Outcome::failed("The action itself broke. The server log says where."),
            }
        })
    }
}

/// Blocks. Both answers are sentences for the person.
fn renice(params: &Params) -> Result<String, String> {
    let nice = params.get("nice").and_then(|text| text.parse::<i32>().ok());
    let nice = nice
        .filter(|nice| (-20..=19).contains(nice))
        .ok_or("The nice value must be from -20 to 19.")?;
    let pinned = Pinned::from_params(params)?;
    let pid = pinned.pid;
    let before = getpriority_process(Some(pinned.raw)).map_err(|error| refusal(pid, nice, error))?;
    let threads = all_threads(&pinned, nice)?;
    if pinned.ends_within(0) {
        return Err(format!("Process {pid} ended while this was done."));
    }
    let of = match threads {
        1 => String::new(),
        threads => format!(" of its {threads} threads"),
    };
    Ok(format!("The nice value{of} is {nice} now, it was {before}."))
}

/// How many threads were changed.
fn all_threads(pinned: &Pinned, nice: i32) -> Result<usize, String> {
    let pid = pinned.pid;
    let mut done: HashSet<i32> = HashSet::new();
    loop {
        let before = done.len();
        let entries = fs::read_dir(format!("/proc/{pid}/task"))
            .map_err(|_| format!("Process {pid} has ended already."))?;
        for entry in entries.flatten().take(MAX_THREADS) {
            let thread = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse::<i32>().ok());
            let Some(thread) = thread.filter(|thread| done.insert(*thread)) else {
                continue;
            };
            match setpriority_process(Pid::from_raw(thread), nice) {
                // It ended since it was listed.
                Ok(()) | Err(Errno::SRCH) => {}
                Err(error) => return Err(refusal(pid, nice, error)),
            }
        }
        if done.len() == before || done.len() >= MAX_THREADS {
            return Ok(done.len());
        }
    }
}

fn refusal(pid: u32, nice: i32, error: Errno) -> String {
    let user = rustix::process::geteuid().as_raw();
    match error {
        Errno::SRCH => format!("Process {pid} has ended already."),
        Errno::PERM => format!(
            "Process {pid} belongs to somebody else; Farol runs as user id {user} and lacks the capability CAP_SYS_NICE."
        ),
        Errno::ACCESS => format!(
            "A nice value of {nice} takes more of the processor than now; for that Farol, user id {user}, lacks the capability \
             CAP_SYS_NICE or a limit RLIMIT_NICE that allows it."
        ),
        other => format!("The nice value could not be changed: {other}."),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::pinned::tests::{named, sleeper},
        *,
    };

    fn nice_of(pid: u32) -> i32 {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let rest = &stat[stat.rfind(')').unwrap() + 1..];
        // Field 19 of proc_pid_stat(5); the first here is number 3.
        rest.split_ascii_whitespace().nth(16).unwrap().parse().unwrap()
    }

    #[test]
    fn a_process_is_reniced_and_what_it_was_is_told() {
        let (mut child, start_ms) = sleeper();
        let before = nice_of(child.id());
        let told = renice(&named(child.id(), start_ms, "nice", "15")).unwrap();
        assert_eq!(nice_of(child.id()), 15);
        assert!(
            told.contains("is 15 now") && told.contains(&format!("was {before}")),
            "{told}"
        );
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn every_thread_is_reniced() {
        let mut child = std::process::Command::new("python3")
            .args([
                "-c",
                "import threading,time,sys\nfor _ in range(3): threading.Thread(target=time.sleep,args=(600,),daemon=True).start()\nprint('up',flush=True)\ntime.sleep(600)",
            ])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        std::io::BufRead::read_line(
            &mut std::io::BufReader::new(child.stdout.take().unwrap()),
            &mut line,
        )
        .unwrap();
        let pid = child.id();
        let start_ms = crate::procstat::start_ms(pid).unwrap();
        let told = renice(&named(pid, start_ms, "nice", "12")).unwrap();
        assert!(told.contains("of its 4 threads"), "{told}");
        for thread in fs::read_dir(format!("/proc/{pid}/task")).unwrap() {
            let id: u32 = thread.unwrap().file_name().to_str().unwrap().parse().unwrap();
            assert_eq!(nice_of(id), 12);
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn another_process_under_the_number_is_never_touched_and_odd_values_are_refused() {
        let (mut child, start_ms) = sleeper();
        let before = nice_of(child.id());
        let told = renice(&named(child.id(), start_ms - 5000, "nice", "15")).unwrap_err();
        assert!(told.contains("another process"), "{told}");
        assert!(renice(&named(child.id(), start_ms, "nice", "20")).is_err());
        assert_eq!(nice_of(child.id()), before);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(
            renice(&named(1, 0, "nice", "1"))
                .unwrap_err()
                .contains("Process 1")
        );
    }

    #[test]
    fn a_refusal_says_what_is_missing() {
        assert!(refusal(7, 5, Errno::PERM).contains("CAP_SYS_NICE"));
        assert!(refusal(7, -5, Errno::ACCESS).contains("RLIMIT_NICE"));
    }
}
