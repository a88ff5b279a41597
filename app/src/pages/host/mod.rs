//! The machine: what it is, and every group that is measured, as charts in the order of the schema.

mod api;
mod collectors;
mod page;

#[cfg(feature = "ssr")]
mod drawn;

pub use api::HISTORY_MS;
pub use collectors::CollectorList;
pub use page::HostPage;
