//! What is made of one series over time.
//!
//! Without a time in brackets it is made of each point by itself; with one, of the points within that time, the last of which is the point
//! that it stands at. A point without values has none, however long the time is: a gap stays a gap.

use super::{
    FIELD,
    lines::Line,
    point::Point,
    tree::{Over, Select},
    units,
};
use crate::history::grid::Grid;
use farol_model::Fault;

/// A reading further back than this, or than the point before, is not what a counter grew from.
const STALE_MS: i64 = 300_000;

/// Points that a window covers, at least one.
pub fn points(window_ms: Option<i64>, step_ms: i64) -> usize {
    let points = window_ms.map_or(1, |window| (window + step_ms - 1) / step_ms);
    usize::try_from(points).unwrap_or(usize::MAX).max(1)
}

/// Points before the first that are needed.
pub fn lead(over: Over, window_ms: Option<i64>, step_ms: i64) -> usize {
    // What a counter grew from is in the point before.
    let before = usize::from(matches!(over, Over::Rate | Over::Increase));
    points(window_ms, step_ms) - 1 + before
}

/// See the module.
pub fn apply(
    over: Over,
    select: &Select,
    window_ms: Option<i64>,
    line: Line,
    grid: &Grid,
) -> Result<Line, Fault> {
    let reach = points(window_ms, grid.step_ms);
    let unit = line.unit;
    if !matches!(over, Over::Rate | Over::Increase) {
        return Ok(windowed(line, unit, reach, |points| of_time(over, points)));
    }
    if line.counter {
        return Ok(counter(over, line, reach, grid));
    }
    let name = line.metric.as_deref().unwrap_or_default();
    if !units::is_rate(name, unit) {
        return Err(Fault::invalid(
            FIELD,
            format!(
                "The expression has {over} of {name} at byte {}, which goes up and down and counts nothing ({}). Take it as it is, or \
                 avg_over_time, min_over_time or max_over_time of it.",
                select.at,
                units::word(unit)
            ),
        ));
    }
    let seconds = grid.step_ms as f64 / 1000.0;
    Ok(match over {
        // It is kept as its rate: each point says it, and the time in brackets only makes it smoother.
        Over::Rate if reach == 1 => line.map(unit, |point| point),
        Over::Rate => windowed(line, unit, reach, |points| of_time(Over::Avg, points)),
        _ => windowed(line, units::total(unit), reach, |points| {
            let all = points.iter().filter(|point| !point.is_none());
            let (sum, count) = all.fold((0.0, 0), |(sum, count), point| {
                (sum + point.mean * seconds, count + point.count)
            });
            Point::flat(sum, count)
        }),
    })
}

fn windowed(
    line: Line,
    unit: farol_model::metric::Unit,
    reach: usize,
    of: impl Fn(&[Point]) -> Point,
) -> Line {
    let points = &line.points;
    let made = (0..points.len()).map(|at| match points[at].is_none() {
        true => Point::NONE,
        false => of(&points[(at + 1).saturating_sub(reach)..=at]),
    });
    let made = made.collect();
    Line {
        points: made,
        ..line.map(unit, |point| point)
    }
}

fn of_time(over: Over, points: &[Point]) -> Point {
    let there = || points.iter().filter(|point| !point.is_none());
    let count: u64 = there().map(|point| point.count).sum();
    let value = match over {
        Over::Min => there().map(|point| point.min).fold(f64::INFINITY, f64::min),
        Over::Max => there().map(|point| point.max).fold(f64::NEG_INFINITY, f64::max),
        _ => there().map(|point| point.mean * point.count as f64).sum::<f64>() / count as f64,
    };
    Point::flat(value, count)
}

/// How much a counter grew in each point, and in which time; then that of each window.
fn counter(over: Over, line: Line, reach: usize, grid: &Grid) -> Line {
    let mut before: Option<(usize, f64)> = None;
    let mut grown: Vec<Option<(f64, f64)>> = Vec::with_capacity(line.points.len());
    for (at, point) in line.points.iter().enumerate() {
        if point.is_none() {
            grown.push(None);
            continue;
        }
        let known = before.filter(|(then, _)| {
            let ms = (at - then) as i64 * grid.step_ms;
            ms <= STALE_MS.max(grid.step_ms)
        });
        grown.push(known.map(|(then, last)| {
            let seconds = (at - then) as f64 * grid.step_ms as f64 / 1000.0;
            (growth(last, point), seconds)
        }));
        before = Some((at, point.last));
    }
    let unit = match over {
        Over::Rate => units::rate(line.unit),
        _ => line.unit,
    };
    let made = line.points.iter().enumerate().map(|(at, point)| {
        if grown[at].is_none() {
            return Point::NONE;
        }
        let all = grown[(at + 1).saturating_sub(reach)..=at].iter().flatten();
        let (sum, seconds) = all.fold((0.0, 0.0), |(sum, all), (more, seconds)| {
            (sum + more, all + seconds)
        });
        let value = if over == Over::Rate { sum / seconds } else { sum };
        Point::flat(value, point.count)
    });
    let made = made.collect();
    Line {
        points: made,
        ..line.map(unit, |point| point)
    }
}

/// From a reading to the last of the next point. A counter that went back began anew at zero.
fn growth(before: f64, point: &Point) -> f64 {
    if point.min >= before {
        return point.last - before;
    }
    match (point.max > point.last, point.max >= before) {
        // It grew on, then began anew.
        (true, true) => point.max - before + point.last,
        // It began anew before the first of the point, and once more within.
        (true, false) => point.max + point.last,
        (false, _) => point.last,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(min: f64, max: f64, last: f64) -> Point {
        Point {
            min,
            max,
            mean: (min + max) / 2.0,
            last,
            count: 2,
        }
    }

    #[test]
    fn a_counter_that_began_anew_is_no_cliff() {
        assert_eq!(growth(90.0, &point(95.0, 110.0, 110.0)), 20.0);
        assert_eq!(growth(90.0, &point(5.0, 110.0, 20.0)), 40.0, "within the point");
        assert_eq!(growth(90.0, &point(5.0, 20.0, 20.0)), 20.0, "before it");
        assert_eq!(growth(90.0, &point(3.0, 50.0, 20.0)), 70.0, "twice");
        assert_eq!(growth(90.0, &point(90.0, 90.0, 90.0)), 0.0);
    }

    #[test]
    fn windows_are_whole_points_and_a_counter_needs_one_more_before() {
        assert_eq!(
            (
                points(None, 1000),
                points(Some(300_000), 240_000),
                points(Some(1), 1000)
            ),
            (1, 2, 1)
        );
        assert_eq!(
            (lead(Over::Rate, None, 1000), lead(Over::Avg, Some(5000), 1000)),
            (1, 4)
        );
    }
}
