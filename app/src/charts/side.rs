//! What stands left of a plot, as markup, and how the figure looks for it: labels of the axis at their places, or names of rows.

use super::{
    still::{Drawing, Mode},
    words::{escaped, percent},
};
use std::fmt::Write;

/// Letters of a name of a row that needs no more room than a value.
const SHORT: usize = 11;
/// Pixels of a label of a row at least.
const ROW_LABEL: usize = 12;
/// Pixels of a plot that is alone, about.
const ALONE: usize = 480;

/// What stands left of a plot.
pub fn side(drawing: &Drawing, alone: bool) -> String {
    // Writing to a String cannot fail, here and below.
    let mut html = String::new();
    if drawing.rows.is_empty() {
        html.push_str("<svg class=\"axis\" width=\"100%\" height=\"100%\">");
        for (share, label) in &drawing.labels {
            let _ = write!(
                html,
                "<text x=\"100%\" y=\"{}\" dy=\"0.35em\" text-anchor=\"end\">{}</text>",
                percent(*share),
                escaped(label)
            );
        }
        html.push_str("</svg>");
        return html;
    }
    // Where names would stand upon each other, only some are written.
    let every = (drawing.rows.len() * ROW_LABEL)
        .div_ceil(height(drawing, alone).1)
        .max(1);
    for (at, row) in drawing.rows.iter().enumerate() {
        let row = escaped(row);
        let _ = write!(html, "<span title=\"{row}\">");
        if at % every == 0 {
            let _ = write!(html, "<span class=\"row-name\">{row}</span>");
        }
        html.push_str("</span>");
    }
    html
}

/// Classes of a figure, which is of a `kind`: that it has rows, how long their names are, how high it is, what its colours are for.
pub fn class(kind: &str, drawing: &Drawing, alone: bool) -> String {
    let longest = drawing.rows.iter().map(|row| row.chars().count()).max();
    let rows = match longest {
        None => "",
        Some(longest) if longest > SHORT => " rows long",
        Some(_) => " rows",
    };
    let blocks = match drawing.mode {
        Mode::Area | Mode::Stacked | Mode::Bars => " blocks",
        _ => "",
    };
    format!("chart{kind}{rows}{}{blocks}", height(drawing, alone).0)
}

/// Rows have a height that suits how many there are.
fn height(drawing: &Drawing, alone: bool) -> (&'static str, usize) {
    match drawing.rows.len() {
        _ if alone => (" alone", ALONE),
        0..=6 => ("", 160),
        7..=13 => (" tall-1", 256),
        14..=26 => (" tall-2", 416),
        _ => (" tall-3", 640),
    }
}
