use super::*;
use crate::{access::users::Users, audit::AuditLog, db};
use farol_app::pages::explore::{board::Panel, view::Start};
use farol_model::{Role, audit::AuditQuery};
use sqlx::SqlitePool;

struct Place {
    pool: SqlitePool,
    boards: Boards,
    audit: AuditLog,
}

async fn place() -> Place {
    let pool = db::open_in_memory().await.unwrap();
    let audit = AuditLog::new(pool.clone());
    Place {
        boards: Boards::new(pool.clone(), audit.clone()),
        pool,
        audit,
    }
}

impl Place {
    async fn user(&self, name: &str, role: Role) -> By {
        let id = Users::new(self.pool.clone()).add(name, role, "h").await.unwrap();
        By {
            viewer: Viewer::new(id, name, role),
            from: "127.0.0.1".into(),
        }
    }

    async fn told(&self) -> Vec<(String, AuditOutcome)> {
        let log = self.audit.page(&AuditQuery::default()).await.unwrap();
        let entry = |entry: farol_model::audit::AuditEntry| (entry.what, entry.outcome);
        log.entries.into_iter().map(entry).collect()
    }
}

fn board(title: &str) -> Board {
    Board {
        title: title.into(),
        range: "1h".into(),
        panels: vec![Panel::of("load1"), Panel::of("disk_used_bytes{device=\"sda\"}")],
    }
}

fn refused<T: std::fmt::Debug>(done: Result<T, BoardError>) -> Fault {
    match done {
        Err(BoardError::Refused(fault)) => fault,
        other => unreachable!("{other:?}"),
    }
}

#[tokio::test]
async fn a_board_is_its_owners_alone_until_it_is_shared() {
    let place = place().await;
    let (ana, ben) = (
        place.user("ana", Role::Viewer).await,
        place.user("ben", Role::Viewer).await,
    );
    let cleo = place.user("cleo", Role::Admin).await;
    let boards = &place.boards;
    let id = boards.create(&ana, &board("Disks")).await.unwrap();
    assert_eq!(boards.one(&ana.viewer, id).await.unwrap().board, board("Disks"));
    for other in [&ben, &cleo] {
        assert_eq!(
            boards.one(&other.viewer, id).await.unwrap_err().code,
            FaultCode::NotFound
        );
        assert_eq!(
            refused(boards.delete(other, id, 1).await).code,
            FaultCode::NotFound
        );
        assert_eq!(
            refused(boards.duplicate(other, id).await).code,
            FaultCode::NotFound
        );
        assert!(boards.list(&other.viewer).await.unwrap().shared.is_empty());
    }
    assert!(boards.share(&ana, id, true).await.unwrap());
    assert!(!boards.share(&ana, id, true).await.unwrap(), "so already");
    let seen = boards.one(&ben.viewer, id).await.unwrap();
    assert!(seen.row.shared && !seen.row.own && !seen.row.may_change);
    assert_eq!(seen.row.owner.as_deref(), Some("ana"));
    let version = seen.row.version;
    assert_eq!(
        refused(boards.save(&ben, id, version, &board("Mine")).await).code,
        FaultCode::Forbidden
    );
    assert_eq!(
        refused(boards.rename(&ben, id, version, "Mine").await).code,
        FaultCode::Forbidden
    );
    assert_eq!(
        refused(boards.delete(&ben, id, version).await).code,
        FaultCode::Forbidden
    );
    assert_eq!(
        refused(boards.share(&ben, id, false).await).code,
        FaultCode::Forbidden
    );
    // An administrator may.
    boards.rename(&cleo, id, version, " Disks of all ").await.unwrap();
    let row = boards.one(&ana.viewer, id).await.unwrap().row;
    assert_eq!(
        (row.title.as_str(), row.changed_by.as_str()),
        ("Disks of all", "cleo")
    );
    // And a copy is one's own.
    let copy = boards.duplicate(&ben, id).await.unwrap();
    let copy = boards.one(&ben.viewer, copy).await.unwrap();
    assert!(copy.row.own && !copy.row.shared && copy.row.title == "Disks of all (copy)");
    let list = boards.list(&ben.viewer).await.unwrap();
    assert_eq!((list.own.len(), list.shared.len(), list.shared_total), (1, 1, 1));
}

#[tokio::test]
async fn what_somebody_else_has_changed_is_not_overwritten_unseen() {
    let place = place().await;
    let (ana, cleo) = (
        place.user("ana", Role::Viewer).await,
        place.user("cleo", Role::Admin).await,
    );
    let boards = &place.boards;
    let id = boards.create(&ana, &board("Disks")).await.unwrap();
    boards.share(&ana, id, true).await.unwrap();
    let seen = boards.one(&ana.viewer, id).await.unwrap().row.version;
    boards.save(&cleo, id, seen, &board("Cleo's")).await.unwrap();
    let fault = refused(boards.save(&ana, id, seen, &board("Ana's")).await);
    assert_eq!(fault.code, FaultCode::Conflict);
    assert!(
        fault.message.contains("cleo has changed this board"),
        "{}",
        fault.message
    );
    assert_eq!(
        refused(boards.delete(&ana, id, seen).await).code,
        FaultCode::Conflict
    );
    assert_eq!(boards.one(&ana.viewer, id).await.unwrap().row.title, "Cleo's");
    // Two at once: one of them.
    let (one, two) = (board("One"), board("Two"));
    let (one, two) = tokio::join!(
        boards.save(&ana, id, seen + 1, &one),
        boards.save(&cleo, id, seen + 1, &two)
    );
    assert!(one.is_ok() != two.is_ok());
}

