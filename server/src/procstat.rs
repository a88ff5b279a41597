//! `/proc/PID/stat`, read in one place: collectors and the signal guard must agree on what names a process.
//!
//! Source: proc_pid_stat(5). The name may hold spaces and parentheses, so fields are counted from the last `)`.

use crate::collectors::kernel::{Words, number};
use std::{fs, io};

/// The kernel's clock tick as user space sees it, per second. A constant of the Linux ABI on all common machines
/// (time(7), USER_HZ).
const TICKS_PER_SECOND: i64 = 100;

/// What Farol reads of one process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcStat {
    /// One letter, e.g. `R`, `S`, `Z`.
    pub state: char,
    pub parent: u32,
    /// Number of its process group.
    pub group: u32,
    /// `PF_KTHREAD` and others, include/linux/sched.h.
    pub flags: u64,
    pub threads: u32,
    /// Page faults so far, and those of them that had to wait for a disk.
    pub minor_faults: u64,
    pub major_faults: u64,
    /// Processor time so far, in user and kernel mode, ticks.
    pub cpu_ticks: u64,
    /// Ticks since boot.
    pub start_ticks: i64,
    /// Resident memory, pages.
    pub resident_pages: u64,
}

/// Flag of a kernel thread.
const PF_KTHREAD: u64 = 0x0020_0000;

impl ProcStat {
    /// Reads the process' line. `NotFound` when it has ended.
    pub fn read(pid: u32) -> io::Result<ProcStat> {
        let text = fs::read(format!("/proc/{pid}/stat")).map_err(|error| match error.raw_os_error() {
            // ESRCH: it ended between open and read.
            Some(3) => io::Error::from(io::ErrorKind::NotFound),
            _ => error,
        })?;
        Self::parse(&text).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "an odd /proc/PID/stat"))
    }

    /// What a line says. Makes nothing: collectors read one of each process every second.
    pub fn parse(line: &[u8]) -> Option<ProcStat> {
        let end = line.iter().rposition(|byte| *byte == b')')?;
        // The first word here is number 3 of the manual.
        let mut fields = Words(&line[end + 1..]);
        let state = char::from(*fields.next()?.first()?);
        let (parent, group) = (small(fields.next()?)?, small(fields.next()?)?);
        // Skipped are 6 to 8, 11, 13, 16 to 19, 21 and 23.
        let flags = number(fields.nth(3)?)?;
        let minor_faults = fields.number()?;
        let major_faults = number(fields.nth(1)?)?;
        let user = number(fields.nth(1)?)?;
        let kernel = fields.number()?;
        let threads = small(fields.nth(4)?)?;
        let start = number(fields.nth(1)?)?;
        Some(ProcStat {
            state,
            parent,
            group,
            flags,
            threads,
            minor_faults,
            major_faults,
            cpu_ticks: user.checked_add(kernel)?,
            start_ticks: i64::try_from(start).ok()?,
            resident_pages: fields.nth(1).and_then(number).unwrap_or(0),
        })
    }

    /// The name in a line: what stands between the first and the last parenthesis.
    pub fn name(line: &[u8]) -> Option<&[u8]> {
        let begin = line.iter().position(|byte| *byte == b'(')?;
        let end = line.iter().rposition(|byte| *byte == b')')?;
        line.get(begin + 1..end)
    }

    /// Start, milliseconds since the epoch.
    pub fn start_ms(&self, boot_ms: i64) -> i64 {
        boot_ms + self.start_ticks * 1000 / TICKS_PER_SECOND
    }

    /// Processor time so far, seconds.
    pub fn cpu_seconds(&self) -> f64 {
        self.cpu_ticks as f64 / TICKS_PER_SECOND as f64
    }

    /// Whether it still runs. A zombie has ended: only its parent has not looked yet.
    pub fn lives(&self) -> bool {
        !matches!(self.state, 'Z' | 'X' | 'x')
    }

    pub fn is_kernel_thread(&self) -> bool {
        self.flags & PF_KTHREAD != 0
    }

    /// The state as a word.
    pub fn state_word(&self) -> &'static str {
        match self.state {
            'R' => "running",
            'S' => "sleeping",
            'D' => "waiting for disk",
            'Z' => "zombie",
            'T' => "stopped",
            't' => "traced",
            'I' => "idle",
            'X' | 'x' => "dead",
            _ => "unknown",
        }
    }
}

