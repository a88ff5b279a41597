//! The one way in which anything is done.
//!
//! Order: key, action, permission and its scope, parameters, confirmation, a fresh proof where it is dangerous, capacity; then the
//! run is written down under its key (which makes it happen once), then the audit entry, and only then does it start. Whoever asked
//! must still be allowed to when it is approved and when it begins. Whatever is refused is audited as well.
//!
//! Bounds: [`MAX_RUNNING`] at once, [`MAX_WAITING`] more wait, [`MAX_AWAITING`] of them for approval; above that requests are
//! refused as limited. An action's time limit asks it to stop; after a grace it is dropped.
//!
//! | file | owns |
//! |---|---|
//! | here | what is asked for: start, cancel, look |
//! | [`approve`] | the second person |
//! | [`resume`] | what waited for one when Farol stopped |
//! | [`standing`] | whether who asked may still |
//! | [`carry`] | from queued to ended |
//! | [`keep`] | output on its way to the store |

mod approve;
mod carry;
mod keep;
mod resume;
mod standing;

use super::{
    Action, Asker, Caller, Concurrency, Freshness, RunOutlet, Standing,
    output::OutputSink,
    recover,
    store::{Inserted, Moment, RunStore},
};
use crate::{
    audit::{AuditLog, NewEntry},
    time::now_ms,
};
use approve::Decision;
use farol_model::{
    Fault, Permission, Viewer,
    action::{
        ActionSpec, Comparison, Danger, PanelNotes, ParamKind, Params, Run, RunEvent, RunFacts, RunRequest,
        RunStatus, RunView, RunsPage, RunsQuery, Target,
    },
    audit::AuditOutcome,
};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock,
        atomic::{AtomicU8, Ordering},
    },
};
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Runs under way at once.
pub const MAX_RUNNING: usize = 8;
/// Runs that wait for a place.
pub const MAX_WAITING: usize = 32;
/// Runs that wait for approval, of those.
pub const MAX_AWAITING: usize = 16;

/// Starts, finds and stops runs. Cheap to clone.
#[derive(Clone)]
pub struct Runner {
    inner: Arc<Inner>,
}

struct Inner {
    /// Actions that there always are.
    fixed: Vec<Arc<dyn Action>>,
    /// Actions that come and go: runbooks. A std lock: held for looking up and for replacing.
    shelf: RwLock<Arc<[Arc<dyn Action>]>>,
    /// One place per action that runs one at a time, made when it is needed. A std lock: held for map operations only.
    single: Mutex<HashMap<String, Arc<Semaphore>>>,
    places: Arc<Semaphore>,
    store: RunStore,
    audit: AuditLog,
    outlet: Arc<dyn RunOutlet>,
    /// Who says whether a proof is fresh. Until it is there nothing dangerous starts.
    freshness: OnceLock<Arc<dyn Freshness>>,
    /// Who says what somebody may do by now. Until it is there nothing begins that a person asked for.
    standing: OnceLock<Arc<dyn Standing>>,
    /// Runs that have not ended. A std lock: held for map operations only.
    live: Mutex<HashMap<String, LiveRun>>,
    /// Held from the look for a key until its run is written down, so that who comes second finds it. An async lock: it is
    /// held over the database.
    writing: tokio::sync::Mutex<()>,
    shutdown: CancellationToken,
    tasks: TaskTracker,
}

/// A run that has not ended.
#[derive(Clone)]
struct LiveRun {
    run: Run,
    action: Arc<dyn Action>,
    asker: Asker,
    output: OutputSink,
    stop: CancellationToken,
    /// Why it was asked to stop: one of the constants below.
    reason: Arc<AtomicU8>,
    decision: Arc<Decision>,
}

const ON_REQUEST: u8 = 1;
const AT_LIMIT: u8 = 2;

