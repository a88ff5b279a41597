//! Ways to draw: what is asked for ([`Ask`]) becomes a [`Drawing`], which stands still. It is written as markup for pages ([`markup`]),
//! as a picture (`super::picture`), or painted on a canvas once for each moment of a live chart (`super::canvas`). Pure.
//!
//! | file | owns |
//! |---|---|
//! | [`axis`] | where a value stands: on a linear or a logarithmic axis |
//! | [`lines`] | lines with what they reached, areas, the same an earlier period before |
//! | [`stack`], [`bars`], [`heat`], [`states`] | the other ways to draw |
//! | [`flags`] | moments that are marked, those that are close together as one |
//!
//! Lines are means, bands reach from the least to the greatest value of each point, so that a spike is seen however much is drawn.
//! What a way of drawing cannot show is said in words ([`Drawing::notes`]), and never dropped silently.

pub mod axis;
mod bars;
pub mod flags;
pub mod heat;
mod lines;
#[cfg(not(feature = "hydrate"))]
pub mod markup;
pub mod stack;
pub mod states;

use super::scale::{Scene, Y_LABELS};
use axis::Axis;
use farol_model::metric::MetricSpec;
use heat::Scale;
use states::{Run, Tone};

/// Ways to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    Lines,
    Area,
    Stacked,
    Bars,
    Heat,
    States,
}

farol_model::words!(Mode {
    Lines = "lines",
    Area = "area",
    Stacked = "stacked",
    Bars = "bars",
    Heat = "heat",
    States = "states",
});

/// Series that bars show side by side at most.
pub const MAX_BARS: usize = 8;

/// What was read of one series: a value for each time, NaN where there is none.
#[derive(Debug, Clone, Copy)]
pub struct Columns<'a> {
    pub min: &'a [f64],
    pub max: &'a [f64],
    pub mean: &'a [f64],
}

/// One series that is drawn.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// Position among all series of the chart; decides the colour.
    pub slot: usize,
    pub spec: &'a MetricSpec,
    pub columns: Columns<'a>,
}

/// Series of an earlier period.
#[derive(Debug, Clone)]
pub struct Earlier<'a> {
    /// Where each point would begin if it were of the period that is drawn.
    pub times_ms: Vec<i64>,
    pub step_ms: i64,
    /// Slots of the series that are drawn, and means.
    pub series: Vec<(usize, &'a [f64])>,
}

/// What is to be drawn.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    pub from_ms: i64,
    pub to_ms: i64,
    /// Where each point begins, ascending, and how long it is.
    pub times_ms: &'a [i64],
    pub step_ms: i64,
    /// The unit of all series, as it travels.
    pub unit: i32,
    pub series: Vec<Shown<'a>>,
    pub earlier: Option<Earlier<'a>>,
    pub mode: Mode,
    /// A logarithmic axis.
    pub log: bool,
    /// Pixels there are to fill.
    pub columns: u32,
    /// Labels of the y axis at most.
    pub labels: usize,
}

/// A chart, laid out. Shapes stand in the unit square, (0, 0) is its left upper corner.
#[derive(Debug, Clone)]
pub struct Drawing {
    /// The way it is drawn, which is another than was asked where that makes no sense.
    pub mode: Mode,
    /// Grid, lines and bands. Values stand for places on the axis.
    pub scene: Scene,
    /// Labels of the y axis: the share of the height from above, and words.
    pub labels: Vec<(f64, String)>,
    /// The values that the axis ends with, and whether it is logarithmic.
    pub axis: Option<(f64, f64)>,
    pub logarithmic: bool,
    /// Labels of rows from above, where there are rows and no axis, and the slots of their series.
    pub rows: Vec<String>,
    pub slots: Vec<usize>,
    /// What lies behind the lines, and before them.
    pub shapes: Vec<Shape>,
    pub over: Vec<Shape>,
    /// Runs of states, where there are any.
    pub runs: Vec<Run>,
    /// What the colours of runs say.
    pub tones: Vec<(Tone, String)>,
    /// What the shades of a heat map say.
    pub scale: Option<Scale>,
    /// What each row of a heat map of a histogram holds, in the order of `rows`.
    pub buckets: Vec<Vec<f64>>,
    /// What has to be said beside it.
    pub notes: Vec<String>,
    pub is_empty: bool,
}

