//! One column of numbers as bytes: which rows have a value, and the values.
//!
//! NaN is no value and takes no room beside the note of its absence. Values that are all the same take eight bytes; whole
//! numbers go through pco as integers, which is smaller and quicker than as floats; all others as floats. What comes back is
//! the same to the bit.

use super::varint::{Bytes, put_varint, put_zigzag};
use pco::{
    ChunkConfig,
    standalone::{simple_compress, simple_decompress_into},
};

/// pco's effort. Above 4 nothing was won on metrics and the time doubled, see docs/adr/0014.
const LEVEL: usize = 4;
/// Rows of one column at most: what a file claims above is not believed.
pub const MAX_ROWS: usize = 1 << 20;

mod presence {
    pub const ALL: u8 = 0;
    pub const NONE: u8 = 1;
    pub const RUNS: u8 = 2;
    pub const BITMAP: u8 = 3;
}

mod coding {
    pub const SAME: u8 = 0;
    pub const INTEGERS: u8 = 1;
    pub const FLOATS: u8 = 2;
    pub const PLAIN: u8 = 3;
}

/// Writes a column; NaN is no value.
pub fn put_column(out: &mut Vec<u8>, values: &[f64]) {
    let absent = values.iter().filter(|value| value.is_nan()).count();
    if absent == 0 {
        out.push(presence::ALL);
        return put_values(out, values);
    }
    if absent == values.len() {
        return out.push(presence::NONE);
    }
    put_presence(out, values);
    let present: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    put_values(out, &present);
}

/// Reads a column of so many rows; None when the bytes are no such column.
pub fn take_column(bytes: &mut Bytes<'_>, rows: usize) -> Option<Vec<f64>> {
    if rows > MAX_ROWS {
        return None;
    }
    let has = match bytes.byte()? {
        presence::ALL => return take_values(bytes, rows),
        presence::NONE => return Some(vec![f64::NAN; rows]),
        presence::RUNS => take_runs(bytes, rows)?,
        presence::BITMAP => take_bitmap(bytes, rows)?,
        _ => return None,
    };
    let count = has.iter().filter(|has| **has).count();
    let mut values = take_values(bytes, count)?.into_iter();
    let mut column = Vec::with_capacity(rows);
    for has in has {
        column.push(if has { values.next()? } else { f64::NAN });
    }
    Some(column)
}

/// Lengths of runs, beginning with one that is present; or a bit per row, whichever is shorter.
fn put_presence(out: &mut Vec<u8>, values: &[f64]) {
    let mut runs = Vec::new();
    let (mut has, mut run) = (true, 0_u64);
    for value in values {
        if value.is_nan() == has {
            put_varint(&mut runs, run);
            (has, run) = (!has, 0);
        }
        run += 1;
    }
    put_varint(&mut runs, run);
    if runs.len() <= values.len().div_ceil(8) {
        out.push(presence::RUNS);
        out.extend_from_slice(&runs);
        return;
    }
    out.push(presence::BITMAP);
    out.extend(values.chunks(8).map(|eight| {
        let bits = eight.iter().enumerate();
        bits.fold(0_u8, |byte, (at, value)| byte | (u8::from(!value.is_nan()) << at))
    }));
}

fn take_runs(bytes: &mut Bytes<'_>, rows: usize) -> Option<Vec<bool>> {
    let (mut all, mut has) = (Vec::with_capacity(rows), true);
    while all.len() < rows {
        let run = usize::try_from(bytes.varint()?).ok()?;
        if run > rows - all.len() || (run == 0 && !all.is_empty()) {
            return None;
        }
        all.resize(all.len() + run, has);
        has = !has;
    }
    Some(all)
}

fn take_bitmap(bytes: &mut Bytes<'_>, rows: usize) -> Option<Vec<bool>> {
    let bits = bytes.slice(rows.div_ceil(8))?;
    Some((0..rows).map(|row| bits[row / 8] >> (row % 8) & 1 == 1).collect())
}

