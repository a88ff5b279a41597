//! The runbooks that there are now: those of the configuration and those of the folder, which is looked at every
//! [`LOOK`]. Looking costs a few system calls and sees every change on every file system; inotify sees none on network file
//! systems and loses track when a folder is swapped for another, as container volumes are.
//!
//! A change never touches a run under way: a run keeps the runbook that it was started with.

use super::{
    Runbook,
    config::RunbookConfig,
    files::{self, Loaded, Stamp},
};
use crate::actions::{Action, runner::Runner};
use farol_model::action::FileFault;
use std::{
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// Between two looks at the folder.
const LOOK: Duration = Duration::from_secs(2);

/// See the module.
pub struct Shelf {
    folder: PathBuf,
    /// Those of the configuration; they stay until Farol is started again.
    configured: Vec<RunbookConfig>,
    /// What the folder held at the last look. A std lock: held to clone and to replace.
    loaded: RwLock<Loaded>,
}

impl Shelf {
    /// Reads the folder and gives the runner what there is.
    pub async fn start(
        folder: PathBuf,
        configured: Vec<RunbookConfig>,
        runner: &Runner,
    ) -> (Arc<Shelf>, Stamp) {
        let shelf = Arc::new(Shelf {
            folder,
            configured,
            loaded: RwLock::default(),
        });
        let (stamp, loaded) = shelf.read().await;
        shelf.put(loaded, runner);
        (shelf, stamp)
    }

    /// Looks for changes until `shutdown`.
    pub async fn watch(self: Arc<Self>, mut stamp: Stamp, runner: Runner, shutdown: CancellationToken) {
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
            let folder = self.folder.clone();
            let now = tokio::task::spawn_blocking(move || files::stamp(&folder)).await;
            if now.is_ok_and(|now| now != stamp) {
                let (now, loaded) = self.read().await;
                stamp = now;
                tracing::info!(
                    runbooks = loaded.runbooks.len(),
                    faults = loaded.faults.len(),
                    "the folder of runbooks has changed"
                );
                self.put(loaded, &runner);
            }
        }
    }

    /// All runbooks that can be run.
    pub fn runbooks(&self) -> Vec<RunbookConfig> {
        let loaded = self.loaded.read().unwrap_or_else(PoisonError::into_inner);
        self.configured.iter().chain(&loaded.runbooks).cloned().collect()
    }

    /// What is wrong with files of the folder.
    pub fn faults(&self) -> Vec<FileFault> {
        self.loaded
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .faults
            .clone()
    }

    /// The stamp is taken first: a change while reading is seen at the next look.
    async fn read(&self) -> (Stamp, Loaded) {
        let (folder, configured) = (self.folder.clone(), self.configured.clone());
        let read =
            tokio::task::spawn_blocking(move || (files::stamp(&folder), files::load(&folder, &configured)));
        read.await.unwrap_or_default()
    }

    fn put(&self, loaded: Loaded, runner: &Runner) {
        for FileFault { file, line, reason } in &loaded.faults {
            tracing::warn!("{file}:{line}: {reason}");
        }
        *self.loaded.write().unwrap_or_else(PoisonError::into_inner) = loaded;
        let mut actions: Vec<Arc<dyn Action>> = Vec::new();
        for config in self.runbooks() {
            actions.extend(Runbook::dry_run(&config).map(|dry| Arc::new(dry) as Arc<dyn Action>));
            actions.push(Arc::new(Runbook::new(&config)));
        }
        runner.shelve(actions);
    }
}
