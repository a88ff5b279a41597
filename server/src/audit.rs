//! The audit log: who did what, from where, and how it ended. Append-only, and a chain: each entry carries the hash of the
//! one before, so that nothing in it can be changed without everything after it. docs/SECURITY.md has the bytes.
//!
//! | file | owns |
//! |---|---|
//! | [`entry`] | an entry and the bytes that are hashed |
//! | [`append`] | adding one, in one transaction whoever writes beside us |
//! | [`adopt`] | taking over the log of a Farol before the chain |
//! | [`page`] | what people are shown: an entry joined with the one that ends it |
//! | [`verify`], [`state`] | whether the chain holds; what the running server knows of that |
//! | [`export`], [`cli`] | JSON lines, CSV, the command line |
//! | [`forward`] | syslog and webhook |
//!
//! What cannot be written must not be done: callers treat an error of [`AuditLog::record`] as a refusal, or let
//! [`AuditLog::act`] do so. You get it wrong when you do first and write after.

pub mod adopt;
pub mod append;
pub mod cli;
pub mod config;
pub mod entry;
pub mod export;
pub mod forward;
pub mod page;
pub mod state;
pub mod verify;

pub use page::PAGE_SIZE;

use append::Draft;
use entry::{Entry, Head};
use farol_model::audit::AuditOutcome;
use sqlx::{Sqlite, SqliteConnection, SqlitePool, Transaction};
use state::ChainState;
use std::{fmt, sync::Arc};
use tokio::sync::watch;

/// What to write down. `params` is a JSON object with secrets already redacted.
#[derive(Debug, Clone)]
pub struct NewEntry {
    pub who: String,
    pub from: String,
    pub what: String,
    pub params: String,
    pub run: Option<String>,
    pub outcome: AuditOutcome,
    pub detail: String,
}

/// Something that was started and whose end nobody has written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenEntry {
    pub seq: i64,
    pub run: Option<String>,
}

/// Why something was not done, or not done well.
#[derive(Debug, thiserror::Error)]
pub enum ActError<E: std::error::Error + 'static> {
    #[error("the audit log cannot be written, so nothing was done")]
    NotWritten(#[source] sqlx::Error),
    #[error(transparent)]
    Failed(E),
}

/// Access to the log. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AuditLog {
    pool: SqlitePool,
    state: Arc<ChainState>,
    /// The last entry of this process, for those who wait for one.
    last: Arc<watch::Sender<Option<Head>>>,
}

impl AuditLog {
    pub fn new(pool: SqlitePool) -> Self {
        AuditLog {
            pool,
            state: Arc::default(),
            last: Arc::new(watch::channel(None).0),
        }
    }

