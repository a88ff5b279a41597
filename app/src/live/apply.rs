//! What a metrics channel looks like to a chart, and how messages change it. Pure: no clock, no socket, no signals.
//!
//! Invariants: every column is as long as `times`; times ascend strictly; nothing older than the window stays; a frame
//! that was applied once is never applied again.

use farol_model::{
    metric::MetricSpec,
    sample::{ChannelView, Snapshot},
    wire::payload::{MetricsPublication, MetricsSnapshot},
};
use std::collections::VecDeque;

/// How far back a view reaches, milliseconds.
pub const WINDOW_MS: i64 = 10 * 60 * 1000;
/// Rows held at most, whatever their times claim: 10 minutes at 5 Hz. The oldest go first.
pub const MAX_ROWS: usize = 3000;
/// Values held at most, so that a short message of many series and many times does not take all memory: then fewer rows.
pub const MAX_CELLS: usize = 1_000_000;

/// Schema, history and position of one metrics channel.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    pub channel: String,
    pub schema: Vec<MetricSpec>,
    /// `schema[i].key()`, computed once.
    pub keys: Vec<String>,
    /// Times of rows, milliseconds, strictly ascending.
    pub times: VecDeque<i64>,
    /// One column per series; NaN where there was no value.
    pub columns: Vec<VecDeque<f64>>,
    /// Rows are expected at this distance, milliseconds. More than one and a half of it is a gap.
    pub step_ms: u32,
    /// Where live publications continue.
    pub epoch: String,
    pub offset: u64,
}

/// What a message did to the view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// Known already, or not usable.
    Nothing,
    Values,
    Schema,
    /// Applied, but publications before it are missing: the history should be fetched anew.
    Gap,
}

impl View {
    pub fn new(initial: ChannelView) -> Self {
        let mut view = View {
            channel: initial.channel,
            schema: Vec::new(),
            keys: Vec::new(),
            times: VecDeque::new(),
            columns: Vec::new(),
            step_ms: 0,
            epoch: initial.epoch,
            offset: initial.offset,
        };
        view.snapshot(initial.schema, initial.snapshot);
        view
    }

    /// The answer to a subscription. `recovered` are the publications missed; `data` is the whole, when they were not to be had.
    pub fn subscribed(
        &mut self,
        epoch: &str,
        offset: u64,
        data: Option<MetricsSnapshot>,
        recovered: impl IntoIterator<Item = (u64, MetricsPublication)>,
    ) -> Applied {
        if let Some(whole) = data {
            self.snapshot(whole.schema, whole.snapshot.unwrap_or_default());
            self.epoch = epoch.to_owned();
            self.offset = offset;
            return Applied::Schema;
        }
        if epoch != self.epoch {
            return Applied::Gap;
        }
        let mut outcome = Applied::Nothing;
        for (offset, publication) in recovered {
            match (self.publication(offset, publication), outcome) {
                (Applied::Nothing, _) | (_, Applied::Schema) => {}
                (applied, _) => outcome = applied,
            }
        }
        outcome
    }

    /// One live publication. `offset` 0 stands for a channel without positions.
    pub fn publication(&mut self, offset: u64, publication: MetricsPublication) -> Applied {
        if offset != 0 && offset <= self.offset {
            return Applied::Nothing;
        }
        let missed = offset > self.offset.saturating_add(1);
        self.offset = self.offset.max(offset);
        let applied = match publication.schema.is_empty() {
            true => self.row(publication.t_ms, &publication.values),
            false => {
                self.adopt_schema(publication.schema);
                Applied::Schema
            }
        };
        if missed { Applied::Gap } else { applied }
    }

    /// Position of a series by its key.
    pub fn index(&self, key: &str) -> Option<usize> {
        self.keys.iter().position(|known| known == key)
    }

    /// Newest value of a series; NaN when there is none.
    pub fn last(&self, index: usize) -> f64 {
        self.columns
            .get(index)
            .and_then(|column| column.back())
            .copied()
            .unwrap_or(f64::NAN)
    }

    /// Time of the newest row.
    pub fn last_ms(&self) -> Option<i64> {
        self.times.back().copied()
    }

    /// Indices of the series that a chart shows, in schema order.
    pub fn chart(&self, chart: &str) -> Vec<usize> {
        self.schema
            .iter()
            .enumerate()
            .filter(|(_, spec)| spec.chart == chart)
            .map(|(index, _)| index)
            .collect()
    }

