//! Makes files from other files: what was in memory becomes a piece, pieces become what is merged, and that becomes the next
//! coarser tier. Each file is a pure function of what it is made from and is there whole or not at all, so that whatever is
//! interrupted is made again and never counted twice.

use super::{
    damage::Damage,
    envelope::Envelope,
    head::Part,
    join::{Joined, Row},
    segment::{Name, SegmentFile, SegmentWriter, Source},
    tier::Tier,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::Path,
    sync::Arc,
};

/// Writes parts down, a piece for each window that they touch.
pub fn seal(dir: &Path, parts: &[Part], seq: u64) -> io::Result<Vec<SegmentFile>> {
    let windows: BTreeSet<i64> = parts
        .iter()
        .flat_map(|part| {
            let ends = part.times.first().into_iter().chain(part.times.last());
            let [first, last] =
                [ends.clone().min(), ends.max()].map(|end| end.map(|t| Tier::Raw.window_of(*t)));
            let (first, last) = (first.unwrap_or(0), last.unwrap_or(-1));
            (first..=last).step_by(Tier::Raw.window_ms() as usize)
        })
        .collect();
    windows
        .into_iter()
        .map(|window| seal_window(dir, parts, window, seq))
        .collect()
}

fn seal_window(dir: &Path, parts: &[Part], window: i64, seq: u64) -> io::Result<SegmentFile> {
    let name = Name {
        tier: Tier::Raw,
        window,
        seq,
        merged: false,
    };
    let mut writer = SegmentWriter::create(dir, name)?;
    let mut payload = Vec::new();
    for part in parts {
        let rows = part.rows(&(window..window + Tier::Raw.window_ms()));
        if rows.is_empty() {
            continue;
        }
        let group = writer.group(part.channel, part.interval_ms, &part.times[rows.clone()])?;
        for (place, id) in part.ids.iter().enumerate() {
            let column = part.column(place, rows.clone());
            put(&mut writer, &mut payload, group, *id, &column)?;
        }
    }
    writer.finish(Vec::new())
}

/// Writes a column, unless there is nothing in it.
fn put<T: Row>(
    writer: &mut SegmentWriter,
    payload: &mut Vec<u8>,
    group: u16,
    id: u32,
    column: &[T],
) -> io::Result<()> {
    if column.iter().all(T::is_none) {
        return Ok(());
    }
    payload.clear();
    T::put(payload, column);
    writer.chunk(T::KIND, group, id, payload)
}

/// Makes one file of all of a window.
pub fn merge(
    dir: &Path,
    tier: Tier,
    window: i64,
    files: &[Arc<SegmentFile>],
    damage: &Arc<Damage>,
) -> io::Result<SegmentFile> {
    let joined = Joined::open(files, Vec::new(), damage, |_| true, |_| true)?;
    let seq = files.iter().map(|file| file.seq).max().unwrap_or_default();
    let mut writer = SegmentWriter::create(
        dir,
        Name {
            tier,
            window,
            seq,
            merged: true,
        },
    )?;
    match tier {
        Tier::Raw => copy::<f64>(&joined, &mut writer)?,
        Tier::TenSeconds | Tier::TwoMinutes => copy::<Envelope>(&joined, &mut writer)?,
    }
    writer.finish(sources(files))
}

fn sources(files: &[Arc<SegmentFile>]) -> Vec<Source> {
    let mut newest: BTreeMap<i64, u64> = BTreeMap::new();
    for (window, seq) in files.iter().flat_map(|file| &file.sources) {
        let known = newest.entry(*window).or_default();
        *known = (*known).max(*seq);
    }
    newest.into_iter().collect()
}

fn copy<T: Row>(joined: &Joined, writer: &mut SegmentWriter) -> io::Result<()> {
    let mut payload = Vec::new();
    for (id, channel) in joined
        .channels
        .iter()
        .filter(|(_, channel)| !channel.times.is_empty())
    {
        let group = writer.group(*id, channel.interval_ms, &channel.times)?;
        for (series, places) in &channel.series {
            let column = joined.column::<T>(channel, places);
            put(writer, &mut payload, group, *series, &column)?;
        }
    }
    Ok(())
}

/// Makes the piece of the coarser tier that stands for a window of this one.
pub fn roll(
    dir: &Path,
    tier: Tier,
    window: i64,
    files: &[Arc<SegmentFile>],
    seq: u64,
    damage: &Arc<Damage>,
) -> io::Result<Option<SegmentFile>> {
    let Some(coarser) = tier.coarser() else {
        return Ok(None);
    };
    let joined = Joined::open(files, Vec::new(), damage, |_| true, |_| true)?;
    let newest = files.iter().map(|file| file.seq).max().unwrap_or_default();
    let name = Name {
        tier: coarser,
        window: coarser.window_of(window),
        seq,
        merged: false,
    };
    let mut writer = SegmentWriter::create(dir, name)?;
    match tier {
        Tier::Raw => coarsen::<f64>(&joined, &mut writer, coarser)?,
        Tier::TenSeconds | Tier::TwoMinutes => coarsen::<Envelope>(&joined, &mut writer, coarser)?,
    }
    writer.finish(vec![(window, newest)]).map(Some)
}

fn coarsen<T: Row>(joined: &Joined, writer: &mut SegmentWriter, to: Tier) -> io::Result<()> {
    let mut payload = Vec::new();
    let begin = |time: &i64| time - time.rem_euclid(to.step_ms());
    for (id, channel) in joined
        .channels
        .iter()
        .filter(|(_, channel)| !channel.times.is_empty())
    {
        let stretches = || channel.times.chunk_by(|a, b| begin(a) == begin(b));
        let times: Vec<i64> = stretches().map(|stretch| begin(&stretch[0])).collect();
        let group = writer.group(*id, to.step_ms() as u32, &times)?;
        for (series, places) in &channel.series {
            let column = joined.column::<T>(channel, places);
            let mut rest = column.as_slice();
            let rows: Vec<Envelope> = stretches()
                .map(|stretch| {
                    let (these, later) = rest.split_at(stretch.len());
                    rest = later;
                    T::all(these)
                })
                .collect();
            put(writer, &mut payload, group, *series, &rows)?;
        }
    }
    Ok(())
}
