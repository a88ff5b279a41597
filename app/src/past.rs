//! The past of series as pages show it: a time range in the address, charts that the server draws over it, ways to other ranges.
//!
//! - [`range`] reads the range, [`bar`] leads to others; [`look`] reads how charts are looked at, [`looks`] leads to other looks;
//!   [`asked`] reads both of an address.
//! - [`figure`] draws one chart with its [`legend`] and its [`menu`], [`figures`] all charts of some series; [`frame`] is what they share.
//!
//! `crate::live_charts` says the same of charts that are live and drawn by the browser.
//!
//! All of that works without scripts. [`gesture`] and [`scope`] are what the browser adds: zooming, panning, reading, following.

#[cfg(feature = "ssr")]
pub mod asked;
#[cfg(feature = "ssr")]
pub mod bar;
#[cfg(feature = "ssr")]
mod data;
#[cfg(feature = "ssr")]
pub mod figure;
#[cfg(feature = "ssr")]
pub mod figures;
#[cfg(feature = "ssr")]
pub mod frame;
pub mod gesture;
#[cfg(feature = "ssr")]
mod keys;
#[cfg(feature = "ssr")]
mod legend;
#[cfg(feature = "ssr")]
pub mod look;
#[cfg(feature = "ssr")]
pub mod looks;
#[cfg(feature = "ssr")]
pub mod menu;
#[cfg(feature = "ssr")]
pub mod of_channel;
#[cfg(feature = "ssr")]
pub mod range;
pub mod scope;

#[cfg(feature = "ssr")]
pub use data::{FoundName, FoundSeries, Past, PastSeries};
#[cfg(feature = "ssr")]
pub use frame::{Frame, Source};
#[cfg(feature = "ssr")]
pub use look::Look;
#[cfg(feature = "ssr")]
pub use range::Range;

#[cfg(all(test, feature = "ssr"))]
mod tests;
