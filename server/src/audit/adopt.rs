//! Takes the log of a Farol before the chain into it. Migration 0004 has put it aside as `audit_before_chain`.
//!
//! Old entries were completed in place, so each becomes one entry, in the old order, and an entry after them says so: the
//! chain vouches for what they were when it began, and for nothing before.

use super::append::{Draft, append};
use crate::time::now_ms;
use sqlx::{Row, SqlitePool, sqlite::SqliteRow};

/// Old entries that are held at a time.
const BATCH: usize = 500;

/// Does it once; the database has no such table after.
pub async fn adopt(pool: &SqlitePool) -> Result<(), sqlx::Error> {
    const WAITS: &str =
        "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'audit_before_chain')";
    if !sqlx::query_scalar::<_, bool>(WAITS).fetch_one(pool).await? {
        return Ok(());
    }
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    // Another process may have been first.
    if !sqlx::query_scalar::<_, bool>(WAITS)
        .fetch_one(&mut *transaction)
        .await?
    {
        return Ok(());
    }
    let (mut last_id, mut count) = (0i64, 0i64);
    loop {
        let rows = sqlx::query("SELECT * FROM audit_before_chain WHERE id > ? ORDER BY id LIMIT ?")
            .bind(last_id)
            .bind(BATCH as i64)
            .fetch_all(&mut *transaction)
            .await?;
        for row in &rows {
            append(&mut transaction, old(row)?).await?;
            last_id = row.try_get("id")?;
            count += 1;
        }
        if rows.len() < BATCH {
            break;
        }
    }
    if count > 0 {
        append(&mut transaction, note(count)).await?;
    }
    sqlx::query("DROP TABLE audit_before_chain")
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await
}

fn old(row: &SqliteRow) -> Result<Draft, sqlx::Error> {
    Ok(Draft {
        at_ms: row.try_get("at_ms")?,
        who: row.try_get("who")?,
        from: row.try_get("peer")?,
        what: row.try_get("what")?,
        params: row.try_get("params")?,
        run: row.try_get("run")?,
        ends: None,
        outcome: row.try_get("outcome")?,
        detail: row.try_get("detail")?,
        duration_ms: row.try_get("duration_ms")?,
    })
}

fn note(count: i64) -> Draft {
    Draft {
        at_ms: now_ms(),
        who: "farol".to_owned(),
        from: "update".to_owned(),
        what: "audit.chain".to_owned(),
        params: format!("{{\"first\":\"1\",\"last\":\"{count}\"}}"),
        run: None,
        ends: None,
        outcome: "succeeded".to_owned(),
        detail: format!(
            "Took entries 1 to {count} into the chain. They were written before there was one: it vouches for them from here on."
        ),
        duration_ms: None,
    }
}
