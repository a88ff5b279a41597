//! What applications send, and what a name server answers. The first byte of the input chooses: `t` the text format of Prometheus,
//! `o` OpenMetrics, `s` a packet of StatsD, `p` OTLP in Protobuf, `j` in JSON, `d` an answer over DNS.
//!
//! Asserts: no more samples than lines; a wrong line is one that is there, and is told shortly; whatever samples there are, a set of
//! series stays within its limit, counts what it refuses, and makes frames that are as long as their schema.

use farol::{
    checks::dns,
    ingest::{
        otlp::{self, Window},
        receive::{self, Encoding},
        sample::Sample,
        series::{Hold, SeriesSet},
        statsd::Sums,
        text::{self, Format},
    },
};

/// Series of one source.
const LIMIT: usize = 5;
/// Series that a line of StatsD becomes at most.
const OF_A_LINE: usize = 6;

/// Lets all times in.
const ALL_TIMES: Window = Window {
    now_ms: i64::MAX / 4,
    late_ms: i64::MAX / 2,
};

pub fn run(input: &[u8]) {
    match input.split_first() {
        Some((b't', body)) => lines(body, Format::Text),
        Some((b'o', body)) => lines(body, Format::OpenMetrics),
        Some((b's', body)) => packet(body),
        Some((b'p', body)) => otlp(body, Encoding::Protobuf),
        Some((b'j', body)) => otlp(body, Encoding::Json),
        Some((b'd', body)) => {
            for six in [false, true] {
                if let Some(Ok(found)) = dns::addresses(body, 0, six) {
                    assert!(found.len() * 4 <= body.len());
                }
            }
        }
        _ => {}
    }
}

fn lines(body: &[u8], format: Format) {
    let Ok(body) = std::str::from_utf8(body) else {
        return;
    };
    let count = body.lines().count();
    match text::parse(body, format, 7) {
        Ok(samples) => {
            assert!(samples.len() <= count);
            take(&samples);
        }
        Err(bad) => assert!(bad.line <= count && bad.reason.chars().count() < 400, "{bad}"),
    }
}

fn packet(body: &[u8]) {
    let mut sums = Sums::new(LIMIT);
    sums.packet(body);
    let flushed = sums.flush(1.0, 7);
    assert!(flushed.samples.len() <= LIMIT * OF_A_LINE);
    assert!(flushed.samples.len() as u64 <= flushed.lines * OF_A_LINE as u64);
    assert_eq!(flushed.refused > 0, flushed.why.is_some());
    take(&flushed.samples);
}

fn otlp(body: &[u8], encoding: Encoding) {
    let Ok(request) = receive::read(encoding, body) else {
        return;
    };
    for sent in &request.resource_metrics {
        let points = otlp::points(sent, ALL_TIMES);
        assert!((1..=64).contains(&points.name.len()));
        assert!(
            points.ends.is_sorted()
                && points.ends.last().copied().unwrap_or_default() == points.samples.len()
        );
        // What is left of it when times count.
        let fewer = otlp::points(
            sent,
            Window {
                now_ms: 7,
                late_ms: 1,
            },
        );
        assert!(fewer.samples.len() <= points.samples.len() && fewer.refused >= points.refused);
        take(&points.samples);
    }
}

fn take(samples: &[Sample]) {
    let mut set = SeriesSet::new(LIMIT, Hold::For(10));
    let mut taken = 0;
    for sample in samples {
        taken += u64::from(set.take(sample, 7).is_ok());
    }
    assert!(set.len() <= LIMIT && taken + set.refused == samples.len() as u64);
    let (schema, values) = set.frame(8);
    assert_eq!(schema.len(), values.len());
}
