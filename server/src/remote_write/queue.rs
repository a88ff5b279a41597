//! What waits to be sent, on disk, so that it outlives the process: files of records ([`crate::record`]) that only grow, and a cursor
//! that says how much of the oldest was taken.
//!
//! A record is one request as it will be sent. What is torn or flipped costs its record; above the bound the oldest file goes, and
//! what of it was not sent is counted. A cursor that is lost sends some again, which receivers take as the same. Not for async threads.

use crate::record::{HEAD_BYTES, MAX_PAYLOAD, Records, put_record};
use bytes::Bytes;
use std::{
    collections::VecDeque,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Parts of the bound that a file takes: so much is dropped at once.
const FILES: u64 = 16;
/// Bytes of a file at most.
const MAX_FILE_BYTES: u64 = 8 * 1024 * 1024;
/// What was written is brought to the disk so often, for the machine that loses power.
const SYNC_EVERY: Duration = Duration::from_secs(5);
/// Bytes before the request in a payload: its newest and its oldest time, and how many samples it holds.
const META_BYTES: usize = 20;
const CURSOR: &str = "cursor";

/// What is known of a request without unpacking it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meta {
    pub newest_ms: i64,
    pub oldest_ms: i64,
    pub samples: u32,
}

/// A request that waits, and what is said when it is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub meta: Meta,
    pub body: Bytes,
    file: u64,
    /// Where it ends in its file.
    end: u64,
}

/// What was lost, to be counted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Lost {
    /// Samples that went because the queue was full.
    pub full: u64,
    /// Places on disk that held no record.
    pub broken: u64,
}

/// See the module.
#[derive(Debug)]
pub struct Queue {
    dir: PathBuf,
    max_bytes: u64,
    /// Numbers and bytes, the oldest first. Only the last is written to.
    files: VecDeque<(u64, u64)>,
    next: u64,
    /// The last of `files`, once something was written.
    writing: Option<File>,
    /// The first of `files`, once something was read.
    reading: Option<(u64, File)>,
    /// Bytes of the first file that were taken.
    taken: u64,
    /// The newest time that was ever put in.
    newest_ms: i64,
    /// The oldest time of the request that is next, once it was looked at.
    oldest_ms: Option<i64>,
    lost: Lost,
    synced: Instant,
}

