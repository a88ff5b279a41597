//! Live connections: who is connected, over what, how much passes and what waits; the last frames of one, and its end.
//!
//! The table lives on the server, see [`watched`](crate::watched).

mod api;
mod details;
mod page;
mod table;

#[cfg(feature = "ssr")]
mod words;

pub use page::ConnectionsPage;
