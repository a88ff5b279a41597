//! Series upon each other, in the order of their slots. What is below zero is stacked downwards from zero, so that it takes nothing
//! away from what is above. Where a series has no value its layer has a gap, and the others close up.

use super::{Ask, Drawing, Earlier, Form, Mode, Reach, Shape, Tint, axis::Axis, lines, stretches};
use farol_model::metric::Unit;

/// A layer of this share of the height cannot be seen.
const THIN: f64 = 0.002;

/// Of each series what its layer begins and ends with at each point, NaN where it has no value.
pub fn layers(series: &[&[f64]], count: usize) -> Vec<Vec<(f64, f64)>> {
    let mut tops = vec![(0.0, 0.0); count];
    let mut layers = Vec::with_capacity(series.len());
    for values in series {
        let mut layer = Vec::with_capacity(count);
        for (at, (above, below)) in tops.iter_mut().enumerate() {
            let value = values.get(at).copied().unwrap_or(f64::NAN);
            if !value.is_finite() {
                layer.push((f64::NAN, f64::NAN));
                continue;
            }
            let top = if value < 0.0 { below } else { above };
            let start = *top;
            *top += value;
            layer.push((start, *top));
        }
        layers.push(layer);
    }
    layers
}

/// See the module.
pub fn draw(ask: &Ask<'_>) -> Drawing {
    let mut drawing = ask.blank(Mode::Stacked);
    let means: Vec<&[f64]> = ask.series.iter().map(|one| one.columns.mean).collect();
    let layers = layers(&means, ask.times_ms.len());
    let mut then = ask.earlier.as_ref().map(total);
    if then.as_ref().is_some_and(|total| is_whole(ask, total)) {
        let words = "The earlier period comes to 100\u{a0}% too; the list compares the parts.";
        drawing.notes.push(words.to_owned());
        then = None;
    }
    let mut reach = Reach::default();
    let mut tops: Vec<Vec<f64>> = Vec::with_capacity(layers.len());
    for layer in &layers {
        let of_layer: Vec<f64> = layer.iter().map(|(_, top)| *top).collect();
        reach.hold(&of_layer);
        tops.push(of_layer);
    }
    if let Some(total) = &then {
        reach.hold(total);
    }
    let axis = reach.linear(ask);
    drawing = drawing.on(&axis);
    for ((one, layer), tops) in ask.series.iter().zip(&layers).zip(&mut tops) {
        layer_shapes(ask, one.slot, layer, &axis, &mut drawing.shapes);
        for (top, edges) in tops.iter_mut().zip(layer) {
            *top = edge(*edges, &axis);
        }
        drawing.scene.lines.push(lines::line(ask, one.slot, tops, &axis));
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
        if ask.series.len() > 1 && total.iter().any(|sum| sum.is_finite()) {
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
    let mut known = 0;
    for sum in total.iter().filter(|sum| sum.is_finite()) {
        known += 1;
        if !(99.0..=101.0).contains(sum) {
            return false;
        }
    }
    known > 0 && ask.unit == Unit::Percent as i32
}

/// What all series of an earlier period come to, NaN where none has a value.
fn total(earlier: &Earlier<'_>) -> Vec<f64> {
    let mut total = vec![f64::NAN; earlier.times_ms.len()];
    for (_, means) in &earlier.series {
        for (sum, mean) in total.iter_mut().zip(*means).filter(|(_, mean)| mean.is_finite()) {
            *sum = if sum.is_finite() { *sum + mean } else { *mean };
        }
    }
    total
}

/// Along the upper edge and back along the lower one, for each stretch without a gap.
fn layer_shapes(ask: &Ask<'_>, slot: usize, layer: &[(f64, f64)], axis: &Axis, shapes: &mut Vec<Shape>) {
    let edge = |at: usize| layer.get(at).copied().unwrap_or((f64::NAN, f64::NAN));
    let known = |at: usize| edge(at).1.is_finite();
    for range in stretches(ask.times_ms, ask.step_ms, &known) {
        // A point that is alone is as broad as it is long.
        let alone = range.len() == 1;
        let (mut around, mut back) = (Vec::new(), Vec::new());
        for at in range {
            let ((left, right), (start, top)) = (ask.sides(at), edge(at));
            around.push((left, axis.y(top)));
            back.push((left, axis.y(start)));
            if alone {
                around.push((right, axis.y(top)));
                back.push((right, axis.y(start)));
            }
        }
        back.reverse();
        around.append(&mut back);
        shapes.push(Shape {
            tint: Tint::Stack(slot),
            form: Form::Polygon(around),
        });
    }
}
