//! One chart over a range.
//!
//! What the browser adds to it reads the markup:
//!
//! - `.plot` says by `data-from` and `data-to` which time it shows (milliseconds);
//! - the figure says by `data-start` and `data-step` where its points begin, by `data-mode` how it is drawn (the words of [`Mode`]), by
//!   `data-axis` whether its axis is `linear`, `log`, or `rows`, and by `data-low` and `data-high` which values the axis ends with;
//! - each entry of the legend (`.chart-series`) that is drawn says by `data-values` what its points are, with nothing where there is no
//!   value, in the unit `data-unit`. They are the values of the series itself, however it is drawn; in a heat map of a histogram an
//!   entry is a bucket, and its values say how many events fell into it. `data-key` is its key, `data-row` its row from above where
//!   the axis has rows;
//! - where an earlier period is compared, `data-then` holds the values of that, which begin at `data-then-start` of the figure (a time
//!   within the period that is shown) and have its `data-then-step`.

use super::{Frame, PastSeries, legend, menu};
use crate::{
    charts::{
        keys,
        picture::times,
        scale::{COLOURS, Y_LABELS},
        side,
        still::{self, Ask, Columns, Drawing, Earlier, Mode, Shown, flags, flags::Flag, markup},
    },
    pages::drawn::counted,
    prelude::*,
};
use std::collections::{HashMap, HashSet};

/// Nominal size of a drawing, pixels.
const SIZE: (u32, u32) = (600, 160);
/// The same where it is alone.
const TALL: (u32, u32) = (1200, 480);
/// Labels of the time axis at most, and where it is alone: the first says “UTC” too and needs the room.
const TIMES: (usize, usize) = (6, 12);
/// Labels of the y axis where it is alone.
const TALL_LABELS: usize = 8;
/// Some of the series of an answer as one chart within a page.
pub fn framed(title: &str, series: &[&PastSeries], frame: &Frame<'_>) -> AnyView {
    let alone = frame.look.chart.is_some();
    let keys: Vec<String> = series.iter().map(|one| one.spec.key()).collect();
    let is_shown = frame.look.shown(&keys);
    let then = earlier(series, &keys, frame);
    let ask = ask(series, &is_shown, &then, frame);
    let drawing = still::draw(&ask);
    let flags = flags::flags(frame.marks, frame.range.from_ms, frame.range.to_ms);
    let entries: Vec<legend::Entry> = series
        .iter()
        .zip(&keys)
        .zip(is_shown.iter().zip(&then))
        .enumerate()
        .map(|(slot, ((series, key), (shown, then)))| {
            legend::Entry::of(slot, series, key.clone(), *shown, *then)
        })
        .collect();
    let ends = drawing
        .axis
        .map(|(low, high)| (low.to_string(), high.to_string()));
    let axis = match (!drawing.rows.is_empty(), ask.log && drawing.logarithmic) {
        (true, _) => "rows",
        (false, true) => "log",
        _ => "linear",
    };
    let compared = frame
        .earlier
        .zip(frame.look.compare.as_ref())
        .map(|(past, offset)| {
            let start = past.times_ms.first().map(|start| (start + offset.ms).to_string());
            (start, past.step_ms.to_string())
        });
    let legend = legend::legend(entries, &drawing, ask.step_ms, frame);
    let menu = menu::menu(title, series, frame);
    let shown = ask.series.len();
    let class = side::class(" still", &drawing, alone);
    let many = if shown > COLOURS { " many" } else { "" };
    let start = frame.past.times_ms.first().map(i64::to_string);
    view! {
        <figure
            class=class + many
            data-start=start
            data-step=frame.past.step_ms.to_string()
            data-mode=drawing.mode.as_str()
            data-axis=axis
            data-low=ends.as_ref().map(|ends| ends.0.clone())
            data-high=ends.as_ref().map(|ends| ends.1.clone())
            data-then-start=compared.as_ref().and_then(|compared| compared.0.clone())
            data-then-step=compared.as_ref().map(|compared| compared.1.clone())
        >
            <figcaption>
                <h3 class="chart-title">{title.to_owned()}</h3>
                {menu}
            </figcaption>
            {plot(title, &drawing, &flags, frame)}
            <div inner_html=keys::notes(&drawing)></div>
            {hint(&drawing, shown, frame)}
            <div inner_html=keys::keys(&drawing)></div>
            {legend}
            {marked(&flags)}
        </figure>
    }
}

