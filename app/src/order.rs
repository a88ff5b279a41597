//! Sorting. One copy of the algorithm for all orders: each type of comparison would bring its own into the wasm.

use std::cmp::Ordering;

/// Sorts positions. Equal ones may trade places, so a comparison that must be stable says so itself.
pub fn sort(positions: &mut [usize], mut compare: impl FnMut(usize, usize) -> Ordering) {
    erased(positions, &mut compare);
}

/// Sorts numbers, ascending; what is none goes last.
pub fn numbers(numbers: &mut Vec<f64>) {
    let mut order: Vec<usize> = (0..numbers.len()).collect();
    let at = |place: usize| numbers.get(place).copied().unwrap_or(f64::NAN);
    sort(&mut order, |a, b| at(a).total_cmp(&at(b)));
    let sorted = order.into_iter().map(at).collect();
    *numbers = sorted;
}

fn erased(positions: &mut [usize], compare: &mut dyn FnMut(usize, usize) -> Ordering) {
    positions.sort_unstable_by(|&a, &b| compare(a, b));
}