/// Values that are all there.
pub fn put_values(out: &mut Vec<u8>, values: &[f64]) {
    let Some(first) = values.first() else {
        return;
    };
    if values.iter().all(|value| value.to_bits() == first.to_bits()) {
        out.push(coding::SAME);
        return out.extend_from_slice(&first.to_le_bytes());
    }
    let config = ChunkConfig::default().with_compression_level(LEVEL);
    let integers: Option<Vec<i64>> = values.iter().map(|value| as_integer(*value)).collect();
    let (code, packed) = match integers {
        Some(integers) => (coding::INTEGERS, simple_compress(&integers, &config)),
        None => (coding::FLOATS, simple_compress(values, &config)),
    };
    match packed {
        Ok(packed) if packed.len() < 8 * values.len() => {
            out.push(code);
            put_varint(out, packed.len() as u64);
            out.extend_from_slice(&packed);
        }
        // Few or random values: pco's own head would be the larger part.
        _ => {
            out.push(coding::PLAIN);
            out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        }
    }
}

/// Reads so many values that are all there.
pub fn take_values(bytes: &mut Bytes<'_>, count: usize) -> Option<Vec<f64>> {
    if count == 0 {
        return Some(Vec::new());
    }
    if count > MAX_ROWS {
        return None;
    }
    match bytes.byte()? {
        coding::SAME => Some(vec![f64::from_le_bytes(bytes.array()?); count]),
        coding::INTEGERS => {
            let mut integers = vec![0_i64; count];
            unpack(bytes, &mut integers)?;
            Some(integers.into_iter().map(|integer| integer as f64).collect())
        }
        coding::FLOATS => {
            let mut floats = vec![0.0_f64; count];
            unpack(bytes, &mut floats)?;
            Some(floats)
        }
        coding::PLAIN => {
            let plain = bytes.slice(8 * count)?.as_chunks::<8>().0;
            Some(plain.iter().map(|eight| f64::from_le_bytes(*eight)).collect())
        }
        _ => None,
    }
}

fn unpack<T: pco::data_types::Number>(bytes: &mut Bytes<'_>, into: &mut [T]) -> Option<()> {
    let length = usize::try_from(bytes.varint()?).ok()?;
    let progress = simple_decompress_into(bytes.slice(length)?, into).ok()?;
    (progress.finished && progress.n_processed == into.len()).then_some(())
}

/// The same number as an integer, if it is one to the bit.
fn as_integer(value: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let integer = value as i64;
    (value.abs() <= EXACT && (integer as f64).to_bits() == value.to_bits()).then_some(integer)
}

/// Ascending times: runs of equal steps, which a regular grid is one of; or pco where there is no grid.
pub fn put_times(out: &mut Vec<u8>, times: &[i64]) {
    let mut runs = Vec::new();
    let (mut count, mut before, mut at) = (0_u64, 0_i64, 0);
    while at < times.len() {
        let step = times.get(at + 1).map_or(0, |next| next - times[at]);
        let same = times[at..]
            .windows(2)
            .take_while(|pair| pair[1] - pair[0] == step);
        let length = same.count() + 1;
        put_zigzag(&mut runs, times[at] - before);
        put_zigzag(&mut runs, step);
        put_varint(&mut runs, length as u64);
        before = times[at + length - 1];
        at += length;
        count += 1;
    }
    let config = ChunkConfig::default().with_compression_level(LEVEL);
    if count > 8
        && let Ok(packed) = simple_compress(times, &config)
        && packed.len() < runs.len()
    {
        put_varint(out, 0);
        put_varint(out, packed.len() as u64);
        return out.extend_from_slice(&packed);
    }
    put_varint(out, count);
    out.extend_from_slice(&runs);
}

