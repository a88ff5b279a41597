//! Live connections: who is connected, over what, how much passes and what waits; the last frames of one, and its end. A
//! [watched table](super::watched).

mod api;
mod table;

#[cfg(feature = "ssr")]
mod words;

use super::watched::WatchedPage;
use crate::prelude::*;

#[component]
pub fn ConnectionsPage() -> AnyView {
    view! { <WatchedPage subject=&table::SUBJECT/> }
}
