//! Which series there are. A series is its key within its channel; its number is given once, never again to another, and
//! survives restarts. A device with another name is another series.
//!
//! Kept as records in two files that say the same, so that a wrong byte in one is made good by the other. What is known is
//! written anew at each start and once a day, without what has been silent for longer than anything is kept.

use super::damage::Damage;
use crate::record::{Records, put_record};
use farol_model::metric::MetricSpec;
use prost::Message;
use std::{
    collections::{BTreeMap, HashMap},
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

/// The files. They are copies of each other.
const COPIES: [&str; 2] = ["series-1.log", "series-2.log"];

/// A series.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    pub id: u32,
    pub channel_id: u32,
    pub channel: Arc<str>,
    pub spec: MetricSpec,
}

/// What is written down of a series.
#[derive(Clone, PartialEq, Message)]
struct Entry {
    #[prost(uint32, tag = "1")]
    id: u32,
    #[prost(uint32, tag = "2")]
    channel_id: u32,
    #[prost(string, tag = "3")]
    channel: String,
    #[prost(message, optional, tag = "4")]
    spec: Option<MetricSpec>,
    /// When it was last seen, milliseconds; 0 is not known.
    #[prost(int64, tag = "5")]
    last_ms: i64,
    /// Numbers below are taken, also by series that are forgotten.
    #[prost(uint32, tag = "6")]
    taken: u32,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Registry {
    by_id: BTreeMap<u32, Arc<Series>>,
    by_key: HashMap<(u32, String), u32>,
    channels: HashMap<Arc<str>, u32>,
    /// When each was last seen, milliseconds.
    last_ms: HashMap<u32, i64>,
    /// The next number, of series and of channels alike.
    next: u32,
    /// Open to append, once there was something to append.
    files: Vec<File>,
    dir: PathBuf,
    max_series: usize,
    /// Counts what has changed.
    version: u64,
}

impl Registry {
    /// Reads both copies. What is in neither is told as damage.
    pub fn open(dir: &Path, max_series: usize, damage: &Damage) -> io::Result<Registry> {
        let mut registry = Registry {
            dir: dir.to_owned(),
            max_series,
            next: 1,
            ..Registry::default()
        };
        for copy in COPIES {
            let path = dir.join(copy);
            let bytes = match fs::read(&path) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            let mut records = Records::new(&bytes);
            for payload in records.by_ref() {
                match Entry::decode(payload) {
                    Ok(entry) => registry.take(entry),
                    Err(_) => damage.found(&path, 0, "a series"),
                }
            }
            if records.broken > 0 || records.torn {
                damage.found(&path, records.good_until as u64, "a part of the list of series");
            }
        }
        Ok(registry)
    }

    fn take(&mut self, entry: Entry) {
        self.next = self
            .next
            .max(entry.taken)
            .max(entry.id + 1)
            .max(entry.channel_id + 1);
        let Some(spec) = entry.spec else { return };
        self.version += 1;
        let last = self.last_ms.entry(entry.id).or_default();
        *last = (*last).max(entry.last_ms);
        let channel = match self.channels.get_key_value(entry.channel.as_str()) {
            Some((name, _)) => name.clone(),
            None => Arc::from(entry.channel.as_str()),
        };
        self.channels.insert(channel.clone(), entry.channel_id);
        self.by_key.insert((entry.channel_id, spec.key()), entry.id);
        let (id, channel_id) = (entry.id, entry.channel_id);
        self.by_id.insert(
            id,
            Arc::new(Series {
                id,
                channel_id,
                channel,
                spec,
            }),
        );
    }

    /// The numbers of a schema's series, and of its channel. What is new gets its number, what has changed is written down; `None`
    /// where the series does not fit any more. Nothing is known that could not be written.
    pub fn resolve(&mut self, channel: &str, schema: &[MetricSpec]) -> io::Result<(u32, Vec<Option<u32>>)> {
        let mut news = Vec::new();
        let mut next = self.next;
        let mut number = || {
            next += 1;
            next - 1
        };
        let channel_id = self.channels.get(channel).copied().unwrap_or_else(&mut number);
        let mut known = self.by_id.len();
        let mut ids = Vec::with_capacity(schema.len());
        for spec in schema {
            let id = self.by_key.get(&(channel_id, spec.key())).copied();
            let unchanged = id
                .and_then(|id| self.by_id.get(&id))
                .is_some_and(|series| series.spec == *spec);
            let id = match id {
                Some(id) => id,
                None if known >= self.max_series => {
                    ids.push(None);
                    continue;
                }
                None => {
                    known += 1;
                    number()
                }
            };
            ids.push(Some(id));
            if !unchanged {
                news.push(Entry {
                    id,
                    channel_id,
                    channel: channel.to_owned(),
                    spec: Some(spec.clone()),
                    last_ms: 0,
                    taken: 0,
                });
            }
        }
        if !news.is_empty() {
            self.append(&news)?;
        }
        news.into_iter().for_each(|entry| self.take(entry));
        Ok((channel_id, ids))
    }

    fn append(&mut self, entries: &[Entry]) -> io::Result<()> {
        let mut bytes = Vec::new();
        for entry in entries {
            put_record(&mut bytes, |out| entry.encode_raw(out));
        }
        if self.files.is_empty() {
            let open = |copy: &str| {
                OpenOptions::new()
                    .append(true)
                    .create(true)
                    .open(self.dir.join(copy))
            };
            self.files = COPIES.iter().map(|copy| open(copy)).collect::<io::Result<_>>()?;
        }
        // A copy that is cut short is one broken record there, and whole in the other.
        self.files.iter_mut().try_for_each(|file| file.write_all(&bytes))
    }

