//! Containers: what runs in them, what each uses, what it prints, and the panels that start, stop, restart and kill it.
//!
//! A [watched table](super::watched) with details of its own. Usage is live on the container's own metrics channel, its log on
//! `logs/container/ID`, both only while the details are open. What to do where there is no engine is drawn by the server and crosses
//! as HTML, so that none of it is in the wasm.

mod api;
mod details;
mod table;

#[cfg(feature = "ssr")]
mod drawn;
#[cfg(feature = "ssr")]
mod words;

pub use table::fits;

use super::watched::WatchedPage;
use crate::prelude::*;

#[component]
pub fn ContainersPage() -> AnyView {
    view! { <WatchedPage subject=&table::SUBJECT/> }
}
