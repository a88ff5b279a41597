//! One process that cannot turn into another while something is done to it.
//!
//! A pid is reused; pid and start time together are not. The process is pinned first (pidfd_open(2)), then its start time is
//! read and compared: if the pid was reused before the pin, the start time differs; after it, the pin still means the old
//! process.

use crate::procstat::{self, ProcStat};
use farol_model::action::{ParamKind, ParamSpec, Params};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fd::OwnedFd,
    io::Errno,
    process::{Pid, PidfdFlags, pidfd_open},
};

/// Largest pid of a 64-bit Linux (proc_sys_kernel(5), pid_max).
const MAX_PID: i64 = 4_194_304;

/// The parameters that name a process.
pub fn params() -> [ParamSpec; 2] {
    let param = |name: &str, label: &str, help: &str, kind| ParamSpec {
        name: name.to_owned(),
        label: label.to_owned(),
        help: help.to_owned(),
        kind,
        default: None,
    };
    [
        param(
            "pid",
            "Process",
            "Its number.",
            ParamKind::Integer { min: 1, max: MAX_PID },
        ),
        param(
            "start_ms",
            "Started",
            "Its start in milliseconds since 1970, as the process page shows it.",
            ParamKind::Integer {
                min: 0,
                max: i64::MAX,
            },
        ),
    ]
}

/// See the module.
#[derive(Debug)]
pub struct Pinned {
    pub pid: u32,
    pub raw: Pid,
    pub fd: OwnedFd,
    pub stat: ProcStat,
}

impl Pinned {
    /// Pins the process that the parameters name, when it is that one and may be touched at all. The error is the sentence
    /// for the person.
    pub fn from_params(params: &Params) -> Result<Pinned, String> {
        let number = |name: &str| params.get(name).and_then(|text| text.parse::<i64>().ok());
        let (Some(pid), Some(start_ms)) = (number("pid"), number("start_ms")) else {
            return Err("The process is not named.".to_owned());
        };
        let pid = u32::try_from(pid).map_err(|_| "The process is not named.".to_owned())?;
        Self::new(pid, start_ms)
    }

    fn new(pid: u32, start_ms: i64) -> Result<Pinned, String> {
        if pid == 1 {
            return Err("Process 1 keeps the machine running. Farol never touches it.".to_owned());
        }
        if pid == std::process::id() {
            return Err("This is Farol itself. Stop it as a service or in its terminal.".to_owned());
        }
        let raw = i32::try_from(pid)
            .ok()
            .and_then(Pid::from_raw)
            .ok_or("There is no such process number.")?;
        let ended = || format!("Process {pid} has ended already.");
        let fd = pidfd_open(raw, PidfdFlags::empty()).map_err(|error| match error {
            Errno::SRCH | Errno::INVAL => ended(),
            other => format!("Process {pid} cannot be held: {other}."),
        })?;
        let stat = ProcStat::read(pid).map_err(|_| ended())?;
        if !is_same(&stat, start_ms)? {
            return Err(format!(
                "Number {pid} is another process now. The one you meant has ended; nothing was done."
            ));
        }
        if stat.is_kernel_thread() {
            return Err(format!(
                "{pid} is a thread of the kernel. Nothing can be done to it."
            ));
        }
        if stat.state == 'Z' {
            return Err(format!(
                "Process {pid} has ended already and waits for its parent."
            ));
        }
        Ok(Pinned { pid, raw, fd, stat })
    }

    /// Waits so long for its end. A pidfd becomes readable then (pidfd_open(2)).
    pub fn ends_within(&self, watch_ms: i64) -> bool {
        let timeout = Timespec {
            tv_sec: watch_ms / 1000,
            tv_nsec: watch_ms % 1000 * 1_000_000,
        };
        poll(&mut [PollFd::new(&self.fd, PollFlags::IN)], Some(&timeout)).is_ok_and(|ready| ready > 0)
    }
}

/// Whether what stands at a pid started then. `btime` has whole seconds and moves by one when the clock is set.
fn is_same(stat: &ProcStat, start_ms: i64) -> Result<bool, String> {
    let boot_ms = procstat::boot_ms().map_err(|error| format!("The boot time cannot be read: {error}."))?;
    Ok((stat.start_ms(boot_ms) - start_ms).abs() <= 1000)
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A process of our own, and its start.
    pub fn sleeper() -> (std::process::Child, i64) {
        let child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
        let start_ms = procstat::start_ms(child.id()).unwrap();
        (child, start_ms)
    }

    /// Parameters that name it, and one more.
    pub fn named(pid: u32, start_ms: i64, name: &str, value: &str) -> Params {
        [
            ("pid", pid.to_string()),
            ("start_ms", start_ms.to_string()),
            (name, value.to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }
}