/// Something that is filled or stroked.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    pub tint: Tint,
    pub form: Form,
}

/// What a shape stands for. Writers know its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tint {
    Area(usize),
    Stack(usize),
    Bar(usize),
    /// From the mean of a bar to the greatest value.
    Reach(usize),
    /// An earlier period.
    Then(usize),
    /// A shade of a heat map, from 1 to [`heat::LEVELS`].
    Heat(usize),
    State(Tone),
}

/// The form of a shape, in the unit square.
#[derive(Debug, Clone, PartialEq)]
pub enum Form {
    Polygon(Vec<(f64, f64)>),
    /// Left, top, right, bottom of each.
    Boxes(Vec<[f64; 4]>),
    Strokes(Vec<Vec<(f64, f64)>>),
}

impl Ask<'_> {
    /// The share of the width at which a time stands.
    pub(super) fn x(&self, ms: f64) -> f64 {
        let span = (self.to_ms - self.from_ms).max(1) as f64;
        ((ms - self.from_ms as f64) / span).clamp(0.0, 1.0)
    }

    /// Where a point begins and ends.
    fn sides(&self, at: usize) -> (f64, f64) {
        let begin = self.times_ms.get(at).copied().unwrap_or_default() as f64;
        (self.x(begin), self.x(begin + self.step_ms as f64))
    }

    /// What the means reach.
    fn means(&self) -> Reach {
        let mut reach = Reach::default();
        for one in &self.series {
            reach.hold(one.columns.mean);
        }
        reach
    }

    /// A drawing with nothing in it but the time.
    fn blank(&self, mode: Mode) -> Drawing {
        let scene = Scene {
            from_ms: self.from_ms as f64,
            to_ms: self.to_ms.max(self.from_ms + 1) as f64,
            ..Scene::default()
        };
        Drawing {
            mode,
            is_empty: self.means().known == 0,
            ..Drawing::of(scene)
        }
    }
}

