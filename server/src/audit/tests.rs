use super::{
    entry::{Head, NOTHING},
    verify::{Broken, Verifier, advance},
    *,
};
use crate::db;
use farol_model::audit::AuditQuery;

fn new_entry(who: &str, outcome: AuditOutcome) -> NewEntry {
    NewEntry {
        who: who.into(),
        from: "127.0.0.1".into(),
        what: "run.process.signal".into(),
        params: "{\"pid\":\"7\"}".into(),
        run: None,
        outcome,
        detail: String::new(),
    }
}

async fn log() -> (AuditLog, SqlitePool) {
    let pool = db::open_in_memory().await.unwrap();
    (AuditLog::new(pool.clone()), pool)
}

async fn broken(pool: &SqlitePool, anchors: &[Head]) -> Option<Broken> {
    let mut verifier = Verifier::new(anchors);
    match advance(pool, &mut verifier, u64::MAX).await.unwrap() {
        Ok(_) => verifier.finish().err(),
        Err(broken) => Some(broken),
    }
}

/// As somebody would who can write the file.
async fn tamper(pool: &SqlitePool, statements: &[&str]) {
    for trigger in [
        "audit_is_never_deleted",
        "audit_is_never_changed",
        "audit_does_not_fork",
    ] {
        let drop = format!("DROP TRIGGER IF EXISTS {trigger}");
        sqlx::query(&drop).execute(pool).await.unwrap();
    }
    for statement in statements {
        sqlx::query(statement).execute(pool).await.unwrap();
    }
}

async fn five() -> (AuditLog, SqlitePool) {
    let (log, pool) = log().await;
    for index in 0..5 {
        let who = format!("user{index}");
        log.record(new_entry(&who, AuditOutcome::Refused)).await.unwrap();
    }
    (log, pool)
}

#[tokio::test]
async fn what_starts_and_how_it_ends_are_two_entries_and_one_row() {
    let (log, pool) = log().await;
    let id = log.record(new_entry("ana", AuditOutcome::Started)).await.unwrap();
    let open = log.page(&AuditQuery::default()).await.unwrap();
    assert_eq!(open.entries[0].outcome, AuditOutcome::Started);
    log.complete(id, AuditOutcome::Succeeded, "done").await.unwrap();
    assert!(log.complete(id, AuditOutcome::Failed, "again").await.is_err());
    let page = log.page(&AuditQuery::default()).await.unwrap();
    let row = &page.entries[0];
    assert_eq!(
        (row.id, row.outcome, row.detail.as_str(), page.total),
        (id, AuditOutcome::Succeeded, "done", 1)
    );
    assert!(row.duration_ms.is_some());
    let stored: i64 = sqlx::query_scalar("SELECT count(*) FROM audit")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(stored, 2);
    assert_eq!(broken(&pool, &[]).await, None);
    assert!(
        log.complete(2, AuditOutcome::Failed, "an end has no end")
            .await
            .is_err(),
        "only what started ends"
    );
}

#[tokio::test]
async fn a_filter_by_outcome_means_how_it_ended() {
    let (log, _) = log().await;
    let id = log.record(new_entry("ana", AuditOutcome::Started)).await.unwrap();
    log.complete(id, AuditOutcome::Failed, "no").await.unwrap();
    let count = async |outcome: &str| {
        let query = AuditQuery {
            outcome: outcome.into(),
            ..Default::default()
        };
        log.page(&query).await.unwrap().total
    };
    assert_eq!((count("failed").await, count("started").await), (1, 0));
}

#[tokio::test]
async fn the_database_refuses_to_delete_to_rewrite_and_to_fork() {
    let (_, pool) = five().await;
    for statement in [
        "DELETE FROM audit",
        "DELETE FROM audit WHERE seq = 5",
        "UPDATE audit SET who = 'bob'",
        "UPDATE audit SET detail = 'x' WHERE seq = 5",
        "INSERT OR REPLACE INTO audit SELECT * FROM audit WHERE seq = 3",
        "INSERT INTO audit SELECT 6, at_ms, who, peer, what, params, run, ends, outcome, detail, duration_ms, prev, hash FROM audit WHERE seq = 3",
        "INSERT INTO audit SELECT 9, at_ms, who, peer, what, params, run, ends, outcome, detail, duration_ms, hash, hash FROM audit WHERE seq = 5",
    ] {
        let refused = sqlx::query(statement).execute(&pool).await;
        assert!(refused.is_err(), "{statement}");
    }
    assert_eq!(broken(&pool, &[]).await, None);
}

