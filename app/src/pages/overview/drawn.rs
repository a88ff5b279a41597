//! What the server draws of the overview's charts: the ways to other times, and the charts of a time that is past.

use super::vital::main_charts;
use crate::{
    past::{
        Look, Range,
        bar::{self, Place},
        of_channel::of_channels,
    },
    ports::MetricsPort,
    prelude::*,
};
use farol_model::{Fault, action::Mark, sample::ChannelView};

/// The overview without its time and its look.
const HERE: Place<'static> = Place {
    path: "/",
    query: &[],
};

/// The charts that are live in these channels over the time that is asked for, or why not; above them the ways to other times. Where
/// none is asked for the ways are all, and nothing of the past is read.
pub async fn charts(
    metrics: &dyn MetricsPort,
    channels: &[ChannelView],
    asked: &Result<Option<(Range, Look)>, Fault>,
    marks: &[Mark],
) -> String {
    let (past, drawn) = match asked {
        Ok(None) => (None, None),
        Ok(Some(past)) => (Some(past), Some(still(metrics, channels, past, marks).await)),
        Err(fault) => (None, Some(bar::refused(fault))),
    };
    // Other times are looked at in the same way.
    let look = past.map(|(_, look)| look.query()).unwrap_or_default();
    let looked = Place { query: &look, ..HERE };
    let drawn = view! {
        {bar::bar(looked, past.map(|(range, _)| range), metrics.now_ms())}
        {drawn}
    };
    drawn.to_html()
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
