//! All charts of some series over a range, or one of them alone.

use super::{Frame, PastSeries, Source, figure::framed, looks::looks};
use crate::{
    charts::still::{Columns, states},
    format::duration,
    pages::drawn::time,
    ports::MOST_MOMENTS,
    prelude::*,
    ui::{Glyph, Icon},
};

/// Marked moments that are listed at most.
const LISTED: usize = 50;

/// One chart, and what its series were read from.
pub struct Chart<'a> {
    pub title: &'a str,
    pub series: Vec<&'a PastSeries>,
    frame: &'a Frame<'a>,
}

/// All charts of what was read, the choice of their look, and their values as a file. Frames differ in nothing but what was read
/// from where; of each those series are drawn that `keep` names.
pub fn figures<'a>(frames: &'a [Frame<'a>], keep: &dyn Fn(&Frame<'_>, &PastSeries) -> bool) -> AnyView {
    let charts: Vec<Chart<'a>> = frames.iter().flat_map(|frame| charts(frame, keep)).collect();
    let Some(frame) = charts.first().map(|chart| chart.frame) else {
        return said("Nothing of this was written down in this time.");
    };
    let Some(wanted) = &frame.look.chart else {
        let class = match (charts.len(), frames.len()) {
            (1, _) => "card",
            (_, 1) => "card half wide-third",
            _ => "card half",
        };
        let cards = charts.iter().map(|chart| card(class, chart)).collect::<Vec<_>>();
        return view! {
            {looks(frame, has_states(&charts))}
            <div class="grid stretch">{cards}</div>
            {foot(frames, &charts)}
        };
    };
    let back = frame.href(&frame.look.but(|look| look.chart = None));
    let back = view! { <p><a class="link" href=back data-noscroll="true">"All charts"</a></p> };
    let Some(chart) = charts.iter().find(|chart| chart.title == wanted) else {
        let words: String = wanted.chars().take(80).collect();
        return view! { {back} {said(&format!("There is no chart \u{201c}{words}\u{201d} in this time."))} };
    };
    let alone = std::slice::from_ref(chart);
    view! {
        {back}
        {looks(chart.frame, has_states(alone))}
        {card("card", chart)}
        {foot(frames, alone)}
    }
}

fn card(class: &'static str, chart: &Chart<'_>) -> AnyView {
    view! {
        <div class=class>
            <div class="card-body">{framed(chart.title, &chart.series, chart.frame)}</div>
        </div>
    }
}

/// Series by the chart that they belong to, in the order in which charts come.
pub fn charts<'a>(frame: &'a Frame<'a>, keep: &dyn Fn(&Frame<'_>, &PastSeries) -> bool) -> Vec<Chart<'a>> {
    let mut charts: Vec<Chart<'a>> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for series in frame.past.series.iter().filter(|series| keep(frame, series)) {
        let title = series.spec.chart.as_str();
        let place = *places.entry(title).or_insert_with(|| {
            charts.push(Chart {
                title,
                series: Vec::new(),
                frame,
            });
            charts.len() - 1
        });
        if let Some(chart) = charts.get_mut(place) {
            chart.series.push(series);
        }
    }
    charts
}

/// Whether some chart has states.
pub fn has_states(charts: &[Chart<'_>]) -> bool {
    charts.iter().any(|chart| {
        let columns = chart.series.iter().map(|one| Columns {
            min: &one.min,
            max: &one.max,
            mean: &one.mean,
        });
        states::known(&columns.collect::<Vec<_>>()).is_some_and(|known| !known.is_empty())
    })
}

/// What the drawing means, its values as a file, and what is marked.
fn foot(frames: &[Frame<'_>], charts: &[Chart<'_>]) -> AnyView {
    let Some(frame) = charts.first().map(|chart| chart.frame) else {
        return ().into_any();
    };
    let csv = match (frames, frame.source, &frame.look.chart) {
        ([_], Source::Channel(channel), None) => frame.whole_channel(channel),
        _ => {
            let asked = charts.iter().map(|chart| chart.frame.questions(&chart.series));
            frame.asking("/api/v1/export.csv", &asked.flatten().collect::<Vec<_>>(), &[])
        }
    };
    let csv = csv.map(|csv| {
        view! {
            <a class="link" href=csv rel="external" download="">
                "Values as CSV"
            </a>
        }
    });
    let then = |frame: &Frame<'_>| frame.earlier.is_some_and(|past| past.series.iter().any(known));
    let compared =
        frame
            .look
            .compare
            .as_ref()
            .map(|offset| match charts.iter().any(|chart| then(chart.frame)) {
                true => format!("What is paler and dashed is the same {}. ", offset.words()),
                false => format!("Nothing of these series is known of {}. ", offset.words()),
            });
    // A wide channel is drawn with fewer points than one beside it.
    let mut steps: Vec<i64> = charts
        .iter()
        .map(|chart| chart.frame.past.step_ms.max(1000))
        .collect();
    steps.sort_unstable();
    steps.dedup();
    let steps: Vec<String> = steps.into_iter().map(duration).collect();
    view! {
        <p class="muted">
            "Each point is the mean of " {steps.join(" or ")}
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
                    {(frame.marks.len() >= MOST_MOMENTS as usize).then(|| view! {
                        <p class="muted">{format!("Of runs the newest {MOST_MOMENTS} begins and ends of this time are marked.")}</p>
                    })}
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
