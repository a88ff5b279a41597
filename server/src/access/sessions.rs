//! What people see of sessions, and how they end one: device, address, when it was last seen.
//!
//! The session itself is tower-sessions'. Its name is the secret in the cookie, so a session is called by the row id here.

use super::users::User;
use crate::time::now_ms;
use sqlx::{Row, SqliteConnection, SqlitePool, sqlite::SqliteRow};
use std::net::IpAddr;

/// Longest device that is kept, bytes.
const MAX_DEVICE_BYTES: usize = 200;

/// A session as listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionInfo {
    pub id: i64,
    /// The secret name. Never shown.
    pub session: String,
    pub user_id: i64,
    pub user: String,
    pub since_ms: i64,
    pub seen_ms: i64,
    pub address: String,
    /// `User-Agent`.
    pub device: String,
}

/// Access to the sessions. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sessions {
    pool: SqlitePool,
}

impl Sessions {
    pub fn new(pool: SqlitePool) -> Self {
        Sessions { pool }
    }

    /// A person was here. Called when the session is prolonged, so at most once a minute for each.
    pub async fn seen(
        &self,
        session: &str,
        user: &User,
        since_ms: i64,
        address: Option<IpAddr>,
        device: &str,
    ) -> Result<(), sqlx::Error> {
        let device: String = device.chars().filter(|c| !c.is_control()).collect();
        sqlx::query(
            "INSERT INTO signed_in (session, user_id, generation, since_ms, seen_ms, address, device) \
             VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (session) DO UPDATE SET generation = excluded.generation, \
             seen_ms = excluded.seen_ms, address = excluded.address, device = excluded.device WHERE ended_ms IS NULL",
        )
        .bind(session)
        .bind(user.id)
        .bind(user.generation)
        .bind(since_ms)
        .bind(now_ms())
        .bind(address.map(|address| address.to_string()).unwrap_or_default())
        .bind(&device[..device.floor_char_boundary(MAX_DEVICE_BYTES)])
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Whether somebody ended it. A request that was under way then may have written the session anew.
    pub async fn is_ended(&self, session: &str) -> Result<bool, sqlx::Error> {
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM signed_in WHERE session = ? AND ended_ms IS NOT NULL)",
        )
        .bind(session)
        .fetch_one(&self.pool)
        .await
    }

    /// Those that stand, the last seen first; of one user, or of all. At most `limit`, after `skip` others.
    pub async fn page(
        &self,
        user: Option<i64>,
        skip: i64,
        limit: i64,
    ) -> Result<Vec<SessionInfo>, sqlx::Error> {
        sqlx::query(&format!(
            "SELECT signed_in.*, users.name AS user {STANDING} ORDER BY seen_ms DESC, signed_in.id DESC LIMIT ?2 OFFSET ?3"
        ))
        .bind(user)
        .bind(limit)
        .bind(skip)
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(read)
        .collect()
    }

    /// How many stand.
    pub async fn count(&self, user: Option<i64>) -> Result<i64, sqlx::Error> {
        sqlx::query_scalar(&format!("SELECT count(*) {STANDING}"))
            .bind(user)
            .fetch_one(&self.pool)
            .await
    }

    /// The one of this id, if it stands.
    pub async fn by_id(&self, id: i64) -> Result<Option<SessionInfo>, sqlx::Error> {
        let row = sqlx::query(&format!(
            "SELECT signed_in.*, users.name AS user {STANDING} AND signed_in.id = ?2"
        ))
        .bind(None::<i64>)
        .bind(id)
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map(read).transpose()
    }

    /// Ends a session. False when it has ended already.
    pub async fn end(&self, id: i64) -> Result<bool, sqlx::Error> {
        let mut both = self.pool.begin().await?;
        let ended = end(&mut both, id).await?;
        both.commit().await?;
        Ok(ended)
    }

    /// Ends all of a user but one. Their names.
    pub async fn end_all(&self, user_id: i64, but: Option<&str>) -> Result<Vec<String>, sqlx::Error> {
        let mut both = self.pool.begin().await?;
        let ended = end_all(&mut both, user_id, but).await?;
        both.commit().await?;
        Ok(ended)
    }

    /// Names of those that somebody ended since then.
    pub(super) async fn ended(&self, since_ms: i64) -> Result<Vec<String>, sqlx::Error> {
        sqlx::query_scalar("SELECT session FROM signed_in WHERE ended_ms >= ?")
            .bind(since_ms)
            .fetch_all(&self.pool)
            .await
    }

    /// Forgets what is over: sessions that are gone, and marks of those that could not live any longer.
    pub(super) async fn sweep(&self, marks_before_ms: i64) -> Result<(), sqlx::Error> {
        sqlx::query(
            "DELETE FROM signed_in WHERE (ended_ms IS NULL AND session NOT IN (SELECT id FROM tower_sessions)) OR since_ms < ?",
        )
        .bind(marks_before_ms)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

/// Sessions that stand, of the user `?1` or of all.
const STANDING: &str = "FROM signed_in JOIN users ON users.id = signed_in.user_id \
    JOIN tower_sessions ON tower_sessions.id = signed_in.session \
    WHERE ended_ms IS NULL AND users.disabled = 0 AND users.generation = signed_in.generation AND datetime(expiry_date) > datetime('now') \
    AND (?1 IS NULL OR user_id = ?1)";

fn read(row: &SqliteRow) -> Result<SessionInfo, sqlx::Error> {
    Ok(SessionInfo {
        id: row.try_get("id")?,
        session: row.try_get("session")?,
        user_id: row.try_get("user_id")?,
        user: row.try_get("user")?,
        since_ms: row.try_get("since_ms")?,
        seen_ms: row.try_get("seen_ms")?,
        address: row.try_get("address")?,
        device: row.try_get("device")?,
    })
}

/// See [`Sessions::end`]. In a transaction of the caller's.
pub async fn end(both: &mut SqliteConnection, id: i64) -> Result<bool, sqlx::Error> {
    let session: Option<String> = sqlx::query_scalar(
        "UPDATE signed_in SET ended_ms = ? WHERE id = ? AND ended_ms IS NULL RETURNING session",
    )
    .bind(now_ms())
    .bind(id)
    .fetch_optional(&mut *both)
    .await?;
    if let Some(session) = &session {
        sqlx::query("DELETE FROM tower_sessions WHERE id = ?")
            .bind(session)
            .execute(&mut *both)
            .await?;
    }
    Ok(session.is_some())
}

/// See [`Sessions::end_all`]. In a transaction of the caller's.
pub async fn end_all(
    both: &mut SqliteConnection,
    user_id: i64,
    but: Option<&str>,
) -> Result<Vec<String>, sqlx::Error> {
    let ended: Vec<String> = sqlx::query_scalar(
        "UPDATE signed_in SET ended_ms = ?1 WHERE user_id = ?2 AND ended_ms IS NULL AND session IS NOT ?3 \
         AND session IN (SELECT id FROM tower_sessions) RETURNING session",
    )
    .bind(now_ms())
    .bind(user_id)
    .bind(but)
    .fetch_all(&mut *both)
    .await?;
    for session in &ended {
        sqlx::query("DELETE FROM tower_sessions WHERE id = ?")
            .bind(session)
            .execute(&mut *both)
            .await?;
    }
    Ok(ended)
}
