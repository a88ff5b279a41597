//! The second person. A run whose action asks for it waits until somebody else, who may run it too, has said yes or no.
//!
//! One word counts, the first. It is written to the audit log before it takes effect; what cannot be written was not said. A yes
//! asks for a fresh proof, as what is dangerous does, and for who asked to be allowed to run it still. A stop of Farol does not end
//! the waiting, see [`resume`](super::resume).

use super::{LiveRun, ON_REQUEST, Runner, resume::without_secrets};
use crate::{actions::Caller, time::now_ms};
use farol_app::ui::moment;
use farol_model::{
    Fault, Permission, Viewer,
    action::{Run, RunStatus},
};
use std::{
    sync::{Mutex, PoisonError, atomic::Ordering},
    time::Duration,
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// What a second person must be allowed to do, beside the action itself.
const MAY_APPROVE: Permission = Permission::Approve;

/// The word of a second person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub yes: bool,
    pub by: String,
    /// Why it cannot be a yes any more, where it was meant as one.
    pub lapsed: Option<String>,
}

/// How a run that waited goes on, when not with a yes.
pub(super) enum Unapproved {
    Ended(RunStatus, String),
    /// Farol stops. It waits on in the database.
    Kept,
}

/// Where a word is left for the run that waits for it.
#[derive(Debug, Default)]
pub(super) struct Decision {
    /// A std lock: held to look and to set.
    state: Mutex<State>,
    said: Notify,
    /// Cancelled when the run has gone on, so that who decided sees it as it is then.
    pub taken: CancellationToken,
}

#[derive(Debug, Default)]
enum State {
    /// Nobody has said anything.
    #[default]
    Open,
    /// Somebody's word is being written down.
    Claimed,
    Said(Word),
    /// The run waits no more.
    Over,
}

impl Decision {
    /// Takes the right to decide, for one.
    fn claim(&self) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let open = matches!(*state, State::Open);
        if open {
            *state = State::Claimed;
        }
        open
    }

    /// Ends a claim: with a word, or with nothing said. False when the run had given up meanwhile.
    fn settle(&self, word: Option<Word>) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*state, State::Claimed) {
            return false;
        }
        *state = word.map_or(State::Open, State::Said);
        drop(state);
        self.said.notify_one();
        true
    }

    fn word(&self) -> Option<Word> {
        match &*self.state.lock().unwrap_or_else(PoisonError::into_inner) {
            State::Said(word) => Some(word.clone()),
            _ => None,
        }
    }

    async fn wait(&self) -> Word {
        loop {
            if let Some(word) = self.word() {
                return word;
            }
            self.said.notified().await;
        }
    }

    /// Nothing that is said from now on counts. The word that was said before, if there was one.
    fn close(&self) -> Option<Word> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *state, State::Over) {
            State::Said(word) => Some(word),
            _ => None,
        }
    }
}

/// What a run says while it waits.
pub(super) fn awaiting_words(now_ms: i64, lasts: Duration) -> String {
    format!(
        "Waits for a second person to approve it, until {}.",
        moment::utc(until_ms(now_ms, lasts))
    )
}

pub(super) fn until_ms(now_ms: i64, lasts: Duration) -> i64 {
    now_ms + i64::try_from(lasts.as_millis()).unwrap_or_default()
}

impl Runner {
    /// Says yes to a run that waits for a second person.
    pub async fn approve(&self, caller: impl Into<Caller<'_>>, from: &str, id: &str) -> Result<Run, Fault> {
        self.decide(caller.into(), from, id, true).await
    }

    /// Says no.
    pub async fn deny(&self, caller: impl Into<Caller<'_>>, from: &str, id: &str) -> Result<Run, Fault> {
        self.decide(caller.into(), from, id, false).await
    }

    /// Why this viewer may not decide about a run.
    pub fn why_not_approve(&self, viewer: &Viewer, id: &str) -> Option<Fault> {
        let live = self.live().get(id).cloned();
        live.and_then(|live| may_decide(viewer, &live).err())
    }

    async fn decide(&self, caller: Caller<'_>, from: &str, id: &str, yes: bool) -> Result<Run, Fault> {
        let viewer = caller.viewer;
        let live = match self.not_ended(viewer, id).await {
            Ok(live) => live,
            Err(fault) => {
                viewer.require(MAY_APPROVE)?;
                return Err(fault);
            }
        };
        let verb = if yes { "approve" } else { "deny" };
        let may = match may_decide(viewer, &live) {
            Ok(()) if yes => self.fresh(caller).await,
            other => other,
        };
        if let Err(fault) = may {
            self.refused_decision(viewer, from, verb, &live.run, &fault).await;
            return Err(fault);
        }
        if live.run.status != RunStatus::Awaiting || !live.decision.claim() {
            return Err(Fault::conflict(
                "This run waits for nobody any more: it has been decided.",
            ));
        }
        if yes {
            self.asker_still_may(viewer, from, &live).await?;
        }
        let detail = if yes {
            "Approved the run."
        } else {
            "Denied the run."
        };
        if let Err(fault) = self.note(viewer, from, verb, &live.run, detail).await {
            live.decision.settle(None);
            return Err(fault);
        }
        let word = Word {
            yes,
            by: viewer.name.clone(),
            lapsed: None,
        };
        if !live.decision.settle(Some(word)) {
            return Err(Fault::conflict(
                "This run ended while you decided. Nothing was done.",
            ));
        }
        live.decision.taken.cancelled().await;
        Ok(live.run)
    }

