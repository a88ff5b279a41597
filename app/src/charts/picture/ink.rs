//! Writes the elements of the document, and is the backend that plotters paints lines and grid on.

use super::{
    super::{
        paint::{SUBPIXEL, Token, paint},
        scale::{Band, COLOURS, Line, Scene},
        words::escaped,
    },
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
    pub fn band(&mut self, scene: &Scene, band: &Band) {
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

    /// Grid and lines.
    pub fn lines(&mut self, scene: &Scene) {
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

    pub fn colour(&self, slot: usize) -> &'static str {
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