#[tokio::test]
async fn the_first_entry_that_is_wrong_is_named() {
    for (statement, wanted) in [
        ("UPDATE audit SET who = 'eve' WHERE seq = 3", Broken::Changed(3)),
        ("UPDATE audit SET at_ms = 1 WHERE seq = 1", Broken::Changed(1)),
        (
            "UPDATE audit SET hash = zeroblob(32) WHERE seq = 4",
            Broken::Changed(4),
        ),
        ("DELETE FROM audit WHERE seq = 2", Broken::Missing(2)),
        ("DELETE FROM audit WHERE seq = 1", Broken::Missing(1)),
    ] {
        let (_, pool) = five().await;
        assert_eq!(broken(&pool, &[]).await, None);
        tamper(&pool, &[statement]).await;
        assert_eq!(broken(&pool, &[]).await, Some(wanted), "{statement}");
    }
}

#[tokio::test]
async fn an_entry_that_was_written_anew_with_a_good_hash_is_found_by_the_next_or_by_an_anchor() {
    let (log, pool) = five().await;
    let anchor = log.last.borrow().unwrap();
    let row = sqlx::query("SELECT * FROM audit WHERE seq = 5")
        .fetch_one(&pool)
        .await
        .unwrap();
    let mut entry = Entry::read(&row).unwrap();
    entry.who = "eve".into();
    tamper(&pool, &[]).await;
    sqlx::query("UPDATE audit SET who = 'eve', hash = ? WHERE seq = 5")
        .bind(entry.digest().as_slice())
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(broken(&pool, &[]).await, None, "the chain alone cannot tell");
    assert_eq!(broken(&pool, &[anchor]).await, Some(Broken::NotAnchored(5)));
    let row = sqlx::query("SELECT * FROM audit WHERE seq = 3")
        .fetch_one(&pool)
        .await
        .unwrap();
    let mut entry = Entry::read(&row).unwrap();
    entry.detail = "nothing to see".into();
    sqlx::query("UPDATE audit SET detail = 'nothing to see', hash = ? WHERE seq = 3")
        .bind(entry.digest().as_slice())
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(broken(&pool, &[]).await, Some(Broken::NotFollowing(4)));
}

#[tokio::test]
async fn an_end_that_was_cut_off_is_found_by_an_anchor_and_by_the_server_that_runs() {
    let (log, pool) = five().await;
    let anchor = log.last.borrow().unwrap();
    let page = log.page(&AuditQuery::default()).await.unwrap();
    assert!(
        !page.chain_broken && page.chain.contains("entry 5, the last one"),
        "{}",
        page.chain
    );
    tamper(&pool, &["DELETE FROM audit WHERE seq > 3"]).await;
    assert_eq!(broken(&pool, &[]).await, None);
    assert_eq!(
        broken(&pool, &[anchor]).await,
        Some(Broken::CutOff { last: 3, wanted: 5 })
    );
    let page = log.page(&AuditQuery::default()).await.unwrap();
    assert!(
        page.chain_broken && page.chain.contains("entry 5 is missing"),
        "{}",
        page.chain
    );
}

#[tokio::test]
async fn what_targets_were_told_is_an_anchor() {
    let (log, pool) = five().await;
    let head = log.last.borrow().unwrap();
    sqlx::query("INSERT INTO audit_forward VALUES ('x', ?, ?, 0)")
        .bind(head.seq)
        .bind(head.hash.as_slice())
        .execute(&pool)
        .await
        .unwrap();
    assert!(cli::verify(&pool, &[]).await.unwrap().contains(&head.to_string()));
    tamper(&pool, &["DELETE FROM audit WHERE seq > 4"]).await;
    let error = cli::verify(&pool, &[]).await.unwrap_err().to_string();
    assert!(error.contains("entry 5 is missing"), "{error}");
}

