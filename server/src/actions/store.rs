//! Runs in SQLite. See the migration for what the columns promise.

use super::output::Printed;
use farol_model::action::{OutputStream, Params, Run, RunStatus, RunView};
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

    /// Adds a queued run, unless the key is known. One statement decides, so two at once cannot both be new.
    pub async fn insert(&self, user_id: i64, key: &str, run: &Run) -> Result<Inserted, sqlx::Error> {
        let done = sqlx::query(
            "INSERT INTO runs (id, user_id, who, key, action, title, params, status, detail, queued_ms) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, '', ?) ON CONFLICT (user_id, key) DO NOTHING",
        )
        .bind(&run.id)
        .bind(user_id)
        .bind(&run.who)
        .bind(key)
        .bind(&run.action)
        .bind(&run.title)
        .bind(params_text(&run.params))
        .bind(run.status.as_str())
        .bind(run.queued_ms)
        .execute(&self.pool)
        .await?;
        if done.rows_affected() == 1 {
            return Ok(Inserted::New);
        }
        let known = sqlx::query("SELECT * FROM runs WHERE user_id = ? AND key = ?")
            .bind(user_id)
            .bind(key)
            .fetch_one(&self.pool)
            .await?;
        Ok(Inserted::Known(read(&known)?))
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

    /// Writes what a run printed and how it ended, both or neither.
    pub async fn finish(&self, run: &Run, printed: &Printed) -> Result<(), sqlx::Error> {
        let mut all = self.pool.begin().await?;
        for (seq, (stream, text)) in printed.pieces.iter().enumerate() {
            sqlx::query("INSERT INTO run_output (run, seq, stream, text) VALUES (?, ?, ?, ?)")
                .bind(&run.id)
                .bind(seq as i64)
                .bind(if *stream == OutputStream::Stdout {
                    "stdout"
                } else {
                    "stderr"
                })
                .bind(text)
                .execute(&mut *all)
                .await?;
        }
        sqlx::query(
            "UPDATE runs SET status = ?, detail = ?, ended_ms = ?, exit_code = ?, truncated = ? WHERE id = ?",
        )
        .bind(run.status.as_str())
        .bind(&run.detail)
        .bind(run.ended_ms)
        .bind(run.exit_code)
        .bind(printed.truncated)
        .bind(&run.id)
        .execute(&mut *all)
        .await?;
        all.commit().await
    }

    /// A run with its output.
    pub async fn view(&self, id: &str) -> Result<Option<RunView>, sqlx::Error> {
        let Some(row) = sqlx::query("SELECT * FROM runs WHERE id = ?")
            .bind(id)
            .fetch_optional(&self.pool)
            .await?
        else {
            return Ok(None);
        };
        let output = sqlx::query("SELECT stream, text FROM run_output WHERE run = ? ORDER BY seq")
            .bind(id)
            .fetch_all(&self.pool)
            .await?
            .iter()
            .map(|row| {
                let stream: String = row.try_get("stream")?;
                let stream = if stream == "stderr" {
                    OutputStream::Stderr
                } else {
                    OutputStream::Stdout
                };
                Ok((stream, row.try_get("text")?))
            })
            .collect::<Result<_, sqlx::Error>>()?;
        Ok(Some(RunView {
            run: read(&row)?,
            output,
            truncated: row.try_get("truncated")?,
        }))
    }

    /// The newest runs first.
    pub async fn recent(&self, limit: u32) -> Result<Vec<Run>, sqlx::Error> {
        let rows = sqlx::query("SELECT * FROM runs ORDER BY queued_ms DESC, id DESC LIMIT ?")
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(read).collect()
    }

    /// What an earlier process left unfinished, as it stands.
    pub async fn unfinished(&self) -> Result<Vec<Run>, sqlx::Error> {
        let rows = sqlx::query("SELECT * FROM runs WHERE status IN ('queued', 'running') ORDER BY id")
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
