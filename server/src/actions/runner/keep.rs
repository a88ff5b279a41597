//! Output on its way to the store, while the run goes on: a stop of Farol in mid-run loses what was printed in the last
//! [`PAUSE`], no more.

use crate::{
    actions::{output::OutputSink, store::RunStore},
    procstat::ProcStat,
};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Between two writes: each of them is a transaction.
const PAUSE: Duration = Duration::from_millis(400);

/// Stores what is printed until `done`, and then the rest.
pub(super) async fn keep(output: OutputSink, store: RunStore, run: String, done: CancellationToken) {
    output.keep();
    let mut pid = None;
    loop {
        tokio::select! {
            () = output.news() => {}
            () = done.cancelled() => break,
        }
        if output.pid() != pid {
            pid = output.pid();
            write_process(&store, &run, pid).await;
        }
        write(&output, &store, &run).await;
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = output.full() => {}
            () = done.cancelled() => {}
        }
    }
    write(&output, &store, &run).await;
}

async fn write(output: &OutputSink, store: &RunStore, run: &str) {
    let printed = output.to_store();
    if printed.pieces.is_empty() {
        return;
    }
    // What cannot be stored must not fill the memory; it was seen by those who watched.
    if let Err(error) = store.append(run, &printed).await {
        tracing::error!(%error, run, "output of a run cannot be stored and is dropped");
    }
    output.stored(printed.pieces.len());
}

async fn write_process(store: &RunStore, run: &str, pid: Option<u32>) {
    let Some(pid) = pid else { return };
    let start = tokio::task::spawn_blocking(move || ProcStat::read(pid).ok()).await;
    let start = start.ok().flatten().map(|stat| stat.start_ticks);
    if let Err(error) = store.process(run, pid, start).await {
        tracing::warn!(%error, run, "the process of a run cannot be written");
    }
}
