//! A chart as a picture that stands alone: title, axes, legend and colours are in it, so that it can be sent by mail, put into a
//! chat or a wiki, and shown where no style and no script of ours is.
//!
//! Lines and grid are painted by the same code as the charts of the pages ([`super::paint`]); here is what HTML does there. Each
//! point stands for a stretch of time: the line is its mean, the band behind it reaches from its least to its greatest value, so
//! that a spike is seen however much is drawn. Stretches without values are gaps.

mod ink;
mod shapes;
mod theme;
pub mod times;

use super::{
    scale::{COLOURS, Y_LABELS},
    still::{self, Ask, Columns, Drawing, Earlier, Mode, Shown, flags::flags},
    words::{cut, escaped},
};
use crate::format::format;
use farol_model::{action::Mark, metric::MetricSpec};
use ink::{Area, Ink, text_width};
use std::fmt::Write;
pub use theme::Theme;

/// Sizes that are drawn, pixels.
pub const WIDTHS: std::ops::RangeInclusive<u32> = 240..=4000;
/// Likewise.
pub const HEIGHTS: std::ops::RangeInclusive<u32> = 120..=2400;
/// Series that the legend names; more are counted.
pub const NAMED: usize = 16;

/// What is drawn.
#[derive(Debug, Clone)]
pub struct Picture {
    pub title: String,
    /// A `farol_model::metric::Unit` as it travels: the unit of all series.
    pub unit: i32,
    pub from_ms: i64,
    pub to_ms: i64,
    /// What each point stands for.
    pub step_ms: i64,
    /// Where each point begins, ascending.
    pub times_ms: Vec<i64>,
    pub series: Vec<Series>,
    /// How it is drawn; None: as is usual for such series.
    pub mode: Option<Mode>,
    /// A logarithmic axis.
    pub log: bool,
    pub earlier: Option<Before>,
    /// Moments that are marked.
    pub marks: Vec<Mark>,
    pub width: u32,
    pub height: u32,
    pub theme: Theme,
}

/// One series of it: a value for each time, NaN where there is none.
#[derive(Debug, Clone)]
pub struct Series {
    /// Its title is what the legend says.
    pub spec: MetricSpec,
    pub min: Vec<f64>,
    pub max: Vec<f64>,
    pub mean: Vec<f64>,
    /// One that is not shown keeps its colour from others.
    pub shown: bool,
    /// Means of the earlier period.
    pub then: Option<Vec<f64>>,
}

/// An earlier period that is compared with.
#[derive(Debug, Clone)]
pub struct Before {
    /// E.g. `a day earlier`.
    pub words: String,
    /// Where each point would begin if it were of the period that is drawn.
    pub times_ms: Vec<i64>,
    pub step_ms: i64,
}

const PADDING: f64 = 14.0;
const TITLE: f64 = 28.0;
const LEGEND_ROW: f64 = 20.0;
/// Lines of what has to be said at most.
const NOTES: usize = 3;
/// A picture that is so high has more labels.
const TALL: u32 = 400;

