//! Metrics of applications: asked for, or sent here. Each source is one channel `apps/NAME`; from there on its numbers are as any
//! other: live, kept, drawn.
//!
//! | file | owns |
//! |---|---|
//! | [`scrape`], [`targets`], [`mod@text`] | asking those that speak a text format of Prometheus |
//! | [`receive`], [`otlp`] | OpenTelemetry over HTTP, and what its points become |
//! | [`statsd`], [`packet`] | StatsD over UDP |
//! | [`sample`] | one value as a sender means it, and what its name says |
//! | [`series`] | the series of one source, and their bound |
//! | [`feed`] | a source: its series, how it stands, its frames |
//!
//! A sender is never believed: names, labels, numbers of series, sources and bytes are bounded, and what is refused is counted and told
//! at the source. You get it wrong when a source can grow without a bound, or when one that is silent looks as if it were well.

pub mod config;
pub mod feed;
pub mod gzip;
pub mod otlp;
pub mod packet;
pub mod receive;
pub mod sample;
pub mod scrape;
pub mod series;
pub mod statsd;
pub mod targets;
pub mod text;

pub use config::{IngestConfig, ScrapeConfig, StatsdConfig};

use crate::time::now_ms;
use farol_model::{
    Fault,
    ingest::{Source, SourceKind},
    metric::MetricSpec,
};
use feed::{Feed, Place};
use sample::Sample;
use series::Hold;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::MissedTickBehavior;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How often what was sent becomes a frame.
const TICK: Duration = Duration::from_secs(1);

/// Where frames go. Never waits.
pub trait Outlet: Send + Sync + 'static {
    /// One frame of a channel `apps/NAME`; `values` follow `schema` by position, NaN where there is none.
    fn frame(&self, channel: &str, schema: &Arc<[MetricSpec]>, t_ms: i64, interval_ms: u32, values: Vec<f64>);
}

/// See the module. Cheap to clone.
#[derive(Clone)]
pub struct Ingest {
    inner: Arc<Inner>,
}

struct Inner {
    config: IngestConfig,
    outlet: Arc<dyn Outlet>,
    /// By name. Std locks: held for looking and changing, never across a wait.
    feeds: Mutex<BTreeMap<String, Arc<Mutex<Feed>>>>,
    /// Those who are asked, and what ends it.
    scrapes: Mutex<Vec<(ScrapeConfig, CancellationToken)>>,
    statsd: tokio::sync::Mutex<Option<statsd::Listening>>,
    shutdown: CancellationToken,
    tasks: TaskTracker,
}

/// What came of values that were sent.
#[derive(Debug, Default, PartialEq)]
pub struct Taken {
    pub accepted: u64,
    pub refused: u64,
    /// Which, by their places.
    pub refused_at: Vec<usize>,
    /// Why the first was refused.
    pub why: Option<String>,
}

impl Ingest {
    /// Begins to ask and to listen. Must be called within a Tokio runtime.
    pub async fn start(
        config: &IngestConfig,
        scrapes: &[ScrapeConfig],
        statsd: &StatsdConfig,
        outlet: Arc<dyn Outlet>,
        shutdown: &CancellationToken,
        tasks: &TaskTracker,
    ) -> anyhow::Result<Ingest> {
        describe();
        let ingest = Ingest {
            inner: Arc::new(Inner {
                config: config.clone(),
                outlet,
                feeds: Mutex::default(),
                scrapes: Mutex::default(),
                statsd: tokio::sync::Mutex::default(),
                shutdown: shutdown.clone(),
                tasks: tasks.clone(),
            }),
        };
        ingest.take_scrapes(scrapes);
        ingest.take_statsd(statsd).await?;
        tasks.spawn(ingest.clone().tick(shutdown.clone()));
        Ok(ingest)
    }

    /// Puts a configuration in force: those that are new are asked, those that are gone end, those that have changed begin anew.
    pub fn take_scrapes(&self, configs: &[ScrapeConfig]) {
        let mut scrapes = lock(&self.inner.scrapes);
        let (kept, ended): (Vec<_>, Vec<_>) = scrapes
            .drain(..)
            .partition(|(config, _)| configs.contains(config));
        *scrapes = kept;
        for (config, stop) in ended {
            stop.cancel();
            self.forget(&config.name, SourceKind::Scrape);
        }
        for config in configs {
            if scrapes.iter().any(|(known, _)| known == config) {
                continue;
            }
            let feed = self.add(Feed::new(
                &config.name,
                SourceKind::Scrape,
                scrape::at(config),
                config.max_series.unwrap_or(self.inner.config.max_series),
                Hold::Round,
            ));
            let stop = self.inner.shutdown.child_token();
            let asking = scrape::keep(config.clone(), feed, self.clone(), stop.clone());
            self.inner.tasks.spawn(asking);
            scrapes.push((config.clone(), stop));
        }
    }

    pub fn config(&self) -> &IngestConfig {
        &self.inner.config
    }

    fn stale_ms(&self) -> i64 {
        i64::from(self.inner.config.stale_secs) * 1000
    }

    fn add(&self, feed: Feed) -> Arc<Mutex<Feed>> {
        let name = feed.name().to_owned();
        let feed = Arc::new(Mutex::new(feed));
        lock(&self.inner.feeds).insert(name, feed.clone());
        feed
    }

