//! What history costs: bytes and time of a sample, time of a question, memory. `cargo xtask bench history [SCENE...]`.
//!
//! | scene | |
//! |---|---|
//! | `mixed` | 7200 s of the mixed set of [`data`]: bytes and processor time of a sample, memory |
//! | `day` | 24 h of it, then questions of 1 and of 50 series, and expressions |
//! | `real [SECONDS or DIR]` | every collector of this machine for so long (5 min), or the history of a real server, copied: bytes of a sample |
//! | `restart` | 1424 series of ten minutes: what a start reads for live charts to go on |
//! | `find` | 10,000 series: words as somebody types them |
//!
//! Each scene runs in a process of its own, so that its memory and processor time are its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench: it prints figures, and ends at the first surprise"
)]

mod data;
mod real;

use data::{CHANNELS, SERIES, Source, WIDTH, schemas};
use farol::history::{
    Store,
    config::HistoryConfig,
    expr::Expression,
    lately::Limits,
    query::{Query, Step},
    selector::Selector,
    tier::Tier,
};
use std::{path::Path, process::Command, time::Instant};

/// 2026-01-01T00:00:00Z: a window of each tier but the coarsest begins here.
const START: i64 = 1_767_225_600_000;

fn main() {
    let args: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with("--"))
        .collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["in", "mixed"] => mixed(),
        ["in", "day"] => day(),
        ["in", "restart"] => restart(),
        ["in", "find"] => find(),
        ["in", "real", what] => match what.parse() {
            Ok(seconds) => real::collected(seconds),
            Err(_) => real::of_server(Path::new(what)),
        },
        [] => [
            &["mixed"][..],
            &["day"],
            &["restart"],
            &["find"],
            &["real", "300"],
        ]
        .into_iter()
        .for_each(apart),
        ["real"] => apart(&["real", "300"]),
        ["real", what] => apart(&["real", what]),
        scenes => scenes.iter().for_each(|scene| apart(&[scene])),
    }
}

/// Runs a scene in a process of its own.
fn apart(words: &[&str]) {
    let status = Command::new(std::env::current_exe().unwrap())
        .arg("in")
        .args(words)
        .status()
        .unwrap();
    assert!(status.success(), "{words:?}");
}

fn open(dir: &Path) -> Store {
    // The clock of the rows: nothing is old.
    open_at(dir, || START)
}

fn open_at(dir: &Path, now_ms: fn() -> i64) -> Store {
    let config = HistoryConfig {
        min_free_mib: 0,
        ..HistoryConfig::default()
    };
    Store::open_with(&config, dir, std::sync::Arc::new(now_ms)).unwrap()
}

/// Feeds so many seconds; answers with how many values that are, and the processor time that making them alone takes.
fn feed(store: &Store, seconds: usize) -> (usize, f64) {
    let (mut sources, schemas) = (Source::all(), schemas());
    let mut values = vec![0.0; WIDTH];
    let (mut there, mut making) = (0, 0.0);
    for second in 0..seconds {
        let t_ms = START + 1000 * second as i64;
        for (channel, (name, schema)) in schemas.iter().enumerate() {
            let before = thread_secs();
            let sources = &mut sources[channel * WIDTH..(channel + 1) * WIDTH];
            values
                .iter_mut()
                .zip(sources)
                .for_each(|(value, source)| *value = source.step());
            there += values.iter().filter(|value| !value.is_nan()).count();
            making += thread_secs() - before;
            while !store.feed().frame(name, schema, t_ms, 1000, &values) {
                store.flush();
            }
        }
        // As a clock would: rows do not pile up faster than they are sealed.
        if second % 240 == 239 {
            store.settle();
        }
    }
    (there, making)
}

fn mixed() {
    const SECONDS: usize = 7200;
    println!("   mixed: {SERIES} series of {CHANNELS} channels, {SECONDS} s");
    let dir = tempfile::tempdir().unwrap();
    let before = rss_bytes();
    let store = open(dir.path());
    let (began, cpu) = (Instant::now(), process_secs());
    let (samples, making) = feed(&store, SECONDS);
    let samples = samples as f64;
    // One row of the next hour, so that both are over.
    let (name, schema) = &schemas()[0];
    store.feed().frame(
        name,
        schema,
        START + 1000 * SECONDS as i64,
        1000,
        &vec![f64::NAN; WIDTH],
    );
    store.tidied();
    let cpu = process_secs() - cpu - making;
    let raw = bytes_of(dir.path(), Tier::Raw);
    println!(
        "      raw: {:.3} bytes a sample ({raw} bytes)",
        raw as f64 / samples
    );
    println!(
        "      10 s rows beside it: {:.3} bytes a raw sample",
        bytes_of(dir.path(), Tier::TenSeconds) as f64 / samples
    );
    println!(
        "      append, from the feed to merged and rolled up files: {:.3} us of processor time a sample ({:.1} s in all took {:.1} s)",
        1e6 * cpu / samples,
        cpu,
        began.elapsed().as_secs_f64()
    );
    println!(
        "      memory: {:.1} MB more than before it was opened, at most {:.1} MB",
        mib(rss_bytes() - before),
        mib(peak_bytes() - before)
    );
    store.close();
    // Last: it takes more memory than all of the store.
    println!("      entropy of the set: {:.2} bytes a sample", data::entropy());
}

