//! The second person. A run whose action asks for it waits until somebody else, who may run it too, has said yes or no.
//!
//! One word counts, the first. It is written to the audit log before it takes effect; what cannot be written was not said.
//! A stop of Farol ends the waiting: the run has expired and nothing was done.

use super::{LiveRun, Runner};
use farol_app::ui::moment;
use farol_model::{
    Fault, Permission, Viewer,
    action::{Run, RunStatus},
};
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::Notify;

/// What a second person must be allowed to do, beside the action itself.
const MAY_APPROVE: Permission = Permission::Approve;

/// The word of a second person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub yes: bool,
    pub by: String,
}

/// Where a word is left for the run that waits for it.
#[derive(Debug, Default)]
pub(super) struct Decision {
    /// A std lock: held to look and to set.
    state: Mutex<State>,
    said: Notify,
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

fn until_ms(now_ms: i64, lasts: Duration) -> i64 {
    now_ms + i64::try_from(lasts.as_millis()).unwrap_or_default()
}

impl Runner {
    /// Says yes to a run that waits for a second person.
    pub async fn approve(&self, viewer: &Viewer, from: &str, id: &str) -> Result<Run, Fault> {
        self.decide(viewer, from, id, true).await
    }

    /// Says no.
    pub async fn deny(&self, viewer: &Viewer, from: &str, id: &str) -> Result<Run, Fault> {
        self.decide(viewer, from, id, false).await
    }

    /// Why this viewer may not decide about a run.
    pub fn why_not_approve(&self, viewer: &Viewer, id: &str) -> Option<Fault> {
        let live = self.live().get(id).cloned();
        live.and_then(|live| may_decide(viewer, &live).err())
    }

    async fn decide(&self, viewer: &Viewer, from: &str, id: &str, yes: bool) -> Result<Run, Fault> {
        let live = match self.not_ended(viewer, id).await {
            Ok(live) => live,
            Err(fault) => {
                viewer.require(MAY_APPROVE)?;
                return Err(fault);
            }
        };
        let verb = if yes { "approve" } else { "deny" };
        if let Err(fault) = may_decide(viewer, &live) {
            self.refused_decision(viewer, from, verb, &live.run, &fault).await;
            return Err(fault);
        }
        if live.run.status != RunStatus::Awaiting || !live.decision.claim() {
            return Err(Fault::conflict(
                "This run waits for nobody any more: it has been decided.",
            ));
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
        };
        if !live.decision.settle(Some(word)) {
            return Err(Fault::conflict(
                "This run ended while you decided. Nothing was done.",
            ));
        }
        Ok(live.run)
    }

    /// Waits for the second person. The error is how the run ends instead.
    pub(super) async fn approved(
        &self,
        live: &mut LiveRun,
        lasts: Duration,
    ) -> Result<(), (RunStatus, String)> {
        let until_ms = until_ms(live.run.queued_ms, lasts);
        if let Err(error) = self.inner.store.awaits(&live.run.id, until_ms).await {
            tracing::warn!(%error, run = live.run.id, "until when a run waits cannot be written");
        }
        let said = tokio::select! {
            biased;
            word = live.decision.wait() => Some(word),
            () = live.stop.cancelled() => None,
            () = tokio::time::sleep(lasts) => None,
        };
        let word = said.or_else(|| live.decision.close());
        let stopped = live.stop.is_cancelled();
        match word {
            Some(word) => {
                if let Err(error) = self.inner.store.decided(&live.run.id, &word.by).await {
                    tracing::error!(%error, run = live.run.id, "who decided about a run cannot be written");
                }
                if !word.yes {
                    return Err((
                        RunStatus::Denied,
                        format!("Denied by {}. Nothing was done.", word.by),
                    ));
                }
                live.run.status = RunStatus::Queued;
                live.run.detail = format!("Approved by {}.", word.by);
                if let Err(error) = self.inner.store.update(&live.run).await {
                    tracing::error!(%error, run = live.run.id, "the state of a run cannot be written");
                }
                self.show(&live.run);
                Ok(())
            }
            None if self.inner.shutdown.is_cancelled() => Err((
                RunStatus::Expired,
                "Farol stopped while this waited for approval. Nothing was done; ask again.".to_owned(),
            )),
            None if stopped => Err((
                RunStatus::Cancelled,
                "Cancelled before anybody approved it.".to_owned(),
            )),
            None => Err((
                RunStatus::Expired,
                "Nobody approved it in time. Nothing was done; ask again.".to_owned(),
            )),
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
    if viewer.user_id == live.user_id {
        return Err(Fault::forbidden(
            "You asked for this run yourself. Somebody else must approve it.",
        ));
    }
    Ok(())
}
