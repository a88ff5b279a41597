//! A chart as a picture that stands alone: title, axes, legend and colours are in it, so that it can be sent by mail, put into a
//! chat or a wiki, and shown where no style and no script of ours is.
//!
//! Lines and grid are painted by the same code as the charts of the pages ([`super::paint`]); here is what HTML does there. Each
//! point stands for a stretch of time: the line is its mean, the band behind it reaches from its least to its greatest value, so
//! that a spike is seen however much is drawn. Stretches without values are gaps.

mod ink;
mod theme;
pub mod times;

use super::{
    decimate::Window,
    scale::{COLOURS, Scene},
    still::{self, Columns},
};
use crate::format::{format, tick_label};
use farol_model::action::Mark;
use ink::{Area, Ink, escaped, text_width};
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
    /// Moments that are marked.
    pub marks: Vec<Mark>,
    pub width: u32,
    pub height: u32,
    pub theme: Theme,
}

/// One series of it: a value for each time, NaN where there is none.
#[derive(Debug, Clone)]
pub struct Series {
    pub title: String,
    pub min: Vec<f64>,
    pub max: Vec<f64>,
    pub mean: Vec<f64>,
}

const PADDING: f64 = 14.0;
const TITLE: f64 = 28.0;
const LEGEND_ROW: f64 = 20.0;

impl Picture {
    /// The picture as an SVG document (SVG 1.1, no script, nothing fetched).
    pub fn svg(&self) -> String {
        let (width, height) = (
            self.width.clamp(*WIDTHS.start(), *WIDTHS.end()),
            self.height.clamp(*HEIGHTS.start(), *HEIGHTS.end()),
        );
        // A legend that leaves the chart no room is cut.
        let rows = self.legend(f64::from(width), (f64::from(height) * 0.4 / LEGEND_ROW) as usize);
        let legend = rows.len() as f64 * LEGEND_ROW;
        let title = if self.title.is_empty() { 0.0 } else { TITLE };
        let scene = self.scene(width);
        let labels: Vec<(f64, String)> = scene
            .ticks
            .iter()
            .map(|tick| (*tick, tick_label(*tick, self.unit)))
            .collect();
        let label_width = labels
            .iter()
            .map(|(_, label)| text_width(label))
            .fold(0.0, f64::max);
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
            ink.text(
                PADDING,
                PADDING / 2.0 + 16.0,
                "start",
                colours.ink,
                15,
                &cut(&self.title, room),
            );
        }
        for (tick, label) in &labels {
            let y = ink.y(&scene, *tick);
            ink.text(area.x - 8.0, y + 4.0, "end", colours.muted, 12, label);
        }
        self.times(&mut ink);
        ink.scene(&scene);
        if scene.is_empty() {
            let middle = (area.x + area.right) / 2.0;
            ink.text(
                middle,
                (area.y + area.bottom) / 2.0,
                "middle",
                colours.muted,
                14,
                "No values in this time",
            );
        }
        for (row, entries) in rows.iter().enumerate() {
            let y = area.bottom + 24.0 + 14.0 + row as f64 * LEGEND_ROW;
            for entry in entries {
                ink.entry(entry.x, y, entry.slot, &entry.words);
            }
        }
        out.push_str("</svg>");
        out
    }

    /// Lines over the whole time, at most two points per pixel.
    fn scene(&self, columns: u32) -> Scene {
        let window = Window {
            from_ms: self.from_ms as f64,
            to_ms: self.to_ms.max(self.from_ms + 1) as f64,
            columns,
            step_ms: self.step_ms as f64,
        };
        let columns = self.series.iter().map(|series| Columns {
            min: &series.min,
            max: &series.max,
            mean: &series.mean,
        });
        let series: Vec<Columns<'_>> = columns.collect();
        still::scene(&self.times_ms, &series, &window, self.unit).marked(&self.marks)
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
        for (slot, series) in self.series.iter().enumerate() {
            let last = series.mean.iter().rev().find(|value| value.is_finite());
            let last = format(last.copied().unwrap_or(f64::NAN), self.unit);
            let words = format!("{}  {last}", cut(&series.title, 40));
            let needs = 38.0 + text_width(&words);
            let over = x + needs > width - PADDING;
            if slot == NAMED || over && rows.len() == most_rows {
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
            format!("and {} more", self.series.len() - named)
        };
        if rows.iter().map(Vec::len).sum::<usize>() < self.series.len() {
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
                    series.title,
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

/// Where an entry of the legend stands.
struct Entry {
    x: f64,
    slot: Option<usize>,
    words: String,
}

/// The text, or its beginning.
fn cut(text: &str, most: usize) -> String {
    match text.chars().count() > most {
        true => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
        false => text.to_owned(),
    }
}

#[cfg(test)]
#[path = "picture/tests.rs"]
mod tests;
