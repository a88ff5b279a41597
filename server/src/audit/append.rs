//! Adding an entry. The caller holds a transaction that was begun as IMMEDIATE: it has the database's one write lock, so
//! what is the last entry stays so until the commit, for this process and for the command line beside it.

use super::{
    NewEntry,
    entry::{Entry, Hash, NOTHING, hash_of},
    shortened,
};
use crate::time::now_ms;
use farol_model::audit::AuditOutcome;
use sqlx::{Row, SqliteConnection};

/// Longest name, address or verb, bytes.
const MAX_WORD: usize = 256;
/// Longest sentence about the outcome, bytes.
const MAX_DETAIL: usize = 2048;
/// Largest parameters, bytes of JSON. Larger ones are left out, and that is said in their place.
const MAX_PARAMS: usize = 16 * 1024;

/// An entry that has no place yet.
#[derive(Debug, Clone)]
pub struct Draft {
    pub at_ms: i64,
    pub who: String,
    pub from: String,
    pub what: String,
    pub params: String,
    pub run: Option<String>,
    pub ends: Option<i64>,
    pub outcome: String,
    pub detail: String,
    pub duration_ms: Option<i64>,
}

impl Draft {
    /// Of now, within the bounds.
    pub fn of(entry: NewEntry) -> Draft {
        let params = match entry.params.len() {
            0..=MAX_PARAMS => entry.params,
            bytes => format!("{{\"left_out\":\"{bytes} bytes\"}}"),
        };
        Draft {
            at_ms: now_ms(),
            who: shortened(&entry.who, MAX_WORD),
            from: shortened(&entry.from, MAX_WORD),
            what: shortened(&entry.what, MAX_WORD),
            params,
            run: entry.run,
            ends: None,
            outcome: entry.outcome.as_str().to_owned(),
            detail: shortened(&entry.detail, MAX_DETAIL),
            duration_ms: None,
        }
    }
}

/// Gives an entry its place, and writes it.
pub async fn append(connection: &mut SqliteConnection, draft: Draft) -> Result<Entry, sqlx::Error> {
    let (seq, prev) = next(connection).await?;
    let mut entry = Entry {
        seq,
        at_ms: draft.at_ms,
        who: draft.who,
        from: draft.from,
        what: draft.what,
        params: draft.params,
        run: draft.run,
        ends: draft.ends,
        outcome: draft.outcome,
        detail: draft.detail,
        duration_ms: draft.duration_ms,
        prev,
        hash: NOTHING,
    };
    entry.hash = entry.digest();
    sqlx::query(
        "INSERT INTO audit (seq, at_ms, who, peer, what, params, run, ends, outcome, detail, duration_ms, prev, hash) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(entry.seq)
    .bind(entry.at_ms)
    .bind(&entry.who)
    .bind(&entry.from)
    .bind(&entry.what)
    .bind(&entry.params)
    .bind(&entry.run)
    .bind(entry.ends)
    .bind(&entry.outcome)
    .bind(&entry.detail)
    .bind(entry.duration_ms)
    .bind(entry.prev.as_slice())
    .bind(entry.hash.as_slice())
    .execute(connection)
    .await?;
    Ok(entry)
}

/// Writes how a started entry ended. [`sqlx::Error::RowNotFound`] when it was not started, or has ended.
pub async fn end(
    connection: &mut SqliteConnection,
    seq: i64,
    outcome: AuditOutcome,
    detail: &str,
) -> Result<Entry, sqlx::Error> {
    let row = sqlx::query(
        "SELECT * FROM audit a WHERE seq = ? AND outcome = 'started' \
         AND NOT EXISTS (SELECT 1 FROM audit e WHERE e.ends = a.seq)",
    )
    .bind(seq)
    .fetch_one(&mut *connection)
    .await?;
    let started = Entry::read(&row)?;
    let at_ms = now_ms();
    let draft = Draft {
        at_ms,
        who: started.who,
        from: started.from,
        what: started.what,
        params: "{}".to_owned(),
        run: started.run,
        ends: Some(seq),
        outcome: outcome.as_str().to_owned(),
        detail: shortened(detail, MAX_DETAIL),
        duration_ms: Some(at_ms.saturating_sub(started.at_ms).max(0)),
    };
    append(connection, draft).await
}

/// Number of the next entry, and what it follows.
async fn next(connection: &mut SqliteConnection) -> Result<(i64, Hash), sqlx::Error> {
    let last = sqlx::query("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")
        .fetch_optional(connection)
        .await?;
    match last {
        None => Ok((1, NOTHING)),
        Some(row) => Ok((row.try_get::<i64, _>("seq")? + 1, hash_of(&row, "hash")?)),
    }
}
