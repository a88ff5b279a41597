//! One chart over a range.
//!
//! What the browser adds to it reads the markup: `.plot` says by `data-from` and `data-to` which time it shows (milliseconds), the
//! figure by `data-start` and `data-step` where its points begin, and each entry of the legend by `data-values` what its points
//! are, with nothing where there is no value, in the unit `data-unit`.

use super::{Past, PastSeries, Range};
use crate::{
    charts::{
        decimate::Window,
        legend::look,
        picture::times,
        scale::Scene,
        still::{self, Columns},
        svg::svg,
    },
    format::{format, tick_label},
    prelude::*,
};
use farol_model::action::Mark;

/// Nominal size of a drawing, pixels.
const SIZE: (u32, u32) = (600, 160);
/// Series that a legend names; more are counted.
const NAMED: usize = 12;

/// Some of the series of an answer as one chart.
pub fn figure(title: &str, series: &[&PastSeries], past: &Past, range: &Range, marks: &[Mark]) -> AnyView {
    let unit = series.first().map_or(0, |series| series.spec.unit);
    let scene = scene(series, past, range, unit).marked(marks);
    let empty = scene.is_empty();
    let labels = scene
        .ticks
        .iter()
        .rev()
        .map(|tick| view! { <span>{tick_label(*tick, unit)}</span> })
        .collect::<Vec<_>>();
    let drawing = svg(&scene, SIZE.0, SIZE.1);
    let [from, middle, to] = times::ends(range.from_ms, range.to_ms);
    let entries = series
        .iter()
        .take(NAMED)
        .enumerate()
        .map(|(slot, series)| entry(slot, series))
        .collect::<Vec<_>>();
    let start = past.times_ms.first().map(i64::to_string);
    let more = series.len().saturating_sub(NAMED);
    let more = (more > 0).then(|| view! { <li class="muted">{format!("and {more} more")}</li> });
    view! {
        <figure class="chart still" data-start=start data-step=past.step_ms.to_string()>
            <figcaption>
                <h3 class="chart-title">{title.to_owned()}</h3>
            </figcaption>
            <div class="chart-body">
                <div class="chart-y" aria-hidden="true">
                    {labels}
                </div>
                <div class="plot" tabindex="0" role="group" data-from=range.from_ms.to_string() data-to=range.to_ms.to_string()
                    aria-label=format!("{title} over time.")>
                    <div class="plot-ink" inner_html=drawing></div>
                    {empty.then(|| view! { <p class="chart-empty">"No values in this time"</p> })}
                </div>
                <div class="chart-x" aria-hidden="true">
                    <span>{from}</span>
                    <span>{middle}</span>
                    <span>{to}</span>
                </div>
            </div>
            <ul class="chart-legend">{entries} {more}</ul>
        </figure>
    }
}

/// A series with its mean, and what it reached.
fn entry(slot: usize, series: &PastSeries) -> AnyView {
    let unit = series.spec.unit;
    let known = |values: &[f64]| {
        values
            .iter()
            .copied()
            .filter(|value| value.is_finite())
            .collect::<Vec<_>>()
    };
    let means = known(&series.mean);
    let mean = means.iter().sum::<f64>() / means.len() as f64;
    let least = known(&series.min).into_iter().fold(f64::NAN, f64::min);
    let greatest = known(&series.max).into_iter().fold(f64::NAN, f64::max);
    let told = format(mean, unit);
    let reach = format!(
        "{}: mean {told}, least {}, greatest {}",
        series.spec.title,
        format(least, unit),
        format(greatest, unit)
    );
    view! {
        <li class="chart-series" title=reach data-unit=unit.to_string() data-values=short(&series.mean)>
            <span class=format!("chart-swatch {}", look(slot)) aria-hidden="true"></span>
            <span class="chart-name">{series.spec.title.clone()}</span>
            <span class="chart-value">
                <b>{told.number}</b>
                <small>{told.unit}</small>
            </span>
        </li>
    }
}

/// Numbers as short as a person reads them.
fn short(values: &[f64]) -> String {
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

fn scene(series: &[&PastSeries], past: &Past, range: &Range, unit: i32) -> Scene {
    let window = Window {
        from_ms: range.from_ms as f64,
        to_ms: range.to_ms as f64,
        columns: SIZE.0,
        step_ms: past.step_ms as f64,
    };
    let columns = series.iter().map(|series| Columns {
        min: &series.min,
        max: &series.max,
        mean: &series.mean,
    });
    still::scene(&past.times_ms, &columns.collect::<Vec<_>>(), &window, unit)
}
