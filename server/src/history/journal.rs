//! The journal: each row as it comes, before it is anywhere else, so that a process that is killed loses what was not handed to the
//! kernel yet and nothing more. One file for each head; it is removed once the head is written down as pieces.

use super::{
    damage::Damage,
    head::Head,
    varint::{Bytes, put_varint, put_zigzag},
};
use crate::record::{Records, put_record};
use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

/// What a record holds.
mod kind {
    /// Version of the file.
    pub const VERSION: u8 = 0;
    /// A set of series of a channel: number, channel, series.
    pub const LAYOUT: u8 = 1;
    /// A row: layout, time, interval, values.
    pub const ROW: u8 = 2;
}

/// The version that is written.
pub const VERSION: u8 = 1;

/// A channel and a set of its series.
type Layout = (u32, Arc<[u32]>);

/// Writes to the end of one file.
#[derive(Debug)]
pub struct Journal {
    pub path: PathBuf,
    file: File,
    /// Everything up to here is whole.
    good_until: u64,
    /// What the last write left behind this has to go first.
    torn: bool,
    layouts: HashMap<Layout, u32>,
    /// What is to be written next.
    pending: Vec<u8>,
    /// Layouts that are in `pending` only.
    fresh: Vec<Layout>,
}

impl Journal {
    /// Begins a file.
    pub fn create(dir: &Path, seq: u64) -> io::Result<Journal> {
        let path = dir.join(format!("journal-{seq}.log"));
        let file = OpenOptions::new().append(true).create_new(true).open(&path)?;
        let mut journal = Journal {
            path,
            file,
            good_until: 0,
            torn: false,
            layouts: HashMap::new(),
            pending: Vec::new(),
            fresh: Vec::new(),
        };
        put_record(&mut journal.pending, |out| {
            out.extend_from_slice(&[kind::VERSION, VERSION])
        });
        if let Err(error) = journal.write() {
            // Nothing is in it: it must not be in the way of the next try.
            let _ = fs::remove_file(&journal.path);
            return Err(error);
        }
        Ok(journal)
    }

    /// Takes a row down, to be written by [`write`](Journal::write).
    pub fn row(&mut self, channel: u32, ids: &Arc<[u32]>, t_ms: i64, interval_ms: u32, values: &[f64]) {
        let key = (channel, ids.clone());
        let layout = match self.layouts.get(&key) {
            Some(layout) => *layout,
            None => {
                let layout = self.layouts.len() as u32;
                // Twice: a wrong byte in it would cost all rows that follow.
                put_layout(&mut self.pending, layout, channel, ids);
                put_layout(&mut self.pending, layout, channel, ids);
                self.layouts.insert(key.clone(), layout);
                self.fresh.push(key);
                layout
            }
        };
        put_record(&mut self.pending, |out| {
            out.push(kind::ROW);
            put_varint(out, layout.into());
            put_zigzag(out, t_ms);
            put_varint(out, interval_ms.into());
            out.extend(
                values
                    .iter()
                    .take(ids.len())
                    .flat_map(|value| value.to_le_bytes()),
            );
        });
    }

    /// Hands what was taken down to the kernel. When that fails nothing of it is there.
    pub fn write(&mut self) -> io::Result<()> {
        let result = self.write_pending();
        if result.is_ok() {
            self.good_until += self.pending.len() as u64;
        } else {
            self.torn = true;
            self.fresh.iter().for_each(|layout| {
                self.layouts.remove(layout);
            });
        }
        self.pending.clear();
        self.fresh.clear();
        result
    }

    fn write_pending(&mut self) -> io::Result<()> {
        if self.torn {
            self.file.set_len(self.good_until)?;
            self.torn = false;
        }
        self.file.write_all(&self.pending)
    }

    /// A second handle, to bring the file to the disk without holding up who writes.
    pub fn handle(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Bytes that are written.
    pub fn bytes(&self) -> u64 {
        self.good_until
    }
}

fn put_layout(pending: &mut Vec<u8>, layout: u32, channel: u32, ids: &[u32]) {
    put_record(pending, |out| {
        out.push(kind::LAYOUT);
        put_varint(out, layout.into());
        put_varint(out, channel.into());
        let mut before = 0;
        for id in ids {
            put_zigzag(out, i64::from(*id) - before);
            before = i64::from(*id);
        }
    });
}

/// The journals of a folder, oldest first.
pub fn left_behind(dir: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let seq = path.file_name().and_then(|name| {
            name.to_str()?
                .strip_prefix("journal-")?
                .strip_suffix(".log")?
                .parse()
                .ok()
        });
        found.extend(seq.map(|seq: u64| (seq, path)));
    }
    found.sort();
    Ok(found)
}

