//! Figures, not verdicts: what Farol costs while nobody looks, and while somebody does.

mod charts;
mod collect;
mod lighthouse;

use crate::{
    browser::{self, Bundle},
    project::Project,
    step::{run as run_command, step},
    tools,
};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

const BENCHES: [&str; 6] = ["charts", "collect", "history", "idle", "lighthouse", "live"];
/// How long the idle server is watched.
const WATCHED: Duration = Duration::from_secs(30);

/// Runs one bench or all; `scenes` are passed on. To add one: a function and its name in [`BENCHES`].
pub fn run(project: &Project, name: Option<&str>, scenes: &[String]) -> Result<bool> {
    if let Some(name) = name
        && !BENCHES.contains(&name)
    {
        bail!("there is no bench `{name}`; there are {}", BENCHES.join(", "));
    }
    let wanted = |bench: &str| name.is_none_or(|name| name == bench);
    if wanted("idle") {
        browser::build(project, Bundle::Release)?;
        browser::server(project, true)?;
        step("idle: all collectors at 1 Hz, no viewer", || idle(project))?;
    }
    if wanted("collect") {
        browser::build(project, Bundle::Release)?;
        browser::server(project, true)?;
        step("collect: Farol beside netdata, at 1 Hz, no viewer", || {
            collect::run(project, scenes)
        })?;
    }
    if wanted("live") {
        step("live: fan-out beside its peers and the floor", || {
            live(project, scenes)
        })?;
    }
    if wanted("history") {
        step("history: bytes and time of a sample, time of a question", || {
            history(project, scenes)
        })?;
    }
    if wanted("charts") {
        step("charts: redraw beside uPlot, eight hours, panning", || {
            charts::run(project, scenes)
        })?;
    }
    if wanted("lighthouse") {
        browser::build(project, Bundle::Release)?;
        browser::server(project, true)?;
        step("lighthouse: every page of the menu", || {
            lighthouse::run(project, scenes)
        })?;
    }
    Ok(true)
}

/// `server/benches/history`.
fn history(project: &Project, scenes: &[String]) -> Result<()> {
    run_command(
        project
            .cargo()
            .args([
                "bench",
                "--package",
                &project.bin_package,
                "--bench",
                "history",
                "--",
            ])
            .args(scenes),
    )
}

/// `server/benches/live`, which starts its peers itself.
fn live(project: &Project, scenes: &[String]) -> Result<()> {
    tools::npm_ci(&project.root.join("server/benches/peers"))?;
    run_command(
        project
            .cargo()
            .args([
                "bench",
                "--package",
                &project.bin_package,
                "--bench",
                "live",
                "--",
            ])
            .args(scenes),
    )
}

/// CPU and memory of a release server that nobody watches.
fn idle(project: &Project) -> Result<()> {
    let dir = project.target.join("bench-idle");
    if dir.exists() {
        fs::remove_dir_all(&dir)?;
    }
    let mut server = Command::new(project.server(true))
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(&dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot start the server")?;
    let figures = watch(&mut server);
    Command::new("kill").arg(server.id().to_string()).status()?;
    server.wait()?;
    let (cpu_secs, watched_secs, rss_bytes) = figures?;
    println!(
        "   CPU: {:.2} % of one core ({cpu_secs:.2} s in {watched_secs:.0} s)",
        100.0 * cpu_secs / watched_secs
    );
    println!("   RSS: {:.1} MiB", rss_bytes as f64 / 1024.0 / 1024.0);
    println!("   processes on this machine: {}", process_count()?);
    Ok(())
}

fn watch(server: &mut Child) -> Result<(f64, f64, u64)> {
    let output = server.stdout.take().context("no output")?;
    let listening = BufReader::new(output)
        .lines()
        .map_while(Result::ok)
        .any(|line| line.contains("listening on"));
    anyhow::ensure!(listening, "the server did not start");
    let (first, started) = (cpu_secs(server.id())?, Instant::now());
    pause();
    let used = cpu_secs(server.id())? - first;
    Ok((used, started.elapsed().as_secs_f64(), rss_bytes(server.id())?))
}

#[expect(
    clippy::disallowed_methods,
    reason = "xtask has no async threads; the bench watches for a fixed time"
)]
fn pause() {
    std::thread::sleep(WATCHED);
}

/// User and system time of a process so far (proc(5): fields 14 and 15 of stat, in ticks of 1/100 s on Linux).
fn cpu_secs(pid: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let after_name = stat.rsplit(')').next().context("an odd stat line")?;
    let ticks: Vec<f64> = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse().ok())
        .collect();
    Ok(ticks.iter().sum::<f64>() / 100.0)
}

fn rss_bytes(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .context("no VmRSS")?;
    Ok(1024
        * line
            .split_whitespace()
            .nth(1)
            .context("an odd VmRSS line")?
            .parse::<u64>()?)
}

fn process_count() -> Result<usize> {
    let entries = fs::read_dir("/proc")?.flatten();
    Ok(entries
        .filter(|entry| {
            entry
                .file_name()
                .to_string_lossy()
                .bytes()
                .all(|byte| byte.is_ascii_digit())
        })
        .count())
}