#[tokio::test]
async fn pages_follow_each_other_without_overlap_and_filters_take_text_literally() {
    let (log, _) = log().await;
    for index in 0..(PAGE_SIZE + 3) {
        log.record(new_entry(&format!("user{index}%"), AuditOutcome::Refused))
            .await
            .unwrap();
    }
    let first = log.page(&AuditQuery::default()).await.unwrap();
    let second = log
        .page(&AuditQuery {
            before: first.next_before.unwrap(),
            ..Default::default()
        })
        .await
        .unwrap();
    assert_eq!(
        (first.entries.len(), second.entries.len(), second.next_before),
        (PAGE_SIZE, 3, None)
    );
    let one = log
        .page(&AuditQuery {
            text: "user7%".into(),
            ..Default::default()
        })
        .await
        .unwrap();
    assert_eq!(one.total, 1, "the percent sign is no wildcard");
}

#[tokio::test]
async fn what_cannot_be_written_is_not_done() {
    let (log, pool) = log().await;
    sqlx::query("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'disk full'); END")
        .execute(&pool)
        .await
        .unwrap();
    let mut done = false;
    let doing = async {
        done = true;
        Ok::<_, std::io::Error>(())
    };
    let refused = log
        .act(new_entry("ana", AuditOutcome::Started), doing, |()| "done".into())
        .await;
    assert!(matches!(refused, Err(ActError::NotWritten(_))));
    assert!(!done);
}

#[tokio::test]
async fn what_is_done_says_how_it_ended_and_what_breaks_off_says_that() {
    let (log, pool) = log().await;
    let entry = || new_entry("ana", AuditOutcome::Started);
    let good = log.act(entry(), async { Ok::<_, std::io::Error>(7) }, |n| {
        format!("Made {n}.")
    });
    assert_eq!(good.await.unwrap(), 7);
    let bad = async { Err::<(), _>(std::io::Error::other("no room")) };
    log.act(entry(), bad, |()| String::new()).await.unwrap_err();
    let begun = std::cell::Cell::new(false);
    let never = async {
        begun.set(true);
        std::future::pending::<Result<(), std::io::Error>>().await
    };
    let mut never = Box::pin(log.act(entry(), never, |()| String::new()));
    while !begun.get() {
        assert!(futures::poll!(&mut never).is_pending());
        tokio::task::yield_now().await;
    }
    drop(never);
    assert_eq!(log.open().await.unwrap().len(), 1);
    while !log.open().await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    let page = log.page(&AuditQuery::default()).await.unwrap();
    let words: Vec<_> = page
        .entries
        .iter()
        .map(|row| (row.outcome, row.detail.as_str()))
        .collect();
    assert_eq!(words[2], (AuditOutcome::Succeeded, "Made 7."));
    assert_eq!(words[1], (AuditOutcome::Failed, "Not done: no room."));
    assert_eq!(words[0].0, AuditOutcome::Lost);
    assert_eq!(broken(&pool, &[]).await, None);
}

#[tokio::test]
async fn what_is_too_large_is_cut_and_parameters_are_left_out_whole() {
    let (log, _) = log().await;
    log.record(NewEntry {
        who: "é".repeat(300),
        params: format!("{{\"x\":\"{}\"}}", "y".repeat(20_000)),
        ..new_entry("", AuditOutcome::Refused)
    })
    .await
    .unwrap();
    let row = log.page(&AuditQuery::default()).await.unwrap().entries.remove(0);
    assert!(row.who.len() < 300 && row.who.ends_with('…'));
    assert_eq!(row.params, "{\"left_out\":\"20008 bytes\"}");
}

/// Several processes are several pools on one file: each has its own connections and locks.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_writers_make_one_chain() {
    let dir = tempfile::tempdir().unwrap();
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..4 {
        let log = AuditLog::new(db::open(dir.path()).await.unwrap());
        for _ in 0..3 {
            let log = log.clone();
            writers.spawn(async move {
                for index in 0..10 {
                    let who = format!("w{writer}-{index}");
                    let seq = log.record(new_entry(&who, AuditOutcome::Started)).await.unwrap();
                    log.complete(seq, AuditOutcome::Succeeded, "").await.unwrap();
                }
            });
        }
    }
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
    let pool = db::open_to_read(dir.path()).await.unwrap();
    let mut verifier = Verifier::new(&[]);
    advance(&pool, &mut verifier, u64::MAX).await.unwrap().unwrap();
    assert_eq!(verifier.count(), 4 * 3 * 10 * 2);
}

