//! Control panels, drawn from the specs of actions and from nothing else, and the runs that they start.
//!
//! Specs and recent runs are read once per page; a run is live on its own channel while it is on screen.

mod ansi;
mod api;
mod page;
mod panel;
mod param;
mod run;
pub mod words;

pub use api::run_action;

#[cfg(feature = "ssr")]
pub mod drawn;
#[cfg(feature = "ssr")]
mod look;

pub use page::{ControlsPage, RunPage};
pub use panel::{ActionPanel, CameBack};
pub use run::Output;
