//! Writes a file beside its place, brings it to the disk, and renames it: it is there whole or not at all.

use super::{
    CHUNK_BYTES, Chunk, END, HEADER_BYTES, Kind, MAGIC, MARK, Name, SegmentFile, Source, VERSION, sum_of,
};
use crate::history::{
    column::put_times,
    varint::{put_varint, put_zigzag},
};
use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

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
