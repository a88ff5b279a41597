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
use farol_model::{
    action::{Run, RunStatus},
    audit::AuditOutcome,
};

const NOT_BEGUN: &str = "Farol stopped before this began. Nothing was done.";
const NOT_KNOWN: &str = "Farol stopped while this was under way; how it ended is not known.";
/// Of what is no run: a change of a user, a sign-in.
const BROKEN_OFF: &str = "Farol stopped while this was under way; look whether it was done.";

/// Ends what was left open.
pub async fn recover(store: &RunStore, audit: &AuditLog) -> Result<(), sqlx::Error> {
    let unfinished = store.unfinished().await?;
    for run in &unfinished {
        let lost = lost(run);
        // Killed between the run and its entry: the log must know of it nevertheless.
        if !audit.knows_run(&run.id).await? {
            audit.record(entry(&lost)).await?;
        }
        store.update(&lost).await?;
    }
    for open in audit.open().await? {
        let run = match &open.run {
            Some(id) => store.view(id).await?.map(|view| view.run),
            None => None,
        };
        // Killed between the end of a run and the end of its entry: then the run says how it ended.
        let (outcome, detail) = match &run {
            Some(run) => (run.status.into(), run.detail.as_str()),
            None => (AuditOutcome::Lost, BROKEN_OFF),
        };
        audit.complete(open.seq, outcome, detail).await?;
    }
    if !unfinished.is_empty() {
        tracing::warn!(
            runs = unfinished.len(),
            "runs of an earlier process are marked as lost"
        );
    }
    Ok(())
}

fn lost(run: &Run) -> Run {
    let detail = match run.status {
        RunStatus::Queued => NOT_BEGUN,
        _ => NOT_KNOWN,
    };
    Run {
        status: RunStatus::Lost,
        detail: detail.to_owned(),
        ended_ms: Some(now_ms()),
        ..run.clone()
    }
}

fn entry(run: &Run) -> NewEntry {
    NewEntry {
        who: run.who.clone(),
        from: "restart".to_owned(),
        what: format!("run.{}", run.action),
        params: serde_json::to_string(&run.params).unwrap_or_default(),
        run: Some(run.id.clone()),
        outcome: AuditOutcome::Lost,
        detail: run.detail.clone(),
    }
}
