//! The legend of a chart of the past: what each series reached, in an order that links choose. Names are links that show one series
//! alone, beside each is one that hides it.

use super::{Frame, PastSeries, keys::buckets, look::Sort};
use crate::{
    charts::{
        legend::look,
        still::{Drawing, Mode},
    },
    format::{Formatted, NO_VALUE, format},
    prelude::*,
};

/// Series that a legend names; more are folded.
const NAMED: usize = 12;

/// One series of a chart.
pub struct Entry {
    slot: usize,
    key: String,
    title: String,
    unit: i32,
    /// It is drawn.
    shown: bool,
    least: f64,
    mean: f64,
    greatest: f64,
    last: f64,
    values: String,
    /// The mean of the earlier period, and its values.
    then: Option<(f64, String)>,
}

impl Entry {
    /// What is told of a series.
    pub fn of(
        slot: usize,
        series: &PastSeries,
        key: String,
        shown: bool,
        then: Option<&PastSeries>,
    ) -> Entry {
        let finite = |values: &[f64]| {
            values
                .iter()
                .copied()
                .filter(|value| value.is_finite())
                .collect::<Vec<f64>>()
        };
        let (min, max) = (finite(&series.min), finite(&series.max));
        Entry {
            slot,
            shown,
            key,
            title: series.spec.title.clone(),
            unit: series.spec.unit,
            least: min.into_iter().fold(f64::NAN, f64::min),
            mean: mean(&series.mean),
            greatest: max.into_iter().fold(f64::NAN, f64::max),
            last: finite(&series.mean).last().copied().unwrap_or(f64::NAN),
            values: short(&series.mean),
            then: then.map(|then| (mean(&then.mean), short(&then.mean))),
        }
    }

    fn by(&self, sort: Sort) -> f64 {
        match sort {
            Sort::Name => 0.0,
            Sort::Min => self.least,
            Sort::Mean => self.mean,
            Sort::Max => self.greatest,
            Sort::Last => self.last,
        }
    }
}

fn mean(values: &[f64]) -> f64 {
    let known = || values.iter().filter(|value| value.is_finite());
    known().sum::<f64>() / known().count() as f64
}

/// The whole legend.
pub fn legend(mut entries: Vec<Entry>, drawing: &Drawing, step_ms: i64, frame: &Frame<'_>) -> AnyView {
    if !drawing.buckets.is_empty() {
        return buckets(drawing, step_ms);
    }
    match frame.look.sort {
        None => {}
        Some(Sort::Name) => entries.sort_by(|a, b| a.title.cmp(&b.title)),
        // The greatest first; what has no value is last.
        Some(sort) => {
            let rank = |entry: &Entry| {
                if entry.by(sort).is_finite() {
                    entry.by(sort)
                } else {
                    f64::NEG_INFINITY
                }
            };
            entries.sort_by(|a, b| rank(b).total_cmp(&rank(a)));
        }
    }
    let compared = frame.earlier.is_some();
    let many = entries.len() > 1;
    let rows_of = |entries: &[Entry]| {
        entries
            .iter()
            .map(|entry| row(entry, many, compared, drawing, frame))
            .collect::<Vec<_>>()
    };
    let (first, rest) = entries.split_at(entries.len().min(NAMED));
    let more = (!rest.is_empty()).then(|| {
        view! {
            <details class="chart-rest">
                <summary>{format!("and {} more", rest.len())}</summary>
                <table class="chart-table">{head(false, compared, frame)} <tbody>{rows_of(rest)}</tbody></table>
            </details>
        }
    });
    let all = frame.look.but(|look| {
        look.only = None;
        look.hide.clear();
    });
    let all = (many && entries.iter().any(|entry| !entry.shown))
        .then(|| frame.href(&all))
        .flatten()
        .map(|href| view! { <p class="chart-note"><a class="button small" href=href data-noscroll="true">"Show all series"</a></p> });
    view! {
        <table class="chart-table">{head(many, compared, frame)} <tbody>{rows_of(first)}</tbody></table>
        {more}
        {all}
    }
}

/// Heads of the columns, which are links that sort where there is something to sort.
fn head(links: bool, compared: bool, frame: &Frame<'_>) -> AnyView {
    let cell = |sort: Sort, words: &'static str, class: &'static str| {
        let here = frame.look.sort == Some(sort);
        let to = frame.look.but(|look| look.sort = (!here).then_some(sort));
        let link = links.then(|| frame.href(&to)).flatten();
        let order = if sort == Sort::Name {
            "ascending"
        } else {
            "descending"
        };
        let content = match link {
            Some(href) => view! { <a href=href data-noscroll="true">{words}</a> },
            None => words.into_any(),
        };
        view! { <th scope="col" class=class aria-sort=here.then_some(order)>{content}</th> }
    };
    view! {
        <thead>
            <tr>
                {cell(Sort::Name, "Series", "chart-name-cell")}
                {cell(Sort::Mean, "Mean", "")}
                {compared.then(|| view! { <th scope="col">"Change"</th> })}
                {cell(Sort::Min, "Min", "wide")}
                {cell(Sort::Max, "Max", "wide")}
                {cell(Sort::Last, "Last", "wide")}
            </tr>
        </thead>
    }
}

