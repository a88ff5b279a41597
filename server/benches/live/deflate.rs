//! What permessage-deflate (RFC 7692) would save and cost, with the frames that this machine's collectors make: the ground
//! of docs/adr/0011-no-permessage-deflate.md.
//!
//! A connection that watches every metrics channel and the process table gets one message a second. It is compressed three ways:
//!
//! - *shared*: without context (`server_no_context_takeover`), so that one compression serves all connections;
//! - *own, 32 KiB*: with the context of each connection, window 15, as most servers do by default;
//! - *own, 1 KiB*: the same with the smallest window and the least memory that zlib offers, windows 10 and level 1.

use crate::figures::rss_bytes;
use bytes::Bytes;
use farol::{
    collectors::{Collector, Reading, registered},
    live::publication::{ChannelKey, Payload, Publication},
};
use farol_model::{
    process::{ProcessRow, ProcessUpdate},
    wire::{Encoding, codec, payload::MetricsPublication},
};
use flate2::{Compress, Compression, FlushCompress};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// Ticks that are recorded, one a second.
const TICKS: usize = 30;
/// Any time.
const T_MS: i64 = 1_790_000_000_000;
/// Contexts that are made to see what one holds.
const CONTEXTS: usize = 2000;

/// One way to compress.
struct Way {
    name: &'static str,
    window_bits: u8,
    level: u32,
    takeover: bool,
}

const WAYS: [Way; 3] = [
    Way {
        name: "shared",
        window_bits: 15,
        level: 6,
        takeover: false,
    },
    Way {
        name: "own, 32 KiB",
        window_bits: 15,
        level: 6,
        takeover: true,
    },
    Way {
        name: "own, 1 KiB",
        window_bits: 10,
        level: 1,
        takeover: true,
    },
];

pub fn deflate() {
    println!("permessage-deflate of all metrics and processes, one message a second, {TICKS} s");
    let ticks = record();
    println!(
        "{:<10} {:<12} {:>11} {:>11} {:>8} {:>13} {:>13}",
        "", "", "bytes", "compressed", "saved", "us/message", "KB/connection"
    );
    for encoding in [Encoding::Protobuf, Encoding::Json] {
        let messages: Vec<Vec<u8>> = ticks.iter().map(|tick| message(tick, encoding)).collect();
        let plain: usize = messages.iter().map(Vec::len).sum();
        for way in &WAYS {
            let (packed, took) = pack(&messages, way);
            let memory = match way.takeover {
                true => format!("{:.1}", memory_of(way, &messages) / 1000.0),
                false => "none".to_owned(),
            };
            println!(
                "{:<10} {:<12} {:>11} {:>11} {:>7.0}% {:>13.1} {:>13}",
                format!("{encoding:?}"),
                way.name,
                plain / TICKS,
                packed / TICKS,
                100.0 * (1.0 - packed as f64 / plain as f64),
                took.as_secs_f64() * 1e6 / TICKS as f64,
                memory,
            );
        }
    }
}

/// What one channel publishes.
enum Said {
    Values(Vec<f64>),
    Rows(ProcessUpdate),
}

type Tick = Vec<(String, Said)>;

/// What the collectors read, tick after tick.
fn record() -> Vec<Tick> {
    let mut collectors: Vec<(Box<dyn Collector>, Reading)> = registered()
        .into_iter()
        .map(|collector| (collector, Reading::default()))
        .collect();
    let mut table: Vec<ProcessRow> = Vec::new();
    let mut ticks = Vec::new();
    for _ in 0..=TICKS {
        let start = Instant::now();
        let mut tick = Vec::new();
        for (collector, reading) in &mut collectors {
            reading.begin(Instant::now());
            let read = collector.collect(reading);
            reading.end();
            if read.is_err() {
                *reading = Reading::default();
                continue;
            }
            if let Some(rows) = reading.take_table() {
                let changes = ProcessUpdate::between(&table, &rows, T_MS);
                table = rows;
                tick.push(("processes/local".to_owned(), Said::Rows(changes)));
            }
            tick.push((collector.channel(), Said::Values(reading.take_values())));
        }
        ticks.push(tick);
        std::thread::sleep(Duration::from_secs(1).saturating_sub(start.elapsed()));
    }
    // The first has no rates, and the whole table.
    ticks.split_off(1)
}

/// One message as a connection gets it: the pushes of all channels of a tick.
fn message(tick: &Tick, encoding: Encoding) -> Vec<u8> {
    let frames: Vec<_> = tick
        .iter()
        .enumerate()
        .map(|(id, (name, said))| {
            let key = ChannelKey {
                name: name.clone(),
                id: id as i64 + 1,
            };
            let payload = match said {
                Said::Values(values) => Payload::Metrics(MetricsPublication {
                    t_ms: T_MS,
                    values: values.clone(),
                    schema: Vec::new(),
                }),
                Said::Rows(changes) => Payload::Table(changes.clone()),
            };
            let publication = Publication::new(Arc::new(key), 1000, payload);
            Bytes::clone(&publication.frame(encoding, encoding == Encoding::Protobuf))
        })
        .collect();
    codec::join(encoding, &frames).to_vec()
}

fn compressor(way: &Way) -> Compress {
    Compress::new_with_window_bits(Compression::new(way.level), false, way.window_bits)
}

/// Bytes of all messages compressed, and the time it took.
fn pack(messages: &[Vec<u8>], way: &Way) -> (usize, Duration) {
    let mut compress = compressor(way);
    let mut out = Vec::with_capacity(256 * 1024);
    let (mut bytes, start) = (0, Instant::now());
    for message in messages {
        if !way.takeover {
            compress.reset();
        }
        out.clear();
        compress
            .compress_vec(message, &mut out, FlushCompress::Sync)
            .unwrap();
        // The four bytes of the flush are not sent (RFC 7692, 7.2.1).
        bytes += out.len() - 4;
    }
    (bytes, start.elapsed())
}

/// Resident memory of one context that has been used.
fn memory_of(way: &Way, messages: &[Vec<u8>]) -> f64 {
    let before = rss_bytes(std::process::id());
    let mut out = Vec::with_capacity(256 * 1024);
    let contexts: Vec<Compress> = (0..CONTEXTS)
        .map(|_| {
            let mut compress = compressor(way);
            for message in messages.iter().take(3) {
                out.clear();
                compress
                    .compress_vec(message, &mut out, FlushCompress::Sync)
                    .unwrap();
            }
            compress
        })
        .collect();
    let each = (rss_bytes(std::process::id()) - before) / contexts.len() as f64;
    drop(contexts);
    each
}
