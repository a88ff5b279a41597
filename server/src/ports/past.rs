//! What pages are told of the past of a channel.

use crate::history::{
    self, Store,
    query::{Query, Step},
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
    evaluate(
        store,
        &format!("{{channel=\"{channel}\"}}"),
        from_ms,
        to_ms,
        points,
    )
    .await
}

/// Reads what an expression says: a selector.
pub async fn evaluate(
    store: Option<Store>,
    expression: &str,
    from_ms: i64,
    to_ms: i64,
    points: usize,
) -> Result<Past, Fault> {
    let store = history::kept(store)?;
    let query = Query {
        selectors: vec![Selector::parse(expression)?],
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

/// Metrics in whose series all words are found.
pub async fn find(store: Option<Store>, words: &str, limit: usize) -> Result<FoundSeries, Fault> {
    let store = history::kept(store)?;
    let words = words.to_owned();
    history::blocking(move || {
        let all = store.series(&[], &words);
        let mut names: Vec<FoundName> = Vec::new();
        for series in &all {
            let spec = &series.spec;
            let label_names = || spec.labels.iter().map(|label| label.name.clone());
            match names.iter_mut().find(|found| found.name == spec.name) {
                Some(found) => {
                    found.count += 1;
                    for label in label_names() {
                        if !found.labels.contains(&label) {
                            found.labels.push(label);
                        }
                    }
                }
                None => names.push(FoundName {
                    name: spec.name.clone(),
                    help: spec.help.clone(),
                    unit: spec.unit,
                    channel: series.channel.to_string(),
                    count: 1,
                    labels: label_names().collect(),
                }),
            }
        }
        names.truncate(limit);
        Ok(FoundSeries {
            total: all.len(),
            names,
        })
    })
    .await
}
