//! The mixed set of samples that the figures are of, made from one seed: 1200 series, a third gauges, a third counters, a third
//! sparse, a second apart. It is made to be hard: most of it is noise of ten bits and more, which no code makes smaller.

use farol_model::metric::{MetricSpec, Unit};
use std::sync::Arc;

pub const SERIES: usize = 1200;
/// Series of one channel.
pub const WIDTH: usize = 100;
pub const CHANNELS: usize = SERIES / WIDTH;

/// A small generator of our own, so that the set is the same everywhere and forever (xorshift64*).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// From 0 to 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Standard normal (Box and Muller).
    fn normal(&mut self) -> f64 {
        let (a, b) = (self.unit().max(1e-12), self.unit());
        (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
    }
}

/// One series, second after second.
pub struct Source {
    number: usize,
    dice: Dice,
    now: f64,
}

impl Source {
    pub fn all() -> Vec<Source> {
        let seed = |number: usize| (number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        (0..SERIES)
            .map(|number| {
                let mut dice = Dice(seed(number));
                for _ in 0..8 {
                    dice.next();
                }
                Source {
                    number,
                    dice,
                    now: f64::NAN,
                }
            })
            .collect()
    }

    pub fn step(&mut self) -> f64 {
        let dice = &mut self.dice;
        let before = self.now;
        let or = |usual: f64| if before.is_nan() { usual } else { before };
        let rounded = |value: f64, digits: f64| (value * digits).round() / digits;
        self.now = match (self.number % 3, self.number / 3 % 4) {
            // Gauges: a percentage with three digits, bytes in pages, a temperature with two, a time in tenths of a microsecond.
            (0, 0) => {
                let x = or(20.0);
                rounded(
                    (x + (20.0 - x) * 0.1 + dice.normal() * 2.0).clamp(0.0, 100.0),
                    1e3,
                )
            }
            (0, 1) => or(4e9) + (dice.normal() * 4000.0).round() * 4096.0,
            (0, 2) => {
                let x = or(45.0);
                rounded(x + (45.0 - x) * 0.05 + dice.normal(), 1e2)
            }
            (0, _) => rounded(0.005 * (dice.normal() * 0.3).exp(), 1e7),
            // Counters with jitter: busy, steady, slow, bytes.
            (1, kind) => {
                let x = or((dice.next() % 1_000_000) as f64);
                let grown = match kind {
                    0 => 9000.0 + dice.normal() * 2000.0,
                    1 => 1000.0 + dice.normal() * 40.0,
                    2 => (dice.unit().max(1e-12).ln() * -0.4).floor(),
                    _ => 200_000.0 + dice.normal() * 30_000.0,
                };
                x + grown.max(0.0).round()
            }
            // Sparse: often nothing; a state; a value that is only there at times; a share of few.
            (_, 0) => {
                if dice.unit() < 0.3 {
                    (dice.unit() * 1000.0).floor()
                } else {
                    0.0
                }
            }
            (_, 1) => {
                let x = or(1.0);
                if dice.unit() < 0.001 {
                    (dice.next() % 5) as f64
                } else {
                    x
                }
            }
            (_, 2) => {
                if dice.unit() < 0.5 {
                    (dice.unit() * 1000.0).floor()
                } else {
                    f64::NAN
                }
            }
            _ => 100.0 * (dice.unit() * dice.unit() * 16.0).floor() / 200.0,
        };
        self.now
    }
}

/// The schema of each channel.
pub fn schemas() -> Vec<(String, Arc<[MetricSpec]>)> {
    (0..CHANNELS)
        .map(|channel| {
            let specs = (0..WIDTH).map(|at| {
                MetricSpec::gauge(
                    "bench_value",
                    Unit::None,
                    "Bench",
                    "value",
                    "A value of the mixed set.",
                )
                .label("series", &(channel * WIDTH + at).to_string())
            });
            (format!("metrics/local/bench-{channel}"), specs.collect())
        })
        .collect()
}

/// Kinds of series.
const KINDS: usize = 12;
/// Values of each kind that its entropy is taken from: with few, each is another one, and noise looks like less than it is.
const OF_KIND: usize = 1 << 20;

/// Entropy in bytes for each value that is there: of each kind that of its values or of their differences, whichever is less, as if
/// each were drawn by itself.
pub fn entropy() -> f64 {
    let (mut there, mut bits) = (0, 0.0);
    for mut source in Source::all().into_iter().take(KINDS) {
        let values: Vec<f64> = (0..OF_KIND).map(|_| source.step()).collect();
        let steps: Vec<f64> = values.windows(2).map(|pair| pair[1] - pair[0]).collect();
        there += values.iter().filter(|value| !value.is_nan()).count();
        bits += OF_KIND as f64 * entropy_of(&values).min(entropy_of(&steps));
    }
    bits / 8.0 / there as f64
}

/// Bits of one value. No value is one, too.
fn entropy_of(values: &[f64]) -> f64 {
    let mut counts = std::collections::HashMap::new();
    let kind = |value: &f64| {
        if value.is_nan() {
            i64::MIN
        } else {
            (value * 1e7).round() as i64
        }
    };
    values
        .iter()
        .for_each(|value| *counts.entry(kind(value)).or_insert(0_u32) += 1);
    let all = values.len() as f64;
    counts
        .values()
        .map(|count| f64::from(*count) / all)
        .map(|share| -share * share.log2())
        .sum()
}
