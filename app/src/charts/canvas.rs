//! A drawing on a canvas: device pixels, colours from the theme. For lines it is a backend of plotters with fractional coordinates and
//! one path for each polyline; shapes are filled as they are.

use super::{
    paint::{SUBPIXEL, Token, paint},
    scale::Line,
    still::{Drawing, Form, Shape, Tint, heat::LEVELS, states::Tone},
};
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, DrawingBackend, DrawingErrorKind};
use std::convert::Infallible;
use web_sys::{CanvasRenderingContext2d, wasm_bindgen::JsValue};

/// Colours of the theme, read once per theme.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Palette {
    pub grid: String,
    pub mark: String,
    pub mixed: String,
    pub up: String,
    pub down: String,
    pub series: Vec<String>,
}

#[derive(Clone, Copy)]
pub(super) struct Canvas<'a> {
    pub context: &'a CanvasRenderingContext2d,
    pub palette: &'a Palette,
    /// Size in device pixels.
    pub size: (u32, u32),
    /// Device pixels per CSS pixel.
    pub ratio: f64,
}

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

impl Canvas<'_> {
    /// All of a drawing but its words.
    pub(super) fn paint(&self, drawing: &Drawing) {
        self.shapes(&drawing.shapes);
        // The backend's error type has no values.
        let _ = paint(*self, &drawing.scene);
        self.shapes(&drawing.over);
    }

    /// As `style/still.css` has them.
    fn shapes(&self, shapes: &[Shape]) {
        for shape in shapes {
            let (colour, alpha) = self.tint(shape.tint);
            self.context.set_global_alpha(alpha);
            match &shape.form {
                Form::Polygon(points) => {
                    self.context.set_fill_style_str(colour);
                    self.outline(points);
                    self.context.fill();
                }
                Form::Boxes(boxes) => {
                    self.context.set_fill_style_str(colour);
                    boxes.iter().for_each(|sides| self.block(sides));
                }
                Form::Strokes(strokes) => {
                    let then = matches!(shape.tint, Tint::Then(_));
                    self.context.set_stroke_style_str(colour);
                    self.context
                        .set_line_width(if then { 1.5 } else { 1.0 } * self.ratio);
                    self.dash(if then { &[2.0, 4.0] } else { &[] });
                    for points in strokes {
                        self.outline(points);
                        self.context.stroke();
                    }
                }
            }
        }
        self.context.set_global_alpha(1.0);
    }

    fn tint(&self, tint: Tint) -> (&str, f64) {
        let series = |slot: usize| self.series(Line::colour(slot) as u8);
        match tint {
            Tint::Area(slot) => (series(slot), 0.14),
            Tint::Stack(slot) => (series(slot), 0.42),
            Tint::Bar(slot) => (series(slot), 0.85),
            Tint::Reach(slot) => (series(slot), 0.6),
            Tint::Then(slot) => (series(slot), 0.65),
            Tint::Heat(level) => (series(0), level as f64 / LEVELS as f64),
            Tint::State(Tone::Up) => (&self.palette.up, 0.35),
            Tint::State(Tone::Down) => (&self.palette.down, 1.0),
            Tint::State(Tone::Mixed) => (&self.palette.mixed, 0.35),
            Tint::State(Tone::Nth(slot)) => (series(slot), 0.35),
        }
    }

    /// A path of shares.
    fn outline(&self, points: &[(f64, f64)]) {
        let (width, height) = (f64::from(self.size.0), f64::from(self.size.1));
        self.context.begin_path();
        for (index, (x, y)) in points.iter().enumerate() {
            match index {
                0 => self.context.move_to(x * width, y * height),
                _ => self.context.line_to(x * width, y * height),
            }
        }
    }

    /// A box that begins and ends with whole pixels, so that neighbours have no seam.
    fn block(&self, [left, top, right, bottom]: &[f64; 4]) {
        let (width, height) = (f64::from(self.size.0), f64::from(self.size.1));
        let [left, right] = [left, right].map(|share| (share * width).round());
        let [top, bottom] = [top, bottom].map(|share| (share * height).round());
        self.context.fill_rect(left, top, right - left, bottom - top);
    }

    fn trace(&self, points: impl IntoIterator<Item = BackendCoord>) {
        let unit = f64::from(SUBPIXEL);
        self.context.begin_path();
        for (index, (x, y)) in points.into_iter().enumerate() {
            let (x, y) = (f64::from(x) / unit, f64::from(y) / unit);
            match index {
                0 => self.context.move_to(x, y),
                _ => self.context.line_to(x, y),
            }
        }
    }

    fn series(&self, colour: u8) -> &str {
        self.palette
            .series
            .get(usize::from(colour))
            .map_or("#888", String::as_str)
    }

    fn dash(&self, pattern: &[f64]) {
        let array = js_sys::Array::new();
        for length in pattern {
            array.push(&JsValue::from_f64(length * self.ratio));
        }
        let _ = self.context.set_line_dash(&array);
    }
}

