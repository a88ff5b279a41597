//! From a view to what a chart shows: which series, which colours, which axis. Pure.

use super::{
    decimate::{Segment, Window, decimate},
    still::{Drawing, axis::Axis},
};
use crate::live::apply::View;
use farol_model::action::Mark;

/// Colours there are. The ninth series takes the first colour again, dashed; after 16 the pattern repeats.
pub const COLOURS: usize = 8;
/// Labels on the y axis at most.
pub const Y_LABELS: usize = 4;

/// One line of a chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Position among the chart's series; decides the colour, so hiding one does not recolour others.
    pub slot: usize,
    pub segments: Vec<Segment>,
}

impl Line {
    pub fn colour(slot: usize) -> usize {
        slot % COLOURS
    }

    pub fn dashed(slot: usize) -> bool {
        slot / COLOURS % 2 == 1
    }
}

/// All that is needed to paint the lines of a chart.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scene {
    pub from_ms: f64,
    pub to_ms: f64,
    /// Ends and lines of the y axis, ascending, evenly spaced.
    pub ticks: Vec<f64>,
    pub lines: Vec<Line>,
    /// Hairlines at the ticks.
    pub grid: bool,
    /// A soft area under a line that is alone.
    pub area: bool,
    /// What lies between the least and the greatest values of a line: only pictures of the past have any.
    pub bands: Vec<Band>,
    /// Moments that are marked, within the window.
    pub marks: Vec<Mark>,
}

/// A stretch of time with the least and the greatest value at each point: milliseconds, least, greatest.
#[derive(Debug, Clone, PartialEq)]
pub struct Band {
    pub slot: usize,
    pub points: Vec<(f64, f64, f64)>,
}

impl Band {
    /// Once around it: along the greatest values and back along the least.
    pub fn outline(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let there = self.points.iter().map(|(time, _, max)| (*time, *max));
        let back = self.points.iter().rev().map(|(time, min, _)| (*time, *min));
        there.chain(back)
    }
}

/// Which part of a view is wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct Pick<'a> {
    /// Indices into the schema; the position here is the slot.
    pub series: &'a [usize],
    pub hidden: &'a Hidden,
    /// The most that is shown, see [`window_now`].
    pub window_ms: i64,
    /// Pixel columns there are to fill.
    pub columns: u32,
    pub grid: bool,
}

/// Keys of the series that are not shown.
pub type Hidden = Vec<String>;

/// What a chart looks like now, for so many columns of pixels. None when its page is gone.
pub type Draw = std::sync::Arc<dyn Fn(u32) -> Option<Drawing> + Send + Sync>;

/// How far back a chart reaches now. Where there is little to show yet the window begins at a minute and grows with the
/// data, so that a server that has just started is not drawn into a corner.
pub fn window_now(view: &View, window_ms: i64) -> i64 {
    let span = match (view.times.front(), view.times.back()) {
        (Some(first), Some(last)) => last - first,
        _ => 0,
    };
    let fits = |window: &i64| span <= *window && *window < window_ms;
    [60_000, 120_000].into_iter().find(fits).unwrap_or(window_ms)
}

impl Pick<'_> {
    /// The time that is shown, milliseconds. The newest row is "now", never the clock.
    pub fn span(&self, view: &View) -> (i64, i64) {
        let to_ms = view.last_ms().unwrap_or(0);
        (to_ms - window_now(view, self.window_ms).max(1000), to_ms)
    }

    /// Slots and places in the schema of the series that are shown.
    pub fn shown<'a>(&'a self, view: &'a View) -> impl Iterator<Item = (usize, usize)> + 'a {
        let all = self.series.iter().copied().enumerate();
        all.filter(|(_, index)| {
            view.keys
                .get(*index)
                .is_some_and(|key| !self.hidden.contains(key))
        })
    }

    /// The unit of all series, as it travels.
    pub fn unit(&self, view: &View) -> i32 {
        let first = self.series.first().and_then(|index| view.schema.get(*index));
        first.map_or(0, |spec| spec.unit)
    }
}

/// Lays out the lines of a chart, and its axis.
pub fn scene(view: &View, pick: &Pick<'_>) -> (Scene, Axis) {
    let (from_ms, to_ms) = pick.span(view);
    let window = Window {
        from_ms: from_ms as f64,
        to_ms: to_ms as f64,
        columns: pick.columns,
        step_ms: f64::from(view.step_ms),
    };
    let lines: Vec<Line> = pick
        .shown(view)
        .map(|(slot, index)| Line {
            slot,
            segments: decimate(view.rows(index), &window),
        })
        .collect();
    let axis = y_axis(&lines, pick.unit(view));
    let scene = Scene {
        from_ms: window.from_ms,
        to_ms: window.to_ms,
        ticks: axis.ticks.clone(),
        area: pick.series.len() == 1,
        grid: pick.grid,
        lines,
        bands: Vec::new(),
        marks: Vec::new(),
    };
    (scene, axis)
}