fn small(word: &[u8]) -> Option<u32> {
    number(word).and_then(|number| u32::try_from(number).ok())
}

/// Boot time, milliseconds since the epoch: `btime` of proc_stat(5). Read each time, because a clock that is set moves it
/// together with every start time computed from it.
pub fn boot_ms() -> io::Result<i64> {
    let text = fs::read_to_string("/proc/stat")?;
    text.lines()
        .find_map(|line| line.strip_prefix("btime ")?.trim().parse::<i64>().ok())
        .map(|secs| secs * 1000)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "/proc/stat has no btime"))
}

/// Whether any process of this group still runs. Reads `/proc` whole: about 10 µs per process of the machine.
///
/// kill(2) cannot tell: it finds a group that has nothing but zombies, which stay for good where init does not reap.
pub fn group_lives(group: u32) -> io::Result<bool> {
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        match ProcStat::read(pid) {
            Ok(stat) if stat.group == group && stat.lives() => return Ok(true),
            // What cannot be read has ended, or is not ours to have started.
            Ok(_) | Err(_) => {}
        }
    }
    Ok(false)
}

/// Start of a process, milliseconds since the epoch. Together with the pid it names the process for good.
pub fn start_ms(pid: u32) -> io::Result<i64> {
    Ok(ProcStat::read(pid)?.start_ms(boot_ms()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_does_not_shift_fields() {
        let line = "7 (a) b (c) S 1 7 7 0 -1 4194560 1 0 0 0 5 6 0 0 20 0 3 0 12345 0 0";
        let stat = ProcStat::parse(line.as_bytes()).unwrap();
        assert_eq!(ProcStat::name(line.as_bytes()), Some(&b"a) b (c"[..]));
        assert_eq!(stat.resident_pages, 0);
        assert_eq!(
            (
                stat.state,
                stat.parent,
                stat.group,
                stat.threads,
                stat.cpu_ticks,
                stat.start_ticks
            ),
            ('S', 1, 7, 3, 11, 12345)
        );
        assert!(!stat.is_kernel_thread());
    }

    #[test]
    fn odd_text_is_no_process() {
        for text in ["", "7", "7 (x", "7 (x) S", "7 (x) S 1 2 3 4 5 x"] {
            assert_eq!(ProcStat::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_group_lives_as_long_as_a_member_that_is_no_zombie() {
        use std::os::unix::process::CommandExt;
        let mut child = std::process::Command::new("/bin/sleep")
            .arg("600")
            .process_group(0)
            .spawn()
            .unwrap();
        assert!(group_lives(child.id()).unwrap());
        child.kill().unwrap();
        // Not reaped: a zombie, as soon as the kernel has ended it. The pidfd becomes readable then.
        let pid = rustix::process::Pid::from_child(&child);
        let ended = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).unwrap();
        let mut polled = [rustix::event::PollFd::new(&ended, rustix::event::PollFlags::IN)];
        rustix::event::poll(&mut polled, None).unwrap();
        assert!(!group_lives(child.id()).unwrap());
        child.wait().unwrap();
    }

    #[test]
    fn this_process_started_before_now_and_after_boot() {
        let start = start_ms(std::process::id()).unwrap();
        assert!(start > boot_ms().unwrap() && start <= crate::time::now_ms() + 1000);
    }

    #[test]
    fn a_process_that_is_not_there_is_not_found() {
        assert_eq!(start_ms(4_194_304).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
