//! Runs by filter, in pages; and when they began and ended, for charts.

use super::{RunStore, read};
use crate::time::now_ms;
use farol_model::action::{Run, RunStatus, RunsPage, RunsQuery};
use sqlx::{Row, sqlite::SqliteRow};

/// Runs on one page.
pub const PAGE_SIZE: usize = 50;
/// Longest filter text that is used, characters.
const MAX_FILTER_CHARS: usize = 100;

/// A run began, or ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    pub at_ms: i64,
    /// It ended otherwise.
    pub began: bool,
    /// As it stands now.
    pub run: Run,
}

const MATCHES: &str = "(title LIKE ?1 ESCAPE '\\' OR action LIKE ?1 ESCAPE '\\') AND who LIKE ?2 ESCAPE '\\' \
                       AND (?3 = '' OR status = ?3) AND queued_ms >= ?4";

impl RunStore {
    /// One page, newest first. Ids sort by time.
    pub async fn list(&self, query: &RunsQuery) -> Result<RunsPage, sqlx::Error> {
        let status = RunStatus::parse(&query.status)
            .map(RunStatus::as_str)
            .unwrap_or_default();
        let since_ms = match query.hours {
            0 => 0,
            hours => now_ms() - i64::from(hours) * 3_600_000,
        };
        let rows = sqlx::query(&format!(
            "SELECT * FROM runs WHERE {MATCHES} AND (?5 = '' OR id < ?5) ORDER BY id DESC LIMIT ?6"
        ))
        .bind(part(&query.action))
        .bind(part(&query.who))
        .bind(status)
        .bind(since_ms)
        .bind(&query.before)
        .bind(PAGE_SIZE as i64 + 1)
        .fetch_all(&self.pool)
        .await?;
        let total: i64 = sqlx::query_scalar(&format!("SELECT count(*) FROM runs WHERE {MATCHES}"))
            .bind(part(&query.action))
            .bind(part(&query.who))
            .bind(status)
            .bind(since_ms)
            .fetch_one(&self.pool)
            .await?;
        let more = rows.len() > PAGE_SIZE;
        let runs: Vec<Run> = rows.iter().take(PAGE_SIZE).map(read).collect::<Result<_, _>>()?;
        let next_before = runs.last().filter(|_| more).map(|run| run.id.clone());
        Ok(RunsPage {
            runs,
            next_before,
            total: u64::try_from(total).unwrap_or_default(),
        })
    }
}

impl RunStore {
    /// When runs began and ended within a time, the newest first, so many at most. One that never began did nothing.
    pub async fn moments(&self, from_ms: i64, to_ms: i64, limit: u32) -> Result<Vec<Moment>, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT *, started_ms AS at_ms, 1 AS began FROM runs WHERE started_ms >= ?1 AND started_ms < ?2 \
             UNION ALL \
             SELECT *, ended_ms, 0 FROM runs WHERE ended_ms >= ?1 AND ended_ms < ?2 AND started_ms IS NOT NULL \
             ORDER BY at_ms DESC LIMIT ?3",
        )
        .bind(from_ms)
        .bind(to_ms)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        let moment = |row: &SqliteRow| {
            Ok(Moment {
                at_ms: row.try_get("at_ms")?,
                began: row.try_get("began")?,
                run: read(row)?,
            })
        };
        rows.iter().map(moment).collect()
    }
}

