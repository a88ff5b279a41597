//! What the server draws of the overview's charts: the ways to other times, and the charts of a time that is past.

use super::vital::{TREND_SAMPLES, main_charts, vitals};
use crate::{
    live_charts::{LiveGroup, Wanted, live_charts},
    past::{
        Look, Range,
        asked::Asked,
        bar::{self, Place},
        of_channel::of_channels,
    },
    ports::MetricsPort,
    prelude::*,
};
use farol_model::{action::Mark, sample::ChannelView};

/// The overview without its time and its look.
const HERE: Place<'static> = Place {
    path: "/",
    query: &[],
};

/// The charts of the page: what is drawn here, and those that are live, for each of [`main_charts`].
#[derive(Default)]
pub struct Charts {
    pub html: String,
    pub live: Vec<LiveGroup>,
}

/// The main charts of these channels over the time that is asked for, or why not; above them the ways to other times and other looks.
/// Where no time is asked for (`past`), nothing of the past is read but what is compared with; where one is, nothing is told of live charts.
pub async fn charts(
    metrics: &dyn MetricsPort,
    channels: &[ChannelView],
    asked: &Asked,
    past: bool,
    marks: &[Mark],
) -> Charts {
    let usual = Look::default();
    let (range, look, fault) = match asked {
        Ok((range, look)) => (range.as_ref(), look, None),
        Err(fault) => (None, &usual, Some(fault)),
    };
    let (looks, live) = match past {
        true => (None, Vec::new()),
        false => follow(metrics, channels, look).await,
    };
    let drawn = match (range, fault) {
        (Some(range), _) => {
            let past = (range.clone(), look.clone());
            Some(still(metrics, channels, &past, marks).await)
        }
        (None, Some(fault)) => Some(bar::refused(fault)),
        (None, None) => looks,
    };
    // Other times are looked at in the same way.
    let look = look.query();
    let looked = Place { query: &look, ..HERE };
    let drawn = view! {
        {bar::bar(looked, range, metrics.now_ms())}
        {drawn}
    };
    Charts {
        html: drawn.to_html(),
        live,
    }
}

/// How far back the small lines of vital signs reach, milliseconds.
const SPARK_MS: i64 = 120_000;

/// The channels with the values of what the page shows of them: vital signs and, unless it is of a time that is `past`, the charts that are
/// live. All else has empty columns and no help, which the browser reads as no values until some come; on a page of the past nothing goes
/// further back than a vital sign looks.
pub fn spared(mut channels: Vec<ChannelView>, past: bool) -> Vec<ChannelView> {
    let signs = vitals(&channels);
    let main = if past { Vec::new() } else { main_charts(&channels) };
    for (at, view) in channels.iter_mut().enumerate() {
        let chart = main.iter().find(|(channel, _)| *channel == at);
        let chart = chart.map(|(_, chart)| chart.as_str());
        let ChannelView { schema, snapshot, .. } = view;
        let times = &mut snapshot.times_ms;
        let since = times.last().map_or(0, |last| last - SPARK_MS);
        let old = times.partition_point(|time| *time < since);
        let old = match past {
            true => old.min(times.len().saturating_sub(TREND_SAMPLES)),
            false => 0,
        };
        times.drain(..old);
        for (series, (spec, column)) in schema.iter_mut().zip(&mut snapshot.columns).enumerate() {
            let is_sign = signs
                .iter()
                .any(|sign| (sign.channel, sign.series) == (at, series));
            if is_sign || chart == Some(spec.chart.as_str()) {
                column.values.drain(..old.min(column.values.len()));
            } else {
                column.values.clear();
                spec.help.clear();
            }
        }
    }
    channels
}

/// The charts that are live, and the ways to look at them, which are the same for all.
async fn follow(
    metrics: &dyn MetricsPort,
    channels: &[ChannelView],
    look: &Look,
) -> (Option<AnyView>, Vec<LiveGroup>) {
    let (mut looks, mut groups): (Option<AnyView>, Vec<LiveGroup>) = (None, Vec::new());
    for (at, title) in main_charts(channels) {
        let Some(channel) = channels.get(at) else { continue };
        let keep = |chart: &str| chart == title;
        let wanted = Wanted {
            place: HERE,
            look,
            keep: &keep,
        };
        let (ways, group) = live_charts(metrics, channel, &wanted).await;
        let some = groups.iter().any(|group| !group.charts.is_empty());
        if looks.is_none() || (!some && !group.charts.is_empty()) {
            looks = Some(ways);
        }
        groups.push(group);
    }
    (looks, groups)
}

