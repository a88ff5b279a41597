//! What could not be read back: counted once per place, told in the log, in Farol's own metrics and in the status.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// Places that are remembered, so that each is told once. Above, they are counted again.
const MAX_REMEMBERED: usize = 10_000;

/// See the module.
#[derive(Debug, Default)]
pub struct Damage {
    /// File and offset. A std mutex: held for one look only.
    seen: Mutex<HashSet<(PathBuf, u64)>>,
    count: AtomicU64,
}

impl Damage {
    /// Something at this place is not what was written.
    pub fn found(&self, file: &Path, at: u64, what: &str) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if !seen.insert((file.to_owned(), at)) {
            return;
        }
        if seen.len() > MAX_REMEMBERED {
            seen.clear();
        }
        drop(seen);
        self.count.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("farol_history_broken_chunks_total").increment(1);
        tracing::warn!(file = %file.display(), at, "history: {what} is broken; what it held is missing, all else is there");
    }

    /// Places found so far.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }
}
