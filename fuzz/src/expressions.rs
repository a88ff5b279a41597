//! What somebody asks of history: an expression, and a selector.
//!
//! Asserts: whatever is typed is understood or refused shortly, with the parameter that is wrong; what was understood can be written and
//! is then understood as the same; over any series each column has a value for each point, none below the minimum or above the maximum,
//! none that is infinite, and none at all where nothing was read.

use farol::history::{
    expr::{Expression, MAX_BYTES},
    grid::{Found, Grid},
    registry::Series,
    selector::Selector,
};
use farol_model::{
    Fault,
    metric::{MetricSpec, Unit},
};
use std::sync::Arc;

const GRID: Grid = Grid {
    from_ms: 1_767_225_600_000,
    step_ms: 10_000,
    count: 6,
};

pub fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    if let Err(fault) = Selector::parse(text) {
        is_short(&fault, "match");
    }
    match Expression::parse(text) {
        Ok(expression) => {
            written(&expression);
            match expression.on(&GRID, &series()) {
                Ok(found) => found.iter().for_each(is_whole),
                Err(fault) => is_short(&fault, "expr"),
            }
        }
        Err(fault) => is_short(&fault, "expr"),
    }
}

fn is_short(fault: &Fault, field: &str) {
    assert_eq!(fault.field.as_deref(), Some(field), "{fault}");
    // A regular expression that is none, or a name, is quoted.
    assert!(fault.message.len() < 2 * MAX_BYTES + 500, "{fault}");
}

fn written(expression: &Expression) {
    let text = expression.to_string();
    // Numbers may be longer when they are written out.
    if text.len() <= MAX_BYTES {
        let again = Expression::parse(&text).unwrap_or_else(|fault| panic!("{text}: {fault}"));
        assert_eq!(again.to_string(), text);
    }
}

/// A few of each kind: a counter, one kept as its rate, buckets, levels.
fn series() -> Vec<Found> {
    let spec = |name: &str, unit: Unit, label: (&str, &str)| {
        MetricSpec::gauge(name, unit, "c", label.1, "h").label(label.0, label.1)
    };
    let specs = [
        spec("a", Unit::PerSecond, ("n", "1")),
        spec("a", Unit::PerSecond, ("n", "2")),
        spec("b", Unit::Bytes, ("n", "1")),
        spec("c", Unit::Bytes, ("n", "1")).counter(),
        spec("h_seconds_bucket", Unit::PerSecond, ("le", "0.5")),
        spec("h_seconds_bucket", Unit::PerSecond, ("le", "+Inf")),
    ];
    let found = |(at, spec): (usize, MetricSpec)| {
        let column = |more: f64| -> Vec<f64> {
            let value = |row: usize| (row * (at + 3) % 7) as f64 - 2.0 + more;
            (0..GRID.count)
                .map(|row| if row == at { f64::NAN } else { value(row) })
                .collect()
        };
        Found {
            series: Arc::new(Series {
                id: at as u32,
                channel_id: 1,
                channel: "metrics/local/c".into(),
                spec,
            }),
            min: column(-1.0),
            max: column(3.0),
            mean: column(0.5),
            last: column(1.0),
            count: (0..GRID.count)
                .map(|row| if row == at { 0 } else { 10 })
                .collect(),
        }
    };
    specs.into_iter().enumerate().map(found).collect()
}

fn is_whole(found: &Found) {
    let columns = [&found.min, &found.max, &found.mean, &found.last];
    assert!(columns.iter().all(|column| column.len() == GRID.count) && found.count.len() == GRID.count);
    assert!(!found.series.spec.title.is_empty());
    for at in 0..GRID.count {
        let (min, max, mean, last) = (found.min[at], found.max[at], found.mean[at], found.last[at]);
        match found.count[at] {
            0 => assert!(min.is_nan() && max.is_nan() && mean.is_nan() && last.is_nan()),
            _ => assert!(
                min.is_finite()
                    && max.is_finite()
                    && min <= mean
                    && mean <= max
                    && min <= last
                    && last <= max,
                "{min} {mean} {last} {max}"
            ),
        }
    }
}
