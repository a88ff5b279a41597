//! What pages are told of the past of a channel.

use crate::history::{
    self, Store,
    query::{Query, Step},
    selector::Selector,
};
use farol_app::pages::host::past::{Past, PastSeries};
use farol_model::Fault;

/// Reads all series of a channel over a time.
pub async fn read(
    store: Option<Store>,
    channel: &str,
    from_ms: i64,
    to_ms: i64,
    points: usize,
) -> Result<Past, Fault> {
    let store = history::kept(store)?;
    // Names of channels have no character that would have to be escaped.
    let query = Query {
        selectors: vec![Selector::parse(&format!("{{channel=\"{channel}\"}}"))?],
        from_ms,
        to_ms,
        step: Step::Points(points),
    };
    let answer = history::blocking(move || store.query(&query)).await?;
    let times_ms = answer.grid.times_ms();
    let series = answer.series.into_iter().map(|found| PastSeries {
        spec: found.series.spec.clone(),
        min: found.min,
        max: found.max,
        mean: found.mean,
    });
    Ok(Past {
        step_ms: answer.grid.step_ms,
        times_ms,
        series: series.collect(),
    })
}