fn day() {
    const SECONDS: usize = 86_400;
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    feed(&store, SECONDS);
    store.tidied();
    println!(
        "   day: {SERIES} series, 24 h; on disk {:.1} MB raw, {:.1} MB of 10 s",
        mib(bytes_of(dir.path(), Tier::Raw)),
        mib(bytes_of(dir.path(), Tier::TenSeconds))
    );
    let ask = |name: &str, series: usize, hours: i64, step: Step| {
        let regex = (0..series).map(|at| (at * SERIES / series + 7 * at % 24).min(SERIES - 1).to_string());
        let regex = regex.collect::<Vec<_>>().join("|");
        let selector = Selector::parse(&format!("bench_value{{series=~\"{regex}\"}}")).unwrap();
        let end = START + 1000 * SECONDS as i64;
        let query = Query {
            selectors: vec![selector],
            from_ms: end - hours * 3_600_000,
            to_ms: end,
            step,
        };
        let mut times: Vec<f64> = (0..21)
            .map(|_| {
                let began = Instant::now();
                let answer = store.query(&query).unwrap();
                assert_eq!(answer.series.len(), series);
                began.elapsed().as_secs_f64() * 1000.0
            })
            .collect();
        let first = times[0];
        times.sort_by(f64::total_cmp);
        println!(
            "      {name}: {:.1} ms (median of 21; first {first:.1}, worst {:.1})",
            times[10], times[20]
        );
    };
    ask("24 h, 1 series, 600 points", 1, 24, Step::Points(600));
    ask("24 h, 1 series, all raw rows (9 s points)", 1, 24, Step::Of(9000));
    ask("24 h, 50 series, 600 points", 50, 24, Step::Points(600));
    ask(
        "24 h, 50 series, all raw rows (9 s points)",
        50,
        24,
        Step::Of(9000),
    );
    let end = START + 1000 * SECONDS as i64;
    for text in [
        "sum(bench_value)",
        "topk(5, bench_value)",
        "quantile(0.9, bench_value{series=~\"...\"})",
        "avg_over_time(bench_value{series=\"7\"}[1h])",
    ] {
        let expression = Expression::parse(text).unwrap();
        let began = Instant::now();
        let answer = store
            .evaluate(&expression, end - 86_400_000, end, Step::Points(600))
            .unwrap();
        println!(
            "      24 h, {text}: {:.1} ms, {} points",
            began.elapsed().as_secs_f64() * 1000.0,
            answer.grid.count
        );
    }
    ask("1 h, 1 series, 1 s points", 1, 1, Step::Of(1000));
    ask("1 h, 50 series, 1 s points", 50, 1, Step::Of(1000));
    store.close();
}

