//! All charts of some series over a range, or one of them alone.

use super::{Frame, PastSeries, figure::framed, looks::looks};
use crate::{
    charts::still::{Columns, states},
    format::duration,
    pages::drawn::time,
    prelude::*,
    ui::{Glyph, Icon},
};

/// Marked moments that are listed at most.
const LISTED: usize = 50;

/// All charts of what was read, the choice of their look, and their values as a file.
pub fn figures(frame: &Frame<'_>) -> AnyView {
    let all: Vec<&PastSeries> = frame.past.series.iter().collect();
    let charts = charts(&all);
    if charts.is_empty() {
        return said("Nothing of this group was written down in this time.");
    }
    let Some(wanted) = &frame.look.chart else {
        let wide = charts.len() == 1;
        let cards = charts
            .iter()
            .map(|(title, series)| {
                view! {
                    <div class=if wide { "card" } else { "card half wide-third" }>
                        <div class="card-body">{framed(title, series, frame)}</div>
                    </div>
                }
            })
            .collect::<Vec<_>>();
        return view! {
            {looks(frame, has_states(&charts))}
            <div class="grid stretch">{cards}</div>
            {foot(&all, frame)}
        };
    };
    let back = frame.href(&frame.look.but(|look| look.chart = None));
    let back = view! { <p><a class="link" href=back>"All charts of this group"</a></p> };
    let found: Vec<(&str, Vec<&PastSeries>)> =
        charts.into_iter().filter(|(title, _)| title == wanted).collect();
    let Some((title, series)) = found.first() else {
        let words: String = wanted.chars().take(80).collect();
        return view! { {back} {said(&format!("There is no chart \u{201c}{words}\u{201d} in this time."))} };
    };
    view! {
        {back}
        {looks(frame, has_states(&found))}
        <div class="card">
            <div class="card-body">{framed(title, series, frame)}</div>
        </div>
        {foot(series, frame)}
    }
}

/// Series by the chart that they belong to, in the order in which charts come.
pub fn charts<'a>(all: &[&'a PastSeries]) -> Vec<(&'a str, Vec<&'a PastSeries>)> {
    let mut charts: Vec<(&str, Vec<&PastSeries>)> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for series in all {
        let place = *places.entry(series.spec.chart.as_str()).or_insert_with(|| {
            charts.push((&series.spec.chart, Vec::new()));
            charts.len() - 1
        });
        if let Some((_, of_chart)) = charts.get_mut(place) {
            of_chart.push(series);
        }
    }
    charts
}

/// Whether some chart has states.
pub fn has_states(charts: &[(&str, Vec<&PastSeries>)]) -> bool {
    charts.iter().any(|(_, series)| {
        let columns: Vec<Columns<'_>> = series
            .iter()
            .map(|one| Columns {
                min: &one.min,
                max: &one.max,
                mean: &one.mean,
            })
            .collect();
        states::known(&columns).is_some_and(|known| !known.is_empty())
    })
}

/// What the drawing means, its values as a file, and what is marked.
fn foot(series: &[&PastSeries], frame: &Frame<'_>) -> AnyView {
    let csv = match frame.source {
        super::Source::Channel(channel) if frame.look.chart.is_none() => frame.whole_channel(channel),
        _ => frame.api("/api/v1/export.csv", series, &[]),
    };
    let csv = csv.map(|csv| {
        view! {
            <a class="link" href=csv rel="external" download="">
                "Values as CSV"
            </a>
        }
    });
    let compared = frame.look.compare.as_ref().map(|offset| {
        match frame.earlier.is_some_and(|past| past.series.iter().any(known)) {
            true => format!("What is paler and dashed is the same {}. ", offset.words()),
            false => format!("Nothing of these series is known of {}. ", offset.words()),
        }
    });
    view! {
        <p class="muted">
            "Each point is the mean of " {duration(frame.past.step_ms.max(1000))}
            "; bands reach from the least to the greatest value. Times are UTC. " {compared} {csv}
        </p>
        {marked(frame)}
    }
}

fn known(series: &PastSeries) -> bool {
    series.mean.iter().any(|value| value.is_finite())
}

/// Marked moments of this time as a list.
fn marked(frame: &Frame<'_>) -> AnyView {
    let within = |at_ms: i64| (frame.range.from_ms..=frame.range.to_ms).contains(&at_ms);
    let mut marks: Vec<_> = frame.marks.iter().filter(|mark| within(mark.at_ms)).collect();
    marks.sort_by_key(|mark| mark.at_ms);
    let more = marks.len().saturating_sub(LISTED);
    let items = marks
        .iter()
        .take(LISTED)
        .map(|mark| view! { <li>{time(mark.at_ms)} " " {mark.title.clone()}</li> })
        .collect::<Vec<_>>();
    (!items.is_empty())
        .then(|| {
            view! {
                <details class="marked">
                    <summary>{format!("What is marked ({})", marks.len())}</summary>
                    <ol>{items}</ol>
                    {(more > 0).then(|| view! { <p class="muted">{format!("and {more} more")}</p> })}
                </details>
            }
        })
        .into_any()
}

pub fn said(words: &str) -> AnyView {
    view! {
        <div class="unavailable">
            <Icon glyph=Glyph::Info/>
            <p>{words.to_owned()}</p>
        </div>
    }
}
