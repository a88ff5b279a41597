//! Series upon each other, in the order of their slots. What is below zero is stacked downwards from zero, so that it takes nothing
//! away from what is above. Where a series has no value its layer has a gap, and the others close up.

use super::{Ask, Drawing, Earlier, Form, Mode, Shape, Tint, axis::Axis, linear, lines, stretches};
use farol_model::metric::Unit;

/// A layer of this share of the height cannot be seen.
const THIN: f64 = 0.002;

/// Of each series what its layer begins and ends with at each point, NaN where it has no value.
pub fn layers(series: &[&[f64]], count: usize) -> Vec<Vec<(f64, f64)>> {
    let mut tops = vec![(0.0, 0.0); count];
    let layer = |values: &&[f64]| {
        let on = |(at, (above, below)): (usize, &mut (f64, f64))| {
            let value = values.get(at).copied().unwrap_or(f64::NAN);
            if !value.is_finite() {
                return (f64::NAN, f64::NAN);
            }
            let top = if value < 0.0 { below } else { above };
            let start = *top;
            *top += value;
            (start, *top)
        };
        tops.iter_mut().enumerate().map(on).collect()
    };
    series.iter().map(layer).collect()
}

/// See the module.
pub fn draw(ask: &Ask<'_>) -> Drawing {
    let mut drawing = ask.blank(Mode::Stacked);
    let means: Vec<&[f64]> = ask.series.iter().map(|one| one.columns.mean).collect();
    let layers = layers(&means, ask.times_ms.len());
    let then = ask.earlier.as_ref().map(total);
    let (then, whole) = match then {
        Some(total) if is_whole(ask, &total) => (None, true),
        then => (then, false),
    };
    if whole {
        let words = "The earlier period comes to 100\u{a0}% too; the list compares the parts.";
        drawing.notes.push(words.to_owned());
    }
    let tops = layers.iter().flatten().map(|(_, top)| *top);
    let axis = linear(ask, tops.chain(then.iter().flatten().copied()));
    drawing = drawing.on(&axis);
    for (one, layer) in ask.series.iter().zip(&layers) {
        drawing.shapes.extend(layer_shapes(ask, one.slot, layer, &axis));
        let tops: Vec<f64> = layer.iter().map(|edges| edge(*edges, &axis)).collect();
        drawing.scene.lines.push(lines::line(ask, one.slot, &tops, &axis));
    }
    if let (Some(earlier), Some(total)) = (&ask.earlier, &then) {
        let whole = Ask {
            earlier: Some(Earlier {
                series: vec![(0, total)],
                ..earlier.clone()
            }),
            ..ask.clone()
        };
        drawing.over = lines::earlier(&whole, &axis);
        if ask.series.len() > 1 {
            drawing
                .notes
                .push("The dashed line is the sum of the earlier period.".to_owned());
        }
    }
    drawing
}

/// Where the line of a layer is; none where the layer is too thin to be seen, or it would hide the one that it lies on.
fn edge((start, top): (f64, f64), axis: &Axis) -> f64 {
    match (axis.y(start) - axis.y(top)).abs() > THIN {
        true => top,
        false => f64::NAN,
    }
}

/// Whether a sum of percentages is a hundred wherever it is known: then its line says nothing.
fn is_whole(ask: &Ask<'_>, total: &[f64]) -> bool {
    let mut known = total.iter().filter(|sum| sum.is_finite()).peekable();
    ask.unit == Unit::Percent as i32
        && known.peek().is_some()
        && known.all(|sum| (99.0..=101.0).contains(sum))
}

/// What all series of an earlier period come to, NaN where none has a value.
fn total(earlier: &Earlier<'_>) -> Vec<f64> {
    let at = |at: usize| {
        let values = earlier
            .series
            .iter()
            .filter_map(|(_, means)| means.get(at).copied());
        let known = values.filter(|value| value.is_finite());
        known.reduce(|sum, value| sum + value).unwrap_or(f64::NAN)
    };
    (0..earlier.times_ms.len()).map(at).collect()
}

/// Along the upper edge and back along the lower one, for each stretch without a gap.
fn layer_shapes(ask: &Ask<'_>, slot: usize, layer: &[(f64, f64)], axis: &Axis) -> Vec<Shape> {
    let edge = |at: usize| layer.get(at).copied().unwrap_or((f64::NAN, f64::NAN));
    let shape = |range: std::ops::Range<usize>| {
        // A point that is alone is as broad as it is long.
        let alone = range.len() == 1;
        let x = |at: usize| ask.sides(at).0;
        let end = alone.then_some(range.start);
        let last = |of: fn((f64, f64)) -> f64| end.map(|at| (ask.sides(at).1, axis.y(of(edge(at)))));
        let upper = range.clone().map(|at| (x(at), axis.y(edge(at).1)));
        let lower = range.clone().rev().map(|at| (x(at), axis.y(edge(at).0)));
        let around = upper
            .chain(last(|edge| edge.1))
            .chain(last(|edge| edge.0))
            .chain(lower);
        Shape {
            tint: Tint::Stack(slot),
            form: Form::Polygon(around.collect()),
        }
    };
    let known = |at: usize| edge(at).1.is_finite();
    stretches(ask.times_ms, ask.step_ms, known)
        .into_iter()
        .map(shape)
        .collect()
}