/// A database as the version before left it.
#[tokio::test]
async fn the_log_of_an_earlier_farol_is_taken_into_the_chain_and_that_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(dir.path().join(db::FILE_NAME))
        .create_if_missing(true);
    let pool = SqlitePool::connect_with(options).await.unwrap();
    let mut before = sqlx::migrate!();
    before.migrations = before.iter().filter(|one| one.version < 4).cloned().collect();
    before.run(&pool).await.unwrap();
    for index in 0..1203 {
        sqlx::query("INSERT INTO audit (at_ms, who, peer, what, params, run, outcome, detail) VALUES (?, 'ana', '::1', 'run.x', '{}', 'R', 'started', '')")
            .bind(index)
            .execute(&pool)
            .await
            .unwrap();
    }
    sqlx::query("UPDATE audit SET outcome = 'succeeded', detail = 'done', duration_ms = 5 WHERE id < 1203")
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;
    let read = db::open_to_read(dir.path()).await.unwrap();
    let error = cli::verify(&read, &[]).await.unwrap_err().to_string();
    assert!(error.contains("start Farol on it once"), "{error}");
    read.close().await;

    let pool = db::open(dir.path()).await.unwrap();
    assert_eq!(broken(&pool, &[]).await, None);
    let log = AuditLog::new(pool.clone());
    let page = log.page(&AuditQuery::default()).await.unwrap();
    assert_eq!((page.total, page.entries[0].what.as_str()), (1204, "audit.chain"));
    assert!(page.entries[0].detail.contains("entries 1 to 1203"));
    assert_eq!(page.entries[2].duration_ms, Some(5));
    assert_eq!(
        log.open().await.unwrap(),
        [OpenEntry {
            seq: 1203,
            run: Some("R".into())
        }]
    );
    // Once: another start adds nothing.
    pool.close().await;
    let pool = db::open(dir.path()).await.unwrap();
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM audit")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(count, 1204);
}

#[tokio::test]
async fn an_export_says_what_is_stored_and_holds_by_itself_whole_or_in_part() {
    let (log, pool) = five().await;
    let head = log.last.borrow().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let span = export::Span {
        since_ms: 0,
        until_ms: i64::MAX,
    };
    let file = dir.path().join("all.jsonl");
    let said = cli::export(&pool, span, export::Format::Jsonl, Some(file.clone()))
        .await
        .unwrap();
    assert_eq!(said, format!("5 entries; the last one is {head}"));
    assert!(
        cli::verify_file(&file, &[head])
            .unwrap()
            .contains(&head.to_string())
    );
    let again = cli::export(&pool, span, export::Format::Jsonl, Some(file.clone())).await;
    assert!(
        again.unwrap_err().to_string().contains("cannot make"),
        "nothing is overwritten"
    );

    let text = std::fs::read_to_string(&file).unwrap();
    let part = dir.path().join("part.jsonl");
    let lines: Vec<&str> = text.lines().collect();
    std::fs::write(&part, lines[2..].join("\n")).unwrap();
    assert!(cli::verify_file(&part, &[]).unwrap().starts_with("3 entries"));
    std::fs::write(&part, text.replace("user3", "eve")).unwrap();
    let error = format!("{:#}", cli::verify_file(&part, &[]).unwrap_err());
    assert!(
        error.contains("line 4") && error.contains("entry 4 is not what was written"),
        "{error}"
    );
    std::fs::write(&part, lines[..3].join("\n")).unwrap();
    let error = format!("{:#}", cli::verify_file(&part, &[head]).unwrap_err());
    assert!(error.contains("entry 5 is missing"), "{error}");
    let odd = Head {
        seq: 5,
        hash: NOTHING,
    };
    assert!(cli::verify_file(&file, &[odd]).is_err());

    let file = dir.path().join("all.csv");
    cli::export(&pool, span, export::Format::Csv, Some(file.clone()))
        .await
        .unwrap();
    let csv = std::fs::read_to_string(file).unwrap();
    assert_eq!(csv.matches("\r\n").count(), 6);
    assert!(
        csv.contains(",\"user0\",\"127.0.0.1\",\"run.process.signal\",\"{\"\"pid\"\":\"\"7\"\"}\","),
        "{csv}"
    );
    let nothing = export::Span {
        since_ms: 0,
        until_ms: 1,
    };
    assert_eq!(
        cli::export(&pool, nothing, export::Format::Csv, None)
            .await
            .unwrap(),
        "no entries in this time"
    );
}
