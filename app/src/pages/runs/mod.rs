//! All runs: filtered, run again, compared. The pages are drawn by the server and carried to the browser as HTML, so that none
//! of it is in the wasm; one run is a page of the controls.

mod api;
mod page;

#[cfg(feature = "ssr")]
mod drawn;

pub use page::{ComparePage, RunsPage};
