//! What is done and printed.

use crate::{
    deflate::deflate,
    figures::{Spread, cpu_secs, kernel_tcp_bytes, open_sockets, rss_bytes, spread},
    load::{self, receive},
    restart::restart,
    servers::{AXUM, FAROL, FLOOR, Peer, Running, SOCKET_IO, WS},
};
use std::time::{Duration, Instant};

/// All of them, in this order.
pub fn all() {
    ["cpu", "memory", "many", "restart", "deflate"]
        .into_iter()
        .for_each(one);
}

pub fn one(name: &str) {
    match name {
        "cpu" => cpu(),
        "memory" => memory(),
        "many" => many(),
        "restart" => restart(),
        "deflate" => deflate(),
        name => panic!("there is no scene `{name}`"),
    }
}

/// CPU per delivered frame: 1000 sockets, ten messages of 1 KB a second. The floor is measured before and after each run of
/// Farol and counts as the mean of both, because what a write costs drifts with the machine.
fn cpu() {
    println!("1000 sockets x 10 Hz x 1 KB, {} s each", WATCHED.as_secs());
    println!(
        "{:<10} {:>12} {:>8} {:>9} {:>9} {:>9} {:>7}",
        "", "CPU/frame us", "x floor", "p50 ms", "p99 ms", "max ms", "lost"
    );
    let mut floor = cpu_of(FLOOR, f64::NAN);
    let mut ratios = Vec::new();
    for _ in 0..5 {
        let farol = cpu_of(FAROL, floor);
        let after = cpu_of(FLOOR, f64::NAN);
        ratios.push(farol / ((floor + after) / 2.0));
        floor = after;
    }
    ratios.sort_unstable_by(f64::total_cmp);
    println!(
        "farol, of {} runs: {:.2} times the floor around it (median), {:.2} to {:.2}",
        ratios.len(),
        ratios[ratios.len() / 2],
        ratios[0],
        ratios[ratios.len() - 1],
    );
    for peer in [WS, SOCKET_IO, AXUM] {
        cpu_of(peer, floor);
    }
}

/// How long a server is watched.
const WATCHED: Duration = Duration::from_secs(8);

/// Prints a line and says how many microseconds a frame took.
fn cpu_of(peer: Peer, floor: f64) -> f64 {
    let server = Running::start(peer, 10);
    let mut sockets = load::open(server.address, peer.dialect, 1000, 0);
    receive(&mut sockets, peer.dialect.stamp, Duration::from_secs(2));
    sockets.iter_mut().for_each(|socket| socket.messages = 0);
    let before = cpu_secs(server.child.id());
    let mut received = receive(&mut sockets, peer.dialect.stamp, WATCHED);
    let cpu_us = 1e6 * (cpu_secs(server.child.id()) - before) / received.messages as f64;
    let latency = spread(&mut received.latencies_us);
    println!(
        "{:<10} {cpu_us:>12.2} {:>8.2} {:>9.1} {:>9.1} {:>9.1} {:>7}",
        peer.name,
        cpu_us / floor,
        latency.p50,
        latency.p99,
        latency.max,
        lost(&sockets),
    );
    cpu_us
}

/// Messages that some got and others did not; the last is on its way to some when the time ends.
fn lost(sockets: &[load::Socket]) -> u64 {
    let most = sockets.iter().map(|socket| socket.messages).max().unwrap();
    sockets
        .iter()
        .map(|socket| (most - socket.messages).saturating_sub(1))
        .sum()
}

/// Resident memory per idle socket.
fn memory() {
    let count = 5000;
    println!("{count} idle sockets");
    for peer in [FAROL, WS, SOCKET_IO, AXUM] {
        let server = Running::start(peer, 0);
        // What the first sockets bring with them (threads, caches) is not of each socket.
        let mut first = load::open(server.address, peer.dialect, 100, 0);
        settle(&mut first, peer);
        let before = rss_bytes(server.child.id());
        let mut sockets = load::open(server.address, peer.dialect, count, 0);
        settle(&mut sockets, peer);
        let each = (rss_bytes(server.child.id()) - before) / count as f64;
        println!("{:<10} {:>8.2} KB", peer.name, each / 1000.0);
    }
}

fn settle(sockets: &mut [load::Socket], peer: Peer) {
    receive(sockets, peer.dialect.stamp, Duration::from_secs(2));
}

/// 20,000 sockets at 1 Hz; then the same with 1,000 among them that never read. Fewer where the machine does not let a
/// process have so many files.
fn many() {
    let alone = crowd(0);
    let among = crowd(1000);
    println!(
        "   1,000 that never read change p99 of the others by {:+.0} %",
        100.0 * (among.p99 / alone.p99 - 1.0)
    );
}

/// Less than a ping waits for its answer.
const SETTLE: Duration = Duration::from_secs(6);

fn crowd(stalled: usize) -> Spread {
    let count = load::at_most(20_000);
    let server = Running::start(FAROL, 1);
    let start = Instant::now();
    let mut sockets = load::open(server.address, FAROL.dialect, count, stalled);
    println!(
        "{count} sockets x 1 Hz x 1 KB, {stalled} of them never read; open after {:.1} s",
        start.elapsed().as_secs_f64()
    );
    // With stalled ones until their buffers are full. They say that they are there, and do not read all the same.
    for _ in 0..if stalled > 0 { 12 } else { 1 } {
        receive(&mut sockets, FAROL.dialect.stamp, SETTLE);
        let unread = sockets.iter_mut().filter(|socket| socket.stalled);
        unread.for_each(load::Socket::sign_of_life);
    }
    sockets.iter_mut().for_each(|socket| socket.messages = 0);
    let before = cpu_secs(server.child.id());
    let during = Duration::from_secs(20);
    let mut received = receive(&mut sockets, FAROL.dialect.stamp, during);
    let cpu = cpu_secs(server.child.id()) - before;
    let latency = spread(&mut received.latencies_us);
    let reading = &sockets[stalled..];
    let (least, most) = (
        reading.iter().map(|socket| socket.messages).min().unwrap(),
        reading.iter().map(|socket| socket.messages).max().unwrap(),
    );
    println!(
        "   {:.2} us of CPU per frame, p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms; each socket got {least} to {most} of {}; {} closed; the server holds {} of {count}",
        1e6 * cpu / received.messages as f64,
        latency.p50,
        latency.p99,
        latency.max,
        during.as_secs(),
        received.closed,
        open_sockets(server.child.id()),
    );
    println!(
        "   RSS {:.0} MB; the kernel holds {:.0} MB for all TCP of the machine",
        rss_bytes(server.child.id()) / 1e6,
        kernel_tcp_bytes() / 1e6,
    );
    latency
}
