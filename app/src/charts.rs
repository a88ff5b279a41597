//! Charts: one drawing code for the server's SVG and the browser's canvas.
//!
//! - [`scale`] picks series and axis, [`decimate`] picks points, [`paint`] draws them with plotters on any backend.
//! - `svg` is the backend of the first HTML; `canvas` the one of the live page. Neither side carries the other's.
//! - [`chart`] and [`spark`] are the components; [`interact`] is the crosshair that all charts share.
//!
//! "Now" is the newest row. A component here never reads the clock, and its first render is the same on both sides.

pub mod chart;
pub mod decimate;
pub mod interact;
pub mod legend;
pub mod paint;
pub mod scale;
pub mod spark;

#[cfg(feature = "hydrate")]
mod canvas;
#[cfg(feature = "ssr")]
pub mod picture;
#[cfg(feature = "hydrate")]
mod stage;
#[cfg(not(feature = "hydrate"))]
#[path = "charts/stage_absent.rs"]
mod stage;
#[cfg(feature = "ssr")]
pub mod still;
#[cfg(not(feature = "hydrate"))]
pub mod svg;

pub use chart::Chart;
pub use interact::provide_crosshair;
pub use spark::Sparkline;