/// Axes and what is between them.
fn plot(title: &str, drawing: &Drawing, flags: &[Flag], frame: &Frame<'_>) -> AnyView {
    let alone = frame.look.chart.is_some();
    let (from_ms, to_ms) = (frame.range.from_ms, frame.range.to_ms);
    let span = (to_ms - from_ms).max(1) as f64;
    let most = if alone { TIMES.1 } else { TIMES.0 };
    let labels: Vec<(f64, String)> = times::times(from_ms, to_ms, most)
        .into_iter()
        .map(|(time, label)| ((time - from_ms) as f64 / span, label))
        .collect();
    let size = if alone { TALL } else { SIZE };
    let over = markup::overlay(drawing, flags, alone);
    let empty = drawing
        .is_empty
        .then(|| view! { <p class="chart-empty">"No values in this time"</p> });
    view! {
        <div class="chart-body">
            <div class="chart-y" aria-hidden="true" inner_html=side::side(drawing, alone)></div>
            <div class="plot" tabindex="0" role="group" data-from=from_ms.to_string() data-to=to_ms.to_string()
                aria-label=format!("{title} over time.")>
                <div class="plot-ink" inner_html=markup::ink(drawing, size)></div>
                {(!over.is_empty()).then(|| view! { <div class="plot-flags" inner_html=over></div> })}
                {empty}
            </div>
            <div class="chart-x" aria-hidden="true" inner_html=markup::x_axis(&labels)></div>
        </div>
    }
}

/// Where lines are more than this they cross each other wherever one looks.
const MANY: usize = 16;

/// A better way to look at many lines.
fn hint(drawing: &Drawing, shown: usize, frame: &Frame<'_>) -> AnyView {
    let crossed = drawing.mode == Mode::Lines && shown > MANY;
    let heat = crossed
        .then(|| frame.href(&frame.look.but(|look| look.mode = Some(Mode::Heat))))
        .flatten();
    heat.map(|href| {
        view! {
            <p class="chart-note">
                {format!("{shown} lines cross each other; in a ")} <a class="link" href=href data-noscroll="true">"heat map"</a>
                " each has a row of its own."
            </p>
        }
    })
    .into_any()
}

/// How many moments are marked.
fn marked(flags: &[Flag]) -> AnyView {
    let count: usize = flags.iter().map(|flag| flag.count).sum();
    (count > 0)
        .then(|| {
            view! {
                <p class="chart-marks">
                    <span class="mark-swatch" aria-hidden="true"></span>
                    {counted(count as u64, "event")}
                    " marked"
                </p>
            }
        })
        .into_any()
}

/// Of each series what it was an earlier period before, where that was asked for and is known.
fn earlier<'a>(series: &[&PastSeries], keys: &[String], frame: &Frame<'a>) -> Vec<Option<&'a PastSeries>> {
    let Some(past) = frame.earlier else {
        return vec![None; series.len()];
    };
    let charts: HashSet<&str> = series.iter().map(|one| one.spec.chart.as_str()).collect();
    let of_charts = past
        .series
        .iter()
        .filter(|one| charts.contains(one.spec.chart.as_str()));
    let by_key: HashMap<String, &PastSeries> = of_charts.map(|one| (one.spec.key(), one)).collect();
    keys.iter().map(|key| by_key.get(key).copied()).collect()
}

fn ask<'a>(
    series: &[&'a PastSeries],
    is_shown: &[bool],
    then: &[Option<&'a PastSeries>],
    frame: &Frame<'a>,
) -> Ask<'a> {
    let alone = frame.look.chart.is_some();
    let shown = |slot: usize| is_shown.get(slot).is_some_and(|shown| *shown);
    let unit = series.first().map_or(0, |series| series.spec.unit);
    let earlier = frame
        .earlier
        .zip(frame.look.compare.as_ref())
        .map(|(past, offset)| Earlier {
            times_ms: past.times_ms.iter().map(|time| time + offset.ms).collect(),
            step_ms: past.step_ms,
            series: then
                .iter()
                .enumerate()
                .filter(|(slot, _)| shown(*slot))
                .filter_map(|(slot, then)| Some((slot, then.as_ref()?.mean.as_slice())))
                .collect(),
        });
    Ask {
        from_ms: frame.range.from_ms,
        to_ms: frame.range.to_ms,
        times_ms: &frame.past.times_ms,
        step_ms: frame.past.step_ms,
        unit,
        series: series
            .iter()
            .enumerate()
            .filter(|(slot, _)| shown(*slot))
            .map(|(slot, one)| Shown {
                slot,
                spec: &one.spec,
                columns: Columns {
                    min: &one.min,
                    max: &one.max,
                    mean: &one.mean,
                },
            })
            .collect(),
        earlier,
        mode: frame.look.mode.unwrap_or_else(|| usual(series)),
        log: frame.look.log,
        columns: if alone { TALL.0 } else { SIZE.0 },
        labels: if alone { TALL_LABELS } else { Y_LABELS },
    }
}

/// The way a chart is drawn when nobody chooses.
pub fn usual(series: &[&PastSeries]) -> Mode {
    still::usual(series.iter().map(|one| (&one.spec, one.mean.as_slice())))
}
