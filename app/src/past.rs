//! The past of series as pages show it: a time range in the address, charts that the server draws over it, ways to other ranges.
//!
//! - [`range`] reads the range, [`bar`] leads to others; [`figure`] draws one chart, [`figures`] all charts of some series.
//!
//! All of that works without scripts. [`gesture`] and [`scope`] are what the browser adds: zooming, panning, reading, following.

#[cfg(feature = "ssr")]
mod asked;
#[cfg(feature = "ssr")]
pub mod bar;
#[cfg(feature = "ssr")]
mod data;
#[cfg(feature = "ssr")]
pub mod figure;
#[cfg(feature = "ssr")]
pub mod figures;
pub mod gesture;
#[cfg(feature = "ssr")]
pub mod range;
pub mod scope;

#[cfg(feature = "ssr")]
pub use asked::Asked;
#[cfg(feature = "ssr")]
pub use data::{FoundName, FoundSeries, Past, PastSeries};
#[cfg(feature = "ssr")]
pub use range::Range;

#[cfg(all(test, feature = "ssr"))]
mod tests;