impl Runner {
    /// Says what became of what an earlier process left unfinished, then is ready.
    pub async fn start_up(
        actions: Vec<Arc<dyn Action>>,
        store: RunStore,
        audit: AuditLog,
        outlet: Arc<dyn RunOutlet>,
        shutdown: CancellationToken,
        tasks: TaskTracker,
    ) -> Result<Runner, sqlx::Error> {
        recover::recover(&store, &audit).await?;
        Ok(Runner {
            inner: Arc::new(Inner {
                fixed: actions,
                shelf: RwLock::new(Arc::new([])),
                single: Mutex::default(),
                places: Arc::new(Semaphore::new(MAX_RUNNING)),
                store,
                audit,
                outlet,
                freshness: OnceLock::new(),
                standing: OnceLock::new(),
                live: Mutex::default(),
                writing: tokio::sync::Mutex::default(),
                shutdown,
                tasks,
            }),
        })
    }

    /// Asks this one whether a proof is fresh, and what somebody may do. The first that was given stays.
    pub fn ask<A: Freshness + Standing>(&self, access: Arc<A>) {
        let _ = self.inner.freshness.set(access.clone());
        let _ = self.inner.standing.set(access);
    }

    /// Replaces the actions that come and go. Runs under way keep what they were started with.
    pub fn shelve(&self, actions: Vec<Arc<dyn Action>>) {
        *self.inner.shelf.write().unwrap_or_else(PoisonError::into_inner) = actions.into();
    }

    /// All actions in display order: those that come and go first.
    fn actions(&self) -> Vec<Arc<dyn Action>> {
        let shelf = self
            .inner
            .shelf
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        shelf.iter().chain(&self.inner.fixed).cloned().collect()
    }

    fn action(&self, id: &str) -> Option<Arc<dyn Action>> {
        self.actions().into_iter().find(|action| action.spec().id == id)
    }

    /// The actions that this viewer may run.
    pub fn specs(&self, viewer: &Viewer) -> Vec<ActionSpec> {
        let actions = self.offered(viewer);
        actions.iter().map(|action| action.spec().clone()).collect()
    }

    /// Those of them that are done to a kind of thing; None: those that make sense by themselves.
    pub fn specs_on(&self, viewer: &Viewer, target: Option<Target>) -> Vec<ActionSpec> {
        let actions = self.offered(viewer);
        let fitting = actions.iter().filter(|action| action.target() == target);
        fitting.map(|action| action.spec().clone()).collect()
    }

    /// What the panels of these actions show beside their specs, in the same order.
    pub fn notes(&self, specs: &[ActionSpec]) -> Vec<PanelNotes> {
        let notes = |spec: &ActionSpec| self.action(&spec.id).map(|action| action.notes());
        specs.iter().map(|spec| notes(spec).unwrap_or_default()).collect()
    }

    fn offered(&self, viewer: &Viewer) -> Vec<Arc<dyn Action>> {
        let mut actions = self.actions();
        actions.retain(|action| !action.hidden() && viewer.may_run(action.spec()));
        actions
    }

    /// What a request would start, line by line, with secrets masked. Does nothing.
    pub fn preview(&self, viewer: &Viewer, action: &str, params: &Params) -> Result<Vec<String>, Fault> {
        let Some(action) = self.action(action) else {
            viewer.require(Permission::RunActions)?;
            return Err(no_action());
        };
        viewer.require_run(action.spec(), params)?;
        action.preview(&action.check(params)?)
    }

    /// Starts a run, or finds the one that the key already started.
    pub async fn start(
        &self,
        caller: impl Into<Caller<'_>>,
        from: &str,
        request: RunRequest,
    ) -> Result<Run, Fault> {
        let caller = caller.into();
        let viewer = caller.viewer;
        let action = self.action(&request.action);
        let checked = match check(action.as_deref(), viewer, &request) {
            Ok(params) => self
                .proven(action.as_deref(), &params, caller)
                .await
                .map(|()| params),
            refused => refused,
        };
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
        let live = self.asked(caller, action, &params);
        // In a task of its own: whoever asked may go away at any await, and a run must not be left half begun.
        let submitted = self
            .clone()
            .submit(live, params, viewer.clone(), from.to_owned(), request);
        let submitted = self.inner.tasks.spawn(submitted).await;
        submitted.unwrap_or_else(|error| {
            tracing::error!(%error, "a run cannot be begun");
            Err(Fault::internal())
        })
    }

