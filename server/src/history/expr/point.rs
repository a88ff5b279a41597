//! What is known of a series within one stretch of the grid, and what follows for a function of it.

use super::tree::Operator;

/// One stretch. No value while `count` is 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    pub min: f64,
    pub max: f64,
    pub mean: f64,
    pub last: f64,
    /// Values as they were read that went into it.
    pub count: u64,
}

impl Point {
    pub const NONE: Point = Point {
        min: f64::NAN,
        max: f64::NAN,
        mean: f64::NAN,
        last: f64::NAN,
        count: 0,
    };

    /// One value for all of the stretch.
    pub fn flat(value: f64, count: u64) -> Point {
        Point {
            min: value,
            max: value,
            mean: value,
            last: value,
            count,
        }
        .sane()
    }

    pub fn is_none(&self) -> bool {
        self.count == 0
    }

    /// What cannot be calculated is no value. Where nothing is known of the least and the greatest value, they are those of the line.
    pub fn sane(self) -> Point {
        if self.count == 0 || !self.mean.is_finite() || !self.last.is_finite() {
            return Point::NONE;
        }
        let known = self.min.is_finite() && self.max.is_finite();
        let (min, max) = if known {
            (self.min, self.max)
        } else {
            (self.mean, self.mean)
        };
        Point {
            min: min.min(self.mean).min(self.last),
            max: max.max(self.mean).max(self.last),
            ..self
        }
    }

    pub fn abs(self) -> Point {
        let (low, high) = (self.min.abs(), self.max.abs());
        let through_zero = self.min <= 0.0 && self.max >= 0.0;
        Point {
            min: if through_zero { 0.0 } else { low.min(high) },
            max: low.max(high),
            mean: self.mean.abs(),
            last: self.last.abs(),
            count: self.count,
        }
        .sane()
    }

    pub fn negative(self) -> Point {
        Point {
            min: -self.max,
            max: -self.min,
            mean: -self.mean,
            last: -self.last,
            count: self.count,
        }
    }

    /// Of two stretches of the same time.
    pub fn with(self, operator: Operator, other: Point) -> Point {
        if self.is_none() || other.is_none() {
            return Point::NONE;
        }
        let (min, max) = bounds(operator, self, other);
        Point {
            min,
            max,
            mean: apply(operator, self.mean, other.mean),
            last: apply(operator, self.last, other.last),
            count: self.count.saturating_add(other.count),
        }
        .sane()
    }
}

pub fn apply(operator: Operator, a: f64, b: f64) -> f64 {
    match operator {
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => a * b,
        Operator::Divide => a / b,
        Operator::Modulo => a % b,
        Operator::Power => a.powf(b),
    }
}

/// Between which values the result lies, whichever of their values the two had at a moment; NaN where that is not known.
fn bounds(operator: Operator, a: Point, b: Point) -> (f64, f64) {
    const UNKNOWN: (f64, f64) = (f64::NAN, f64::NAN);
    let flat = a.min == a.max && b.min == b.max;
    let known = match operator {
        Operator::Add => return (a.min + b.min, a.max + b.max),
        Operator::Subtract => return (a.min - b.max, a.max - b.min),
        Operator::Multiply => true,
        // What it is divided by may have been zero within the stretch.
        Operator::Divide => b.min > 0.0 || b.max < 0.0,
        Operator::Modulo => flat,
        // With a positive base it rises or falls with each.
        Operator::Power => a.min > 0.0 || flat,
    };
    if !known {
        return UNKNOWN;
    }
    let corners =
        [(a.min, b.min), (a.min, b.max), (a.max, b.min), (a.max, b.max)].map(|(a, b)| apply(operator, a, b));
    if corners.iter().any(|corner| corner.is_nan()) {
        return UNKNOWN;
    }
    corners
        .into_iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), corner| {
            (min.min(corner), max.max(corner))
        })
}
