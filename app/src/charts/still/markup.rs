//! A [`Drawing`] as SVG of a page: classes instead of colours, so that the theme colours it and no inline style offends the content
//! security policy. Lines and what lies behind them are stretched to any size; words, runs and flags stand at shares of it and are not.

use super::{
    super::{
        scale::{Band, Line, Scene},
        svg::{painted, stretch, titles, units},
        words::{cut, escaped, percent},
    },
    Drawing, Form, Shape, Tint,
    flags::Flag,
    heat::LEVELS,
    states::{row_bottom, row_top},
};
use std::fmt::Write;

/// Share of the width that a letter takes where it is narrow, and what is beside the words: what does not fit is left out.
const LETTER: f64 = 0.026;
const BESIDE: f64 = 0.03;

/// Letters that are shown beside a flag; all are in its title.
const LETTERS: usize = 44;
/// Flags that are a stop each on the way through a page.
const FEW: usize = 6;

/// Lines, areas, cells and grid, stretched; `size` is nominal.
pub fn ink(drawing: &Drawing, size: (u32, u32)) -> String {
    let mut body = String::new();
    for shape in &drawing.shapes {
        write_shape(&mut body, shape, size);
    }
    for one in &drawing.scene.bands {
        band(&mut body, &drawing.scene, one, size);
    }
    painted(&mut body, &drawing.scene, size);
    for shape in &drawing.over {
        write_shape(&mut body, shape, size);
    }
    let (width, height) = units(size);
    titles(&mut body, &drawing.scene, (width, height));
    format!(
        "<svg viewBox=\"0 0 {width} {height}\" preserveAspectRatio=\"none\" aria-hidden=\"true\" focusable=\"false\">{body}</svg>"
    )
}

/// From the least to the greatest values behind a line.
fn band(body: &mut String, scene: &Scene, band: &Band, size: (u32, u32)) {
    let (width, height) = units(size);
    let (low, high) = scene.y_range();
    let x = |time: f64| (time - scene.from_ms) / (scene.to_ms - scene.from_ms).max(1.0);
    let y = |value: f64| 1.0 - ((value - low) / (high - low)).clamp(0.0, 1.0);
    // Writing to a String cannot fail, here and below.
    let _ = write!(body, "<path class=\"area c{}\" d=\"", Line::colour(band.slot) + 1);
    let whole = |share: f64, of: u32| (share * f64::from(of)).round() as i64;
    let outline = band.outline();
    stretch(
        body,
        outline.map(|(time, value)| (whole(x(time).clamp(0.0, 1.0), width), whole(y(value), height))),
    );
    body.push_str("z\"/>");
}

/// Classes of a shape.
fn class(tint: Tint) -> String {
    let series = |word: &str, slot: usize| format!("{word} c{}", Line::colour(slot) + 1);
    match tint {
        Tint::Area(slot) => series("area", slot),
        Tint::Stack(slot) => series("stack", slot),
        Tint::Bar(slot) => series("bar", slot),
        Tint::Reach(slot) => series("reach", slot),
        Tint::Then(slot) => series("then", slot),
        Tint::Heat(level) => format!("heat h{}", level.clamp(1, LEVELS)),
        Tint::State(tone) => format!("state {}", tone.class()),
    }
}

/// One path for all of a shape. Whole numbers in units of which eight are a pixel.
fn write_shape(body: &mut String, shape: &Shape, size: (u32, u32)) {
    let (width, height) = units(size);
    let x = |share: f64| (share * f64::from(width)).round() as i64;
    let y = |share: f64| (share * f64::from(height)).round() as i64;
    let mut path = String::new();
    let mut run = |points: &[(f64, f64)], close: &str| {
        stretch(&mut path, points.iter().map(|(at_x, at_y)| (x(*at_x), y(*at_y))));
        path.push_str(close);
    };
    match &shape.form {
        Form::Polygon(points) => run(points, "z"),
        Form::Strokes(all) => all.iter().for_each(|points| run(points, "")),
        Form::Boxes(boxes) => {
            for [left, top, right, bottom] in boxes.iter().copied() {
                let (left, top) = (x(left), y(top));
                let _ = write!(
                    path,
                    "M{left} {top}h{}v{}H{left}z",
                    x(right) - left,
                    y(bottom) - top
                );
            }
        }
    }
    if !path.is_empty() {
        let _ = write!(body, "<path class=\"{}\" d=\"{path}\"/>", class(shape.tint));
    }
}

/// Runs of states with their words, and flags: what can be pointed at. Flags can be reached by key too, where that is not a long way
/// past everything else: in a chart that is `alone`, and where they are few. Empty when there is nothing.
pub fn overlay(drawing: &Drawing, flags: &[Flag], alone: bool) -> String {
    let mut body = String::new();
    let rows = drawing.rows.len();
    for run in &drawing.runs {
        let (top, bottom) = (row_top(run.row, rows), row_bottom(run.row, rows));
        let _ = write!(
            body,
            "<svg class=\"run {}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"><title>{}</title><rect width=\"100%\" height=\"100%\" rx=\"2\"/>",
            run.tone.class(),
            percent(run.from),
            percent(top),
            percent((run.to - run.from).max(0.0005)),
            percent(bottom - top),
            escaped(&run.title)
        );
        if run.to - run.from >= run.word.chars().count() as f64 * LETTER + BESIDE {
            let _ = write!(
                body,
                "<text x=\"6\" y=\"50%\" dy=\"0.35em\">{}</text>",
                escaped(&run.word)
            );
        }
        body.push_str("</svg>");
    }
    let focus = if alone || flags.len() <= FEW {
        " tabindex=\"0\""
    } else {
        ""
    };
    for flag in flags {
        let at = percent(flag.at);
        let (anchor, dx) = if flag.at < 0.5 { ("start", 6) } else { ("end", -6) };
        let title = escaped(&flag.title);
        let short = escaped(&cut(&flag.title, LETTERS));
        let _ = write!(
            body,
            "<g class=\"flag\"{focus} role=\"img\" aria-label=\"{title}\"><title>{title}</title>\
             <line class=\"flag-strip\" x1=\"{at}\" x2=\"{at}\" y1=\"0\" y2=\"100%\"/><line x1=\"{at}\" x2=\"{at}\" y1=\"0\" y2=\"100%\"/>\
             <circle cx=\"{at}\" cy=\"0\" r=\"{}\"/><text x=\"{at}\" dx=\"{dx}\" y=\"14\" text-anchor=\"{anchor}\">{short}</text></g>",
            if flag.count > 1 { 5 } else { 3 },
        );
    }
    match body.is_empty() {
        true => body,
        false => format!("<svg class=\"plot-over\" width=\"100%\" height=\"100%\">{body}</svg>"),
    }
}

/// Words at shares of a width: the time axis. Every second one gives way where it is narrow.
pub fn x_axis(labels: &[(f64, String)]) -> String {
    let mut body = String::new();
    for (at, (share, label)) in labels.iter().enumerate() {
        let anchor = match *share {
            share if share < 0.06 => "start",
            share if share > 0.94 => "end",
            _ => "middle",
        };
        let x = percent(*share);
        let minor = if at % 2 == 1 { " class=\"minor\"" } else { "" };
        let _ = write!(
            body,
            "<line x1=\"{x}\" x2=\"{x}\" y1=\"0\" y2=\"4\"/><text{minor} x=\"{x}\" y=\"16\" text-anchor=\"{anchor}\">{}</text>",
            escaped(label)
        );
    }
    format!("<svg class=\"axis\" width=\"100%\" height=\"20\">{body}</svg>")
}
