//! Asking: some series, a span of time, a step; an envelope for each stretch of the grid. What is read for it says [`super::plan`].

use super::{
    Inner,
    envelope::Envelope,
    grid::{Found, Grid, NICE_MS},
    plan::Reading,
    registry::Series,
    selector::Selector,
    tier::Tier,
};
use farol_model::Fault;
use std::{collections::BTreeMap, sync::Arc};

/// Series of one answer at most.
pub const MAX_SERIES: usize = 500;
/// Stretches of one answer at most.
pub const MAX_POINTS: usize = 11_000;
/// Series times stretches of one answer at most.
pub const MAX_CELLS: usize = 500_000;
/// Rows that are read for one answer at most.
pub const MAX_ROWS: u64 = 40_000_000;
/// Selectors of one question at most.
pub const MAX_SELECTORS: usize = 32;
/// Step at least, milliseconds.
pub const MIN_STEP_MS: i64 = 250;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Query {
    /// A series that any of them matches is meant.
    pub selectors: Vec<Selector>,
    pub from_ms: i64,
    pub to_ms: i64,
    pub step: Step,
}

/// How fine the answer is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Milliseconds of one stretch.
    Of(i64),
    /// The shortest nice step with at most so many stretches.
    Points(usize),
}

/// What is answered. All series share the grid.
#[derive(Debug, Clone)]
pub struct Answer {
    pub grid: Grid,
    /// In the order of their numbers.
    pub series: Vec<Found>,
}

impl Query {
    /// The grid, or what is wrong with the question.
    pub fn grid(&self) -> Result<Grid, Fault> {
        if self.selectors.is_empty() || self.selectors.len() > MAX_SELECTORS {
            return Err(Fault::invalid(
                "match",
                format!("Say which series: 1 to {MAX_SELECTORS} selectors."),
            ));
        }
        grid_of(self.from_ms, self.to_ms, self.step)
    }
}

/// The grid of a span, or what is wrong with it.
pub(super) fn grid_of(from_ms: i64, to_ms: i64, step: Step) -> Result<Grid, Fault> {
    if from_ms >= to_ms {
        return Err(Fault::invalid("start", "The start must be before the end."));
    }
    // Ten thousand years and more: no time that anybody means, and sums would not fit.
    if from_ms.abs().max(to_ms.abs()) > 400_000_000_000_000 {
        return Err(Fault::invalid(
            "start",
            "Start and end must be times within ten thousand years.",
        ));
    }
    let over = |step_ms: i64| Grid::over(from_ms, to_ms, step_ms);
    let grid = match step {
        Step::Of(step_ms) if step_ms < MIN_STEP_MS => {
            return Err(Fault::invalid(
                "step",
                format!("The step must be at least {MIN_STEP_MS} ms."),
            ));
        }
        Step::Of(step_ms) => over(step_ms),
        Step::Points(points) => {
            let points = points.clamp(1, MAX_POINTS);
            let nice = NICE_MS.into_iter().map(over).find(|grid| grid.count <= points);
            let longest = NICE_MS[NICE_MS.len() - 1];
            // A step of this length is a whole number of the longest.
            let times = over(longest).count.div_ceil(points) as i64 + 1;
            nice.unwrap_or_else(|| over(longest * times))
        }
    };
    if grid.count > MAX_POINTS {
        let least = (to_ms - from_ms).div_euclid(MAX_POINTS as i64) + 1;
        return Err(Fault::invalid(
            "step",
            format!(
                "That are {} points, more than {MAX_POINTS}. Take a step of {least} ms or more.",
                grid.count
            ),
        ));
    }
    Ok(grid)
}

impl Inner {
    /// Answers a question. Reads files: not for an async thread.
    pub(super) fn query(&self, query: &Query) -> Result<Answer, Fault> {
        let grid = query.grid()?;
        let series = self.select(&query.selectors);
        if series.len() > MAX_SERIES || series.len() * grid.count > MAX_CELLS {
            return Err(Fault::invalid(
                "match",
                format!(
                    "That are {} series of {} points; at most {MAX_SERIES} series and {MAX_CELLS} values are answered. \
                     Name fewer series, or take a longer step.",
                    series.len(),
                    grid.count
                ),
            ));
        }
        let series = self.read(&grid, series, &mut { MAX_ROWS })?;
        Ok(Answer { grid, series })
    }

    /// Reads some series on a grid, unless that takes more rows than are `left`.
    pub(super) fn read(
        &self,
        grid: &Grid,
        series: Vec<Arc<Series>>,
        left: &mut u64,
    ) -> Result<Vec<Found>, Fault> {
        let steps = self.plan(grid, &series);
        let rows: i64 = steps.iter().map(Reading::rows).sum();
        let rows = rows as u64 * series.len() as u64;
        *left = left.checked_sub(rows).ok_or_else(|| {
            Fault::invalid(
                "step",
                format!(
                    "For that about {rows} values would have to be read; at most {MAX_ROWS} are read for one answer. Name \
                     fewer series, a shorter time, or a step that is a multiple of 10 s."
                ),
            )
        })?;
        let mut rows: BTreeMap<u32, Vec<Envelope>> = series
            .iter()
            .map(|series| (series.id, vec![Envelope::EMPTY; grid.count]))
            .collect();
        for step in steps {
            let read = match step.tier {
                Tier::Raw => step.read::<f64>(self, grid, &mut rows),
                _ => step.read::<Envelope>(self, grid, &mut rows),
            };
            read.map_err(|error| {
                tracing::error!(%error, "history: a file cannot be read");
                Fault::unavailable("History cannot be read now; the log of Farol says why. Try again.")
            })?;
        }
        let found = series.into_iter().map(|series| {
            let rows = rows.remove(&series.id).unwrap_or_default();
            Found::of(series, &rows)
        });
        Ok(found.collect())
    }

    /// The series that any selector matches, in the order of their numbers.
    pub(super) fn select(&self, selectors: &[Selector]) -> Vec<Arc<Series>> {
        let registry = self.read_registry();
        let meant = |series: &Series| selectors.iter().any(|selector| selector.matches(series));
        registry.all().filter(|series| meant(series)).cloned().collect()
    }
}