/// A store that ends, and is read at the next start: minutes after the hour and late in it, when rows are in a merged file and when they
/// are in pieces.
fn restart() {
    const CHANNELS: usize = 16;
    const WIDTH: usize = 89;
    let schemas: Vec<(String, std::sync::Arc<[farol_model::metric::MetricSpec]>)> = (0..CHANNELS)
        .map(|channel| {
            let (_, wide) = &schemas()[channel % data::CHANNELS];
            (format!("metrics/local/restart-{channel}"), wide[..WIDTH].into())
        })
        .collect();
    println!(
        "   restart: {} series of {CHANNELS} channels, ten minutes",
        CHANNELS * WIDTH
    );
    for minutes in [3, 50] {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path());
        let mut sources = Source::all();
        let begin = 3600 - 600;
        let end = 3600 + 60 * minutes;
        for second in begin..end {
            let t_ms = START + 1000 * second;
            for (channel, (name, schema)) in schemas.iter().enumerate() {
                let from = channel * (SERIES - WIDTH) / CHANNELS;
                let values: Vec<f64> = sources[from..from + WIDTH].iter_mut().map(Source::step).collect();
                while !store.feed().frame(name, schema, t_ms, 1000, &values) {
                    store.flush();
                }
            }
            if second % 240 == 239 {
                store.tidied();
            }
        }
        store.flush();
        store.close();
        let now_ms = START + 1000 * end;
        let config = HistoryConfig {
            min_free_mib: 0,
            ..HistoryConfig::default()
        };
        let store = Store::open_with(&config, dir.path(), std::sync::Arc::new(move || now_ms)).unwrap();
        farol::memory::hand_back().unwrap();
        let (before, peak) = (rss_bytes(), peak_bytes());
        let (began, cpu) = (Instant::now(), thread_secs());
        let mut rings = Vec::new();
        let limits = Limits::within(std::time::Duration::from_secs(600));
        let told = store.lately(&limits, |_, ring| rings.push(ring));
        let (took, cpu) = (began.elapsed().as_secs_f64(), thread_secs() - cpu);
        farol::memory::hand_back().unwrap();
        println!(
            "      {minutes} min after the hour: {} values of {} channels in {:.0} ms ({:.0} ms of processor time); {:.1} MB more with the rings, at most {:.1} MB more on the way",
            told.values,
            told.channels,
            1000.0 * took,
            1000.0 * cpu,
            mib(rss_bytes().saturating_sub(before)),
            mib(peak_bytes().saturating_sub(peak.max(before)))
        );
        store.close();
    }
}

/// Ten thousand series of three hundred metrics, and what somebody types.
fn find() {
    const DEVICES: usize = 34;
    const WORDS: [&str; 15] = [
        "disk", "network", "cpu", "memory", "read", "write", "busy", "queue", "errors", "bytes", "packets",
        "seconds", "wait", "total", "percent",
    ];
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let names = WORDS
        .iter()
        .flat_map(|a| WORDS.iter().map(move |b| (a, b)))
        .filter(|(a, b)| a != b);
    let mut series = 0;
    for (channel, (a, b)) in names.cycle().take(300).enumerate() {
        let schema: std::sync::Arc<[farol_model::metric::MetricSpec]> = (0..DEVICES)
            .map(|device| {
                let unit = farol_model::metric::Unit::None;
                let name = format!("{a}_{b}_{}", channel % 7);
                let help = format!("How much {b} there was of {a}, as the kernel counts it for this device.");
                let title = format!("device {device}");
                farol_model::metric::MetricSpec::gauge(&name, unit, &format!("{a} {b}"), &title, &help)
                    .label("device", &format!("dev{device}"))
                    .label("kind", a)
            })
            .collect();
        series += DEVICES;
        let name = format!("metrics/local/group-{channel}");
        while !store.feed().frame(&name, &schema, START, 1000, &[1.0; DEVICES]) {
            store.flush();
        }
    }
    store.flush();
    println!("   find: {series} series");
    let began = Instant::now();
    store.find("d", 20);
    println!(
        "      the first, which makes the index: {:.1} ms",
        began.elapsed().as_secs_f64() * 1000.0
    );
    for words in [
        "d",
        "dsk",
        "disk read",
        "disk read dev12",
        "ntwrk errs",
        "memroy",
        "xyzzy",
        "how much wait",
    ] {
        let mut times: Vec<f64> = (0..21)
            .map(|_| {
                let began = Instant::now();
                std::hint::black_box(store.find(words, 20));
                began.elapsed().as_secs_f64() * 1000.0
            })
            .collect();
        times.sort_by(f64::total_cmp);
        let found = store.find(words, 20);
        println!(
            "      `{words}`: {:.1} ms (median of 21; worst {:.1}), {} series, first {}",
            times[10],
            times[20],
            found.total,
            found
                .metrics
                .first()
                .map_or("none", |metric| &metric.example.spec.name)
        );
    }
    store.close();
}

fn bytes_of(dir: &Path, tier: Tier) -> u64 {
    let folder = dir.join("history").join(tier.as_str());
    std::fs::read_dir(folder).map_or(0, |files| {
        files.map(|file| file.unwrap().metadata().unwrap().len()).sum()
    })
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn status_of(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    1024 * line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
}

fn rss_bytes() -> u64 {
    status_of("VmRSS:")
}

fn peak_bytes() -> u64 {
    status_of("VmHWM:")
}

fn process_secs() -> f64 {
    secs(rustix::time::ClockId::ProcessCPUTime)
}

fn thread_secs() -> f64 {
    secs(rustix::time::ClockId::ThreadCPUTime)
}

fn secs(clock: rustix::time::ClockId) -> f64 {
    let time = rustix::time::clock_gettime(clock);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
