//! What a way of drawing needs to be read, as markup: notes, shades, states.

use super::{
    still::{Drawing, heat::LEVELS},
    words::escaped,
};
use std::fmt::Write;

/// What has to be said beside a drawing.
pub fn notes(drawing: &Drawing) -> String {
    let mut html = String::new();
    for note in &drawing.notes {
        // Writing to a String cannot fail, here and below.
        let _ = write!(html, "<p class=\"chart-note\">{}</p>", escaped(note));
    }
    html
}

/// What the shades of a heat map and the colours of states say.
pub fn keys(drawing: &Drawing) -> String {
    let mut html = String::new();
    if let Some(scale) = &drawing.scale {
        let _ = write!(
            html,
            "<p class=\"chart-scale\"><span>{}</span><span class=\"chart-shades\" aria-hidden=\"true\">",
            escaped(&scale.low)
        );
        for level in 1..=LEVELS {
            let _ = write!(html, "<i class=\"shade h{level}\"></i>");
        }
        let _ = write!(
            html,
            "</span><span>{}</span> <span>{}</span></p>",
            escaped(&scale.high),
            escaped(&scale.words)
        );
    }
    if !drawing.tones.is_empty() {
        html.push_str("<ul class=\"chart-tones\">");
        for (tone, words) in &drawing.tones {
            let (class, words) = (tone.class(), escaped(words));
            let _ = write!(
                html,
                "<li><i class=\"tone {class}\" aria-hidden=\"true\"></i> {words}</li>"
            );
        }
        html.push_str("</ul>");
    }
    html
}
