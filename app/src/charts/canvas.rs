//! A plotters backend on a canvas: device pixels, fractional coordinates, one path per polyline, colours from the theme.

use super::paint::{SUBPIXEL, Token};
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, DrawingBackend, DrawingErrorKind};
use std::convert::Infallible;
use web_sys::{CanvasRenderingContext2d, wasm_bindgen::JsValue};

/// Colours of the theme, read once per theme.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Palette {
    pub grid: String,
    pub mark: String,
    pub series: Vec<String>,
}

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

    #[wasm_bindgen_test]
    fn a_line_of_plotters_leaves_ink_where_it_runs_and_nowhere_else() {
        let context = context(40, 20);
        let palette = Palette {
            grid: "#000".into(),
            mark: "#00f".into(),
            series: vec!["#f00".into(); 8],
        };
        let mut canvas = Canvas {
            context: &context,
            palette: &palette,
            size: (40, 20),
            ratio: 1.0,
        };
        let unit = i32::try_from(SUBPIXEL).unwrap();
        let points = [(0, 10 * unit), (40 * unit, 10 * unit)];
        // Red 1 is the token of a line, green its colour.
        canvas
            .draw_path(points, &Color::stroke_width(&RGBColor(1, 0, 0), SUBPIXEL))
            .unwrap();
        assert!(drawn(&context, 20.0, 10.0), "on the line");
        assert!(!drawn(&context, 20.0, 2.0), "above the line");
    }
}