impl Picture {
    /// The picture as an SVG document (SVG 1.1, no script, nothing fetched).
    pub fn svg(&self) -> String {
        let (width, height) = (
            self.width.clamp(*WIDTHS.start(), *WIDTHS.end()),
            self.height.clamp(*HEIGHTS.start(), *HEIGHTS.end()),
        );
        let drawing = still::draw(&self.ask(width));
        let notes = self.notes(&drawing, f64::from(width));
        // A legend that leaves the chart no room is cut.
        let rows = match drawing.rows.is_empty() {
            true => self.legend(f64::from(width), (f64::from(height) * 0.4 / LEGEND_ROW) as usize),
            false => Vec::new(),
        };
        let lines = rows.len() + notes.len() + usize::from(!drawing.rows.is_empty());
        let legend = lines as f64 * LEGEND_ROW;
        let title = if self.title.is_empty() { 0.0 } else { TITLE };
        let names = drawing.labels.iter().map(|(_, label)| label).chain(&drawing.rows);
        let label_width = names
            .map(|label| text_width(label))
            .fold(0.0, f64::max)
            .min(f64::from(width) * 0.3);
        let area = Area {
            x: PADDING + label_width + 8.0,
            y: PADDING / 2.0 + title + 6.0,
            right: f64::from(width) - PADDING,
            bottom: f64::from(height) - PADDING / 2.0 - legend - 24.0,
        };
        let colours = self.theme.colours();
        let mut out = String::new();
        // Writing to a String does not fail, here and below.
        let _ = write!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
             role=\"img\" font-family=\"Ubuntu, system-ui, sans-serif\" font-size=\"12\"><title>{}</title>\
             <rect width=\"100%\" height=\"100%\" fill=\"{}\"/>",
            escaped(&self.spoken()),
            colours.surface
        );
        let mut ink = Ink {
            out: &mut out,
            colours,
            area,
        };
        if title > 0.0 {
            let room = ((area.right - PADDING) / 8.0) as usize;
            let words = cut(&self.title, room);
            ink.text(PADDING, PADDING / 2.0 + 16.0, "start", colours.ink, 15, &words);
        }
        self.labels(&mut ink, &drawing, label_width);
        self.times(&mut ink);
        ink.drawing(&drawing, &flags(&self.marks, self.from_ms, self.to_ms));
        if drawing.is_empty {
            let (x, y) = ((area.x + area.right) / 2.0, (area.y + area.bottom) / 2.0);
            ink.text(x, y, "middle", colours.muted, 14, "No values in this time");
        }
        let mut y = area.bottom + 24.0 + 14.0;
        for entries in &rows {
            for entry in entries {
                ink.entry(entry.x, y, entry.slot, &entry.words);
            }
            y += LEGEND_ROW;
        }
        if !drawing.rows.is_empty() {
            key(&mut ink, &drawing, y);
            y += LEGEND_ROW;
        }
        for note in notes {
            ink.text(PADDING, y, "start", colours.muted, 12, &note);
            y += LEGEND_ROW;
        }
        out.push_str("</svg>");
        out
    }

    fn ask(&self, columns: u32) -> Ask<'_> {
        let shown = || self.series.iter().enumerate().filter(|(_, series)| series.shown);
        Ask {
            from_ms: self.from_ms,
            to_ms: self.to_ms,
            times_ms: &self.times_ms,
            step_ms: self.step_ms,
            unit: self.unit,
            series: shown()
                .map(|(slot, one)| Shown {
                    slot,
                    spec: &one.spec,
                    columns: Columns {
                        min: &one.min,
                        max: &one.max,
                        mean: &one.mean,
                    },
                })
                .collect(),
            earlier: self.earlier.as_ref().map(|before| Earlier {
                times_ms: before.times_ms.clone(),
                step_ms: before.step_ms,
                series: shown()
                    .filter_map(|(slot, one)| Some((slot, one.then.as_deref()?)))
                    .collect(),
            }),
            mode: self.mode.unwrap_or_else(|| {
                still::usual(self.series.iter().map(|one| (&one.spec, one.mean.as_slice())))
            }),
            log: self.log,
            columns,
            labels: if self.height >= TALL {
                2 * Y_LABELS
            } else {
                Y_LABELS
            },
        }
    }

    /// What has to be said, in lines that fit.
    fn notes(&self, drawing: &Drawing, width: f64) -> Vec<String> {
        let before = self
            .earlier
            .as_ref()
            .map(|before| format!("Dashed: {}.", before.words));
        let room = ((width - 2.0 * PADDING) / 6.0) as usize;
        let all = before.iter().chain(&drawing.notes);
        all.take(NOTES).map(|note| cut(note, room)).collect()
    }

    /// Values of the axis, or names of rows as far as they do not stand upon each other.
    fn labels(&self, ink: &mut Ink<'_>, drawing: &Drawing, room: f64) {
        for (share, label) in &drawing.labels {
            let (x, y) = (ink.area.x - 8.0, ink.down(*share) + 4.0);
            ink.text(x, y, "end", ink.colours.muted, 12, label);
        }
        let rows = drawing.rows.len();
        let height = ((ink.area.bottom - ink.area.y).max(1.0) / rows.max(1) as f64).max(0.01);
        let every = ((13.0 / height).ceil() as usize).max(1);
        for (at, name) in drawing.rows.iter().enumerate().step_by(every) {
            ink.row((at as f64 + 0.5) / rows as f64, name, room);
        }
    }

    fn times(&self, ink: &mut Ink<'_>) {
        let span = (self.to_ms - self.from_ms).max(1) as f64;
        let area = ink.area;
        let most = ((area.right - area.x) / 90.0).max(2.0) as usize;
        for (time, label) in times::times(self.from_ms, self.to_ms, most) {
            let x = area.x + (time - self.from_ms) as f64 / span * (area.right - area.x);
            ink.tick(x);
            let half = text_width(&label) / 2.0;
            let x = x.clamp(area.x + half, area.right - half);
            ink.text(x, area.bottom + 17.0, "middle", ink.colours.muted, 12, &label);
        }
    }

    /// Entries of the legend, flowing from left to right over at most so many rows; the last counts what found no room.
    fn legend(&self, width: f64, most_rows: usize) -> Vec<Vec<Entry>> {
        let mut rows: Vec<Vec<Entry>> = Vec::new();
        let mut x = f64::INFINITY;
        let shown = self.series.iter().enumerate().filter(|(_, series)| series.shown);
        let count = shown.clone().count();
        for (at, (slot, series)) in shown.enumerate() {
            let last = series.mean.iter().rev().find(|value| value.is_finite());
            let last = format(last.copied().unwrap_or(f64::NAN), self.unit);
            let words = format!("{}  {last}", cut(&series.spec.title, 40));
            let needs = 38.0 + text_width(&words);
            let over = x + needs > width - PADDING;
            if at == NAMED || over && rows.len() == most_rows {
                break;
            }
            if over {
                rows.push(Vec::new());
                x = PADDING;
            }
            if let Some(row) = rows.last_mut() {
                row.push(Entry {
                    x,
                    slot: Some(slot),
                    words,
                });
            }
            x += needs;
        }
        let more = |rows: &[Vec<Entry>]| {
            let named: usize = rows.iter().map(Vec::len).sum();
            format!("and {} more", count - named)
        };
        if rows.iter().map(Vec::len).sum::<usize>() < count {
            let needs = 20.0 + text_width(&more(&rows));
            // The words take the place of the last one that was named, where there is no room beside it.
            if x + needs > width - PADDING
                && let Some(last) = rows.last_mut().and_then(Vec::pop)
            {
                x = last.x;
            }
            let words = more(&rows);
            if let Some(row) = rows.last_mut() {
                row.push(Entry { x, slot: None, words });
            }
        }
        rows
    }

    /// What somebody hears who does not see it.
    fn spoken(&self) -> String {
        let named: Vec<String> = self
            .series
            .iter()
            .filter(|series| series.shown)
            .take(COLOURS)
            .map(|series| {
                let least = series
                    .min
                    .iter()
                    .copied()
                    .filter(|value| value.is_finite())
                    .fold(f64::NAN, f64::min);
                let greatest = series
                    .max
                    .iter()
                    .copied()
                    .filter(|value| value.is_finite())
                    .fold(f64::NAN, f64::max);
                format!(
                    "{} from {} to {}",
                    series.spec.title,
                    format(least, self.unit),
                    format(greatest, self.unit)
                )
            })
            .collect();
        match named.is_empty() {
            true => format!("{}: no values", self.title),
            false => format!("{}: {}", self.title, named.join(", ")),
        }
    }
}

/// What shades or colours of rows say.
fn key(ink: &mut Ink<'_>, drawing: &Drawing, y: f64) {
    let ink_colour = ink.colours.ink;
    let mut x = PADDING;
    if let Some(scale) = &drawing.scale {
        ink.text(x, y, "start", ink_colour, 12, &scale.low);
        x = ink.shades(x + text_width(&scale.low) + 8.0, y) + 8.0;
        let words = format!("{} {}", scale.high, scale.words);
        ink.text(x, y, "start", ink_colour, 12, words.trim_end());
    }
    for (tone, words) in &drawing.tones {
        ink.tone_box(x, y, *tone);
        ink.text(x + 20.0, y, "start", ink_colour, 12, words);
        x += 38.0 + text_width(words);
    }
}

/// Where an entry of the legend stands.
struct Entry {
    x: f64,
    slot: Option<usize>,
    words: String,
}

#[cfg(test)]
#[path = "picture/tests.rs"]
mod tests;