impl Drawing {
    /// Lines, and nothing else but what a scene has.
    pub fn of(scene: Scene) -> Drawing {
        Drawing {
            mode: Mode::Lines,
            is_empty: scene.is_empty(),
            scene,
            labels: Vec::new(),
            axis: None,
            logarithmic: false,
            rows: Vec::new(),
            slots: Vec::new(),
            shapes: Vec::new(),
            over: Vec::new(),
            runs: Vec::new(),
            tones: Vec::new(),
            scale: None,
            buckets: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// A row for each series.
    fn name_rows(&mut self, ask: &Ask<'_>) {
        for one in &ask.series {
            self.rows.push(one.spec.title.clone());
            self.slots.push(one.slot);
        }
    }

    /// Gives it an axis.
    pub(super) fn on(mut self, axis: &Axis) -> Drawing {
        axis.into_scene(&mut self.scene);
        self.labels = axis.labels();
        self.axis = axis.ticks.first().copied().zip(axis.ticks.last().copied());
        self.logarithmic = axis.log;
        self
    }
}

/// Lays a chart out.
pub fn draw(ask: &Ask<'_>) -> Drawing {
    let (mode, mut notes) = fitting(ask);
    let mut drawing = match mode {
        Mode::Lines | Mode::Area => lines::draw(ask, mode),
        Mode::Stacked => stack::draw(ask),
        Mode::Bars => bars::draw(ask),
        Mode::Heat => heat::draw(ask),
        Mode::States => states::draw(ask),
    };
    notes.append(&mut drawing.notes);
    drawing.notes = notes;
    drawing
}

/// The way in which these series can be drawn, and why it is not the one that was asked for.
fn fitting(ask: &Ask<'_>) -> (Mode, Vec<String>) {
    let mut notes = Vec::new();
    let mode = match ask.mode {
        Mode::Bars if ask.series.len() > MAX_BARS => {
            notes.push(format!(
                "Bars stand side by side for {MAX_BARS} series at most; these are lines. Hide some to see bars."
            ));
            Mode::Lines
        }
        Mode::States if ask.means().known > 0 && !states::fit(ask) => {
            notes.push(format!(
                "States are for series that have {} different whole values at most; these are lines.",
                states::MAX_STATES
            ));
            Mode::Lines
        }
        mode => mode,
    };
    if ask.log && matches!(mode, Mode::Area | Mode::Stacked | Mode::Bars) {
        notes.push(
            "Areas, stacks and bars begin at zero, which a logarithmic axis does not have; this one is linear."
                .to_owned(),
        );
    }
    if ask.log && mode == Mode::States {
        notes.push("States have no axis that could be logarithmic.".to_owned());
    }
    if ask.earlier.is_some() && matches!(mode, Mode::Heat | Mode::States) {
        notes.push(
            "An earlier period is drawn with lines, areas, stacks and bars only; the list compares means."
                .to_owned(),
        );
    }
    (mode, notes)
}

/// How a chart is drawn when nobody says. Buckets of a histogram are a heat map, what is up or down has states, and the parts of a
/// whole, which are percentages that add up to a hundred wherever all are known, are a stack. All else are lines.
pub fn usual<'a>(series: impl Iterator<Item = (&'a MetricSpec, &'a [f64])> + Clone) -> Mode {
    let all = |is: fn(&MetricSpec) -> bool| series.clone().all(|(spec, _)| is(spec));
    if series.clone().next().is_none() {
        return Mode::Lines;
    }
    if all(|spec| heat::bound(spec).is_some()) {
        return Mode::Heat;
    }
    if all(states::is_up) {
        return Mode::States;
    }
    let percent = farol_model::metric::Unit::Percent as i32;
    if series.clone().count() < 3 || series.clone().any(|(spec, _)| spec.unit != percent) {
        return Mode::Lines;
    }
    let means = || series.clone().map(|(_, means)| means);
    let count = means().map(<[f64]>::len).min().unwrap_or_default();
    let mut sums = vec![0.0; count];
    for means in means() {
        sums.iter_mut().zip(means).for_each(|(sum, value)| *sum += value);
    }
    let mut known = sums.into_iter().filter(|sum| sum.is_finite()).peekable();
    let some = known.peek().is_some();
    match some && known.all(|sum| (99.0..=101.0).contains(&sum)) {
        true => Mode::Stacked,
        false => Mode::Lines,
    }
}

/// Stretches of points without a gap: those that `known` says are there, at the distance of one step.
fn stretches(times_ms: &[i64], step_ms: i64, known: &dyn Fn(usize) -> bool) -> Vec<std::ops::Range<usize>> {
    let mut all: Vec<std::ops::Range<usize>> = Vec::new();
    let mut before = None;
    for (at, time) in times_ms.iter().enumerate() {
        if !known(at) {
            before = None;
            continue;
        }
        let close = |before: i64| (time - before) as f64 <= step_ms as f64 * super::decimate::GAP_STEPS;
        match all.last_mut().filter(|_| before.is_some_and(close)) {
            Some(range) => range.end = at + 1,
            None => all.push(at..at + 1),
        }
        before = Some(*time);
    }
    all
}

/// What values reach: an axis has to hold it.
#[derive(Debug, Clone, Copy)]
struct Reach {
    /// Zero, or below.
    min: f64,
    /// Zero, or above.
    max: f64,
    /// The least that is above zero; NaN when nothing is.
    least: f64,
    /// How many there are, and how many of them are zero or below.
    known: usize,
    low: usize,
}

impl Default for Reach {
    fn default() -> Self {
        Reach {
            min: 0.0,
            max: 0.0,
            least: f64::NAN,
            known: 0,
            low: 0,
        }
    }
}

impl Reach {
    fn hold(&mut self, values: &[f64]) {
        for value in values.iter().copied().filter(|value| value.is_finite()) {
            self.known += 1;
            self.min = self.min.min(value);
            self.max = self.max.max(value);
            if value > 0.0 {
                self.least = self.least.min(value);
            } else {
                self.low += 1;
            }
        }
    }

    /// Holds what is compared with too.
    fn hold_earlier(&mut self, ask: &Ask<'_>) {
        for (_, means) in ask.earlier.iter().flat_map(|earlier| &earlier.series) {
            self.hold(means);
        }
    }

    fn linear(&self, ask: &Ask<'_>) -> Axis {
        Axis::linear(self.min, self.max, ask.unit, ask.labels.max(Y_LABELS))
    }
}

#[cfg(all(test, not(feature = "hydrate")))]
mod tests;
