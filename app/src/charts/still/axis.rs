//! Where a value stands: on a linear axis, or on a logarithmic one, which has no place for zero and what is below.

use super::super::scale::Scene;
use crate::format::{axis_ticks, tick_label};
use farol_model::metric::Unit;

/// More labels than this are wanted where there is room for quarters of a percentage.
const QUARTERS: usize = 5;
/// What percentages may be above a hundred by rounding.
const OVER: f64 = 1.0;

/// An axis with its ticks, ascending. The first and the last are its ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    pub ticks: Vec<f64>,
    pub log: bool,
    unit: i32,
}

impl Axis {
    /// Percentages are 0 to 100 whatever the data, all else begins at 0 or below.
    pub fn linear(min: f64, max: f64, unit: i32, labels: usize) -> Axis {
        let percent = unit == Unit::Percent as i32 && max <= 100.0 + OVER && min >= 0.0;
        let ticks = match percent {
            true if labels >= QUARTERS => vec![0.0, 25.0, 50.0, 75.0, 100.0],
            true => vec![0.0, 50.0, 100.0],
            false => axis_ticks(min, max, unit, labels),
        };
        Axis {
            ticks,
            log: false,
            unit,
        }
    }

    /// From the least to the greatest of what is above zero. None when nothing is.
    pub fn log(least: f64, greatest: f64, unit: i32, labels: usize) -> Option<Axis> {
        if !(least > 0.0 && greatest >= least && greatest.is_finite()) {
            return None;
        }
        let bytes = unit == Unit::Bytes as i32 || unit == Unit::BytesPerSecond as i32;
        let ticks = if bytes {
            powers(2.0, least, greatest, labels)
        } else {
            one_two_five(least, greatest, labels).unwrap_or_else(|| powers(10.0, least, greatest, labels))
        };
        Some(Axis {
            ticks,
            log: true,
            unit,
        })
    }

    /// The value as the scene holds it.
    pub fn place(&self, value: f64) -> f64 {
        match self.log {
            true => value.max(self.ticks.first().copied().unwrap_or(1.0)).log10(),
            false => value,
        }
    }

    /// The share of the height from above at which a value stands.
    pub fn y(&self, value: f64) -> f64 {
        let (low, high) = self.ends();
        1.0 - ((self.place(value) - low) / (high - low)).clamp(0.0, 1.0)
    }

    /// Ends as the scene holds them.
    fn ends(&self) -> (f64, f64) {
        let end = |tick: Option<&f64>| tick.map_or(0.0, |tick| self.place(*tick));
        let (low, high) = (end(self.ticks.first()), end(self.ticks.last()));
        (low, if high > low { high } else { low + 1.0 })
    }

    /// Puts the grid into a scene.
    pub fn into_scene(&self, scene: &mut Scene) {
        scene.ticks = self.ticks.iter().map(|tick| self.place(*tick)).collect();
        scene.grid = true;
    }

    /// Words of the ticks and where they stand.
    pub fn labels(&self) -> Vec<(f64, String)> {
        let label = |tick: &f64| (self.y(*tick), words(*tick, self.unit));
        self.ticks.iter().map(label).collect()
    }
}

/// A tick in words. What is smaller than labels usually tell is told in full, what is great is told in thousands.
fn words(tick: f64, unit: i32) -> String {
    let usual = tick_label(tick, unit);
    let plain = unit == Unit::None as i32;
    if plain && tick.abs() >= 10_000.0 {
        return tick_label(tick, Unit::Count);
    }
    if tick == 0.0
        || !(usual.starts_with('0') || usual.starts_with("-0"))
        || !(plain || unit == Unit::Percent as i32)
    {
        return usual;
    }
    let number = small(tick);
    if plain { number } else { format!("{number}%") }
}

/// A number below one with four digits at most: `0.002`, `2.5e-6`.
fn small(value: f64) -> String {
    let decimals = 3 - value.abs().log10().floor() as i32;
    let trimmed = |text: &str| text.trim_end_matches('0').trim_end_matches('.').to_owned();
    if decimals <= 7 {
        return trimmed(&format!("{value:.*}", decimals.max(0) as usize));
    }
    let power = decimals - 3;
    format!(
        "{}e-{power}",
        trimmed(&format!("{:.3}", value * 10f64.powi(power)))
    )
}

/// 1, 2, 5, 10, …, enclosing both ends; None when those are too many.
fn one_two_five(least: f64, greatest: f64, labels: usize) -> Option<Vec<f64>> {
    let decade = least.log10().floor() as i32;
    let last = greatest.log10().ceil() as i32;
    if last - decade > labels as i32 {
        return None;
    }
    let all: Vec<f64> = (decade..=last)
        .flat_map(|power| [1.0, 2.0, 5.0].map(|factor| factor * 10f64.powi(power)))
        .collect();
    // Rounding must not push an end out of its own tick.
    let first = all.iter().rposition(|tick| *tick <= least * (1.0 + 1e-9))?;
    let end = all.iter().position(|tick| *tick >= greatest * (1.0 - 1e-9))?;
    let ticks = all.get(first..=end.max(first + 1))?;
    (ticks.len() <= labels).then(|| ticks.to_vec())
}

