//! Sends a signal to one process, and to no other.
//!
//! A pid is reused; pid and start time together are not. The process is pinned first (pidfd_open(2)), then its start time is
//! read and compared, then the signal goes through the pin (pidfd_send_signal(2)): if the pid was reused before the pin, the
//! start time differs; after it, the pin still means the old process and the kernel answers ESRCH.

use super::{Action, Outcome, RunContext};
use crate::procstat::{self, ProcStat};
use farol_model::{
    Permission,
    action::{ActionSpec, ChoiceOption, Danger, ParamKind, ParamSpec, Params},
};
use futures::future::BoxFuture;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fd::OwnedFd,
    io::Errno,
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};

/// Largest pid of a 64-bit Linux (proc_sys_kernel(5), pid_max).
const MAX_PID: i64 = 4_194_304;
/// How long to look whether the process ends, milliseconds.
const WATCH_MS: i64 = 3000;

/// Name, signal and what it does.
const SIGNALS: [(&str, Signal, &str); 8] = [
    ("TERM", Signal::TERM, "ask it to end"),
    ("INT", Signal::INT, "interrupt, as Ctrl-C would"),
    ("HUP", Signal::HUP, "hang up; many services reload"),
    ("KILL", Signal::KILL, "end it at once, without clean-up"),
    ("STOP", Signal::STOP, "pause it"),
    ("CONT", Signal::CONT, "let it go on"),
    ("USR1", Signal::USR1, "as the program defines"),
    ("USR2", Signal::USR2, "as the program defines"),
];

/// See the module.
pub struct SendSignal {
    spec: ActionSpec,
}

impl SendSignal {
    pub fn new() -> Self {
        let options = SIGNALS
            .iter()
            .map(|(name, _, what)| ChoiceOption {
                value: (*name).to_owned(),
                label: format!("{name}: {what}"),
            })
            .collect();
        let param = |name: &str, label: &str, help: &str, kind, default: Option<&str>| ParamSpec {
            name: name.to_owned(),
            label: label.to_owned(),
            help: help.to_owned(),
            kind,
            default: default.map(str::to_owned),
        };
        let spec = ActionSpec {
            id: "process.signal".to_owned(),
            title: "Send a signal".to_owned(),
            summary: "Asks a process to end, pause or go on. The process is named by its number and its start, so a number \
                      that has been given to another process is never hit."
                .to_owned(),
            group: "Processes".to_owned(),
            permission: Permission::RunActions,
            danger: Danger::Dangerous,
            confirm: Some("Send {signal} to process {pid}".to_owned()),
            time_limit_secs: 10,
            params: vec![
                param("pid", "Process", "Its number.", ParamKind::Integer { min: 1, max: MAX_PID }, None),
                param(
                    "start_ms",
                    "Started",
                    "Its start in milliseconds since 1970, as the process page shows it.",
                    ParamKind::Integer { min: 0, max: i64::MAX },
                    None,
                ),
                param("signal", "Signal", "What to send.", ParamKind::Choice { options }, Some("TERM")),
            ],
        };
        SendSignal { spec }
    }
}

impl Default for SendSignal {
    fn default() -> Self {
        Self::new()
    }
}

impl Action for SendSignal {
    fn spec(&self) -> &ActionSpec {
        &self.spec
    }

    fn run<'a>(&'a self, _: RunContext, params: Params) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { send(&params).await.unwrap_or_else(Outcome::failed) })
    }
}

/// The error is the sentence for the person.
async fn send(params: &Params) -> Result<Outcome, String> {
    let number = |name: &str| params.get(name).and_then(|text| text.parse::<i64>().ok());
    let (Some(pid), Some(start_ms)) = (number("pid"), number("start_ms")) else {
        return Err("The process is not named.".to_owned());
    };
    let pid = u32::try_from(pid).map_err(|_| "The process is not named.".to_owned())?;
    let wanted = params.get("signal").map(String::as_str).unwrap_or_default();
    let Some((name, signal, _)) = SIGNALS.iter().find(|(name, ..)| *name == wanted) else {
        return Err(format!("There is no signal `{wanted}`."));
    };
    let pinned = pin(pid, start_ms)?;
    pidfd_send_signal(&pinned, *signal).map_err(|error| refusal(pid, error))?;
    Ok(Outcome::succeeded(after(pid, name, pinned).await))
}

/// Pins the process, when it is the one that is meant and may be signalled at all.
fn pin(pid: u32, start_ms: i64) -> Result<OwnedFd, String> {
    if pid == 1 {
        return Err("Process 1 keeps the machine running. Farol never signals it.".to_owned());
    }
    if pid == std::process::id() {
        return Err("This is Farol itself. Stop it as a service or in its terminal.".to_owned());
    }
    let raw = i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .ok_or("There is no such process number.")?;
    let pinned = pidfd_open(raw, PidfdFlags::empty()).map_err(|error| refusal(pid, error))?;
    let gone = |_| format!("Process {pid} has ended already.");
    let stat = ProcStat::read(pid).map_err(gone)?;
    let boot_ms = procstat::boot_ms().map_err(|error| format!("The boot time cannot be read: {error}."))?;
    // `btime` has whole seconds and moves by one when the clock is set.
    if (stat.start_ms(boot_ms) - start_ms).abs() > 1000 {
        return Err(format!(
            "Number {pid} is another process now. The one you meant has ended; nothing was sent."
        ));
    }
    if stat.is_kernel_thread() {
        return Err(format!(
            "{pid} is a thread of the kernel. Signals mean nothing to it."
        ));
    }
    if stat.state == 'Z' {
        return Err(format!(
            "Process {pid} has ended already and waits for its parent."
        ));
    }
    Ok(pinned)
}

