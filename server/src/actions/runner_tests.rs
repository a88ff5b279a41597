use super::*;
use crate::live::Proof;
use crate::{
    actions::{End, Outcome, RunContext},
    db,
};
use farol_model::{
    FaultCode, Role,
    action::{OutputStream, ParamSpec},
    audit::AuditQuery,
};
use futures::future::BoxFuture;
use sqlx::SqlitePool;
use std::{
    sync::atomic::{AtomicBool, AtomicUsize},
    time::Duration,
};
use tokio::sync::{
    Notify,
    mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
};

const PATIENCE: Duration = Duration::from_secs(20);

/// Counts how often it ran, and ends when told to.
struct Scripted {
    spec: ActionSpec,
    ran: Arc<AtomicUsize>,
    /// When set, the run goes on until this or a stop.
    hold: Option<Arc<Notify>>,
    panics: bool,
    concurrency: Concurrency,
    approval: Option<Duration>,
}

impl Action for Scripted {
    fn spec(&self) -> &ActionSpec {
        &self.spec
    }

    fn concurrency(&self) -> Concurrency {
        self.concurrency
    }

    fn approval(&self) -> Option<Duration> {
        self.approval
    }

    fn run<'a>(&'a self, context: RunContext, params: Params) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            context.output.began(Some(std::process::id()));
            let key = params.get("key").cloned().unwrap_or_default();
            context
                .output
                .write(OutputStream::Stdout, &format!("begun with {key}\n"));
            self.ran.fetch_add(1, Ordering::SeqCst);
            assert!(!self.panics, "as the script says");
            if let Some(hold) = &self.hold {
                tokio::select! {
                    () = hold.notified() => {}
                    () = context.stop.cancelled() => return Outcome { end: End::Stopped, detail: "stopped".into(), exit_code: None },
                }
            }
            Outcome::succeeded("done")
        })
    }
}

struct Ears(UnboundedSender<Run>);

impl RunOutlet for Ears {
    fn event(&self, _: &str, event: &RunEvent) {
        if let RunEvent::State { run } = event {
            let _ = self.0.send(run.clone());
        }
    }
    fn closed(&self, _: &str) {}
}

/// Sessions have proved themselves or not, as the test says; tokens never have.
struct Said {
    proven: Arc<AtomicBool>,
    role: Arc<Mutex<Option<Role>>>,
}

impl Freshness for Said {
    fn fresh<'a>(&'a self, proof: &'a Proof) -> BoxFuture<'a, Result<(), Fault>> {
        let fresh = matches!(proof, Proof::Session(_)) && self.proven.load(Ordering::SeqCst);
        Box::pin(async move {
            fresh
                .then_some(())
                .ok_or_else(|| Fault::new(FaultCode::ProofNeeded, "Prove it."))
        })
    }
}

/// Who asked may do what their role allows, which the test takes away.
impl Standing for Said {
    fn standing<'a>(&'a self, asker: &'a Asker) -> BoxFuture<'a, Result<Option<Viewer>, Fault>> {
        let role = *self.role.lock().unwrap();
        let viewer = role.map(|role| Viewer::new(asker.user_id, "ana", role));
        Box::pin(async move { Ok(viewer) })
    }
}

struct Bench {
    proven: Arc<AtomicBool>,
    /// What role they have by now who asked; None is no account.
    role: Arc<Mutex<Option<Role>>>,
    runner: Runner,
    pool: SqlitePool,
    audit: AuditLog,
    heard: UnboundedReceiver<Run>,
    ran: Arc<AtomicUsize>,
    release: Arc<Notify>,
    shutdown: CancellationToken,
}

fn spec(id: &str, danger: Danger, time_limit_secs: u32) -> ActionSpec {
    let secret = ParamSpec {
        name: "key".into(),
        label: "Key".into(),
        help: String::new(),
        kind: ParamKind::Secret { max_chars: 20 },
        default: Some("none".into()),
    };
    ActionSpec {
        id: id.into(),
        title: id.into(),
        summary: String::new(),
        group: "Test".into(),
        permission: Permission::RunActions,
        danger,
        confirm: None,
        time_limit_secs,
        params: vec![secret],
    }
}

async fn bench_on(pool: SqlitePool) -> Bench {
    bench_with(pool, "edited").await
}

