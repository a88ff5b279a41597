//! The one way in which anything is done.
//!
//! Order: key, action, permission, parameters, confirmation, capacity; then the run is written down under its key (which
//! makes it happen once), then the audit entry, and only then does it start. Whatever is refused is audited as well.
//!
//! Bounds: [`MAX_RUNNING`] at once, [`MAX_WAITING`] more wait, above that requests are refused as limited. An action's time
//! limit asks it to stop; after [`STOP_GRACE`] it is dropped.

use super::{
    Action, Outcome, RunContext, RunOutlet,
    output::OutputSink,
    store::{Inserted, RunStore},
};
use crate::{
    audit::{AuditLog, NewEntry},
    time::now_ms,
};
use farol_model::{
    Fault, Permission, Viewer,
    action::{ActionSpec, Danger, Params, Run, RunEvent, RunRequest, RunStatus, RunView},
    audit::AuditOutcome,
};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Runs under way at once.
pub const MAX_RUNNING: usize = 8;
/// Runs that wait for a place.
pub const MAX_WAITING: usize = 32;
/// How long an action has after it was asked to stop.
const STOP_GRACE: Duration = Duration::from_secs(10);

/// Starts, finds and stops runs. Cheap to clone.
#[derive(Clone)]
pub struct Runner {
    inner: Arc<Inner>,
}

struct Inner {
    actions: Vec<Arc<dyn Action>>,
    /// One place per action that runs one at a time.
    single: HashMap<String, Arc<Semaphore>>,
    places: Arc<Semaphore>,
    store: RunStore,
    audit: AuditLog,
    outlet: Arc<dyn RunOutlet>,
    /// Runs that have not ended. A std lock: held for map operations only.
    live: Mutex<HashMap<String, LiveRun>>,
    shutdown: CancellationToken,
    tasks: TaskTracker,
}

/// A run that has not ended.
#[derive(Clone)]
struct LiveRun {
    run: Run,
    output: OutputSink,
    stop: CancellationToken,
    /// Why it was asked to stop: one of the constants below.
    reason: Arc<AtomicU8>,
}

const ON_REQUEST: u8 = 1;
const AT_LIMIT: u8 = 2;

impl Runner {
    /// Marks what an earlier process left unfinished as lost, then is ready.
    pub async fn start_up(
        actions: Vec<Arc<dyn Action>>,
        store: RunStore,
        audit: AuditLog,
        outlet: Arc<dyn RunOutlet>,
        shutdown: CancellationToken,
        tasks: TaskTracker,
    ) -> Result<Runner, sqlx::Error> {
        let lost = store.mark_lost(now_ms()).await?;
        audit.mark_lost().await?;
        if lost > 0 {
            tracing::warn!(runs = lost, "runs of an earlier process are marked as lost");
        }
        let single = actions
            .iter()
            .filter(|action| action.one_at_a_time())
            .map(|action| (action.spec().id.clone(), Arc::new(Semaphore::new(1))))
            .collect();
        let places = Arc::new(Semaphore::new(MAX_RUNNING));
        let live = Mutex::default();
        Ok(Runner {
            inner: Arc::new(Inner {
                actions,
                single,
                places,
                store,
                audit,
                outlet,
                live,
                shutdown,
                tasks,
            }),
        })
    }

    /// The actions that this viewer may run.
    pub fn specs(&self, viewer: &Viewer) -> Vec<ActionSpec> {
        let specs = self.inner.actions.iter().map(|action| action.spec());
        specs
            .filter(|spec| viewer.may(spec.permission))
            .cloned()
            .collect()
    }

