//! A row for each series whose values are few whole numbers: runs of one state in one colour. A point that holds more than one
//! state is said to do so; which of them came first is not known.

use super::{Ask, Columns, Drawing, Form, Mode, Shape, Shown, Tint, stretches};
use crate::{
    charts::scale::COLOURS,
    format::{duration, tick_label},
    ui::moment::utc,
};
use farol_model::metric::MetricSpec;

/// Different values at most.
pub const MAX_STATES: usize = 8;
/// Runs of a chart that have words of their own at most.
const MAX_RUNS: usize = 600;

/// What the colour of a run says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Up,
    Down,
    /// One of several values, by its place among them.
    Nth(usize),
    /// More than one state within a point.
    Mixed,
}

impl Tone {
    /// The class of its colour.
    pub fn class(self) -> String {
        match self {
            Tone::Up => "up".to_owned(),
            Tone::Down => "down".to_owned(),
            Tone::Mixed => "mixed".to_owned(),
            Tone::Nth(at) => format!("c{}", at + 1),
        }
    }
}

/// A stretch of one state.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    pub row: usize,
    /// Shares of the width.
    pub from: f64,
    pub to: f64,
    pub tone: Tone,
    /// E.g. `Up`.
    pub word: String,
    /// E.g. `shop: Up for 3 min, from 2026-11-26 04:00:00 UTC`.
    pub title: String,
}

/// Whether these series have states.
pub fn fit(ask: &Ask<'_>) -> bool {
    known(&columns(ask)).is_some()
}

fn columns<'a>(ask: &Ask<'a>) -> Vec<Columns<'a>> {
    ask.series.iter().map(|one| one.columns).collect()
}

/// All values there are, ascending; None when there are too many or they are not whole.
pub fn known(series: &[Columns<'_>]) -> Option<Vec<f64>> {
    let mut known: Vec<f64> = Vec::new();
    for columns in series {
        for value in columns.min.iter().chain(columns.max).copied() {
            if !value.is_finite() || known.contains(&value) {
                continue;
            }
            if value.fract() != 0.0 || known.len() == MAX_STATES {
                return None;
            }
            known.push(value);
        }
    }
    crate::order::numbers(&mut known);
    Some(known)
}

/// Whether 1 and 0 mean up and down.
pub fn is_up(spec: &MetricSpec) -> bool {
    spec.name == "up" || spec.name.ends_with("_up")
}

/// A value of a series in words, and its tone.
fn state(spec: &MetricSpec, value: f64, known: &[f64]) -> (Tone, String) {
    match value {
        1.0 if is_up(spec) => (Tone::Up, "Up".to_owned()),
        0.0 if is_up(spec) => (Tone::Down, "Down".to_owned()),
        value => {
            let place = known.iter().position(|other| *other == value).unwrap_or_default();
            (Tone::Nth(place % COLOURS), tick_label(value, spec.unit))
        }
    }
}

/// See the module.
pub fn draw(ask: &Ask<'_>) -> Drawing {
    let mut drawing = ask.blank(Mode::States);
    let known = known(&columns(ask)).unwrap_or_default();
    drawing.name_rows(ask);
    let mut all: Vec<Run> = Vec::new();
    for (row, one) in ask.series.iter().enumerate() {
        runs(ask, row, one, &known, &mut all);
    }
    let runs = all;
    for run in &runs {
        let told = (
            run.tone,
            if run.tone == Tone::Mixed {
                "several within a point"
            } else {
                &run.word
            }
            .to_owned(),
        );
        if !drawing.tones.contains(&told) {
            drawing.tones.push(told);
        }
    }
    if runs.len() > MAX_RUNS {
        drawing
            .notes
            .push("There are too many changes to name each; take a shorter time to read them.".to_owned());
        drawing.shapes = without_words(&runs, ask.series.len());
    } else {
        drawing.runs = runs;
    }
    drawing
}

/// Runs of one series.
fn runs(ask: &Ask<'_>, row: usize, one: &Shown<'_>, known: &[f64], all: &mut Vec<Run>) {
    let (min, max) = (one.columns.min, one.columns.max);
    let pair = |at: usize| {
        (
            min.get(at).copied().unwrap_or(f64::NAN),
            max.get(at).copied().unwrap_or(f64::NAN),
        )
    };
    let is_known = |at: usize| pair(at).0.is_finite() && pair(at).1.is_finite();
    let same = |a: usize, b: usize| pair(a) == pair(b);
    for stretch in stretches(ask.times_ms, ask.step_ms, &is_known) {
        let mut from = stretch.start;
        for at in stretch.clone() {
            let ends = at + 1 == stretch.end || !same(at, at + 1);
            if ends {
                all.push(run(ask, row, one.spec, from..at + 1, pair(at), known));
                from = at + 1;
            }
        }
    }
}

fn run(
    ask: &Ask<'_>,
    row: usize,
    spec: &MetricSpec,
    points: std::ops::Range<usize>,
    (min, max): (f64, f64),
    known: &[f64],
) -> Run {
    let words = |value: f64| state(spec, value, known);
    let (tone, word) = match min == max {
        true => words(min),
        false => (Tone::Mixed, format!("{} and {}", words(min).1, words(max).1)),
    };
    let lasted = ask.step_ms.saturating_mul(points.len() as i64);
    let began = ask.times_ms.get(points.start).copied().unwrap_or_default();
    Run {
        row,
        from: ask.sides(points.start).0,
        to: ask.sides(points.end - 1).1,
        tone,
        title: format!(
            "{}: {word} for {}, from {}",
            spec.title,
            duration(lasted),
            utc(began)
        ),
        word,
    }
}

/// The boxes of a row and column grid, by tone.
pub fn without_words(runs: &[Run], rows: usize) -> Vec<Shape> {
    let mut tones: Vec<(Tone, Vec<[f64; 4]>)> = Vec::new();
    for run in runs {
        let cell = [
            run.from,
            row_top(run.row, rows),
            run.to,
            row_bottom(run.row, rows),
        ];
        match tones.iter_mut().find(|(tone, _)| *tone == run.tone) {
            Some((_, boxes)) => boxes.push(cell),
            None => tones.push((run.tone, vec![cell])),
        }
    }
    let mut shapes = Vec::new();
    for (tone, boxes) in tones {
        shapes.push(Shape {
            tint: Tint::State(tone),
            form: Form::Boxes(boxes),
        });
    }
    shapes
}

/// Share of the height of a row that a run fills.
const FILLED: f64 = 0.76;

/// Where the run of a row begins.
pub fn row_top(row: usize, rows: usize) -> f64 {
    (row as f64 + (1.0 - FILLED) / 2.0) / rows.max(1) as f64
}

/// Where it ends.
pub fn row_bottom(row: usize, rows: usize) -> f64 {
    (row as f64 + (1.0 + FILLED) / 2.0) / rows.max(1) as f64
}
