//! Every byte of a file is made wrong once, and the file is cut at every length.

use super::*;
use crate::history::{
    column::{put_column, take_column},
    damage::Damage,
    varint::Bytes,
};
use std::{collections::BTreeMap, sync::Arc};

const NAME: Name = Name {
    tier: Tier::Raw,
    window: 3_600_000,
    seq: 7,
    merged: true,
};

fn written(dir: &Path) -> SegmentFile {
    let mut writer = SegmentWriter::create(dir, NAME).unwrap();
    for channel in [1_u32, 2] {
        let times: Vec<i64> = (0..20).map(|row| 3_600_000 + row * 1000).collect();
        let group = writer.group(channel, 1000, &times).unwrap();
        for series in 0..4 {
            let id = 10 * channel + series;
            let values: Vec<f64> = (0..20).map(|row| f64::from(row * id % 7)).collect();
            let mut payload = Vec::new();
            put_column(&mut payload, &values);
            writer.chunk(Kind::Raw, group, id, &payload).unwrap();
        }
    }
    writer.finish(vec![(5, 6)]).unwrap()
}

/// All that can be read: by series, the times and values.
fn read(path: &Path) -> (BTreeMap<u32, Vec<(i64, f64)>>, u64) {
    let damage = Arc::new(Damage::default());
    let bytes = fs::metadata(path).unwrap().len();
    let file = Arc::new(SegmentFile::of_name(path, Tier::Raw, bytes).unwrap());
    let _ = later_version(path, &damage).unwrap();
    let opened = file.open(&damage).unwrap();
    let mut all = BTreeMap::new();
    for group in opened.groups(|_| true) {
        for chunk in opened
            .chunks
            .iter()
            .filter(|chunk| chunk.kind == Kind::Raw && chunk.group == group.number)
        {
            let Some(payload) = opened.read(chunk, "a chunk") else {
                continue;
            };
            let values = take_column(&mut Bytes::new(&payload), group.times.len()).unwrap();
            all.insert(chunk.id, group.times.iter().copied().zip(values).collect());
        }
    }
    (all, damage.count())
}

#[test]
fn a_wrong_byte_costs_the_chunk_that_it_is_in_and_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let file = written(dir.path());
    let (whole, damage) = read(&file.path);
    assert_eq!((whole.len(), damage), (8, 0));
    let bytes = fs::read(&file.path).unwrap();
    assert_eq!(bytes.len() as u64, file.bytes);
    for at in 0..bytes.len() {
        let mut wrong = bytes.clone();
        wrong[at] ^= 0x04;
        fs::write(&file.path, &wrong).unwrap();
        let (left, damage) = read(&file.path);
        assert!(left.len() >= 7, "byte {at} cost {} series", 8 - left.len());
        assert!(
            left.iter().all(|(id, rows)| whole[id] == *rows),
            "byte {at} made other values"
        );
        // The second copy of times is not read while the first is whole.
        assert!(damage >= 1 || left.len() == 8, "byte {at} was not told");
        assert!(damage <= 2, "byte {at} was told {damage} times");
    }
}

#[test]
fn a_torn_file_has_what_was_written_before() {
    let dir = tempfile::tempdir().unwrap();
    let file = written(dir.path());
    let (whole, _) = read(&file.path);
    let bytes = fs::read(&file.path).unwrap();
    let mut most = 0;
    for length in 0..bytes.len() {
        fs::write(&file.path, &bytes[..length]).unwrap();
        let (left, damage) = read(&file.path);
        assert!(
            left.iter().all(|(id, rows)| whole[id] == *rows),
            "cut at {length}"
        );
        assert!(left.len() >= most && damage >= 1, "cut at {length}");
        most = left.len();
    }
    assert_eq!(most, 8);
}

#[test]
fn a_file_of_a_later_version_is_known_as_such() {
    let dir = tempfile::tempdir().unwrap();
    let file = written(dir.path());
    let mut bytes = fs::read(&file.path).unwrap();
    bytes[8..10].copy_from_slice(&(VERSION + 1).to_le_bytes());
    let sum = crc32fast::hash(&bytes[..28]).to_le_bytes();
    bytes[28..32].copy_from_slice(&sum);
    fs::write(&file.path, &bytes).unwrap();
    let damage = Damage::default();
    assert_eq!(later_version(&file.path, &damage).unwrap(), Some(VERSION + 1));
    assert_eq!(damage.count(), 0);
}

#[test]
fn what_is_not_finished_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = SegmentWriter::create(dir.path(), NAME).unwrap();
    writer.group(1, 1000, &[3_600_000]).unwrap();
    drop(writer);
    let folder = dir.path().join(Tier::Raw.as_str());
    assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
}

#[test]
fn what_is_obsolete_leaves_with_its_last_reader() {
    let dir = tempfile::tempdir().unwrap();
    let file = Arc::new(written(dir.path()));
    let reader = file.open(&Arc::default()).unwrap();
    let path = file.path.clone();
    file.leave();
    drop(file);
    assert!(path.exists());
    assert_eq!(reader.groups(|_| true).len(), 2);
    drop(reader);
    assert!(!path.exists());
}
