//! What is kept of many values: minimum, maximum, mean, last and count, so that a spike is never hidden and a mean never lies.
//!
//! Minimum, maximum and last are the same to the bit as the values were. Of the mean its place between minimum and maximum is
//! kept, in 65535 steps: it is wrong by at most a hundred-thousandth of that distance.

use super::{
    column::{put_column, put_values, take_column, take_values},
    varint::Bytes,
};

/// Steps between minimum and maximum that a mean is kept in.
const STEPS: f64 = 65_535.0;

mod form {
    /// Minimum, maximum and last are one value in each row.
    pub const FLAT: u8 = 1;
    /// The last is the greatest in each row, as with a counter.
    pub const RISING: u8 = 2;
    pub const FULL: u8 = 3;
}

/// Of one stretch of time. Nothing at all while `count` is 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Envelope {
    pub min: f64,
    pub max: f64,
    pub sum: f64,
    pub last: f64,
    pub count: u64,
}

impl Envelope {
    pub const EMPTY: Envelope = Envelope {
        min: f64::INFINITY,
        max: f64::NEG_INFINITY,
        sum: 0.0,
        last: f64::NAN,
        count: 0,
    };

    /// Adds a value that is later than all before. NaN is no value.
    pub fn add(&mut self, value: f64) {
        if value.is_nan() {
            return;
        }
        self.join(&Envelope {
            min: value,
            max: value,
            sum: value,
            last: value,
            count: 1,
        });
    }

    /// Adds what is later than all before.
    pub fn join(&mut self, later: &Envelope) {
        if later.count == 0 {
            return;
        }
        self.min = self.min.min(later.min);
        self.max = self.max.max(later.max);
        self.sum += later.sum;
        self.last = later.last;
        self.count += later.count;
    }

    /// NaN without values.
    pub fn mean(&self) -> f64 {
        match self.count {
            0 => f64::NAN,
            count => (self.sum / count as f64).clamp(self.min, self.max),
        }
    }
}

/// Writes rows of one series.
pub fn put_envelopes(out: &mut Vec<u8>, rows: &[Envelope]) {
    let counts: Vec<f64> = rows
        .iter()
        .map(|row| {
            if row.count == 0 {
                f64::NAN
            } else {
                row.count as f64
            }
        })
        .collect();
    put_column(out, &counts);
    let there: Vec<&Envelope> = rows.iter().filter(|row| row.count > 0).collect();
    let column = |of: fn(&Envelope) -> f64| -> Vec<f64> { there.iter().map(|row| of(row)).collect() };
    let same = |a: f64, b: f64| a.to_bits() == b.to_bits();
    let flat = there
        .iter()
        .all(|row| same(row.min, row.max) && same(row.last, row.min));
    let rising = there.iter().all(|row| same(row.last, row.max));
    let form = match (flat, rising) {
        (true, _) => form::FLAT,
        (_, true) => form::RISING,
        _ => form::FULL,
    };
    out.push(form);
    put_values(out, &column(|row| row.min));
    if form == form::FLAT {
        return;
    }
    // The distance is the smaller number, where nothing is lost by it.
    let distance = column(|row| row.max - row.min);
    let exact = there
        .iter()
        .zip(&distance)
        .all(|(row, distance)| same(row.min + distance, row.max));
    out.push(exact.into());
    put_values(out, &if exact { distance } else { column(|row| row.max) });
    put_values(out, &column(place_of_mean));
    if form == form::FULL {
        put_values(out, &column(|row| row.last));
    }
}

