//! Writes the elements of the document, and is the backend that plotters paints lines and grid on.

use super::{
    super::{
        paint::{SUBPIXEL, Token, paint},
        scale::{Band, COLOURS, Line, Scene},
        still::{
            Drawing, Form, Shape, Tint,
            flags::Flag,
            heat::LEVELS,
            states::{Run, Tone, row_bottom, row_top},
        },
    },
    cut,
    theme::Colours,
};
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, DrawingBackend, DrawingErrorKind};
use std::{convert::Infallible, fmt::Write};

/// Where the plot is, pixels.
#[derive(Debug, Clone, Copy)]
pub struct Area {
    pub x: f64,
    pub y: f64,
    pub right: f64,
    pub bottom: f64,
}

/// The document so far.
pub struct Ink<'a> {
    pub out: &'a mut String,
    pub colours: &'static Colours,
    pub area: Area,
}

/// About how wide a text is at 12 pixels.
pub fn text_width(text: &str) -> f64 {
    text.chars().count() as f64 * 6.6
}

/// As text or attribute of XML 1.0; characters that it does not allow are left out.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
    out
}

// Writing to a String does not fail, here and below.
impl Ink<'_> {
    pub fn text(&mut self, x: f64, y: f64, anchor: &str, fill: &str, size: u32, text: &str) {
        let _ = write!(
            self.out,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" font-size=\"{size}\" fill=\"{fill}\">{}</text>",
            escaped(text)
        );
    }

    /// A short stroke under the plot.
    pub fn tick(&mut self, x: f64) {
        let _ = write!(
            self.out,
            "<path d=\"M{x:.1} {:.1}v4\" stroke=\"{}\"/>",
            self.area.bottom, self.colours.line
        );
    }

    /// An entry of the legend: a piece of its line, and words.
    pub fn entry(&mut self, x: f64, y: f64, slot: Option<usize>, words: &str) {
        if let Some(slot) = slot {
            let _ = write!(
                self.out,
                "<path d=\"M{x:.1} {:.1}h14\" stroke=\"{}\" stroke-width=\"3\"{}/>",
                y - 4.0,
                self.colour(slot),
                dashes(slot)
            );
        }
        self.text(x + 20.0, y, "start", self.colours.ink, 12, words);
    }

    /// From the least to the greatest values behind a line.
    fn band(&mut self, scene: &Scene, band: &Band) {
        let mut path = String::new();
        for (at, (time, value)) in band.outline().enumerate() {
            let command = if at == 0 { 'M' } else { 'L' };
            let _ = write!(
                path,
                "{command}{:.1} {:.1}",
                self.x(scene, time),
                self.y(scene, value)
            );
        }
        let fill = self.colour(band.slot);
        let _ = write!(
            self.out,
            "<path d=\"{path}z\" fill=\"{fill}\" fill-opacity=\"0.22\"/>"
        );
    }

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

    /// Grid and lines.
    fn lines(&mut self, scene: &Scene) {
        let area = self.area;
        let size = (
            ((area.right - area.x).max(1.0) * f64::from(SUBPIXEL)) as u32,
            ((area.bottom - area.y).max(1.0) * f64::from(SUBPIXEL)) as u32,
        );
        let scale = 1.0 / f64::from(SUBPIXEL);
        let _ = write!(
            self.out,
            "<g transform=\"translate({:.1} {:.1}) scale({scale})\" fill=\"none\" stroke-linejoin=\"round\">",
            area.x, area.y
        );
        // The backend's error type has no values.
        let _ = paint(
            Plot {
                out: self.out,
                colours: self.colours,
                size,
            },
            scene,
        );
        self.out.push_str("</g>");
    }

    fn colour(&self, slot: usize) -> &'static str {
        self.colours.series[slot % COLOURS]
    }

    fn x(&self, scene: &Scene, time: f64) -> f64 {
        let share = (time - scene.from_ms) / (scene.to_ms - scene.from_ms).max(1.0);
        self.area.x + share.clamp(0.0, 1.0) * (self.area.right - self.area.x)
    }

    fn y(&self, scene: &Scene, value: f64) -> f64 {
        let (low, high) = scene.y_range();
        let share = (value - low) / (high - low);
        self.area.bottom - share.clamp(0.0, 1.0) * (self.area.bottom - self.area.y)
    }
}

/// How much of its colour a shade has.
fn shade(level: usize) -> f64 {
    let share = level as f64 / LEVELS as f64;
    (share * 100.0).round() / 100.0
}

fn dashes(slot: usize) -> &'static str {
    if Line::dashed(slot) {
        " stroke-dasharray=\"4 3\""
    } else {
        ""
    }
}

struct Plot<'a> {
    out: &'a mut String,
    colours: &'static Colours,
    size: (u32, u32),
}

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

impl DrawingBackend for Plot<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, _: BackendCoord, _: BackendColor) -> Drawn {
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        let (colour, width, dashed) = match Token::of(style.color().rgb) {
            Token::Line { colour, dashed } => {
                (self.colours.series[usize::from(colour) % COLOURS], 1.5, dashed)
            }
            Token::Mark => (self.colours.muted, 1.0, true),
            Token::Grid | Token::Area { .. } => (self.colours.line, 1.0, false),
        };
        let mut points = path.into_iter();
        let Some(mut last) = points.next() else {
            return Ok(());
        };
        let width = width * f64::from(SUBPIXEL);
        let _ = write!(self.out, "<path stroke=\"{colour}\" stroke-width=\"{width}\"");
        if dashed {
            let (dash, gap) = (4 * SUBPIXEL, 3 * SUBPIXEL);
            let _ = write!(self.out, " stroke-dasharray=\"{dash} {gap}\"");
        }
        let _ = write!(self.out, " d=\"M{} {}", last.0, last.1);
        for point in points {
            let _ = write!(self.out, "l{} {}", point.0 - last.0, point.1 - last.1);
            last = point;
        }
        self.out.push_str("\"/>");
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, _: I, _: &S) -> Drawn {
        Ok(())
    }
}
