//! Changes of state on disk, so that "failing since Tuesday" survives a restart.

use super::standing::CHANGES;
use farol_model::ingest::{CheckChange, CheckState};
use sqlx::{Row, SqlitePool};

/// See the module. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    pool: SqlitePool,
}

impl Store {
    pub fn new(pool: SqlitePool) -> Store {
        Store { pool }
    }

    /// Changes of a check, oldest first.
    pub async fn changes(&self, name: &str) -> Result<Vec<CheckChange>, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT t_ms, state, message FROM check_changes WHERE name = ? ORDER BY id DESC LIMIT ?",
        )
        .bind(name)
        .bind(i64::try_from(CHANGES).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await?;
        let change = |row: &sqlx::sqlite::SqliteRow| {
            Some(CheckChange {
                t_ms: row.get("t_ms"),
                state: CheckState::parse(row.get::<&str, _>("state"))?,
                message: row.get("message"),
            })
        };
        Ok(rows.iter().rev().filter_map(change).collect())
    }

    /// Writes a change down, and lets the oldest go.
    pub async fn add(&self, name: &str, change: &CheckChange) -> Result<(), sqlx::Error> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query("INSERT INTO check_changes (name, t_ms, state, message) VALUES (?, ?, ?, ?)")
            .bind(name)
            .bind(change.t_ms)
            .bind(change.state.as_str())
            .bind(&change.message)
            .execute(&mut *transaction)
            .await?;
        sqlx::query(
            "DELETE FROM check_changes WHERE name = ?1 AND id <= \
             (SELECT id FROM check_changes WHERE name = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
        )
        .bind(name)
        .bind(i64::try_from(CHANGES).unwrap_or(i64::MAX))
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_newest_of_each_check_are_kept() {
        let store = Store::new(crate::db::open_in_memory().await.unwrap());
        let change = |t_ms| CheckChange {
            t_ms,
            state: CheckState::Failing,
            message: "gone".into(),
        };
        store.add("other", &change(-1)).await.unwrap();
        for t_ms in 0..CHANGES as i64 + 5 {
            store.add("shop", &change(t_ms)).await.unwrap();
        }
        let kept = store.changes("shop").await.unwrap();
        assert_eq!(kept.len(), CHANGES);
        assert_eq!((kept[0].t_ms, kept[CHANGES - 1].t_ms), (5, CHANGES as i64 + 4));
        assert_eq!(store.changes("other").await.unwrap(), [change(-1)]);
        assert_eq!(store.changes("nobody").await.unwrap(), []);
    }
}
