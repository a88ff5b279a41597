//! Runs that waited for a second person when Farol stopped. What is kept of them is enough to go on: the parameters, until when, for
//! whom, and a digest of the action. So who is asked to approve approves what was asked for, or nothing.
//!
//! Never twice: a run has one row, and its state there is `queued` or more as soon as a yes has counted. A word that was written to
//! the audit log and had no effect yet ends the waiting: nobody is asked a second time.

use super::{LiveRun, Runner};
use crate::{
    actions::{output::OutputSink, recover, store::Waiting},
    time::now_ms,
};
use farol_model::action::{ActionSpec, ParamKind, Params, RunStatus};

impl Runner {
    /// Takes up what waited. Called once, when all actions are there.
    pub async fn resume(&self) -> Result<(), sqlx::Error> {
        let (store, audit) = (&self.inner.store, &self.inner.audit);
        for (waiting, entry) in recover::waiting(store, audit).await? {
            match self.take_up(&waiting) {
                Ok((live, params)) => {
                    tracing::info!(run = live.run.id, "a run waits for approval again");
                    self.live().insert(live.run.id.clone(), live.clone());
                    self.publish(&live.run);
                    self.inner
                        .tasks
                        .spawn(self.clone().carry_out(live, params, entry));
                }
                Err(reason) => {
                    let mut run = waiting.run;
                    run.status = RunStatus::Expired;
                    run.detail = reason;
                    run.ended_ms = Some(now_ms());
                    store.update(&run).await?;
                    audit.complete(entry, run.status.into(), &run.detail).await?;
                }
            }
        }
        Ok(())
    }

    /// The run as it was asked for, or why it cannot go on.
    fn take_up(&self, waiting: &Waiting) -> Result<(LiveRun, Params), String> {
        let run = waiting.run.clone();
        let changed = || {
            "Farol was restarted while this waited for approval, and what it would run has changed since. Nothing was done; ask again.".to_owned()
        };
        let action = self.action(&run.action).ok_or_else(changed)?;
        without_secrets(action.spec())?;
        let params = action.check(&run.params).map_err(|_| changed())?;
        if action.digest() != waiting.digest || params != run.params {
            return Err(changed());
        }
        let output = OutputSink::new(&run.id, self.inner.outlet.clone());
        Ok((self.to_live(run, action, waiting.asker, output), params))
    }
}

/// Whether a run can wait over a stop: secrets are kept nowhere, so not with them.
pub(super) fn without_secrets(spec: &ActionSpec) -> Result<(), String> {
    let secret = |kind: &ParamKind| matches!(kind, ParamKind::Secret { .. });
    match spec.params.iter().find(|param| secret(&param.kind)) {
        None => Ok(()),
        Some(param) => Err(format!(
            "Farol was restarted while this waited for approval, and its secret `{}` is kept nowhere. Nothing was done; ask again.",
            param.name
        )),
    }
}