/// Percentages are 0 to 100 whatever the data, everything else begins at 0 (or below) and ends at a round number.
pub fn y_axis(lines: &[Line], unit: i32) -> Axis {
    let values = lines
        .iter()
        .flat_map(|line| line.segments.iter().flatten().map(|point| point.1));
    let (min, max) = values.fold((0.0f64, 0.0f64), |(min, max), value| {
        (min.min(value), max.max(value))
    });
    Axis::linear(min, max, unit, Y_LABELS)
}

impl Scene {
    /// With those of the marks that are within the window.
    pub fn marked(mut self, marks: &[Mark]) -> Self {
        let within = |mark: &&Mark| (self.from_ms..=self.to_ms).contains(&(mark.at_ms as f64));
        self.marks = marks.iter().filter(within).cloned().collect();
        self
    }

    /// Whether there is anything to see.
    pub fn is_empty(&self) -> bool {
        self.lines.iter().all(|line| line.segments.is_empty())
    }

    pub fn y_range(&self) -> (f64, f64) {
        let low = self.ticks.first().copied().unwrap_or(0.0);
        let high = self.ticks.last().copied().unwrap_or(1.0);
        (low, if high > low { high } else { low + 1.0 })
    }
}

/// Slots by newest value, greatest first; no value goes last. What a folded legend shows.
pub fn by_last_value(last: &[f64]) -> Vec<usize> {
    let mut slots: Vec<usize> = (0..last.len()).collect();
    let rank = |slot: usize| {
        last.get(slot)
            .copied()
            .filter(|value| value.is_finite())
            .unwrap_or(f64::NEG_INFINITY)
    };
    crate::order::sort(&mut slots, |a, b| rank(b).total_cmp(&rank(a)).then(a.cmp(&b)));
    slots
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use farol_model::{
        metric::{MetricSpec, Unit},
        sample::{ChannelView, Column, Snapshot},
    };

    pub(crate) fn view(unit: Unit, columns: &[&[f64]]) -> View {
        let rows = columns.first().map_or(0, |column| column.len());
        View::new(ChannelView {
            channel: "metrics/local/cpu".into(),
            schema: (0..columns.len())
                .map(|index| {
                    MetricSpec::gauge(
                        &format!("m{index}"),
                        unit,
                        "CPU",
                        &format!("series {index}"),
                        "Help.",
                    )
                })
                .collect(),
            snapshot: Snapshot {
                times_ms: (0..rows as i64).map(|row| row * 1000).collect(),
                columns: columns
                    .iter()
                    .map(|values| Column {
                        values: values.to_vec(),
                    })
                    .collect(),
                step_ms: 1000,
            },
            epoch: String::new(),
            offset: 0,
        })
    }

    pub(crate) fn pick<'a>(series: &'a [usize], hidden: &'a Hidden) -> Pick<'a> {
        Pick {
            series,
            hidden,
            window_ms: 300_000,
            columns: 600,
            grid: true,
        }
    }

    #[test]
    fn percentages_have_a_fixed_axis_and_others_a_round_one() {
        let none = Hidden::new();
        let scene_of = |unit, top| scene(&view(unit, &[&[1.0, top]]), &pick(&[0], &none)).0;
        assert_eq!(scene_of(Unit::Percent, 3.0).ticks, [0.0, 50.0, 100.0]);
        assert_eq!(
            scene_of(Unit::Percent, 180.0).y_range().1,
            200.0,
            "more than all is shown, not cut"
        );
        assert_eq!(scene_of(Unit::None, 5.5).ticks, [0.0, 2.0, 4.0, 6.0]);
    }

    #[test]
    fn the_window_grows_with_the_data_up_to_what_is_asked() {
        let rows = |count: usize| view(Unit::Percent, &[&vec![1.0; count]]);
        for (count, window) in [
            (0, 60_000),
            (61, 60_000),
            (62, 120_000),
            (122, 300_000),
            (600, 300_000),
        ] {
            assert_eq!(window_now(&rows(count), 300_000), window, "{count} rows");
        }
        assert_eq!(window_now(&rows(600), 60_000), 60_000);
    }

    #[test]
    fn now_is_the_newest_row() {
        let none = Hidden::new();
        let (scene, _) = scene(&view(Unit::Percent, &[&[1.0, 2.0, 3.0]]), &pick(&[0], &none));
        assert_eq!((scene.from_ms, scene.to_ms), (2000.0 - 60_000.0, 2000.0));
        assert!(scene.area && !scene.is_empty());
    }

    #[test]
    fn hiding_a_series_does_not_recolour_the_others() {
        let view = view(Unit::Percent, &[&[1.0], &[2.0]]);
        let hidden = vec!["m0".to_owned()];
        let (scene, _) = scene(&view, &pick(&[0, 1], &hidden));
        assert_eq!(scene.lines.iter().map(|line| line.slot).collect::<Vec<_>>(), [1]);
        assert!(!scene.area, "one of two is not a single series");
    }

    #[test]
    fn sixteen_series_look_different() {
        let looks: std::collections::HashSet<_> = (0..16)
            .map(|slot| (Line::colour(slot), Line::dashed(slot)))
            .collect();
        assert_eq!(looks.len(), 16);
    }

    #[test]
    fn a_folded_legend_begins_with_the_greatest() {
        assert_eq!(by_last_value(&[1.0, f64::NAN, 7.0, 3.0]), [2, 3, 0, 1]);
    }
}
