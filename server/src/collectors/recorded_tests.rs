//! Files of real kernels (`fixtures/`: a virtual machine of two cores, Linux 6.18), whole, cut off, broken and going back.

use super::parsers::ALL;
use crate::collectors::Reading;
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

/// Files, and series that each has at least.
const FILES: [(&str, usize); 19] = [
    ("stat", 36),
    ("pressure", 8),
    ("interrupts", 40),
    ("softirqs", 30),
    ("softnet_stat", 10),
    ("meminfo", 7),
    ("meminfo_parts", 30),
    ("buddyinfo", 33),
    ("vmstat", 180),
    ("diskstats", 14),
    ("net_dev", 32),
    ("snmp", 50),
    ("netstat", 130),
    ("snmp6", 70),
    ("sockstat", 10),
    ("arp_cache", 13),
    ("mountinfo", 0),
    ("pid_stat", 0),
    ("cgroup", 0),
];

fn recorded(name: &str) -> Vec<u8> {
    let file = if name == "meminfo_parts" { "meminfo" } else { name };
    std::fs::read(
        PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("src/collectors/fixtures")
            .join(file),
    )
    .unwrap()
}

/// Both texts, a second apart, with a parser of its own.
fn between(name: &str, first: &[u8], second: &[u8]) -> Reading {
    let mut parser = ALL.iter().find(|(known, _)| *known == name).unwrap().1();
    let (mut reading, start) = (Reading::default(), Instant::now());
    for (secs, text) in [first, second].into_iter().enumerate() {
        reading.begin(start + Duration::from_secs(secs as u64));
        parser(text, &mut reading);
        reading.end();
        assert_eq!(reading.schema().len(), reading.values().len());
        assert!(reading.values().iter().all(|value| !value.is_infinite()));
    }
    reading
}

#[test]
fn recorded_files_have_their_series_and_nothing_happened_between_two_that_are_the_same() {
    for (name, series) in FILES {
        let text = recorded(name);
        let reading = between(name, &text, &text);
        assert!(
            reading.schema().len() >= series,
            "{name}: {}",
            reading.schema().len()
        );
        for (spec, value) in reading.schema().iter().zip(reading.values()) {
            assert!(
                !spec.name.ends_with("_per_second") || *value == 0.0 || value.is_nan(),
                "{name}: {}",
                spec.key()
            );
        }
    }
}

#[test]
fn files_that_are_cut_off_anywhere_are_read_as_far_as_they_go() {
    for (name, _) in FILES {
        let text = recorded(name);
        // Every place would be the square of the length: each of the first ones, then one in thirteen.
        for end in (0..text.len()).filter(|end| *end < 200 || end % 13 == 0) {
            between(name, &text, &text[..end]);
        }
    }
}

#[test]
fn bytes_that_are_no_text_and_numbers_that_do_not_fit_do_no_harm() {
    for (name, _) in FILES {
        let text = recorded(name);
        let huge: Vec<u8> = text
            .iter()
            .flat_map(|byte| {
                if byte.is_ascii_digit() {
                    vec![b'9'; 4]
                } else {
                    vec![*byte]
                }
            })
            .collect();
        let garbage: Vec<u8> = text
            .iter()
            .enumerate()
            .map(|(at, byte)| {
                if at % 7 == 3 {
                    (at % 251) as u8 ^ byte
                } else {
                    *byte
                }
            })
            .collect();
        for (first, second) in [
            (&text, &huge),
            (&huge, &text),
            (&text, &garbage),
            (&garbage, &huge),
        ] {
            between(name, first, second);
        }
    }
}

#[test]
fn counters_that_go_back_have_no_rate() {
    for (name, _) in FILES {
        let text = recorded(name);
        // Letters are left alone: digits in names would make other series.
        let back: Vec<u8> = kernel_words(&text);
        let reading = between(name, &text, &back);
        for (spec, value) in reading.schema().iter().zip(reading.values()) {
            let is_rate = spec.name.ends_with("_per_second");
            assert!(
                !is_rate || value.is_nan() || *value == 0.0,
                "{name}: {} is {value}",
                spec.key()
            );
        }
    }
}

/// The text with every number as zero.
fn kernel_words(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        for word in line.split_inclusive(|byte| byte.is_ascii_whitespace()) {
            let trimmed = word.trim_ascii();
            match !trimmed.is_empty() && trimmed.iter().all(u8::is_ascii_digit) {
                true => {
                    out.push(b'0');
                    out.extend_from_slice(&word[trimmed.len()..]);
                }
                false => out.extend_from_slice(word),
            }
        }
    }
    out
}