/// A pattern that finds the text anywhere, literally.
fn part(text: &str) -> String {
    let text: String = text.trim().chars().take(MAX_FILTER_CHARS).collect();
    let literal = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{literal}%")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db;
    use farol_model::action::Params;

    async fn store() -> RunStore {
        let store = RunStore::new(db::open_in_memory().await.unwrap());
        for index in 0..PAGE_SIZE + 2 {
            let run = Run {
                id: format!("{index:04}"),
                action: format!("runbook.book_{}", index % 2),
                title: "100%".into(),
                who: ["ana", "olga"][index % 2].into(),
                params: Params::new(),
                status: [RunStatus::Failed, RunStatus::Succeeded][index % 2],
                detail: String::new(),
                queued_ms: if index == 0 { 0 } else { now_ms() },
                ended_ms: None,
                exit_code: None,
            };
            store.insert(1, &format!("key-{index}"), &run).await.unwrap();
        }
        store
    }

    #[tokio::test]
    async fn pages_follow_each_other_and_every_filter_holds() {
        let store = store().await;
        let first = store.list(&RunsQuery::default()).await.unwrap();
        assert_eq!((first.runs.len(), first.total), (PAGE_SIZE, PAGE_SIZE as u64 + 2));
        let second = RunsQuery {
            before: first.next_before.unwrap(),
            ..Default::default()
        };
        let second = store.list(&second).await.unwrap();
        assert_eq!((second.runs.len(), second.next_before), (2, None));
        let half = PAGE_SIZE as u64 / 2 + 1;
        for (query, total) in [
            (
                RunsQuery {
                    action: "book_1".into(),
                    ..Default::default()
                },
                half,
            ),
            (
                RunsQuery {
                    action: "100%".into(),
                    ..Default::default()
                },
                2 * half,
            ),
            (
                RunsQuery {
                    action: "1%0".into(),
                    ..Default::default()
                },
                0,
            ),
            (
                RunsQuery {
                    who: "olga".into(),
                    ..Default::default()
                },
                half,
            ),
            (
                RunsQuery {
                    status: "failed".into(),
                    ..Default::default()
                },
                half,
            ),
            (
                RunsQuery {
                    status: "nonsense".into(),
                    ..Default::default()
                },
                2 * half,
            ),
            (
                RunsQuery {
                    hours: 1,
                    ..Default::default()
                },
                2 * half - 1,
            ),
        ] {
            assert_eq!(store.list(&query).await.unwrap().total, total, "{query:?}");
        }
    }

    #[tokio::test]
    async fn begins_and_ends_are_told_newest_first_and_what_never_began_is_not() {
        let store = RunStore::new(db::open_in_memory().await.unwrap());
        let run = |id: &str, status| Run {
            id: id.into(),
            action: "runbook.book".into(),
            title: id.into(),
            who: "ana".into(),
            params: Params::new(),
            status,
            detail: String::new(),
            queued_ms: 10,
            ended_ms: None,
            exit_code: None,
        };
        for (id, began, ended) in [
            ("a", Some(100), Some(400)),
            ("b", Some(200), None),
            ("c", None, Some(300)),
            ("d", Some(50), Some(1000)),
        ] {
            let mut one = run(id, RunStatus::Queued);
            store.insert(1, &format!("key-{id}"), &one).await.unwrap();
            if let Some(at_ms) = began {
                store.begin(&one, at_ms).await.unwrap();
            }
            if ended.is_some() {
                one.status = RunStatus::Cancelled;
                one.ended_ms = ended;
                store.update(&one).await.unwrap();
            }
        }
        let told = async |from_ms, to_ms, limit| -> Vec<(i64, bool, String)> {
            let moments = store.moments(from_ms, to_ms, limit).await.unwrap();
            let one = |moment: Moment| (moment.at_ms, moment.began, moment.run.id);
            moments.into_iter().map(one).collect()
        };
        let all = [(400, false, "a"), (200, true, "b"), (100, true, "a")]
            .map(|(at_ms, began, id)| (at_ms, began, id.to_owned()));
        assert_eq!(told(100, 1000, 9).await, all);
        assert_eq!(told(100, 1000, 2).await, all[..2], "the newest");
        assert_eq!(told(101, 400, 9).await, all[1..2], "from, and before to");
        let plan: Vec<(i64, i64, i64, String)> = sqlx::query_as(
            "EXPLAIN QUERY PLAN SELECT id FROM runs WHERE started_ms >= 1 AND started_ms < 2 ORDER BY started_ms DESC",
        )
        .fetch_all(&store.pool)
        .await
        .unwrap();
        assert!(plan[0].3.contains("runs_by_begin"), "{plan:?}");
    }
}
