//! The process table: sort, filter, columns, list or tree, details, and the panels that send a signal and renice.
//!
//! The first rows are read once, sorted by the server; after that the table is live on `processes/local`. What is sorted,
//! filtered and visible is worked out by `table` and `tree`, which are pure. Open files, sockets and limits of one process are read
//! when somebody asks, drawn by the server, and cross as HTML.

mod api;
mod cells;
mod details;
mod page;
mod state;
mod table;
mod tree;

#[cfg(feature = "ssr")]
mod drawn;

pub use cells::Bar;
pub use page::ProcessesPage;
pub use table::{Column, key, order};