    /// Writes a run down, then its audit entry, and sends it on its way.
    async fn submit(
        self,
        live: LiveRun,
        params: Params,
        viewer: Viewer,
        from: String,
        request: RunRequest,
    ) -> Result<Run, Fault> {
        match self.write_down(&viewer, &request.key, &live).await {
            Ok(None) => {}
            Ok(Some(known)) => return Ok(known),
            Err(fault) => {
                self.refused(&viewer, &from, Some(live.action.as_ref()), &request, &fault)
                    .await;
                return Err(fault);
            }
        }
        if let Err(error) = self.wait_is_written(&live).await {
            self.abandon(live.run, "until when it waits could not be written")
                .await;
            return Err(broken("runs", &error));
        }
        let audit = match self.begin_audit(&viewer, &from, &live.run).await {
            Ok(id) => id,
            Err(fault) => {
                self.abandon(live.run, "the audit log could not be written").await;
                return Err(fault);
            }
        };
        let run = live.run.clone();
        self.publish(&run);
        self.inner
            .tasks
            .spawn(self.clone().carry_out(live, params, audit));
        Ok(run)
    }

    /// A run as it is asked for.
    fn asked(&self, caller: Caller<'_>, action: Arc<dyn Action>, params: &Params) -> LiveRun {
        let spec = action.spec();
        let (status, detail) = match action.approval() {
            Some(lasts) => (RunStatus::Awaiting, approve::awaiting_words(now_ms(), lasts)),
            None => (RunStatus::Queued, String::new()),
        };
        let run = Run {
            id: new_id(),
            action: spec.id.clone(),
            title: spec.title.clone(),
            who: caller.viewer.name.clone(),
            params: spec.redact(params),
            status,
            detail,
            queued_ms: now_ms(),
            ended_ms: None,
            exit_code: None,
        };
        let output = OutputSink::new(&run.id, self.inner.outlet.clone());
        output.hide(&secrets(spec, params));
        self.to_live(run, action, caller.asker(), output)
    }

    fn to_live(&self, run: Run, action: Arc<dyn Action>, asker: Asker, output: OutputSink) -> LiveRun {
        LiveRun {
            run,
            action,
            asker,
            output,
            stop: self.inner.shutdown.child_token(),
            reason: Arc::default(),
            decision: Arc::default(),
        }
    }

    /// Asks a run to stop. The run as it stands now; how it ended is told by its channel.
    pub async fn cancel(&self, viewer: &Viewer, from: &str, id: &str) -> Result<Run, Fault> {
        let live = self.not_ended(viewer, id).await?;
        viewer.require_run(live.action.spec(), &live.run.params)?;
        self.note(viewer, from, "cancel", &live.run, "Asked the run to stop.")
            .await?;
        // The first reason stands.
        let _ = live
            .reason
            .compare_exchange(0, ON_REQUEST, Ordering::SeqCst, Ordering::SeqCst);
        live.stop.cancel();
        Ok(live.run)
    }

    /// The run of this id, if it has not ended.
    async fn not_ended(&self, viewer: &Viewer, id: &str) -> Result<LiveRun, Fault> {
        let found = self.live().get(id).cloned();
        if let Some(live) = found {
            return Ok(live);
        }
        let view = self.get(viewer, id).await?;
        Err(Fault::conflict(format!(
            "This run has ended already: {}.",
            view.run.status.as_str()
        )))
    }

    /// Writes down that somebody did something to a run. What cannot be written is not done.
    async fn note(
        &self,
        viewer: &Viewer,
        from: &str,
        verb: &str,
        run: &Run,
        detail: &str,
    ) -> Result<(), Fault> {
        let entry = NewEntry {
            who: viewer.name.clone(),
            from: from.to_owned(),
            what: format!("{verb}.{}", run.action),
            params: "{}".to_owned(),
            run: Some(run.id.clone()),
            outcome: AuditOutcome::Succeeded,
            detail: detail.to_owned(),
        };
        let written = self.inner.audit.record(entry).await;
        written.map(drop).map_err(|error| {
            tracing::error!(%error, "the audit log cannot be written");
            not_written()
        })
    }