    /// Takes a source of this kind out. Its values end with it.
    fn forget(&self, name: &str, kind: SourceKind) {
        let feed = {
            let mut feeds = lock(&self.inner.feeds);
            // Another may have its name by now.
            let ours = feeds.get(name).is_some_and(|feed| lock(feed).kind() == kind);
            ours.then(|| feeds.remove(name)).flatten()
        };
        if let Some(feed) = feed {
            let mut feed = lock(&feed);
            feed.set.end();
            self.publish(&mut feed, now_ms(), None);
        }
    }

    /// The feed of a sender, made when it is new. Refused when the name is taken by another kind, or there are too many.
    fn of_sender(&self, kind: SourceKind, name: &str) -> Result<Arc<Mutex<Feed>>, Fault> {
        let mut feeds = lock(&self.inner.feeds);
        if let Some(feed) = feeds.get(name) {
            let other = lock(feed).kind();
            if other != kind {
                return Err(Fault::new(
                    farol_model::FaultCode::Conflict,
                    format!(
                        "The name {name} belongs to a source of another kind ({}). Send under another name.",
                        other.as_str()
                    ),
                ));
            }
            return Ok(feed.clone());
        }
        if config::is_taken(name) {
            let text = format!("The name {name} is one of Farol's own. Send under another name.");
            return Err(Fault::new(farol_model::FaultCode::Conflict, text));
        }
        let sending =
            |feed: &Arc<Mutex<Feed>>| matches!(lock(feed).kind(), SourceKind::Otlp | SourceKind::Push);
        let most = self.inner.config.max_sources;
        if feeds.values().filter(|feed| sending(feed)).count() >= most {
            metrics::counter!("farol_ingest_sources_refused_total").increment(1);
            return Err(Fault::new(
                farol_model::FaultCode::Limited,
                format!(
                    "There are {most} sources already, and {name} is a new one. Send under fewer names, or raise ingest.max_sources."
                ),
            ));
        }
        let feed = Feed::new(
            name,
            kind,
            match kind {
                SourceKind::Otlp => receive::PATH.to_owned(),
                _ => "/api/v1/push".to_owned(),
            },
            self.inner.config.max_series,
            Hold::For(self.stale_ms()),
        );
        let feed = Arc::new(Mutex::new(feed));
        feeds.insert(name.to_owned(), feed.clone());
        Ok(feed)
    }

    /// Takes what a sender sent under a name. Blocks for as long as it takes to look at each value.
    pub fn take(&self, kind: SourceKind, name: &str, samples: &[Sample]) -> Result<Taken, Fault> {
        let feed = self.of_sender(kind, name)?;
        Ok(lock(&feed).take(samples, now_ms()))
    }

    /// Counts what a sender sent under a name that could be no values, and tells it at the source.
    pub fn refuse(&self, kind: SourceKind, name: &str, count: u64, why: &str) -> Result<(), Fault> {
        let feed = self.of_sender(kind, name)?;
        lock(&feed).refuse(count, why, now_ms());
        Ok(())
    }

    /// Publishes what was sent since the last tick.
    async fn tick(self, shutdown: CancellationToken) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = ticks.tick() => {}
            }
            if lock(&self.inner.feeds).is_empty() {
                continue;
            }
            let ingest = self.clone();
            // A frame of many series copies much.
            if let Err(error) = tokio::task::spawn_blocking(move || ingest.flush()).await {
                tracing::error!(%error, "frames of applications could not be made");
            }
        }
    }

    fn flush(&self) {
        let feeds: Vec<Arc<Mutex<Feed>>> = lock(&self.inner.feeds).values().cloned().collect();
        let (now, stale_ms) = (now_ms(), self.stale_ms());
        for feed in feeds {
            let mut feed = lock(&feed);
            if feed.is_due(now, stale_ms) {
                self.publish(&mut feed, now, None);
            }
            feed.report(now);
        }
    }

    /// Makes a frame of what a feed knows now. `interval_ms` where it has one.
    fn publish(&self, feed: &mut Feed, now: i64, interval_ms: Option<u32>) {
        if let Some(frame) = feed.frame(now, interval_ms) {
            let channel = format!("apps/{}", feed.name());
            self.inner
                .outlet
                .frame(&channel, &frame.schema, now, frame.interval_ms, frame.values);
        }
    }

    /// How all sources stand, by name.
    pub fn sources(&self) -> Vec<Source> {
        let place = Place {
            now_ms: now_ms(),
            stale_ms: self.stale_ms(),
        };
        let feeds: Vec<Arc<Mutex<Feed>>> = lock(&self.inner.feeds).values().cloned().collect();
        feeds.iter().map(|feed| lock(feed).source(place)).collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn describe() {
    use metrics::{describe_counter, describe_gauge};
    describe_counter!(
        "farol_ingest_values_total",
        "Values of applications that were taken."
    );
    describe_counter!(
        "farol_ingest_values_refused_total",
        "Values of applications that were refused: wrong, or of a series above the limit."
    );
    describe_counter!(
        "farol_ingest_sources_refused_total",
        "Times that a new source was refused because there were too many."
    );
    describe_gauge!("farol_ingest_series", "Series of applications that are kept.");
    describe_gauge!(
        "farol_ingest_limited",
        "1 while new series of a source are refused because it has too many."
    );
}
