//! The audit log: who did what, from where, and how it ended. Append-only; the database itself refuses anything else.
//!
//! An entry is written before its action starts and completed after. What cannot be written must not be done: callers
//! treat an error of [`AuditLog::record`] as a refusal.

use crate::time::now_ms;
use farol_model::audit::{AuditEntry, AuditOutcome, AuditPage, AuditQuery};
use sqlx::{Row, SqlitePool, sqlite::SqliteRow};

/// Entries on one page.
pub const PAGE_SIZE: usize = 50;
/// Longest filter text that is used, characters.
const MAX_FILTER_CHARS: usize = 200;

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

/// Access to the log. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AuditLog {
    pool: SqlitePool,
}

impl AuditLog {
    pub fn new(pool: SqlitePool) -> Self {
        AuditLog { pool }
    }

    /// Appends an entry and returns its id.
    pub async fn record(&self, entry: NewEntry) -> Result<i64, sqlx::Error> {
        sqlx::query_scalar(
            "INSERT INTO audit (at_ms, who, peer, what, params, run, outcome, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        )
        .bind(now_ms())
        .bind(entry.who)
        .bind(entry.from)
        .bind(entry.what)
        .bind(entry.params)
        .bind(entry.run)
        .bind(entry.outcome.as_str())
        .bind(entry.detail)
        .fetch_one(&self.pool)
        .await
    }

    /// Completes a started entry. The second completion of an entry is an error.
    pub async fn complete(&self, id: i64, outcome: AuditOutcome, detail: &str) -> Result<(), sqlx::Error> {
        let done =
            sqlx::query("UPDATE audit SET outcome = ?, detail = ?, duration_ms = ? - at_ms WHERE id = ?")
                .bind(outcome.as_str())
                .bind(detail)
                .bind(now_ms())
                .bind(id)
                .execute(&self.pool)
                .await?;
        if done.rows_affected() == 0 {
            Err(sqlx::Error::RowNotFound)
        } else {
            Ok(())
        }
    }

    /// Marks entries that an earlier process started and never completed. Called once at start, before anything runs.
    pub async fn mark_lost(&self) -> Result<u64, sqlx::Error> {
        sqlx::query("UPDATE audit SET outcome = 'lost', detail = 'The server stopped before this ended.' WHERE outcome = 'started'")
            .execute(&self.pool)
            .await
            .map(|done| done.rows_affected())
    }

    /// One page, newest first.
    pub async fn page(&self, query: &AuditQuery) -> Result<AuditPage, sqlx::Error> {
        let text: String = query.text.chars().take(MAX_FILTER_CHARS).collect();
        let pattern = format!(
            "%{}%",
            text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
        );
        let outcome = AuditOutcome::parse(&query.outcome)
            .map(AuditOutcome::as_str)
            .unwrap_or_default();
        let matches = "(who LIKE ?1 ESCAPE '\\' OR what LIKE ?1 ESCAPE '\\' OR peer LIKE ?1 ESCAPE '\\' \
                        OR detail LIKE ?1 ESCAPE '\\' OR params LIKE ?1 ESCAPE '\\') AND (?2 = '' OR outcome = ?2)";
        let before = if query.before > 0 { query.before } else { i64::MAX };
        let rows = sqlx::query(&format!(
            "SELECT * FROM audit WHERE {matches} AND id < ?3 ORDER BY id DESC LIMIT ?4"
        ))
        .bind(&pattern)
        .bind(outcome)
        .bind(before)
        .bind(PAGE_SIZE as i64 + 1)
        .fetch_all(&self.pool)
        .await?;
        let total: i64 = sqlx::query_scalar(&format!("SELECT count(*) FROM audit WHERE {matches}"))
            .bind(&pattern)
            .bind(outcome)
            .fetch_one(&self.pool)
            .await?;
        let more = rows.len() > PAGE_SIZE;
        let entries: Vec<AuditEntry> = rows.iter().take(PAGE_SIZE).map(entry).collect::<Result<_, _>>()?;
        let next_before = if more {
            entries.last().map(|entry| entry.id)
        } else {
            None
        };
        Ok(AuditPage {
            entries,
            next_before,
            total: u64::try_from(total).unwrap_or_default(),
        })
    }
}

fn entry(row: &SqliteRow) -> Result<AuditEntry, sqlx::Error> {
    let outcome: String = row.try_get("outcome")?;
    Ok(AuditEntry {
        id: row.try_get("id")?,
        at_ms: row.try_get("at_ms")?,
        who: row.try_get("who")?,
        from: row.try_get("peer")?,
        what: row.try_get("what")?,
        params: row.try_get("params")?,
        run: row.try_get("run")?,
        outcome: AuditOutcome::parse(&outcome).unwrap_or(AuditOutcome::Lost),
        detail: row.try_get("detail")?,
        duration_ms: row.try_get("duration_ms")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db;

    fn new_entry(who: &str, outcome: AuditOutcome) -> NewEntry {
        NewEntry {
            who: who.into(),
            from: "127.0.0.1".into(),
            what: "run.process.signal".into(),
            params: "{\"pid\":\"7\"}".into(),
            run: None,
            outcome,
            detail: String::new(),
        }
    }

    #[tokio::test]
    async fn an_entry_is_written_before_and_completed_once_after() {
        let log = AuditLog::new(db::open_in_memory().await.unwrap());
        let id = log.record(new_entry("ana", AuditOutcome::Started)).await.unwrap();
        log.complete(id, AuditOutcome::Succeeded, "done").await.unwrap();
        assert!(log.complete(id, AuditOutcome::Failed, "again").await.is_err());
        let page = log.page(&AuditQuery::default()).await.unwrap();
        assert_eq!(
            (page.entries[0].outcome, page.total),
            (AuditOutcome::Succeeded, 1)
        );
        assert!(page.entries[0].duration_ms.is_some());
    }

    #[tokio::test]
    async fn the_database_refuses_to_delete_or_rewrite() {
        let pool = db::open_in_memory().await.unwrap();
        let log = AuditLog::new(pool.clone());
        log.record(new_entry("ana", AuditOutcome::Refused)).await.unwrap();
        assert!(sqlx::query("DELETE FROM audit").execute(&pool).await.is_err());
        assert!(
            sqlx::query("UPDATE audit SET who = 'bob'")
                .execute(&pool)
                .await
                .is_err()
        );
    }

    #[tokio::test]
    async fn pages_follow_each_other_without_overlap_and_filters_take_text_literally() {
        let log = AuditLog::new(db::open_in_memory().await.unwrap());
        for index in 0..(PAGE_SIZE + 3) {
            log.record(new_entry(&format!("user{index}%"), AuditOutcome::Refused))
                .await
                .unwrap();
        }
        let first = log.page(&AuditQuery::default()).await.unwrap();
        let second = log
            .page(&AuditQuery {
                before: first.next_before.unwrap(),
                ..Default::default()
            })
            .await
            .unwrap();
        assert_eq!(
            (first.entries.len(), second.entries.len(), second.next_before),
            (PAGE_SIZE, 3, None)
        );
        let one = log
            .page(&AuditQuery {
                text: "user7%".into(),
                ..Default::default()
            })
            .await
            .unwrap();
        assert_eq!(one.total, 1, "the percent sign is no wildcard");
    }

    #[tokio::test]
    async fn what_was_running_when_the_server_stopped_is_lost() {
        let log = AuditLog::new(db::open_in_memory().await.unwrap());
        log.record(new_entry("ana", AuditOutcome::Started)).await.unwrap();
        assert_eq!(log.mark_lost().await.unwrap(), 1);
        assert_eq!(
            log.page(&AuditQuery::default()).await.unwrap().entries[0].outcome,
            AuditOutcome::Lost
        );
    }
}