async fn still(
    metrics: &dyn MetricsPort,
    channels: &[ChannelView],
    past: &(Range, Look),
    marks: &[Mark],
) -> AnyView {
    let main = main_charts(channels);
    let mut main: Vec<(&str, &str)> = main
        .iter()
        .filter_map(|(at, chart)| Some((channels.get(*at)?.channel.as_str(), chart.as_str())))
        .collect();
    // Of one that is alone no other channel need be read.
    let wanted = past.1.chart.as_deref();
    if main.iter().any(|(_, chart)| Some(*chart) == wanted) {
        main.retain(|(_, chart)| Some(*chart) == wanted);
    }
    let names: Vec<&str> = main.iter().map(|(channel, _)| *channel).collect();
    of_channels(metrics, &names, HERE, past, marks, |channel, series| {
        main.contains(&(channel, series.spec.chart.as_str()))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use farol_model::{
        metric::{MetricSpec, Unit},
        sample::{Column, Snapshot},
    };

    /// A channel with a row each second; values of the last series are greatest.
    fn view(group: &str, series: &[(Unit, &str)], rows: i64) -> ChannelView {
        let spec = |(at, (unit, chart)): (usize, &(Unit, &str))| {
            MetricSpec::gauge("m", *unit, chart, "t", "Help.").label("at", &at.to_string())
        };
        let column = |at: usize| Column {
            values: (0..rows).map(|row| (row + at as i64 * 1000) as f64).collect(),
        };
        ChannelView {
            channel: format!("metrics/local/{group}"),
            schema: series.iter().enumerate().map(spec).collect(),
            snapshot: Snapshot {
                times_ms: (0..rows).map(|row| row * 1000).collect(),
                columns: (0..series.len()).map(column).collect(),
                step_ms: 1000,
            },
            epoch: "e".into(),
            offset: 7,
        }
    }

    fn both(rows: i64) -> Vec<ChannelView> {
        let disk = [
            (Unit::BytesPerSecond, "I/O"),
            (Unit::BytesPerSecond, "I/O"),
            (Unit::Percent, "Use"),
            (Unit::Percent, "Use"),
            (Unit::Count, "Inodes"),
        ];
        vec![
            view("disk", &disk, rows),
            view("load", &[(Unit::None, "Load"), (Unit::Count, "Tasks")], rows),
        ]
    }

    fn lengths(channels: &[ChannelView]) -> Vec<Vec<usize>> {
        let columns = |view: &ChannelView| {
            let columns = view.snapshot.columns.iter();
            columns.map(|column| column.values.len()).collect()
        };
        channels.iter().map(columns).collect()
    }

    #[test]
    fn a_live_page_has_the_values_of_its_charts_and_signs() {
        let live = spared(both(300), false);
        assert_eq!(lengths(&live), [vec![300, 300, 0, 300, 0], vec![300, 0]]);
        assert_eq!(vitals(&live), vitals(&both(300)), "the browser finds the same");
        assert_eq!(main_charts(&live), main_charts(&both(300)));
        assert_eq!(live[0].schema[0].help, "Help.");
        assert_eq!(live[0].schema[4].help, "");
        assert_eq!((live[0].epoch.as_str(), live[0].offset), ("e", 7));
    }

    #[test]
    fn a_page_of_the_past_has_its_signs_as_far_as_they_look() {
        let past = spared(both(300), true);
        assert_eq!(lengths(&past), [vec![0, 0, 0, 150, 0], vec![150, 0]]);
        assert_eq!(vitals(&past), vitals(&both(300)));
        let snapshot = &past[0].snapshot;
        assert_eq!(
            (snapshot.times_ms[0], snapshot.columns[3].values[0]),
            (150_000, 3150.0),
            "times and values go together"
        );
        assert_eq!(snapshot.times_ms.len(), 150);
        let few = spared(both(20), true);
        assert_eq!(lengths(&few), [vec![0, 0, 0, 20, 0], vec![20, 0]]);
        assert_eq!(lengths(&spared(both(0), true)), [vec![0; 5], vec![0; 2]]);
        assert!(spared(Vec::new(), false).is_empty());
    }
}
