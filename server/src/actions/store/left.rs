//! What an earlier process left unfinished, and what can be said of it.
//!
//! A run that was written as begun may have done anything: it is lost. One that was only written down has not begun, because
//! the beginning is written first: it is cancelled. One that waited for approval may wait on while it is in time.

use super::{RunStore, read};
use crate::{
    actions::{Asker, output::ansi::plain},
    procstat::ProcStat,
};
use farol_model::action::{Run, RunStatus};
use sqlx::{Row, sqlite::SqliteRow};

/// A run that waits for a second person, as it is kept.
#[derive(Debug, Clone)]
pub struct Waiting {
    pub run: Run,
    pub asker: Asker,
    /// What its action was, see [`Action::digest`](crate::actions::Action::digest).
    pub digest: String,
}

impl RunStore {
    /// What waits for a second person and is in time.
    pub async fn waiting(&self, now_ms: i64) -> Result<Vec<Waiting>, sqlx::Error> {
        let rows =
            sqlx::query("SELECT * FROM runs WHERE status = 'awaiting' AND approve_by_ms > ? ORDER BY id")
                .bind(now_ms)
                .fetch_all(&self.pool)
                .await?;
        let waiting = |row: &SqliteRow| {
            Ok(Waiting {
                run: read(row)?,
                asker: Asker {
                    user_id: row.try_get("user_id")?,
                    token: row.try_get("token")?,
                    vouched: row.try_get("vouched")?,
                },
                digest: row.try_get("would_run")?,
            })
        };
        rows.iter().map(waiting).collect()
    }

    /// What an earlier process left unfinished, each as it is to be called now.
    pub async fn left(&self, now_ms: i64) -> Result<Vec<Run>, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT *, (SELECT text FROM run_output WHERE run = runs.id ORDER BY seq DESC LIMIT 1) AS last \
             FROM runs WHERE status IN ('awaiting', 'queued', 'running') ORDER BY id",
        )
        .fetch_all(&self.pool)
        .await?;
        let mut left = Vec::new();
        for row in rows {
            let run = read(&row)?;
            let (status, detail) = match run.status {
                RunStatus::Awaiting => (
                    RunStatus::Expired,
                    "Farol stopped while this waited for approval, and its time is over or it was just being decided. Nothing was done; ask again.".to_owned(),
                ),
                RunStatus::Queued => (
                    RunStatus::Cancelled,
                    "Farol stopped before this began. Nothing was done.".to_owned(),
                ),
                _ => {
                    let pid: Option<u32> = row.try_get("pid")?;
                    let known = Known {
                        started_ms: row.try_get("started_ms")?,
                        process: pid.zip(row.try_get("pid_start")?),
                        last: row.try_get("last")?,
                    };
                    let told = tokio::task::spawn_blocking(move || known.told()).await;
                    (RunStatus::Lost, told.unwrap_or_default())
                }
            };
            left.push(Run {
                status,
                detail,
                ended_ms: Some(now_ms),
                ..run
            });
        }
        Ok(left)
    }
}

/// What is known of a run that was under way.
struct Known {
    started_ms: Option<i64>,
    /// Pid and start, ticks since boot.
    process: Option<(u32, i64)>,
    /// The last piece of output that was stored.
    last: Option<String>,
}

impl Known {
    /// Reads `/proc`: not on an async thread.
    fn told(&self) -> String {
        let mut told = "Farol stopped while this was under way; how it ended is not known.".to_owned();
        if let Some(started_ms) = self.started_ms {
            told += &format!(" It ran since {}.", farol_app::ui::moment::utc(started_ms));
        }
        if let Some((pid, start)) = self.process {
            let lives = ProcStat::read(pid).is_ok_and(|stat| stat.start_ticks == start && stat.state != 'Z');
            told += &match lives {
                true => format!(" Its process {pid} still runs."),
                false => format!(" Its process was {pid}, which is gone."),
            };
        }
        let last = self.last.as_deref().map(plain).unwrap_or_default();
        if let Some(line) = last.lines().rev().find(|line| !line.trim().is_empty()) {
            let line: String = line.trim().chars().take(200).collect();
            told += &format!(" The last that it printed: `{line}`.");
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_told_and_nothing_else() {
        let nothing = Known {
            started_ms: None,
            process: None,
            last: None,
        };
        assert_eq!(
            nothing.told(),
            "Farol stopped while this was under way; how it ended is not known."
        );
        let pid = std::process::id();
        let start = ProcStat::read(pid).unwrap().start_ticks;
        let known = Known {
            started_ms: Some(0),
            process: Some((pid, start)),
            last: Some("one\n\x1b[31mtwo\x1b[0m\n\n".into()),
        };
        let told = known.told();
        assert!(told.contains("since 1970-01-01 00:00:00 UTC"), "{told}");
        assert!(
            told.contains(&format!("{pid} still runs")) && told.contains("`two`"),
            "{told}"
        );
        let reused = Known {
            process: Some((pid, start - 1)),
            ..known
        };
        assert!(reused.told().contains("which is gone"));
    }
}