/// With this title of what is edited while Farol is away.
async fn bench_with(pool: SqlitePool, edited: &str) -> Bench {
    let (sender, heard) = unbounded_channel();
    let (ran, release) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let made = |id: &str, danger, limit, hold: bool, panics| {
        let hold = hold.then(|| release.clone());
        Scripted {
            spec: spec(id, danger, limit),
            ran: ran.clone(),
            hold,
            panics,
            concurrency: Concurrency::Parallel,
            approval: None,
        }
    };
    let scripted = |id: &str, danger, limit, hold, panics| -> Arc<dyn Action> {
        Arc::new(made(id, danger, limit, hold, panics))
    };
    let runs_once = |id: &str, concurrency| -> Arc<dyn Action> {
        let action = made(id, Danger::Safe, 60, true, false);
        Arc::new(Scripted {
            concurrency,
            ..action
        })
    };
    let approved = |id: &str, lasts: Duration| -> Arc<dyn Action> {
        let action = made(id, Danger::Safe, 60, false, false);
        Arc::new(Scripted {
            approval: Some(lasts),
            ..action
        })
    };
    // Nothing secret: it can wait over a restart.
    let plain = |id: &str, lasts: Duration, title: &str| -> Arc<dyn Action> {
        let mut action = made(id, Danger::Safe, 60, false, false);
        action.spec.params.clear();
        action.spec.title = title.to_owned();
        Arc::new(Scripted {
            approval: Some(lasts),
            ..action
        })
    };
    let actions = vec![
        plain("kept", Duration::from_secs(900), "kept"),
        plain("edited", Duration::from_secs(900), edited),
        runs_once("skipped", Concurrency::Skip),
        runs_once("in-turn", Concurrency::Queue),
        approved("approved", Duration::from_secs(60)),
        approved("soon-expired", Duration::from_millis(20)),
        scripted("quick", Danger::Safe, 60, false, false),
        scripted("danger", Danger::Dangerous, 60, false, false),
        scripted("held", Danger::Safe, 60, true, false),
        scripted("short", Danger::Safe, 1, true, false),
        scripted("broken", Danger::Safe, 60, false, true),
    ];
    let audit = AuditLog::new(pool.clone());
    let shutdown = CancellationToken::new();
    let runner = Runner::start_up(
        actions,
        RunStore::new(pool.clone()),
        audit.clone(),
        Arc::new(Ears(sender)),
        shutdown.clone(),
        TaskTracker::new(),
    )
    .await
    .unwrap();
    let proven = Arc::new(AtomicBool::new(false));
    let role = Arc::new(Mutex::new(Some(Role::Operator)));
    runner.ask(Arc::new(Said {
        proven: proven.clone(),
        role: role.clone(),
    }));
    runner.resume().await.unwrap();
    Bench {
        proven,
        role,
        runner,
        pool,
        audit,
        heard,
        ran,
        release,
        shutdown,
    }
}

async fn bench() -> Bench {
    bench_on(db::open_in_memory().await.unwrap()).await
}

fn viewer(role: Role) -> Viewer {
    Viewer::new(7, "ana", role)
}

fn other() -> Viewer {
    Viewer::new(8, "vera", Role::Operator)
}

fn request(action: &str, key: &str) -> RunRequest {
    RunRequest {
        key: key.into(),
        action: action.into(),
        params: Params::new(),
        confirm: false,
    }
}

impl Bench {
    async fn start(&self, request: RunRequest) -> Result<Run, Fault> {
        self.runner
            .start(&viewer(Role::Operator), "127.0.0.1", request)
            .await
    }

    /// Says yes, with a fresh proof.
    async fn approve(&self, viewer: Viewer, run: &str) -> Result<Run, Fault> {
        self.proven.store(true, Ordering::SeqCst);
        let identity = crate::live::Identity {
            viewer,
            proof: Proof::Session("s".into()),
        };
        self.runner.approve(&identity, "::1", run).await
    }

    async fn until(&mut self, status: RunStatus) -> Run {
        loop {
            let run = tokio::time::timeout(PATIENCE, self.heard.recv())
                .await
                .expect("a state in time")
                .unwrap();
            if run.status == status {
                return run;
            }
        }
    }

    /// The entries, newest first: what and outcome.
    async fn entries(&self) -> Vec<(String, AuditOutcome)> {
        let page = self.audit.page(&AuditQuery::default()).await.unwrap();
        page.entries
            .into_iter()
            .map(|entry| (entry.what, entry.outcome))
            .collect()
    }

    async fn outcomes(&self) -> Vec<AuditOutcome> {
        let page = self.audit.page(&AuditQuery::default()).await.unwrap();
        page.entries.iter().map(|entry| entry.outcome).collect()
    }
}

#[tokio::test]
async fn a_run_goes_from_queued_to_ended_and_its_entry_with_it() {
    let mut bench = bench().await;
    let run = bench.start(request("quick", "key-0001")).await.unwrap();
    assert_eq!((run.id.len(), run.status), (26, RunStatus::Queued));
    assert_eq!(bench.until(RunStatus::Succeeded).await.detail, "done");
    assert_eq!(bench.outcomes().await, [AuditOutcome::Succeeded]);
    let view = bench.runner.get(&viewer(Role::Operator), &run.id).await.unwrap();
    assert_eq!(view.run.status, RunStatus::Succeeded);
}

