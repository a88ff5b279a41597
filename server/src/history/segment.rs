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

mod read;
mod write;

use super::tier::Tier;
pub use read::{Group, Opened, later_version};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};
pub use write::{SegmentWriter, sync_dir};

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
}

fn sum_of(head: &[u8], payload: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(head);
    sum.update(payload);
    sum.finalize()
}

/// What a file is to be called and to hold.
#[derive(Debug, Clone, Copy)]
pub struct Name {
    pub tier: Tier,
    pub window: i64,
    pub seq: u64,
    pub merged: bool,
}

#[cfg(test)]
#[path = "segment_tests.rs"]
mod tests;