/// Reads so many rows; None when the bytes are no such rows.
pub fn take_envelopes(bytes: &mut Bytes<'_>, rows: usize) -> Option<Vec<Envelope>> {
    let counts = take_column(bytes, rows)?;
    let there = counts.iter().filter(|count| !count.is_nan()).count();
    let form = bytes.byte()?;
    let mins = take_values(bytes, there)?;
    let (mut maxes, mut places, mut lasts) = (Vec::new(), Vec::new(), Vec::new());
    if form != form::FLAT {
        let exact = bytes.byte()? == 1;
        maxes = take_values(bytes, there)?;
        if exact {
            maxes.iter_mut().zip(&mins).for_each(|(max, min)| *max += min);
        }
        places = take_values(bytes, there)?;
    }
    match form {
        form::FLAT | form::RISING => {}
        form::FULL => lasts = take_values(bytes, there)?,
        _ => return None,
    }
    let mut at = 0;
    let row = |count: f64| {
        if count.is_nan() {
            return Envelope::EMPTY;
        }
        let min = mins[at];
        let max = maxes.get(at).copied().unwrap_or(min);
        let last = lasts.get(at).copied().unwrap_or(max);
        let place = places.get(at).copied().unwrap_or_default();
        let mean = if place == 0.0 {
            min
        } else {
            min + (max - min) * place / STEPS
        };
        at += 1;
        Envelope {
            min,
            max,
            sum: mean * count,
            last,
            count: count as u64,
        }
    };
    Some(counts.into_iter().map(row).collect())
}

fn place_of_mean(row: &Envelope) -> f64 {
    let place = (STEPS * (row.mean() - row.min) / (row.max - row.min)).round();
    // Where all values are one, and where they are too large to be taken from each other.
    if place.is_finite() { place } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64]) -> Envelope {
        let mut all = Envelope::EMPTY;
        values.iter().for_each(|value| all.add(*value));
        all
    }

    fn back(rows: &[Envelope]) -> Vec<Envelope> {
        let mut bytes = Vec::new();
        put_envelopes(&mut bytes, rows);
        take_envelopes(&mut Bytes::new(&bytes), rows.len()).unwrap()
    }

    #[test]
    fn a_spike_stays_and_nothing_is_no_value() {
        let envelope = of(&[1.0, f64::NAN, 900.0, 2.0]);
        assert_eq!(
            (envelope.min, envelope.max, envelope.last, envelope.count),
            (1.0, 900.0, 2.0, 3)
        );
        assert!((envelope.mean() - 301.0).abs() < 1e-9);
        assert!(of(&[f64::NAN]).mean().is_nan());
    }

    #[test]
    fn joined_is_the_same_as_added_one_by_one() {
        let values: Vec<f64> = (0..60).map(|n| f64::from(n * 37 % 101)).collect();
        let mut joined = Envelope::EMPTY;
        values.chunks(7).for_each(|some| joined.join(&of(some)));
        joined.join(&Envelope::EMPTY);
        assert_eq!(joined, of(&values));
    }

    #[test]
    fn what_is_kept_is_exact_but_for_the_mean_which_is_near() {
        let flat = [of(&[3.0, 3.0]), Envelope::EMPTY, of(&[4.0])];
        let counter: Vec<Envelope> = (0..300)
            .map(|n| of(&[f64::from(n), f64::from(n) + 0.5]))
            .collect();
        let gauge: Vec<Envelope> = (0..300_u32)
            .map(|n| of(&[f64::from(n * 7919 % 1000) / 7.0, f64::from(n) / 3.0, 0.1]))
            .collect();
        let wide = [of(&[f64::MIN, f64::MAX, 0.0]), of(&[f64::INFINITY])];
        for rows in [&flat[..], &counter, &gauge, &wide, &[Envelope::EMPTY]] {
            for (before, after) in rows.iter().zip(back(rows)) {
                let exact = |row: &Envelope| {
                    (
                        row.min.to_bits(),
                        row.max.to_bits(),
                        row.last.to_bits(),
                        row.count,
                    )
                };
                assert_eq!(exact(before), exact(&after));
                let off = (before.mean() - after.mean()).abs();
                assert!(
                    off.is_nan() || off <= (before.max - before.min) / 100_000.0,
                    "{before:?} {after:?}"
                );
            }
        }
    }
}
