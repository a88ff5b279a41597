//! What a way of drawing needs to be read: shades, states, buckets.

use super::legend::{short, value};
use crate::{
    charts::still::{Drawing, heat::LEVELS, markup::tone_class},
    format::format,
    prelude::*,
};
use farol_model::metric::Unit;

/// What the shades of a heat map say.
pub fn shades(drawing: &Drawing) -> AnyView {
    let scale = drawing.scale.as_ref().map(|scale| {
        let steps = (1..=LEVELS)
            .map(|level| view! { <i class=format!("shade h{level}")></i> })
            .collect::<Vec<_>>();
        view! {
            <p class="chart-scale">
                <span>{scale.low.clone()}</span>
                <span class="chart-shades" aria-hidden="true">{steps}</span>
                <span>{scale.high.clone()}</span>
                " "
                <span>{scale.words.clone()}</span>
            </p>
        }
    });
    scale.into_any()
}

/// What the colours of states say.
pub fn tones(drawing: &Drawing) -> AnyView {
    let tones = drawing
        .tones
        .iter()
        .map(|(tone, words)| {
            view! { <li><i class=format!("tone {}", tone_class(*tone)) aria-hidden="true"></i> {words.clone()}</li> }
        })
        .collect::<Vec<_>>();
    (!tones.is_empty())
        .then(|| view! { <ul class="chart-tones">{tones}</ul> })
        .into_any()
}

/// Buckets of a histogram, the greatest above, with the events of the whole time.
pub fn buckets(drawing: &Drawing, step_ms: i64) -> AnyView {
    let unit = Unit::Count as i32;
    let rows = drawing
        .rows
        .iter()
        .zip(&drawing.buckets)
        .enumerate()
        .map(|(at, (name, counts))| {
            let sum: f64 = counts.iter().filter(|count| count.is_finite()).sum();
            let most = counts.iter().copied().filter(|count| count.is_finite()).fold(f64::NAN, f64::max);
            view! {
                <tr class="chart-series" data-unit=unit.to_string() data-values=short(counts) data-row=at.to_string()>
                    <th scope="row" class="chart-name-cell"><span class="chart-label"><span class="chart-name">{name.clone()}</span></span></th>
                    {value(format(sum, unit), "")}
                    {value(format(most, unit), "")}
                </tr>
            }
        })
        .collect::<Vec<_>>();
    let most = format!("Most in {}", crate::format::duration(step_ms.max(1000)));
    view! {
        <table class="chart-table">
            <thead>
                <tr>
                    <th scope="col" class="chart-name-cell">"Bucket"</th>
                    <th scope="col">"Events"</th>
                    <th scope="col">{most}</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
}
