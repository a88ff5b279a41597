//! From what a live view holds to what a way of drawing asks for. Lines are the common case and go the short way: no row is copied.
//!
//! A row tells of the time since the row before it. Ways that draw that time (bars, cells, runs) begin each point a step earlier, so
//! that the newest one ends now.

use super::{
    scale::{Hidden, Pick, Y_LABELS, scene},
    still::{self, Ask, Columns, Drawing, Earlier, Mode, Shown, states},
};
use crate::live::apply::View;
use farol_model::fields;
use serde::Serialize;

/// Points of bars and of a heat map at most.
const BARS: i64 = 60;
const CELLS: i64 = 150;

/// A live chart as the page has it from the server: which series, and how they are drawn first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LiveChart {
    /// The name that its series carry.
    pub title: String,
    pub mode: Mode,
    /// A logarithmic axis.
    pub log: bool,
    /// It is the only one of its page.
    pub alone: bool,
    /// Keys of series that are not shown at first.
    pub hidden: Hidden,
    /// What can be done with it, as HTML.
    pub menu: String,
}

fields!(LiveChart {
    title,
    mode,
    log,
    alone,
    hidden,
    menu
});

impl From<String> for LiveChart {
    /// Lines, and no menu.
    fn from(title: String) -> Self {
        LiveChart {
            title,
            mode: Mode::Lines,
            log: false,
            alone: false,
            hidden: Hidden::new(),
            menu: String::new(),
        }
    }
}

/// Lays a live chart out. `then` is what its series were an earlier period before, moved into this one.
pub fn drawing(view: &View, pick: &Pick<'_>, (mode, log): (Mode, bool), then: Option<&View>) -> Drawing {
    if mode == Mode::Lines && !log && then.is_none() {
        let (scene, axis) = scene(view, pick);
        return Drawing {
            labels: axis.labels(),
            ..Drawing::of(scene)
        };
    }
    let rows = Rows::of(view, pick, mode);
    let (from_ms, to_ms) = pick.span(view);
    let shown = rows.series.iter().filter_map(|one| {
        Some(Shown {
            slot: one.slot,
            spec: view.schema.get(one.index)?,
            columns: one.columns(),
        })
    });
    let means: Vec<(usize, Vec<f64>)> = then.map_or_else(Vec::new, |then| {
        let one = |one: &Points| {
            let index = then.index(view.keys.get(one.index)?)?;
            let column = then.columns.get(index)?;
            Some((one.slot, column.iter().copied().collect()))
        };
        rows.series.iter().filter_map(one).collect()
    });
    let earlier = then.map(|then| Earlier {
        times_ms: then.times.iter().copied().collect(),
        step_ms: i64::from(then.step_ms),
        series: means
            .iter()
            .map(|(slot, means)| (*slot, means.as_slice()))
            .collect(),
    });
    let mut drawing = still::draw(&Ask {
        from_ms,
        to_ms,
        times_ms: &rows.times_ms,
        step_ms: rows.step_ms,
        unit: pick.unit(view),
        series: shown.collect(),
        earlier,
        mode,
        log,
        columns: pick.columns,
        labels: Y_LABELS,
    });
    // Words in runs are for what stands still; here the newest state is what grows.
    let runs = std::mem::take(&mut drawing.runs);
    if !runs.is_empty() {
        drawing.shapes = states::without_words(&runs, drawing.rows.len());
    }
    drawing
}

/// Rows of the window, put together where a way of drawing has fewer points than there are rows.
struct Rows {
    times_ms: Vec<i64>,
    step_ms: i64,
    series: Vec<Points>,
}

struct Points {
    slot: usize,
    index: usize,
    mean: Vec<f64>,
    /// Least and greatest, where they are not the mean.
    reach: Option<[Vec<f64>; 2]>,
}

impl Points {
    fn columns(&self) -> Columns<'_> {
        let [min, max] = match &self.reach {
            Some(reach) => reach.each_ref().map(Vec::as_slice),
            None => [self.mean.as_slice(); 2],
        };
        let mean = &self.mean;
        Columns { min, max, mean }
    }
}

impl Rows {
    fn of(view: &View, pick: &Pick<'_>, mode: Mode) -> Rows {
        let (from_ms, to_ms) = pick.span(view);
        let step_ms = i64::from(view.step_ms).max(1);
        let before = match mode {
            Mode::Bars | Mode::Heat | Mode::States => step_ms,
            _ => 0,
        };
        let most = match mode {
            Mode::Bars => Some(BARS),
            Mode::Heat => Some(CELLS),
            _ => None,
        };
        // Points begin at whole multiples of their length, so that they stay what they are while time goes on.
        let count = (to_ms - from_ms) / step_ms;
        let wide = most.map(|most| (count + most - 1) / most);
        let together = wide.filter(|wide| *wide > 1).map(|wide| wide * step_ms);
        // From a whole point on, or from the row before the window, where a line enters it.
        let first = match together {
            Some(width) => {
                let cut = from_ms.div_euclid(width) * width;
                view.times.partition_point(|time| time - before < cut)
            }
            None => view
                .times
                .partition_point(|time| *time < from_ms)
                .saturating_sub(1),
        };
        let begins = |time: &i64| {
            let begin = time - before;
            together.map_or(begin, |width| begin.div_euclid(width) * width)
        };
        let each: Vec<i64> = view.times.range(first..).map(begins).collect();
        let mut times_ms = each.clone();
        times_ms.dedup();
        let series = pick.shown(view).filter_map(|(slot, index)| {
            let values = view.columns.get(index)?.range(first..).copied();
            let (mean, reach) = match together {
                None => (values.collect(), None),
                Some(_) => {
                    let (mean, reach) = points(&each, values, times_ms.len());
                    (mean, Some(reach))
                }
            };
            Some(Points {
                slot,
                index,
                mean,
                reach,
            })
        });
        let series = series.collect();
        let step_ms = together.unwrap_or(step_ms);
        Rows {
            times_ms,
            step_ms,
            series,
        }
    }
}

/// Means, and the least and the greatest values, of rows that begin together. NaN where no row has a value.
fn points(each: &[i64], values: impl Iterator<Item = f64>, count: usize) -> (Vec<f64>, [Vec<f64>; 2]) {
    let none = || Vec::with_capacity(count);
    let (mut mean, mut min, mut max) = (none(), none(), none());
    let mut last = None;
    let mut known = 0.0;
    for (begin, value) in each.iter().zip(values) {
        if last != Some(begin) {
            last = Some(begin);
            known = 0.0;
            mean.push(f64::NAN);
            min.push(f64::NAN);
            max.push(f64::NAN);
        }
        let here = (mean.last_mut(), min.last_mut(), max.last_mut());
        if let (Some(mean), Some(min), Some(max)) = here
            && value.is_finite()
        {
            known += 1.0;
            *mean = if known > 1.0 {
                *mean + (value - *mean) / known
            } else {
                value
            };
            // What is no number is less than any, and greater.
            *min = min.min(value);
            *max = max.max(value);
        }
    }
    (mean, [min, max])
}

#[cfg(all(test, not(feature = "hydrate")))]
#[path = "live/tests.rs"]
mod tests;
