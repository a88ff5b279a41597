//! Everybody comes back at once: 20,000 clients lose their server, and each tries again as docs/PROTOCOL.md asks of clients
//! (full jitter, 0.25 s doubling to 20 s). What counts is how long each was without a subscription.

use crate::{
    figures::spread,
    load::{Dialect, Greeting, at_most},
    servers::{FAROL, Running},
};
use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpSocket, TcpStream},
};

const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// How long the server is away.
const AWAY: Duration = Duration::from_secs(3);
/// A client that is not back by then counts as refused.
const PATIENCE: Duration = Duration::from_secs(60);
/// Of how many loopback addresses the clients come, because one has no 20,000 free ports twice.
const ADDRESSES: usize = 8;

/// What all clients together have seen.
#[derive(Default)]
struct Seen {
    standing: AtomicUsize,
    /// Attempts that failed since the server went.
    failed: AtomicUsize,
    /// Set when the server goes.
    gone: Mutex<Option<Instant>>,
    /// Time without a subscription, microseconds, per client that came back.
    without_us: Mutex<Vec<f64>>,
}

pub fn restart() {
    let count = at_most(20_000);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async move {
        let first = Running::start(FAROL, 1);
        let address = first.address;
        let seen = Arc::new(Seen::default());
        for number in 0..count {
            tokio::spawn(live(number, address, seen.clone()));
        }
        wait_for(&seen, count).await;
        println!("{count} clients lose their server for {} s and come back", AWAY.as_secs());
        *seen.gone.lock().unwrap() = Some(Instant::now());
        drop(first);
        tokio::time::sleep(AWAY).await;
        let _second = Running::start_at(FAROL, 1, address.port());
        let start = Instant::now();
        let back = wait_for(&seen, count).await;
        let mut without = seen.without_us.lock().unwrap().clone();
        let spread = spread(&mut without);
        println!(
            "   {back} back {:.1} s after the new server listened; without a subscription p50 {:.1} s, p99 {:.1} s, max {:.1} s; {} attempts failed on the way",
            start.elapsed().as_secs_f64(),
            spread.p50 / 1000.0,
            spread.p99 / 1000.0,
            spread.max / 1000.0,
            seen.failed.load(Ordering::Relaxed),
        );
    });
}

/// Waits until so many stand, or the patience ends; how many do.
async fn wait_for(seen: &Seen, count: usize) -> usize {
    let end = Instant::now() + PATIENCE;
    loop {
        let standing = seen.standing.load(Ordering::Relaxed);
        if standing >= count || Instant::now() > end {
            return standing;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// One client, for ever.
async fn live(number: usize, address: SocketAddr, seen: Arc<Seen>) {
    let mut attempts = 0;
    let mut lost = None;
    loop {
        if let Ok(mut stream) = connect(number, address, &FAROL.dialect).await {
            attempts = 0;
            if let Some(lost) = Option::take(&mut lost) {
                let since: Instant = lost;
                seen.without_us
                    .lock()
                    .unwrap()
                    .push(since.elapsed().as_micros() as f64);
            }
            seen.standing.fetch_add(1, Ordering::Relaxed);
            let mut rest = [0; 2048];
            while stream.read(&mut rest).await.is_ok_and(|size| size > 0) {}
            seen.standing.fetch_sub(1, Ordering::Relaxed);
            lost = Some(Instant::now());
        } else if seen.gone.lock().unwrap().is_some() {
            seen.failed.fetch_add(1, Ordering::Relaxed);
        }
        let ceiling = FIRST_WAIT.saturating_mul(1 << attempts.min(10)).min(LONGEST_WAIT);
        tokio::time::sleep(ceiling.mul_f64(rand::random::<f64>())).await;
        attempts += 1;
    }
}

/// Connects, upgrades, greets.
async fn connect(number: usize, address: SocketAddr, dialect: &Dialect) -> io::Result<BufReader<TcpStream>> {
    let socket = TcpSocket::new_v4()?;
    let from = [127, 0, 0, 2 + (number % ADDRESSES) as u8];
    socket.bind((from, 0).into())?;
    let mut stream = BufReader::with_capacity(512, socket.connect(address).await?);
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{}\r\n",
        dialect.path, dialect.headers
    );
    stream.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    if !head.starts_with(b"HTTP/1.1 101") {
        return Err(io::Error::other("refused"));
    }
    for (greeting, answers) in dialect.greetings {
        if let Greeting::Binary(bytes) = greeting {
            let mut frame = vec![0x82, 0x80 | bytes.len() as u8, 0, 0, 0, 0];
            frame.extend_from_slice(bytes);
            stream.write_all(&frame).await?;
        }
        for _ in 0..*answers {
            skip_message(&mut stream).await?;
        }
    }
    Ok(stream)
}

async fn skip_message(stream: &mut BufReader<TcpStream>) -> io::Result<()> {
    let opcode = stream.read_u8().await? & 0x0f;
    let length = match stream.read_u8().await? {
        126 => u64::from(stream.read_u16().await?),
        127 => stream.read_u64().await?,
        short => u64::from(short),
    };
    if opcode == 8 {
        return Err(io::ErrorKind::ConnectionAborted.into());
    }
    tokio::io::copy(&mut stream.take(length), &mut tokio::io::sink()).await?;
    Ok(())
}
