//! A bar for each point, as broad as the time that the point stands for and so aligned to the clock; those of several series stand
//! side by side. A bar is a mean; the stroke above it reaches to the greatest value.

use super::{Ask, Drawing, Form, Mode, Shape, Shown, Tint, axis::Axis, linear, lines};

/// Share of a point's time that its bars fill.
const FILLED: f64 = 0.8;

/// See the module.
pub fn draw(ask: &Ask<'_>) -> Drawing {
    let mut drawing = ask.blank(Mode::Bars);
    let reached = ask
        .series
        .iter()
        .flat_map(|one| [one.columns.mean, one.columns.max])
        .flatten();
    let then = ask
        .earlier
        .iter()
        .flat_map(|earlier| &earlier.series)
        .flat_map(|(_, means)| *means);
    let axis = linear(ask, reached.chain(then).copied());
    drawing = drawing.on(&axis);
    let all = ask.series.len();
    drawing.shapes = ask
        .series
        .iter()
        .enumerate()
        .flat_map(|(at, one)| shapes(ask, one, at, all, &axis))
        .collect();
    drawing.over = lines::earlier(ask, &axis);
    drawing
}

/// Bars of one series, the `place`th of so many.
fn shapes(ask: &Ask<'_>, one: &Shown<'_>, place: usize, all: usize, axis: &Axis) -> [Shape; 2] {
    let zero = axis.y(0.0);
    let (mut boxes, mut reaches) = (Vec::new(), Vec::new());
    let known = one.columns.mean.iter().zip(one.columns.max).enumerate();
    for (at, (mean, max)) in known.filter(|(_, (mean, _))| mean.is_finite()) {
        let (left, right) = ask.sides(at);
        let width = (right - left) * FILLED / all.max(1) as f64;
        let from = left + (right - left) * (1.0 - FILLED) / 2.0 + width * place as f64;
        let top = axis.y(*mean);
        boxes.push([from, top.min(zero), from + width, top.max(zero)]);
        if *max > *mean {
            let middle = from + width / 2.0;
            reaches.push(vec![(middle, top), (middle, axis.y(*max))]);
        }
    }
    [
        Shape {
            tint: Tint::Bar(one.slot),
            form: Form::Boxes(boxes),
        },
        Shape {
            tint: Tint::Reach(one.slot),
            form: Form::Strokes(reaches),
        },
    ]
}
