//! What collecting costs: Farol beside Debian's netdata, both at 1 Hz on this machine over the same minutes, nobody looking at either.
//! Both keep history: Farol on disk as it does by itself, and netdata its own.
//!
//! Of each: processor time of all its processes together, from the kernel's scheduler where it tells (schedstat, nanoseconds) and
//! else from stat (ticks); memory as PSS, which counts shared pages by their share, and as RSS, which `VmRSS` of `/proc/PID/status`
//! tells, the most that was seen beside it; and how many series it has. Memory grows until the ten minutes that Farol holds in memory are full, so
//! the bench lets that time pass first.

use crate::{project::Project, tools};
use anyhow::{Context, Result, ensure};
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// How long both are given before they are watched, and watched for.
const SETTLES: Duration = Duration::from_secs(630);
const WATCHED: Duration = Duration::from_secs(300);
/// Between two looks at memory.
const LOOK: Duration = Duration::from_secs(10);

/// One that is measured.
struct Runner {
    name: &'static str,
    child: Child,
    series: Box<dyn Fn() -> Result<usize>>,
    /// More that there is to tell.
    note: Box<dyn Fn() -> Result<String>>,
}

/// What was measured.
struct Figures {
    cpu_percent: f64,
    pss_mb: f64,
    rss_mb: f64,
    most_rss_mb: f64,
    series: usize,
    note: String,
}

/// The first of `words` replaces the seconds that are watched, the second those before.
pub fn run(project: &Project, words: &[String]) -> Result<()> {
    let mut times = [WATCHED, SETTLES];
    for (time, word) in times.iter_mut().zip(words) {
        let secs = word.parse();
        *time = Duration::from_secs(secs.with_context(|| format!("`{word}` is no number of seconds"))?);
    }
    tools::netdata()?;
    let dir = project.target.join("bench-collect");
    if dir.exists() {
        fs::remove_dir_all(&dir)?;
    }
    let mut runners = vec![farol(project, &dir.join("farol"))?];
    let measured = netdata(&dir.join("netdata")).and_then(|netdata| {
        runners.push(netdata);
        measure(&runners, times)
    });
    for mut runner in runners {
        Command::new("kill").arg(runner.child.id().to_string()).status()?;
        runner.child.wait()?;
    }
    print(&measured?);
    Ok(())
}

fn measure(runners: &[Runner], [watched, settles]: [Duration; 2]) -> Result<Vec<(&'static str, Figures)>> {
    pause(settles);
    let started = Instant::now();
    let before: Vec<f64> = runners.iter().map(|runner| cpu_secs(runner.child.id())).collect();
    let mut most = vec![0.0_f64; runners.len()];
    while started.elapsed() < watched {
        pause(LOOK.min(watched.saturating_sub(started.elapsed())));
        for (most, runner) in most.iter_mut().zip(runners) {
            *most = most.max(rss_mb(&tree(runner.child.id())));
        }
    }
    let secs = started.elapsed().as_secs_f64();
    let of_one = |((runner, before), most): ((&Runner, f64), f64)| {
        let pids = tree(runner.child.id());
        ensure!(!pids.is_empty(), "{} has ended", runner.name);
        let used = cpu_secs(runner.child.id()) - before;
        let figures = Figures {
            cpu_percent: 100.0 * used / secs,
            pss_mb: pids
                .iter()
                .map(|pid| kb(*pid, "smaps_rollup", "Pss:"))
                .sum::<f64>()
                * KB_IN_MB,
            rss_mb: rss_mb(&pids),
            most_rss_mb: most,
            series: (runner.series)()?,
            note: (runner.note)()?,
        };
        Ok((runner.name, figures))
    };
    runners.iter().zip(before).zip(most).map(of_one).collect()
}