/// Reads a journal into a head. A torn end is what a kill leaves; anything else that is no record is damage.
pub fn replay(path: &Path, head: &mut Head, damage: &Damage) -> io::Result<()> {
    let bytes = fs::read(path)?;
    let mut records = Records::new(&bytes);
    let mut layouts: HashMap<u64, Layout> = HashMap::new();
    let (mut senseless, mut values) = (0, Vec::new());
    for payload in records.by_ref() {
        let mut bytes = Bytes::new(payload);
        let whole = match bytes.byte() {
            Some(kind::VERSION) => bytes.byte().is_some_and(|version| version <= VERSION),
            Some(kind::LAYOUT) => layout(&mut bytes)
                .map(|(number, layout)| layouts.insert(number, layout))
                .is_some(),
            Some(kind::ROW) => row(&mut bytes, &layouts, &mut values, head).is_some(),
            _ => false,
        };
        senseless += u64::from(!whole);
    }
    if senseless > 0 || records.broken > 0 {
        damage.found(path, records.good_until as u64, "a part of the journal");
    }
    Ok(())
}

fn layout(bytes: &mut Bytes<'_>) -> Option<(u64, Layout)> {
    let number = bytes.varint()?;
    let channel = u32::try_from(bytes.varint()?).ok()?;
    let (mut ids, mut id) = (Vec::new(), 0_i64);
    while !bytes.is_empty() {
        id = id.checked_add(bytes.zigzag()?)?;
        ids.push(u32::try_from(id).ok()?);
    }
    Some((number, (channel, ids.into())))
}

fn row(
    bytes: &mut Bytes<'_>,
    layouts: &HashMap<u64, Layout>,
    values: &mut Vec<f64>,
    head: &mut Head,
) -> Option<()> {
    // Without its layout, which may be what was broken, nobody knows whose values these are.
    let (channel, ids) = layouts.get(&bytes.varint()?)?;
    let t_ms = bytes.zigzag()?;
    let interval_ms = u32::try_from(bytes.varint()?).ok()?;
    values.clear();
    while !bytes.is_empty() {
        values.push(f64::from_le_bytes(bytes.array()?));
    }
    head.push(*channel, ids, t_ms, interval_ms, values);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids() -> Arc<[u32]> {
        [3, 9, 4].into()
    }

    fn written(dir: &Path, rows: i64) -> PathBuf {
        let mut journal = Journal::create(dir, 1).unwrap();
        for row in 0..rows {
            journal.row(7, &ids(), 1000 * row, 1000, &[row as f64, f64::NAN, 0.5]);
            journal.write().unwrap();
        }
        journal.path
    }

    fn times(path: &Path) -> (Vec<i64>, u64) {
        let (mut head, damage) = (Head::default(), Damage::default());
        replay(path, &mut head, &damage).unwrap();
        (
            head.parts.iter().flat_map(|part| part.times.clone()).collect(),
            damage.count(),
        )
    }

    #[test]
    fn rows_come_back_as_they_were() {
        let dir = tempfile::tempdir().unwrap();
        let path = written(dir.path(), 5);
        let mut head = Head::default();
        replay(&path, &mut head, &Damage::default()).unwrap();
        let part = &head.parts[0];
        assert_eq!((part.channel, part.interval_ms, &part.ids), (7, 1000, &ids()));
        assert_eq!(part.column(0, 0..5), [0.0, 1.0, 2.0, 3.0, 4.0]);
        assert!(part.column(1, 0..5).iter().all(|value| value.is_nan()));
        assert_eq!(left_behind(dir.path()).unwrap(), [(1, path)]);
    }

    #[test]
    fn a_torn_end_costs_the_last_row_and_is_no_damage_a_wrong_byte_inside_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = written(dir.path(), 5);
        let bytes = fs::read(&path).unwrap();
        let whole = times(&path).0;
        for length in 0..bytes.len() {
            fs::write(&path, &bytes[..length]).unwrap();
            let (left, damage) = times(&path);
            assert_eq!((&left[..], damage), (&whole[..left.len()], 0), "cut at {length}");
        }
        let size = bytes.len();
        for at in 0..size {
            let mut wrong = bytes.clone();
            wrong[at] ^= 0x20;
            fs::write(&path, &wrong).unwrap();
            let (left, damage) = times(&path);
            assert!(left.len() >= 4, "byte {at}: {left:?}");
            let in_last = left == whole[..4];
            assert!(damage == 1 || in_last, "byte {at}: {damage}");
        }
    }

    #[test]
    fn what_could_not_be_written_leaves_no_trace_and_writing_goes_on_after_it() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::create(dir.path(), 1).unwrap();
        journal.row(7, &ids(), 1000, 1000, &[1.0; 3]);
        journal.write().unwrap();
        // A device that is always full, in the place of the file.
        let full = OpenOptions::new().append(true).open("/dev/full").unwrap();
        let real = std::mem::replace(&mut journal.file, full);
        journal.row(8, &ids(), 2000, 1000, &[1.0; 3]);
        assert_eq!(journal.write().unwrap_err().kind(), io::ErrorKind::StorageFull);
        journal.file = real;
        (&journal.file).write_all(b"half of a record").unwrap();
        journal.row(8, &ids(), 3000, 1000, &[1.0; 3]);
        journal.write().unwrap();
        assert_eq!(times(&journal.path), (vec![1000, 3000], 0));
    }
}