    /// A run with the end of what it has printed so far.
    pub async fn get(&self, viewer: &Viewer, id: &str) -> Result<RunView, Fault> {
        viewer.require(Permission::ViewRuns)?;
        let live = self.live().get(id).cloned();
        // What is held is looked at first: what leaves it meanwhile is in the store and is numbered.
        let unsaved = live.as_ref().map(|live| live.output.printed());
        let view = self.inner.store.view(id, unsaved).await;
        let mut view = view
            .map_err(|error| broken("runs", &error))?
            .ok_or_else(|| no_run(id))?;
        if let Some(live) = self.live().get(id) {
            view.run = live.run.clone();
        }
        Ok(view)
    }

    /// What is known of a run beside its state.
    pub async fn facts(&self, viewer: &Viewer, id: &str) -> Result<RunFacts, Fault> {
        viewer.require(Permission::ViewRuns)?;
        let facts = self.inner.store.facts(id).await;
        facts
            .map_err(|error| broken("runs", &error))?
            .ok_or_else(|| no_run(id))
    }

    /// The next of what a run has printed after this number, as text without colours; None at the end. -1 is before all.
    pub async fn text_after(
        &self,
        viewer: &Viewer,
        id: &str,
        seq: i64,
    ) -> Result<Option<(i64, String)>, Fault> {
        viewer.require(Permission::ViewRuns)?;
        let page = self.inner.store.text_after(id, seq).await;
        page.map_err(|error| broken("runs", &error))
    }

    /// The outputs of two runs, line by line.
    pub async fn compare(&self, viewer: &Viewer, first: &str, second: &str) -> Result<Comparison, Fault> {
        let (first, second) = (self.get(viewer, first).await?, self.get(viewer, second).await?);
        super::compare::compare(first, second).await
    }

    /// The newest runs first.
    pub async fn recent(&self, viewer: &Viewer, limit: u32) -> Result<Vec<Run>, Fault> {
        viewer.require(Permission::ViewRuns)?;
        let recent = self.inner.store.recent(limit.min(200)).await;
        recent.map_err(|error| broken("runs", &error))
    }

    /// When runs began and ended within a time, the newest first and `most` of them.
    pub async fn moments(
        &self,
        viewer: &Viewer,
        from_ms: i64,
        to_ms: i64,
        most: u32,
    ) -> Result<Vec<Moment>, Fault> {
        viewer.require(Permission::ViewRuns)?;
        let moments = self.inner.store.moments(from_ms, to_ms, most).await;
        moments.map_err(|error| broken("runs", &error))
    }

    /// Runs by filter, in pages.
    pub async fn list(&self, viewer: &Viewer, query: &RunsQuery) -> Result<RunsPage, Fault> {
        viewer.require(Permission::ViewRuns)?;
        let page = self.inner.store.list(query).await;
        page.map_err(|error| broken("runs", &error))
    }

    /// Whether the caller has proved lately who it is, where that matters.
    async fn proven(
        &self,
        action: Option<&dyn Action>,
        params: &Params,
        caller: Caller<'_>,
    ) -> Result<(), Fault> {
        let danger = match action {
            Some(action) => action.weigh(params)?,
            None => Danger::Safe,
        };
        if danger != Danger::Dangerous {
            return Ok(());
        }
        self.fresh(caller).await
    }

    /// Whether the caller has proved lately who it is.
    async fn fresh(&self, caller: Caller<'_>) -> Result<(), Fault> {
        if caller.vouched {
            return Ok(());
        }
        match (self.inner.freshness.get(), caller.proof) {
            (Some(freshness), Some(proof)) => freshness.fresh(proof).await,
            _ => Err(Fault::forbidden(
                "Nobody has proved to be behind this request, and it asks for a fresh proof.",
            )),
        }
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
        let awaiting = all
            .values()
            .filter(|one| one.run.status == RunStatus::Awaiting)
            .count();
        if live.run.status == RunStatus::Awaiting && awaiting >= MAX_AWAITING {
            let message =
                format!("{awaiting} runs wait for approval. Have some of them approved or denied first.");
            return Err(Fault::limited(message, 60));
        }
        let under_way = all.values().find(|one| one.run.action == live.run.action);
        if let (Concurrency::Skip, Some(other)) = (live.action.concurrency(), under_way) {
            return Err(Fault::conflict(format!(
                "{} is under way already, started by {}. It runs once at a time and a second run is skipped.",
                live.run.title, other.run.who
            )));
        }
        all.insert(live.run.id.clone(), live.clone());
        metrics::gauge!("farol_runs_running").set(all.len() as f64);
        Ok(())
    }

