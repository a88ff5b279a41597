//! The past of series as pages show it: a time range in the address, charts that the server draws over it, ways to other ranges.
//!
//! - [`range`] reads the range, [`bar`] leads to others; [`figure`] draws one chart, [`figures`] all charts of some series.
//!
//! Everything here works without scripts.

#[cfg(feature = "ssr")]
pub mod bar;
#[cfg(feature = "ssr")]
mod data;
#[cfg(feature = "ssr")]
pub mod figure;
#[cfg(feature = "ssr")]
pub mod figures;
#[cfg(feature = "ssr")]
pub mod range;

#[cfg(feature = "ssr")]
pub use data::{FoundName, FoundSeries, Past, PastSeries};
#[cfg(feature = "ssr")]
pub use range::Range;

#[cfg(all(test, feature = "ssr"))]
mod tests;
