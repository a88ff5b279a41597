use super::*;
use crate::{actions::End, db};
use farol_model::{
    FaultCode, Role,
    action::{ParamKind, ParamSpec},
    audit::AuditQuery,
};
use futures::future::BoxFuture;
use sqlx::SqlitePool;
use std::sync::atomic::AtomicUsize;
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
}

impl Action for Scripted {
    fn spec(&self) -> &ActionSpec {
        &self.spec
    }

    fn run<'a>(&'a self, context: RunContext, _: Params) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
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

struct Bench {
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
    let (sender, heard) = unbounded_channel();
    let (ran, release) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let scripted = |id: &str, danger, limit, hold: bool, panics| -> Arc<dyn Action> {
        let hold = hold.then(|| release.clone());
        Arc::new(Scripted {
            spec: spec(id, danger, limit),
            ran: ran.clone(),
            hold,
            panics,
        })
    };
    let actions = vec![
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
    Bench {
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
    for table in ["runs", "audit"] {
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
