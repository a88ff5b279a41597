//! Actions: what operators can do. The runner alone validates, authorises, deduplicates, limits, times out, cancels and
//! audits; an action only does.

use farol_model::action::RunEvent;

/// Where the events of runs go. Implemented by the live hub. Never waits.
pub trait RunOutlet: Send + Sync + 'static {
    /// Publishes on `runs/ID`; the first event of a run opens the channel.
    fn event(&self, run: &str, event: &RunEvent);
    /// The run has ended and its channel may go after a while.
    fn closed(&self, run: &str);
}
