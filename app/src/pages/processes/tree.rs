//! Processes under their parents. Pure.
//!
//! Children stay with their parent under every order: a parent stands where the best of its whole branch would stand, so the busiest
//! process is at the top with all that it hangs on. Where a filter is set, parents of what matches are shown too, and everything is
//! open.

use super::table::{Key, key};
use farol_model::process::ProcessRow;
use std::collections::HashMap;

/// A row in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// Position in the table.
    pub at: usize,
    /// 1 is the top.
    pub level: u32,
    /// Whether the rows below it are shown; None where there are none.
    pub open: Option<bool>,
}

/// A list as it is, all at the top.
pub fn flat(order: Vec<usize>) -> Vec<Place> {
    let place = |at| Place {
        at,
        level: 1,
        open: None,
    };
    order.into_iter().map(place).collect()
}

/// The same rows as a tree. `order` are positions of the rows that are wanted, the best first; `all_open` shows what is below rows
/// that are shut.
pub fn tree(rows: &[ProcessRow], order: &[usize], shut: &[Key], all_open: bool) -> Vec<Place> {
    let places: HashMap<u32, usize> = rows.iter().enumerate().map(|(at, row)| (row.pid, at)).collect();
    // A number that was given to another process is no parent: a parent is never younger than its child.
    let parent = |at: usize| {
        let row = &rows[at];
        let found = places.get(&row.parent).copied().filter(|found| *found != at);
        found.filter(|found| rows[*found].start_ms <= row.start_ms)
    };
    let mut known = vec![false; rows.len()];
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); rows.len()];
    let mut tops: Vec<usize> = Vec::new();
    for &at in order {
        // The first of a branch brings its parents with it, so branches come in the order of their best.
        let mut at = at;
        while !std::mem::replace(&mut known[at], true) {
            match parent(at) {
                Some(above) => {
                    children[above].push(at);
                    at = above;
                }
                None => tops.push(at),
            }
        }
    }
    let mut shown = Vec::with_capacity(order.len());
    let mut ahead: Vec<(usize, u32)> = tops.into_iter().rev().map(|at| (at, 1)).collect();
    while let Some((at, level)) = ahead.pop() {
        let below = &children[at];
        let open = (!below.is_empty()).then(|| all_open || !shut.contains(&key(&rows[at])));
        shown.push(Place { at, level, open });
        if open == Some(true) {
            ahead.extend(below.iter().rev().map(|at| (*at, level + 1)));
        }
    }
    shown
}

/// The place of the row that the one at `index` hangs on.
pub fn above(places: &[Place], index: usize) -> Option<usize> {
    let level = places.get(index)?.level;
    places.get(..index)?.iter().rposition(|place| place.level < level)
}

#[cfg(test)]
mod tests {
    use super::{
        super::table::{USUAL, order},
        *,
    };

    fn row(pid: u32, parent: u32, cpu_percent: f32) -> ProcessRow {
        ProcessRow {
            pid,
            parent,
            cpu_percent,
            name: format!("p{pid}"),
            start_ms: i64::from(pid),
            ..Default::default()
        }
    }

    fn shown(rows: &[ProcessRow], text: &str, shut: &[Key]) -> Vec<(u32, u32)> {
        let order = order(rows, USUAL, text);
        tree(rows, &order, shut, !text.is_empty())
            .into_iter()
            .map(|place| (rows[place.at].pid, place.level))
            .collect()
    }

    fn family() -> Vec<ProcessRow> {
        vec![
            row(1, 0, 0.0),
            row(10, 1, 5.0),
            row(11, 1, 0.0),
            row(20, 11, 90.0),
            row(21, 11, 1.0),
            row(30, 10, 2.0),
        ]
    }

    #[test]
    fn children_stay_with_their_parent_and_the_busiest_branch_is_first() {
        assert_eq!(
            shown(&family(), "", &[]),
            [(1, 1), (11, 2), (20, 3), (21, 3), (10, 2), (30, 3)]
        );
    }

    #[test]
    fn what_is_shut_hides_its_branch_and_says_so() {
        let rows = family();
        assert_eq!(shown(&rows, "", &[(11, 11)]), [(1, 1), (11, 2), (10, 2), (30, 3)]);
        let order = order(&rows, USUAL, "");
        let places = tree(&rows, &order, &[(11, 11)], false);
        let open: Vec<_> = places.iter().map(|place| place.open).collect();
        assert_eq!(open, [Some(true), Some(false), Some(true), None]);
        assert_eq!(
            (above(&places, 3), above(&places, 2), above(&places, 0)),
            (Some(2), Some(0), None)
        );
    }

    #[test]
    fn a_filter_shows_what_matches_with_its_parents_even_where_they_are_shut() {
        assert_eq!(shown(&family(), "p21", &[(11, 11)]), [(1, 1), (11, 2), (21, 3)]);
    }

    #[test]
    fn a_parent_that_is_not_there_or_younger_makes_no_branch_and_a_ring_ends() {
        let mut rows = vec![row(5, 99, 1.0), row(6, 7, 2.0), row(7, 0, 3.0)];
        assert_eq!(shown(&rows, "", &[]), [(7, 1), (6, 1), (5, 1)]);
        rows = vec![row(5, 6, 1.0), row(6, 5, 2.0)];
        for row in &mut rows {
            row.start_ms = 0;
        }
        assert!(shown(&rows, "", &[]).len() <= 2);
    }

    #[test]
    fn the_first_rows_of_a_tree_are_a_tree_of_the_same_order() {
        let mut rows = vec![row(1, 0, 0.0)];
        let mut seed = 7_u32;
        for pid in 2..2000 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            rows.push(row(pid, seed % (pid - 1) + 1, (seed >> 16) as f32));
        }
        let whole = order(&rows, USUAL, "");
        let first: Vec<ProcessRow> = tree(&rows, &whole, &[], false)
            .iter()
            .take(200)
            .map(|place| rows[place.at].clone())
            .collect();
        let again = tree(&first, &order(&first, USUAL, ""), &[], false);
        let places: Vec<usize> = again.iter().map(|place| place.at).collect();
        assert_eq!(
            places,
            (0..200).collect::<Vec<_>>(),
            "the browser draws what the server drew"
        );
    }

    #[test]
    fn ten_thousand_rows_take_part_of_a_frame() {
        let rows: Vec<ProcessRow> = (1..=10_000).map(|pid| row(pid, pid / 2, pid as f32)).collect();
        let order = order(&rows, USUAL, "");
        let places = tree(&rows, &order, &[], false);
        assert_eq!(places.len(), rows.len());
        let deepest: Vec<ProcessRow> = (1..=10_000).map(|pid| row(pid, pid - 1, 0.0)).collect();
        let places = tree(
            &deepest,
            &super::super::table::order(&deepest, USUAL, ""),
            &[],
            false,
        );
        assert_eq!(
            places.last().map(|place| place.level),
            Some(10_000),
            "without recursion"
        );
    }
}