    /// Notes that these had a row then.
    pub fn seen(&mut self, ids: &[u32], t_ms: i64) {
        for id in ids {
            let last = self.last_ms.entry(*id).or_default();
            *last = (*last).max(t_ms);
        }
    }

    /// Forgets what was last seen before then, and writes both files anew.
    pub fn rewrite(&mut self, forget_before_ms: i64) -> io::Result<()> {
        let last_ms = &self.last_ms;
        let silent = |id: &u32| {
            last_ms
                .get(id)
                .is_some_and(|last| *last != 0 && *last < forget_before_ms)
        };
        self.by_id.retain(|id, _| !silent(id));
        self.version += 1;
        let by_id = &self.by_id;
        self.by_key.retain(|_, id| by_id.contains_key(id));
        self.last_ms.retain(|id, _| by_id.contains_key(id));
        let mut bytes = Vec::new();
        let first = Entry {
            taken: self.next,
            ..Entry::default()
        };
        put_record(&mut bytes, |out| first.encode_raw(out));
        for series in self.by_id.values() {
            let entry = Entry {
                id: series.id,
                channel_id: series.channel_id,
                channel: series.channel.to_string(),
                spec: Some(series.spec.clone()),
                last_ms: self.last_ms.get(&series.id).copied().unwrap_or_default(),
                taken: 0,
            };
            put_record(&mut bytes, |out| entry.encode_raw(out));
        }
        // What is open would go on appending to the files that are replaced.
        self.files.clear();
        for copy in COPIES {
            replace(&self.dir.join(copy), &bytes)?;
        }
        super::segment::sync_dir(&self.dir)
    }

    /// Brings what was appended to the disk.
    pub fn sync(&self) -> io::Result<()> {
        self.files.iter().try_for_each(File::sync_data)
    }

    pub fn get(&self, id: u32) -> Option<&Arc<Series>> {
        self.by_id.get(&id)
    }

    /// All, in the order of their numbers.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Series>> {
        self.by_id.values()
    }

    /// Another one than before, once a series has come, gone or changed.
    pub fn version(&self) -> u64 {
        self.version
    }

    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// When it was last seen, milliseconds; 0 is not known.
    pub fn last_ms(&self, id: u32) -> i64 {
        self.last_ms.get(&id).copied().unwrap_or_default()
    }
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("tmp");
    let mut file = File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use farol_model::metric::Unit;

    fn spec(device: &str, help: &str) -> MetricSpec {
        MetricSpec::gauge("disk_used_bytes", Unit::Bytes, "Disk", "used", help).label("device", device)
    }

    fn open(dir: &Path) -> (Registry, Damage) {
        let damage = Damage::default();
        (Registry::open(dir, 100, &damage).unwrap(), damage)
    }

    #[test]
    fn a_series_keeps_its_number_over_restarts_and_another_device_is_another_series() {
        let dir = tempfile::tempdir().unwrap();
        let (mut registry, _) = open(dir.path());
        let before = registry
            .resolve("metrics/local/disk", &[spec("sda", "h"), spec("sdb", "h")])
            .unwrap();
        drop(registry);
        let (mut registry, _) = open(dir.path());
        let schema = [spec("sdb", "new words"), spec("nvme0", "h")];
        let after = registry.resolve("metrics/local/disk", &schema).unwrap();
        assert_eq!(after.0, before.0);
        assert_eq!(after.1[0], before.1[1]);
        assert!(!before.1.contains(&after.1[1]));
        let other = registry.resolve("metrics/web-1/disk", &schema).unwrap();
        assert_ne!(other.1[0], after.1[0], "of another host");
        drop(registry);
        let (registry, damage) = open(dir.path());
        assert_eq!(registry.get(after.1[0].unwrap()).unwrap().spec.help, "new words");
        assert_eq!((registry.len(), damage.count()), (5, 0));
    }

    #[test]
    fn a_wrong_byte_in_one_copy_is_made_good_by_the_other_and_told() {
        let dir = tempfile::tempdir().unwrap();
        let (mut registry, _) = open(dir.path());
        registry
            .resolve("c/d", &[spec("sda", "h"), spec("sdb", "h"), spec("sdc", "h")])
            .unwrap();
        let path = dir.path().join(COPIES[0]);
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut wrong = whole.clone();
            wrong[at] ^= 1;
            fs::write(&path, &wrong).unwrap();
            let (registry, damage) = open(dir.path());
            assert_eq!((registry.len(), damage.count()), (3, 1), "byte {at}");
        }
    }

    #[test]
    fn what_is_silent_for_long_is_forgotten_but_its_number_is_never_given_again() {
        let dir = tempfile::tempdir().unwrap();
        let (mut registry, _) = open(dir.path());
        let (_, ids) = registry
            .resolve("c/d", &[spec("sda", "h"), spec("sdb", "h")])
            .unwrap();
        registry.seen(&[ids[0].unwrap()], 1000);
        registry.seen(&[ids[1].unwrap()], 500);
        registry.rewrite(600).unwrap();
        let (mut registry, _) = open(dir.path());
        assert_eq!(registry.len(), 1);
        let (_, again) = registry.resolve("c/d", &[spec("sdb", "h")]).unwrap();
        assert!(!ids.contains(&again[0]), "{again:?}");
    }

    #[test]
    fn above_the_bound_series_have_no_number() {
        let dir = tempfile::tempdir().unwrap();
        let mut registry = Registry::open(dir.path(), 2, &Damage::default()).unwrap();
        let schema: Vec<MetricSpec> = ["a", "b", "c"].iter().map(|device| spec(device, "h")).collect();
        let (_, ids) = registry.resolve("c/d", &schema).unwrap();
        assert_eq!(ids.iter().flatten().count(), 2);
        assert_eq!(
            registry.resolve("c/d", &schema).unwrap().1,
            ids,
            "those that fit stay"
        );
    }
}
