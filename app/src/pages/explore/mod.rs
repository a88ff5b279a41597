//! Explore and boards: any series found by typing, charts of it built by clicking, kept as boards.
//!
//! All of it is drawn by the server and works with links and plain forms, so that next to none of it is in the wasm. What is being
//! built stands in the address ([`draft`]) and nowhere else: it can be sent to somebody, and the way back undoes a step.
//!
//! - [`board`] is what a board is and how much of it there may be; [`build`] turns an expression into choices and back.
//! - `drawn` is the page Explore, `panel` one chart of it, `editor` the choices of one; `saved` are the pages of boards.
//!
//! Forms post to `/api/boards...` (`server/src/boards/forms.rs`). The plain script `public/explore/page.js` finds while one types.

mod api;
mod page;

#[cfg(feature = "ssr")]
pub mod board;
#[cfg(feature = "ssr")]
pub mod build;
#[cfg(feature = "ssr")]
pub mod draft;
#[cfg(feature = "ssr")]
mod drawn;
#[cfg(feature = "ssr")]
mod editor;
#[cfg(feature = "ssr")]
mod found;
#[cfg(feature = "ssr")]
mod panel;
#[cfg(feature = "ssr")]
mod saved;
#[cfg(feature = "ssr")]
pub mod view;

pub use page::{BoardsPage, ExplorePage};
#[cfg(feature = "ssr")]
pub use saved::{lost_start_notice as lost_start, none as no_such_board};
