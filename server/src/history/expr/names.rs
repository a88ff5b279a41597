//! What the lines of a result are called: short, and so that they are told apart.

use super::lines::{CHANNEL, Line};
use crate::history::{
    grid::{Found, Grid},
    registry::Series,
};
use farol_model::metric::MetricSpec;
use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

/// Letters of a title at most.
const TITLE: usize = 80;

/// The lines as an answer, without the points that were only led up from.
pub fn named(lines: Vec<Line>, text: &str, lead: usize, grid: &Grid) -> Vec<Found> {
    let titles = titles(&lines, text);
    lines
        .into_iter()
        .zip(titles)
        .map(|(line, title)| found(line, title, text, lead, grid))
        .collect()
}

fn found(line: Line, title: String, text: &str, lead: usize, grid: &Grid) -> Found {
    let spec = match &line.series {
        Some(series) => MetricSpec {
            title,
            ..series.spec.clone()
        },
        None => MetricSpec {
            labels: line.labels.clone(),
            ..MetricSpec::gauge(
                text,
                line.unit,
                &cut(text),
                &title,
                "Calculated from what was kept.",
            )
        },
    };
    let series = Arc::new(Series {
        id: line.series.as_ref().map_or(0, |series| series.id),
        channel_id: line.series.as_ref().map_or(0, |series| series.channel_id),
        channel: line.channel.clone().unwrap_or_else(|| "".into()),
        spec,
    });
    let points = &line.points[lead.min(line.points.len())..];
    debug_assert_eq!(points.len(), grid.count);
    Found {
        series,
        min: points.iter().map(|point| point.min).collect(),
        max: points.iter().map(|point| point.max).collect(),
        mean: points.iter().map(|point| point.mean).collect(),
        last: points.iter().map(|point| point.last).collect(),
        count: points.iter().map(|point| point.count).collect(),
    }
}

/// The series' own titles where those tell the lines apart, else the labels that do, else all there is.
fn titles(lines: &[Line], text: &str) -> Vec<String> {
    let own: Option<Vec<String>> = lines.iter().map(|line| line.title.clone()).collect();
    if let Some(own) = own {
        if all_differ(&own) {
            return own;
        }
        // As of several charts, in each of which something is "used".
        let charts = lines
            .iter()
            .filter_map(|line| Some(&line.series.as_ref()?.spec.chart));
        let with_chart: Vec<String> = charts
            .zip(&own)
            .map(|(chart, own)| format!("{chart} {own}"))
            .collect();
        if with_chart.len() == own.len() && all_differ(&with_chart) {
            return with_chart;
        }
    }
    let names: BTreeSet<&str> = lines
        .iter()
        .flat_map(|line| line.labels.iter().map(|label| label.name.as_str()))
        .chain([CHANNEL])
        .collect();
    let differs = |name: &str| lines.iter().any(|line| line.label(name) != lines[0].label(name));
    let telling: Vec<&str> = names.into_iter().filter(|name| differs(name)).collect();
    let without_channel: Vec<&str> = telling.iter().copied().filter(|name| *name != CHANNEL).collect();
    for some in [&without_channel, &telling] {
        let made: Vec<String> = lines.iter().map(|line| of_labels(line, some, text)).collect();
        if all_differ(&made) {
            return made;
        }
    }
    lines
        .iter()
        .map(|line| {
            let name = line.metric.as_deref().unwrap_or(text);
            cut(format!("{name} {}", of_labels(line, &telling, "")).trim())
        })
        .collect()
}

fn of_labels(line: &Line, names: &[&str], otherwise: &str) -> String {
    let values: Vec<&str> = names
        .iter()
        .map(|name| line.label(name))
        .filter(|value| !value.is_empty())
        .collect();
    match values.is_empty() {
        true => cut(otherwise),
        false => cut(&values.join(" ")),
    }
}

fn all_differ(titles: &[String]) -> bool {
    titles.iter().collect::<HashSet<_>>().len() == titles.len()
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(TITLE) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}\u{2026}", &text[..end]),
    }
}