/// Whole powers, enclosing both ends, as far apart as it takes to be few enough.
fn powers(base: f64, least: f64, greatest: f64, labels: usize) -> Vec<f64> {
    let power = |value: f64| value.ln() / base.ln();
    let (low, high) = (
        (power(least) + 1e-9).floor() as i32,
        (power(greatest) - 1e-9).ceil() as i32,
    );
    // Powers of two are round for bytes where they are tens of them: KiB, MiB, GiB.
    let strides: &[i32] = if base == 2.0 {
        &[1, 2, 5, 10, 20, 40, 80, 160, 320, 512]
    } else {
        &[1, 2, 3, 6, 12, 24, 48, 96, 192, 384]
    };
    let spans = |stride: i32| (low.div_euclid(stride), -(-high).div_euclid(stride));
    let fits = |stride: &i32| {
        let (first, last) = spans(*stride);
        ((last - first) as usize) < labels.max(3)
    };
    let stride = strides.iter().copied().find(fits).unwrap_or(1024);
    let (first, last) = spans(stride);
    (first..=last.max(first + 1))
        .map(|at| base.powi(at * stride).clamp(f64::MIN_POSITIVE, f64::MAX))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logarithmic_axis_has_steps_of_1_2_5_or_of_decades_and_bytes_have_powers_of_two() {
        let ticks = |least, greatest, unit: Unit| Axis::log(least, greatest, unit as i32, 6).unwrap().ticks;
        assert_eq!(ticks(1.2, 9.0, Unit::None), [1.0, 2.0, 5.0, 10.0]);
        assert_eq!(
            ticks(1.0, 100_000.0, Unit::None),
            [1.0, 10.0, 100.0, 1e3, 1e4, 1e5]
        );
        assert_eq!(ticks(5.0, 5.0, Unit::None), [5.0, 10.0]);
        assert_eq!(
            ticks(2000.0, 900_000.0, Unit::Bytes),
            [1024.0, 4096.0, 16_384.0, 65_536.0, 262_144.0, 1_048_576.0]
        );
        assert_eq!(Axis::log(1e-12, 1e12, 0, 4).unwrap().ticks, [1e-12, 1.0, 1e12]);
        assert_eq!(Axis::log(0.0, 5.0, 0, 6), None);
        assert_eq!(Axis::log(f64::NAN, 5.0, 0, 6), None);
    }

    /// Whatever the values: ticks ascend, are few, and enclose; what is greater stands higher, and nothing stands outside.
    #[test]
    fn a_logarithmic_axis_encloses_what_it_shows() {
        let mut random = 7u64;
        let mut next = || {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (random >> 11) as f64 / (1u64 << 53) as f64
        };
        for _ in 0..2000 {
            let least = 10f64.powf(next() * 40.0 - 20.0);
            let greatest = least * 10f64.powf(next() * next() * 30.0);
            for (unit, labels) in [(0, 2), (0, 4), (2, 4), (5, 8)] {
                let axis = Axis::log(least, greatest, unit, labels).unwrap();
                let (first, last) = (axis.ticks[0], axis.ticks[axis.ticks.len() - 1]);
                assert!(
                    first <= least * 1.000_001 && last >= greatest * 0.999_999,
                    "{least} {greatest} {:?}",
                    axis.ticks
                );
                assert!(
                    axis.ticks.len() <= labels.max(2) + 1,
                    "{least} {greatest} {:?}",
                    axis.ticks
                );
                assert!(axis.ticks.windows(2).all(|pair| pair[0] < pair[1]));
                let middle = (least * greatest).sqrt();
                assert!(axis.y(least) + 1e-9 >= axis.y(middle) && axis.y(middle) + 1e-9 >= axis.y(greatest));
                for odd in [0.0, -5.0, f64::MIN] {
                    assert_eq!(axis.y(odd), 1.0, "at the foot");
                }
            }
        }
    }

    #[test]
    fn small_and_great_ticks_can_be_told_apart() {
        let told = |least, greatest, unit: Unit| {
            let axis = Axis::log(least, greatest, unit as i32, 4).unwrap();
            axis.labels()
                .into_iter()
                .map(|(_, words)| words)
                .collect::<Vec<_>>()
        };
        assert_eq!(told(0.002, 0.009, Unit::None), ["0.002", "0.005", "0.01"]);
        assert_eq!(told(1e-6, 1e-5, Unit::None), ["1e-6", "2e-6", "5e-6", "1e-5"]);
        assert_eq!(told(0.001, 1e6, Unit::None), ["0.001", "1", "1000", "1\u{a0}M"]);
        assert_eq!(told(0.01, 100.0, Unit::Percent), ["0.01%", "1%", "100%"]);
        assert_eq!(
            told(0.001, 1.0, Unit::Seconds),
            ["1\u{a0}ms", "10\u{a0}ms", "100\u{a0}ms", "1\u{a0}s"]
        );
    }

    #[test]
    fn percentages_have_a_fixed_axis_even_where_rounding_goes_over() {
        let ticks = |max, labels| Axis::linear(0.0, max, Unit::Percent as i32, labels).ticks;
        assert_eq!(ticks(3.0, 4), [0.0, 50.0, 100.0]);
        assert_eq!(ticks(100.4, 8), [0.0, 25.0, 50.0, 75.0, 100.0]);
        assert_eq!(ticks(180.0, 4).last(), Some(&200.0));
    }
}
