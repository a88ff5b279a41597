//! One file of history: the rows of one tier in one window. Written once, then never changed.
//!
//! ```text
//! header   "FAROLSEG" version:u16 tier:u8 merged:u8 window:i64 seq:u64 crc:u32
//! chunk*   mark:u16 kind:u8 group:u16 id:u32 length:u32 crc:u32 payload
//! index    kind, group, id and length of each chunk; which windows of the finer tier went into it
//! trailer  length:u32 crc:u32 "FAROLEND"
//! ```
//!
//! A group is the rows of one channel that share their times; its times are there twice, before and after its columns. Each
//! chunk has a check sum of its own: a wrong byte costs that chunk. Without a whole index the chunks are found by their marks,
//! without a whole header the name of the file says what it is. Numbers are written the lowest byte first.

use super::{
    column::{put_times, take_times},
    damage::Damage,
    tier::Tier,
    varint::{Bytes, put_varint, put_zigzag},
};
use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// The version that is written. A file of a later one is left alone.
pub const VERSION: u16 = 1;
const HEADER_BYTES: usize = 32;
const CHUNK_BYTES: usize = 17;
const TRAILER_BYTES: usize = 16;
const MAGIC: &[u8; 8] = b"FAROLSEG";
const END: &[u8; 8] = b"FAROLEND";
const MARK: [u8; 2] = [0xFA, 0x01];
/// Bytes of one chunk at most: a length above is a wrong byte.
const MAX_CHUNK: usize = 64 * 1024 * 1024;

/// What a chunk holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// The times of a group; its id is the channel.
    Times = 1,
    /// The values of a series, as they were read.
    Raw = 2,
    /// Minimum, maximum, mean, last and count of a series.
    Envelope = 3,
}

impl Kind {
    fn of(byte: u8) -> Option<Kind> {
        [Kind::Times, Kind::Raw, Kind::Envelope]
            .into_iter()
            .find(|kind| *kind as u8 == byte)
    }
}

/// Where a chunk is.
#[derive(Debug, Clone, Copy)]
pub struct Chunk {
    pub kind: Kind,
    pub group: u16,
    /// Of the series, or of the channel.
    pub id: u32,
    /// Where its payload begins.
    at: u64,
    length: u32,
}

/// A window of the finer tier, and the newest of what it was made from.
pub type Source = (i64, u64);

/// A file that is there. Its name says what it is; its content is read when somebody asks.
#[derive(Debug)]
pub struct SegmentFile {
    pub path: PathBuf,
    pub tier: Tier,
    pub window: i64,
    /// Of what was written later the number is greater. What is merged has that of the newest of its pieces.
    pub seq: u64,
    /// Whether it is all of its window up to `seq`, or one piece of it.
    pub merged: bool,
    pub bytes: u64,
    /// What it was made from; nothing for raw rows.
    pub sources: Vec<Source>,
    /// Something else has taken its place: it leaves the disk with its last reader.
    obsolete: AtomicBool,
}

impl Drop for SegmentFile {
    fn drop(&mut self) {
        if self.obsolete.load(Ordering::Relaxed)
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(file = %self.path.display(), %error, "history: a file that is not needed any more cannot be removed");
        }
    }
}

impl SegmentFile {
    /// Removes it once nobody reads it.
    pub fn leave(&self) {
        self.obsolete.store(true, Ordering::Relaxed);
    }

