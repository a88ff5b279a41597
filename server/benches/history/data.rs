//! The mixed set of samples that the figures are of, made from one seed: 1200 series, a third gauges, a third counters, a third
//! sparse, a second apart.

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
        self.now = match (self.number % 3, self.number / 3 % 4) {
            // Gauges: a percentage with two digits, bytes in pages, a temperature with one, a rate of whole numbers.
            (0, 0) => {
                let x = if before.is_nan() { 20.0 } else { before };
                let next = (x + (20.0 - x) * 0.1 + dice.normal() * 2.0).clamp(0.0, 100.0);
                (next * 100.0).round() / 100.0
            }
            (0, 1) => {
                let x = if before.is_nan() { 4e9 } else { before };
                x + if dice.unit() < 0.7 {
                    (dice.normal() * 60.0).round() * 4096.0
                } else {
                    0.0
                }
            }
            (0, 2) => {
                let x = if before.is_nan() { 45.0 } else { before };
                if dice.unit() < 0.3 {
                    ((x + dice.normal() * 0.3) * 10.0).round() / 10.0
                } else {
                    x
                }
            }
            (0, _) => (400.0 + dice.normal() * 40.0).round().max(0.0),
            // Counters: busy, steady, slow, bytes.
            (1, kind) => {
                let x = if before.is_nan() {
                    (dice.next() % 1_000_000) as f64
                } else {
                    before
                };
                let grown = match kind {
                    0 => 900.0 + dice.normal() * 90.0,
                    1 => 12.0 + dice.normal() * 3.0,
                    2 => f64::from(u8::from(dice.unit() < 0.05)),
                    _ => (2000.0 + dice.normal() * 300.0) * 16.0,
                };
                x + grown.max(0.0).round()
            }
            // Sparse: nothing as a rule, seldom something; a state; a value that is only there at times; always the same.
            (_, 0) => {
                if dice.unit() < 0.03 {
                    (dice.unit() * 50.0).floor()
                } else {
                    0.0
                }
            }
            (_, 1) => {
                let x = if before.is_nan() { 1.0 } else { before };
                if dice.unit() < 0.001 {
                    (dice.next() % 5) as f64
                } else {
                    x
                }
            }
            (_, 2) => {
                if dice.unit() < 0.1 {
                    (dice.unit() * 1000.0).floor()
                } else {
                    f64::NAN
                }
            }
            _ => 42.0,
        };
        let value = self.now;
        if value.is_nan() {
            self.now = 0.0;
        }
        value
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

/// Entropy of the set, bytes for each sample: of each series that of its values or of their differences, whichever is less, as if
/// each were drawn by itself.
pub fn entropy(seconds: usize) -> f64 {
    let bits: f64 = Source::all()
        .into_iter()
        .map(|mut source| {
            let values: Vec<f64> = (0..seconds).map(|_| source.step()).collect();
            let steps: Vec<f64> = values.windows(2).map(|pair| pair[1] - pair[0]).collect();
            entropy_of(&values).min(entropy_of(&steps))
        })
        .sum();
    bits / 8.0 / SERIES as f64
}

fn entropy_of(values: &[f64]) -> f64 {
    let mut counts = std::collections::HashMap::new();
    values
        .iter()
        .for_each(|value| *counts.entry((value * 1000.0).round() as i64).or_insert(0_u32) += 1);
    let all = values.len() as f64;
    counts
        .values()
        .map(|count| f64::from(*count) / all)
        .map(|share| -share * share.log2())
        .sum()
}
