//! What stands left of a plot: labels of the axis at their places, or names of rows.

use super::still::{Drawing, Mode};
use crate::prelude::*;
use std::fmt::Write;

/// Letters of a name of a row that needs no more room than a value.
const SHORT: usize = 11;
/// Pixels of a label of a row at least.
const ROW_LABEL: usize = 12;
/// Pixels of a plot that is alone, about.
const ALONE: usize = 480;

/// The side of a plot: what it says, and how the figure looks for it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Side {
    /// Labels of the axis as SVG; empty where there are rows.
    axis: String,
    rows: Vec<String>,
    alone: bool,
    /// Filled shapes have the colours of the series.
    blocks: bool,
}

impl Side {
    pub fn of(drawing: &Drawing, alone: bool) -> Side {
        let rows = drawing.rows.clone();
        let axis = if rows.is_empty() {
            axis(&drawing.labels)
        } else {
            String::new()
        };
        let blocks = matches!(drawing.mode, Mode::Area | Mode::Stacked | Mode::Bars);
        Side {
            axis,
            rows,
            alone,
            blocks,
        }
    }

    pub fn view(&self) -> AnyView {
        if self.rows.is_empty() {
            return view! { <div class="chart-y" aria-hidden="true" inner_html=self.axis.clone()></div> };
        }
        let height = if self.alone {
            ALONE
        } else {
            height(self.rows.len()).1
        };
        // Where names would stand upon each other, only some are written.
        let every = (self.rows.len() * ROW_LABEL).div_ceil(height).max(1);
        let labels = self.rows.iter().enumerate().map(|(at, row)| {
            let shown = (at % every == 0).then(|| row.clone());
            view! { <span title=row.clone()>{shown.map(|name| view! { <span class="row-name">{name}</span> })}</span> }
        });
        view! { <div class="chart-y" aria-hidden="true">{labels.collect::<Vec<_>>()}</div> }
    }

    /// Classes of the figure, which is of a `kind`: that it has rows, how long their names are, how high it is, what its colours are for.
    pub fn class(&self, kind: &str) -> String {
        let of_rows = match self.rows.iter().map(|row| row.chars().count()).max() {
            None => "",
            Some(longest) if longest > SHORT => " rows long",
            Some(_) => " rows",
        };
        let tall = if self.alone {
            " alone"
        } else {
            height(self.rows.len()).0
        };
        let blocks = if self.blocks { " blocks" } else { "" };
        format!("chart{kind}{of_rows}{tall}{blocks}")
    }
}

/// Rows have a height that suits how many there are.
fn height(rows: usize) -> (&'static str, usize) {
    match rows {
        0..=6 => ("", 160),
        7..=13 => (" tall-1", 256),
        14..=26 => (" tall-2", 416),
        _ => (" tall-3", 640),
    }
}

/// Words at shares of a height. They are numbers with units, so nothing in them is markup.
fn axis(labels: &[(f64, String)]) -> String {
    let mut body = String::new();
    for (share, label) in labels {
        // Writing to a String cannot fail.
        let _ = write!(
            body,
            "<text x=\"100%\" y=\"{}\" dy=\"0.35em\" text-anchor=\"end\">{label}</text>",
            percent(*share)
        );
    }
    format!("<svg class=\"axis\" width=\"100%\" height=\"100%\">{body}</svg>")
}

/// A share as SVG takes it.
pub fn percent(share: f64) -> String {
    let text = format!("{:.2}", share * 100.0);
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}
