//! CPU and memory of a process, percentiles.

use std::fs;

/// Time on a processor of all threads of a process so far, seconds. From schedstat (proc(5)), in nanoseconds: the ticks of
/// stat are a fiftieth of what is measured here. Threads that have ended are not in it; none ends during a measurement.
pub fn cpu_secs(pid: u32) -> f64 {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten();
    let spent = threads.map(|thread| {
        let stat = fs::read_to_string(thread.path().join("schedstat")).unwrap();
        stat.split_whitespace().next().unwrap().parse::<f64>().unwrap()
    });
    spent.sum::<f64>() / 1e9
}

/// Resident memory, bytes.
pub fn rss_bytes(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    1024.0 * line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap()
}

/// Sockets that a process holds, its listener among them.
pub fn open_sockets(pid: u32) -> usize {
    let files = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
    files
        .filter_map(|file| fs::read_link(file.path()).ok())
        .filter(|target| target.to_string_lossy().starts_with("socket:"))
        .count()
}

/// Memory of all TCP sockets of the machine, bytes (proc(5): sockstat, in pages of 4 KiB).
pub fn kernel_tcp_bytes() -> f64 {
    let stat = fs::read_to_string("/proc/net/sockstat").unwrap();
    let line = stat.lines().find(|line| line.starts_with("TCP:")).unwrap();
    let pages = line
        .split_whitespace()
        .skip_while(|word| *word != "mem")
        .nth(1)
        .unwrap();
    4096.0 * pages.parse::<f64>().unwrap()
}

/// Microseconds since the epoch.
pub fn now_us() -> f64 {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    now.as_micros() as f64
}

/// Latencies, milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Spread {
    pub p50: f64,
    pub p99: f64,
    pub max: f64,
}

pub fn spread(latencies_us: &mut [f64]) -> Spread {
    latencies_us.sort_unstable_by(f64::total_cmp);
    let at = |part: f64| {
        let index = (latencies_us.len() as f64 * part) as usize;
        latencies_us
            .get(index.min(latencies_us.len().saturating_sub(1)))
            .copied()
            .unwrap_or(f64::NAN)
            / 1000.0
    };
    Spread {
        p50: at(0.5),
        p99: at(0.99),
        max: at(1.0),
    }
}
