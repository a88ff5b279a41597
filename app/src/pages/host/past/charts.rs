//! The charts of a past range.

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
    format::{duration, escape, format, tick_label},
    prelude::*,
    ui::{Glyph, Icon},
};
use farol_model::action::Mark;

/// Nominal size of a drawing, pixels.
const SIZE: (u32, u32) = (600, 160);
/// Series that a legend names; more are counted.
const NAMED: usize = 12;

/// All charts of a channel over a range, and its values as a file.
pub fn charts(channel: &str, past: &Past, range: &Range, marks: &[Mark]) -> AnyView {
    let named = format!("{{channel=\"{channel}\"}}");
    let times = [range.from_ms, range.to_ms].map(|ms| (ms as f64 / 1000.0).to_string());
    let csv = format!(
        "/api/v1/export.csv?match={}&start={}&end={}",
        escape(&named),
        times[0],
        times[1]
    );
    let mut titles: Vec<&str> = Vec::new();
    for series in &past.series {
        if !titles.contains(&series.spec.chart.as_str()) {
            titles.push(&series.spec.chart);
        }
    }
    if titles.is_empty() {
        return view! {
            <div class="unavailable">
                <Icon glyph=Glyph::Info/>
                <p>"Nothing of this group was written down in this time."</p>
            </div>
        };
    }
    let wide = titles.len() == 1;
    let cards = titles
        .into_iter()
        .map(|title| {
            let of_it = past
                .series
                .iter()
                .filter(|series| series.spec.chart == title)
                .collect::<Vec<_>>();
            view! {
                <div class=if wide { "card" } else { "card half wide-third" }>
                    <div class="card-body">{chart(title, &of_it, past, range, marks)}</div>
                </div>
            }
        })
        .collect::<Vec<_>>();
    view! {
        <div class="grid stretch">{cards}</div>
        <p class="muted">
            "Lines are means of " {duration(past.step_ms.max(1000))} ", bands reach from the least to the greatest value. "
            <a class="link" href=csv rel="external" download="">
                "Values as CSV"
            </a>
        </p>
    }
}

fn chart(title: &str, series: &[&PastSeries], past: &Past, range: &Range, marks: &[Mark]) -> AnyView {
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
    let more = series.len().saturating_sub(NAMED);
    let more = (more > 0).then(|| view! { <li class="muted">{format!("and {more} more")}</li> });
    view! {
        <figure class="chart still">
            <figcaption>
                <h3 class="chart-title">{title.to_owned()}</h3>
            </figcaption>
            <div class="chart-body">
                <div class="chart-y" aria-hidden="true">
                    {labels}
                </div>
                <div class="plot">
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
        <li class="chart-series" title=reach>
            <span class=format!("chart-swatch {}", look(slot)) aria-hidden="true"></span>
            <span class="chart-name">{series.spec.title.clone()}</span>
            <span class="chart-value">
                <b>{told.number}</b>
                <small>{told.unit}</small>
            </span>
        </li>
    }
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
