//! Memory that is not used any more goes back to the kernel. A start reads the configuration, brings the database up to date, makes
//! what is long-lived, and a page that somebody opened was drawn: after that most of the program and some of the heap are not
//! touched again for hours, and yet count as this process's until the machine is short of memory.
//!
//! What is done is safe at any moment: pages of the program that nobody has written to are let go of and come back from the
//! page cache when they are needed, a few dozen of them within a millisecond; and the allocator is asked to return what is free.

use std::{
    fs, io,
    ops::Range,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

/// From the start to the first time: collectors, history and sockets stand by then.
const FIRST: Duration = Duration::from_secs(30);
/// From one time to the next.
const EVERY: Duration = Duration::from_secs(600);

/// Says how the allocator is to share memory among threads. To be called before there is a second one.
///
/// By itself glibc gives threads up to eight heaps per core, and what is free in one is of no use to another. As many as there are
/// cores is as many as can be asked at the same time.
pub fn prepare() {
    #[cfg(target_env = "gnu")]
    {
        let cores = std::thread::available_parallelism().map_or(2, |cores| cores.get().clamp(2, 64));
        allocator::share(cores as i32);
    }
}

/// Hands back soon after the start and every few minutes, until shutdown.
pub async fn keep(shutdown: CancellationToken) {
    let mut wait = FIRST;
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
        wait = EVERY;
        let started = Instant::now();
        match tokio::task::spawn_blocking(hand_back).await {
            Ok(Ok(bytes)) => {
                let took_us = started.elapsed().as_micros();
                tracing::debug!(bytes, took_us, "pages of the program were let go of");
            }
            Ok(Err(error)) => {
                // Nothing depends on it; where /proc is not there, it will not be there later.
                tracing::debug!(%error, "memory is not handed back");
                return;
            }
            Err(error) => tracing::error!(%error, "memory could not be handed back"),
        }
    }
}

/// Hands back once. Answers how many bytes of the program were resident that need not be.
pub fn hand_back() -> io::Result<usize> {
    #[cfg(target_env = "gnu")]
    allocator::trim();
    let mut bytes = 0;
    let program = fs::read_link("/proc/self/exe")?;
    let smaps = fs::read_to_string("/proc/self/smaps")?;
    for map in unwritten(&smaps, &program.to_string_lossy()) {
        bytes += map.resident;
        program::let_go(map.place)?;
    }
    Ok(bytes)
}

/// A part of the program's file that is mapped to be read or run.
#[derive(Debug, PartialEq, Eq)]
struct Map {
    place: Range<usize>,
    /// Bytes in memory.
    resident: usize,
}

/// Maps of the program that this process may not write to and has no pages of its own in (proc_pid_smaps(5)): whatever is let go of
/// comes back from the file as it was. What the loader has relocated is not among them. Libraries are left alone: they may be
/// unloaded, and something else may be there by the time it is let go of.
fn unwritten(smaps: &str, program: &str) -> Vec<Map> {
    let mut found = Vec::new();
    let mut current: Option<Map> = None;
    for line in smaps.lines() {
        let mut words = line.split_ascii_whitespace();
        let (Some(first), second) = (words.next(), words.next().unwrap_or_default()) else {
            continue;
        };
        match first.strip_suffix(':') {
            None => {
                // Address, rights, offset, device, inode, and the path, which may hold spaces.
                let is_program =
                    line.ends_with(program) && words.nth(3).is_some_and(|path| program.starts_with(path));
                let is_kept = second.starts_with("r-") && second.ends_with('p') && is_program;
                current = place(first)
                    .filter(|_| is_kept)
                    .map(|place| Map { place, resident: 0 });
            }
            Some("Rss") => {
                if let Some(map) = &mut current {
                    map.resident = 1024 * second.parse().unwrap_or(0);
                }
            }
            Some("Anonymous") => found.extend(current.take().filter(|map| second == "0" && map.resident > 0)),
            Some(_) => {}
        }
    }
    found
}

