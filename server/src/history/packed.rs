//! The numbers of one series in memory, the oldest first: added at the end, dropped at the front, and kept bit for bit in as little
//! room as is cheap. Of what a machine tells, most does not change from one second to the next, and much of the rest has a few
//! values or whole numbers; a thousand series of ten minutes are then two megabytes instead of five.
//!
//! The newest are a run of one value or a list; a list that is full becomes a block of [`ROWS`], packed the way that fits.

use std::collections::VecDeque;

/// Rows of a block.
pub const ROWS: usize = 64;
/// A run of one value shorter than this goes on as a list when another value comes.
const SHORT: u32 = 16;
/// Different values that a block may have to be kept as places among them.
const MANY: usize = 16;

/// See the module.
#[derive(Debug, Clone)]
pub struct Packed {
    blocks: VecDeque<Block>,
    /// Rows of the first block that have been dropped; none of a run.
    skipped: usize,
    tail: Tail,
    len: usize,
}

/// Rows that are not packed yet.
#[derive(Debug, Clone)]
enum Tail {
    Run(f64, u32),
    /// Fewer than [`ROWS`].
    List(Vec<f64>),
}

/// Packed rows: [`ROWS`] of them, but for a run.
#[derive(Debug, Clone)]
enum Block {
    Run(f64, u32),
    Few(Box<Few>),
    /// All are numbers that fit.
    Narrow(Box<[f32]>),
    Wide(Box<[f64]>),
}

/// Values, and of each row which it is, four bits each.
#[derive(Debug, Clone)]
struct Few {
    places: [u8; ROWS / 2],
    values: Box<[f64]>,
}

const EMPTY: Tail = Tail::Run(0.0, 0);

fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits()
}

impl Packed {
    pub fn empty() -> Self {
        Self::run(f64::NAN, 0)
    }