#[tokio::test]
async fn the_same_key_runs_once_however_often_it_is_sent() {
    let mut bench = bench().await;
    let all = futures::future::join_all((0..20).map(|_| bench.start(request("quick", "key-0001")))).await;
    let ids: std::collections::HashSet<String> = all.into_iter().map(|run| run.unwrap().id).collect();
    assert_eq!(ids.len(), 1);
    bench.until(RunStatus::Succeeded).await;
    bench.start(request("quick", "key-0001")).await.unwrap();
    assert_eq!(bench.ran.load(Ordering::SeqCst), 1);
    let conflict = bench.start(request("held", "key-0001")).await.unwrap_err();
    assert_eq!(conflict.code, FaultCode::Conflict);
}

#[tokio::test]
async fn what_is_refused_never_runs_and_is_written_down() {
    let bench = bench().await;
    let not_allowed = bench
        .runner
        .start(&viewer(Role::Viewer), "::1", request("quick", "key-0001"))
        .await
        .unwrap_err();
    assert_eq!(not_allowed.code, FaultCode::Forbidden);
    let wrong_value = RunRequest {
        params: [("x".to_owned(), "y".to_owned())].into(),
        ..request("quick", "key-0002")
    };
    for (request, field) in [
        (request("nothing", "key-0003"), "action"),
        (request("quick", "short"), "key"),
        (request("quick", "with spaces in it"), "key"),
        (request("danger", "key-0004"), "confirm"),
        (wrong_value, "x"),
    ] {
        assert_eq!(
            bench.start(request).await.unwrap_err().field.as_deref(),
            Some(field)
        );
    }
    assert_eq!(bench.ran.load(Ordering::SeqCst), 0);
    let outcomes = bench.outcomes().await;
    assert_eq!(
        outcomes
            .iter()
            .filter(|outcome| **outcome == AuditOutcome::Invalid)
            .count(),
        5
    );
    assert_eq!(outcomes.last(), Some(&AuditOutcome::Refused));
}

#[tokio::test]
async fn a_run_is_cancelled_by_request_and_timed_out_by_its_limit() {
    let mut bench = bench().await;
    let run = bench.start(request("held", "key-0001")).await.unwrap();
    bench.until(RunStatus::Running).await;
    bench
        .runner
        .cancel(&viewer(Role::Operator), "::1", &run.id)
        .await
        .unwrap();
    bench.until(RunStatus::Cancelled).await;
    let again = bench
        .runner
        .cancel(&viewer(Role::Operator), "::1", &run.id)
        .await
        .unwrap_err();
    assert_eq!(again.code, FaultCode::Conflict);
    bench.start(request("short", "key-0002")).await.unwrap();
    bench.until(RunStatus::TimedOut).await;
    assert!(bench.outcomes().await.contains(&AuditOutcome::TimedOut));
}

#[tokio::test]
async fn a_viewer_can_neither_look_at_nor_cancel_a_run() {
    let mut bench = bench().await;
    let run = bench.start(request("held", "key-0001")).await.unwrap();
    bench.until(RunStatus::Running).await;
    let watcher = viewer(Role::Viewer);
    assert_eq!(
        bench
            .runner
            .cancel(&watcher, "::1", &run.id)
            .await
            .unwrap_err()
            .code,
        FaultCode::Forbidden
    );
    assert_eq!(
        bench.runner.get(&watcher, &run.id).await.unwrap_err().code,
        FaultCode::Forbidden
    );
    bench.release.notify_one();
    bench.until(RunStatus::Succeeded).await;
}

#[tokio::test]
async fn a_panic_ends_its_own_run_only() {
    let mut bench = bench().await;
    bench.start(request("broken", "key-0001")).await.unwrap();
    assert!(bench.until(RunStatus::Failed).await.detail.contains("broke"));
    bench.start(request("quick", "key-0002")).await.unwrap();
    bench.until(RunStatus::Succeeded).await;
}

#[tokio::test]
async fn above_the_bound_requests_are_refused_and_what_waits_can_be_cancelled() {
    let mut bench = bench().await;
    let mut last = None;
    for index in 0..MAX_RUNNING + MAX_WAITING {
        last = Some(
            bench
                .start(request("held", &format!("key-{index:04}")))
                .await
                .unwrap(),
        );
    }
    let refused = bench.start(request("held", "key-9999")).await.unwrap_err();
    assert_eq!(refused.code, FaultCode::Limited);
    bench
        .runner
        .cancel(&viewer(Role::Operator), "::1", &last.unwrap().id)
        .await
        .unwrap();
    assert_eq!(
        bench.until(RunStatus::Cancelled).await.detail,
        "Stopped before it began."
    );
    bench.shutdown.cancel();
}

#[tokio::test]
async fn a_restart_calls_lost_what_it_cannot_vouch_for() {
    let pool = db::open_in_memory().await.unwrap();
    let mut first = bench_on(pool.clone()).await;
    let run = first.start(request("held", "key-0001")).await.unwrap();
    first.until(RunStatus::Running).await;
    let second = bench_on(pool).await;
    let view = second.runner.get(&viewer(Role::Operator), &run.id).await.unwrap();
    assert_eq!(view.run.status, RunStatus::Lost);
    assert_eq!(second.outcomes().await, [AuditOutcome::Lost]);
    let same = second.start(request("held", "key-0001")).await.unwrap();
    assert_eq!(
        (same.id, same.status),
        (run.id, RunStatus::Lost),
        "never a second time"
    );
}

