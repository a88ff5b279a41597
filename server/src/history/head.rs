//! The newest rows, in memory and as they came. A part is a stretch of one channel with one set of series, one interval and
//! ascending times without a gap; whatever breaks that begins the next part.
//!
//! What was written later wins: where the clock was set back, rows of the new part take the place of those that the old one has
//! within its span. So no time is there twice, and nothing else is lost.

use std::{collections::HashMap, ops::Range, sync::Arc};

/// A distance between rows above so many intervals, and above [`GAP_MS`], is a gap.
const GAP_INTERVALS: i64 = 10;
/// See [`GAP_INTERVALS`].
const GAP_MS: i64 = 10_000;

/// See the module.
#[derive(Debug, Clone)]
pub struct Part {
    pub channel: u32,
    /// The series of each place in a row.
    pub ids: Arc<[u32]>,
    pub interval_ms: u32,
    /// Ascending.
    pub times: Vec<i64>,
    /// Row after row.
    pub values: Vec<f64>,
}

impl Part {
    /// The rows of a span of time.
    pub fn rows(&self, span: &Range<i64>) -> Range<usize> {
        let before = |t_ms: i64| self.times.partition_point(|time| *time < t_ms);
        before(span.start)..before(span.end)
    }

    /// The values of one place within a row.
    pub fn column(&self, place: usize, rows: Range<usize>) -> Vec<f64> {
        let width = self.ids.len();
        rows.map(|row| self.values[row * width + place]).collect()
    }

    fn takes(&self, ids: &Arc<[u32]>, t_ms: i64, interval_ms: u32) -> bool {
        let same = Arc::ptr_eq(&self.ids, ids) || self.ids == *ids;
        let last = self.times.last().copied().unwrap_or(i64::MIN);
        let gap = (GAP_INTERVALS * i64::from(interval_ms)).max(GAP_MS);
        same && self.interval_ms == interval_ms && t_ms > last && t_ms.saturating_sub(last) <= gap
    }
}

/// See the module.
#[derive(Debug, Default)]
pub struct Head {
    /// In the order in which they began.
    pub parts: Vec<Part>,
    /// The part that each channel is at.
    current: HashMap<u32, usize>,
    /// Values held.
    pub cells: usize,
    /// Of all rows.
    pub first_ms: Option<i64>,
    /// Of the row that came last.
    pub last_ms: i64,
}

impl Head {
    /// Adds a row.
    pub fn push(&mut self, channel: u32, ids: &Arc<[u32]>, t_ms: i64, interval_ms: u32, values: &[f64]) {
        let current = self.current.get(&channel).copied();
        let fits = current.filter(|at| self.parts[*at].takes(ids, t_ms, interval_ms));
        let at = fits.unwrap_or_else(|| {
            self.parts.push(Part {
                channel,
                ids: ids.clone(),
                interval_ms,
                times: Vec::new(),
                values: Vec::new(),
            });
            self.current.insert(channel, self.parts.len() - 1);
            self.parts.len() - 1
        });
        let part = &mut self.parts[at];
        part.times.push(t_ms);
        let taken = values.len().min(ids.len());
        part.values.extend_from_slice(&values[..taken]);
        part.values.resize(part.times.len() * ids.len(), f64::NAN);
        self.cells += ids.len();
        self.first_ms = Some(self.first_ms.map_or(t_ms, |first| first.min(t_ms)));
        self.last_ms = t_ms;
    }

    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }
}

/// Of stretches in the order in which they were written, which rows of which one count: what was written later wins within its
/// span. Ascending by time; each is a place in `stretches` and its rows.
pub fn settle(stretches: &[&[i64]]) -> Vec<(usize, Range<usize>)> {
    let mut kept: Vec<(usize, Range<usize>)> = Vec::with_capacity(stretches.len());
    let mut newest = i64::MIN;
    for (at, times) in stretches.iter().enumerate() {
        let (Some(first), Some(last)) = (times.first(), times.last()) else {
            continue;
        };
        if *first <= newest {
            let cut = kept.iter().flat_map(|(old, rows)| {
                let times = &stretches[*old][rows.clone()];
                let before = times.partition_point(|time| time < first);
                let after = times.partition_point(|time| time <= last);
                let (start, end) = (rows.start, rows.end);
                [(*old, start..start + before), (*old, start + after..end)]
            });
            kept = cut.filter(|(_, rows)| !rows.is_empty()).collect();
        }
        kept.push((at, 0..times.len()));
        newest = newest.max(*last);
    }
    kept.sort_by_key(|(at, rows)| stretches[*at][rows.start]);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times_of(stretches: &[&[i64]]) -> Vec<(i64, usize)> {
        let rows = settle(stretches).into_iter();
        rows.flat_map(|(at, rows)| stretches[at][rows].iter().map(move |time| (*time, at)))
            .collect()
    }

    #[test]
    fn what_was_written_later_wins_within_its_span_and_nowhere_else() {
        assert_eq!(
            times_of(&[&[1, 2, 3], &[4, 5]]),
            [(1, 0), (2, 0), (3, 0), (4, 1), (5, 1)]
        );
        assert_eq!(
            times_of(&[&[1, 2, 3, 4, 5, 6], &[3, 4]]),
            [(1, 0), (2, 0), (3, 1), (4, 1), (5, 0), (6, 0)],
            "the clock was set back for a moment"
        );
        assert_eq!(
            times_of(&[&[5, 6], &[1, 2], &[6, 7]]),
            [(1, 1), (2, 1), (5, 0), (6, 2), (7, 2)]
        );
        assert_eq!(times_of(&[&[5, 6], &[1, 9]]), [(1, 1), (9, 1)]);
        assert_eq!(times_of(&[&[], &[3]]), [(3, 1)]);
    }

    #[test]
    fn a_part_ends_where_the_clock_goes_back_a_gap_is_or_the_series_change() {
        let mut head = Head::default();
        let (two, three): (Arc<[u32]>, Arc<[u32]>) = ([7, 8].into(), [7, 8, 9].into());
        for t in [1000, 2000, 3000] {
            head.push(1, &two, t, 1000, &[1.0, 2.0]);
        }
        head.push(1, &two, 3000, 1000, &[1.5]);
        assert_eq!(head.parts.len(), 2, "the same time again");
        assert!(
            head.parts[1].values[1].is_nan(),
            "a row too short has no value there"
        );
        head.push(1, &[7, 8].into(), 4000, 1000, &[1.0, 2.0, 3.0]);
        assert_eq!(
            (head.parts.len(), head.parts[1].values.len()),
            (2, 4),
            "the same set, and a row too long"
        );
        head.push(1, &three, 5000, 1000, &[1.0; 3]);
        head.push(1, &three, 15_001, 1000, &[1.0; 3]);
        assert_eq!(head.parts.len(), 4, "another set, and a gap");
        head.push(2, &two, 1, 1000, &[0.0; 2]);
        head.push(1, &three, 16_000, 1000, &[1.0; 3]);
        assert_eq!(
            (head.parts.len(), head.cells),
            (5, 21),
            "another channel ends nothing"
        );
        assert_eq!((head.first_ms, head.last_ms), (Some(1), 16_000));
        assert_eq!(
            head.parts[0].column(1, head.parts[0].rows(&(2000..9000))),
            [2.0, 2.0]
        );
    }
}
