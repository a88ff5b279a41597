//! The table of annotations, and its bounds.

use super::{Annotation, KEEP_MS, MAX_OWN, MAX_TOLD, Wanted};
use sqlx::{Row, SqliteConnection, SqlitePool, sqlite::SqliteRow};

/// See the module. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    pool: SqlitePool,
}

impl Store {
    pub fn new(pool: SqlitePool) -> Store {
        Store { pool }
    }

    /// Those that touch a time, the newest first.
    pub async fn list(&self, wanted: &Wanted) -> Result<Vec<Annotation>, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT * FROM annotations WHERE at_ms < ?1 AND coalesce(end_ms, at_ms) >= ?2 \
             AND (?3 IS NULL OR EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ?3)) \
             ORDER BY at_ms DESC, id DESC LIMIT ?4",
        )
        .bind(wanted.to_ms)
        .bind(wanted.from_ms)
        .bind(&wanted.tag)
        .bind(wanted.limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(read).collect()
    }

    /// Those that lie ahead of a time, the next first.
    pub async fn ahead(&self, from_ms: i64, limit: u32) -> Result<Vec<Annotation>, sqlx::Error> {
        let rows = sqlx::query("SELECT * FROM annotations WHERE at_ms >= ? ORDER BY at_ms, id LIMIT ?")
            .bind(from_ms)
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(read).collect()
    }

    /// Writes down what Farol noted itself.
    pub async fn note(&self, own: &Annotation) -> Result<i64, sqlx::Error> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let id = insert(&mut transaction, own, true).await?;
        transaction.commit().await?;
        Ok(id)
    }
}

/// Writes one down and lets those go that are too many or too old. Its number.
pub async fn insert(
    connection: &mut SqliteConnection,
    new: &Annotation,
    own: bool,
) -> Result<i64, sqlx::Error> {
    let tags = serde_json::to_string(&new.tags).unwrap_or_else(|_| "[]".to_owned());
    let inserted = sqlx::query(
        "INSERT INTO annotations (at_ms, end_ms, title, tags, who, own) VALUES (?, ?, ?, ?, ?, ?)",
    )
    .bind(new.at_ms)
    .bind(new.end_ms)
    .bind(&new.title)
    .bind(tags)
    .bind(&new.who)
    .bind(own)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "DELETE FROM annotations WHERE own = ?1 AND id <= \
         (SELECT id FROM annotations WHERE own = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
    )
    .bind(own)
    .bind(if own { MAX_OWN } else { MAX_TOLD })
    .execute(&mut *connection)
    .await?;
    sqlx::query("DELETE FROM annotations WHERE coalesce(end_ms, at_ms) < ?")
        .bind(crate::time::now_ms() - KEEP_MS)
        .execute(&mut *connection)
        .await?;
    Ok(inserted.last_insert_rowid())
}

/// Takes one away; its title, if it was there.
pub async fn delete(connection: &mut SqliteConnection, id: i64) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar("DELETE FROM annotations WHERE id = ? RETURNING title")
        .bind(id)
        .fetch_optional(connection)
        .await
}

fn read(row: &SqliteRow) -> Result<Annotation, sqlx::Error> {
    let tags: String = row.try_get("tags")?;
    Ok(Annotation {
        id: row.try_get("id")?,
        at_ms: row.try_get("at_ms")?,
        end_ms: row.try_get("end_ms")?,
        title: row.try_get("title")?,
        tags: serde_json::from_str(&tags).unwrap_or_default(),
        who: row.try_get("who")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::now_ms;

    fn annotation(title: &str, at_ms: i64, end_ms: Option<i64>, tags: &[&str]) -> Annotation {
        Annotation {
            id: 0,
            at_ms,
            end_ms,
            title: title.into(),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            who: "olga".into(),
        }
    }

    async fn titles(store: &Store, from_ms: i64, to_ms: i64, tag: Option<&str>) -> Vec<String> {
        let wanted = Wanted {
            from_ms,
            to_ms,
            tag: tag.map(str::to_owned),
            limit: 20,
        };
        let found = store.list(&wanted).await.unwrap();
        found.into_iter().map(|one| one.title).collect()
    }

    #[tokio::test]
    async fn those_that_touch_a_time_are_found_by_tag_and_the_oldest_go() {
        let store = Store::new(crate::db::open_in_memory().await.unwrap());
        let now = now_ms();
        for (title, at, end, tags) in [
            ("deploy", -1000, None, &["deploy", "shop"][..]),
            ("backup", -5000, Some(-500), &["backup"]),
            ("later", 500, None, &[]),
        ] {
            let one = annotation(title, now + at, end.map(|end: i64| now + end), tags);
            store.note(&one).await.unwrap();
        }
        assert_eq!(titles(&store, now - 2000, now, None).await, ["deploy", "backup"]);
        assert_eq!(titles(&store, now - 2000, now, Some("deploy")).await, ["deploy"]);
        assert_eq!(titles(&store, now - 900, now, None).await, ["backup"]);
        assert_eq!(titles(&store, now + 500, now + 501, None).await, ["later"]);
        // Beyond what is kept.
        store
            .note(&annotation("old", now - KEEP_MS - 9000, None, &[]))
            .await
            .unwrap();
        assert!(titles(&store, 0, now - KEEP_MS, None).await.is_empty());
    }

    #[tokio::test]
    async fn what_farol_notes_never_pushes_out_what_was_told_and_numbers_are_not_given_twice() {
        let pool = crate::db::open_in_memory().await.unwrap();
        let store = Store::new(pool.clone());
        let now = now_ms();
        let mut connection = pool.acquire().await.unwrap();
        let told = insert(&mut connection, &annotation("told", now, None, &[]), false).await;
        drop(connection);
        for _ in 0..MAX_OWN + 3 {
            store.note(&annotation("own", now, None, &[])).await.unwrap();
        }
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM annotations")
            .fetch_one(&pool)
            .await
            .unwrap();
        assert_eq!(count, MAX_OWN + 1);
        let mut connection = pool.acquire().await.unwrap();
        let id = told.unwrap();
        assert_eq!(
            delete(&mut connection, id).await.unwrap().as_deref(),
            Some("told")
        );
        assert_eq!(delete(&mut connection, id).await.unwrap(), None);
        let newest = insert(&mut connection, &annotation("x", now, None, &[]), false)
            .await
            .unwrap();
        delete(&mut connection, newest).await.unwrap();
        let next = insert(&mut connection, &annotation("y", now, None, &[]), false)
            .await
            .unwrap();
        assert!(next > newest);
    }
}