    /// Writes the run under its key and takes a place for it. The run that has the key already, if there is one.
    async fn write_down(&self, viewer: &Viewer, key: &str, live: &LiveRun) -> Result<Option<Run>, Fault> {
        let _alone = self.inner.writing.lock().await;
        let store = &self.inner.store;
        let known = store.by_key(viewer.user_id, key).await;
        if let Some(known) = known.map_err(|error| broken("runs", &error))? {
            return self.known(known, live).map(Some);
        }
        self.reserve(live)?;
        let known = match store.insert(live.asker, key, &live.run).await {
            Ok(Inserted::New) => return Ok(None),
            Ok(Inserted::Known(known)) => self.known(known, live).map(Some),
            Err(error) => Err(broken("runs", &error)),
        };
        self.live().remove(&live.run.id);
        known
    }

    /// The run that has the key, when it is what is asked for now.
    fn known(&self, known: Run, live: &LiveRun) -> Result<Run, Fault> {
        if known.action == live.run.action && known.params == live.run.params {
            return Ok(self.live().get(&known.id).map_or(known, |live| live.run.clone()));
        }
        Err(Fault {
            field: Some("key".to_owned()),
            ..Fault::conflict(format!(
                "This key has started another run already ({}). Use a new key.",
                known.title
            ))
        })
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
            not_written()
        })
    }

    /// A run that was written down and must not start.
    async fn abandon(&self, mut run: Run, why: &str) {
        self.live().remove(&run.id);
        run.status = RunStatus::Failed;
        run.detail = format!("Not started: {why}.");
        run.ended_ms = Some(now_ms());
        if let Err(error) = self.inner.store.update(&run).await {
            tracing::error!(%error, run = run.id, "the state of a run cannot be written");
        }
        self.publish(&run);
        self.inner.outlet.closed(&run.id);
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
        use farol_model::FaultCode::{Forbidden, ProofNeeded};
        let forbidden = matches!(fault.code, Forbidden | ProofNeeded);
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
        return Err(no_action());
    };
    let spec = action.spec();
    viewer.require_run(spec, &request.params)?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !(8..=64).contains(&request.key.len()) || !request.key.bytes().all(fits) {
        return Err(Fault::invalid(
            "key",
            "The key must be 8 to 64 letters, digits, dashes or underscores.",
        ));
    }
    let params = action.check(&request.params)?;
    if action.weigh(&params)? == Danger::Dangerous && !request.confirm {
        let text = spec.confirm_text(&params).unwrap_or_else(|| spec.title.clone());
        return Err(Fault::invalid(
            "confirm",
            format!("This cannot be undone and must be confirmed: {text}."),
        ));
    }
    Ok(params)
}

fn no_action() -> Fault {
    Fault {
        field: Some("action".into()),
        ..Fault::not_found("There is no action of this name.")
    }
}

fn no_run(id: &str) -> Fault {
    let shown: String = id.chars().take(40).collect();
    Fault::not_found(format!("There is no run `{shown}`."))
}

/// Values that must not be seen in what a run prints.
fn secrets(spec: &ActionSpec, params: &Params) -> Vec<String> {
    let secret = |param: &&farol_model::action::ParamSpec| matches!(param.kind, ParamKind::Secret { .. });
    let values = spec
        .params
        .iter()
        .filter(secret)
        .filter_map(|param| params.get(&param.name));
    values.cloned().collect()
}

/// Values of a refused request, cut so that nobody can fill the log with one request.
fn shortened(params: Params) -> Params {
    params
        .into_iter()
        .take(32)
        .map(|(name, value)| (name.chars().take(64).collect(), value.chars().take(200).collect()))
        .collect()
}

fn not_written() -> Fault {
    Fault::unavailable(
        "The audit log cannot be written, so nothing was done. Look at the server's disk and log.",
    )
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
