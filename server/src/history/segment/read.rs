//! Reads a file: by its index, or by the marks of its chunks when the index is broken. What is broken is told, and all else is there.

use super::{
    CHUNK_BYTES, Chunk, END, HEADER_BYTES, Kind, MAGIC, MARK, MAX_CHUNK, SegmentFile, Source, TRAILER_BYTES,
    VERSION, sum_of,
};
use crate::history::{column::take_times, damage::Damage, varint::Bytes};
use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    path::Path,
    sync::Arc,
};

impl SegmentFile {
    /// Opens it and reads its index. What is broken is told to `damage`; an error is one of the file system.
    pub fn open(self: &Arc<Self>, damage: &Arc<Damage>) -> io::Result<Opened> {
        let file = File::open(&self.path)?;
        let length = file.metadata()?.len();
        let (chunks, sources) = match read_index(&file, length) {
            Some(index) => index,
            None => {
                damage.found(&self.path, length, "the index of a file");
                (scan(&fs::read(&self.path)?, self, damage), Vec::new())
            }
        };
        Ok(Opened {
            segment: self.clone(),
            file,
            chunks,
            sources,
            damage: damage.clone(),
        })
    }
}

/// A version that this Farol cannot read; None when it can, or when the header is broken and the name has to do.
pub fn later_version(path: &Path, damage: &Damage) -> io::Result<Option<u16>> {
    let mut header = [0; HEADER_BYTES];
    let file = File::open(path)?;
    let whole = file.read_exact_at(&mut header, 0).is_ok();
    let sum = u32::from_le_bytes(header[28..].try_into().unwrap_or_default());
    if !whole || header[..8] != *MAGIC || crc32fast::hash(&header[..28]) != sum {
        damage.found(path, 0, "the header of a file");
        return Ok(None);
    }
    let version = u16::from_le_bytes([header[8], header[9]]);
    Ok((version > VERSION).then_some(version))
}

/// A file that is being read.
#[derive(Debug)]
pub struct Opened {
    pub segment: Arc<SegmentFile>,
    file: File,
    /// All but times.
    pub chunks: Vec<Chunk>,
    pub sources: Vec<Source>,
    damage: Arc<Damage>,
}

/// The rows of a channel that share their times.
#[derive(Debug, Clone)]
pub struct Group {
    pub number: u16,
    pub channel: u32,
    pub interval_ms: u32,
    pub times: Vec<i64>,
}

impl Opened {
    /// The groups of channels that `wanted` names, in the order in which they were written.
    pub fn groups(&self, wanted: impl Fn(u32) -> bool) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        let times = self
            .chunks
            .iter()
            .filter(|chunk| chunk.kind == Kind::Times && wanted(chunk.id));
        for chunk in times {
            if groups.iter().any(|group| group.number == chunk.group) {
                continue;
            }
            let Some(payload) = self.read(chunk, "the times of a channel (there is a copy)") else {
                continue;
            };
            let mut bytes = Bytes::new(&payload);
            let head = bytes.u32().zip(bytes.u32());
            let times = head.and_then(|(_, rows)| take_times(&mut bytes, rows as usize));
            match head.zip(times) {
                Some(((interval_ms, _), times)) => groups.push(Group {
                    number: chunk.group,
                    channel: chunk.id,
                    interval_ms,
                    times,
                }),
                None => self
                    .damage
                    .found(&self.segment.path, chunk.at, "the times of a channel"),
            }
        }
        groups.sort_by_key(|group| group.number);
        groups
    }

    /// The payload of a chunk; None when it is broken, which is told.
    pub fn read(&self, chunk: &Chunk, what: &str) -> Option<Vec<u8>> {
        let mut bytes = vec![0; CHUNK_BYTES + chunk.length as usize];
        let at = chunk.at - CHUNK_BYTES as u64;
        let whole = self.file.read_exact_at(&mut bytes, at).is_ok();
        if !whole
            || chunk_at(&bytes, 0).is_none_or(|found| (found.id, found.group) != (chunk.id, chunk.group))
        {
            self.damage.found(&self.segment.path, chunk.at, what);
            return None;
        }
        Some(bytes.split_off(CHUNK_BYTES))
    }

    /// Tells that a payload whose sum is right makes no sense.
    pub fn senseless(&self, chunk: &Chunk) {
        self.damage.found(&self.segment.path, chunk.at, "a chunk");
    }
}

/// The chunk at a place, its sum checked.
fn chunk_at(bytes: &[u8], at: usize) -> Option<Chunk> {
    let head = bytes.get(at..at + CHUNK_BYTES)?;
    if head[..2] != MARK {
        return None;
    }
    let mut fields = Bytes::new(&head[2..]);
    let kind = Kind::of(fields.byte()?)?;
    let group = u16::from_le_bytes(fields.array()?);
    let (id, length, sum) = (fields.u32()?, fields.u32()?, fields.u32()?);
    if length as usize > MAX_CHUNK {
        return None;
    }
    let payload = bytes.get(at + CHUNK_BYTES..at + CHUNK_BYTES + length as usize)?;
    let at = (at + CHUNK_BYTES) as u64;
    (sum_of(&head[..13], payload) == sum).then_some(Chunk {
        kind,
        group,
        id,
        at,
        length,
    })
}

/// The chunks of a file whose index is broken.
fn scan(bytes: &[u8], segment: &SegmentFile, damage: &Damage) -> Vec<Chunk> {
    let (mut chunks, mut at, mut lost) = (Vec::new(), HEADER_BYTES, false);
    while at + CHUNK_BYTES <= bytes.len() {
        match chunk_at(bytes, at) {
            Some(chunk) => {
                at = chunk.at as usize + chunk.length as usize;
                chunks.push(chunk);
                lost = false;
            }
            None => {
                if !lost && bytes[at..].starts_with(&MARK) {
                    damage.found(&segment.path, at as u64, "a chunk");
                    lost = true;
                }
                at += 1;
            }
        }
    }
    chunks
}

fn read_index(file: &File, length: u64) -> Option<(Vec<Chunk>, Vec<Source>)> {
    let mut trailer = [0; TRAILER_BYTES];
    let trailer_at = length.checked_sub(TRAILER_BYTES as u64)?;
    file.read_exact_at(&mut trailer, trailer_at).ok()?;
    let mut fields = Bytes::new(&trailer);
    let (size, sum) = (fields.u32()?, fields.u32()?);
    if fields.slice(8)? != END || size as usize > MAX_CHUNK {
        return None;
    }
    let mut index = vec![0; size as usize];
    file.read_exact_at(&mut index, trailer_at.checked_sub(size.into())?)
        .ok()?;
    if crc32fast::hash(&index) != sum {
        return None;
    }
    let mut bytes = Bytes::new(&index);
    let count = bytes.varint()?;
    let (mut chunks, mut at, mut id) = (Vec::with_capacity(index.len() / 4), HEADER_BYTES as u64, 0_i64);
    for _ in 0..count {
        let kind = Kind::of(bytes.byte()?)?;
        let group = u16::try_from(bytes.varint()?).ok()?;
        id += bytes.zigzag()?;
        let length = u32::try_from(bytes.varint()?).ok()?;
        at += CHUNK_BYTES as u64;
        chunks.push(Chunk {
            kind,
            group,
            id: u32::try_from(id).ok()?,
            at,
            length,
        });
        at += u64::from(length);
    }
    let mut sources = Vec::new();
    for _ in 0..bytes.varint()? {
        sources.push((bytes.zigzag()?, bytes.varint()?));
    }
    Some((chunks, sources))
}