#[tokio::test]
async fn every_change_is_written_down_and_what_cannot_be_is_not_done() {
    let place = place().await;
    let ana = place.user("ana", Role::Viewer).await;
    let boards = &place.boards;
    let id = boards.create(&ana, &board("Disks")).await.unwrap();
    boards.save(&ana, id, 1, &board("Disks")).await.unwrap();
    boards.rename(&ana, id, 2, "Other").await.unwrap();
    refused(boards.rename(&ana, id, 2, "Late").await);
    boards.share(&ana, id, true).await.unwrap();
    boards.set_start(&ana, Some(id)).await.unwrap();
    boards.delete(&ana, id, 4).await.unwrap();
    let told = place.told().await;
    let told: Vec<(&str, AuditOutcome)> = told
        .iter()
        .map(|(what, outcome)| (what.as_str(), *outcome))
        .collect();
    let (good, bad) = (AuditOutcome::Succeeded, AuditOutcome::Refused);
    assert_eq!(
        told,
        [
            ("board.delete", good),
            ("board.start", good),
            ("board.share", good),
            ("board.rename", bad),
            ("board.rename", good),
            ("board.save", good),
            ("board.create", good),
        ]
    );
    let kept = boards.create(&ana, &board("Kept")).await.unwrap();
    assert!(kept > id, "a number is never used again");
    sqlx::query("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'disk full'); END")
        .execute(&place.pool)
        .await
        .unwrap();
    let not = boards.save(&ana, kept, 1, &board("Lost")).await;
    assert!(matches!(not, Err(BoardError::NotWritten(_))), "{not:?}");
    assert_eq!(boards.one(&ana.viewer, kept).await.unwrap().row.title, "Kept");
}

#[tokio::test]
async fn a_user_has_so_many_boards_and_no_more() {
    let place = place().await;
    let (ana, ben) = (
        place.user("ana", Role::Viewer).await,
        place.user("ben", Role::Viewer).await,
    );
    sqlx::query(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) \
         INSERT INTO boards (owner, title, panels, changed_ms, changed_by, body) SELECT ?2, 'b' || i, 1, i, 'ana', '' FROM n",
    )
    .bind(OF_A_USER)
    .bind(ana.viewer.user_id)
    .execute(&place.pool)
    .await
    .unwrap();
    let fault = refused(place.boards.create(&ana, &board("One more")).await);
    assert!(fault.message.contains("100 boards"), "{}", fault.message);
    assert!(place.boards.create(&ben, &board("First")).await.is_ok());
    assert_eq!(place.boards.list(&ana.viewer).await.unwrap().own.len(), 100);
    // What is kept and cannot be read is said to be so.
    let first = place.boards.list(&ana.viewer).await.unwrap().own[0].id;
    assert_eq!(
        place.boards.one(&ana.viewer, first).await.unwrap_err().code,
        FaultCode::Unavailable
    );
}

#[tokio::test]
async fn a_start_page_that_is_gone_is_noticed() {
    let place = place().await;
    let (ana, ben) = (
        place.user("ana", Role::Viewer).await,
        place.user("ben", Role::Viewer).await,
    );
    let boards = &place.boards;
    let id = boards.create(&ana, &board("Disks")).await.unwrap();
    assert_eq!(boards.start(&ben.viewer).await.unwrap(), Start::Overview);
    assert_eq!(
        refused(boards.set_start(&ben, Some(id)).await).code,
        FaultCode::NotFound
    );
    boards.share(&ana, id, true).await.unwrap();
    boards.set_start(&ben, Some(id)).await.unwrap();
    assert_eq!(boards.start(&ben.viewer).await.unwrap(), Start::Board(id));
    assert!(boards.one(&ben.viewer, id).await.unwrap().row.start);
    assert!(!boards.one(&ana.viewer, id).await.unwrap().row.start);
    boards.share(&ana, id, false).await.unwrap();
    assert_eq!(boards.start(&ben.viewer).await.unwrap(), Start::Lost);
    boards.set_start(&ben, None).await.unwrap();
    assert_eq!(boards.start(&ben.viewer).await.unwrap(), Start::Overview);
}

#[tokio::test]
async fn of_a_user_who_is_gone_what_was_shared_stays_and_administrators_change_it() {
    let place = place().await;
    let (ana, ben) = (
        place.user("ana", Role::Viewer).await,
        place.user("ben", Role::Viewer).await,
    );
    let cleo = place.user("cleo", Role::Admin).await;
    let boards = &place.boards;
    let own = boards.create(&ana, &board("Own")).await.unwrap();
    let shared = boards.create(&ana, &board("Shared")).await.unwrap();
    boards.share(&ana, shared, true).await.unwrap();
    boards.set_start(&ana, Some(own)).await.unwrap();
    sqlx::query("DELETE FROM users WHERE id = ?")
        .bind(ana.viewer.user_id)
        .execute(&place.pool)
        .await
        .unwrap();
    let left: Vec<i64> = sqlx::query_scalar("SELECT id FROM boards")
        .fetch_all(&place.pool)
        .await
        .unwrap();
    assert_eq!(left, [shared]);
    let row = boards.one(&ben.viewer, shared).await.unwrap().row;
    assert_eq!((row.owner, row.may_change), (None, false));
    // Unshared it would be out of reach of everybody.
    assert_eq!(
        refused(boards.share(&cleo, shared, false).await).code,
        FaultCode::Conflict
    );
    boards.delete(&cleo, shared, row.version).await.unwrap();
}

#[test]
fn a_copy_of_a_long_title_is_within_the_bound() {
    let long = "ü".repeat(100);
    assert_eq!(copy_of(&long).chars().count(), 100);
    assert_eq!(copy_of("Disks"), "Disks (copy)");
}
