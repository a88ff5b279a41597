//! Reading boards: what a viewer may see, and nothing else.

use super::{Boards, LISTED, OF_A_USER, file};
use farol_app::pages::explore::{
    no_such_board,
    view::{BoardList, BoardRow, SavedBoard, Start},
};
use farol_model::{Fault, Permission, Viewer};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

/// With the name of the owner, and whether it is the start page of `?1`.
const ROWS: &str = "SELECT b.*, u.name AS owner_name, s.board IS NOT NULL AS is_start FROM boards b \
     LEFT JOIN users u ON u.id = b.owner LEFT JOIN start_boards s ON s.user_id = ?1 AND s.board = b.id";

impl Boards {
    /// All that a viewer may see.
    pub async fn list(&self, viewer: &Viewer) -> Result<BoardList, Fault> {
        let rows = async |condition: &str, limit: i64| {
            let text = format!("{ROWS} WHERE {condition} ORDER BY b.changed_ms DESC, b.id DESC LIMIT ?2");
            let rows = sqlx::query(&text)
                .bind(viewer.user_id)
                .bind(limit)
                .fetch_all(&self.pool)
                .await?;
            rows.iter()
                .map(|row| row_of(row, viewer))
                .collect::<Result<Vec<_>, sqlx::Error>>()
        };
        let of_others = "b.shared = 1 AND b.owner IS NOT ?1";
        let read = async {
            let text = format!("SELECT count(*) FROM boards b WHERE {of_others}");
            let total: i64 = sqlx::query_scalar(&text)
                .bind(viewer.user_id)
                .fetch_one(&self.pool)
                .await?;
            Ok(BoardList {
                own: rows("b.owner = ?1", OF_A_USER).await?,
                shared: rows(of_others, LISTED).await?,
                shared_total: u64::try_from(total).unwrap_or_default(),
                limit: OF_A_USER.unsigned_abs(),
            })
        };
        read.await.map_err(broken)
    }

    /// One of them whole.
    pub async fn one(&self, viewer: &Viewer, id: i64) -> Result<SavedBoard, Fault> {
        let mut connection = self.pool.acquire().await.map_err(broken)?;
        let found = find(&mut connection, viewer, id).await.map_err(broken)?;
        let (row, body) = found.ok_or_else(no_such_board)?;
        let board = file::read(&body).map_err(|error| {
            tracing::error!(board = id, error, "a board that is kept cannot be read");
            Fault::unavailable("This board cannot be read: a later Farol wrote it, or it was damaged. The server log says what is wrong.")
        })?;
        Ok(SavedBoard { row, board })
    }

    /// What a viewer opens Farol with.
    pub async fn start(&self, viewer: &Viewer) -> Result<Start, Fault> {
        let found: Option<(i64, bool)> = sqlx::query_as(
            "SELECT s.board, b.id IS NOT NULL AND (b.shared = 1 OR b.owner = ?1) FROM start_boards s \
             LEFT JOIN boards b ON b.id = s.board WHERE s.user_id = ?1",
        )
        .bind(viewer.user_id)
        .fetch_optional(&self.pool)
        .await
        .map_err(broken)?;
        Ok(match found {
            None => Start::Overview,
            Some((id, true)) => Start::Board(id),
            Some((_, false)) => Start::Lost,
        })
    }
}

/// A board that this viewer may see, and its body.
pub(super) async fn find(
    connection: &mut SqliteConnection,
    viewer: &Viewer,
    id: i64,
) -> Result<Option<(BoardRow, String)>, sqlx::Error> {
    let text = format!("{ROWS} WHERE b.id = ?2 AND (b.shared = 1 OR b.owner = ?1)");
    let row = sqlx::query(&text)
        .bind(viewer.user_id)
        .bind(id)
        .fetch_optional(connection)
        .await?;
    let read = |row: SqliteRow| Ok((row_of(&row, viewer)?, row.try_get("body")?));
    row.map(read).transpose()
}

fn row_of(row: &SqliteRow, viewer: &Viewer) -> Result<BoardRow, sqlx::Error> {
    let owner: Option<i64> = row.try_get("owner")?;
    let own = owner == Some(viewer.user_id);
    Ok(BoardRow {
        id: row.try_get("id")?,
        title: row.try_get("title")?,
        owner: row.try_get("owner_name")?,
        own,
        shared: row.try_get("shared")?,
        may_change: own || viewer.may(Permission::Administer),
        start: row.try_get("is_start")?,
        panels: row.try_get("panels")?,
        version: row.try_get("version")?,
        changed_ms: row.try_get("changed_ms")?,
        changed_by: row.try_get("changed_by")?,
    })
}

#[expect(clippy::needless_pass_by_value, reason = "what `map_err` wants")]
fn broken(error: sqlx::Error) -> Fault {
    tracing::error!(%error, "boards cannot be read");
    Fault::internal()
}
