//! Which tier answers which hour of a question: the coarsest that is fine enough where it is there, else the next best. Tiers, files and
//! memory are joined so that no seam can be seen.

use super::{
    Inner, Live,
    envelope::Envelope,
    grid::Grid,
    head::Part,
    join::{Joined, Remembered, Row},
    registry::Series,
    segment::SegmentFile,
    tier::Tier,
};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    io,
    ops::Range,
    sync::Arc,
};

impl Inner {
    /// What is to be read, in the order of time.
    pub(super) fn plan(&self, grid: &Grid, series: &[Arc<Series>]) -> Vec<Reading> {
        let live = self.read_live();
        let sources = Sources::of(&live);
        let preferred = Tier::ALL
            .into_iter()
            .rev()
            .find(|tier| grid.step_ms >= tier.step_ms() && grid.step_ms % tier.step_ms() == 0)
            .unwrap_or(Tier::Raw);
        let order = match preferred {
            Tier::Raw => [Tier::Raw, Tier::TenSeconds, Tier::TwoMinutes],
            Tier::TenSeconds => [Tier::TenSeconds, Tier::Raw, Tier::TwoMinutes],
            Tier::TwoMinutes => [Tier::TwoMinutes, Tier::TenSeconds, Tier::Raw],
        };
        let mut readings: Vec<Reading> = Vec::new();
        for hour in sources.hours(grid) {
            let Some(tier) = order.into_iter().find(|tier| sources.has(*tier, hour)) else {
                continue;
            };
            let span = hour.max(grid.from_ms)..(hour + Tier::Raw.window_ms()).min(grid.to_ms());
            match readings.last_mut() {
                Some(last) if last.joins(tier, &span) => last.span.end = span.end,
                _ => readings.push(Reading {
                    tier,
                    span,
                    files: Vec::new(),
                    memory: Vec::new(),
                }),
            }
        }
        let channels: HashSet<u32> = series.iter().map(|series| series.channel_id).collect();
        for reading in &mut readings {
            reading.files = live
                .catalog
                .window(reading.tier, reading.tier.window_of(reading.span.start))
                .to_vec();
            if reading.tier == Tier::Raw {
                reading.memory = remember(live.parts(), &channels, series, &reading.span);
            }
        }
        readings
    }
}

/// One window of one tier, or a part of it.
pub(super) struct Reading {
    pub tier: Tier,
    span: Range<i64>,
    files: Vec<Arc<SegmentFile>>,
    memory: Vec<Remembered>,
}

impl Reading {
    fn joins(&self, tier: Tier, span: &Range<i64>) -> bool {
        let window = tier.window_of(span.start);
        self.tier == tier && self.span.end == span.start && tier.window_of(self.span.start) == window
    }

    /// Rows of one series, about.
    pub fn rows(&self) -> i64 {
        // Raw rows are a second apart as a rule.
        let row_ms = self.tier.step_ms().max(1000);
        (self.span.end - self.span.start) / row_ms + 1
    }

    pub fn read<T: Row>(
        self,
        inner: &Inner,
        grid: &Grid,
        into: &mut BTreeMap<u32, Vec<Envelope>>,
    ) -> io::Result<()> {
        let registry = inner.read_registry();
        let channels: HashSet<u32> = into
            .keys()
            .filter_map(|id| registry.get(*id))
            .map(|series| series.channel_id)
            .collect();
        drop(registry);
        let joined = Joined::open(
            &self.files,
            self.memory,
            &inner.damage,
            |channel| channels.contains(&channel),
            |id| into.contains_key(&id),
        )?;
        for channel in joined.channels.values() {
            let rows = channel.times.partition_point(|time| *time < self.span.start)
                ..channel.times.partition_point(|time| *time < self.span.end);
            if rows.is_empty() {
                continue;
            }
            // All series of a channel share their times, so that it is looked once which rows make a stretch.
            let times = &channel.times[rows.clone()];
            let stretches: Vec<(usize, usize)> = times
                .chunk_by(|a, b| grid.at(*a) == grid.at(*b))
                .map(|some| (grid.at(some[0]), some.len()))
                .collect();
            for id in channel.series.keys() {
                let Some(into) = into.get_mut(id) else {
                    continue;
                };
                let column = joined.column_with_memory::<T>(channel, *id);
                let mut rest = &column[rows.clone()];
                for (stretch, length) in &stretches {
                    let (these, later) = rest.split_at(*length);
                    rest = later;
                    into[*stretch].join(&T::all(these));
                }
            }
        }
        Ok(())
    }
}

