//! Heat maps: a row for each bucket of a histogram, or a row for each series; the darker, the more.
//!
//! Buckets are as Prometheus has them: series with a label `le`, each counting what is not above its bound, told as increase per
//! second. Series that differ in other labels are added up. What a cell tells is how many events fell into it.

use super::{Ask, Drawing, Form, Mode, Reach, Shape, Tint, axis::Axis};
use crate::format::{format, number, tick_label};
use farol_model::metric::{MetricSpec, Unit};

/// Shades there are.
pub const LEVELS: usize = 8;

/// What the shades say: the ends, and whether the steps between them are those of a logarithm.
#[derive(Debug, Clone, PartialEq)]
pub struct Scale {
    pub low: String,
    pub high: String,
    /// What is counted, or empty.
    pub words: String,
}

/// The bound of a bucket, if the series is one.
pub fn bound(spec: &MetricSpec) -> Option<f64> {
    match spec.label_value("le")? {
        "+Inf" => Some(f64::INFINITY),
        text => Some(number(text)).filter(|bound| bound.is_finite()),
    }
}

/// See the module.
pub fn draw(ask: &Ask<'_>) -> Drawing {
    let mut bounds = Vec::with_capacity(ask.series.len());
    for one in &ask.series {
        match bound(one.spec) {
            Some(bound) => bounds.push(bound),
            None => return values(ask),
        }
    }
    match bounds.is_empty() {
        false => histogram(ask, &bounds),
        true => values(ask),
    }
}

/// A row for each bucket, the greatest above.
fn histogram(ask: &Ask<'_>, of_series: &[f64]) -> Drawing {
    let mut drawing = ask.blank(Mode::Heat);
    let mut bounds = of_series.to_vec();
    crate::order::numbers(&mut bounds);
    bounds.dedup();
    let mut counts = counts(ask, of_series, &bounds);
    let mut reach = Reach::default();
    for row in &counts {
        reach.hold(row);
    }
    let most = reach.max;
    let level = |count: f64| match count > 0.0 && most > 0.0 {
        true if ask.log => 1.0 + (1.0 + count).ln() / (1.0 + most).ln() * (LEVELS as f64 - 1.0),
        true => count / most * LEVELS as f64,
        false => 0.0,
    };
    let unit = ask
        .series
        .first()
        .map_or(Unit::None, |one| measured(&one.spec.name));
    for (at, bound) in bounds.iter().enumerate() {
        drawing.rows.push(words(*bound, at, &bounds, unit));
    }
    drawing.rows.reverse();
    counts.reverse();
    drawing.shapes = cells(ask, &counts, &level);
    drawing.buckets = counts;
    drawing.scale = Some(Scale {
        low: "none".to_owned(),
        high: format(most, Unit::Count).to_string(),
        words: format!("events in {}", crate::format::duration(ask.step_ms.max(1000))),
    });
    let sets = ask.series.len() / bounds.len().max(1);
    if sets > 1 {
        drawing
            .notes
            .push(format!("Counts are the sums of {sets} histograms."));
    }
    drawing
}

/// How many events fell into each bucket at each point; NaN where that is not known. Buckets of a scrape are read one after the
/// other, so a bucket may seem to hold less than the one below it: then it is empty.
fn counts(ask: &Ask<'_>, of_series: &[f64], bounds: &[f64]) -> Vec<Vec<f64>> {
    let per_second = ask.unit == Unit::PerSecond as i32;
    let times = if per_second {
        ask.step_ms as f64 / 1000.0
    } else {
        1.0
    };
    let points = ask.times_ms.len();
    let mut sums = vec![vec![f64::NAN; points]; bounds.len()];
    for (one, bound) in ask.series.iter().zip(of_series) {
        let row = bounds
            .iter()
            .position(|other| other == bound)
            .and_then(|row| sums.get_mut(row));
        for (sum, value) in row.into_iter().flatten().zip(one.columns.mean) {
            if value.is_finite() {
                *sum = if sum.is_finite() { *sum + value } else { *value };
            }
        }
    }
    let mut below = vec![0.0; points];
    for row in &mut sums {
        for (sum, below) in row.iter_mut().zip(&mut below).filter(|(sum, _)| sum.is_finite()) {
            let here = (*sum - *below).max(0.0);
            *below = below.max(*sum);
            *sum = here * times;
        }
    }
    sums
}

