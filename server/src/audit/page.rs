//! What people are shown. What started and how it ended are two entries of the chain and one row here.

use super::AuditLog;
use farol_model::audit::{AuditEntry, AuditOutcome, AuditPage, AuditQuery};
use sqlx::{Row, sqlite::SqliteRow};

/// Entries on one page.
pub const PAGE_SIZE: usize = 50;
/// Longest filter text that is used, characters.
const MAX_FILTER_CHARS: usize = 200;

/// Every entry that ends none, with the one that ends it.
const JOINED: &str = "SELECT a.seq, a.at_ms, a.who, a.peer, a.what, a.params, a.run, \
    coalesce(e.outcome, a.outcome) AS outcome, coalesce(e.detail, a.detail) AS detail, \
    coalesce(e.duration_ms, a.duration_ms) AS duration_ms \
    FROM audit a LEFT JOIN audit e ON e.ends = a.seq WHERE a.ends IS NULL";
const MATCHES: &str = "(who LIKE ?1 ESCAPE '\\' OR what LIKE ?1 ESCAPE '\\' OR peer LIKE ?1 ESCAPE '\\' \
    OR detail LIKE ?1 ESCAPE '\\' OR params LIKE ?1 ESCAPE '\\') AND (?2 = '' OR outcome = ?2)";

impl AuditLog {
    /// One page, newest first, and whether the chain holds.
    pub async fn page(&self, query: &AuditQuery) -> Result<AuditPage, sqlx::Error> {
        let text: String = query.text.chars().take(MAX_FILTER_CHARS).collect();
        let pattern = format!(
            "%{}%",
            text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
        );
        let outcome = AuditOutcome::parse(&query.outcome)
            .map(AuditOutcome::as_str)
            .unwrap_or_default();
        let before = if query.before > 0 { query.before } else { i64::MAX };
        let rows = sqlx::query(&format!(
            "SELECT * FROM ({JOINED}) WHERE {MATCHES} AND seq < ?3 ORDER BY seq DESC LIMIT ?4"
        ))
        .bind(&pattern)
        .bind(outcome)
        .bind(before)
        .bind(PAGE_SIZE as i64 + 1)
        .fetch_all(&self.pool)
        .await?;
        let total: i64 = sqlx::query_scalar(&format!("SELECT count(*) FROM ({JOINED}) WHERE {MATCHES}"))
            .bind(&pattern)
            .bind(outcome)
            .fetch_one(&self.pool)
            .await?;
        let more = rows.len() > PAGE_SIZE;
        let entries: Vec<AuditEntry> = rows.iter().take(PAGE_SIZE).map(shown).collect::<Result<_, _>>()?;
        let next_before = match more {
            true => entries.last().map(|entry| entry.id),
            false => None,
        };
        let (chain, chain_broken) = self.chain_words().await?;
        Ok(AuditPage {
            entries,
            next_before,
            total: u64::try_from(total).unwrap_or_default(),
            chain,
            chain_broken,
        })
    }
}

fn shown(row: &SqliteRow) -> Result<AuditEntry, sqlx::Error> {
    let outcome: String = row.try_get("outcome")?;
    Ok(AuditEntry {
        id: row.try_get("seq")?,
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
