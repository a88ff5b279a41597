//! What is calculated with: lines on one grid, with what tells them apart.

use super::point::Point;
use crate::history::{grid::Found, registry::Series};
use farol_model::metric::{Kind, Label, Unit};
use std::sync::Arc;

/// What the channel of a series is called among its labels.
pub const CHANNEL: &str = "channel";

/// A number, or lines.
#[derive(Debug, Clone)]
pub enum Value {
    Number(f64),
    Lines(Vec<Line>),
}

/// One line.
#[derive(Debug, Clone)]
pub struct Line {
    /// The series itself, while nothing was done to it.
    pub series: Option<Arc<Series>>,
    /// The channel, if what it is made from has one.
    pub channel: Option<Arc<str>>,
    pub labels: Vec<Label>,
    /// The metric, while it is made from one only.
    pub metric: Option<String>,
    /// What the series is called, while it is made from one only.
    pub title: Option<String>,
    pub unit: Unit,
    /// Only grows, until whoever counts begins anew.
    pub counter: bool,
    pub points: Vec<Point>,
}

impl Line {
    pub fn of(found: Found) -> Line {
        let spec = &found.series.spec;
        let points = (0..found.count.len()).map(|at| Point {
            min: found.min[at],
            max: found.max[at],
            mean: found.mean[at],
            last: found.last[at],
            count: found.count[at],
        });
        Line {
            channel: Some(found.series.channel.clone()),
            labels: spec.labels.clone(),
            metric: Some(spec.name.clone()),
            title: Some(spec.title.clone()),
            unit: Unit::try_from(spec.unit).unwrap_or(Unit::None),
            counter: spec.kind == Kind::Counter as i32,
            points: points.map(Point::sane).collect(),
            series: Some(found.series),
        }
    }

    /// The value of a label, and of the channel as if it were one.
    pub fn label(&self, name: &str) -> &str {
        if name == CHANNEL {
            return self.channel.as_deref().unwrap_or_default();
        }
        let label = self.labels.iter().find(|label| label.name == name);
        label.map_or("", |label| label.value.as_str())
    }

    /// The same line after something was done to each point.
    pub fn map(self, unit: Unit, each: impl FnMut(Point) -> Point) -> Line {
        let points = self.points.into_iter().map(each).collect();
        Line {
            series: None,
            counter: false,
            unit,
            points,
            ..self
        }
    }

    /// The mean over all of the grid; NaN without a value.
    pub fn mean(&self) -> f64 {
        let there = || self.points.iter().filter(|point| !point.is_none());
        there().map(|point| point.mean).sum::<f64>() / there().count() as f64
    }
}
