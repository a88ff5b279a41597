//! Sends a signal to one process, and to no other: through its pin (pidfd_send_signal(2)), so that a number that was given to
//! another process meanwhile is answered with ESRCH. See [`pinned`](super::pinned).

use super::{Action, Outcome, RunContext, pinned::Pinned};
use crate::procstat::ProcStat;
use farol_model::{
    Permission,
    action::{ActionSpec, ChoiceOption, Danger, ParamKind, ParamSpec, Params, Target},
};
use futures::future::BoxFuture;
use rustix::{
    io::Errno,
    process::{Signal, pidfd_send_signal},
};

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
        let signal = ParamSpec {
            name: "signal".to_owned(),
            label: "Signal".to_owned(),
            help: "What to send.".to_owned(),
            kind: ParamKind::Choice { options },
            default: Some("TERM".to_owned()),
        };
        let [pid, start] = super::pinned::params();
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
            params: vec![pid, start, signal],
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

    fn target(&self) -> Option<Target> {
        Some(Target::Process)
    }

    fn run<'a>(&'a self, _: RunContext, params: Params) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { send(&params).await.unwrap_or_else(Outcome::failed) })
    }
}

/// The error is the sentence for the person.
async fn send(params: &Params) -> Result<Outcome, String> {
    let wanted = params.get("signal").map(String::as_str).unwrap_or_default();
    let Some((name, signal, _)) = SIGNALS.iter().find(|(name, ..)| *name == wanted) else {
        return Err(format!("There is no signal `{wanted}`."));
    };
    let pinned = Pinned::from_params(params)?;
    pidfd_send_signal(&pinned.fd, *signal).map_err(|error| refusal(pinned.pid, error))?;
    Ok(Outcome::succeeded(after(name, pinned).await))
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
async fn after(signal: &str, pinned: Pinned) -> String {
    let pid = pinned.pid;
    let ends = matches!(signal, "TERM" | "INT" | "HUP" | "KILL");
    let watch_ms = if ends { WATCH_MS } else { 100 };
    let ended = tokio::task::spawn_blocking(move || pinned.ends_within(watch_ms))
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

#[cfg(test)]
mod tests {
    use super::{
        super::pinned::tests::{named, sleeper},
        *,
    };
    use crate::procstat;
    use rustix::process::Pid;
    use std::os::unix::process::ExitStatusExt;

    fn params(pid: u32, start_ms: i64, signal: &str) -> Params {
        named(pid, start_ms, "signal", signal)
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