/// Reads so many times; None when the bytes are no ascending times.
pub fn take_times(bytes: &mut Bytes<'_>, rows: usize) -> Option<Vec<i64>> {
    if rows == 0 || rows > MAX_ROWS {
        return None;
    }
    let count = bytes.varint()?;
    let mut times = Vec::with_capacity(rows);
    if count == 0 {
        times.resize(rows, 0);
        unpack(bytes, &mut times)?;
    }
    let mut before = 0_i64;
    for _ in 0..count {
        let start = before.checked_add(bytes.zigzag()?)?;
        let step = bytes.zigzag()?;
        let length = usize::try_from(bytes.varint()?).ok()?;
        if length == 0 || length > rows - times.len() {
            return None;
        }
        for row in 0..length {
            times.push(start.checked_add(step.checked_mul(row as i64)?)?);
        }
        before = times.last().copied()?;
    }
    (times.len() == rows && times.is_sorted_by(|a, b| a < b)).then_some(times)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(values: &[f64]) -> usize {
        let mut bytes = Vec::new();
        put_column(&mut bytes, values);
        let back = take_column(&mut Bytes::new(&bytes), values.len()).unwrap();
        let bits = |values: &[f64]| -> Vec<u64> {
            let one = |value: &f64| if value.is_nan() { u64::MAX } else { value.to_bits() };
            values.iter().map(one).collect()
        };
        assert_eq!(bits(&back), bits(values));
        bytes.len()
    }

    #[test]
    fn what_comes_back_is_the_same_to_the_bit() {
        let numbers = |of: fn(u32) -> f64| -> Vec<f64> { (0..3600).map(of).collect() };
        assert!(there_and_back(&numbers(|_| 42.0)) < 12, "all the same");
        assert!(
            there_and_back(&numbers(|row| f64::from(row * 7))) < 200,
            "a straight counter"
        );
        assert!(there_and_back(&numbers(|row| f64::from(row).sin())) <= 8 * 3600 + 2);
        there_and_back(&numbers(|row| if row % 2 == 0 { f64::NAN } else { 1.5 }));
        assert!(there_and_back(&numbers(|row| if row < 3000 { f64::NAN } else { 1.0 })) < 20);
        there_and_back(&[
            -0.0,
            0.0,
            1.0,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::MIN,
            f64::MAX,
            1e-320,
        ]);
        there_and_back(&[9_007_199_254_740_993.0, -9_007_199_254_740_992.0, 0.1]);
        there_and_back(&[f64::NAN; 5]);
        there_and_back(&[f64::NAN, 3.0]);
        there_and_back(&[]);
    }

    #[test]
    fn a_regular_grid_with_a_gap_takes_a_few_bytes_and_the_gap_stays() {
        let mut times: Vec<i64> = (0..1800).map(|row| 1_790_000_000_000 + row * 1000).collect();
        times.extend((0..1800).map(|row| 1_790_003_000_000 + row * 1000));
        let mut bytes = Vec::new();
        put_times(&mut bytes, &times);
        assert!(bytes.len() < 40, "{}", bytes.len());
        assert_eq!(take_times(&mut Bytes::new(&bytes), times.len()).unwrap(), times);
    }

    #[test]
    fn times_without_a_grid_come_back_too() {
        let times: Vec<i64> = (0..1000_i64).map(|row| row * 1000 + (row * 7919) % 911).collect();
        let mut bytes = Vec::new();
        put_times(&mut bytes, &times);
        assert!(bytes.len() < 3000, "{}", bytes.len());
        assert_eq!(take_times(&mut Bytes::new(&bytes), times.len()).unwrap(), times);
    }

    #[test]
    fn bytes_that_are_no_column_are_refused_and_never_panic() {
        let mut bytes = Vec::new();
        put_column(
            &mut bytes,
            &[1.0, f64::NAN, 2.5, 9.0, f64::NAN, 1.0, 1.0, 4.0, 8.0],
        );
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut wrong = bytes.clone();
                wrong[at] ^= 1 << bit;
                let _ = take_column(&mut Bytes::new(&wrong), 9);
                let _ = take_times(&mut Bytes::new(&wrong), 9);
            }
            let _ = take_column(&mut Bytes::new(&bytes[..at]), 9);
        }
        assert!(take_column(&mut Bytes::new(&[9]), 9).is_none());
        assert!(take_column(&mut Bytes::new(&bytes), MAX_ROWS + 1).is_none());
    }
}