/// Killed after the run was written and before its entry was, and between the two ends.
#[tokio::test]
async fn a_restart_gives_every_run_its_entry_and_every_entry_the_end_of_its_run() {
    let pool = db::open_in_memory().await.unwrap();
    let mut first = bench_on(pool.clone()).await;
    first.start(request("held", "key-0001")).await.unwrap();
    first.until(RunStatus::Running).await;
    let ended = Run {
        status: RunStatus::Succeeded,
        detail: "done".into(),
        ..first
            .runner
            .recent(&viewer(Role::Operator), 1)
            .await
            .unwrap()
            .remove(0)
    };
    let store = RunStore::new(pool.clone());
    store.finish(&ended, &Default::default()).await.unwrap();
    let queued = Run {
        id: "QUEUED".into(),
        status: RunStatus::Queued,
        ..ended
    };
    store.insert(7, "key-0002", &queued).await.unwrap();
    let second = bench_on(pool).await;
    assert_eq!(
        second.outcomes().await,
        [AuditOutcome::Cancelled, AuditOutcome::Succeeded]
    );
    let view = second
        .runner
        .get(&viewer(Role::Operator), "QUEUED")
        .await
        .unwrap();
    assert!(
        view.run.detail.contains("Nothing was done"),
        "{}",
        view.run.detail
    );
    assert!(second.audit.open().await.unwrap().is_empty());
}

