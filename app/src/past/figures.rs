//! All charts of some series over a range.

use super::{Past, Range, figure::figure};
use crate::{
    format::{duration, escape},
    pages::explore::build::explore,
    prelude::*,
    ui::{Glyph, Icon},
};
use farol_model::action::Mark;

/// All charts of a channel over a range, and its values as a file.
pub fn figures(channel: &str, past: &Past, range: &Range, marks: &[Mark]) -> AnyView {
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
            let mut metrics: Vec<&str> = Vec::new();
            for series in &of_it {
                if !metrics.contains(&series.spec.name.as_str()) {
                    metrics.push(&series.spec.name);
                }
            }
            let there = explore(channel, &metrics, Some(range));
            view! {
                <div class=if wide { "card" } else { "card half wide-third" }>
                    <div class="card-body">
                        {figure(title, &of_it, past, range, marks)}
                        <a class="chart-explore" href=there aria-label=format!("Explore {title}")>
                            "Explore"
                        </a>
                    </div>
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
