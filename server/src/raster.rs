//! Pictures of points from pictures of lines: an SVG of ours as PNG, for mail and chats that show no SVG.
//!
//! Only what this program drew is ever given to it. Nothing is fetched and no font of the machine is read, so the same picture
//! comes out the same everywhere. It takes milliseconds of a core: call it where blocking is allowed.

use resvg::{
    tiny_skia::{Pixmap, Transform},
    usvg::{Options, Tree, fontdb::Database},
};
use std::sync::{Arc, LazyLock};

/// The letters of all pictures.
const FONT: &[u8] = epaint_default_fonts::UBUNTU_LIGHT;
/// What the font calls itself.
const FAMILY: &str = "Ubuntu";
/// Points of one picture at most: 4000 by 2400 pixels twice as fine.
const MAX_POINTS: u64 = 8000 * 4800;

static FONTS: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut fonts = Database::new();
    fonts.load_font_data(FONT.to_vec());
    Arc::new(fonts)
});

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum RasterError {
    /// The SVG cannot be read: a fault of what drew it.
    #[error("the drawing cannot be read: {0}")]
    Drawing(#[from] resvg::usvg::Error),
    /// It would have no points, or too many.
    #[error("a picture of this size is not made")]
    Size,
    /// It cannot be written.
    #[error("the picture cannot be written: {0}")]
    Writing(String),
}

/// The drawing as PNG, each of its pixels `scale` by `scale` points.
///
/// # Errors
/// See [`RasterError`].
pub fn png(svg: &str, scale: u32) -> Result<Vec<u8>, RasterError> {
    let options = Options {
        font_family: FAMILY.to_owned(),
        fontdb: FONTS.clone(),
        ..Options::default()
    };
    let tree = Tree::from_str(svg, &options)?;
    let size = tree.size().to_int_size();
    let (width, height) = (
        size.width().saturating_mul(scale),
        size.height().saturating_mul(scale),
    );
    if u64::from(width) * u64::from(height) > MAX_POINTS {
        return Err(RasterError::Size);
    }
    let mut points = Pixmap::new(width, height).ok_or(RasterError::Size)?;
    let scale = scale as f32;
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut points.as_mut());
    points
        .encode_png()
        .map_err(|error| RasterError::Writing(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawing(size: u32, inner: &str) -> String {
        format!("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{size}\" height=\"{size}\">{inner}</svg>")
    }

    fn points(svg: &str, scale: u32) -> Pixmap {
        Pixmap::decode_png(&png(svg, scale).unwrap()).unwrap()
    }

    #[test]
    fn a_picture_has_the_size_and_the_colours_of_the_drawing() {
        let picture = points(
            &drawing(10, "<rect width=\"10\" height=\"10\" fill=\"#076fb8\"/>"),
            2,
        );
        assert_eq!((picture.width(), picture.height()), (20, 20));
        let point = picture.pixel(19, 19).unwrap();
        assert_eq!(
            (point.red(), point.green(), point.blue(), point.alpha()),
            (0x07, 0x6f, 0xb8, 0xff)
        );
    }

    #[test]
    fn words_are_seen_without_any_font_of_the_machine() {
        let words = "<text x=\"10\" y=\"40\" font-family=\"Ubuntu, system-ui\" font-size=\"30\" fill=\"#000000\">Farol</text>";
        let picture = points(&drawing(100, words), 1);
        let inked = picture
            .pixels()
            .iter()
            .filter(|point| point.alpha() > 128)
            .count();
        assert!(inked > 100, "{inked} points");
    }

    #[test]
    fn what_is_no_drawing_or_too_large_is_refused() {
        assert!(matches!(png("no drawing", 1), Err(RasterError::Drawing(_))));
        assert!(matches!(png(&drawing(4000, ""), 3), Err(RasterError::Size)));
    }
}