    /// A yes to a run whose asker may not run it any more is none: the run ends, and says why. The decision has been claimed.
    async fn asker_still_may(&self, viewer: &Viewer, from: &str, live: &LiveRun) -> Result<(), Fault> {
        let Err((status, reason)) = self.still_may(live).await else {
            return Ok(());
        };
        let fault = Fault::conflict(reason.clone());
        self.refused_decision(viewer, from, "approve", &live.run, &fault)
            .await;
        // What cannot be looked up may be looked up again.
        live.decision.settle((status == RunStatus::Denied).then(|| Word {
            yes: false,
            by: viewer.name.clone(),
            lapsed: Some(reason),
        }));
        Err(fault)
    }

    /// Writes until when a run waits and what it is, before it does.
    pub(super) async fn wait_is_written(&self, live: &LiveRun) -> Result<(), sqlx::Error> {
        let Some(lasts) = live.action.approval() else {
            return Ok(());
        };
        let until_ms = until_ms(live.run.queued_ms, lasts);
        let digest = live.action.digest();
        self.inner.store.awaits(&live.run.id, until_ms, &digest).await
    }

    /// Waits for the second person. The error is how the run goes on instead.
    pub(super) async fn approved(&self, live: &mut LiveRun, lasts: Duration) -> Result<(), Unapproved> {
        let left_ms = until_ms(live.run.queued_ms, lasts).saturating_sub(now_ms());
        let left = Duration::from_millis(left_ms.try_into().unwrap_or_default());
        let said = tokio::select! {
            biased;
            word = live.decision.wait() => Some(word),
            () = live.stop.cancelled() => None,
            () = tokio::time::sleep(left) => None,
        };
        let word = said.or_else(|| live.decision.close());
        let ended = |status, detail: String| Err(Unapproved::Ended(status, detail));
        match word {
            Some(Word {
                lapsed: Some(reason), ..
            }) => ended(RunStatus::Denied, reason),
            Some(word) => {
                if let Err(error) = self.inner.store.decided(&live.run.id, &word.by).await {
                    tracing::error!(%error, run = live.run.id, "who decided about a run cannot be written");
                }
                if !word.yes {
                    return ended(
                        RunStatus::Denied,
                        format!("Denied by {}. Nothing was done.", word.by),
                    );
                }
                live.run.status = RunStatus::Queued;
                live.run.detail = format!("Approved by {}.", word.by);
                if let Err(error) = self.inner.store.update(&live.run).await {
                    tracing::error!(%error, run = live.run.id, "the state of a run cannot be written");
                }
                self.show(&live.run);
                Ok(())
            }
            None if live.reason.load(Ordering::SeqCst) == ON_REQUEST => ended(
                RunStatus::Cancelled,
                "Cancelled before anybody approved it.".to_owned(),
            ),
            None if self.inner.shutdown.is_cancelled() => match without_secrets(live.action.spec()) {
                Ok(()) => Err(Unapproved::Kept),
                Err(reason) => ended(RunStatus::Expired, reason),
            },
            None => ended(
                RunStatus::Expired,
                "Nobody approved it in time. Nothing was done; ask again.".to_owned(),
            ),
        }
    }

    async fn refused_decision(&self, viewer: &Viewer, from: &str, verb: &str, run: &Run, fault: &Fault) {
        let entry = crate::audit::NewEntry {
            who: viewer.name.clone(),
            from: from.to_owned(),
            what: format!("{verb}.{}", run.action),
            params: "{}".to_owned(),
            run: Some(run.id.clone()),
            outcome: farol_model::audit::AuditOutcome::Refused,
            detail: fault.message.clone(),
        };
        if let Err(error) = self.inner.audit.record(entry).await {
            tracing::error!(%error, "a refusal cannot be written to the audit log");
        }
    }
}

/// Whether somebody may decide about a run: with the permission to approve and to run it, and never who asked for it.
fn may_decide(viewer: &Viewer, live: &LiveRun) -> Result<(), Fault> {
    viewer.require(MAY_APPROVE)?;
    viewer.require_run(live.action.spec(), &live.run.params)?;
    if viewer.user_id == live.asker.user_id {
        return Err(Fault::forbidden(
            "You asked for this run yourself. Somebody else must approve it.",
        ));
    }
    Ok(())
}