fn row(entry: &Entry, many: bool, compared: bool, drawing: &Drawing, frame: &Frame<'_>) -> AnyView {
    let told = |value: f64| format(value, entry.unit);
    let reach = format!(
        "{}: mean {}, least {}, greatest {}",
        entry.title,
        told(entry.mean),
        told(entry.least),
        told(entry.greatest)
    );
    let swatch =
        view! { <span class=format!("chart-swatch {}", look(entry.slot)) aria-hidden="true"></span> };
    let row = matches!(drawing.mode, Mode::Heat | Mode::States)
        .then(|| row_of(entry, drawing))
        .flatten();
    let values = entry.shown.then(|| entry.values.clone());
    let then = entry
        .then
        .as_ref()
        .filter(|_| entry.shown)
        .map(|then| then.1.clone());
    view! {
        <tr class=if entry.shown { "chart-series" } else { "chart-series off" } title=reach data-key=entry.key.clone()
            data-unit=entry.unit.to_string() data-values=values data-then=then data-row=row.map(|row| row.to_string())>
            <th scope="row" class="chart-name-cell">
                <span class="chart-label">{swatch} {name(entry, many, frame)}</span>
            </th>
            {value(told(entry.mean), "")}
            {compared.then(|| change(entry))}
            {value(told(entry.least), " wide")}
            {value(told(entry.greatest), " wide")}
            {value(told(entry.last), " wide")}
        </tr>
    }
}

/// The row of a series in a drawing of rows: rows are the series that are shown, in the order of their slots.
fn row_of(entry: &Entry, drawing: &Drawing) -> Option<usize> {
    drawing.slots.binary_search(&entry.slot).ok()
}

pub fn value(told: Formatted, class: &str) -> AnyView {
    view! {
        <td class=format!("chart-value{class}")>
            <b>{told.number}</b>
            <small>{told.unit}</small>
        </td>
    }
}

/// The name, and what can be done with the series, where there are others.
fn name(entry: &Entry, many: bool, frame: &Frame<'_>) -> AnyView {
    let title = entry.title.clone();
    let key = &entry.key;
    let alone = frame.look.only.as_ref() == Some(key);
    let only = frame.look.but(|look| look.only = (!alone).then(|| key.clone()));
    let hidden = frame.look.hide.contains(key);
    let other = frame.look.but(|look| {
        look.only = look.only.take().filter(|only| only != key);
        match hidden {
            true => look.hide.retain(|hidden| hidden != key),
            false => look.hide.push(key.clone()),
        }
    });
    let links = many.then(|| frame.href(&only).zip(frame.href(&other))).flatten();
    let Some((only, other)) = links else {
        return view! { <span class="chart-name">{title}</span> };
    };
    let (sign, words) = if hidden { ("+", "Show") } else { ("\u{d7}", "Hide") };
    let about = if alone {
        "Show all series again"
    } else {
        "Show this series alone"
    };
    view! {
        <a class="chart-name" href=only title=about aria-current=alone.then_some("true") data-noscroll="true">{title.clone()}</a>
        <a class="chart-hide" href=other title=words aria-label=format!("{words} {title}") data-noscroll="true">{sign}</a>
    }
}

/// The mean now against then, with sign and percent.
fn change(entry: &Entry) -> AnyView {
    let Some((then, _)) = entry
        .then
        .as_ref()
        .filter(|(then, _)| then.is_finite() && entry.mean.is_finite())
    else {
        return view! { <td class="chart-value" title="Nothing is known of the earlier period">{NO_VALUE}</td> };
    };
    let difference = entry.mean - then;
    let absolute = format(difference.abs(), entry.unit);
    let sign = if difference < 0.0 { "\u{2212}" } else { "+" };
    let share = difference / then.abs() * 100.0;
    let words = match *then == 0.0 {
        _ if difference == 0.0 || share.abs() < 0.05 => "0\u{a0}%".to_owned(),
        true => format!("{sign}{absolute}"),
        false => format!("{sign}{}\u{a0}%", percent(share.abs())),
    };
    let about = format!(
        "mean {} now, {} then: {sign}{absolute}",
        format(entry.mean, entry.unit),
        format(*then, entry.unit)
    );
    view! { <td class="chart-value" title=about><b>{words}</b></td> }
}

fn percent(share: f64) -> String {
    match share {
        share if share < 9.95 => format!("{share:.1}"),
        share if share < 9_999.5 => format!("{share:.0}"),
        _ => "> 9999".to_owned(),
    }
}

/// Numbers as short as a person reads them.
pub fn short(values: &[f64]) -> String {
    let words = values.iter().map(|value| match value.is_finite() {
        // Four figures are told, and one more for rounding.
        true => {
            let told = format!("{value:.4e}");
            told.parse::<f64>().map_or(told, |rounded| rounded.to_string())
        }
        false => String::new(),
    });
    words.collect::<Vec<_>>().join(",")
}
