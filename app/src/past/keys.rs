//! Buckets of a histogram, as the legend of a heat map.

use super::legend::{short, value};
use crate::{charts::still::Drawing, format::format, prelude::*};
use farol_model::metric::Unit;

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
