//! One process with its group: started, listened to, ended.
//!
//! The child leads a process group of its own. When it must stop, the whole group gets TERM and, after [`TERM_GRACE`], KILL.
//! A background child that keeps the pipes open after the leader has ended is not waited for: after [`PIPE_GRACE`] reading
//! stops, and that is said.

use super::Command;
use crate::actions::{
    End, Outcome, RunContext,
    output::{OutputSink, Utf8Pieces},
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
    let mut readers = JoinSet::new();
    if let Some(stdout) = child.stdout.take() {
        readers.spawn(copy(stdout, OutputStream::Stdout, context.output.clone()));
    }
    if let Some(stderr) = child.stderr.take() {
        readers.spawn(copy(stderr, OutputStream::Stderr, context.output.clone()));
    }
    let (status, stopped) = tokio::select! {
        status = child.wait() => (status, false),
        () = context.stop.cancelled() => (end_group(&mut child, group).await, true),
    };
    let left_open = drain(readers).await;
    match status {
        Ok(status) => outcome(status, stopped, left_open),
        Err(error) => Outcome::failed(format!("The process was lost: {error}.")),
    }
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
async fn end_group(child: &mut Child, group: Option<Pid>) -> std::io::Result<ExitStatus> {
    let signal = |signal| {
        if let Some(group) = group
            && test_kill_process_group(group).is_ok()
            && let Err(error) = kill_process_group(group, signal)
        {
            tracing::debug!(%error, "a process group was gone before its signal");
        }
    };
    signal(Signal::TERM);
    let gone = async {
        let status = child.wait().await;
        while group.is_some_and(|group| test_kill_process_group(group).is_ok()) {
            tokio::time::sleep(LOOK).await;
        }
        status
    };
    match tokio::time::timeout(TERM_GRACE, gone).await {
        Ok(status) => status,
        Err(_) => {
            signal(Signal::KILL);
            child.wait().await
        }
    }
}

fn outcome(status: ExitStatus, stopped: bool, left_open: bool) -> Outcome {
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
    match (stopped, status.code(), status.signal()) {
        (true, ..) => with(
            End::Stopped,
            "It was asked to stop and has ended with all it started.".to_owned(),
        ),
        (false, Some(0), _) => with(End::Succeeded, "It ended well.".to_owned()),
        (false, Some(code), _) => with(End::Failed, format!("It ended with exit code {code}.")),
        (false, None, Some(signal)) => with(End::Killed, format!("It was ended by {}.", signal_word(signal))),
        (false, None, None) => with(
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