    /// Starts a run, or finds the one that the key already started.
    pub async fn start(&self, viewer: &Viewer, from: &str, request: RunRequest) -> Result<Run, Fault> {
        let action = self
            .inner
            .actions
            .iter()
            .find(|action| action.spec().id == request.action)
            .cloned();
        let checked = check(action.as_deref(), viewer, &request);
        let (action, params) = match (action, checked) {
            (Some(action), Ok(params)) => (action, params),
            (action, Err(fault)) => {
                self.refused(viewer, from, action.as_deref(), &request, &fault)
                    .await;
                return Err(fault);
            }
            (None, Ok(_)) => return Err(Fault::internal()),
        };
        if self.inner.shutdown.is_cancelled() {
            return Err(Fault::unavailable("Farol is stopping. Nothing new is started."));
        }
        let spec = action.spec();
        let run = Run {
            id: new_id(),
            action: spec.id.clone(),
            title: spec.title.clone(),
            who: viewer.name.clone(),
            params: spec.redact(&params),
            status: RunStatus::Queued,
            detail: String::new(),
            queued_ms: now_ms(),
            ended_ms: None,
            exit_code: None,
        };
        let output = OutputSink::new(&run.id, self.inner.outlet.clone());
        let live = LiveRun {
            run,
            output,
            stop: self.inner.shutdown.child_token(),
            reason: Arc::default(),
        };
        self.reserve(&live)?;
        match self.write_down(viewer, &request, &live).await {
            Ok(None) => {}
            Ok(Some(known)) => {
                self.live().remove(&live.run.id);
                return Ok(known);
            }
            Err(fault) => {
                self.live().remove(&live.run.id);
                return Err(fault);
            }
        }
        let audit = match self.begin_audit(viewer, from, &live.run).await {
            Ok(id) => id,
            Err(fault) => {
                self.abandon(live.run).await;
                return Err(fault);
            }
        };
        let run = live.run.clone();
        self.publish(&run);
        self.inner
            .tasks
            .spawn(self.clone().carry_out(action, live, params, audit));
        Ok(run)
    }

    /// Asks a run to stop. The run as it stands now; how it ended is told by its channel.
    pub async fn cancel(&self, viewer: &Viewer, from: &str, id: &str) -> Result<Run, Fault> {
        let found = self.live().get(id).cloned();
        let Some(live) = found else {
            let view = self.get(viewer, id).await?;
            return Err(Fault::conflict(format!(
                "This run has ended already: {}.",
                view.run.status.as_str()
            )));
        };
        let permission = self
            .inner
            .actions
            .iter()
            .find(|action| action.spec().id == live.run.action);
        viewer.require(permission.map_or(Permission::Administer, |action| action.spec().permission))?;
        let entry = NewEntry {
            who: viewer.name.clone(),
            from: from.to_owned(),
            what: format!("cancel.{}", live.run.action),
            params: "{}".to_owned(),
            run: Some(live.run.id.clone()),
            outcome: AuditOutcome::Succeeded,
            detail: "Asked the run to stop.".to_owned(),
        };
        self.inner
            .audit
            .record(entry)
            .await
            .map_err(|error| broken("audit", &error))?;
        // The first reason stands.
        let _ = live
            .reason
            .compare_exchange(0, ON_REQUEST, Ordering::SeqCst, Ordering::SeqCst);
        live.stop.cancel();
        Ok(live.run)
    }

    /// A run with what it has printed so far.
    pub async fn get(&self, viewer: &Viewer, id: &str) -> Result<RunView, Fault> {
        viewer.require(Permission::ViewRuns)?;
        if let Some(live) = self.live().get(id) {
            let printed = live.output.printed();
            return Ok(RunView {
                run: live.run.clone(),
                output: printed.pieces,
                truncated: printed.truncated,
            });
        }
        let view = self
            .inner
            .store
            .view(id)
            .await
            .map_err(|error| broken("runs", &error))?;
        view.ok_or_else(|| Fault::not_found(format!("There is no run `{id}`.")))
    }

    /// The newest runs first.
    pub async fn recent(&self, viewer: &Viewer, limit: u32) -> Result<Vec<Run>, Fault> {
        viewer.require(Permission::ViewRuns)?;
        self.inner
            .store
            .recent(limit.min(200))
            .await
            .map_err(|error| broken("runs", &error))
    }

    fn live(&self) -> MutexGuard<'_, HashMap<String, LiveRun>> {
        self.inner.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place among those that run or wait.
    fn reserve(&self, live: &LiveRun) -> Result<(), Fault> {
        let mut all = self.live();
        if all.len() >= MAX_RUNNING + MAX_WAITING {
            let message = format!(
                "{} runs are under way or waiting. Try again when some have ended.",
                all.len()
            );
            return Err(Fault::limited(message, 10));
        }
        all.insert(live.run.id.clone(), live.clone());
        metrics::gauge!("farol_runs_running").set(all.len() as f64);
        Ok(())
    }

