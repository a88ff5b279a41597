//! Reads one window of one tier as if it were one file: what is merged, the pieces after it, and what is still in memory. What was
//! written later wins, see [`super::head::settle`].

use super::{
    column::{put_column, take_column},
    damage::Damage,
    envelope::{Envelope, put_envelopes, take_envelopes},
    head::settle,
    segment::{Chunk, Kind, Opened, SegmentFile},
    varint::Bytes,
};
use std::{
    collections::{BTreeMap, HashMap},
    io,
    ops::Range,
    sync::Arc,
};

/// What a column holds a row of.
pub trait Row: Copy {
    const KIND: Kind;
    /// No value.
    const NONE: Self;
    fn is_none(&self) -> bool;
    fn put(out: &mut Vec<u8>, rows: &[Self]);
    fn take(bytes: &mut Bytes<'_>, rows: usize) -> Option<Vec<Self>>;
    /// Of a column that is in memory.
    fn of_memory(values: &[f64]) -> Vec<Self>;
    fn envelope(&self) -> Envelope;

    /// Of rows in the order of time.
    fn all(rows: &[Self]) -> Envelope {
        rows.iter().fold(Envelope::EMPTY, |mut all, row| {
            all.join(&row.envelope());
            all
        })
    }
}

impl Row for f64 {
    const KIND: Kind = Kind::Raw;
    const NONE: f64 = f64::NAN;

    fn is_none(&self) -> bool {
        self.is_nan()
    }

    fn put(out: &mut Vec<u8>, rows: &[f64]) {
        put_column(out, rows);
    }

    fn take(bytes: &mut Bytes<'_>, rows: usize) -> Option<Vec<f64>> {
        take_column(bytes, rows)
    }

    fn of_memory(values: &[f64]) -> Vec<f64> {
        values.to_vec()
    }

    fn envelope(&self) -> Envelope {
        let mut envelope = Envelope::EMPTY;
        envelope.add(*self);
        envelope
    }
}

impl Row for Envelope {
    const KIND: Kind = Kind::Envelope;
    const NONE: Envelope = Envelope::EMPTY;

    fn is_none(&self) -> bool {
        self.count == 0
    }

    fn put(out: &mut Vec<u8>, rows: &[Envelope]) {
        put_envelopes(out, rows);
    }

    fn take(bytes: &mut Bytes<'_>, rows: usize) -> Option<Vec<Envelope>> {
        take_envelopes(bytes, rows)
    }

    fn of_memory(values: &[f64]) -> Vec<Envelope> {
        values.iter().map(f64::envelope).collect()
    }

    fn envelope(&self) -> Envelope {
        *self
    }
}

/// Rows in memory, with the columns that somebody asked for.
#[derive(Debug, Clone)]
pub struct Remembered {
    pub channel: u32,
    pub interval_ms: u32,
    pub times: Vec<i64>,
    pub columns: HashMap<u32, Vec<f64>>,
}

/// One window.
#[derive(Debug)]
pub struct Joined {
    files: Vec<Arc<Opened>>,
    memory: Vec<Remembered>,
    pub channels: BTreeMap<u32, Channel>,
}

/// One channel in it.
#[derive(Debug, Default)]
pub struct Channel {
    /// Of the newest rows.
    pub interval_ms: u32,
    /// Of all rows that count.
    pub times: Vec<i64>,
    /// Which rows of which stretch count, ascending by time.
    kept: Vec<(usize, Range<usize>)>,
    /// How many rows each stretch has.
    lengths: Vec<usize>,
    /// Where the values of each series are: the stretch and the place.
    pub series: BTreeMap<u32, Vec<(usize, Place)>>,
}

/// Where values are.
#[derive(Debug, Clone, Copy)]
pub enum Place {
    File(usize, Chunk),
    Memory(usize),
}

impl Joined {
    /// Opens the files of a window, oldest first, for the series that `wanted` names by channel and number; what is in memory
    /// is newer than all of them.
    pub fn open(
        files: &[Arc<SegmentFile>],
        memory: Vec<Remembered>,
        damage: &Arc<Damage>,
        of_channel: impl Fn(u32) -> bool,
        wanted: impl Fn(u32) -> bool,
    ) -> io::Result<Joined> {
        let files = files
            .iter()
            .map(|file| file.open(damage).map(Arc::new))
            .collect::<io::Result<Vec<_>>>()?;
        Ok(Self::of(files, memory, of_channel, wanted))
    }

