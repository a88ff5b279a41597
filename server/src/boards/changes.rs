//! Changes of boards. Each is one transaction with its entry in the audit log: a crash at any point leaves both or neither, and what
//! cannot be written down is not done. Who is not allowed, or comes too late, leaves an entry that says so.

use super::{Boards, OF_A_USER, file, store};
use crate::{
    audit::{NewEntry, Together},
    time::now_ms,
};
use farol_app::{
    pages::explore::{
        board::{Board, check_title},
        no_such_board,
        view::BoardRow,
    },
    ui::moment::utc,
};
use farol_model::{Fault, FaultCode, Viewer, audit::AuditOutcome};
use serde_json::{Value, json};

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum BoardError {
    /// What the person did or wanted; the words are for them.
    #[error("{0}")]
    Refused(#[from] Fault),
    #[error("the database cannot be used")]
    Database(#[from] sqlx::Error),
    #[error("the audit log cannot be written, so nothing was done")]
    NotWritten(#[source] sqlx::Error),
}

/// Who makes a change.
#[derive(Debug, Clone)]
pub struct By {
    pub viewer: Viewer,
    /// Address of the peer.
    pub from: String,
}

impl Boards {
    /// Keeps a new board, seen by its owner alone. Its number.
    pub async fn create(&self, by: &By, board: &Board) -> Result<i64, BoardError> {
        board.check()?;
        let mut change = self
            .begin(by, "board.create", json!({ "title": board.title }))
            .await?;
        let done = change.insert(board).await;
        let said = |id: &i64| {
            format!(
                "Made board {id} ({}) of {} panels.",
                board.title,
                board.panels.len()
            )
        };
        change.end(done, said).await
    }

    /// Keeps a board in place of what it was at `version`.
    pub async fn save(&self, by: &By, id: i64, version: i64, board: &Board) -> Result<(), BoardError> {
        board.check()?;
        let mut change = self.begin(by, "board.save", of(id, &board.title)).await?;
        let done = async {
            change.changeable(id, Some(version)).await?;
            change.update(id, board).await
        };
        let done = done.await;
        let said = |(): &()| {
            format!(
                "Saved board {id} ({}) of {} panels.",
                board.title,
                board.panels.len()
            )
        };
        change.end(done, said).await
    }

    pub async fn rename(&self, by: &By, id: i64, version: i64, title: &str) -> Result<(), BoardError> {
        check_title(title)?;
        let title = title.trim();
        let mut change = self.begin(by, "board.rename", of(id, title)).await?;
        let done = async {
            let (_, body) = change.changeable(id, Some(version)).await?;
            let mut board = file::read(&body).map_err(unreadable)?;
            title.clone_into(&mut board.title);
            change.update(id, &board).await
        };
        let done = done.await;
        change
            .end(done, |()| format!("Renamed board {id} to {title}."))
            .await
    }

    /// Lets everybody see it who may see metrics, or its owner alone. False when that was so already.
    pub async fn share(&self, by: &By, id: i64, shared: bool) -> Result<bool, BoardError> {
        let what = if shared { "board.share" } else { "board.unshare" };
        let mut change = self.begin(by, what, json!({ "board": id.to_string() })).await?;
        let done = async {
            let (row, _) = change.changeable(id, None).await?;
            // What is nobody's would be out of reach of everybody.
            if !shared && row.owner.is_none() {
                let text = "This board is nobody's any more: unshared, nobody could see it. Duplicate it, or delete it.";
                return Err(Fault::conflict(text).into());
            }
            let text = "UPDATE boards SET shared = ?1, version = version + 1, changed_ms = ?2, changed_by = ?3 WHERE id = ?4 AND shared <> ?1";
            let done = sqlx::query(text)
                .bind(shared)
                .bind(now_ms())
                .bind(&change.entry.who)
                .bind(id)
                .execute(change.both.connection())
                .await?;
            Ok(done.rows_affected() > 0)
        };
        let done = done.await;
        let said = |changed: &bool| match (changed, shared) {
            (false, _) => format!("Changed nothing: that was so already of board {id}."),
            (true, true) => format!("Board {id} is seen by everybody who may see metrics."),
            (true, false) => format!("Board {id} is seen by its owner alone."),
        };
        change.end(done, said).await
    }

    /// A copy that is the caller's own. Its number.
    pub async fn duplicate(&self, by: &By, id: i64) -> Result<i64, BoardError> {
        let mut change = self
            .begin(by, "board.create", json!({ "copy_of": id.to_string() }))
            .await?;
        let done = async {
            let (_, body) = change.seen(id).await?;
            let mut board = file::read(&body).map_err(unreadable)?;
            board.title = copy_of(&board.title);
            change.insert(&board).await
        };
        let done = done.await;
        change
            .end(done, |new| format!("Made board {new}, a copy of board {id}."))
            .await
    }

    pub async fn delete(&self, by: &By, id: i64, version: i64) -> Result<String, BoardError> {
        let mut change = self
            .begin(by, "board.delete", json!({ "board": id.to_string() }))
            .await?;
        let done = async {
            let (row, _) = change.changeable(id, Some(version)).await?;
            sqlx::query("DELETE FROM boards WHERE id = ?")
                .bind(id)
                .execute(change.both.connection())
                .await?;
            Ok::<_, BoardError>(row.title)
        };
        let done = done.await;
        change
            .end(done, |title| format!("Deleted board {id} ({title})."))
            .await
    }

    /// What the caller opens Farol with: a board, or the overview.
    pub async fn set_start(&self, by: &By, id: Option<i64>) -> Result<(), BoardError> {
        let params = match id {
            Some(id) => json!({ "board": id.to_string() }),
            None => json!({}),
        };
        let mut change = self.begin(by, "board.start", params).await?;
        let done = async {
            if let Some(id) = id {
                change.seen(id).await?;
            }
            let text = match id {
                Some(_) => {
                    "INSERT INTO start_boards (user_id, board) VALUES (?1, ?2) ON CONFLICT (user_id) DO UPDATE SET board = ?2"
                }
                None => "DELETE FROM start_boards WHERE user_id = ?1",
            };
            sqlx::query(text)
                .bind(by.viewer.user_id)
                .bind(id)
                .execute(change.both.connection())
                .await?;
            Ok::<_, BoardError>(())
        };
        let done = done.await;
        let said = |(): &()| match id {
            Some(id) => format!("Farol opens with board {id} for {}.", by.viewer.name),
            None => format!("Farol opens with the overview for {}.", by.viewer.name),
        };
        change.end(done, said).await
    }

    async fn begin(&self, by: &By, what: &str, params: Value) -> Result<Change, BoardError> {
        Ok(Change {
            viewer: by.viewer.clone(),
            both: self.audit.together().await?,
            boards: self.clone(),
            entry: NewEntry {
                who: by.viewer.name.clone(),
                from: by.from.clone(),
                what: what.to_owned(),
                params: params.to_string(),
                run: None,
                outcome: AuditOutcome::Succeeded,
                detail: String::new(),
            },
        })
    }
}

fn of(id: i64, title: &str) -> Value {
    json!({ "board": id.to_string(), "title": title })
}

/// What a copy is called, within the bound of titles.
fn copy_of(title: &str) -> String {
    let most = farol_app::pages::explore::board::TITLE - " (copy)".len();
    let kept: String = title.chars().take(most).collect();
    format!("{} (copy)", kept.trim_end())
}

fn unreadable(error: String) -> BoardError {
    tracing::error!(error, "a board that is kept cannot be read");
    Fault::unavailable("This board cannot be read, so it was not changed. The server log says what is wrong.")
        .into()
}

/// A change on its way: it and its entry are one transaction.
struct Change {
    boards: Boards,
    viewer: Viewer,
    both: Together,
    entry: NewEntry,
}

impl Change {
    /// A board that the viewer may see.
    async fn seen(&mut self, id: i64) -> Result<(BoardRow, String), BoardError> {
        let found = store::find(self.both.connection(), &self.viewer, id).await?;
        Ok(found.ok_or_else(no_such_board)?)
    }

    /// A board that the viewer may change, and that nobody else has changed since `version`.
    async fn changeable(&mut self, id: i64, version: Option<i64>) -> Result<(BoardRow, String), BoardError> {
        let (row, body) = self.seen(id).await?;
        if !row.may_change {
            let text = "This board is somebody else's: its owner and administrators change it. Duplicate it, and change the copy.";
            return Err(Fault::forbidden(text).into());
        }
        if version.is_some_and(|version| version != row.version) {
            let text = format!(
                "{} has changed this board meanwhile ({}), so nothing was changed. Look at it as it is now, then decide.",
                row.changed_by,
                utc(row.changed_ms)
            );
            return Err(Fault::conflict(text).into());
        }
        Ok((row, body))
    }

    async fn insert(&mut self, board: &Board) -> Result<i64, BoardError> {
        let owner = self.viewer.user_id;
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM boards WHERE owner = ?")
            .bind(owner)
            .fetch_one(self.both.connection())
            .await?;
        if count >= OF_A_USER {
            let text =
                format!("You have {OF_A_USER} boards, as many as can be. Delete one that you need no more.");
            return Err(Fault::conflict(text).into());
        }
        let id = sqlx::query_scalar(
            "INSERT INTO boards (owner, title, panels, changed_ms, changed_by, body) VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
        )
        .bind(owner)
        .bind(&board.title)
        .bind(board.panels.len() as i64)
        .bind(now_ms())
        .bind(&self.entry.who)
        .bind(written(board)?)
        .fetch_one(self.both.connection())
        .await?;
        Ok(id)
    }

    async fn update(&mut self, id: i64, board: &Board) -> Result<(), BoardError> {
        sqlx::query(
            "UPDATE boards SET title = ?, panels = ?, changed_ms = ?, changed_by = ?, body = ?, version = version + 1 WHERE id = ?",
        )
        .bind(&board.title)
        .bind(board.panels.len() as i64)
        .bind(now_ms())
        .bind(&self.entry.who)
        .bind(written(board)?)
        .bind(id)
        .execute(self.both.connection())
        .await?;
        Ok(())
    }

    /// What was done lasts with its entry. What was refused or failed is undone, and an entry says so; `said` is one sentence of a
    /// good end.
    async fn end<T>(
        self,
        done: Result<T, BoardError>,
        said: impl FnOnce(&T) -> String,
    ) -> Result<T, BoardError> {
        let Change {
            boards, both, entry, ..
        } = self;
        let error = match done {
            Ok(done) => {
                let detail = said(&done);
                let written = both.commit(NewEntry { detail, ..entry }).await;
                written.map_err(BoardError::NotWritten)?;
                return Ok(done);
            }
            Err(error) => error,
        };
        drop(both);
        let outcome = match &error {
            BoardError::Refused(fault) if fault.code != FaultCode::Unavailable => AuditOutcome::Refused,
            _ => AuditOutcome::Failed,
        };
        let not = NewEntry {
            outcome,
            detail: format!("Not changed: {error}"),
            ..entry
        };
        if let Err(error) = boards.audit.record(not).await {
            tracing::error!(%error, "that a change was not made cannot be written to the audit log");
        }
        Err(error)
    }
}

/// The board as it is kept, which must be readable again.
fn written(board: &Board) -> Result<String, BoardError> {
    let text = file::write(board);
    file::read(&text).map_err(|error| {
        let fault = Fault::invalid("", format!("This board cannot be kept. {error}"));
        BoardError::Refused(fault)
    })?;
    Ok(text)
}

#[cfg(test)]
#[path = "changes_tests.rs"]
mod tests;