fn place(word: &str) -> Option<Range<usize>> {
    let (start, end) = word.split_once('-')?;
    let number = |text| usize::from_str_radix(text, 16).ok();
    Some(number(start)?..number(end)?)
}

#[allow(
    unsafe_code,
    reason = "the kernel is told of addresses; no crate can know that nobody minds losing these pages"
)]
mod program {
    use rustix::mm::{Advice, madvise};
    use std::{io, ops::Range};

    /// Lets go of pages of a file map that nobody has written to.
    pub(super) fn let_go(place: Range<usize>) -> io::Result<()> {
        let start = std::ptr::with_exposed_provenance_mut(place.start);
        // SAFETY: the map is private, of the file of the program, which is never unmapped, may not be written to and has no page of
        // its own, so that reading it brings back the very same bytes.
        unsafe { madvise(start, place.len(), Advice::LinuxDontNeed) }?;
        Ok(())
    }
}

#[cfg(target_env = "gnu")]
#[allow(unsafe_code, reason = "these are calls of the C library without a wrapper")]
mod allocator {
    /// As many heaps at most.
    pub(super) fn share(heaps: i32) {
        // SAFETY: sets a number. That it is refused changes nothing that anybody depends on.
        unsafe { libc::mallopt(libc::M_ARENA_MAX, heaps) };
    }

    /// Returns what is free.
    pub(super) fn trim() {
        // SAFETY: touches nothing but free memory, under the allocator's own locks.
        unsafe { libc::malloc_trim(0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMAPS: &str = "\
55d0a0000000-55d0a0400000 r--p 00000000 fe:00 12      /usr/my bin/farol\nSize: 4096 kB\nRss: 1024 kB\nAnonymous: 0 kB\nVmFlags: rd mr\n\
55d0a0400000-55d0a1400000 r-xp 00400000 fe:00 12      /usr/my bin/farol\nRss: 8 kB\nPss: 8 kB\nAnonymous: 0 kB\n\
55d0a1400000-55d0a1600000 r--p 01400000 fe:00 12      /usr/my bin/farol\nRss: 2048 kB\nAnonymous: 2000 kB\n\
55d0a1600000-55d0a1700000 rw-p 01600000 fe:00 12      /usr/my bin/farol\nRss: 64 kB\nAnonymous: 0 kB\n\
55d0a1700000-55d0a1800000 r--s 00000000 fe:00 13      /data/farol.db-shm\nRss: 64 kB\nAnonymous: 0 kB\n\
55d0a1800000-55d0a1900000 r--p 00000000 fe:00 14      /lib/libm.so\nRss: 64 kB\nAnonymous: 0 kB\n\
7ffd00000000-7ffd00021000 r-xp 00000000 00:00 0       [vdso]\nRss: 4 kB\nAnonymous: 0 kB\nodd\n\n";

    #[test]
    fn only_what_comes_back_as_it_was_is_let_go_of() {
        let found = |program| -> Vec<(usize, usize)> {
            let maps = unwritten(SMAPS, program).into_iter();
            maps.map(|map| (map.place.len(), map.resident)).collect()
        };
        assert_eq!(
            found("/usr/my bin/farol"),
            [(0x40_0000, 1024 * 1024), (0x100_0000, 8 * 1024)]
        );
        assert_eq!(found("/usr/bin/farol"), []);
        let odd = "odd-odd r-xp 0 0 1 /p\nRss: 1 kB\nAnonymous: 0 kB\n";
        assert_eq!(unwritten(odd, "/p"), []);
    }

    #[test]
    fn this_process_runs_on_after_it() {
        let bytes = hand_back().unwrap();
        assert!(bytes > 64 * 1024, "{bytes}");
        // Another way through the program than the one that led here.
        assert_eq!(format!("{:.3}", std::hint::black_box(2.0_f64).sqrt()), "1.414");
    }
}