impl DrawingBackend for Canvas<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        (self.size.0 * SUBPIXEL, self.size.1 * SUBPIXEL)
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
        match Token::of(style.color().rgb) {
            Token::Line { colour, dashed } => {
                self.context.set_stroke_style_str(self.series(colour));
                self.context.set_line_width(1.5 * self.ratio);
                self.dash(if dashed { &[4.0, 3.0] } else { &[] });
            }
            Token::Mark => {
                self.context.set_stroke_style_str(&self.palette.mark);
                self.context.set_line_width(self.ratio);
                self.dash(&[3.0, 3.0]);
            }
            _ => {
                self.context.set_stroke_style_str(&self.palette.grid);
                self.context.set_line_width(self.ratio);
                self.dash(&[]);
            }
        }
        // At this width nobody tells it from a round one, which costs an arc at each point.
        self.context.set_line_join("bevel");
        self.trace(path);
        self.context.stroke();
        Ok(())
    }

    /// Plotters' own way sets pixels, which costs more code than all of this file.
    fn draw_circle<S: BackendStyle>(
        &mut self,
        center: BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Drawn {
        let Token::Line { colour, .. } = Token::of(style.color().rgb) else {
            return Ok(());
        };
        let unit = f64::from(SUBPIXEL);
        let (x, y) = (f64::from(center.0) / unit, f64::from(center.1) / unit);
        self.context.begin_path();
        // Refuses only a negative radius.
        let _ = self
            .context
            .arc(x, y, f64::from(radius) / unit, 0.0, std::f64::consts::TAU);
        if fill {
            self.context.set_fill_style_str(self.series(colour));
            self.context.fill();
        } else {
            self.context.set_stroke_style_str(self.series(colour));
            self.context.stroke();
        }
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        points: I,
        style: &S,
    ) -> Drawn {
        if let Token::Area { colour } = Token::of(style.color().rgb) {
            self.context.set_fill_style_str(self.series(colour));
            self.context.set_global_alpha(0.14);
            self.trace(points);
            self.context.fill();
            self.context.set_global_alpha(1.0);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plotters::style::{Color, RGBColor};
    use wasm_bindgen::JsCast;
    use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

    wasm_bindgen_test_configure!(run_in_browser);

    fn context(width: u32, height: u32) -> CanvasRenderingContext2d {
        let document = leptos::prelude::document();
        let canvas: web_sys::HtmlCanvasElement = document.create_element("canvas").unwrap().unchecked_into();
        canvas.set_width(width);
        canvas.set_height(height);
        canvas.get_context("2d").unwrap().unwrap().unchecked_into()
    }

    /// Whether something is drawn in the pixel: its alpha is read through a copy onto a canvas of one pixel.
    fn drawn(context: &CanvasRenderingContext2d, x: f64, y: f64) -> bool {
        let one = self::context(1, 1);
        let source = context.canvas().unwrap();
        one.draw_image_with_html_canvas_element(&source, -x, -y).unwrap();
        let blank = self::context(1, 1).canvas().unwrap().to_data_url().unwrap();
        one.canvas().unwrap().to_data_url().unwrap() != blank
    }

    fn palette() -> Palette {
        Palette {
            grid: "#000".into(),
            mark: "#00f".into(),
            mixed: "#888".into(),
            up: "#0f0".into(),
            down: "#f00".into(),
            series: vec!["#f00".into(); 8],
        }
    }

    fn canvas<'a>(context: &'a CanvasRenderingContext2d, palette: &'a Palette) -> Canvas<'a> {
        Canvas {
            context,
            palette,
            size: (40, 20),
            ratio: 1.0,
        }
    }

    #[wasm_bindgen_test]
    fn a_line_of_plotters_leaves_ink_where_it_runs_and_nowhere_else() {
        let (context, palette) = (context(40, 20), palette());
        let mut canvas = canvas(&context, &palette);
        let unit = i32::try_from(SUBPIXEL).unwrap();
        let points = [(0, 10 * unit), (40 * unit, 10 * unit)];
        // Red 1 is the token of a line, green its colour.
        canvas
            .draw_path(points, &Color::stroke_width(&RGBColor(1, 0, 0), SUBPIXEL))
            .unwrap();
        assert!(drawn(&context, 20.0, 10.0), "on the line");
        assert!(!drawn(&context, 20.0, 2.0), "above the line");
    }

    #[wasm_bindgen_test]
    fn shapes_are_filled_where_their_shares_say() {
        let (context, palette) = (context(40, 20), palette());
        let shape = |tint, form| Shape { tint, form };
        let corner = vec![(0.0, 0.0), (0.25, 0.0), (0.25, 0.5), (0.0, 0.5)];
        let stroke = vec![(0.8, 0.75), (1.0, 0.75)];
        let mut drawing = Drawing::of(crate::charts::scale::Scene::default());
        drawing.shapes = vec![
            shape(Tint::Stack(0), Form::Polygon(corner)),
            shape(Tint::State(Tone::Down), Form::Boxes(vec![[0.5, 0.5, 0.75, 1.0]])),
        ];
        drawing.over = vec![shape(Tint::Then(0), Form::Strokes(vec![stroke]))];
        canvas(&context, &palette).paint(&drawing);
        for (x, y, ink) in [
            (5.0, 5.0, true),
            (25.0, 15.0, true),
            (33.0, 15.0, true),
            (15.0, 5.0, false),
            (25.0, 5.0, false),
            (33.0, 5.0, false),
        ] {
            assert_eq!(drawn(&context, x, y), ink, "{x} {y}");
        }
    }
}
