//! The process table: sort, filter, columns, details, and the panel that sends a signal.
//!
//! The first rows are read once, sorted by the server; after that the table is live on `processes/local`. What is sorted,
//! filtered and visible is worked out by `table`, which is pure.

mod api;
mod cells;
mod details;
mod page;
mod state;
mod table;

pub use cells::Bar;
pub use page::ProcessesPage;
pub use table::{Column, key, order};
