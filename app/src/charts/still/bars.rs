//! A bar for each point, as broad as the time that the point stands for and so aligned to the clock; those of several series stand
//! side by side. A bar is a mean; the stroke above it reaches to the greatest value.

use super::{Ask, Drawing, Form, Mode, Reach, Shape, Shown, Tint, axis::Axis, lines};

/// Share of a point's time that its bars fill.
const FILLED: f64 = 0.8;

/// See the module.
pub fn draw(ask: &Ask<'_>) -> Drawing {
    let mut drawing = ask.blank(Mode::Bars);
    let mut reach = Reach::default();
    for one in &ask.series {
        reach.hold(one.columns.mean);
        reach.hold(one.columns.max);
    }
    reach.hold_earlier(ask);
    let axis = reach.linear(ask);
    drawing = drawing.on(&axis);
    for (place, one) in ask.series.iter().enumerate() {
        drawing.shapes.extend(shapes(ask, one, place, &axis));
    }
    drawing.over = lines::earlier(ask, &axis);
    drawing
}

/// Bars of one series, which stands at its place among all.
fn shapes(ask: &Ask<'_>, one: &Shown<'_>, place: usize, axis: &Axis) -> [Shape; 2] {
    let zero = axis.y(0.0);
    let (mut boxes, mut reaches) = (Vec::new(), Vec::new());
    for (at, (mean, max)) in one.columns.mean.iter().zip(one.columns.max).enumerate() {
        if !mean.is_finite() {
            continue;
        }
        let (left, right) = ask.sides(at);
        let width = (right - left) * FILLED / ask.series.len().max(1) as f64;
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
