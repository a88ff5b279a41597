//! The series of a real machine.

use crate::{bytes_of, open_at};
use farol::{
    collectors::{self, Outlet, scheduler},
    history::{
        Store,
        column::put_column,
        feed::Feed,
        query::{Query, Step},
        registry::Series,
        selector::Selector,
        tier::Tier,
    },
};
use farol_model::{health::CollectorStatus, metric::MetricSpec, process::ProcessRow};
use std::{collections::BTreeMap, path::Path, process::Command, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// Metrics that are named as those that take the most.
const NAMED: usize = 12;

/// Straight into history.
struct Straight(Feed);

impl Outlet for Straight {
    fn frame(
        &self,
        channel: &str,
        schema: &Arc<[MetricSpec]>,
        t_ms: i64,
        interval_ms: u32,
        values: Vec<f64>,
    ) {
        self.0.frame(channel, schema, t_ms, interval_ms, &values);
    }

    fn processes(&self, _: i64, _: Vec<ProcessRow>) {}

    fn health(&self, _: &[CollectorStatus]) {}
}

/// What all collectors of this machine tell in so many seconds.
pub fn collected(seconds: u64) {
    let dir = tempfile::tempdir().unwrap();
    let store = open_at(dir.path(), farol::time::now_ms);
    let shutdown = CancellationToken::new();
    let outlet = Arc::new(Straight(store.feed()));
    let _control = scheduler::start(collectors::registered(), None, outlet, shutdown.clone());
    // What is measured is what comes in so long a time.
    std::thread::park_timeout(Duration::from_secs(seconds));
    shutdown.cancel();
    report(&store, dir.path());
}

/// A copy of the history of a server that has run for some minutes.
pub fn of_server(from: &Path) {
    let dir = tempfile::tempdir().unwrap();
    let copied = Command::new("cp")
        .arg("-r")
        .arg(from)
        .arg(dir.path().join("history"))
        .status()
        .unwrap();
    assert!(copied.success());
    let store = open_at(dir.path(), farol::time::now_ms);
    report(&store, dir.path());
}

/// Bytes of a sample of all that is there.
fn report(store: &Store, dir: &Path) {
    store.tidied();
    store.merge_all().unwrap();
    let all = [Selector::parse("{channel!=\"\"}").unwrap()];
    let series = store.series(&all, "");
    let mut samples = 0;
    for some in series.chunks(20) {
        let selectors: Vec<Selector> = some
            .iter()
            .map(|series| Selector::of_series(&series.channel, &series.spec))
            .collect();
        let span = (0, farol::time::now_ms());
        let answer = selectors.chunks(20).map(|selectors| {
            store
                .query(&Query {
                    selectors: selectors.to_vec(),
                    from_ms: span.0,
                    to_ms: span.1,
                    step: Step::Points(100),
                })
                .unwrap()
        });
        samples += answer
            .flat_map(|answer| answer.series)
            .flat_map(|found| found.count)
            .sum::<u64>();
    }
    let raw = bytes_of(dir, Tier::Raw);
    println!(
        "   real: {} series, {samples} samples: {:.3} bytes a sample ({raw} bytes)",
        series.len(),
        raw as f64 / samples as f64
    );
    by_metric(store, &series);
    store.close();
}

/// Which metrics take the most, of the last hour.
fn by_metric(store: &Store, series: &[Arc<Series>]) {
    let mut bytes: BTreeMap<&str, (usize, u64)> = BTreeMap::new();
    let now = farol::time::now_ms();
    for one in series {
        let query = Query {
            selectors: vec![Selector::of_series(&one.channel, &one.spec)],
            from_ms: now - 3_600_000,
            to_ms: now,
            step: Step::Of(1000),
        };
        let answer = store.query(&query).unwrap();
        for found in answer.series {
            let mut column = Vec::new();
            put_column(&mut column, &found.last);
            let all = bytes.entry(&one.spec.name).or_default();
            *all = (all.0 + column.len(), all.1 + found.count.iter().sum::<u64>());
        }
    }
    let sum: usize = bytes.values().map(|(bytes, _)| bytes).sum();
    let mut bytes: Vec<_> = bytes.into_iter().collect();
    bytes.sort_by_key(|(_, (bytes, _))| std::cmp::Reverse(*bytes));
    for (name, (bytes, samples)) in bytes.into_iter().take(NAMED) {
        println!(
            "      {:.1} % of it: {name}, {:.2} bytes a sample",
            100.0 * bytes as f64 / sum as f64,
            bytes as f64 / samples.max(1) as f64
        );
    }
}
