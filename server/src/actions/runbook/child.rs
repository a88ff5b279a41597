//! One process with its group: started, listened to, ended.
//!
//! The child leads a process group of its own. When it must stop, the whole group gets TERM and, after [`TERM_GRACE`], KILL,
//! and the run ends when no member lives. What even KILL does not end (it waits for a device) is told after [`KILL_GRACE`].
//! A background child that keeps the pipes open after the leader has ended is not waited for: after [`PIPE_GRACE`] reading
//! stops, and that is said.

use super::Command;
use crate::{
    actions::{
        End, Outcome, RunContext,
        output::{OutputSink, Utf8Pieces},
    },
    procstat,
};
use farol_model::action::OutputStream;
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use std::{
    os::unix::process::ExitStatusExt,
    process::{ExitStatus, Stdio},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::Child,
    task::JoinSet,
};

/// Between TERM and KILL.
const TERM_GRACE: Duration = Duration::from_secs(5);
/// Between KILL and giving up on those who wait for a device.
const KILL_GRACE: Duration = Duration::from_secs(5);
/// After the leader has ended, for what still stands in the pipes.
const PIPE_GRACE: Duration = Duration::from_secs(1);
/// Between two looks at a group that was asked to end.
const LOOK: Duration = Duration::from_millis(50);

/// Starts the command and sees it to its end.
pub async fn run(command: Command, context: &RunContext) -> Outcome {
    let mut child = match start(&command) {
        Ok(child) => child,
        Err(reason) => return Outcome::failed(reason),
    };
    let group = child
        .id()
        .and_then(|pid| i32::try_from(pid).ok())
        .and_then(Pid::from_raw);
    context.output.began(child.id());
    let mut readers = JoinSet::new();
    if let Some(stdout) = child.stdout.take() {
        readers.spawn(copy(stdout, OutputStream::Stdout, context.output.clone()));
    }
    if let Some(stderr) = child.stderr.take() {
        readers.spawn(copy(stderr, OutputStream::Stderr, context.output.clone()));
    }
    let (status, ending) = tokio::select! {
        status = child.wait() => (status, Ending::Own),
        () = context.stop.cancelled() => end_group(&mut child, group).await,
    };
    let left_open = drain(readers).await;
    match status {
        Ok(status) => outcome(status, ending, left_open),
        Err(error) => Outcome::failed(format!("The process was lost: {error}.")),
    }
}

/// How it came to the end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// By itself, or by somebody else than Farol.
    Own,
    /// It was asked to, and all of its group have ended.
    Stopped,
    /// It was asked to, and not all have ended.
    StoppedInPart,
}

fn start(command: &Command) -> Result<Child, String> {
    let Some((program, arguments)) = command.argv.split_first() else {
        return Err("There is no program to start.".to_owned());
    };
    let mut process = tokio::process::Command::new(program);
    process
        .args(arguments)
        .env_clear()
        .envs(&command.env)
        .current_dir(&command.directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    if let Some(account) = &command.account {
        process.uid(account.uid).gid(account.gid);
    }
    process
        .spawn()
        .map_err(|error| format!("`{program}` could not be started: {error}."))
}

/// Copies one pipe until its end.
async fn copy(mut pipe: impl AsyncRead + Unpin, stream: OutputStream, output: OutputSink) {
    let mut bytes = vec![0; 16 * 1024];
    let mut pieces = Utf8Pieces::default();
    // A pipe that breaks has ended.
    while let Ok(count @ 1..) = pipe.read(&mut bytes).await {
        output.write(stream, &pieces.push(&bytes[..count]));
        output.room().await;
    }
    output.write(stream, &pieces.finish());
}

/// Waits for the pipes a little. True when somebody still holds them open.
async fn drain(mut readers: JoinSet<()>) -> bool {
    let all = async { while readers.join_next().await.is_some() {} };
    let left_open = tokio::time::timeout(PIPE_GRACE, all).await.is_err();
    readers.abort_all();
    left_open
}

/// TERM to the group, KILL to what is left of it. The group's number cannot be given to another while a member lives; the
/// leader is reaped by `wait`, so after that the group is looked at before it is signalled.
async fn end_group(child: &mut Child, group: Option<Pid>) -> (std::io::Result<ExitStatus>, Ending) {
    for (name, grace) in [(Signal::TERM, TERM_GRACE), (Signal::KILL, KILL_GRACE)] {
        if let Some(group) = group
            && test_kill_process_group(group).is_ok()
            && let Err(error) = kill_process_group(group, name)
        {
            tracing::debug!(%error, "a process group was gone before its signal");
        }
        let ended = async {
            let status = child.wait().await;
            while lives(group).await {
                tokio::time::sleep(LOOK).await;
            }
            status
        };
        if let Ok(status) = tokio::time::timeout(grace, ended).await {
            return (status, Ending::Stopped);
        }
    }
    let status = match child.try_wait() {
        Ok(Some(status)) => Ok(status),
        Ok(None) => Err(std::io::Error::other(
            "not even KILL ends it, it waits for a device",
        )),
        Err(error) => Err(error),
    };
    (status, Ending::StoppedInPart)
}

/// Whether a member of the group still runs.
async fn lives(group: Option<Pid>) -> bool {
    let Some(group) = group.filter(|group| test_kill_process_group(*group).is_ok()) else {
        return false;
    };
    let group = group.as_raw_nonzero().get().unsigned_abs();
    match tokio::task::spawn_blocking(move || procstat::group_lives(group)).await {
        Ok(Ok(lives)) => lives,
        // Then kill(2) is all there is to go by, and it has found somebody.
        Ok(Err(_)) | Err(_) => true,
    }
}

fn outcome(status: ExitStatus, ending: Ending, left_open: bool) -> Outcome {
    let note = if left_open {
        " Something it left running still holds its output; that was not waited for."
    } else {
        ""
    };
    let with = |end, detail: String| Outcome {
        end,
        detail: detail + note,
        exit_code: status.code(),
    };
    match (ending, status.code(), status.signal()) {
        (Ending::Stopped, ..) => with(
            End::Stopped,
            "It was asked to stop and has ended with all it started.".to_owned(),
        ),
        (Ending::StoppedInPart, ..) => with(
            End::Stopped,
            "It was asked to stop and has ended, but not all it started: not even KILL ends the rest, it waits for a device."
                .to_owned(),
        ),
        (Ending::Own, Some(0), _) => with(End::Succeeded, "It ended well.".to_owned()),
        (Ending::Own, Some(code), _) => with(End::Failed, format!("It ended with exit code {code}.")),
        (Ending::Own, None, Some(signal)) => with(End::Killed, format!("It was ended by {}.", signal_word(signal))),
        (Ending::Own, None, None) => with(
            End::Failed,
            "It ended in a way that the system does not tell.".to_owned(),
        ),
    }
}

fn signal_word(signal: i32) -> String {
    let name = match signal {
        1 => "HUP",
        2 => "INT",
        3 => "QUIT",
        4 => "ILL",
        6 => "ABRT",
        9 => "KILL",
        11 => "SEGV",
        13 => "PIPE",
        15 => "TERM",
        other => return format!("signal {other}"),
    };
    format!("signal {name}")
}
