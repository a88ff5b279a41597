//! What an earlier process left: called once at the start, before anything runs. Nothing is executed again; each run and
//! each audit entry gets an end that says what is known. It may be killed itself at any point: the next start goes on.
//!
//! One that waits for a second person may wait on, see [`waiting`].
//!
//! A run is `queued` until its state `running` is on the disk, and only then is it acted. So of a queued one it is known
//! that nothing was done.

use super::store::{RunStore, Waiting};
use crate::{
    audit::{AuditLog, NewEntry},
    time::now_ms,
};
use farol_model::{action::Run, audit::AuditOutcome};
use std::collections::{HashMap, HashSet};

/// Of what is no run: a change of a user, a sign-in.
const BROKEN_OFF: &str = "Farol stopped while this was under way; look whether it was done.";

/// Runs that wait for a second person and may wait on, with the entries that they began: in time, written down whole, and of which
/// nobody has said yes or no.
pub async fn waiting(store: &RunStore, audit: &AuditLog) -> Result<Vec<(Waiting, i64)>, sqlx::Error> {
    let open = audit.open().await?.into_iter();
    let open: HashMap<String, i64> = open.filter_map(|entry| Some((entry.run?, entry.seq))).collect();
    let mut waiting = Vec::new();
    for one in store.waiting(now_ms()).await? {
        if let Some(entry) = open.get(&one.run.id)
            && !audit.decided(&one.run.id).await?
        {
            waiting.push((one, *entry));
        }
    }
    Ok(waiting)
}

/// Ends what was left open, but for what may wait on.
pub async fn recover(store: &RunStore, audit: &AuditLog) -> Result<(), sqlx::Error> {
    let kept = waiting(store, audit).await?;
    let kept: HashSet<String> = kept.into_iter().map(|(waiting, _)| waiting.run.id).collect();
    let left = store.left(now_ms()).await?;
    for run in left.into_iter().filter(|run| !kept.contains(&run.id)) {
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
        if open.run.as_ref().is_some_and(|run| kept.contains(run)) {
            continue;
        }
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
