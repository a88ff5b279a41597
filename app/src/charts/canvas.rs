//! A plotters backend on a canvas: device pixels, fractional coordinates, one path per polyline, colours from the theme.

use super::paint::{SUBPIXEL, Token};
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, DrawingBackend, DrawingErrorKind};
use std::convert::Infallible;
use web_sys::{CanvasRenderingContext2d, wasm_bindgen::JsValue};

/// Colours of the theme, read once per theme.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Palette {
    pub grid: String,
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
            _ => {
                self.context.set_stroke_style_str(&self.palette.grid);
                self.context.set_line_width(self.ratio);
                self.dash(&[]);
            }
        }
        self.context.set_line_join("round");
        self.trace(path);
        self.context.stroke();
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
