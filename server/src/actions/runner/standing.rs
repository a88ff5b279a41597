//! Whether who asked for a run may still run it: asked when it is approved and when it begins, because roles, tokens and accounts
//! change while a run waits.

use super::{LiveRun, Runner};
use farol_model::action::RunStatus;

impl Runner {
    /// The error is how the run ends instead.
    pub(super) async fn still_may(&self, live: &LiveRun) -> Result<(), (RunStatus, String)> {
        if live.asker.vouched {
            return Ok(());
        }
        let who = &live.run.who;
        let unknown = || {
            let words = format!("What {who} may do by now cannot be looked up. Nothing was done; ask again.");
            (RunStatus::Failed, words)
        };
        let standing = self.inner.standing.get().ok_or_else(unknown)?;
        let why = match standing.standing(&live.asker).await {
            Err(_) => return Err(unknown()),
            Ok(None) if live.asker.token.is_some() => "the API token that asked for it holds no more",
            Ok(None) => "the account is disabled or gone",
            Ok(Some(viewer)) => match viewer.require_run(live.action.spec(), &live.run.params) {
                Ok(()) => return Ok(()),
                Err(_) => "the role was taken away, or does not allow it any more",
            },
        };
        let words = format!("Refused: {who} may not run this any more ({why}). Nothing was done.");
        Err((RunStatus::Denied, words))
    }
}
