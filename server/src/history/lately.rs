//! The newest raw rows of every channel, as rings: what live charts go on from after a restart. One channel after the other and
//! column by column, so that little memory is needed beside the rings themselves.
//!
//! It must never be in the way of a start: what cannot be read has no value, what takes too long or too much is left out and told.

use super::{
    Inner,
    head::Part,
    join::Joined,
    keeper::Frozen,
    packed::Packed,
    plan::remember,
    registry::Series,
    ring::{self, RETENTION_MS, Ring},
    segment::Opened,
    tier::Tier,
};
use farol_model::metric::MetricSpec;
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    ops::Range,
    sync::Arc,
    time::{Duration, Instant},
};

/// Values of all channels together at most: ten minutes of 13,000 series a second apart.
pub const MAX_CELLS: usize = 8 * 1024 * 1024;

/// How much is read.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Nothing is handed over after this.
    pub until: Instant,
    /// Values in all; a channel that has more than what is left of them is left out.
    pub cells: usize,
}

impl Limits {
    /// As much as may be, within so long from now.
    pub fn within(time: Duration) -> Limits {
        Limits {
            until: Instant::now() + time,
            cells: MAX_CELLS,
        }
    }

    fn over(&self) -> bool {
        Instant::now() >= self.until
    }
}

/// What became of it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Lately {
    /// Channels that were handed over, and their values.
    pub channels: usize,
    pub values: usize,
    /// Channels left out because there was no time, and because they had too many values.
    pub too_late: usize,
    pub too_many: usize,
}

/// An hour, or what of it is asked for, and the files that may have rows of that.
struct Window {
    span: Range<i64>,
    files: Vec<Arc<Opened>>,
}

/// Where rows are.
#[derive(Default)]
struct Places {
    windows: Vec<Window>,
    frozen: Vec<Arc<Frozen>>,
    head: Vec<Part>,
    /// Those that have any.
    channels: HashSet<u32>,
}

impl Inner {
    pub(super) fn lately(&self, limits: &Limits, mut take: impl FnMut(&str, Ring)) -> Lately {
        let now = (self.now_ms)();
        let places = self.places(now.saturating_sub(RETENTION_MS)..now.saturating_add(1), limits);
        let mut by_channel: BTreeMap<u32, Vec<Arc<Series>>> = BTreeMap::new();
        for series in self.read_registry().all() {
            by_channel
                .entry(series.channel_id)
                .or_default()
                .push(series.clone());
        }
        let mut told = Lately::default();
        for (id, series) in by_channel {
            if limits.over() {
                told.too_late += 1;
                continue;
            }
            let rows = match places.channels.contains(&id) {
                true => Rows::of(&places, id, &series),
                false => continue,
            };
            let (cells, name) = (rows.cells(), &series[0].channel);
            if told.values + cells > limits.cells {
                told.too_many += 1;
                continue;
            }
            let ring = rows.ring(&series, limits);
            if limits.over() {
                told.too_late += 1;
            } else if let Some(ring) = ring {
                told.channels += 1;
                told.values += ring.len() * ring.schema().len();
                take(name, ring);
            }
        }
        told
    }

    /// Opens what may have rows of a span. A file that cannot be opened is passed over.
    fn places(&self, span: Range<i64>, limits: &Limits) -> Places {
        let mut places = Places::default();
        let live = self.read_live();
        let hours = (Tier::Raw.window_of(span.start)..span.end).step_by(Tier::Raw.window_ms() as usize);
        let files: Vec<_> = hours
            .map(|hour| (hour, live.catalog.window(Tier::Raw, hour).to_vec()))
            .collect();
        places.frozen = live.frozen.iter().cloned().collect();
        places.head = live.head.parts.clone();
        drop(live);
        places.channels = places
            .parts()
            .filter(|part| !part.rows(&span).is_empty())
            .map(|part| part.channel)
            .collect();
        for (hour, files) in files {
            let span = hour.max(span.start)..(hour + Tier::Raw.window_ms()).min(span.end);
            let mut opened = Vec::new();
            for file in files {
                if limits.over() {
                    return places;
                }
                match file.open(&self.damage) {
                    Ok(file) => opened.extend(places.note(file, &span)),
                    Err(error) => {
                        tracing::warn!(file = %file.path.display(), %error, "history: a file cannot be read; live charts begin without its rows");
                    }
                }
            }
            places.windows.push(Window { span, files: opened });
        }
        places
    }
}

