//! The newest frames of one metrics channel, as one column per series and an explicit time per row.
//!
//! Times are explicit so that a row that was never sampled stays a gap. Appending costs one push per series; how little room a
//! column takes is [`packed`](super::packed)'s. When the
//! schema changes, series that stay keep their column; series that are new start with no value; series that are gone
//! leave. You get it wrong when you fill gaps here: only the viewer decides how a gap looks.

use super::packed::Packed;
use farol_model::{
    metric::MetricSpec,
    sample::{Column, Snapshot},
};
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

/// How far back rows are kept, milliseconds: ten minutes and a little, so that a chart of ten minutes is full.
pub const RETENTION_MS: i64 = 615_000;

/// Values held per ring at most (32 MiB of numbers if nothing could be packed). Above it the oldest rows go before their time, so a channel of very
/// many series at a very short interval reaches back less than ten minutes.
pub const MAX_CELLS: usize = 4 * 1024 * 1024;

/// Rows held at most, whatever the interval: ten minutes at 20 Hz.
pub const MAX_ROWS: usize = 12_300;

/// See the module.
#[derive(Debug, Clone)]
pub struct Ring {
    /// What the columns mean, by position.
    schema: Arc<[MetricSpec]>,
    /// Ascending, milliseconds since the epoch.
    times_ms: VecDeque<i64>,
    /// One per series of the schema, each as long as `times_ms`. NaN is no value.
    columns: Vec<Packed>,
    /// Interval of the newest row.
    step_ms: u32,
}

impl Ring {
    pub fn new(schema: Arc<[MetricSpec]>) -> Self {
        let columns = vec![Packed::empty(); schema.len()];
        Ring {
            schema,
            times_ms: VecDeque::new(),
            columns,
            step_ms: 0,
        }
    }

    /// Of rows that are there already, times ascending. A column that has not as many is none.
    pub fn with_rows(
        schema: Arc<[MetricSpec]>,
        times_ms: Vec<i64>,
        mut columns: Vec<Packed>,
        step_ms: u32,
    ) -> Self {
        columns.resize(schema.len(), Packed::empty());
        for column in &mut columns {
            if column.len() != times_ms.len() {
                *column = Packed::run(f64::NAN, times_ms.len());
            }
        }
        let mut ring = Ring {
            schema,
            times_ms: times_ms.into(),
            columns,
            step_ms,
        };
        ring.trim();
        ring
    }

    pub fn schema(&self) -> &Arc<[MetricSpec]> {
        &self.schema
    }

    /// Rows held.
    pub fn len(&self) -> usize {
        self.times_ms.len()
    }

    pub fn is_empty(&self) -> bool {
        self.times_ms.is_empty()
    }

    /// Takes a new schema and keeps the columns of the series that it shares with the old one.
    pub fn set_schema(&mut self, schema: Arc<[MetricSpec]>) {
        let mut old: HashMap<String, Packed> = self
            .schema
            .iter()
            .map(MetricSpec::key)
            .zip(self.columns.drain(..))
            .collect();
        let rows = self.times_ms.len();
        self.columns = schema
            .iter()
            .map(|spec| {
                old.remove(&spec.key())
                    .unwrap_or_else(|| Packed::run(f64::NAN, rows))
            })
            .collect();
        self.schema = schema;
        self.trim();
    }

    /// Adds a row. Values beyond the schema are ignored, missing ones are NaN. When the wall clock was set back, rows
    /// that now lie in the future leave, so that times always ascend.
    pub fn push(&mut self, t_ms: i64, step_ms: u32, values: &[f64]) {
        while self.times_ms.back().is_some_and(|last| *last >= t_ms) {
            self.times_ms.pop_back();
            for column in &mut self.columns {
                column.pop_back();
            }
        }
        self.step_ms = step_ms;
        self.times_ms.push_back(t_ms);
        for (position, column) in self.columns.iter_mut().enumerate() {
            column.push(values.get(position).copied().unwrap_or(f64::NAN));
        }
        self.trim();
    }

    /// The rows of the last `history_ms` (0: all), at most `max_cells` values: the newest rows that fit.
    pub fn snapshot(&self, history_ms: u32, max_cells: usize) -> Snapshot {
        let newest = self.times_ms.back().copied().unwrap_or(0);
        let by_time = match history_ms {
            0 => 0,
            span => self
                .times_ms
                .partition_point(|time| *time < newest.saturating_sub(i64::from(span))),
        };
        let max_rows = max_cells / self.columns.len().max(1);
        let from = by_time.max(self.times_ms.len().saturating_sub(max_rows));
        Snapshot {
            times_ms: self.times_ms.range(from..).copied().collect(),
            columns: self
                .columns
                .iter()
                .map(|column| Column {
                    values: column.from(from),
                })
                .collect(),
            step_ms: self.step_ms,
        }
    }