    /// The same of files that are open.
    pub fn of(
        files: Vec<Arc<Opened>>,
        memory: Vec<Remembered>,
        of_channel: impl Fn(u32) -> bool,
        wanted: impl Fn(u32) -> bool,
    ) -> Joined {
        let mut times: BTreeMap<u32, Vec<Vec<i64>>> = BTreeMap::new();
        let mut channels: BTreeMap<u32, Channel> = BTreeMap::new();
        for (at, file) in files.iter().enumerate() {
            let mut stretches: HashMap<u16, (u32, usize)> = HashMap::new();
            for group in file.groups(&of_channel) {
                let all = times.entry(group.channel).or_default();
                stretches.insert(group.number, (group.channel, all.len()));
                all.push(group.times);
                channels.entry(group.channel).or_default().interval_ms = group.interval_ms;
            }
            for chunk in file
                .chunks
                .iter()
                .filter(|chunk| chunk.kind != Kind::Times && wanted(chunk.id))
            {
                if let Some((channel, stretch)) = stretches.get(&chunk.group)
                    && let Some(channel) = channels.get_mut(channel)
                {
                    channel
                        .series
                        .entry(chunk.id)
                        .or_default()
                        .push((*stretch, Place::File(at, *chunk)));
                }
            }
        }
        for (at, part) in memory.iter().enumerate() {
            let all = times.entry(part.channel).or_default();
            let channel = channels.entry(part.channel).or_default();
            channel.interval_ms = part.interval_ms;
            for id in part.columns.keys() {
                channel
                    .series
                    .entry(*id)
                    .or_default()
                    .push((all.len(), Place::Memory(at)));
            }
            all.push(part.times.clone());
        }
        for (id, channel) in &mut channels {
            channel.settle(times.remove(id).unwrap_or_default());
        }
        Joined {
            files,
            memory,
            channels,
        }
    }

    /// All rows of a series that count, one for each of the channel's times. What is broken has no value.
    pub fn column<T: Row>(&self, channel: &Channel, places: &[(usize, Place)]) -> Vec<T> {
        let mut read: HashMap<usize, Vec<T>> = HashMap::new();
        for (stretch, place) in places {
            let rows = channel.lengths.get(*stretch).copied().unwrap_or_default();
            if let Some(values) = self.values(place, rows) {
                read.insert(*stretch, values);
            }
        }
        let mut column = Vec::with_capacity(channel.times.len());
        for (stretch, rows) in &channel.kept {
            match read.get(stretch).and_then(|values| values.get(rows.clone())) {
                Some(values) => column.extend_from_slice(values),
                None => column.resize(column.len() + rows.len(), T::NONE),
            }
        }
        column
    }

    fn values<T: Row>(&self, place: &Place, rows: usize) -> Option<Vec<T>> {
        match place {
            Place::Memory(_) => None,
            Place::File(file, chunk) => {
                let file = self.files.get(*file)?;
                let payload = file.read(chunk, "a chunk")?;
                let values = T::take(&mut Bytes::new(&payload), rows).filter(|_| chunk.kind == T::KIND);
                if values.is_none() {
                    file.senseless(chunk);
                }
                values
            }
        }
    }

    /// As [`column`](Joined::column), and what is in memory with it.
    pub fn column_with_memory<T: Row>(&self, channel: &Channel, id: u32) -> Vec<T> {
        let Some(places) = channel.series.get(&id) else {
            return vec![T::NONE; channel.times.len()];
        };
        let mut column = self.column::<T>(channel, places);
        let of_memory = places.iter().filter_map(|(stretch, place)| match place {
            Place::Memory(at) => Some((*stretch, *at)),
            Place::File(..) => None,
        });
        for (stretch, at) in of_memory {
            let Some(values) = self.memory.get(at).and_then(|part| part.columns.get(&id)) else {
                continue;
            };
            let values = T::of_memory(values);
            let mut row = 0;
            for (kept, rows) in &channel.kept {
                if *kept == stretch {
                    column[row..row + rows.len()].copy_from_slice(&values[rows.clone()]);
                }
                row += rows.len();
            }
        }
        column
    }
}

impl Channel {
    fn settle(&mut self, stretches: Vec<Vec<i64>>) {
        let slices: Vec<&[i64]> = stretches.iter().map(Vec::as_slice).collect();
        self.lengths = stretches.iter().map(Vec::len).collect();
        self.kept = settle(&slices);
        let kept = self.kept.iter();
        self.times = kept
            .flat_map(|(at, rows)| &slices[*at][rows.clone()])
            .copied()
            .collect();
    }
}
