//! Lines with what they reached, areas down to zero, and the same an earlier period before.

use super::{Ask, Drawing, Form, Mode, Reach, Shape, Tint, axis::Axis, stretches};
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
    for one in &ask.series {
        if mode == Mode::Area {
            area(ask, one.slot, one.columns.mean, &axis, &mut drawing.shapes);
        }
        drawing
            .scene
            .lines
            .push(line(ask, one.slot, one.columns.mean, &axis));
        bands(ask, one, &axis, &mut drawing.scene.bands);
    }
    drawing.over = earlier(ask, &axis);
    drawing
}

/// The axis holds what was reached, and what is compared with.
fn axis(ask: &Ask<'_>, mode: Mode, notes: &mut Vec<String>) -> Axis {
    let (mut reach, mut least) = (Reach::default(), Reach::default());
    for one in &ask.series {
        reach.hold(one.columns.min);
        reach.hold(one.columns.max);
        least.hold(one.columns.min);
    }
    reach.hold_earlier(ask);
    if !ask.log || mode != Mode::Lines {
        return reach.linear(ask);
    }
    let Some(axis) = Axis::log(reach.least, reach.max, ask.unit, ask.labels) else {
        if reach.known > 0 {
            notes.push(
                "No value is above zero, and a logarithmic axis has no place for others; this one is linear."
                    .to_owned(),
            );
        }
        return reach.linear(ask);
    };
    if least.low > 0 {
        notes.push(format!(
            "{} of {} points reach zero or below, for which a logarithmic axis has no place: there they stand on its foot.",
            least.low,
            ask.means().known
        ));
    }
    axis
}

/// A line as the scene holds it.
pub fn line(ask: &Ask<'_>, slot: usize, values: &[f64], axis: &Axis) -> Line {
    let mut segments = segments(ask, ask.times_ms, ask.step_ms, values);
    for (_, value) in segments.iter_mut().flatten() {
        *value = axis.place(*value);
    }
    Line { slot, segments }
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

/// Segments in the unit square.
fn outlines(ask: &Ask<'_>, segments: Vec<Segment>, axis: &Axis) -> Vec<Vec<(f64, f64)>> {
    let mut outlines = segments;
    for point in outlines.iter_mut().flatten() {
        *point = (ask.x(point.0), axis.y(point.1));
    }
    outlines
}

/// From the line down to zero, or to the end of the axis that is nearest to it.
fn area(ask: &Ask<'_>, slot: usize, values: &[f64], axis: &Axis, shapes: &mut Vec<Shape>) {
    let floor = axis.y(0.0);
    let segments = segments(ask, ask.times_ms, ask.step_ms, values);
    for mut outline in outlines(ask, segments, axis) {
        if let [(first, _), .., (last, _)] = outline[..] {
            outline.extend([(last, floor), (first, floor)]);
            shapes.push(Shape {
                tint: Tint::Area(slot),
                form: Form::Polygon(outline),
            });
        }
    }
}

/// Stretches without a gap in which least and greatest differ.
fn bands(ask: &Ask<'_>, one: &super::Shown<'_>, axis: &Axis, bands: &mut Vec<Band>) {
    let (min, max) = (one.columns.min, one.columns.max);
    let point = |at: usize| Some((*ask.times_ms.get(at)?, *min.get(at)?, *max.get(at)?));
    let known = |at: usize| point(at).is_some_and(|(_, min, max)| min.is_finite() && max.is_finite());
    for range in stretches(ask.times_ms, ask.step_ms, &known) {
        let (mut points, mut differ) = (Vec::new(), false);
        for (time, min, max) in range.filter_map(point) {
            differ |= max > min;
            points.push((time as f64, axis.place(min), axis.place(max)));
        }
        if differ {
            let slot = one.slot;
            bands.push(Band { slot, points });
        }
    }
}

/// The earlier period over the same axis.
pub fn earlier(ask: &Ask<'_>, axis: &Axis) -> Vec<Shape> {
    let Some(earlier) = &ask.earlier else {
        return Vec::new();
    };
    let mut shapes = Vec::new();
    for (slot, values) in &earlier.series {
        let segments = segments(ask, &earlier.times_ms, earlier.step_ms, values);
        let mut strokes = outlines(ask, segments, axis);
        for stroke in &mut strokes {
            // What is alone is a dot: it was measured, so it is seen.
            if let [(x, y)] = stroke[..] {
                stroke.push((x + DOT / f64::from(ask.columns.max(1)), y));
            }
        }
        shapes.push(Shape {
            tint: Tint::Then(*slot),
            form: Form::Strokes(strokes),
        });
    }
    shapes
}
