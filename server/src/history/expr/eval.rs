//! The way through the tree: which series are touched, the grid, reading each once, then one function after the other.

use super::{
    Expression, FIELD, binary, gather,
    lines::{Line, Value},
    names, over,
    point::Point,
    tree::{Kind, Node, Select},
};
use crate::history::{
    Inner,
    grid::{Found, Grid},
    query::{Answer, MAX_CELLS, MAX_POINTS, MAX_ROWS, MAX_SERIES, Step, grid_of},
};
use farol_model::Fault;
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// Series that one expression reads at most.
pub const MAX_TOUCHED: usize = 2000;
/// How long one expression may take.
pub const MAX_TIME: Duration = Duration::from_secs(10);
/// Where nobody names a step, so many points there are at least, whatever the number of series.
const LEAST_POINTS: usize = 60;

/// An expression over a time.
struct Evaluation<'a> {
    /// With the points before the first that some functions need.
    grid: Grid,
    until: Instant,
    /// Each selector once, by its text.
    read: HashMap<&'a str, Vec<Line>>,
}

impl Inner {
    /// Answers an expression. Reads files: not for an async thread.
    pub(in crate::history) fn evaluate(
        &self,
        expression: &Expression,
        from_ms: i64,
        to_ms: i64,
        step: Step,
    ) -> Result<Answer, Fault> {
        let until = Instant::now() + MAX_TIME;
        let mut selects: HashMap<&str, &Select> = HashMap::new();
        expression.root.each(&mut |node| {
            if let Kind::Select(select) | Kind::Over(_, select, _) = &node.kind {
                selects.insert(&select.text, select);
            }
        });
        let mut selects: Vec<&Select> = selects.into_values().collect();
        selects.sort_by_key(|select| select.at);
        let series: Vec<_> = selects
            .iter()
            .map(|select| self.select(std::slice::from_ref(&select.selector)))
            .collect();
        let touched: usize = series.iter().map(Vec::len).sum();
        if selects.is_empty() {
            return Err(Fault::invalid(
                FIELD,
                "The expression names no metric: there is nothing that it could be drawn over.",
            ));
        }
        if touched > MAX_TOUCHED {
            let most = selects.iter().zip(&series).max_by_key(|(_, series)| series.len());
            let (text, count) = most.map_or(("", 0), |(select, series)| (select.text.as_str(), series.len()));
            return Err(Fault::invalid(
                FIELD,
                format!(
                    "The expression reads {touched} series, more than {MAX_TOUCHED}; most are of {text} ({count}, byte {}). Name \
                     fewer by their labels.",
                    most.map_or(0, |(select, _)| select.at)
                ),
            ));
        }
        let grid = fitting(from_ms, to_ms, step, touched)?;
        let (lead, window_at) = expression.lead(grid.step_ms);
        let wide = Grid {
            from_ms: grid.from_ms - lead as i64 * grid.step_ms,
            count: grid.count.saturating_add(lead),
            ..grid
        };
        if wide.count > 2 * MAX_POINTS || touched.saturating_mul(wide.count) > MAX_CELLS {
            return Err(Fault::invalid(
                FIELD,
                format!(
                    "The expression reads {touched} series of {} points ({lead} of them for the time in brackets at byte {window_at}), \
                     more than {MAX_CELLS} values. Name fewer series, a longer step, or a shorter time in brackets.",
                    wide.count
                ),
            ));
        }
        let mut read = HashMap::new();
        let mut rows = MAX_ROWS;
        for (select, series) in selects.into_iter().zip(series) {
            in_time(until)?;
            let found = self.read(&wide, series, &mut rows)?;
            read.insert(select.text.as_str(), found.into_iter().map(Line::of).collect());
        }
        let evaluation = Evaluation {
            grid: wide,
            until,
            read,
        };
        let series = evaluation.result(expression, lead, &grid)?;
        Ok(Answer { grid, series })
    }
}

/// The grid. Where nobody names a step, one with as many points as fit.
fn fitting(from_ms: i64, to_ms: i64, step: Step, touched: usize) -> Result<Grid, Fault> {
    let fits = match step {
        Step::Of(_) => step,
        // Half of it, since a time in brackets needs more points than are shown.
        Step::Points(points) => Step::Points(points.min((MAX_CELLS / 2 / touched.max(1)).max(LEAST_POINTS))),
    };
    grid_of(from_ms, to_ms, fits)
}

