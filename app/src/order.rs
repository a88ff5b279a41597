//! Sorting. One copy of the algorithm for all orders: each type of comparison would bring its own into the wasm.

use std::cmp::Ordering;

/// Sorts positions. Equal ones may trade places, so a comparison that must be stable says so itself.
pub fn sort(positions: &mut [usize], mut compare: impl FnMut(usize, usize) -> Ordering) {
    erased(positions, &mut compare);
}

fn erased(positions: &mut [usize], compare: &mut dyn FnMut(usize, usize) -> Ordering) {
    positions.sort_unstable_by(|&a, &b| compare(a, b));
}