    /// So many times the same.
    pub fn run(value: f64, rows: usize) -> Self {
        let rows_kept = u32::try_from(rows).unwrap_or(u32::MAX);
        Packed {
            blocks: VecDeque::new(),
            skipped: 0,
            tail: Tail::Run(value, rows_kept),
            len: rows_kept as usize,
        }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn push(&mut self, value: f64) {
        self.len += 1;
        match &mut self.tail {
            Tail::Run(run, rows) if *rows == 0 || (same(*run, value) && *rows < u32::MAX) => {
                (*run, *rows) = (value, *rows + 1);
            }
            Tail::Run(run, rows) if *rows >= SHORT => {
                self.blocks.push_back(Block::Run(*run, *rows));
                self.tail = Tail::Run(value, 1);
            }
            Tail::Run(run, rows) => {
                let mut list = Vec::with_capacity(ROWS);
                list.resize(*rows as usize, *run);
                list.push(value);
                self.tail = Tail::List(list);
            }
            Tail::List(list) => {
                list.push(value);
                if list.len() == ROWS {
                    let full = std::mem::take(list);
                    self.blocks.push_back(Block::of(full));
                    self.tail = EMPTY;
                }
            }
        }
    }

    /// Drops the newest.
    pub fn pop_back(&mut self) {
        if self.len == 0 {
            return;
        }
        self.len -= 1;
        if matches!(&self.tail, Tail::Run(_, 0))
            && let Some(block) = self.blocks.pop_back()
        {
            let skipped = match self.blocks.is_empty() {
                true => std::mem::take(&mut self.skipped),
                false => 0,
            };
            self.tail = block.unpack(skipped);
        }
        match &mut self.tail {
            Tail::Run(_, rows) => *rows = rows.saturating_sub(1),
            Tail::List(list) => {
                list.pop();
                if list.is_empty() {
                    self.tail = EMPTY;
                }
            }
        }
    }

    /// Drops the oldest.
    pub fn drop_front(&mut self, rows: usize) {
        let mut left = rows.min(self.len);
        self.len -= left;
        while left > 0 {
            let Some(first) = self.blocks.front_mut() else {
                return self.tail.drop_front(left);
            };
            let here = first.rows() - self.skipped;
            if left >= here {
                self.blocks.pop_front();
                self.skipped = 0;
                left -= here;
                continue;
            }
            match first {
                Block::Run(_, rows) => *rows -= left as u32,
                _ => self.skipped += left,
            }
            return;
        }
    }

    /// All from this row on.
    pub fn from(&self, row: usize) -> Vec<f64> {
        let mut out = Vec::with_capacity(self.len.saturating_sub(row));
        let mut past = self.skipped + row;
        for block in &self.blocks {
            let rows = block.rows();
            if past < rows {
                block.put(past, &mut out);
            }
            past = past.saturating_sub(rows);
        }
        match &self.tail {
            Tail::Run(value, rows) => {
                out.extend(std::iter::repeat_n(*value, (*rows as usize).saturating_sub(past)));
            }
            Tail::List(list) => out.extend(list.get(past..).unwrap_or_default()),
        }
        out
    }

    /// Memory beside the struct itself, bytes.
    #[cfg(test)]
    pub fn heap_bytes(&self) -> usize {
        let blocks: usize = self.blocks.iter().map(Block::heap_bytes).sum();
        let tail = match &self.tail {
            Tail::Run(..) => 0,
            Tail::List(list) => 8 * list.capacity(),
        };
        blocks + tail + self.blocks.capacity() * size_of::<Block>()
    }
}

impl Tail {
    fn drop_front(&mut self, rows: usize) {
        match self {
            Tail::Run(_, left) => *left = left.saturating_sub(rows as u32),
            Tail::List(list) => {
                list.drain(..rows.min(list.len()));
                if list.is_empty() {
                    *self = EMPTY;
                }
            }
        }
    }
}

impl Block {
    /// Of a list of [`ROWS`].
    fn of(list: Vec<f64>) -> Block {
        if let Some(few) = Few::of(&list) {
            return match *few.values {
                [value] => Block::Run(value, ROWS as u32),
                _ => Block::Few(Box::new(few)),
            };
        }
        let narrow: Box<[f32]> = list.iter().map(|value| *value as f32).collect();
        let fits = |(narrow, wide): (&f32, &f64)| same(f64::from(*narrow), *wide);
        match narrow.iter().zip(&list).all(fits) {
            true => Block::Narrow(narrow),
            false => Block::Wide(list.into()),
        }
    }

    fn rows(&self) -> usize {
        match self {
            Block::Run(_, rows) => *rows as usize,
            _ => ROWS,
        }
    }

    /// What is left of it after the first rows, to be added to.
    fn unpack(self, skipped: usize) -> Tail {
        match self {
            Block::Run(value, rows) => Tail::Run(value, rows),
            block => {
                let mut list = Vec::with_capacity(ROWS);
                block.put(skipped, &mut list);
                Tail::List(list)
            }
        }
    }

    /// All from this row on.
    fn put(&self, row: usize, out: &mut Vec<f64>) {
        match self {
            Block::Run(value, rows) => out.extend(std::iter::repeat_n(*value, *rows as usize - row)),
            Block::Few(few) => out.extend((row..ROWS).map(|row| few.value(row))),
            Block::Narrow(values) => out.extend(values[row..].iter().map(|value| f64::from(*value))),
            Block::Wide(values) => out.extend_from_slice(&values[row..]),
        }
    }

