//! What an earlier process left: called once at the start, before anything runs. Nothing is executed again; each run and
//! each audit entry gets an end that says what is known. It may be killed itself at any point: the next start goes on.
//!
//! A run is `queued` until its state `running` is on the disk, and only then is it acted. So of a queued one it is known
//! that nothing was done.

use super::store::RunStore;
use crate::{
    audit::{AuditLog, NewEntry},
    time::now_ms,
};
use farol_model::{action::Run, audit::AuditOutcome};

/// Of what is no run: a change of a user, a sign-in.
const BROKEN_OFF: &str = "Farol stopped while this was under way; look whether it was done.";

/// Ends what was left open.
pub async fn recover(store: &RunStore, audit: &AuditLog) -> Result<(), sqlx::Error> {
    for run in store.left(now_ms()).await? {
        tracing::warn!(
            run = run.id,
            status = run.status.as_str(),
            "a run of an earlier process: {}",
            run.detail
        );
        // Killed between the run and its entry: the log must know of it nevertheless.
        if !audit.knows_run(&run.id).await? {
            audit.record(entry(&run)).await?;
        }
        store.update(&run).await?;
    }
    for open in audit.open().await? {
        let run = match &open.run {
            Some(id) => store.run(id).await?,
            None => None,
        };
        // Killed between the end of a run and the end of its entry: then the run says how it ended.
        let (outcome, detail) = match &run {
            Some(run) => (run.status.into(), run.detail.as_str()),
            None => (AuditOutcome::Lost, BROKEN_OFF),
        };
        audit.complete(open.seq, outcome, detail).await?;
    }
    Ok(())
}

fn entry(run: &Run) -> NewEntry {
    NewEntry {
        who: run.who.clone(),
        from: "restart".to_owned(),
        what: format!("run.{}", run.action),
        params: serde_json::to_string(&run.params).unwrap_or_default(),
        run: Some(run.id.clone()),
        outcome: run.status.into(),
        detail: run.detail.clone(),
    }
}