    /// Appends an entry and returns its number.
    pub async fn record(&self, entry: NewEntry) -> Result<i64, sqlx::Error> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let entry = append::append(&mut transaction, Draft::of(entry)).await?;
        transaction.commit().await?;
        Ok(self.written(&entry))
    }

    /// Ends a started entry with one of its own. The second end of an entry is an error.
    pub async fn complete(&self, seq: i64, outcome: AuditOutcome, detail: &str) -> Result<(), sqlx::Error> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let entry = append::end(&mut transaction, seq, outcome, detail).await?;
        transaction.commit().await?;
        self.written(&entry);
        Ok(())
    }

    /// Writes that something is started, does it, and writes how it ended; `said` is one sentence about a good end. What cannot
    /// be written is not done.
    pub async fn act<T, E: std::error::Error + 'static>(
        &self,
        entry: NewEntry,
        doing: impl Future<Output = Result<T, E>>,
        said: impl FnOnce(&T) -> String,
    ) -> Result<T, ActError<E>> {
        let started = NewEntry {
            outcome: AuditOutcome::Started,
            ..entry
        };
        let seq = self.record(started).await.map_err(ActError::NotWritten)?;
        let mut open = Unended {
            log: self.clone(),
            seq: Some(seq),
        };
        let done = doing.await;
        open.seq = None;
        let ended = match &done {
            Ok(done) => self.complete(seq, AuditOutcome::Succeeded, &said(done)).await,
            Err(error) => {
                let why = format!("Not done: {error}.");
                self.complete(seq, AuditOutcome::Failed, &why).await
            }
        };
        if let Err(error) = ended {
            tracing::error!(%error, entry = seq, "the end of an audit entry cannot be written");
        }
        done.map_err(ActError::Failed)
    }

    /// Begins a change of this very database, which is made with its entry or not at all.
    pub async fn together(&self) -> Result<Together, sqlx::Error> {
        Ok(Together {
            log: self.clone(),
            transaction: self.pool.begin_with("BEGIN IMMEDIATE").await?,
        })
    }

    /// What was started and has no end, oldest first. At a start, before anything runs: what an earlier process left.
    pub async fn open(&self) -> Result<Vec<OpenEntry>, sqlx::Error> {
        let rows: Vec<(i64, Option<String>)> = sqlx::query_as(
            "SELECT seq, run FROM audit a WHERE outcome = 'started' \
             AND NOT EXISTS (SELECT 1 FROM audit e WHERE e.ends = a.seq) ORDER BY seq",
        )
        .fetch_all(&self.pool)
        .await?;
        let open = |(seq, run)| OpenEntry { seq, run };
        Ok(rows.into_iter().map(open).collect())
    }

    /// Whether a run has an entry.
    pub async fn knows_run(&self, run: &str) -> Result<bool, sqlx::Error> {
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM audit WHERE run = ?)")
            .bind(run)
            .fetch_one(&self.pool)
            .await
    }

    /// Whether somebody has approved or denied a run.
    pub async fn decided(&self, run: &str) -> Result<bool, sqlx::Error> {
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM audit WHERE run = ? AND outcome = 'succeeded' \
             AND (what LIKE 'approve.%' OR what LIKE 'deny.%'))",
        )
        .bind(run)
        .fetch_one(&self.pool)
        .await
    }

    /// Changes when this process has written an entry.
    fn news(&self) -> watch::Receiver<Option<Head>> {
        self.last.subscribe()
    }

    /// Tells the log of the program, which is kept elsewhere, and those who wait. An entry of a log line that the chain has
    /// no more was taken out of the chain.
    fn written(&self, entry: &Entry) -> i64 {
        let head = entry.head();
        tracing::info!(entry = %head, what = entry.what, outcome = entry.outcome, "audit");
        self.last.send_replace(Some(head));
        metrics::counter!("farol_audit_entries_total").increment(1);
        entry.seq
    }
}

/// A change and its entry in one transaction. Dropped, neither is there; and killed at any point, both are there or neither.
pub struct Together {
    log: AuditLog,
    transaction: Transaction<'static, Sqlite>,
}

impl Together {
    /// Where the change is made.
    pub fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.transaction
    }

    /// Writes the entry and makes both last. On an error neither does.
    pub async fn commit(mut self, entry: NewEntry) -> Result<i64, sqlx::Error> {
        let entry = append::append(&mut self.transaction, Draft::of(entry)).await?;
        self.transaction.commit().await?;
        Ok(self.log.written(&entry))
    }
}

/// Something under way. Whoever asked for it may go away, and it with them: then its entry says so.
struct Unended {
    log: AuditLog,
    seq: Option<i64>,
}

impl Drop for Unended {
    fn drop(&mut self) {
        let (Some(seq), Ok(runtime)) = (self.seq, tokio::runtime::Handle::try_current()) else {
            return;
        };
        let log = self.log.clone();
        runtime.spawn(async move {
            let why = "Broke off: who asked went away. Look whether it was done.";
            if let Err(error) = log.complete(seq, AuditOutcome::Lost, why).await {
                tracing::error!(%error, entry = seq, "the end of an audit entry cannot be written");
            }
        });
    }
}

/// Text at most so long, with a mark where it was cut.
fn shortened(text: &str, max_bytes: usize) -> String {
    if text.len() <= max_bytes {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(max_bytes)])
}

/// Bytes in hexadecimal.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = fmt::Write::write_fmt(&mut text, format_args!("{byte:02x}"));
        text
    })
}

#[cfg(test)]
#[path = "audit/tests.rs"]
mod tests;
