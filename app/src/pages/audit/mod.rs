//! The audit log: who did what, from where, and how it ended. Read once per filter and page; it is not live.

mod api;
mod page;
mod words;

pub use page::AuditLogPage;
pub use words::escape;
