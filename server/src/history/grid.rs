//! What a question is answered with: stretches of equal length, each with the envelope of the values in it.

use super::{envelope::Envelope, registry::Series};
use std::sync::Arc;

/// Lengths that are chosen from when nobody names one, milliseconds. Each is a whole number of rows of the tier that it is
/// answered from.
pub const NICE_MS: [i64; 22] = [
    250,
    500,
    1_000,
    2_000,
    5_000,
    10_000,
    20_000,
    30_000,
    60_000,
    120_000,
    240_000,
    600_000,
    1_200_000,
    1_800_000,
    3_600_000,
    7_200_000,
    14_400_000,
    21_600_000,
    43_200_000,
    86_400_000,
    172_800_000,
    864_000_000,
];

/// Equal stretches side by side. They begin at whole multiples of their length since the epoch, so that the same stretch
/// stands for the same values however a chart is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// Where the first begins.
    pub from_ms: i64,
    pub step_ms: i64,
    pub count: usize,
}

impl Grid {
    /// The stretches that a span of time touches, whole.
    pub fn over(from_ms: i64, to_ms: i64, step_ms: i64) -> Grid {
        let first = from_ms.div_euclid(step_ms);
        let last = (to_ms - 1).max(from_ms).div_euclid(step_ms);
        Grid {
            from_ms: first * step_ms,
            step_ms,
            count: usize::try_from(last - first + 1).unwrap_or(usize::MAX),
        }
    }

    /// Where the last ends.
    pub fn to_ms(&self) -> i64 {
        self.from_ms + self.step_ms * self.count as i64
    }

    /// Where each begins.
    pub fn times_ms(&self) -> Vec<i64> {
        (0..self.count)
            .map(|at| self.from_ms + self.step_ms * at as i64)
            .collect()
    }

    /// The one that a time within falls in.
    pub fn at(&self, t_ms: i64) -> usize {
        ((t_ms - self.from_ms) / self.step_ms) as usize
    }
}

/// One series of an answer. Every column has one entry for each stretch; NaN and a count of 0 where nothing was read.
#[derive(Debug, Clone)]
pub struct Found {
    pub series: Arc<Series>,
    pub min: Vec<f64>,
    pub max: Vec<f64>,
    pub mean: Vec<f64>,
    pub last: Vec<f64>,
    pub count: Vec<u64>,
}

impl Found {
    pub(super) fn of(series: Arc<Series>, rows: &[Envelope]) -> Found {
        let column = |of: fn(&Envelope) -> f64| -> Vec<f64> {
            rows.iter()
                .map(|row| if row.count == 0 { f64::NAN } else { of(row) })
                .collect()
        };
        Found {
            series,
            min: column(|row| row.min),
            max: column(|row| row.max),
            mean: column(Envelope::mean),
            last: column(|row| row.last),
            count: rows.iter().map(|row| row.count).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::tier::Tier;

    #[test]
    fn stretches_are_whole_and_stay_where_they_are_when_the_span_moves() {
        let grid = Grid::over(12_345, 20_000, 5_000);
        assert_eq!((grid.from_ms, grid.to_ms(), grid.count), (10_000, 20_000, 2));
        assert_eq!(grid.times_ms(), [10_000, 15_000]);
        assert_eq!((grid.at(14_999), grid.at(15_000)), (0, 1));
        assert_eq!(Grid::over(20_000, 20_001, 5_000).count, 1);
        assert_eq!(Grid::over(-1, 1, 5_000).times_ms(), [-5_000, 0]);
    }

    #[test]
    fn nice_lengths_are_whole_numbers_of_rows() {
        assert!(NICE_MS.is_sorted());
        for tier in [Tier::TenSeconds, Tier::TwoMinutes] {
            let longer = NICE_MS.iter().filter(|nice| **nice >= tier.step_ms());
            longer.for_each(|nice| assert_eq!(nice % tier.step_ms(), 0, "{nice}"));
        }
    }
}
