//! From queued to ended.

use super::{AT_LIMIT, LiveRun, Runner, approve::Unapproved, keep::keep};
use crate::{
    actions::{Action, Concurrency, End, Outcome, RunContext},
    time::now_ms,
};
use farol_model::action::{Params, Run, RunStatus};
use std::{
    sync::{Arc, PoisonError, atomic::Ordering},
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// How long an action has after it was asked to stop.
const STOP_GRACE: Duration = Duration::from_secs(10);

/// Places that a run holds: that of its action, where there is one, and that of the machine.
type Places = (Option<OwnedSemaphorePermit>, OwnedSemaphorePermit);

impl Runner {
    /// Sees a run to its end, whatever that is.
    pub(super) async fn carry_out(self, mut live: LiveRun, params: Params, audit: i64) {
        let taken = live.decision.taken.clone().drop_guard();
        if let Some(lasts) = live.action.approval()
            && let Err(unapproved) = self.approved(&mut live, lasts).await
        {
            return match unapproved {
                Unapproved::Ended(status, detail) => self.end_as(live, audit, status, detail).await,
                Unapproved::Kept => drop(self.live().remove(&live.run.id)),
            };
        }
        drop(taken);
        let outcome = match self.place(live.action.as_ref(), &live.stop).await {
            None => stopped("Stopped before it began."),
            Some(_places) => {
                // It may have waited for long. What began is not looked at again.
                if let Err((status, reason)) = self.still_may(&live).await {
                    return self.end_as(live, audit, status, reason).await;
                }
                match self.begin(&mut live).await {
                    Ok(()) => self.act(&live, params).await,
                    Err(outcome) => outcome,
                }
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
        self.end(live, audit).await;
    }

    /// Waits for a place; None when asked to stop before there was one.
    async fn place(&self, action: &dyn Action, stop: &CancellationToken) -> Option<Places> {
        let single = (action.concurrency() == Concurrency::Queue).then(|| self.single(&action.spec().id));
        let take = async {
            let single = match single {
                Some(one) => Some(one.acquire_owned().await.ok()?),
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

    /// The one place of an action that runs one at a time. Those that nobody holds or waits for are forgotten.
    fn single(&self, id: &str) -> Arc<Semaphore> {
        let mut all = self.inner.single.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, place| Arc::strong_count(place) > 1);
        all.entry(id.to_owned())
            .or_insert_with(|| Arc::new(Semaphore::new(1)))
            .clone()
    }

    /// Writes that the action begins. What cannot be written does not begin: after a stop nobody could say whether it had.
    async fn begin(&self, live: &mut LiveRun) -> Result<(), Outcome> {
        live.run.status = RunStatus::Running;
        if let Err(error) = self.inner.store.begin(&live.run, now_ms()).await {
            tracing::error!(%error, run = live.run.id, "the beginning of a run cannot be written; it was not begun");
            return Err(Outcome::failed(
                "Not started: its beginning could not be written. Look at the server's disk and log.",
            ));
        }
        self.show(&live.run);
        Ok(())
    }

    /// Runs the action in a task of its own, so that a panic ends with it.
    async fn act(&self, live: &LiveRun, params: Params) -> Outcome {
        let context = RunContext {
            output: live.output.clone(),
            stop: live.stop.clone(),
        };
        let kept = CancellationToken::new();
        let keeper = tokio::spawn(keep(
            live.output.clone(),
            self.inner.store.clone(),
            live.run.id.clone(),
            kept.clone(),
        ));
        let limit = Duration::from_secs(live.action.spec().time_limit_secs.into());
        let mut task = tokio::spawn({
            let action = live.action.clone();
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
        let outcome = match ended {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => {
                tracing::error!(run = live.run.id, action = live.run.action, %error, "an action broke");
                Outcome::failed("The action itself broke. The server log says where.")
            }
            Err(_) => {
                task.abort();
                stopped("It did not stop when asked and was abandoned.")
            }
        };
        live.output.finish();
        kept.cancel();
        // The keeper ends when it has stored what there is; it never panics.
        let _ = keeper.await;
        with_first_fault(outcome, live)
    }

    /// Tells everybody how a run stands.
    pub(super) fn show(&self, run: &Run) {
        if let Some(live) = self.live().get_mut(&run.id) {
            live.run = run.clone();
        }
        self.publish(run);
    }

    async fn end_as(&self, mut live: LiveRun, audit: i64, status: RunStatus, detail: String) {
        live.run.status = status;
        live.run.detail = detail;
        self.end(live, audit).await;
    }

    async fn end(&self, live: LiveRun, audit: i64) {
        let mut run = live.run;
        run.ended_ms = Some(now_ms());
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
}

fn stopped(detail: &str) -> Outcome {
    Outcome {
        end: End::Stopped,
        detail: detail.to_owned(),
        exit_code: None,
    }
}

/// A failure says which line failed first.
fn with_first_fault(mut outcome: Outcome, live: &LiveRun) -> Outcome {
    if matches!(outcome.end, End::Failed | End::Killed)
        && let Some(line) = live.output.first_fault()
    {
        outcome.detail += &format!(" First it said: `{line}`.");
    }
    outcome
}
