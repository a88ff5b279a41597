//! Is anything wrong? What is the machine doing? What changed? Answered in five seconds, top to bottom.
//!
//! Everything is read once with the page; vital signs, charts, collectors and processes are live after that.

mod api;
mod page;
pub mod status;
mod tile;
pub mod top;
pub mod vital;

pub use page::OverviewPage;