    fn trim(&mut self) {
        let newest = self.times_ms.back().copied().unwrap_or(0);
        let max_rows = MAX_ROWS.min(MAX_CELLS / self.columns.len().max(1));
        let too_old = self
            .times_ms
            .iter()
            .take_while(|time| newest - **time > RETENTION_MS)
            .count();
        let drop = too_old.max(self.times_ms.len().saturating_sub(max_rows));
        if drop == 0 {
            return;
        }
        self.times_ms.drain(..drop);
        for column in &mut self.columns {
            column.drop_front(drop);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use farol_model::metric::Unit;

    /// Gauges of these names, without labels.
    pub(crate) fn schema(names: &[&str]) -> Arc<[MetricSpec]> {
        names
            .iter()
            .map(|name| MetricSpec::gauge(name, Unit::None, "c", name, "h"))
            .collect()
    }

    #[test]
    fn rows_come_back_with_their_own_times_so_that_a_gap_stays_a_gap() {
        let mut ring = Ring::new(schema(&["a", "b"]));
        ring.push(1_000, 1_000, &[1.0, 10.0]);
        ring.push(2_000, 1_000, &[2.0, 20.0]);
        ring.push(9_000, 1_000, &[9.0, 90.0]);
        let snapshot = ring.snapshot(0, MAX_CELLS);
        assert_eq!(snapshot.times_ms, [1_000, 2_000, 9_000]);
        assert_eq!(snapshot.columns[1].values, [10.0, 20.0, 90.0]);
        assert_eq!(snapshot.step_ms, 1_000);
    }

    #[test]
    fn a_new_schema_keeps_the_columns_of_series_that_stay() {
        let mut ring = Ring::new(schema(&["a", "b"]));
        ring.push(1, 1, &[1.0, 10.0]);
        ring.set_schema(schema(&["c", "b"]));
        ring.push(2, 1, &[3.0, 20.0]);
        let snapshot = ring.snapshot(0, MAX_CELLS);
        assert!(snapshot.columns[0].values[0].is_nan());
        assert_eq!(snapshot.columns[0].values[1], 3.0);
        assert_eq!(snapshot.columns[1].values, [10.0, 20.0]);
    }

    #[test]
    fn rows_that_are_there_already_are_kept_within_the_same_bounds() {
        let times: Vec<i64> = (0..2000).map(|second| 1000 * second).collect();
        let column: Packed = times.iter().map(|time| *time as f64).collect();
        let short = Packed::run(1.0, 3);
        let mut ring = Ring::with_rows(schema(&["a", "b", "c"]), times, vec![column, short], 1000);
        assert!((600..=620).contains(&ring.len()), "{}", ring.len());
        ring.push(2_000_000, 1000, &[1.0, 2.0, 3.0]);
        let snapshot = ring.snapshot(2000, MAX_CELLS);
        assert_eq!(snapshot.times_ms, [1_998_000, 1_999_000, 2_000_000]);
        assert_eq!(snapshot.columns[0].values, [1_998_000.0, 1_999_000.0, 1.0]);
        assert!(snapshot.columns[1].values[1].is_nan() && snapshot.columns[2].values[0].is_nan());
    }

    #[test]
    fn old_rows_leave_by_time_but_ten_minutes_stay() {
        let mut ring = Ring::new(schema(&["a"]));
        for second in 0..2_000_i64 {
            ring.push(second * 1_000, 1_000, &[0.0]);
        }
        assert!((600..=620).contains(&ring.len()), "{}", ring.len());
        assert_eq!(ring.snapshot(60_000, MAX_CELLS).times_ms.len(), 61);
    }

    #[test]
    fn a_wide_fast_channel_is_bounded_by_cells() {
        let names: Vec<String> = (0..1_000).map(|n| format!("s{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut ring = Ring::new(schema(&names));
        let values = vec![0.0; 1_000];
        for t in 0..5_000_i64 {
            ring.push(t, 1, &values);
        }
        assert_eq!(ring.len(), MAX_CELLS / 1_000);
        assert_eq!(ring.snapshot(0, 10_000).times_ms.len(), 10);
    }

    #[test]
    fn a_clock_set_back_drops_the_rows_of_the_future() {
        let mut ring = Ring::new(schema(&["a"]));
        for t in [1, 2, 3, 4] {
            ring.push(t, 1, &[t as f64]);
        }
        ring.push(2, 1, &[20.0]);
        let snapshot = ring.snapshot(0, MAX_CELLS);
        assert_eq!(snapshot.times_ms, [1, 2]);
        assert_eq!(snapshot.columns[0].values, [1.0, 20.0]);
    }

    #[test]
    fn a_row_of_the_wrong_length_never_shifts_columns() {
        let mut ring = Ring::new(schema(&["a", "b"]));
        ring.push(1, 1, &[1.0]);
        ring.push(2, 1, &[1.0, 2.0, 3.0]);
        let snapshot = ring.snapshot(0, MAX_CELLS);
        assert!(snapshot.columns[1].values[0].is_nan());
        assert_eq!(snapshot.columns[1].values[1], 2.0);
    }
}
