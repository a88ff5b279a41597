//! Lines with what they reached, areas down to zero, and the same an earlier period before.

use super::{Ask, Drawing, Form, Mode, Shape, Tint, axis::Axis, linear, stretches};
use crate::charts::{
    decimate::{Segment, Window, decimate},
    scale::{Band, Line},
};

/// Pixels of a point that is alone.
const DOT: f64 = 2.0;

/// See the module.
pub fn draw(ask: &Ask<'_>, mode: Mode) -> Drawing {
    let mut drawing = ask.blank(mode);
    let axis = axis(ask, mode, &mut drawing.notes);
    drawing = drawing.on(&axis);
    if mode == Mode::Area {
        drawing.shapes = ask
            .series
            .iter()
            .flat_map(|one| area(ask, one.slot, one.columns.mean, &axis))
            .collect();
    }
    drawing.scene.lines = ask
        .series
        .iter()
        .map(|one| line(ask, one.slot, one.columns.mean, &axis))
        .collect();
    drawing.scene.bands = ask.series.iter().flat_map(|one| bands(ask, one, &axis)).collect();
    drawing.over = earlier(ask, &axis);
    drawing
}

/// The axis holds what was reached, and what is compared with.
fn axis(ask: &Ask<'_>, mode: Mode, notes: &mut Vec<String>) -> Axis {
    let reached = ask
        .series
        .iter()
        .flat_map(|one| [one.columns.min, one.columns.max])
        .flatten();
    let then = ask
        .earlier
        .iter()
        .flat_map(|earlier| &earlier.series)
        .flat_map(|(_, means)| *means);
    let all = || {
        reached
            .clone()
            .chain(then.clone())
            .copied()
            .filter(|value| value.is_finite())
    };
    if !ask.log || mode != Mode::Lines {
        return linear(ask, all());
    }
    let positive = || all().filter(|value| *value > 0.0);
    let (least, greatest) = (
        positive().fold(f64::NAN, f64::min),
        positive().fold(f64::NAN, f64::max),
    );
    let Some(axis) = Axis::log(least, greatest, ask.unit, ask.labels) else {
        if all().next().is_some() {
            notes.push(
                "No value is above zero, and a logarithmic axis has no place for others; this one is linear."
                    .to_owned(),
            );
        }
        return linear(ask, all());
    };
    let below = ask
        .series
        .iter()
        .flat_map(|one| one.columns.min)
        .filter(|value| **value <= 0.0)
        .count();
    if below > 0 {
        notes.push(format!(
            "{below} of {} points reach zero or below, for which a logarithmic axis has no place: there they stand on its foot.",
            ask.values().count()
        ));
    }
    axis
}

/// A line as the scene holds it.
pub fn line(ask: &Ask<'_>, slot: usize, values: &[f64], axis: &Axis) -> Line {
    let segments = segments(ask, ask.times_ms, ask.step_ms, values);
    let place = |segment: Segment| {
        segment
            .into_iter()
            .map(|(time, value)| (time, axis.place(value)))
            .collect()
    };
    Line {
        slot,
        segments: segments.into_iter().map(place).collect(),
    }
}

fn segments(ask: &Ask<'_>, times_ms: &[i64], step_ms: i64, values: &[f64]) -> Vec<Segment> {
    let window = Window {
        from_ms: ask.from_ms as f64,
        to_ms: ask.to_ms.max(ask.from_ms + 1) as f64,
        columns: ask.columns,
        step_ms: step_ms as f64,
    };
    decimate(times_ms.iter().copied().zip(values.iter().copied()), &window)
}

/// From the line down to zero, or to the end of the axis that is nearest to it.
fn area(ask: &Ask<'_>, slot: usize, values: &[f64], axis: &Axis) -> Vec<Shape> {
    let floor = axis.y(0.0);
    let polygon = |segment: Segment| {
        let inner = segment.iter().map(|(time, value)| (ask.x(*time), axis.y(*value)));
        let ends = [segment.last(), segment.first()]
            .into_iter()
            .flatten()
            .map(|(time, _)| (ask.x(*time), floor));
        Shape {
            tint: Tint::Area(slot),
            form: Form::Polygon(inner.chain(ends).collect()),
        }
    };
    let segments = segments(ask, ask.times_ms, ask.step_ms, values);
    segments
        .into_iter()
        .filter(|segment| segment.len() > 1)
        .map(polygon)
        .collect()
}

/// Stretches without a gap in which least and greatest differ.
fn bands(ask: &Ask<'_>, one: &super::Shown<'_>, axis: &Axis) -> Vec<Band> {
    let (min, max) = (one.columns.min, one.columns.max);
    let point = |at: usize| Some((*ask.times_ms.get(at)?, *min.get(at)?, *max.get(at)?));
    let known = |at: usize| point(at).is_some_and(|(_, min, max)| min.is_finite() && max.is_finite());
    let band = |range: std::ops::Range<usize>| {
        let points: Vec<(f64, f64, f64)> = range
            .filter_map(point)
            .map(|(time, min, max)| (time as f64, axis.place(min), axis.place(max)))
            .collect();
        let differ = points.iter().any(|(_, min, max)| max > min);
        differ.then_some(Band {
            slot: one.slot,
            points,
        })
    };
    stretches(ask.times_ms, ask.step_ms, known)
        .into_iter()
        .filter_map(band)
        .collect()
}

/// The earlier period over the same axis.
pub fn earlier(ask: &Ask<'_>, axis: &Axis) -> Vec<Shape> {
    let Some(earlier) = &ask.earlier else {
        return Vec::new();
    };
    let strokes = |values: &[f64]| {
        let segments = segments(ask, &earlier.times_ms, earlier.step_ms, values);
        let point = |(time, value): &(f64, f64)| (ask.x(*time), axis.y(*value));
        let stroke = |segment: Segment| match segment.as_slice() {
            // What is alone is a dot: it was measured, so it is seen.
            [one] => vec![
                point(one),
                (point(one).0 + DOT / f64::from(ask.columns.max(1)), point(one).1),
            ],
            points => points.iter().map(point).collect(),
        };
        segments.into_iter().map(stroke).collect::<Vec<Vec<(f64, f64)>>>()
    };
    let shape = |(slot, values): &(usize, &[f64])| Shape {
        tint: Tint::Then(*slot),
        form: Form::Strokes(strokes(values)),
    };
    earlier.series.iter().map(shape).collect()
}
