//! The charts of channels over a range, read and drawn.

use super::{
    Frame, Look, Past, PastSeries, Range, Source,
    bar::{self, Place},
    figures::figures,
};
use crate::{ports::MetricsPort, prelude::*};
use farol_model::{Fault, action::Mark};

/// The charts of those series that `keep` names, or why there are none.
pub async fn of_channel(
    metrics: &dyn MetricsPort,
    channel: &str,
    place: Place<'_>,
    past: &(Range, Look),
    marks: &[Mark],
    keep: impl Fn(&PastSeries) -> bool,
) -> AnyView {
    of_channels(metrics, &[channel], place, past, marks, |_, series| keep(series)).await
}

/// The same of several channels. `keep` is told whose series it is.
pub async fn of_channels(
    metrics: &dyn MetricsPort,
    channels: &[&str],
    place: Place<'_>,
    (range, look): &(Range, Look),
    marks: &[Mark],
    keep: impl Fn(&str, &PastSeries) -> bool,
) -> AnyView {
    let mut answers = Vec::with_capacity(channels.len());
    // One after another: no page takes more than one of the places at the store.
    for channel in channels {
        match read(metrics, channel, range, look).await {
            Ok((past, earlier)) => answers.push((*channel, past, earlier)),
            Err(fault) => return bar::refused(&fault),
        }
    }
    let frames: Vec<Frame<'_>> = answers
        .iter()
        .map(|(channel, past, earlier)| Frame {
            place: Some(place),
            source: Source::Channel(channel),
            range,
            look,
            past,
            earlier: earlier.as_ref(),
            marks,
        })
        .collect();
    figures(&frames, &|frame, series| match frame.source {
        Source::Channel(channel) => keep(channel, series),
        Source::Expression(_) => true,
    })
}

/// What was at that time, and at the time that is compared with.
async fn read(
    metrics: &dyn MetricsPort,
    channel: &str,
    range: &Range,
    look: &Look,
) -> Result<(Past, Option<Past>), Fault> {
    let series = metrics.view(channel, 1).map_or(0, |view| view.schema.len());
    let points = look.points(series);
    let read = |before: i64| metrics.past(channel, range.from_ms - before, range.to_ms - before, points);
    let past = read(0).await?;
    let earlier = match &look.compare {
        Some(offset) => Some(read(offset.ms).await?),
        None => None,
    };
    Ok((past, earlier))
}