/// The browser goes away in mid-submit: what was accepted is begun, and holds no place for ever.
#[tokio::test]
async fn a_run_whose_asker_goes_away_is_begun_whole() {
    let mut bench = bench().await;
    {
        let mut start = Box::pin(bench.start(request("quick", "key-0001")));
        assert!(futures::poll!(&mut start).is_pending());
    }
    bench.until(RunStatus::Succeeded).await;
    bench.start(request("quick", "key-0001")).await.unwrap();
    assert_eq!(bench.ran.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn without_an_audit_entry_nothing_is_done() {
    let bench = bench().await;
    sqlx::query("DROP TABLE audit")
        .execute(&bench.pool)
        .await
        .unwrap();
    let refused = bench.start(request("quick", "key-0001")).await.unwrap_err();
    assert_eq!(refused.code, FaultCode::Unavailable);
    assert_eq!(bench.ran.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn without_an_audit_entry_nothing_is_cancelled() {
    let mut bench = bench().await;
    let run = bench.start(request("held", "key-0001")).await.unwrap();
    bench.until(RunStatus::Running).await;
    sqlx::query("DROP TABLE audit")
        .execute(&bench.pool)
        .await
        .unwrap();
    let refused = bench.runner.cancel(&viewer(Role::Operator), "::1", &run.id).await;
    assert_eq!(refused.unwrap_err().code, FaultCode::Unavailable);
    let view = bench.runner.get(&viewer(Role::Operator), &run.id).await.unwrap();
    assert_eq!(view.run.status, RunStatus::Running);
    bench.release.notify_one();
    bench.until(RunStatus::Succeeded).await;
}

#[tokio::test]
async fn a_secret_is_in_no_table() {
    let mut bench = bench().await;
    let params: Params = [("key".to_owned(), "hunter2-hunter2".to_owned())].into();
    bench
        .start(RunRequest {
            params,
            ..request("quick", "key-0001")
        })
        .await
        .unwrap();
    bench.until(RunStatus::Succeeded).await;
    for table in ["runs", "audit WHERE ends IS NULL"] {
        let rows: Vec<String> = sqlx::query_scalar(&format!("SELECT params FROM {table}"))
            .fetch_all(&bench.pool)
            .await
            .unwrap();
        assert!(
            rows.iter()
                .all(|text| text.contains("[redacted]") && !text.contains("hunter2")),
            "{rows:?}"
        );
    }
}

#[tokio::test]
async fn a_run_over_rpc_may_be_followed_and_what_is_not_understood_is_named() {
    use crate::live::{Identity, Proof, Rpc};
    let mut bench = bench().await;
    let identity = Identity {
        viewer: viewer(Role::Operator),
        proof: Proof::Token(1),
    };
    let call = async |method: &str, data: serde_json::Value| {
        let data = data.to_string();
        bench
            .runner
            .call(&identity, "10.0.0.1", method, data.as_bytes())
            .await
    };
    for follow in [false, true] {
        let data =
            serde_json::json!({ "key": format!("key-{follow}-1"), "action": "quick", "follow": follow });
        let answer = call("run", data).await.unwrap();
        let accepted: serde_json::Value = serde_json::from_slice(&answer.data).unwrap();
        let channel = format!("runs/{}", accepted["run"].as_str().unwrap());
        assert_eq!(answer.follow, follow.then_some(channel));
    }
    let fault = call("run", serde_json::json!({ "key": 7 })).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::Invalid);
    let fault = call("fly", serde_json::json!({})).await.unwrap_err();
    assert!(fault.message.contains("`fly`") && fault.message.contains("run, cancel"));
    bench.until(RunStatus::Succeeded).await;
}

#[tokio::test]
async fn what_is_dangerous_asks_for_a_fresh_proof_and_what_is_not_does_not() {
    let mut bench = bench().await;
    let viewer = viewer(Role::Operator);
    let session = Proof::Session("s".into());
    let dangerous = |key: &str| RunRequest {
        confirm: true,
        ..request("danger", key)
    };
    let start = async |bench: &Bench, proof: Option<&Proof>, key: &str| {
        let caller = Caller {
            viewer: &viewer,
            proof,
            vouched: false,
        };
        bench.runner.start(caller, "::1", dangerous(key)).await
    };
    let nobody = start(&bench, None, "key-0001").await.unwrap_err();
    assert_eq!(nobody.code, FaultCode::Forbidden, "only the name is known");
    let stale = start(&bench, Some(&session), "key-0001").await.unwrap_err();
    assert_eq!(stale.code, FaultCode::ProofNeeded);
    assert_eq!(bench.outcomes().await, [AuditOutcome::Refused; 2]);
    assert_eq!(bench.ran.load(Ordering::SeqCst), 0);
    bench.start(request("quick", "key-0002")).await.unwrap();
    bench.until(RunStatus::Succeeded).await;
    bench.proven.store(true, Ordering::SeqCst);
    // The refusal used up nothing: the same key starts it now.
    start(&bench, Some(&session), "key-0001").await.unwrap();
    bench.until(RunStatus::Succeeded).await;
    let token = start(&bench, Some(&Proof::Token(1)), "key-0003")
        .await
        .unwrap_err();
    assert_eq!(token.code, FaultCode::ProofNeeded);
    assert_eq!(bench.ran.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_run_waits_for_a_second_person_and_goes_on_with_a_yes() {
    let mut bench = bench().await;
    let run = bench.start(request("approved", "key-0001")).await.unwrap();
    assert_eq!(run.status, RunStatus::Awaiting);
    assert!(run.detail.contains("second person"), "{}", run.detail);
    assert_eq!(bench.ran.load(Ordering::SeqCst), 0);
    let asked = bench.start(request("approved", "key-0001")).await.unwrap();
    assert_eq!(
        (asked.id.as_str(), asked.status),
        (run.id.as_str(), RunStatus::Awaiting)
    );
    bench.approve(other(), &run.id).await.unwrap();
    bench.until(RunStatus::Queued).await;
    bench.until(RunStatus::Succeeded).await;
    assert_eq!(bench.ran.load(Ordering::SeqCst), 1);
    let facts = bench.runner.facts(&other(), &run.id).await.unwrap();
    assert_eq!((facts.approver.as_deref(), facts.user_id), (Some("vera"), 7));
    assert!(facts.approve_by_ms.unwrap() > run.queued_ms && facts.started_ms.is_some());
    assert_eq!(
        bench.entries().await,
        [
            ("approve.approved".to_owned(), AuditOutcome::Succeeded),
            ("run.approved".to_owned(), AuditOutcome::Succeeded)
        ]
    );
}

#[tokio::test]
async fn nobody_approves_their_own_run_and_the_first_word_counts() {
    let mut bench = bench().await;
    let run = bench.start(request("approved", "key-0001")).await.unwrap();
    let watcher = Viewer::new(8, "vera", Role::Viewer);
    for who in [viewer(Role::Admin), watcher] {
        let refused = bench.approve(who.clone(), &run.id).await.unwrap_err();
        assert_eq!(refused.code, FaultCode::Forbidden, "{who:?}");
    }
    bench.runner.deny(&other(), "::1", &run.id).await.unwrap();
    let late = bench.approve(other(), &run.id).await.unwrap_err();
    assert_eq!(late.code, FaultCode::Conflict);
    let denied = bench.until(RunStatus::Denied).await;
    assert!(denied.detail.contains("vera"), "{}", denied.detail);
    assert_eq!(bench.ran.load(Ordering::SeqCst), 0);
    let outcomes = bench.outcomes().await;
    let refused = |outcome: &&AuditOutcome| **outcome == AuditOutcome::Refused;
    assert_eq!(
        outcomes.iter().filter(refused).count(),
        3,
        "two refusals and the denied run"
    );
}

#[tokio::test]
async fn a_run_that_nobody_approves_expires_and_one_that_waits_can_be_cancelled() {
    let mut bench = bench().await;
    bench.start(request("soon-expired", "key-0001")).await.unwrap();
    bench.until(RunStatus::Expired).await;
    let run = bench.start(request("approved", "key-0002")).await.unwrap();
    bench
        .runner
        .cancel(&viewer(Role::Operator), "::1", &run.id)
        .await
        .unwrap();
    bench.until(RunStatus::Cancelled).await;
    let late = bench.approve(other(), &run.id).await.unwrap_err();
    assert_eq!(late.code, FaultCode::Conflict);
    assert_eq!(bench.ran.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn runs_that_wait_for_approval_are_bounded() {
    let bench = bench().await;
    for index in 0..MAX_AWAITING {
        bench
            .start(request("approved", &format!("key-{index:04}")))
            .await
            .unwrap();
    }
    let refused = bench.start(request("approved", "key-9999")).await.unwrap_err();
    assert_eq!(refused.code, FaultCode::Limited);
    bench.shutdown.cancel();
}

#[tokio::test]
async fn an_approval_that_cannot_be_written_down_does_not_count() {
    let bench = bench().await;
    let run = bench.start(request("approved", "key-0001")).await.unwrap();
    sqlx::query("DROP TABLE audit")
        .execute(&bench.pool)
        .await
        .unwrap();
    bench.approve(other(), &run.id).await.unwrap_err();
    assert_eq!(bench.ran.load(Ordering::SeqCst), 0);
    let view = bench.runner.get(&other(), &run.id).await.unwrap();
    assert_eq!(view.run.status, RunStatus::Awaiting, "somebody may still say yes");
    bench.shutdown.cancel();
}

#[tokio::test]
async fn a_second_run_is_skipped_or_waits_as_its_action_says() {
    let mut bench = bench().await;
    let first = bench.start(request("skipped", "key-0001")).await.unwrap();
    bench.until(RunStatus::Running).await;
    let skipped = bench.start(request("skipped", "key-0002")).await.unwrap_err();
    assert_eq!(skipped.code, FaultCode::Conflict);
    assert!(skipped.message.contains("under way"), "{skipped}");
    let same = bench.start(request("skipped", "key-0001")).await.unwrap();
    assert_eq!(
        same.id, first.id,
        "the same key is the same run, not a second one"
    );
    bench.release.notify_one();
    bench.until(RunStatus::Succeeded).await;

    bench.start(request("in-turn", "key-0003")).await.unwrap();
    bench.until(RunStatus::Running).await;
    let second = bench.start(request("in-turn", "key-0004")).await.unwrap();
    let view = bench.runner.get(&other(), &second.id).await.unwrap();
    assert_eq!(view.run.status, RunStatus::Queued);
    bench.release.notify_one();
    assert_eq!(bench.until(RunStatus::Running).await.id, second.id);
    bench.release.notify_one();
    bench.until(RunStatus::Succeeded).await;
}

#[tokio::test]
async fn after_a_restart_the_state_says_whether_anything_was_done() {
    let pool = db::open_in_memory().await.unwrap();
    let mut first = bench_on(pool.clone()).await;
    let begun = first.start(request("in-turn", "key-0001")).await.unwrap();
    first.until(RunStatus::Running).await;
    let queued = first.start(request("in-turn", "key-0002")).await.unwrap();
    let awaiting = first.start(request("approved", "key-0003")).await.unwrap();
    // As if the process had been killed: what it knew is in the database only.
    let second = bench_on(pool).await;
    for (run, status, words) in [
        (&begun, RunStatus::Lost, "not known"),
        (&queued, RunStatus::Cancelled, "Nothing was done"),
        (&awaiting, RunStatus::Expired, "Nothing was done"),
    ] {
        let view = second.runner.get(&other(), &run.id).await.unwrap();
        assert_eq!(view.run.status, status);
        assert!(view.run.detail.contains(words), "{}", view.run.detail);
    }
    for (action, key, known) in [
        ("in-turn", "key-0001", &begun),
        ("in-turn", "key-0002", &queued),
        ("approved", "key-0003", &awaiting),
    ] {
        assert_eq!(second.start(request(action, key)).await.unwrap().id, known.id);
    }
    assert_eq!(second.ran.load(Ordering::SeqCst), 0, "never a second time");
}

#[tokio::test]
async fn what_a_run_prints_is_stored_while_it_runs_and_its_process_with_it() {
    let mut bench = bench().await;
    let run = bench.start(request("held", "key-0001")).await.unwrap();
    bench.until(RunStatus::Running).await;
    // Stored a moment after it was printed.
    let text = loop {
        if let Some((_, text)) = bench.runner.text_after(&other(), &run.id, -1).await.unwrap() {
            break text;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(
        text, "begun with [redacted]\n",
        "the default of a secret is one too"
    );
    let view = bench.runner.get(&other(), &run.id).await.unwrap();
    assert_eq!(view.output.len(), 1);
    let facts = bench.runner.facts(&other(), &run.id).await.unwrap();
    assert_eq!(facts.pid, Some(std::process::id()));
    bench.release.notify_one();
    bench.until(RunStatus::Succeeded).await;
}

#[tokio::test]
async fn a_secret_that_a_run_prints_is_hidden() {
    let mut bench = bench().await;
    let asked = RunRequest {
        params: [("key".to_owned(), "hunter2-hunter2".to_owned())].into(),
        ..request("quick", "key-0001")
    };
    let run = bench.start(asked).await.unwrap();
    bench.until(RunStatus::Succeeded).await;
    let view = bench.runner.get(&other(), &run.id).await.unwrap();
    let hidden = "begun with [redacted]\n".to_owned();
    assert_eq!(view.output, [(OutputStream::Stdout, hidden)]);
}

#[tokio::test]
async fn what_is_on_the_shelf_can_be_run_and_a_change_leaves_runs_alone() {
    let mut bench = bench().await;
    let book: Arc<dyn Action> = Arc::new(Scripted {
        spec: spec("runbook.new", Danger::Safe, 60),
        ran: bench.ran.clone(),
        hold: Some(bench.release.clone()),
        panics: false,
        concurrency: Concurrency::Parallel,
        approval: None,
    });
    assert!(bench.start(request("runbook.new", "key-0001")).await.is_err());
    bench.runner.shelve(vec![book]);
    let first = bench.runner.specs(&other()).first().map(|spec| spec.id.clone());
    assert_eq!(first.as_deref(), Some("runbook.new"));
    let run = bench.start(request("runbook.new", "key-0002")).await.unwrap();
    bench.until(RunStatus::Running).await;
    bench.runner.shelve(Vec::new());
    bench.release.notify_one();
    assert_eq!(bench.until(RunStatus::Succeeded).await.id, run.id);
    assert!(bench.start(request("runbook.new", "key-0003")).await.is_err());
}

#[tokio::test]
async fn a_scope_decides_what_is_offered_started_and_cancelled() {
    let mut bench = bench().await;
    let grants = farol_model::Grants::parse(&["view_runs", "run:quick on web-*"]).unwrap();
    let narrow = |here: &str| Viewer {
        permissions: grants.permissions(),
        reach: farol_model::access::Reach::new(here, [&grants]),
        ..viewer(Role::Operator)
    };
    let offered: Vec<_> = bench
        .runner
        .specs(&narrow("web-1"))
        .into_iter()
        .map(|spec| spec.id)
        .collect();
    assert_eq!(offered, ["quick"]);
    let start = |who: Viewer, request: RunRequest| {
        let runner = bench.runner.clone();
        async move { runner.start(&who, "::1", request).await }
    };
    start(narrow("web-1"), request("quick", "key-0001"))
        .await
        .unwrap();
    for (here, action) in [("web-1", "held"), ("db-1", "quick")] {
        let refused = start(narrow(here), request(action, "key-0002"))
            .await
            .unwrap_err();
        assert_eq!(refused.code, FaultCode::Forbidden, "{action} on {here}");
    }
    bench.until(RunStatus::Succeeded).await;
    let held = bench.start(request("held", "key-0003")).await.unwrap();
    bench.until(RunStatus::Running).await;
    let refused = bench.runner.cancel(&narrow("web-1"), "::1", &held.id).await;
    assert_eq!(refused.unwrap_err().code, FaultCode::Forbidden);
    bench.release.notify_one();
    bench.until(RunStatus::Succeeded).await;
}

#[tokio::test]
async fn a_yes_asks_for_a_fresh_proof_and_a_no_does_not() {
    let mut bench = bench().await;
    let run = bench.start(request("kept", "key-0001")).await.unwrap();
    let nobody = bench.runner.approve(&other(), "::1", &run.id).await.unwrap_err();
    assert_eq!(nobody.code, FaultCode::Forbidden, "only the name is known");
    for proof in [Proof::Session("s".into()), Proof::Token(1)] {
        let viewer = other();
        let identity = crate::live::Identity { viewer, proof };
        let stale = bench.runner.approve(&identity, "::1", &run.id).await.unwrap_err();
        assert_eq!(stale.code, FaultCode::ProofNeeded);
    }
    let refused = ("approve.kept".to_owned(), AuditOutcome::Refused);
    assert_eq!(
        bench.entries().await[..3],
        [refused.clone(), refused.clone(), refused]
    );
    bench.approve(other(), &run.id).await.unwrap();
    bench.until(RunStatus::Succeeded).await;
    bench.proven.store(false, Ordering::SeqCst);
    let run = bench.start(request("kept", "key-0002")).await.unwrap();
    bench.runner.deny(&other(), "::1", &run.id).await.unwrap();
    bench.until(RunStatus::Denied).await;
    assert_eq!(bench.ran.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn who_lost_the_right_meanwhile_gets_no_approval_and_the_run_says_why() {
    let mut bench = bench().await;
    for (key, role, why) in [
        ("key-0001", Some(Role::Viewer), "role was taken away"),
        ("key-0002", None, "disabled or gone"),
    ] {
        *bench.role.lock().unwrap() = Some(Role::Operator);
        let run = bench.start(request("kept", key)).await.unwrap();
        *bench.role.lock().unwrap() = role;
        let refused = bench.approve(other(), &run.id).await.unwrap_err();
        assert_eq!(refused.code, FaultCode::Conflict);
        let ended = bench.until(RunStatus::Denied).await;
        assert!(
            ended.detail.contains("ana may not run this any more"),
            "{}",
            ended.detail
        );
        assert!(ended.detail.contains(why), "{}", ended.detail);
        let facts = bench.runner.facts(&other(), &run.id).await.unwrap();
        assert_eq!(facts.approver, None, "nobody has decided");
    }
    let page = bench.audit.page(&AuditQuery::default()).await.unwrap();
    for entry in &page.entries {
        assert_eq!(entry.outcome, AuditOutcome::Refused, "{}", entry.what);
        assert!(
            entry.detail.contains("may not run this any more"),
            "{}",
            entry.detail
        );
    }
    assert_eq!(page.entries.len(), 4, "two approvals and two runs");
    assert_eq!(bench.ran.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn who_lost_the_right_while_the_run_waited_for_its_place_is_refused_when_it_would_begin() {
    let mut bench = bench().await;
    bench.start(request("in-turn", "key-0001")).await.unwrap();
    bench.until(RunStatus::Running).await;
    let second = bench.start(request("in-turn", "key-0002")).await.unwrap();
    *bench.role.lock().unwrap() = Some(Role::Viewer);
    bench.release.notify_one();
    bench.until(RunStatus::Succeeded).await;
    let refused = bench.until(RunStatus::Denied).await;
    assert_eq!(refused.id, second.id);
    assert!(
        refused.detail.contains("role was taken away"),
        "{}",
        refused.detail
    );
    assert_eq!(bench.outcomes().await[0], AuditOutcome::Refused);
    assert_eq!(bench.ran.load(Ordering::SeqCst), 1, "the first alone");
}

/// A stop, and a kill: what waits is there again, and runs once.
#[tokio::test]
async fn what_waits_for_approval_waits_over_a_restart_and_runs_once() {
    for killed in [false, true] {
        let pool = db::open_in_memory().await.unwrap();
        let first = bench_on(pool.clone()).await;
        let run = first.start(request("kept", "key-0001")).await.unwrap();
        if !killed {
            first.shutdown.cancel();
            first.runner.inner.tasks.close();
            first.runner.inner.tasks.wait().await;
        }
        let mut second = bench_on(pool.clone()).await;
        let view = second.runner.get(&other(), &run.id).await.unwrap();
        assert_eq!(view.run.status, RunStatus::Awaiting, "{}", view.run.detail);
        let same = second.start(request("kept", "key-0001")).await.unwrap();
        assert_eq!(
            (same.id.as_str(), same.status),
            (run.id.as_str(), RunStatus::Awaiting)
        );
        let own = second.approve(viewer(Role::Operator), &run.id).await.unwrap_err();
        assert_eq!(own.code, FaultCode::Forbidden, "still nobody approves their own");
        second.approve(other(), &run.id).await.unwrap();
        second.until(RunStatus::Succeeded).await;
        let third = bench_on(pool).await;
        assert_eq!(
            second.ran.load(Ordering::SeqCst) + third.ran.load(Ordering::SeqCst),
            1
        );
        let late = third.approve(other(), &run.id).await.unwrap_err();
        assert_eq!(late.code, FaultCode::Conflict);
        assert!(third.audit.open().await.unwrap().is_empty());
        first.shutdown.cancel();
    }
}

#[tokio::test]
async fn what_cannot_wait_over_a_restart_says_why() {
    let pool = db::open_in_memory().await.unwrap();
    let first = bench_on(pool.clone()).await;
    let start = async |action: &str, key: &str| first.start(request(action, key)).await.unwrap().id;
    let secret = start("approved", "key-0001").await;
    let edited = start("edited", "key-0002").await;
    let over = start("kept", "key-0003").await;
    let decided = start("kept", "key-0004").await;
    sqlx::query("UPDATE runs SET approve_by_ms = 1 WHERE id = ?")
        .bind(&over)
        .execute(&pool)
        .await
        .unwrap();
    // Killed between the word and what it does.
    let note = NewEntry {
        who: "vera".into(),
        from: "::1".into(),
        what: "deny.kept".into(),
        params: "{}".into(),
        run: Some(decided.clone()),
        outcome: AuditOutcome::Succeeded,
        detail: "Denied the run.".into(),
    };
    first.audit.record(note).await.unwrap();
    let second = bench_with(pool, "another").await;
    for (id, why) in [
        (secret, "its secret `key` is kept nowhere"),
        (edited, "has changed since"),
        (over, "its time is over"),
        (decided, "just being decided"),
    ] {
        let view = second.runner.get(&other(), &id).await.unwrap();
        assert_eq!(view.run.status, RunStatus::Expired);
        assert!(view.run.detail.contains(why), "{}", view.run.detail);
        assert!(
            view.run.detail.contains("Nothing was done"),
            "{}",
            view.run.detail
        );
        assert!(second.approve(other(), &id).await.is_err());
    }
    assert!(second.audit.open().await.unwrap().is_empty());
    assert_eq!(second.ran.load(Ordering::SeqCst), 0);
    first.shutdown.cancel();
}