impl Expression {
    /// The same over series that are there already, on their grid; each selector takes those that it matches. What functions need from
    /// before the first point is not there.
    pub fn on(&self, grid: &Grid, series: &[Found]) -> Result<Vec<Found>, Fault> {
        let mut read = HashMap::new();
        self.root.each(&mut |node| {
            if let Kind::Select(select) | Kind::Over(_, select, _) = &node.kind {
                let matching = series
                    .iter()
                    .filter(|found| select.selector.matches(&found.series));
                read.insert(select.text.as_str(), matching.cloned().map(Line::of).collect());
            }
        });
        let evaluation = Evaluation {
            grid: *grid,
            until: Instant::now() + MAX_TIME,
            read,
        };
        evaluation.result(self, 0, grid)
    }

    /// Points before the first that are needed, and where that is said.
    fn lead(&self, step_ms: i64) -> (usize, usize) {
        let mut most = (0, 0);
        self.root.each(&mut |node| {
            if let Kind::Over(over, _, window_ms) = &node.kind {
                most = most.max((over::lead(*over, *window_ms, step_ms), node.at));
            }
        });
        most
    }
}

impl Node {
    /// This part and all within.
    fn each<'a>(&'a self, visit: &mut impl FnMut(&'a Node)) {
        visit(self);
        match &self.kind {
            Kind::Number(_) | Kind::Select(_) | Kind::Over(..) => {}
            Kind::Abs(of) | Kind::Negative(of) | Kind::Gather(_, _, of) | Kind::HistogramQuantile(_, of) => {
                of.each(visit);
            }
            Kind::Binary(_, left, right) => {
                left.each(visit);
                right.each(visit);
            }
        }
    }
}

fn in_time(until: Instant) -> Result<(), Fault> {
    match Instant::now() < until {
        true => Ok(()),
        false => Err(Fault::invalid(
            FIELD,
            format!(
                "The expression takes longer than {} s. Name fewer series, a shorter time, or a longer step.",
                MAX_TIME.as_secs()
            ),
        )),
    }
}

impl Evaluation<'_> {
    fn result(&self, expression: &Expression, lead: usize, grid: &Grid) -> Result<Vec<Found>, Fault> {
        let lines = match self.value(&expression.root)? {
            Value::Lines(lines) => lines,
            // A number alone, which names no metric.
            Value::Number(_) => Vec::new(),
        };
        if lines.len() > MAX_SERIES {
            return Err(Fault::invalid(
                FIELD,
                format!(
                    "The expression makes {} series, more than {MAX_SERIES}. Bring them together with sum by (label) (…), or take the \
                     greatest with topk(10, …).",
                    lines.len()
                ),
            ));
        }
        Ok(names::named(lines, &expression.to_string(), lead, grid))
    }

    fn lines(&self, select: &Select) -> Vec<Line> {
        self.read.get(select.text.as_str()).cloned().unwrap_or_default()
    }

    fn value(&self, node: &Node) -> Result<Value, Fault> {
        in_time(self.until)?;
        Ok(match &node.kind {
            Kind::Number(number) => Value::Number(*number),
            Kind::Select(select) => Value::Lines(self.lines(select)),
            Kind::Over(over, select, window_ms) => {
                let lines = self.lines(select).into_iter();
                let made = lines.map(|line| over::apply(*over, select, *window_ms, line, &self.grid));
                Value::Lines(made.collect::<Result<_, _>>()?)
            }
            Kind::Abs(of) => self.map(of, f64::abs, Point::abs)?,
            Kind::Negative(of) => self.map(of, |number| -number, Point::negative)?,
            Kind::Gather(how, grouping, of) => {
                Value::Lines(gather::apply(*how, grouping, self.some(of)?, node.at)?)
            }
            Kind::HistogramQuantile(share, of) => {
                Value::Lines(gather::histogram_quantile(*share, self.some(of)?, node.at)?)
            }
            Kind::Binary(operator, left, right) => {
                binary::calculate(*operator, self.value(left)?, self.value(right)?, node.at)?
            }
        })
    }

    fn map(&self, of: &Node, number: fn(f64) -> f64, point: fn(Point) -> Point) -> Result<Value, Fault> {
        Ok(match self.value(of)? {
            Value::Number(value) => Value::Number(number(value)),
            Value::Lines(lines) => Value::Lines(
                lines
                    .into_iter()
                    .map(|line| {
                        let unit = line.unit;
                        line.map(unit, point)
                    })
                    .collect(),
            ),
        })
    }

    /// What is no number.
    fn some(&self, of: &Node) -> Result<Vec<Line>, Fault> {
        match self.value(of)? {
            Value::Lines(lines) => Ok(lines),
            Value::Number(_) => Err(Fault::invalid(
                FIELD,
                format!(
                    "The expression has a number at byte {}, where a metric is needed.",
                    of.at
                ),
            )),
        }
    }
}