impl Queue {
    /// Opens what is there, or makes it.
    pub fn open(dir: &Path, max_bytes: u64) -> io::Result<Queue> {
        fs::create_dir_all(dir)?;
        let mut files = Vec::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            if let Some(number) = number_of(&entry.path()) {
                files.push((number, entry.metadata()?.len()));
            }
        }
        files.sort_unstable();
        let cursor = read_cursor(dir);
        let mut queue = Queue {
            dir: dir.to_owned(),
            max_bytes,
            next: files.last().map_or(1, |(number, _)| number + 1),
            files: files.into(),
            writing: None,
            reading: None,
            taken: 0,
            newest_ms: cursor.map_or(i64::MIN, |cursor| cursor.2),
            oldest_ms: None,
            lost: Lost::default(),
            synced: Instant::now(),
        };
        if let Some((file, taken, _)) = cursor {
            // What was taken whole before the end of the process.
            while queue.files.front().is_some_and(|(number, _)| *number < file) {
                queue.forget_first()?;
            }
            if queue.files.front().is_some_and(|(number, _)| *number == file) {
                queue.taken = taken;
            }
            queue.next = queue.next.max(file + 1);
        }
        for (number, _) in queue.files.clone() {
            let bytes = fs::read(queue.path(number))?;
            let newest = Records::new(&bytes)
                .filter_map(split)
                .map(|(meta, _)| meta.newest_ms);
            queue.newest_ms = newest.max().unwrap_or(i64::MIN).max(queue.newest_ms);
        }
        Ok(queue)
    }

    fn path(&self, number: u64) -> PathBuf {
        self.dir.join(format!("{number:012}.log"))
    }

    fn file_bytes(&self) -> u64 {
        (self.max_bytes / FILES).clamp(1, MAX_FILE_BYTES)
    }

    /// Puts a request at the end. An error is that it is not there, and nothing else has changed.
    pub fn push(&mut self, meta: Meta, body: &[u8]) -> io::Result<()> {
        let mut record = Vec::with_capacity(body.len() + META_BYTES + HEAD_BYTES);
        put_record(&mut record, |out| {
            out.extend_from_slice(&meta.newest_ms.to_le_bytes());
            out.extend_from_slice(&meta.oldest_ms.to_le_bytes());
            out.extend_from_slice(&meta.samples.to_le_bytes());
            out.extend_from_slice(body);
        });
        if record.len() > MAX_PAYLOAD {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a request is too large",
            ));
        }
        self.make_room(record.len() as u64)?;
        let full = |(_, bytes): &(u64, u64)| *bytes > 0 && bytes + record.len() as u64 > self.file_bytes();
        if self.writing.is_none() || self.files.back().is_some_and(full) {
            let number = self.next;
            let new = OpenOptions::new()
                .append(true)
                .create_new(true)
                .open(self.path(number))?;
            if let Some(before) = self.writing.replace(new) {
                before.sync_data()?;
            }
            self.next += 1;
            self.files.push_back((number, 0));
        }
        let (Some(file), Some((_, bytes))) = (&mut self.writing, self.files.back_mut()) else {
            return Err(io::Error::other("there is no file to write to"));
        };
        if let Err(error) = file.write_all(&record) {
            // What is there of it must not stand before the next. If this fails too, it is passed over as torn.
            let _ = file.set_len(*bytes);
            return Err(error);
        }
        *bytes += record.len() as u64;
        self.newest_ms = self.newest_ms.max(meta.newest_ms);
        if self.synced.elapsed() >= SYNC_EVERY {
            self.synced = Instant::now();
            file.sync_data()?;
        }
        Ok(())
    }

    /// Lets the oldest files go until so much more fits.
    fn make_room(&mut self, more: u64) -> io::Result<()> {
        while !self.files.is_empty() && self.on_disk() + more > self.max_bytes {
            let (number, _) = self.files[0];
            let bytes = fs::read(self.path(number)).unwrap_or_default();
            let left = bytes.get(self.taken as usize..).unwrap_or_default();
            let samples = Records::new(left)
                .filter_map(split)
                .map(|(meta, _)| u64::from(meta.samples));
            let samples: u64 = samples.sum();
            self.forget_first()?;
            self.lost.full += samples;
        }
        Ok(())
    }

    fn forget_first(&mut self) -> io::Result<()> {
        let Some((number, _)) = self.files.front().copied() else {
            return Ok(());
        };
        match fs::remove_file(self.path(number)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        if self.files.len() == 1 {
            self.writing = None;
        }
        self.files.pop_front();
        (self.taken, self.reading, self.oldest_ms) = (0, None, None);
        Ok(())
    }

    /// The request that is next, if there is one.
    pub fn peek(&mut self) -> io::Result<Option<Waiting>> {
        loop {
            let Some((number, bytes)) = self.files.front().copied() else {
                return Ok(None);
            };
            if self.taken >= bytes {
                if self.files.len() == 1 && self.writing.is_some() {
                    return Ok(None);
                }
                self.forget_first()?;
                continue;
            }
            if self.reading.as_ref().is_none_or(|(open, _)| *open != number) {
                match File::open(self.path(number)) {
                    Ok(file) => self.reading = Some((number, file)),
                    // Somebody has taken it away: that must not stop all that follows.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        self.lost.broken += 1;
                        self.forget_first()?;
                        continue;
                    }
                    Err(error) => return Err(error),
                }
            }
            let Some((_, file)) = &self.reading else {
                return Ok(None);
            };
            if let Some((payload, end)) = next_record(file, self.taken, bytes)?
                && let Some((meta, body)) = split(&payload)
            {
                self.oldest_ms = Some(meta.oldest_ms);
                return Ok(Some(Waiting {
                    meta,
                    body: Bytes::copy_from_slice(body),
                    file: number,
                    end,
                }));
            }
            self.taken = good_from(file, self.taken, bytes)?;
            self.lost.broken += 1;
        }
    }

    /// What [`peek`](Queue::peek) gave is not needed any more.
    pub fn done(&mut self, waiting: &Waiting) -> io::Result<()> {
        // Else the file went meanwhile, because the queue was full.
        if self
            .files
            .front()
            .is_some_and(|(number, _)| *number == waiting.file)
        {
            self.taken = self.taken.max(waiting.end);
            self.oldest_ms = None;
            write_cursor(&self.dir, waiting.file, self.taken, self.newest_ms)?;
        }
        Ok(())
    }

    fn on_disk(&self) -> u64 {
        self.files.iter().map(|(_, bytes)| bytes).sum()
    }

    /// Another bound, from the next request on.
    pub fn set_max_bytes(&mut self, max_bytes: u64) {
        self.max_bytes = max_bytes;
    }

    /// Bytes that wait.
    pub fn bytes(&self) -> u64 {
        self.on_disk().saturating_sub(self.taken)
    }

    /// The newest time that was ever put in, also before the start of this process; `i64::MIN` before the first.
    pub fn newest_ms(&self) -> i64 {
        self.newest_ms
    }

    /// The oldest time of what is next, as far as it is known.
    pub fn oldest_ms(&self) -> Option<i64> {
        self.oldest_ms
    }

    /// What was lost since this was last asked.
    pub fn lost(&mut self) -> Lost {
        std::mem::take(&mut self.lost)
    }

    /// Brings everything to the disk.
    pub fn sync(&self) -> io::Result<()> {
        self.writing.as_ref().map_or(Ok(()), File::sync_data)
    }
}