fn print(all: &[(&'static str, Figures)]) {
    println!(
        "   {:<10} {:>8} {:>8} {:>8} {:>12} {:>8} {:>14}",
        "", "CPU %", "PSS MB", "RSS MB", "at most, MB", "series", "us per series"
    );
    for (name, figures) in all {
        println!(
            "   {name:<10} {:>8.2} {:>8.1} {:>8.1} {:>12.1} {:>8} {:>14.2}",
            figures.cpu_percent,
            figures.pss_mb,
            figures.rss_mb,
            figures.most_rss_mb,
            figures.series,
            figures.cpu_percent * 10_000.0 / figures.series.max(1) as f64,
        );
    }
    for (name, figures) in all.iter().filter(|(_, figures)| !figures.note.is_empty()) {
        println!("   {name}: {}", figures.note);
    }
    if let [(_, farol), (other, netdata)] = all {
        println!(
            "   Farol takes {:.2} of the processor time and {:.2} of the memory (RSS) of {other}; processor time per series {:.2}",
            farol.cpu_percent / netdata.cpu_percent,
            farol.rss_mb / netdata.rss_mb,
            (farol.cpu_percent / farol.series.max(1) as f64)
                / (netdata.cpu_percent / netdata.series.max(1) as f64),
        );
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "xtask has no async threads; the bench watches for a fixed time"
)]
fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// A release server with everything at its default, and a token to ask it how many series it has.
fn farol(project: &Project, data: &Path) -> Result<Runner> {
    let program = project.server(true);
    let admin = |args: &[&str], input: &str| -> Result<String> {
        let mut child = Command::new(&program)
            .args(args)
            .arg("--data-dir")
            .arg(data)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        child
            .stdin
            .take()
            .context("no input")?
            .write_all(input.as_bytes())?;
        let output = child.wait_with_output()?;
        ensure!(output.status.success(), "farol {} failed", args.join(" "));
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    admin(
        &["user", "add", "bench", "--role", "viewer", "--password-stdin"],
        "a long password of the bench\n",
    )?;
    let told = admin(&["token", "create", "--user", "bench", "--name", "bench"], "")?;
    let token = told
        .split_whitespace()
        .find(|word| word.starts_with("farol_"))
        .context("no token was told")?
        .to_owned();
    let mut child = Command::new(&program)
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(data)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot start the server")?;
    let output = child.stdout.take().context("no output")?;
    let address = BufReader::new(output)
        .lines()
        .map_while(Result::ok)
        .find_map(|line| Some(line.split_once("listening on http://")?.1.trim().to_owned()))
        .context("the server did not start")?;
    let bearer = format!("Authorization: Bearer {token}\r\n");
    let (place, proof) = (address.clone(), bearer.clone());
    let note = move || {
        let text = get(&place, "/api/v1/history", &proof)?;
        let (_, body) = text.split_once("\r\n\r\n").context("an odd answer")?;
        ensure!(body.contains("\"writing\""), "no history is kept: {body}");
        Ok(format!("history on disk: {body}"))
    };
    let series = move || {
        let text = get(&address, "/api/fn/host", &bearer)?;
        let counts = text.split("\"series\":").skip(1);
        let count = |text: &str| {
            text.split(|c: char| !c.is_ascii_digit())
                .next()
                .and_then(|digits| digits.parse::<usize>().ok())
        };
        Ok(counts.filter_map(count).sum())
    };
    Ok(Runner {
        name: "Farol",
        child,
        series: Box::new(series),
        note: Box::new(note),
    })
}

/// Debian's netdata as it comes, with folders and a port of its own.
fn netdata(dir: &Path) -> Result<Runner> {
    for folder in ["cache", "lib", "log"] {
        fs::create_dir_all(dir.join(folder))?;
    }
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let config = dir.join("netdata.conf");
    let place = dir.display();
    fs::write(
        &config,
        format!(
            "[global]\n run as user = root\n[directories]\n cache = {place}/cache\n lib = {place}/lib\n log = {place}/log\n\
             [web]\n bind to = 127.0.0.1\n default port = {port}\n"
        ),
    )?;
    let child = Command::new("/usr/sbin/netdata")
        .arg("-D")
        .arg("-c")
        .arg(&config)
        .args(["-p", &port.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot start netdata")?;
    let series = move || {
        let text = get(
            &format!("127.0.0.1:{port}"),
            "/api/v1/allmetrics?format=shell",
            "",
        )?;
        let is_series = |line: &&str| {
            line.starts_with("NETDATA_")
                && !line.contains("_VISIBLETOTAL=")
                && !line.starts_with("NETDATA_ALARM")
        };
        Ok(text.lines().filter(is_series).count())
    };
    Ok(Runner {
        name: "netdata",
        child,
        series: Box::new(series),
        note: Box::new(|| Ok(String::new())),
    })
}

/// The answer to a GET, its head included.
fn get(address: &str, path: &str, headers: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address).with_context(|| format!("nothing answers at {address}"))?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n{headers}\r\n")?;
    let mut text = Vec::new();
    stream.read_to_end(&mut text)?;
    let text = String::from_utf8_lossy(&text).into_owned();
    ensure!(
        text.starts_with("HTTP/1.") && text.contains(" 200 "),
        "{path}: {}",
        text.lines().next().unwrap_or_default()
    );
    Ok(text)
}

/// A process and all that descend from it.
fn tree(root: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let pid = entry.file_name().to_string_lossy().parse().ok()?;
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            Some((pid, stat.rsplit(") ").next()?.split(' ').nth(1)?.parse().ok()?))
        })
        .collect();
    let mut found: Vec<u32> = parents
        .iter()
        .map(|(pid, _)| *pid)
        .filter(|pid| *pid == root)
        .collect();
    let mut at = 0;
    while at < found.len() {
        let parent = found[at];
        found.extend(
            parents
                .iter()
                .filter(|(_, of)| *of == parent)
                .map(|(pid, _)| *pid),
        );
        at += 1;
    }
    found
}

/// Processor time of a tree so far, that of children which have ended included.
fn cpu_secs(root: u32) -> f64 {
    tree(root).into_iter().filter_map(own_secs).sum()
}

fn own_secs(pid: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<f64> = stat
        .rsplit(") ")
        .next()?
        .split(' ')
        .map(|field| field.parse().unwrap_or(0.0))
        .collect();
    // Own and ended children's, user and system: fields 14 to 17 of proc(5).
    let ticks = |fields: &[f64]| fields.iter().sum::<f64>() / 100.0;
    let (own, ended) = (ticks(fields.get(11..13)?), ticks(fields.get(13..15)?));
    // Each thread's first number is its time in nanoseconds; without schedstat in the kernel there is no such file.
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten();
    let nanos: Option<f64> = threads
        .map(|thread| {
            let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
            text.split(' ').next()?.parse::<f64>().ok()
        })
        .sum();
    Some(
        nanos
            .filter(|nanos| *nanos > 0.0)
            .map_or(own, |nanos| nanos / 1e9)
            + ended,
    )
}

/// What the kernel calls kB are 1024 bytes.
const KB_IN_MB: f64 = 1024.0 / 1e6;

fn rss_mb(pids: &[u32]) -> f64 {
    pids.iter().map(|pid| kb(*pid, "status", "VmRSS:")).sum::<f64>() * KB_IN_MB
}

/// A number of a file of a process, kB; 0 when it has ended.
fn kb(pid: u32, file: &str, word: &str) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(word));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0.0)
}
