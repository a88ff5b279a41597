//! The audit log: who did what, from where, and how it ended. Drawn by the server for each filter and page; it is not live.

mod api;
mod page;

#[cfg(feature = "ssr")]
mod drawn;
#[cfg(feature = "ssr")]
mod words;

pub use page::AuditLogPage;
