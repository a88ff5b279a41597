//! From rows to the points that are drawn: at most two per pixel column, and gaps stay gaps. Pure.

/// A run of points without a gap: milliseconds and values, by time.
pub type Segment = Vec<(f64, f64)>;

/// Rows further apart than this many steps have a gap between them.
pub const GAP_STEPS: f64 = 1.5;

/// What part of the rows is drawn, and how finely.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    pub from_ms: f64,
    pub to_ms: f64,
    /// Pixel columns there are to fill.
    pub columns: u32,
    /// Rows are expected at this distance; 0 knows no gaps by time.
    pub step_ms: f64,
}

/// Splits rows (ascending times) into segments and keeps the least and the greatest of each pixel column, in the order they came.
///
/// Columns are aligned to the clock and not to the window's edge: a window that moves by one row does not make the whole
/// line flicker. Segments are cut where they enter and leave the window.
pub fn decimate(rows: impl Iterator<Item = (i64, f64)>, window: &Window) -> Vec<Segment> {
    let column_ms = ((window.to_ms - window.from_ms) / f64::from(window.columns.max(1))).max(1.0);
    let gap_ms = if window.step_ms > 0.0 {
        window.step_ms * GAP_STEPS
    } else {
        f64::INFINITY
    };
    let mut segments = Vec::new();
    let mut current = Builder::new(column_ms);
    let mut previous: Option<(f64, f64)> = None;
    for (time, value) in rows {
        let point = (time as f64, value);
        let apart = previous.is_some_and(|last| point.0 - last.0 > gap_ms);
        if point.0 > window.to_ms {
            if let Some(last) = previous.filter(|_| value.is_finite() && !apart) {
                current.push(between(last, point, window.to_ms));
            }
            break;
        }
        if !value.is_finite() || apart {
            current.finish(&mut segments);
            previous = None;
        }
        if !value.is_finite() {
            continue;
        }
        if point.0 >= window.from_ms {
            if let Some(last) = previous.filter(|last| last.0 < window.from_ms) {
                current.push(between(last, point, window.from_ms));
            }
            current.push(point);
        }
        previous = Some(point);
    }
    current.finish(&mut segments);
    segments
}

/// The point of a line at a time between two others.
fn between(before: (f64, f64), after: (f64, f64), time: f64) -> (f64, f64) {
    let share = (time - before.0) / (after.0 - before.0);
    (time, before.1 + (after.1 - before.1) * share)
}

struct Builder {
    column_ms: f64,
    done: Segment,
    column: f64,
    least: (f64, f64),
    greatest: (f64, f64),
    filled: bool,
}

impl Builder {
    fn new(column_ms: f64) -> Self {
        Builder {
            column_ms,
            done: Vec::new(),
            column: 0.0,
            least: (0.0, 0.0),
            greatest: (0.0, 0.0),
            filled: false,
        }
    }

    fn push(&mut self, point: (f64, f64)) {
        let column = (point.0 / self.column_ms).floor();
        if self.filled && column == self.column {
            if point.1 < self.least.1 {
                self.least = point;
            }
            if point.1 > self.greatest.1 {
                self.greatest = point;
            }
            return;
        }
        self.flush();
        (self.column, self.least, self.greatest, self.filled) = (column, point, point, true);
    }

    fn flush(&mut self) {
        if !std::mem::take(&mut self.filled) {
            return;
        }
        let (first, second) = match self.least.0 <= self.greatest.0 {
            true => (self.least, self.greatest),
            false => (self.greatest, self.least),
        };
        self.done.push(first);
        if second.0 > first.0 {
            self.done.push(second);
        }
    }

    fn finish(&mut self, segments: &mut Vec<Segment>) {
        self.flush();
        if !self.done.is_empty() {
            segments.push(std::mem::take(&mut self.done));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(columns: u32) -> Window {
        Window {
            from_ms: 0.0,
            to_ms: 600_000.0,
            columns,
            step_ms: 1000.0,
        }
    }

    fn every_second(values: impl IntoIterator<Item = f64>) -> impl Iterator<Item = (i64, f64)> {
        values
            .into_iter()
            .enumerate()
            .map(|(index, value)| (index as i64 * 1000, value))
    }

    #[test]
    fn a_spike_is_never_lost_wherever_it_stands() {
        for spike in 0..600 {
            for height in [100.0, -100.0] {
                let rows = every_second((0..600).map(|index| {
                    if index == spike {
                        height
                    } else {
                        (index % 3) as f64
                    }
                }));
                let segments = decimate(rows, &window(50));
                assert_eq!(segments.len(), 1);
                assert!(segments[0].contains(&(spike as f64 * 1000.0, height)), "{spike}");
                assert!(segments[0].len() <= 2 * 51);
                assert!(
                    segments[0].windows(2).all(|pair| pair[0].0 < pair[1].0),
                    "times ascend"
                );
            }
        }
    }

    #[test]
    fn few_rows_pass_through_unchanged() {
        let segments = decimate(every_second([1.0, 2.0, 3.0]), &window(1000));
        assert_eq!(segments, [vec![(0.0, 1.0), (1000.0, 2.0), (2000.0, 3.0)]]);
    }

    #[test]
    fn no_value_and_a_missing_row_are_gaps() {
        let segments = decimate(every_second([1.0, f64::NAN, 3.0]), &window(1000));
        assert_eq!(segments, [vec![(0.0, 1.0)], vec![(2000.0, 3.0)]]);
        let rows = [(0, 1.0), (1400, 2.0), (3000, 3.0)].into_iter();
        assert_eq!(
            decimate(rows, &window(1000)),
            [vec![(0.0, 1.0), (1400.0, 2.0)], vec![(3000.0, 3.0)]],
            "one and a half steps is where a gap begins"
        );
    }

    #[test]
    fn a_gap_survives_columns_wider_than_itself() {
        let rows = every_second((0..600).map(|index| if index == 300 { f64::NAN } else { 1.0 }));
        assert_eq!(decimate(rows, &window(10)).len(), 2);
    }

    #[test]
    fn the_line_enters_at_the_edge_of_the_window() {
        let mut window = window(1000);
        window.from_ms = 500.0;
        let segments = decimate(every_second([0.0, 10.0, 20.0]), &window);
        assert_eq!(segments, [vec![(500.0, 5.0), (1000.0, 10.0), (2000.0, 20.0)]]);
    }

    #[test]
    fn the_line_leaves_at_the_edge_of_the_window() {
        let mut window = window(1000);
        window.to_ms = 1500.0;
        let segments = decimate(every_second([0.0, 10.0, 20.0, 30.0]), &window);
        assert_eq!(segments, [vec![(0.0, 0.0), (1000.0, 10.0), (1500.0, 15.0)]]);
        window.to_ms = 1000.0;
        let segments = decimate(every_second([0.0, 10.0, 20.0]), &window);
        assert_eq!(segments[0].last(), Some(&(1000.0, 10.0)));
        let gap = decimate(every_second([0.0, f64::NAN, 20.0]), &window);
        assert_eq!(gap, [vec![(0.0, 0.0)]]);
    }

    #[test]
    fn nothing_draws_nothing() {
        assert!(decimate(std::iter::empty(), &window(0)).is_empty());
        assert!(decimate(every_second([f64::NAN; 5]), &window(5)).is_empty());
    }
}