impl Places {
    fn parts(&self) -> impl Iterator<Item = &Part> {
        let frozen = self.frozen.iter().flat_map(|frozen| &frozen.parts);
        frozen.chain(&self.head)
    }

    /// Notes which channels have rows of a span in a file. What has none of any is not needed: it takes no place of any other row.
    fn note(&mut self, file: Opened, span: &Range<i64>) -> Option<Arc<Opened>> {
        let has = |times: &[i64]| times.iter().any(|time| span.contains(time));
        let groups = file.groups(|_| true);
        let channels: Vec<u32> = groups
            .iter()
            .filter(|group| has(&group.times))
            .map(|group| group.channel)
            .collect();
        self.channels.extend(&channels);
        (!channels.is_empty()).then(|| Arc::new(file))
    }
}

/// The rows of one channel, hour by hour.
struct Rows {
    channel: u32,
    hours: Vec<(Joined, Range<usize>)>,
    /// Series that may have values.
    width: usize,
    /// Rows that count: the newest that a ring takes.
    count: usize,
}

impl Rows {
    fn of(places: &Places, channel: u32, series: &[Arc<Series>]) -> Rows {
        // In the order of their numbers, as the registry has them.
        let wanted = |id: u32| series.binary_search_by_key(&id, |series| series.id).is_ok();
        let alone = HashSet::from([channel]);
        let hours: Vec<(Joined, Range<usize>)> = places
            .windows
            .iter()
            .filter_map(|window| {
                let memory = remember(places.parts(), &alone, series, &window.span);
                let joined = Joined::of(window.files.clone(), memory, |id| id == channel, wanted);
                let times = &joined.channels.get(&channel)?.times;
                let before = |t_ms: i64| times.partition_point(|time| *time < t_ms);
                let rows = before(window.span.start)..before(window.span.end);
                (!rows.is_empty()).then_some((joined, rows))
            })
            .collect();
        let ids = hours
            .iter()
            .filter_map(|(joined, _)| joined.channels.get(&channel))
            .flat_map(|channel| channel.series.keys());
        let width = ids.collect::<BTreeSet<_>>().len();
        let all: usize = hours.iter().map(|(_, rows)| rows.len()).sum();
        let count = all.min(ring::MAX_ROWS).min(ring::MAX_CELLS / width.max(1));
        Rows {
            channel,
            hours,
            width,
            count,
        }
    }

    fn cells(&self) -> usize {
        self.count * self.width
    }

    /// As a ring; None when there is nothing, or no more time.
    fn ring(&self, series: &[Arc<Series>], limits: &Limits) -> Option<Ring> {
        let hours: Vec<_> = self
            .hours
            .iter()
            .filter_map(|(joined, rows)| Some((joined, joined.channels.get(&self.channel)?, rows)))
            .collect();
        let times = hours
            .iter()
            .flat_map(|(_, channel, rows)| &channel.times[(*rows).clone()]);
        let too_old = times.clone().count() - self.count;
        let (mut schema, mut columns): (Vec<MetricSpec>, Vec<Packed>) = Default::default();
        let has = |series: &&Arc<Series>| hours.iter().any(|(_, of, _)| of.series.contains_key(&series.id));
        for series in series.iter().filter(has) {
            if limits.over() {
                return None;
            }
            let mut column: Vec<f64> = Vec::new();
            for (joined, channel, rows) in &hours {
                let all = joined.column_with_memory::<f64>(channel, series.id);
                column.extend_from_slice(&all[(*rows).clone()]);
            }
            if column[too_old..].iter().any(|value| !value.is_nan()) {
                schema.push(series.spec.clone());
                columns.push(column.drain(too_old..).collect());
            }
        }
        let step_ms = hours.last()?.1.interval_ms;
        let times = times.skip(too_old).copied().collect();
        (!schema.is_empty()).then(|| Ring::with_rows(schema.into(), times, columns, step_ms))
    }
}

#[cfg(test)]
#[path = "lately_tests.rs"]
mod tests;
