//! The charts of a channel over a range, read and drawn.

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
    (range, look): &(Range, Look),
    marks: &[Mark],
    keep: impl Fn(&PastSeries) -> bool,
) -> AnyView {
    match read(metrics, channel, range, look).await {
        Ok((mut past, earlier)) => {
            past.series.retain(keep);
            figures(&Frame {
                place: Some(place),
                source: Source::Channel(channel),
                range,
                look,
                past: &past,
                earlier: earlier.as_ref(),
                marks,
            })
        }
        Err(fault) => bar::refused(&fault),
    }
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
