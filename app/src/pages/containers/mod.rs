//! Containers: what runs in them, what each uses, what it prints, and the panels that start, stop, restart and kill it.
//!
//! The table lives on the server, see [`watched`](crate::watched). Usage is live on the container's own metrics channel, its log on
//! `logs/container/ID`, both only while the details are open. What to do where there is no engine is drawn by the server and crosses
//! as HTML, so that none of it is in the wasm.

mod api;
mod details;
mod page;
mod table;

#[cfg(feature = "ssr")]
mod drawn;
#[cfg(feature = "ssr")]
mod words;

pub use page::ContainersPage;