/// What a bucket holds in words.
fn words(bound: f64, at: usize, bounds: &[f64], unit: Unit) -> String {
    let below = at.checked_sub(1).and_then(|below| bounds.get(below));
    match (bound.is_finite(), below) {
        (true, _) => format!("≤ {}", tick_label(bound, unit)),
        (false, Some(below)) => format!("> {}", tick_label(*below, unit)),
        (false, None) => "all".to_owned(),
    }
}

/// The unit of what a histogram measures, by the name of its buckets.
fn measured(name: &str) -> Unit {
    let name = name.strip_suffix("_bucket").unwrap_or(name);
    let known = [
        ("_seconds", Unit::Seconds),
        ("_bytes", Unit::Bytes),
        ("_celsius", Unit::Celsius),
        ("_percent", Unit::Percent),
        ("_hertz", Unit::Hertz),
    ];
    known
        .into_iter()
        .find(|(end, _)| name.ends_with(end))
        .map_or(Unit::None, |(_, unit)| unit)
}

/// A row for each series, in the order of their slots.
fn values(ask: &Ask<'_>) -> Drawing {
    let mut drawing = ask.blank(Mode::Heat);
    let reach = ask.means();
    let log = Axis::log(reach.least, reach.max, ask.unit, 2).filter(|_| ask.log);
    let axis = log.unwrap_or_else(|| reach.linear(ask));
    if ask.log && !axis.log && !drawing.is_empty {
        drawing
            .notes
            .push("No value is above zero; the shades are linear.".to_owned());
    }
    if axis.log && reach.low > 0 {
        drawing.notes.push(format!(
            "{} values are zero or less and have the lightest shade.",
            reach.low
        ));
    }
    let level = |value: f64| match value.is_finite() {
        true => ((1.0 - axis.y(value)) * LEVELS as f64).max(f64::MIN_POSITIVE),
        false => 0.0,
    };
    let rows: Vec<&[f64]> = ask.series.iter().map(|one| one.columns.mean).collect();
    drawing.shapes = cells(ask, &rows, &level);
    drawing.name_rows(ask);
    let end = |tick: Option<&f64>| tick.map_or_else(String::new, |tick| tick_label(*tick, ask.unit));
    drawing.scale = Some(Scale {
        low: end(axis.ticks.first()),
        high: end(axis.ticks.last()),
        words: String::new(),
    });
    drawing
}

/// All cells of one shade are one shape; neighbours of one shade are one box. `level` says which shade a value has, above 0.
fn cells<R: AsRef<[f64]>>(ask: &Ask<'_>, rows: &[R], level: &dyn Fn(f64) -> f64) -> Vec<Shape> {
    let mut boxes: Vec<Vec<[f64; 4]>> = vec![Vec::new(); LEVELS];
    let height = 1.0 / rows.len().max(1) as f64;
    for (at, row) in rows.iter().enumerate() {
        let (top, bottom) = (at as f64 * height, (at + 1) as f64 * height);
        let mut before: Option<usize> = None;
        for (point, value) in row.as_ref().iter().enumerate() {
            let level = level(*value);
            let level = (level > 0.0).then(|| (level.ceil() as usize).clamp(1, LEVELS) - 1);
            let (left, right) = ask.sides(point);
            let of_level = level.and_then(|level| boxes.get_mut(level));
            if let Some(of_level) = of_level.filter(|_| right > left) {
                match of_level.last_mut().filter(|_| before == level) {
                    Some(last) => last[2] = right,
                    None => of_level.push([left, top, right, bottom]),
                }
            }
            before = level;
        }
    }
    let mut shapes = Vec::new();
    for (at, boxes) in boxes.into_iter().enumerate() {
        if !boxes.is_empty() {
            shapes.push(Shape {
                tint: Tint::Heat(at + 1),
                form: Form::Boxes(boxes),
            });
        }
    }
    shapes
}
