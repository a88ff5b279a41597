//! The SVG of pages: a plotters backend that writes classes instead of colours, so that the theme colours it and
//! no inline style offends the content security policy. It stretches to any width; strokes do not (`style/chart.css`).

use super::{
    paint::{SUBPIXEL, Token, paint},
    scale::Scene,
};
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, DrawingBackend, DrawingErrorKind};
use std::{convert::Infallible, fmt::Write};

/// Pixels as what the drawing counts in.
pub fn units((width, height): (u32, u32)) -> (u32, u32) {
    (width * SUBPIXEL, height * SUBPIXEL)
}

/// Grid, lines and marks, of a nominal size in pixels.
pub fn painted(body: &mut String, scene: &Scene, size: (u32, u32)) {
    let size = units(size);
    // The backend's error type has no values.
    let _ = paint(Svg { body, size }, scene);
}

/// A broad strip over each mark that says what it is when it is pointed at.
pub fn titles(body: &mut String, scene: &Scene, (width, height): (u32, u32)) {
    for mark in &scene.marks {
        let share = (mark.at_ms as f64 - scene.from_ms) / (scene.to_ms - scene.from_ms).max(1.0);
        let title = mark.title.replace('&', "&amp;").replace('<', "&lt;");
        // Writing to a String cannot fail.
        let _ = write!(
            body,
            "<path class=\"mark-strip\" d=\"M{:.0} 0V{height}\"><title>{title}</title></path>",
            share * f64::from(width)
        );
    }
}

/// A stretch of a path as short as SVG 2 (section 9.3) reads it: steps are relative, a command that goes on is not said again, a minus
/// parts two numbers by itself, and what goes straight on along the same height is one step.
pub fn stretch(out: &mut String, points: impl IntoIterator<Item = (i64, i64)>) {
    let mut points = points.into_iter();
    let Some(mut last) = points.next() else { return };
    // Writing to a String cannot fail.
    let _ = write!(out, "M{} {}", last.0, last.1);
    let mut command = "l";
    let mut step = |(x, y): (i64, i64)| {
        let between = |number: i64| if number < 0 { "" } else { " " };
        let before = if command.is_empty() { between(x) } else { command };
        let _ = write!(out, "{before}{x}{}{y}", between(y));
        command = "";
    };
    let mut level = 0_i64;
    for point in points {
        let (x, y) = (point.0 - last.0, point.1 - last.1);
        last = point;
        if y == 0 && x.signum() * level.signum() >= 0 {
            level += x;
            continue;
        }
        if level != 0 {
            step((std::mem::take(&mut level), 0));
        }
        match y {
            0 => level = x,
            _ => step((x, y)),
        }
    }
    if level != 0 {
        step((level, 0));
    }
}

struct Svg<'a> {
    body: &'a mut String,
    size: (u32, u32),
}

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

impl Svg<'_> {
    fn path(&mut self, points: impl IntoIterator<Item = BackendCoord>, rgb: (u8, u8, u8), close: bool) {
        let mut points = points.into_iter().map(|(x, y)| (x.into(), y.into())).peekable();
        if points.peek().is_none() {
            return;
        }
        self.body.push_str("<path class=\"");
        // Writing to a String cannot fail.
        let _ = match Token::of(rgb) {
            Token::Grid => write!(self.body, "grid"),
            Token::Line {
                colour,
                dashed: false,
            } => write!(self.body, "line c{}", colour + 1),
            Token::Line { colour, dashed: true } => write!(self.body, "line dashed c{}", colour + 1),
            Token::Area { colour } => write!(self.body, "area c{}", colour + 1),
            Token::Mark => write!(self.body, "mark"),
        };
        self.body.push_str("\" d=\"");
        stretch(self.body, points);
        self.body.push_str(if close { "z\"/>" } else { "\"/>" });
    }
}

impl DrawingBackend for Svg<'_> {
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
        // Plotters strokes the border of an area too, in no colour.
        if style.color().alpha == 0.0 {
            return Ok(());
        }
        self.path(path, style.color().rgb, false);
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        points: I,
        style: &S,
    ) -> Drawn {
        self.path(points, style.color().rgb, true);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charts::{
        scale::Line,
        still::{Drawing, markup::ink},
    };

    fn svg(scene: &Scene, width: u32, height: u32) -> String {
        ink(&Drawing::of(scene.clone()), (width, height))
    }

    fn scene() -> Scene {
        Scene {
            from_ms: 0.0,
            to_ms: 4000.0,
            ticks: vec![0.0, 50.0, 100.0],
            lines: vec![Line {
                slot: 0,
                segments: vec![
                    vec![(0.0, 0.0), (1000.0, 100.0), (2000.0, 50.0)],
                    vec![(4000.0, 25.0)],
                ],
            }],
            grid: true,
            area: true,
            bands: Vec::new(),
            marks: Vec::new(),
        }
    }

    use farol_model::action::Mark;

    #[test]
    fn a_chart_is_classes_and_paths_and_nothing_else() {
        insta::assert_snapshot!(svg(&scene(), 400, 100).replace("><", ">\n<"));
    }

    #[test]
    fn a_stretch_is_short_and_goes_where_it_went() {
        let short = |points: &[(i64, i64)]| {
            let mut out = String::new();
            stretch(&mut out, points.iter().copied());
            out
        };
        assert_eq!(short(&[]), "");
        assert_eq!(short(&[(3, -4)]), "M3 -4");
        assert_eq!(short(&[(0, 5), (8, 9), (16, 1), (12, 2)]), "M0 5l8 4 8-8-4 1");
        assert_eq!(short(&[(0, 5), (8, 5), (24, 5), (32, 4)]), "M0 5l24 0 8-1");
        assert_eq!(
            short(&[(0, 5), (8, 5), (0, 5), (-8, 5)]),
            "M0 5l8 0-16 0",
            "there and back"
        );
        assert_eq!(short(&[(0, 5), (0, 9), (0, 9), (8, 9)]), "M0 5l0 4 8 0");
    }

    #[test]
    fn nothing_in_it_needs_an_inline_style() {
        let text = svg(&scene(), 400, 100);
        assert!(!text.contains("style=") && !text.contains('#') && !text.contains("<script"));
    }

    #[test]
    fn a_mark_is_a_line_with_a_title_that_is_words_only() {
        let mark = |at_ms: i64| Mark {
            at_ms,
            title: "<b>Rotate</b> & more began (ana)".into(),
        };
        let text = svg(&scene().marked(&[mark(1000), mark(99_000)]), 400, 100);
        assert_eq!(text.matches("class=\"mark\"").count(), 1, "{text}");
        assert!(
            text.contains("<title>&lt;b>Rotate&lt;/b> &amp; more began (ana)</title>"),
            "{text}"
        );
        assert!(text.contains("M800 0V800"), "{text}");
    }

    #[test]
    fn a_ninth_series_is_dashed() {
        let mut scene = scene();
        scene.lines[0].slot = 8;
        assert!(svg(&scene, 400, 100).contains("class=\"line dashed c1\""));
    }
}