/// The rows in memory of some series within a span.
pub(super) fn remember<'a>(
    parts: impl Iterator<Item = &'a Part>,
    channels: &HashSet<u32>,
    series: &[Arc<Series>],
    span: &Range<i64>,
) -> Vec<Remembered> {
    let wanted: HashSet<u32> = series.iter().map(|series| series.id).collect();
    parts
        .filter(|part| channels.contains(&part.channel))
        .filter_map(|part| {
            let rows = part.rows(span);
            let places = part.ids.iter().enumerate().filter(|(_, id)| wanted.contains(id));
            let columns: HashMap<u32, Vec<f64>> = places
                .map(|(place, id)| (*id, part.column(place, rows.clone())))
                .collect();
            (!rows.is_empty()).then(|| Remembered {
                channel: part.channel,
                interval_ms: part.interval_ms,
                times: part.times[rows].to_vec(),
                columns,
            })
        })
        .collect()
}

/// Which tier has which hour.
struct Sources {
    /// Each hour with raw rows, and the newest number of what has them; what is in memory is newer than any.
    raw: BTreeMap<i64, u64>,
    /// Each day with files of this tier, and the newest number of them.
    days: BTreeMap<i64, u64>,
    ten_seconds: BTreeMap<i64, u64>,
    two_minutes: BTreeMap<i64, u64>,
    /// From the oldest to the newest hour of all.
    span: Option<(i64, i64)>,
}

impl Sources {
    fn of(live: &Live) -> Sources {
        let hour = |t_ms: i64| Tier::Raw.window_of(t_ms);
        let newest = |tier: Tier| -> BTreeMap<i64, u64> {
            let windows = live.catalog.windows(tier);
            windows
                .filter_map(|(window, files)| Some((window, files.iter().map(|file| file.seq).max()?)))
                .collect()
        };
        let (mut raw, days) = (newest(Tier::Raw), newest(Tier::TenSeconds));
        for part in live.parts() {
            // Parts have no gaps, so these and what is between them are all.
            let ends = part.times.first().zip(part.times.last());
            let (first, last) = ends.map_or((0, -1), |(first, last)| (hour(*first), hour(*last)));
            let hours = (first..=last).step_by(Tier::Raw.window_ms() as usize);
            raw.extend(hours.map(|hour| (hour, u64::MAX)));
        }
        let ten_seconds = live.catalog.rolled(Tier::TenSeconds);
        let two_minutes = live.catalog.rolled(Tier::TwoMinutes);
        let last_of_day = Tier::TenSeconds.window_ms() - Tier::Raw.window_ms();
        let all = || {
            let days = two_minutes.keys().flat_map(|day| [*day, day + last_of_day]);
            raw.keys().chain(ten_seconds.keys()).copied().chain(days)
        };
        let span = all().min().zip(all().max());
        Sources {
            raw,
            days,
            ten_seconds,
            two_minutes,
            span,
        }
    }

    /// The hours of a grid in which there may be anything.
    fn hours(&self, grid: &Grid) -> impl Iterator<Item = i64> + use<> {
        let hour = Tier::Raw.window_ms();
        let (oldest, newest) = self.span.unwrap_or((0, -hour));
        let from = Tier::Raw.window_of(grid.from_ms).max(oldest);
        (from..grid.to_ms().min(newest + hour)).step_by(hour as usize)
    }

    /// Whether a tier has all of an hour that is known: what it was made from has nothing newer.
    fn has(&self, tier: Tier, hour: i64) -> bool {
        let newer =
            |from: &BTreeMap<i64, u64>, at: i64, made: u64| from.get(&at).is_some_and(|seq| *seq > made);
        let day = Tier::TenSeconds.window_of(hour);
        match tier {
            Tier::Raw => self.raw.contains_key(&hour),
            Tier::TenSeconds => {
                let made = self.ten_seconds.get(&hour);
                made.is_some_and(|made| !newer(&self.raw, hour, *made))
            }
            Tier::TwoMinutes => {
                let made = self.two_minutes.get(&day);
                made.is_some_and(|made| !newer(&self.days, day, *made))
            }
        }
    }
}
