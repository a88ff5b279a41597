//! Live connections: who is connected, over what, how much passes and what waits; the last frames of one, and its end.
//!
//! The server filters, sorts, cuts and writes the cells; the page asks once a second, while it is looked at, for the rows that
//! are on screen. So ten thousand connections cost a browser no more than fifty.

mod api;
mod details;
mod page;
mod state;
mod table;

#[cfg(feature = "ssr")]
mod words;

pub use page::ConnectionsPage;
