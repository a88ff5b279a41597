//! Arithmetic: between numbers, between series and a number, between series that have the same labels.

use super::{
    FIELD,
    lines::{Line, Value},
    point::{Point, apply},
    tree::Operator,
    units,
};
use farol_model::{Fault, metric::Unit};
use std::collections::HashMap;

/// `at`: where the operator stands.
pub fn calculate(operator: Operator, left: Value, right: Value, at: usize) -> Result<Value, Fault> {
    let flat = |number: f64| Point {
        min: number,
        max: number,
        mean: number,
        last: number,
        // What is typed was not read.
        count: 0,
    };
    Ok(match (left, right) {
        (Value::Number(a), Value::Number(b)) => Value::Number(apply(operator, a, b)),
        (Value::Lines(lines), Value::Number(number)) => each(lines, |line| {
            let unit = match operator {
                Operator::Power if number != 1.0 => Unit::None,
                _ => line.unit,
            };
            line.map(unit, |point| {
                scaled(point, |point| {
                    point.with(operator, flat_with(flat(number), &point))
                })
            })
        }),
        (Value::Number(number), Value::Lines(lines)) => each(lines, |line| {
            let unit = units::between(operator, Unit::None, line.unit).unwrap_or(line.unit);
            line.map(unit, |point| {
                scaled(point, |point| {
                    flat_with(flat(number), &point).with(operator, point)
                })
            })
        }),
        (Value::Lines(left), Value::Lines(right)) => Value::Lines(pairs(operator, left, right, at)?),
    })
}

fn each(lines: Vec<Line>, of: impl FnMut(Line) -> Line) -> Value {
    Value::Lines(lines.into_iter().map(of).collect())
}

/// A number at a time that has a value.
fn flat_with(number: Point, point: &Point) -> Point {
    Point {
        count: point.count,
        ..number
    }
}

/// As many values were read as before.
fn scaled(point: Point, of: impl FnOnce(Point) -> Point) -> Point {
    let made = of(point);
    Point {
        count: made.count.min(point.count),
        ..made
    }
}

/// What tells a line apart: its labels, and its channel where those are not enough.
fn keys(lines: &[Line], with_channel: bool) -> Vec<String> {
    let key = |line: &Line| {
        let mut labels: Vec<String> = line
            .labels
            .iter()
            .filter(|label| !label.value.is_empty())
            .map(|label| format!("{}={:?}", label.name, label.value))
            .collect();
        labels.sort();
        if with_channel {
            labels.extend(
                line.channel
                    .as_ref()
                    .map(|channel| format!("channel={channel:?}")),
            );
        }
        labels.join(",")
    };
    lines.iter().map(key).collect()
}

fn twice(keys: &[String]) -> Option<&str> {
    let mut sorted: Vec<&String> = keys.iter().collect();
    sorted.sort();
    let pair = sorted.windows(2).find(|pair| pair[0] == pair[1]);
    pair.map(|pair| pair[0].as_str())
}

fn pairs(operator: Operator, left: Vec<Line>, right: Vec<Line>, at: usize) -> Result<Vec<Line>, Fault> {
    if left.is_empty() || right.is_empty() {
        return Ok(Vec::new());
    }
    let sign = operator.sign();
    let (mut of_left, mut of_right) = (keys(&left, false), keys(&right, false));
    if twice(&of_left).or(twice(&of_right)).is_some() {
        (of_left, of_right) = (keys(&left, true), keys(&right, true));
    }
    if let Some(key) = twice(&of_left).or(twice(&of_right)) {
        return Err(Fault::invalid(
            FIELD,
            format!(
                "The expression has several series with {{{key}}} on one side of the {sign} at byte {at}. Bring them together first, \
                 as sum by (label) (…) does, or name one metric."
            ),
        ));
    }
    let mut partners: HashMap<&str, Line> = of_right.iter().map(String::as_str).zip(right).collect();
    let example = of_right.first().cloned().unwrap_or_default();
    let mut made = Vec::new();
    for (key, line) in of_left.iter().zip(left) {
        let Some(other) = partners.remove(key.as_str()) else {
            continue;
        };
        let unit = units::between(operator, line.unit, other.unit).ok_or_else(|| {
            Fault::invalid(
                FIELD,
                format!(
                    "The expression has {} {sign} {} at byte {at}: these cannot be taken together.",
                    units::word(line.unit),
                    units::word(other.unit)
                ),
            )
        })?;
        let same_channel = line.channel == other.channel;
        let mut points = other.points.into_iter();
        let mut line = line.map(unit, |point| {
            point.with(operator, points.next().unwrap_or(Point::NONE))
        });
        (line.metric, line.title) = (None, None);
        line.channel = line.channel.filter(|_| same_channel);
        made.push(line);
    }
    if made.is_empty() {
        let first = of_left.first().cloned().unwrap_or_default();
        return Err(Fault::invalid(
            FIELD,
            format!(
                "The expression has no series with the same labels on both sides of the {sign} at byte {at}: on the left for example \
                 {{{first}}}, on the right {{{example}}}. Bring both to the same labels, as sum by (label) (…) does."
            ),
        ));
    }
    Ok(made)
}