    /// Writes the run under its key. The run that has the key already, if there is one.
    async fn write_down(
        &self,
        viewer: &Viewer,
        request: &RunRequest,
        live: &LiveRun,
    ) -> Result<Option<Run>, Fault> {
        let inserted = self
            .inner
            .store
            .insert(viewer.user_id, &request.key, &live.run)
            .await;
        match inserted.map_err(|error| broken("runs", &error))? {
            Inserted::New => Ok(None),
            Inserted::Known(known) if known.action == live.run.action && known.params == live.run.params => {
                Ok(Some(
                    self.live().get(&known.id).map_or(known, |live| live.run.clone()),
                ))
            }
            Inserted::Known(known) => Err(Fault {
                field: Some("key".to_owned()),
                ..Fault::conflict(format!(
                    "This key has started another run already ({}). Use a new key.",
                    known.title
                ))
            }),
        }
    }

    /// Written before the run starts; without it nothing is done.
    async fn begin_audit(&self, viewer: &Viewer, from: &str, run: &Run) -> Result<i64, Fault> {
        let entry = NewEntry {
            who: viewer.name.clone(),
            from: from.to_owned(),
            what: format!("run.{}", run.action),
            params: serde_json::to_string(&run.params).unwrap_or_default(),
            run: Some(run.id.clone()),
            outcome: AuditOutcome::Started,
            detail: String::new(),
        };
        self.inner.audit.record(entry).await.map_err(|error| {
            tracing::error!(%error, "the audit log cannot be written; an action was refused");
            Fault::unavailable(
                "The audit log cannot be written, so nothing was done. Look at the server's disk and log.",
            )
        })
    }

    /// A run that was written down and must not start.
    async fn abandon(&self, mut run: Run) {
        self.live().remove(&run.id);
        run.status = RunStatus::Failed;
        run.detail = "Not started: the audit log could not be written.".to_owned();
        run.ended_ms = Some(now_ms());
        if let Err(error) = self.inner.store.update(&run).await {
            tracing::error!(%error, run = run.id, "the state of a run cannot be written");
        }
    }

    async fn refused(
        &self,
        viewer: &Viewer,
        from: &str,
        action: Option<&dyn Action>,
        request: &RunRequest,
        fault: &Fault,
    ) {
        // Parameters of an unknown action may be anything, secrets included.
        let params = action
            .map(|action| action.spec().redact(&request.params))
            .unwrap_or_default();
        let forbidden = fault.code == farol_model::FaultCode::Forbidden;
        let what: String = request
            .action
            .chars()
            .filter(|c| !c.is_control())
            .take(64)
            .collect();
        let entry = NewEntry {
            who: viewer.name.clone(),
            from: from.to_owned(),
            what: format!("run.{what}"),
            params: serde_json::to_string(&shortened(params)).unwrap_or_default(),
            run: None,
            outcome: if forbidden {
                AuditOutcome::Refused
            } else {
                AuditOutcome::Invalid
            },
            detail: fault.message.chars().take(500).collect(),
        };
        if let Err(error) = self.inner.audit.record(entry).await {
            tracing::error!(%error, "a refusal cannot be written to the audit log");
        }
    }

    /// From queued to ended.
    async fn carry_out(self, action: Arc<dyn Action>, mut live: LiveRun, params: Params, audit: i64) {
        let outcome = match self.place(action.as_ref(), &live.stop).await {
            None => Outcome {
                end: super::End::Stopped,
                detail: "Stopped before it began.".into(),
                exit_code: None,
            },
            Some(_place) => {
                live.run.status = RunStatus::Running;
                self.save(&live.run).await;
                self.act(&action, &live, params).await
            }
        };
        let reason = live.reason.load(Ordering::SeqCst);
        let stopped = if reason == AT_LIMIT {
            RunStatus::TimedOut
        } else {
            RunStatus::Cancelled
        };
        live.run.status = outcome.status(stopped);
        live.run.detail = outcome.detail;
        live.run.exit_code = outcome.exit_code;
        live.run.ended_ms = Some(now_ms());
        self.end(live, audit).await;
    }

    /// Waits for a place; None when asked to stop before there was one.
    async fn place(
        &self,
        action: &dyn Action,
        stop: &CancellationToken,
    ) -> Option<(Option<OwnedSemaphorePermit>, OwnedSemaphorePermit)> {
        let take = async {
            let single = match self.inner.single.get(&action.spec().id) {
                Some(one) => Some(one.clone().acquire_owned().await.ok()?),
                None => None,
            };
            Some((single, self.inner.places.clone().acquire_owned().await.ok()?))
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => None,
            place = take => place,
        }
    }

