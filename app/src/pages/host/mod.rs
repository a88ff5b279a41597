//! The machine: what it is, and every group that is measured, one at a time, as charts in the order of the schema.
//!
//! Facts and the list of groups are drawn by the server; what is live are the charts and the health of the collectors.

mod api;
mod collectors;
mod page;

#[cfg(feature = "ssr")]
mod drawn;

pub use api::HISTORY_MS;
pub use collectors::CollectorList;
pub use page::HostPage;
