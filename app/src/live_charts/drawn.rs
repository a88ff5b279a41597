//! Live charts as the server hands them out: how each is drawn at first, what can be done with it, and the ways to look at all of them
//! otherwise. The browser draws them.

use super::LiveGroup;
use crate::{
    charts::live::LiveChart,
    past::{
        Frame, Look, Past, PastSeries, Range, Source,
        bar::Place,
        figure::usual,
        figures::{Chart, charts, has_states, said},
        look::Offset,
        looks::looks,
        menu::menu,
        range::LIVE_MS,
    },
    ports::MetricsPort,
    prelude::*,
};
use farol_model::{
    Fault,
    metric::MetricSpec,
    sample::{ChannelView, Column, Snapshot},
};

/// Points of an earlier period, and all its values at most.
const POINTS: usize = 160;
const CELLS: usize = 30_000;
/// How far it is told ahead, milliseconds: longer than until it is asked for again.
const AHEAD_MS: i64 = 90_000;

/// Which live charts are wanted, and how.
pub struct Wanted<'a> {
    /// The page, without its look.
    pub place: Place<'a>,
    pub look: &'a Look,
    /// Whether a chart is among those that are wanted. One that is to be alone must be too.
    pub keep: &'a (dyn Fn(&str) -> bool + Sync),
}

/// The charts of a channel, and the ways to look at them otherwise, which stand above them.
pub async fn live_charts(
    metrics: &dyn MetricsPort,
    channel: &ChannelView,
    wanted: &Wanted<'_>,
) -> (AnyView, LiveGroup) {
    let look = wanted.look;
    let (earlier, said) = match &look.compare {
        None => (None, None),
        Some(offset) => match earlier(metrics, &channel.channel, offset).await {
            Ok(earlier) => {
                let words = compared(&earlier, offset);
                (Some(earlier), Some(words))
            }
            Err(fault) => (None, Some(fault.message)),
        },
    };
    let (looks, charts) = choose(channel, wanted, metrics.now_ms());
    let looks = view! {
        {looks}
        {said.map(|said| view! { <p class="muted">{said}</p> })}
    };
    let period = look.compare.as_ref();
    let group = LiveGroup {
        charts,
        period: period.map_or_else(String::new, |offset| offset.word.clone()),
        earlier,
    };
    (looks, group)
}

/// What is drawn of an earlier period.
fn compared(earlier: &ChannelView, offset: &Offset) -> String {
    let mut values = earlier.snapshot.columns.iter().flat_map(|column| &column.values);
    match values.any(|value| value.is_finite()) {
        true => format!("What is paler and dashed is the same {}.", offset.words()),
        false => format!("Nothing of these series is known of {}.", offset.words()),
    }
}

/// A channel an earlier period before, moved into the time that live charts show and a little further.
pub async fn earlier(
    metrics: &dyn MetricsPort,
    channel: &str,
    offset: &Offset,
) -> Result<ChannelView, Fault> {
    let now_ms = metrics.now_ms();
    let Some(view) = metrics.view(channel, 1) else {
        return Err(Fault::not_found("There is no such channel."));
    };
    let points = POINTS.min(CELLS / view.schema.len().max(1)).max(20);
    let (from_ms, to_ms) = (now_ms - LIVE_MS - offset.ms, now_ms + AHEAD_MS - offset.ms);
    let past = metrics.past(channel, from_ms, to_ms.min(now_ms), points).await?;
    let times_ms = past.times_ms.iter().map(|time| time + offset.ms).collect();
    let (schema, columns) = past
        .series
        .into_iter()
        .map(|one| {
            let values = one.mean;
            (one.spec, Column { values })
        })
        .unzip();
    Ok(ChannelView {
        schema,
        snapshot: Snapshot {
            times_ms,
            columns,
            step_ms: u32::try_from(past.step_ms).unwrap_or(u32::MAX),
        },
        epoch: String::new(),
        offset: 0,
        ..view
    })
}

/// Which charts there are, and the choice of their look.
fn choose(view: &ChannelView, wanted: &Wanted<'_>, now_ms: i64) -> (AnyView, Vec<LiveChart>) {
    let Wanted { place, look, keep } = *wanted;
    let range = Range::live(now_ms);
    // Only names are asked of them, and which way suits the values that are there.
    let past = Past {
        step_ms: i64::from(view.snapshot.step_ms),
        times_ms: Vec::new(),
        series: series(view),
    };
    let frame = Frame {
        place: Some(place),
        source: Source::Channel(&view.channel),
        range: &range,
        look,
        past: &past,
        earlier: None,
        marks: &[],
    };
    let mut found = charts(&frame, &|_, series| keep(&series.spec.chart));
    found.retain(|chart| look.chart.as_ref().is_none_or(|wanted| chart.title == wanted));
    let alone = look.chart.is_some();
    let charts = found.iter().map(|Chart { title, series, .. }| {
        let keys: Vec<String> = series.iter().map(|one| one.spec.key()).collect();
        let shown = look.shown(&keys);
        let hidden = keys.into_iter().zip(shown).filter(|(_, shown)| !shown);
        LiveChart {
            title: (*title).to_owned(),
            mode: look.mode.unwrap_or_else(|| usual(series)),
            log: look.log,
            alone,
            hidden: hidden.map(|(key, _)| key).collect(),
            menu: menu(title, series, &frame).to_html(),
        }
    });
    let charts: Vec<LiveChart> = charts.collect();
    let back = alone.then(|| {
        let back = frame.href(&look.but(|look| look.chart = None));
        let words = look.chart.as_deref().unwrap_or_default().chars().take(80);
        let missing = charts.is_empty().then(|| {
            said(&format!(
                "There is no chart \u{201c}{}\u{201d} here.",
                words.collect::<String>()
            ))
        });
        view! {
            <p><a class="link" href=back data-noscroll="true">"All charts"</a></p>
            {missing}
        }
    });
    let some = !charts.is_empty();
    let choice = some.then(|| looks(&frame, has_states(&found)));
    (view! { {back} {choice} }, charts)
}

/// Series with the values of the view, for which least, mean and greatest are the same.
fn series(view: &ChannelView) -> Vec<PastSeries> {
    let values = |at: usize| {
        let column = view.snapshot.columns.get(at);
        column.map_or_else(Vec::new, |column| column.values.clone())
    };
    let one = |(at, spec): (usize, &MetricSpec)| PastSeries {
        spec: spec.clone(),
        min: values(at),
        max: values(at),
        mean: values(at),
    };
    view.schema.iter().enumerate().map(one).collect()
}
