//! Runs in SQLite. See the migrations for what the columns promise.
//!
//! | file | owns |
//! |---|---|
//! | here | a run and its state |
//! | [`printed`] | what it printed |
//! | [`list`] | runs by filter; when they began and ended |
//! | [`left`] | what an earlier process left unfinished |

mod left;
mod list;
mod printed;

pub use left::Waiting;
pub use list::Moment;
pub use printed::OUTPUT_TOTAL_BYTES;

use super::Asker;
use farol_model::action::{Params, Run, RunFacts, RunStatus};
use sqlx::{Row, SqlitePool, sqlite::SqliteRow};

/// Access to the runs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct RunStore {
    pool: SqlitePool,
}

/// What became of an insert.
#[derive(Debug, Clone, PartialEq)]
pub enum Inserted {
    New,
    /// The user has used this key before; this is that run.
    Known(Run),
}

impl RunStore {
    pub fn new(pool: SqlitePool) -> Self {
        RunStore { pool }
    }

    /// Adds a run, unless the key is known. One statement decides, so two at once cannot both be new.
    pub async fn insert(
        &self,
        asker: impl Into<Asker>,
        key: &str,
        run: &Run,
    ) -> Result<Inserted, sqlx::Error> {
        let Asker {
            user_id,
            token,
            vouched,
        } = asker.into();
        let done = sqlx::query(
            "INSERT INTO runs (id, user_id, who, key, action, title, params, status, detail, queued_ms, token, vouched) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (user_id, key) DO NOTHING",
        )
        .bind(&run.id)
        .bind(user_id)
        .bind(&run.who)
        .bind(key)
        .bind(&run.action)
        .bind(&run.title)
        .bind(params_text(&run.params))
        .bind(run.status.as_str())
        .bind(&run.detail)
        .bind(run.queued_ms)
        .bind(token)
        .bind(vouched)
        .execute(&self.pool)
        .await?;
        if done.rows_affected() == 1 {
            return Ok(Inserted::New);
        }
        match self.by_key(user_id, key).await? {
            Some(known) => Ok(Inserted::Known(known)),
            None => Err(sqlx::Error::RowNotFound),
        }
    }

    /// The run that a user's key has started.
    pub async fn by_key(&self, user_id: i64, key: &str) -> Result<Option<Run>, sqlx::Error> {
        let known = sqlx::query("SELECT * FROM runs WHERE user_id = ? AND key = ?")
            .bind(user_id)
            .bind(key)
            .fetch_optional(&self.pool)
            .await?;
        known.as_ref().map(read).transpose()
    }

    /// Writes a run's state.
    pub async fn update(&self, run: &Run) -> Result<(), sqlx::Error> {
        sqlx::query("UPDATE runs SET status = ?, detail = ?, ended_ms = ?, exit_code = ? WHERE id = ?")
            .bind(run.status.as_str())
            .bind(&run.detail)
            .bind(run.ended_ms)
            .bind(run.exit_code)
            .bind(&run.id)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Writes that a run's action begins now. Before it does: what is not written as begun has not begun.
    pub async fn begin(&self, run: &Run, at_ms: i64) -> Result<(), sqlx::Error> {
        sqlx::query("UPDATE runs SET status = 'running', detail = ?, started_ms = ? WHERE id = ?")
            .bind(&run.detail)
            .bind(at_ms)
            .bind(&run.id)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Writes which process a run is.
    pub async fn process(&self, run: &str, pid: u32, start_ticks: Option<i64>) -> Result<(), sqlx::Error> {
        sqlx::query("UPDATE runs SET pid = ?, pid_start = ? WHERE id = ?")
            .bind(pid)
            .bind(start_ticks)
            .bind(run)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Writes that a run waits for a second person: until when, and what it is.
    pub async fn awaits(&self, run: &str, until_ms: i64, digest: &str) -> Result<(), sqlx::Error> {
        sqlx::query("UPDATE runs SET approve_by_ms = ?, would_run = ? WHERE id = ?")
            .bind(until_ms)
            .bind(digest)
            .bind(run)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Writes who decided about a run.
    pub async fn decided(&self, run: &str, by: &str) -> Result<(), sqlx::Error> {
        sqlx::query("UPDATE runs SET approver = ? WHERE id = ?")
            .bind(by)
            .bind(run)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// What is known of a run beside its state.
    pub async fn facts(&self, id: &str) -> Result<Option<RunFacts>, sqlx::Error> {
        let row = sqlx::query("SELECT * FROM runs WHERE id = ?")
            .bind(id)
            .fetch_optional(&self.pool)
            .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(RunFacts {
            user_id: row.try_get("user_id")?,
            started_ms: row.try_get("started_ms")?,
            pid: row.try_get("pid")?,
            approver: row.try_get("approver")?,
            approve_by_ms: row.try_get("approve_by_ms")?,
            output_bytes: row
                .try_get::<i64, _>("output_bytes")?
                .try_into()
                .unwrap_or_default(),
            output_gone: row.try_get("output_gone")?,
        }))
    }

    /// One run without its output.
    pub async fn run(&self, id: &str) -> Result<Option<Run>, sqlx::Error> {
        let row = sqlx::query("SELECT * FROM runs WHERE id = ?")
            .bind(id)
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// The newest runs first.
    pub async fn recent(&self, limit: u32) -> Result<Vec<Run>, sqlx::Error> {
        let rows = sqlx::query("SELECT * FROM runs ORDER BY queued_ms DESC, id DESC LIMIT ?")
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(read).collect()
    }
}

fn params_text(params: &Params) -> String {
    serde_json::to_string(params).unwrap_or_else(|_| "{}".to_owned())
}

fn read(row: &SqliteRow) -> Result<Run, sqlx::Error> {
    let status: String = row.try_get("status")?;
    let params: String = row.try_get("params")?;
    Ok(Run {
        id: row.try_get("id")?,
        action: row.try_get("action")?,
        title: row.try_get("title")?,
        who: row.try_get("who")?,
        params: serde_json::from_str(&params).unwrap_or_default(),
        status: RunStatus::parse(&status).unwrap_or(RunStatus::Lost),
        detail: row.try_get("detail")?,
        queued_ms: row.try_get("queued_ms")?,
        ended_ms: row.try_get("ended_ms")?,
        exit_code: row.try_get("exit_code")?,
    })
}