    /// Runs the action in a task of its own, so that a panic ends with it.
    async fn act(&self, action: &Arc<dyn Action>, live: &LiveRun, params: Params) -> Outcome {
        let context = RunContext {
            output: live.output.clone(),
            stop: live.stop.clone(),
        };
        let limit = Duration::from_secs(action.spec().time_limit_secs.into());
        let mut task = tokio::spawn({
            let action = action.clone();
            async move { action.run(context, params).await }
        });
        let ended = tokio::select! {
            ended = &mut task => Some(ended),
            () = tokio::time::sleep(limit) => {
                let _ = live.reason.compare_exchange(0, AT_LIMIT, Ordering::SeqCst, Ordering::SeqCst);
                live.stop.cancel();
                None
            }
            () = live.stop.cancelled() => None,
        };
        let ended = match ended {
            Some(ended) => Ok(ended),
            None => tokio::time::timeout(STOP_GRACE, &mut task).await,
        };
        match ended {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => {
                tracing::error!(run = live.run.id, action = live.run.action, %error, "an action broke");
                Outcome::failed("The action itself broke. The server log says where.")
            }
            Err(_) => {
                task.abort();
                Outcome {
                    end: super::End::Stopped,
                    detail: "It did not stop when asked and was abandoned.".into(),
                    exit_code: None,
                }
            }
        }
    }

    async fn save(&self, run: &Run) {
        if let Some(live) = self.live().get_mut(&run.id) {
            live.run = run.clone();
        }
        if let Err(error) = self.inner.store.update(run).await {
            tracing::error!(%error, run = run.id, "the state of a run cannot be written");
        }
        self.publish(run);
    }

    async fn end(&self, live: LiveRun, audit: i64) {
        let run = live.run;
        if let Err(error) = self.inner.store.finish(&run, &live.output.printed()).await {
            tracing::error!(%error, run = run.id, "the end of a run cannot be written");
        }
        if let Err(error) = self
            .inner
            .audit
            .complete(audit, run.status.into(), &run.detail)
            .await
        {
            tracing::error!(%error, run = run.id, "the audit entry of a run cannot be completed");
        }
        {
            let mut all = self.live();
            all.remove(&run.id);
            metrics::gauge!("farol_runs_running").set(all.len() as f64);
        }
        metrics::counter!("farol_runs_total", "action" => run.action.clone(), "status" => run.status.as_str()).increment(1);
        self.publish(&run);
        self.inner.outlet.closed(&run.id);
    }

    fn publish(&self, run: &Run) {
        self.inner
            .outlet
            .event(&run.id, &RunEvent::State { run: run.clone() });
    }
}

/// Everything about a request that can be wrong without looking at the world.
fn check(action: Option<&dyn Action>, viewer: &Viewer, request: &RunRequest) -> Result<Params, Fault> {
    let Some(action) = action else {
        // Whoever may do nothing is not told what there is.
        viewer.require(Permission::RunActions)?;
        return Err(Fault {
            field: Some("action".into()),
            ..Fault::not_found("There is no action of this name.")
        });
    };
    let spec = action.spec();
    viewer.require(spec.permission)?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !(8..=64).contains(&request.key.len()) || !request.key.bytes().all(fits) {
        return Err(Fault::invalid(
            "key",
            "The key must be 8 to 64 letters, digits, dashes or underscores.",
        ));
    }
    let params = spec.check(&request.params)?;
    if action.weigh(&params)? == Danger::Dangerous && !request.confirm {
        let text = spec.confirm_text(&params).unwrap_or_else(|| spec.title.clone());
        return Err(Fault::invalid(
            "confirm",
            format!("This cannot be undone and must be confirmed: {text}."),
        ));
    }
    Ok(params)
}

/// Values of a refused request, cut so that nobody can fill the log with one request.
fn shortened(params: Params) -> Params {
    params
        .into_iter()
        .take(32)
        .map(|(name, value)| (name.chars().take(64).collect(), value.chars().take(200).collect()))
        .collect()
}

fn broken(what: &str, error: &sqlx::Error) -> Fault {
    tracing::error!(%error, what, "the database cannot be used");
    Fault::internal()
}

/// 26 characters of Crockford base 32: 48 bits of milliseconds, 80 random bits. Sorts by time (the ULID specification).
fn new_id() -> String {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let time = u128::try_from(now_ms()).unwrap_or_default() << 80;
    let bits = time | (rand::random::<u128>() >> 48);
    (0..26)
        .rev()
        .map(|place| DIGITS[usize::try_from(bits >> (5 * place) & 31).unwrap_or_default()] as char)
        .collect()
}

#[cfg(test)]
#[path = "runner_tests.rs"]
mod tests;
