//! What the series of a metric can be told apart by.

use crate::history::{self, Store, selector::Selector};
use farol_app::pages::explore::view::LabelValues;
use farol_model::Fault;
use std::collections::{BTreeMap, BTreeSet};

/// The labels of a metric with their values, in order, so many values of each at most. The channel is one of them where there are
/// several.
pub async fn labels(store: Option<Store>, metric: &str, limit: usize) -> Result<Vec<LabelValues>, Fault> {
    let store = history::kept(store)?;
    let selector = Selector::parse(metric)?;
    history::blocking(move || {
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut channels = BTreeSet::new();
        for series in store.series(&[selector], "") {
            channels.insert(series.channel.to_string());
            for label in &series.spec.labels {
                let values = found.entry(label.name.clone()).or_default();
                if values.len() < limit {
                    values.insert(label.value.clone());
                }
            }
        }
        if channels.len() > 1 {
            found.insert("channel".to_owned(), channels.into_iter().take(limit).collect());
        }
        let labels = found.into_iter().map(|(name, values)| LabelValues {
            name,
            values: values.into_iter().collect(),
        });
        Ok(labels.collect())
    })
    .await
}