fn number_of(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?;
    name.strip_suffix(".log")?.parse().ok()
}

/// What is known of a payload, and the request.
fn split(payload: &[u8]) -> Option<(Meta, &[u8])> {
    let (newest, rest) = payload.split_first_chunk()?;
    let (oldest, rest) = rest.split_first_chunk()?;
    let (samples, body) = rest.split_first_chunk()?;
    let meta = Meta {
        newest_ms: i64::from_le_bytes(*newest),
        oldest_ms: i64::from_le_bytes(*oldest),
        samples: u32::from_le_bytes(*samples),
    };
    Some((meta, body))
}

/// The payload of the record that begins here, and where it ends; None where there is no whole one.
fn next_record(file: &File, at: u64, until: u64) -> io::Result<Option<(Vec<u8>, u64)>> {
    let mut head = [0; HEAD_BYTES];
    if at + HEAD_BYTES as u64 > until {
        return Ok(None);
    }
    file.read_exact_at(&mut head, at)?;
    let Some(length) = crate::record::payload_len(&head) else {
        return Ok(None);
    };
    let end = at + (HEAD_BYTES + length) as u64;
    if end > until {
        return Ok(None);
    }
    let mut record = vec![0; HEAD_BYTES + length];
    file.read_exact_at(&mut record, at)?;
    let payload = Records::new(&record).next().map(<[u8]>::to_vec);
    Ok(payload.map(|payload| (payload, end)))
}

/// Where the next whole record after a broken place begins; the end of the file when there is none.
fn good_from(file: &File, at: u64, until: u64) -> io::Result<u64> {
    let from = at + 1;
    let mut bytes = vec![0; usize::try_from(until.saturating_sub(from)).unwrap_or_default()];
    file.read_exact_at(&mut bytes, from)?;
    let mut records = Records::new(&bytes);
    let found = records.next().map(|payload| payload.len() + HEAD_BYTES);
    Ok(found.map_or(until, |length| from + (records.good_until - length) as u64))
}

/// File, bytes of it that were taken, newest time that was put in.
fn read_cursor(dir: &Path) -> Option<(u64, u64, i64)> {
    let bytes = fs::read(dir.join(CURSOR)).ok()?;
    let payload = Records::new(&bytes).next()?;
    let (file, rest) = payload.split_first_chunk()?;
    let (taken, rest) = rest.split_first_chunk()?;
    let (newest, _) = rest.split_first_chunk()?;
    Some((
        u64::from_le_bytes(*file),
        u64::from_le_bytes(*taken),
        i64::from_le_bytes(*newest),
    ))
}

fn write_cursor(dir: &Path, file: u64, taken: u64, newest_ms: i64) -> io::Result<()> {
    let mut bytes = Vec::new();
    put_record(&mut bytes, |out| {
        out.extend_from_slice(&file.to_le_bytes());
        out.extend_from_slice(&taken.to_le_bytes());
        out.extend_from_slice(&newest_ms.to_le_bytes());
    });
    let fresh = dir.join("cursor.new");
    fs::write(&fresh, &bytes)?;
    fs::rename(fresh, dir.join(CURSOR))
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
