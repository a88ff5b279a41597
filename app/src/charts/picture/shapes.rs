//! What lies between the axes of a picture: shapes, runs of states, flags, rows and what their colours say.

use super::{
    super::{
        still::{
            Drawing, Form, Shape, Tint,
            flags::Flag,
            heat::LEVELS,
            states::{Run, Tone, row_bottom, row_top},
        },
        words::{cut, escaped},
    },
    ink::{Ink, text_width},
};
use std::fmt::Write;

// Writing to a String does not fail, here and below.
impl Ink<'_> {
    /// All of a drawing between its axes.
    pub fn drawing(&mut self, drawing: &Drawing, flags: &[Flag]) {
        for shape in &drawing.shapes {
            self.shape(shape);
        }
        for band in &drawing.scene.bands {
            self.band(&drawing.scene, band);
        }
        if drawing.rows.is_empty() {
            self.lines(&drawing.scene);
        }
        for shape in &drawing.over {
            self.shape(shape);
        }
        for run in &drawing.runs {
            self.run(run, drawing.rows.len());
        }
        for flag in flags {
            let x = self.across(flag.at);
            let _ = write!(
                self.out,
                "<path d=\"M{x:.1} {:.1}V{:.1}\" stroke=\"{}\" stroke-dasharray=\"3 3\"><title>{}</title></path>",
                self.area.y,
                self.area.bottom,
                self.colours.muted,
                escaped(&flag.title)
            );
        }
    }

    /// Where a share of the width and of the height is.
    fn across(&self, share: f64) -> f64 {
        self.area.x + share * (self.area.right - self.area.x)
    }

    pub fn down(&self, share: f64) -> f64 {
        self.area.y + share * (self.area.bottom - self.area.y)
    }

    /// Colour, how much of it, and whether it is stroked in dashes.
    fn tint(&self, tint: Tint) -> (&'static str, f64) {
        match tint {
            Tint::Area(slot) => (self.colour(slot), 0.18),
            Tint::Stack(slot) => (self.colour(slot), 0.45),
            Tint::Bar(slot) => (self.colour(slot), 0.85),
            Tint::Reach(slot) => (self.colour(slot), 0.6),
            Tint::Then(slot) => (self.colour(slot), 0.6),
            Tint::Heat(level) => (self.colour(0), shade(level)),
            Tint::State(tone) => self.tone(tone),
        }
    }

    /// A colour of a state, and how much of it.
    fn tone(&self, tone: Tone) -> (&'static str, f64) {
        match tone {
            Tone::Up => (self.colours.ok, 0.3),
            Tone::Down => (self.colours.crit, 1.0),
            Tone::Mixed => (self.colours.muted, 0.5),
            Tone::Nth(at) => (self.colour(at), 0.35),
        }
    }

    fn shape(&mut self, shape: &Shape) {
        let (colour, opacity) = self.tint(shape.tint);
        let mut path = String::new();
        let point = |path: &mut String, at: usize, (x, y): (f64, f64)| {
            let command = if at == 0 { 'M' } else { 'L' };
            let _ = write!(path, "{command}{:.1} {:.1}", self.across(x), self.down(y));
        };
        let filled = match &shape.form {
            Form::Polygon(points) => {
                points
                    .iter()
                    .enumerate()
                    .for_each(|(at, to)| point(&mut path, at, *to));
                true
            }
            Form::Strokes(all) => {
                for points in all {
                    points
                        .iter()
                        .enumerate()
                        .for_each(|(at, to)| point(&mut path, at, *to));
                }
                false
            }
            Form::Boxes(boxes) => {
                for [left, top, right, bottom] in boxes.iter().copied() {
                    let (left, right) = (self.across(left), self.across(right));
                    let _ = write!(
                        path,
                        "M{left:.1} {:.1}H{right:.1}V{:.1}H{left:.1}z",
                        self.down(top),
                        self.down(bottom)
                    );
                }
                true
            }
        };
        if path.is_empty() {
            return;
        }
        let _ = match filled {
            true => write!(
                self.out,
                "<path d=\"{path}\" fill=\"{colour}\" fill-opacity=\"{opacity}\"/>"
            ),
            false => {
                let dashes = if matches!(shape.tint, Tint::Then(_)) {
                    " stroke-dasharray=\"2 3\""
                } else {
                    ""
                };
                write!(
                    self.out,
                    "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-opacity=\"{opacity}\" stroke-width=\"1.25\"{dashes}/>"
                )
            }
        };
    }

    fn run(&mut self, run: &Run, rows: usize) {
        let (colour, opacity) = self.tone(run.tone);
        let (x, right) = (self.across(run.from), self.across(run.to));
        let (y, bottom) = (
            self.down(row_top(run.row, rows)),
            self.down(row_bottom(run.row, rows)),
        );
        let _ = write!(
            self.out,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{colour}\" fill-opacity=\"{opacity}\"><title>{}</title></rect>",
            (right - x).max(0.5),
            (bottom - y).max(0.5),
            escaped(&run.title)
        );
        if text_width(&run.word) + 12.0 < right - x && bottom - y >= 12.0 {
            let ink = if run.tone == Tone::Down {
                self.colours.surface
            } else {
                self.colours.ink
            };
            self.text(x + 6.0, (y + bottom) / 2.0 + 4.0, "start", ink, 12, &run.word);
        }
    }

    /// A name of a row, at a share of the height, and no more of it than there is room for.
    pub fn row(&mut self, share: f64, name: &str, room: f64) {
        let words = cut(name, (room / 6.6) as usize);
        let (x, y) = (self.area.x - 8.0, self.down(share) + 4.0);
        self.text(x, y, "end", self.colours.muted, 12, &words);
    }

    /// The shades of a heat map from the lowest to the highest. Answers where they end.
    pub fn shades(&mut self, x: f64, y: f64) -> f64 {
        let mut x = x;
        for level in 1..=LEVELS {
            let (colour, opacity) = self.tint(Tint::Heat(level));
            let _ = write!(
                self.out,
                "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"14\" height=\"12\" fill=\"{colour}\" fill-opacity=\"{opacity}\"/>",
                y - 10.0
            );
            x += 14.0;
        }
        x
    }

    /// The colour of a state in the legend.
    pub fn tone_box(&mut self, x: f64, y: f64, tone: Tone) {
        let (colour, opacity) = self.tone(tone);
        let _ = write!(
            self.out,
            "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"14\" height=\"12\" fill=\"{colour}\" fill-opacity=\"{opacity}\"/>",
            y - 10.0
        );
    }
}

/// How much of its colour a shade has.
fn shade(level: usize) -> f64 {
    let share = level as f64 / LEVELS as f64;
    (share * 100.0).round() / 100.0
}
