//! Is anything wrong? What is the machine doing? What changed? Answered in five seconds, top to bottom.
//!
//! Everything is read once with the page; vital signs, charts, collectors and processes are live after that. Charts can show another
//! time, which the server draws; all else stays live.

mod api;
mod page;
pub mod status;
mod tile;
pub mod top;
pub mod vital;

#[cfg(feature = "ssr")]
mod drawn;

pub use page::OverviewPage;
