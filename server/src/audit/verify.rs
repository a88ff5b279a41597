//! Whether the chain holds. The chain alone tells what was changed; that its end was cut off only something kept elsewhere
//! can tell: an anchor, the number and hash of an entry from a log line, a forwarded entry or an earlier verification.

use super::entry::{Entry, Hash, Head, NOTHING};
use sqlx::SqlitePool;
use std::collections::BTreeMap;

/// Entries that are held at a time.
const BATCH: i64 = 1000;

/// The first entry that is wrong, and how.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    #[error("entry {0} is missing: the entry after it is there")]
    Missing(i64),
    #[error("entry {0} does not follow the one before it: that one, or this one, is not what was written")]
    NotFollowing(i64),
    #[error("entry {0} is not what was written: its hash does not fit its content")]
    Changed(i64),
    #[error("entry {0} is another than the anchor says: it, or an entry before it, was written anew")]
    NotAnchored(i64),
    #[error("entry {wanted} is missing: the anchor knows it, and the log ends with entry {last}")]
    CutOff { last: i64, wanted: i64 },
    #[error("entry {0} cannot be read: {1}")]
    Unreadable(i64, String),
}

impl Broken {
    /// The entry it is about.
    pub fn seq(&self) -> i64 {
        match self {
            Broken::Missing(seq)
            | Broken::NotFollowing(seq)
            | Broken::Changed(seq)
            | Broken::NotAnchored(seq)
            | Broken::Unreadable(seq, _) => *seq,
            Broken::CutOff { last, .. } => last + 1,
        }
    }
}

/// Takes entries in their order.
#[derive(Debug, Clone)]
pub struct Verifier {
    /// The last that held.
    last: Head,
    anchors: BTreeMap<i64, Hash>,
    /// Entries that held.
    count: u64,
}

impl Verifier {
    /// From the first entry on.
    pub fn new(anchors: &[Head]) -> Self {
        let start = Head {
            seq: 0,
            hash: NOTHING,
        };
        Verifier::after(start, anchors)
    }

    /// From the entry after this one, which is believed.
    pub fn after(last: Head, anchors: &[Head]) -> Self {
        Verifier {
            last,
            anchors: anchors.iter().map(|anchor| (anchor.seq, anchor.hash)).collect(),
            count: 0,
        }
    }

    pub fn last(&self) -> Head {
        self.last
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    /// Checks the next entry.
    pub fn take(&mut self, entry: &Entry) -> Result<(), Broken> {
        let wanted = self.last.seq + 1;
        if entry.seq != wanted {
            return Err(Broken::Missing(wanted));
        }
        if entry.digest() != entry.hash {
            return Err(Broken::Changed(entry.seq));
        }
        if entry.prev != self.last.hash {
            return Err(Broken::NotFollowing(entry.seq));
        }
        if self
            .anchors
            .get(&entry.seq)
            .is_some_and(|hash| *hash != entry.hash)
        {
            return Err(Broken::NotAnchored(entry.seq));
        }
        self.last = entry.head();
        self.count += 1;
        Ok(())
    }

    /// Nothing comes any more: every anchor must have come.
    pub fn finish(&self) -> Result<(), Broken> {
        match self.anchors.range(self.last.seq + 1..).next() {
            Some((wanted, _)) => Err(Broken::CutOff {
                last: self.last.seq,
                wanted: *wanted,
            }),
            None => Ok(()),
        }
    }
}

/// Goes through what is stored after the verifier's last entry, `limit` entries at most. Whether there may be more.
pub async fn advance(
    pool: &SqlitePool,
    verifier: &mut Verifier,
    limit: u64,
) -> Result<Result<bool, Broken>, sqlx::Error> {
    let mut left = limit;
    while left > 0 {
        let rows = sqlx::query("SELECT * FROM audit WHERE seq > ? ORDER BY seq LIMIT ?")
            .bind(verifier.last.seq)
            .bind(BATCH)
            .fetch_all(pool)
            .await?;
        for row in &rows {
            let taken = match Entry::read(row) {
                Ok(entry) => verifier.take(&entry),
                Err(error) => Err(Broken::Unreadable(verifier.last.seq + 1, error.to_string())),
            };
            if let Err(broken) = taken {
                return Ok(Err(broken));
            }
        }
        left = left.saturating_sub(rows.len() as u64);
        if (rows.len() as i64) < BATCH {
            return Ok(Ok(false));
        }
    }
    Ok(Ok(true))
}

/// What the targets of forwarding were told last: kept apart from the log, so it is an anchor of its own.
pub async fn forwarded(pool: &SqlitePool) -> Result<Vec<Head>, sqlx::Error> {
    let rows = sqlx::query("SELECT seq, hash FROM audit_forward WHERE seq > 0 ORDER BY seq")
        .fetch_all(pool)
        .await?;
    let head = |row: &sqlx::sqlite::SqliteRow| {
        Ok(Head {
            seq: sqlx::Row::try_get(row, "seq")?,
            hash: super::entry::hash_of(row, "hash")?,
        })
    };
    rows.iter().map(head).collect()
}
