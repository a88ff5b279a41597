//! Paints a [`Scene`] with plotters on any backend: SVG on the server, a canvas in the browser. Text is HTML's business.
//!
//! Plotters speaks in whole pixels and RGB. Backends here take coordinates in eighths of a pixel ([`SUBPIXEL`]) and read
//! a [`Token`] out of the colour, so that a theme can recolour what is drawn.

use super::{
    decimate::Segment,
    scale::{Line, Scene},
};
use plotters::{
    chart::ChartBuilder,
    drawing::{DrawingAreaErrorKind, IntoDrawingArea},
    element::PathElement,
    prelude::DrawingBackend,
    series::{AreaSeries, LineSeries},
    style::{Color, RGBColor, ShapeStyle},
};

/// Backend units per pixel.
pub const SUBPIXEL: u32 = 8;

/// What is being drawn, instead of a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token {
    Grid,
    Line {
        colour: u8,
        dashed: bool,
    },
    Area {
        colour: u8,
    },
    /// A moment that is marked.
    Mark,
}

impl Token {
    fn style(self) -> ShapeStyle {
        let (rgb, filled) = match self {
            Token::Grid => (RGBColor(0, 0, 0), false),
            Token::Line { colour, dashed } => (RGBColor(1, colour, u8::from(dashed)), false),
            Token::Area { colour } => (RGBColor(2, colour, 0), true),
            Token::Mark => (RGBColor(3, 0, 0), false),
        };
        ShapeStyle {
            color: rgb.to_rgba(),
            filled,
            stroke_width: SUBPIXEL,
        }
    }

    /// The token that a backend was given as a colour.
    pub fn of(rgb: (u8, u8, u8)) -> Token {
        match rgb {
            (1, colour, dashed) => Token::Line {
                colour,
                dashed: dashed != 0,
            },
            (2, colour, _) => Token::Area { colour },
            (3, ..) => Token::Mark,
            _ => Token::Grid,
        }
    }
}

/// Paints the scene over the whole backend.
///
/// # Errors
/// Only what the backend returns; the two backends here never fail.
pub fn paint<DB: DrawingBackend>(
    backend: DB,
    scene: &Scene,
) -> Result<(), DrawingAreaErrorKind<DB::ErrorType>> {
    let root = backend.into_drawing_area();
    let (low, high) = scene.y_range();
    let mut chart = ChartBuilder::on(&root).build_cartesian_2d(scene.from_ms..scene.to_ms, low..high)?;
    if scene.grid {
        for tick in &scene.ticks {
            let ends = vec![(scene.from_ms, *tick), (scene.to_ms, *tick)];
            chart.draw_series(std::iter::once(PathElement::new(ends, Token::Grid.style())))?;
        }
    }
    let half_pixel_ms =
        (scene.to_ms - scene.from_ms) / f64::from(root.dim_in_pixel().0.max(1)) * f64::from(SUBPIXEL) / 2.0;
    for line in &scene.lines {
        let colour = Line::colour(line.slot) as u8;
        for segment in &line.segments {
            let points = visible(segment, half_pixel_ms);
            if scene.area {
                let token = Token::Area { colour };
                chart.draw_series(AreaSeries::new(
                    points.iter().copied(),
                    low.max(0.0),
                    token.style().color,
                ))?;
            }
            let token = Token::Line {
                colour,
                dashed: Line::dashed(line.slot),
            };
            chart.draw_series(LineSeries::new(points, token.style()))?;
        }
    }
    for mark in &scene.marks {
        let at = mark.at_ms as f64;
        chart.draw_series(std::iter::once(PathElement::new(
            vec![(at, low), (at, high)],
            Token::Mark.style(),
        )))?;
    }
    root.present()
}

/// A row alone between two gaps becomes a dot of a pixel's width: it was measured, so it is seen.
fn visible(segment: &Segment, half_pixel_ms: f64) -> Segment {
    match segment.as_slice() {
        [(time, value)] => vec![(time - half_pixel_ms, *value), (time + half_pixel_ms, *value)],
        points => points.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_its_way_through_plotters() {
        for token in [
            Token::Grid,
            Token::Line {
                colour: 7,
                dashed: true,
            },
            Token::Area { colour: 3 },
            Token::Mark,
        ] {
            assert_eq!(Token::of(token.style().color.rgb()), token);
        }
    }
}