    #[cfg(test)]
    fn heap_bytes(&self) -> usize {
        match self {
            Block::Run(..) => 0,
            Block::Few(few) => size_of::<Few>() + 8 * few.values.len(),
            Block::Narrow(values) => 4 * values.len(),
            Block::Wide(values) => 8 * values.len(),
        }
    }
}

impl Few {
    /// None when there are too many.
    fn of(list: &[f64]) -> Option<Few> {
        let mut values: Vec<f64> = Vec::with_capacity(MANY);
        let mut places = [0_u8; ROWS / 2];
        for (row, value) in list.iter().enumerate() {
            let place = match values.iter().position(|known| same(*known, *value)) {
                Some(place) => place,
                None if values.len() < MANY => {
                    values.push(*value);
                    values.len() - 1
                }
                None => return None,
            };
            places[row / 2] |= (place as u8) << (4 * (row % 2));
        }
        Some(Few {
            places,
            values: values.into(),
        })
    }

    fn value(&self, row: usize) -> f64 {
        let place = self.places[row / 2] >> (4 * (row % 2)) & 15;
        self.values[usize::from(place)]
    }
}

impl FromIterator<f64> for Packed {
    fn from_iter<T: IntoIterator<Item = f64>>(values: T) -> Self {
        let mut packed = Packed::empty();
        values.into_iter().for_each(|value| packed.push(value));
        packed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng, rngs::StdRng};

    /// Numbers of all the kinds that there are: still for long, a few, whole, with a fraction, none.
    fn some(random: &mut StdRng, kind: u32, before: f64) -> f64 {
        match kind {
            0 => before,
            1 => f64::from(random.random_range(0..5_u8)),
            2 => f64::from(random.random_range(0..100_000_u32)),
            3 => random.random::<f64>(),
            4 => [f64::NAN, 0.0, -0.0, f64::INFINITY][random.random_range(0..4)],
            _ => 1.0 / 3.0,
        }
    }

    /// A plain list is the measure of all of it.
    #[test]
    fn whatever_is_added_and_dropped_comes_back_bit_for_bit() {
        for seed in 0..40 {
            let mut random = StdRng::seed_from_u64(seed);
            let (mut packed, mut plain) = (Packed::empty(), VecDeque::new());
            let (mut kind, mut value) = (0, 0.0);
            for step in 0..3000 {
                if random.random_range(0..40) == 0 {
                    kind = random.random_range(0..6);
                }
                value = some(&mut random, kind, value);
                match random.random_range(0..100) {
                    0 => {
                        for _ in 0..random.random_range(0..150) {
                            packed.pop_back();
                            plain.pop_back();
                        }
                    }
                    1 => {
                        let rows = random.random_range(0..200);
                        packed.drop_front(rows);
                        plain.drain(..rows.min(plain.len()));
                    }
                    _ => {
                        packed.push(value);
                        plain.push_back(value);
                    }
                }
                assert_eq!(packed.len(), plain.len());
                let from = random.random_range(0..=plain.len() + 1);
                let bits = |values: Vec<f64>| values.into_iter().map(f64::to_bits).collect::<Vec<_>>();
                let wanted = plain.iter().skip(from).copied().collect();
                assert_eq!(bits(packed.from(from)), bits(wanted), "seed {seed}, step {step}");
            }
        }
    }

    #[test]
    fn what_is_still_takes_next_to_nothing_and_the_worst_little_more_than_its_numbers() {
        let of = |value: fn(usize) -> f64| {
            let mut packed = Packed::empty();
            (0..6400).for_each(|row| packed.push(value(row)));
            packed.heap_bytes()
        };
        assert_eq!(of(|_| f64::NAN), 0);
        assert!(of(|row| (row / 1000) as f64) < 200);
        assert!(of(|row| (row % 10) as f64) < 6400 * 3);
        assert!(of(|row| (row * row) as f64 % 1e6) < 6400 * 5);
        assert!(of(|row| (row as f64).sqrt()) < 6400 * 9);
    }

    #[test]
    fn one_that_is_empty_has_nothing_to_drop() {
        let mut packed = Packed::run(1.0, 3);
        packed.drop_front(9);
        packed.pop_back();
        assert!(packed.is_empty() && packed.from(0).is_empty());
        packed.push(2.0);
        assert_eq!(packed.from(0), [2.0]);
    }
}