    /// What a name in a tier's folder stands for: `WINDOW-SEQ.piece` or `WINDOW-SEQ.merged`. Its sources are not read yet.
    pub fn of_name(path: &Path, tier: Tier, bytes: u64) -> Option<SegmentFile> {
        let merged = match path.extension()?.to_str()? {
            "merged" => true,
            "piece" => false,
            _ => return None,
        };
        let (window, seq) = path.file_stem()?.to_str()?.rsplit_once('-')?;
        let window: i64 = window.parse().ok()?;
        Some(SegmentFile {
            path: path.to_owned(),
            tier,
            window,
            seq: seq.parse().ok()?,
            merged,
            bytes,
            sources: Vec::new(),
            obsolete: AtomicBool::new(false),
        })
        .filter(|file| tier.window_of(file.window) == file.window)
    }

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

fn sum_of(head: &[u8], payload: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(head);
    sum.update(payload);
    sum.finalize()
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

/// What a file is to be called and to hold.
#[derive(Debug, Clone, Copy)]
pub struct Name {
    pub tier: Tier,
    pub window: i64,
    pub seq: u64,
    pub merged: bool,
}

/// Writes a file beside its place; it is there once [`finish`](SegmentWriter::finish) has succeeded.
#[derive(Debug)]
pub struct SegmentWriter {
    out: BufWriter<File>,
    name: Name,
    /// Removed when it is not finished.
    beside: PathBuf,
    path: PathBuf,
    at: u64,
    chunks: Vec<Chunk>,
    /// The times of each group, to be written once more: its channel and the payload.
    groups: Vec<(u32, Vec<u8>)>,
    finished: bool,
}

impl SegmentWriter {
    pub fn create(dir: &Path, name: Name) -> io::Result<SegmentWriter> {
        let folder = dir.join(name.tier.as_str());
        fs::create_dir_all(&folder)?;
        let extension = if name.merged { "merged" } else { "piece" };
        let path = folder.join(format!("{}-{}.{extension}", name.window, name.seq));
        let beside = path.with_extension("tmp");
        let mut header = Vec::with_capacity(HEADER_BYTES);
        header.extend_from_slice(MAGIC);
        header.extend_from_slice(&VERSION.to_le_bytes());
        header.extend_from_slice(&[name.tier as u8, name.merged.into()]);
        header.extend_from_slice(&name.window.to_le_bytes());
        header.extend_from_slice(&name.seq.to_le_bytes());
        header.extend_from_slice(&crc32fast::hash(&header).to_le_bytes());
        let mut writer = SegmentWriter {
            out: BufWriter::with_capacity(64 * 1024, File::create(&beside)?),
            name,
            beside,
            path,
            at: HEADER_BYTES as u64,
            chunks: Vec::new(),
            groups: Vec::new(),
            finished: false,
        };
        writer.out.write_all(&header)?;
        Ok(writer)
    }

    /// Begins a group and answers with its number.
    pub fn group(&mut self, channel: u32, interval_ms: u32, times: &[i64]) -> io::Result<u16> {
        let number = u16::try_from(self.groups.len()).map_err(io::Error::other)?;
        let mut payload = Vec::new();
        payload.extend_from_slice(&interval_ms.to_le_bytes());
        payload.extend_from_slice(&(times.len() as u32).to_le_bytes());
        put_times(&mut payload, times);
        self.chunk(Kind::Times, number, channel, &payload)?;
        self.groups.push((channel, payload));
        Ok(number)
    }

    pub fn chunk(&mut self, kind: Kind, group: u16, id: u32, payload: &[u8]) -> io::Result<()> {
        let length = u32::try_from(payload.len()).map_err(io::Error::other)?;
        let mut head = Vec::with_capacity(CHUNK_BYTES);
        head.extend_from_slice(&MARK);
        head.push(kind as u8);
        head.extend_from_slice(&group.to_le_bytes());
        head.extend_from_slice(&id.to_le_bytes());
        head.extend_from_slice(&length.to_le_bytes());
        head.extend_from_slice(&sum_of(&head, payload).to_le_bytes());
        self.out.write_all(&head)?;
        self.out.write_all(payload)?;
        let at = self.at + CHUNK_BYTES as u64;
        self.chunks.push(Chunk {
            kind,
            group,
            id,
            at,
            length,
        });
        self.at = at + u64::from(length);
        Ok(())
    }

    /// Brings it to the disk and to its place.
    pub fn finish(mut self, sources: Vec<Source>) -> io::Result<SegmentFile> {
        for (number, (channel, payload)) in std::mem::take(&mut self.groups).into_iter().enumerate() {
            self.chunk(Kind::Times, number as u16, channel, &payload)?;
        }
        let mut index = Vec::with_capacity(6 * self.chunks.len());
        put_varint(&mut index, self.chunks.len() as u64);
        let mut id = 0_i64;
        for chunk in &self.chunks {
            index.push(chunk.kind as u8);
            put_varint(&mut index, chunk.group.into());
            put_zigzag(&mut index, i64::from(chunk.id) - id);
            id = chunk.id.into();
            put_varint(&mut index, chunk.length.into());
        }
        put_varint(&mut index, sources.len() as u64);
        for (window, seq) in &sources {
            put_zigzag(&mut index, *window);
            put_varint(&mut index, *seq);
        }
        let (size, sum) = (index.len() as u32, crc32fast::hash(&index));
        index.extend_from_slice(&size.to_le_bytes());
        index.extend_from_slice(&sum.to_le_bytes());
        index.extend_from_slice(END);
        self.out.write_all(&index)?;
        self.out.flush()?;
        self.out.get_ref().sync_data()?;
        fs::rename(&self.beside, &self.path)?;
        self.finished = true;
        if let Some(folder) = self.path.parent() {
            sync_dir(folder)?;
        }
        Ok(SegmentFile {
            path: self.path.clone(),
            tier: self.name.tier,
            window: self.name.window,
            seq: self.name.seq,
            merged: self.name.merged,
            bytes: self.at + index.len() as u64,
            sources,
            obsolete: AtomicBool::new(false),
        })
    }
}

impl Drop for SegmentWriter {
    fn drop(&mut self) {
        if !self.finished {
            // What cannot be removed is removed at the next start.
            let _ = fs::remove_file(&self.beside);
        }
    }
}

/// Brings what was renamed within a folder to the disk.
pub fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

#[cfg(test)]
#[path = "segment_tests.rs"]
mod tests;