fn refusal(pid: u32, error: Errno) -> String {
    match error {
        Errno::SRCH | Errno::INVAL => format!("Process {pid} has ended already."),
        Errno::PERM => {
            let user = rustix::process::geteuid().as_raw();
            format!(
                "Process {pid} belongs to somebody else; Farol runs as user id {user} and may not signal it."
            )
        }
        other => format!("The signal could not be sent: {other}."),
    }
}

/// Looks for a while whether it ends.
async fn after(pid: u32, signal: &str, pinned: OwnedFd) -> String {
    let ends = matches!(signal, "TERM" | "INT" | "HUP" | "KILL");
    let watch_ms = if ends { WATCH_MS } else { 100 };
    let ended = tokio::task::spawn_blocking(move || ends_within(&pinned, watch_ms))
        .await
        .unwrap_or_default();
    if ended {
        return format!("Sent {signal} to process {pid}. It has ended.");
    }
    match ProcStat::read(pid) {
        Ok(stat) => format!("Sent {signal} to process {pid}. It is {}.", stat.state_word()),
        Err(_) => format!("Sent {signal} to process {pid}. It has ended."),
    }
}

/// A pidfd becomes readable when its process ends (pidfd_open(2)).
fn ends_within(pinned: &OwnedFd, watch_ms: i64) -> bool {
    let timeout = Timespec {
        tv_sec: watch_ms / 1000,
        tv_nsec: watch_ms % 1000 * 1_000_000,
    };
    poll(&mut [PollFd::new(pinned, PollFlags::IN)], Some(&timeout)).is_ok_and(|ready| ready > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    fn params(pid: u32, start_ms: i64, signal: &str) -> Params {
        [
            ("pid", pid.to_string()),
            ("start_ms", start_ms.to_string()),
            ("signal", signal.to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    fn sleeper() -> (std::process::Child, i64) {
        let child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
        let start_ms = procstat::start_ms(child.id()).unwrap();
        (child, start_ms)
    }

    #[tokio::test]
    async fn a_process_is_ended_and_that_is_told() {
        let (mut child, start_ms) = sleeper();
        let outcome = send(&params(child.id(), start_ms, "TERM")).await.unwrap();
        assert!(outcome.detail.contains("has ended"), "{}", outcome.detail);
        assert_eq!(child.wait().unwrap().signal(), Some(15));
    }

    #[tokio::test]
    async fn a_stopped_process_is_told_as_stopped() {
        let (mut child, start_ms) = sleeper();
        let outcome = send(&params(child.id(), start_ms, "STOP")).await.unwrap();
        assert!(outcome.detail.contains("stopped"), "{}", outcome.detail);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[tokio::test]
    async fn a_number_that_is_another_process_now_is_never_hit() {
        let (mut child, start_ms) = sleeper();
        let error = send(&params(child.id(), start_ms - 5000, "KILL"))
            .await
            .unwrap_err();
        assert!(error.contains("another process"), "{error}");
        assert!(child.try_wait().unwrap().is_none(), "it still runs");
        child.kill().unwrap();
        child.wait().unwrap();
        let error = send(&params(child.id(), start_ms, "KILL")).await.unwrap_err();
        assert!(error.contains("ended") || error.contains("another"), "{error}");
    }

    #[tokio::test]
    async fn a_zombie_the_first_process_farol_and_the_kernel_are_refused() {
        let (mut child, start_ms) = sleeper();
        let pid = child.id();
        rustix::process::kill_process(Pid::from_raw(pid as i32).unwrap(), Signal::KILL).unwrap();
        while procstat::ProcStat::read(pid).unwrap().state != 'Z' {
            tokio::task::yield_now().await;
        }
        assert!(
            send(&params(pid, start_ms, "TERM"))
                .await
                .unwrap_err()
                .contains("ended already")
        );
        child.wait().unwrap();
        assert!(
            send(&params(1, 0, "TERM"))
                .await
                .unwrap_err()
                .contains("Process 1")
        );
        let own = std::process::id();
        let own_start = procstat::start_ms(own).unwrap();
        assert!(
            send(&params(own, own_start, "STOP"))
                .await
                .unwrap_err()
                .contains("Farol itself")
        );
        if let Ok(kernel) = procstat::start_ms(2) {
            assert!(send(&params(2, kernel, "TERM")).await.is_err());
        }
    }
}