    /// Rows of a series: time and value.
    pub fn rows(&self, index: usize) -> impl Iterator<Item = (i64, f64)> + '_ {
        self.columns
            .get(index)
            .into_iter()
            .flat_map(|column| self.times.iter().copied().zip(column.iter().copied()))
    }

    /// Row nearest to a time.
    pub fn nearest(&self, t_ms: f64) -> Option<usize> {
        let after = self.times.partition_point(|time| (*time as f64) < t_ms);
        let distance = |row: usize| self.times.get(row).map(|time| (*time as f64 - t_ms).abs());
        let before = after.checked_sub(1);
        match (before.and_then(distance), distance(after)) {
            (Some(left), Some(right)) if left <= right => before,
            (Some(_), None) => before,
            (_, Some(_)) => Some(after),
            (None, None) => None,
        }
    }

    fn snapshot(&mut self, schema: Vec<MetricSpec>, snapshot: Snapshot) {
        self.keys = schema.iter().map(MetricSpec::key).collect();
        self.schema = schema;
        self.step_ms = snapshot.step_ms;
        self.times.clear();
        self.columns = vec![VecDeque::new(); self.schema.len()];
        let surplus = snapshot.times_ms.len().saturating_sub(self.most_rows());
        for (row, time) in snapshot.times_ms.into_iter().enumerate().skip(surplus) {
            // A server that sends times out of order must not break the search by time.
            if self.times.back().is_some_and(|last| *last >= time) {
                continue;
            }
            self.times.push_back(time);
            for (index, column) in self.columns.iter_mut().enumerate() {
                let value = snapshot
                    .columns
                    .get(index)
                    .and_then(|given| given.values.get(row));
                column.push_back(value.copied().unwrap_or(f64::NAN));
            }
        }
        self.trim();
    }

    /// Series that stay keep their history, new ones begin with no values.
    fn adopt_schema(&mut self, schema: Vec<MetricSpec>) {
        let keys: Vec<String> = schema.iter().map(MetricSpec::key).collect();
        self.schema = schema;
        self.trim();
        let old_keys = std::mem::take(&mut self.keys);
        let mut old = std::mem::take(&mut self.columns);
        let rows = self.times.len();
        self.columns = keys
            .iter()
            .map(|key| {
                let place = old_keys.iter().position(|known| known == key);
                let column = place.and_then(|place| old.get_mut(place)).map(std::mem::take);
                // The same key once more finds it taken.
                let column = column.filter(|column| column.len() == rows);
                column.unwrap_or_else(|| std::iter::repeat_n(f64::NAN, rows).collect())
            })
            .collect();
        self.keys = keys;
    }

    fn row(&mut self, t_ms: i64, values: &[f64]) -> Applied {
        if values.is_empty() || self.times.back().is_some_and(|last| *last >= t_ms) {
            return Applied::Nothing;
        }
        self.times.push_back(t_ms);
        for (index, column) in self.columns.iter_mut().enumerate() {
            column.push_back(values.get(index).copied().unwrap_or(f64::NAN));
        }
        self.trim();
        Applied::Values
    }

    fn most_rows(&self) -> usize {
        MAX_ROWS.min(MAX_CELLS / self.schema.len().max(1))
    }

    fn trim(&mut self) {
        let Some(newest) = self.last_ms() else { return };
        let oldest = newest.saturating_sub(WINDOW_MS);
        let old = self.times.partition_point(|time| *time < oldest);
        let surplus = old.max(self.times.len().saturating_sub(self.most_rows()));
        self.times.drain(..surplus);
        for column in &mut self.columns {
            column.drain(..surplus);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use farol_model::{metric::Unit, sample::Column};

    fn spec(device: &str) -> MetricSpec {
        MetricSpec::gauge("disk_used_bytes", Unit::Bytes, "Disk", device, "Bytes.").label("device", device)
    }

    fn view() -> View {
        View::new(ChannelView {
            channel: "metrics/local/disk".into(),
            schema: vec![spec("a"), spec("b")],
            snapshot: Snapshot {
                times_ms: vec![1000, 2000],
                columns: vec![
                    Column {
                        values: vec![1.0, 2.0],
                    },
                    Column {
                        values: vec![10.0, 20.0],
                    },
                ],
                step_ms: 1000,
            },
            epoch: "e".into(),
            offset: 2,
        })
    }

    fn frame(t_ms: i64, values: &[f64]) -> MetricsPublication {
        MetricsPublication {
            t_ms,
            values: values.to_vec(),
            schema: vec![],
        }
    }

    fn schema(devices: &[&str]) -> MetricsPublication {
        MetricsPublication {
            schema: devices.iter().map(|device| spec(device)).collect(),
            ..Default::default()
        }
    }

    #[test]
    fn a_publication_adds_a_row() {
        let mut view = view();
        assert_eq!(view.publication(3, frame(3000, &[3.0, 30.0])), Applied::Values);
        assert_eq!(
            view.rows(1).collect::<Vec<_>>(),
            [(1000, 10.0), (2000, 20.0), (3000, 30.0)]
        );
        assert_eq!((view.offset, view.last(0)), (3, 3.0));
    }

    #[test]
    fn what_was_applied_once_is_not_applied_again() {
        let mut view = view();
        let before = view.clone();
        assert_eq!(view.publication(2, frame(9000, &[9.0, 9.0])), Applied::Nothing);
        assert_eq!(view, before);
        view.publication(3, frame(2000, &[9.0, 9.0]));
        assert_eq!(view.times, before.times, "a row never goes back in time");
    }

    #[test]
    fn surviving_series_keep_their_history_when_the_schema_changes() {
        let mut view = view();
        assert_eq!(view.publication(3, schema(&["b", "c"])), Applied::Schema);
        view.publication(4, frame(3000, &[30.0, 300.0]));
        assert_eq!(
            view.rows(0).map(|(_, v)| v).collect::<Vec<_>>(),
            [10.0, 20.0, 30.0]
        );
        let fresh: Vec<f64> = view.rows(1).map(|(_, v)| v).collect();
        assert!(fresh[0].is_nan() && fresh[1].is_nan() && fresh[2] == 300.0);
        assert_eq!(view.index("disk_used_bytes{device=\"a\"}"), None);
    }

    #[test]
    fn recovered_publications_continue_the_history_and_overlap_does_no_harm() {
        let mut view = view();
        let missed = [
            (2, frame(2000, &[2.0, 20.0])),
            (3, schema(&["b"])),
            (4, frame(3000, &[30.0])),
        ];
        assert_eq!(view.subscribed("e", 4, None, missed), Applied::Schema);
        assert_eq!(
            view.rows(0).collect::<Vec<_>>(),
            [(1000, 10.0), (2000, 20.0), (3000, 30.0)]
        );
        assert_eq!(view.offset, 4);
    }

    #[test]
    fn a_snapshot_replaces_everything_with_its_epoch() {
        let mut view = view();
        let whole = MetricsSnapshot {
            schema: vec![spec("z")],
            snapshot: Some(Snapshot {
                times_ms: vec![5000, 4000, 6000],
                columns: vec![Column {
                    values: vec![5.0, 4.0],
                }],
                step_ms: 500,
            }),
        };
        assert_eq!(view.subscribed("new", 1, Some(whole), []), Applied::Schema);
        assert_eq!((view.epoch.as_str(), view.offset, view.step_ms), ("new", 1, 500));
        assert_eq!(view.times, [5000, 6000], "a time out of order is left out");
        assert!(view.last(0).is_nan(), "a short column is filled with no value");
    }

    #[test]
    fn missing_publications_are_reported_and_another_epoch_is_never_mixed_in() {
        let mut view = view();
        assert_eq!(view.publication(7, frame(7000, &[7.0, 7.0])), Applied::Gap);
        assert_eq!(view.last(0), 7.0);
        let before = view.clone();
        assert_eq!(
            view.subscribed("other", 9, None, [(9, frame(9000, &[1.0, 1.0]))]),
            Applied::Gap
        );
        assert_eq!(view, before);
    }

    #[test]
    fn short_and_long_rows_do_not_break_the_columns() {
        let mut view = view();
        view.publication(3, frame(3000, &[3.0]));
        view.publication(4, frame(4000, &[4.0, 40.0, 400.0]));
        assert!(view.columns.iter().all(|column| column.len() == view.times.len()));
        assert!(view.columns[1][2].is_nan());
    }

    #[test]
    fn rows_leave_with_the_window_and_at_the_bound() {
        let mut view = view();
        view.publication(3, frame(1000 + WINDOW_MS + 1, &[1.0, 1.0]));
        assert_eq!(view.times.front(), Some(&2000));
        for index in 0..(MAX_ROWS as i64 + 10) {
            view.publication(0, frame(700_000 + index, &[0.0, 0.0]));
        }
        assert_eq!(view.times.len(), MAX_ROWS);
        assert!(view.columns.iter().all(|column| column.len() == MAX_ROWS));
    }

    #[test]
    fn a_schema_that_names_a_series_twice_keeps_every_column_as_long_as_the_times() {
        let mut view = view();
        view.publication(3, schema(&["b", "b"]));
        assert_eq!(view.rows(0).collect::<Vec<_>>(), [(1000, 10.0), (2000, 20.0)]);
        assert!(view.columns[1].iter().all(|value| value.is_nan()));
        // What leaves the window leaves every column.
        view.publication(4, frame(2000 + WINDOW_MS, &[3.0, 4.0]));
        assert!(view.columns.iter().all(|column| column.len() == view.times.len()));
    }

    #[test]
    fn many_series_and_many_times_in_a_short_message_do_not_multiply() {
        let initial = |series: usize| ChannelView {
            schema: vec![MetricSpec::default(); series],
            snapshot: Snapshot {
                times_ms: (1..=2500).collect(),
                ..Default::default()
            },
            ..Default::default()
        };
        let cells = |view: &View| view.columns.iter().map(VecDeque::len).sum::<usize>();
        let mut view = View::new(initial(1000));
        assert_eq!((view.times.len(), cells(&view)), (1000, MAX_CELLS));
        assert_eq!(view.times.back(), Some(&2500), "the newest stay");
        view.publication(
            0,
            MetricsPublication {
                schema: vec![MetricSpec::default(); 4000],
                ..Default::default()
            },
        );
        assert_eq!((view.times.len(), cells(&view)), (250, MAX_CELLS));
        assert_eq!(View::new(initial(10)).times.len(), 2500);
    }

    #[test]
    fn the_nearest_row_is_found_on_both_sides() {
        let view = view();
        for (t, row) in [(0.0, 0), (1400.0, 0), (1600.0, 1), (9e9, 1)] {
            assert_eq!(view.nearest(t), Some(row));
        }
    }
}
