//! Services of systemd: how they stand, what they write, and what can be done to them. A [watched table](super::watched).

mod api;
mod table;

#[cfg(feature = "ssr")]
mod words;

use super::watched::WatchedPage;
use crate::prelude::*;

#[component]
pub fn ServicesPage() -> AnyView {
    view! { <WatchedPage subject=&table::SUBJECT/> }
}
