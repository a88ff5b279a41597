//! Which files there are: by tier and window, in the order in which they were written.

use super::{
    damage::Damage,
    segment::{SegmentFile, later_version},
    tier::Tier,
};
use std::{collections::BTreeMap, fs, io, path::Path, sync::Arc};

/// Files of one window: at most one that is merged, first, and pieces that were written after it.
pub type Files = Vec<Arc<SegmentFile>>;

/// See the module.
#[derive(Debug, Default, Clone)]
pub struct Catalog {
    tiers: [BTreeMap<i64, Files>; 3],
    /// The greatest number that any file has, whether it could be read or not.
    pub newest_seq: u64,
}

impl Catalog {
    /// Looks through the folders. Removes what was not finished; leaves alone what a later Farol has written.
    pub fn open(dir: &Path, damage: &Arc<Damage>) -> io::Result<Catalog> {
        let mut catalog = Catalog::default();
        for tier in Tier::ALL {
            let entries = match fs::read_dir(dir.join(tier.as_str())) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            for entry in entries {
                let entry = entry?;
                let path = entry.path();
                if path.extension().is_some_and(|extension| extension == "tmp") {
                    fs::remove_file(&path)?;
                    continue;
                }
                let Some(file) = SegmentFile::of_name(&path, tier, entry.metadata()?.len()) else {
                    tracing::warn!(file = %path.display(), "history: this file is not one of ours and is left alone");
                    continue;
                };
                catalog.newest_seq = catalog.newest_seq.max(file.seq);
                catalog.take(file, damage);
            }
        }
        for window in catalog.tiers.iter_mut().flat_map(BTreeMap::values_mut) {
            window.sort_by_key(|file| (file.seq, !file.merged));
            settle(window);
        }
        Ok(catalog)
    }

    fn take(&mut self, mut file: SegmentFile, damage: &Arc<Damage>) {
        match later_version(&file.path, damage) {
            Ok(None) => {}
            Ok(Some(version)) => {
                tracing::warn!(file = %file.path.display(), version, "history: a later Farol has written this file; it is left alone");
                return;
            }
            Err(error) => {
                tracing::warn!(file = %file.path.display(), %error, "history: this file cannot be read and is left alone");
                return;
            }
        }
        if file.tier != Tier::Raw {
            file.sources = sources_of(&file, damage);
        }
        let window = self.tiers[file.tier as usize].entry(file.window).or_default();
        window.push(Arc::new(file));
    }

    /// Adds what was written just now.
    pub fn add(&mut self, file: SegmentFile) {
        self.newest_seq = self.newest_seq.max(file.seq);
        let window = self.tiers[file.tier as usize].entry(file.window).or_default();
        window.push(Arc::new(file));
        window.sort_by_key(|file| (file.seq, !file.merged));
        settle(window);
    }

    /// Takes a window out; its files leave the disk.
    pub fn remove(&mut self, tier: Tier, window: i64) {
        for file in self.tiers[tier as usize].remove(&window).into_iter().flatten() {
            file.leave();
        }
    }

    pub fn window(&self, tier: Tier, window: i64) -> &[Arc<SegmentFile>] {
        self.tiers[tier as usize].get(&window).map_or(&[], Vec::as_slice)
    }

    /// Of a tier, in ascending order.
    pub fn windows(&self, tier: Tier) -> impl DoubleEndedIterator<Item = (i64, &Files)> {
        self.tiers[tier as usize]
            .iter()
            .map(|(window, files)| (*window, files))
    }

    /// What of the finer tier is in this one: each window, and the newest of what it was made from.
    pub fn rolled(&self, tier: Tier) -> BTreeMap<i64, u64> {
        let mut rolled: BTreeMap<i64, u64> = BTreeMap::new();
        let files = self.tiers[tier as usize].values().flatten();
        for (window, seq) in files.flat_map(|file| &file.sources) {
            let newest = rolled.entry(*window).or_default();
            *newest = (*newest).max(*seq);
        }
        rolled
    }

    /// Bytes of a tier.
    pub fn bytes(&self, tier: Tier) -> u64 {
        self.tiers[tier as usize]
            .values()
            .flatten()
            .map(|file| file.bytes)
            .sum()
    }

    /// How many files there are.
    pub fn files(&self) -> usize {
        self.tiers.iter().flat_map(BTreeMap::values).map(Vec::len).sum()
    }
}

/// What was merged, or was left behind by a merge that could not take it away, leaves.
fn settle(window: &mut Files) {
    let Some(merged) = window.iter().rposition(|file| file.merged) else {
        return;
    };
    // Sorted: all before it has a number that is not greater.
    let seq = window[merged].seq;
    let gone = |at: usize, file: &SegmentFile| at != merged && file.seq <= seq;
    let mut at = 0;
    window.retain(|file| {
        let leaves = gone(at, file);
        at += 1;
        if leaves {
            file.leave();
        }
        !leaves
    });
}

/// What a file was made from. Without a whole index it is known from the rows.
fn sources_of(file: &SegmentFile, damage: &Arc<Damage>) -> Vec<(i64, u64)> {
    let probe = SegmentFile::of_name(&file.path, file.tier, file.bytes).map(Arc::new);
    let Some(Ok(opened)) = probe.map(|probe| probe.open(damage)) else {
        return Vec::new();
    };
    if !opened.sources.is_empty() {
        return opened.sources.clone();
    }
    let finer = match file.tier {
        Tier::TwoMinutes => Tier::TenSeconds,
        _ => Tier::Raw,
    };
    let groups = opened.groups(|_| true);
    let windows = groups
        .iter()
        .flat_map(|group| &group.times)
        .map(|time| (finer.window_of(*time), 0));
    let all: BTreeMap<i64, u64> = windows.collect();
    all.into_iter().collect()
}
