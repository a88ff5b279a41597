//! What pages are told of the past, and of which series there are.

use crate::history::{
    self, Store,
    expr::Expression,
    query::{Answer, Query, Step},
    selector::Selector,
};
use farol_app::past::{FoundName, FoundSeries, Past, PastSeries};
use farol_model::Fault;

/// Reads all series of a channel over a time.
pub async fn read(
    store: Option<Store>,
    channel: &str,
    from_ms: i64,
    to_ms: i64,
    points: usize,
) -> Result<Past, Fault> {
    // Names of channels have no character that would have to be escaped.
    let query = Query {
        selectors: vec![Selector::parse(&format!("{{channel=\"{channel}\"}}"))?],
        from_ms,
        to_ms,
        step: Step::Points(points),
    };
    let store = history::kept(store)?;
    store.seated(move |store| store.query(&query).map(past)).await
}

/// Reads what an expression says.
pub async fn evaluate(
    store: Option<Store>,
    expression: &str,
    from_ms: i64,
    to_ms: i64,
    points: usize,
) -> Result<Past, Fault> {
    let store = history::kept(store)?;
    let expression = Expression::parse(expression)?;
    let step = Step::Points(points);
    store
        .seated(move |store| store.evaluate(&expression, from_ms, to_ms, step).map(past))
        .await
}

fn past(answer: Answer) -> Past {
    let times_ms = answer.grid.times_ms();
    let series = answer.series.into_iter().map(|found| PastSeries {
        spec: found.series.spec.clone(),
        min: found.min,
        max: found.max,
        mean: found.mean,
    });
    Past {
        step_ms: answer.grid.step_ms,
        times_ms,
        series: series.collect(),
    }
}

/// Metrics in whose series all words are found, best first.
pub async fn find(store: Option<Store>, words: &str, limit: usize) -> Result<FoundSeries, Fault> {
    let store = history::kept(store)?;
    let words = words.to_owned();
    // No file is read for it, so it needs no turn.
    let found = history::blocking(move || Ok(store.find(&words, limit))).await?;
    let name = |metric: history::find::FoundMetric| {
        let spec = &metric.example.spec;
        FoundName {
            name: spec.name.clone(),
            help: spec.help.clone(),
            unit: spec.unit,
            channel: metric.example.channel.to_string(),
            count: metric.count,
            labels: metric.labels,
        }
    };
    Ok(FoundSeries {
        total: found.total,
        names: found.metrics.into_iter().map(name).collect(),
    })
}
