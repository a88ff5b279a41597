//! What runs printed. Stored while they run, so that a stop in mid-run loses little; bounded in all by
//! [`OUTPUT_TOTAL_BYTES`]: above it the output of the run that ended the longest ago goes, and its run says so.

use super::{RunStore, read};
use crate::actions::output::{Printed, ansi::plain};
use farol_model::action::{OutputStream, Run, RunView};
use sqlx::Row;

/// Output of all runs together, bytes.
pub const OUTPUT_TOTAL_BYTES: i64 = 512 * 1024 * 1024;
/// Output of a view at most, bytes; the end of it counts.
const VIEW_BYTES: usize = 1024 * 1024;
/// Pieces that are read at a time. None is larger than 16 KiB.
const PAGE_PIECES: i64 = 32;

impl RunStore {
    /// Adds pieces, numbered from `printed.first`. A piece that is there already stays as it is.
    pub async fn append(&self, run: &str, printed: &Printed) -> Result<(), sqlx::Error> {
        let mut all = self.pool.begin().await?;
        for (at, (stream, text)) in printed.pieces.iter().enumerate() {
            sqlx::query(
                "INSERT INTO run_output (run, seq, stream, text) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            )
            .bind(run)
            .bind(i64::try_from(printed.first).unwrap_or_default() + at as i64)
            .bind(stream.as_str())
            .bind(text)
            .execute(&mut *all)
            .await?;
        }
        sqlx::query("UPDATE runs SET output_bytes = ?, truncated = ? WHERE id = ?")
            .bind(i64::try_from(printed.bytes).unwrap_or(i64::MAX))
            .bind(printed.truncated)
            .bind(run)
            .execute(&mut *all)
            .await?;
        all.commit().await
    }

    /// Writes the last that a run printed, then how it ended: a stop between the two leaves it unfinished, never without output.
    pub async fn finish(&self, run: &Run, printed: &Printed) -> Result<(), sqlx::Error> {
        self.append(&run.id, printed).await?;
        self.update(run).await?;
        self.make_room(OUTPUT_TOTAL_BYTES).await
    }

    /// Removes the oldest outputs until all together fit.
    pub(super) async fn make_room(&self, most: i64) -> Result<(), sqlx::Error> {
        loop {
            let total: i64 =
                sqlx::query_scalar("SELECT coalesce(sum(output_bytes), 0) FROM runs WHERE NOT output_gone")
                    .fetch_one(&self.pool)
                    .await?;
            if total <= most {
                return Ok(());
            }
            let oldest: Option<String> = sqlx::query_scalar(
                "SELECT id FROM runs WHERE ended_ms IS NOT NULL AND NOT output_gone AND output_bytes > 0 \
                 ORDER BY ended_ms LIMIT 1",
            )
            .fetch_optional(&self.pool)
            .await?;
            let Some(oldest) = oldest else { return Ok(()) };
            let mut all = self.pool.begin().await?;
            sqlx::query("DELETE FROM run_output WHERE run = ?")
                .bind(&oldest)
                .execute(&mut *all)
                .await?;
            sqlx::query("UPDATE runs SET output_gone = 1 WHERE id = ?")
                .bind(&oldest)
                .execute(&mut *all)
                .await?;
            all.commit().await?;
        }
    }

    /// A run with the end of its output. `unsaved` is what the store does not have yet.
    pub async fn view(&self, id: &str, unsaved: Option<Printed>) -> Result<Option<RunView>, sqlx::Error> {
        let Some(row) = sqlx::query("SELECT * FROM runs WHERE id = ?")
            .bind(id)
            .fetch_optional(&self.pool)
            .await?
        else {
            return Ok(None);
        };
        let below = unsaved.as_ref().map_or(i64::MAX, |unsaved| {
            i64::try_from(unsaved.first).unwrap_or_default()
        });
        let truncated: bool = row.try_get("truncated")?;
        let mut truncated = truncated || unsaved.as_ref().is_some_and(|unsaved| unsaved.truncated);
        let (mut output, mut bytes) = (Vec::new(), 0);
        for (stream, text) in unsaved
            .map(|unsaved| unsaved.pieces)
            .unwrap_or_default()
            .into_iter()
            .rev()
        {
            bytes += text.len();
            output.push((stream, text));
        }
        let mut last = below;
        while bytes < VIEW_BYTES {
            let page = self.pieces(id, last, true).await?;
            let Some((seq, ..)) = page.last() else { break };
            last = *seq;
            for (_, stream, text) in page {
                bytes += text.len();
                output.push((stream, text));
            }
        }
        // What was left unread at the front is not shown; the whole is there to be fetched as text.
        truncated |= bytes >= VIEW_BYTES && !self.pieces(id, last, true).await?.is_empty();
        output.reverse();
        Ok(Some(RunView {
            run: read(&row)?,
            output,
            truncated,
        }))
    }

    /// The next pieces of a run after this one as text without colours, and the number of the last; None at the end.
    pub async fn text_after(&self, id: &str, seq: i64) -> Result<Option<(i64, String)>, sqlx::Error> {
        let page = self.pieces(id, seq, false).await?;
        let Some((last, ..)) = page.last() else {
            return Ok(None);
        };
        let last = *last;
        Ok(Some((
            last,
            page.iter().map(|(_, _, text)| plain(text)).collect(),
        )))
    }

    /// One page of pieces before or after a number, in the order in which they were asked for.
    async fn pieces(
        &self,
        id: &str,
        seq: i64,
        backwards: bool,
    ) -> Result<Vec<(i64, OutputStream, String)>, sqlx::Error> {
        let query = match backwards {
            true => {
                "SELECT seq, stream, text FROM run_output WHERE run = ? AND seq < ? ORDER BY seq DESC LIMIT ?"
            }
            false => {
                "SELECT seq, stream, text FROM run_output WHERE run = ? AND seq > ? ORDER BY seq LIMIT ?"
            }
        };
        let rows = sqlx::query(query)
            .bind(id)
            .bind(seq)
            .bind(PAGE_PIECES)
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|row| {
                let stream: String = row.try_get("stream")?;
                let stream = OutputStream::parse(&stream).unwrap_or(OutputStream::Stdout);
                Ok((row.try_get("seq")?, stream, row.try_get("text")?))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db;
    use farol_model::action::{Params, RunStatus};

    fn run(id: &str, ended_ms: i64) -> Run {
        Run {
            id: id.into(),
            action: "a".into(),
            title: "A".into(),
            who: "ana".into(),
            params: Params::new(),
            status: RunStatus::Succeeded,
            detail: String::new(),
            queued_ms: 0,
            ended_ms: Some(ended_ms),
            exit_code: None,
        }
    }

    fn printed(first: u64, texts: &[&str]) -> Printed {
        Printed {
            first,
            pieces: texts
                .iter()
                .map(|text| (OutputStream::Stdout, (*text).to_owned()))
                .collect(),
            bytes: texts.iter().map(|text| text.len() as u64).sum(),
            truncated: false,
        }
    }

    async fn with_runs(ids: &[&str]) -> RunStore {
        let store = RunStore::new(db::open_in_memory().await.unwrap());
        for (at, id) in ids.iter().enumerate() {
            store
                .insert(1, &format!("key-{id}"), &run(id, at as i64))
                .await
                .unwrap();
            store.update(&run(id, at as i64)).await.unwrap();
        }
        store
    }

    #[tokio::test]
    async fn what_is_stored_and_what_is_not_yet_are_one_output_without_repeating() {
        let store = with_runs(&["r"]).await;
        store.append("r", &printed(0, &["a", "b"])).await.unwrap();
        store.append("r", &printed(1, &["b", "c"])).await.unwrap();
        let view = store
            .view("r", Some(printed(2, &["c", "d"])))
            .await
            .unwrap()
            .unwrap();
        let texts: Vec<_> = view.output.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, ["a", "b", "c", "d"]);
        assert!(!view.truncated);
        assert_eq!(
            store.text_after("r", -1).await.unwrap(),
            Some((2, "abc".to_owned()))
        );
        assert_eq!(store.text_after("r", 2).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_view_shows_the_end_of_much_and_says_so() {
        let store = with_runs(&["r"]).await;
        let piece = "x".repeat(16 * 1024);
        for first in 0..100 {
            store.append("r", &printed(first, &[&piece])).await.unwrap();
        }
        let view = store.view("r", None).await.unwrap().unwrap();
        assert!(view.truncated && view.output.len() < 100);
        assert!(view.output.len() >= VIEW_BYTES / piece.len());
    }

    #[tokio::test]
    async fn the_oldest_output_makes_room_and_its_run_says_so() {
        let store = with_runs(&["old", "new"]).await;
        for id in ["old", "new"] {
            store.append(id, &printed(0, &["0123456789"])).await.unwrap();
        }
        store.make_room(15).await.unwrap();
        assert!(store.facts("old").await.unwrap().unwrap().output_gone);
        assert!(!store.facts("new").await.unwrap().unwrap().output_gone);
        assert!(store.view("old", None).await.unwrap().unwrap().output.is_empty());
        assert_eq!(store.view("new", None).await.unwrap().unwrap().output.len(), 1);
    }
}
