//! Charts: one drawing code for the server's SVG and the browser's canvas.
//!
//! - [`live`] takes what a live view holds, [`scale`] picks series and axis, [`decimate`] picks points, [`still`] lays out every way to
//!   draw, live or past; [`paint`] draws lines with plotters on any backend.
//! - `svg` is the backend of the first HTML; `canvas` the one of the live page. Neither side carries the other's.
//! - [`chart`] and [`spark`] are the components; [`interact`] is the crosshair that all charts share.
//!
//! "Now" is the newest row. A component here never reads the clock, and its first render is the same on both sides.

pub mod chart;
pub mod decimate;
pub mod interact;
pub mod keys;
pub mod legend;
pub mod live;
pub mod paint;
pub mod scale;
pub mod side;
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
pub mod still;
#[cfg(not(feature = "hydrate"))]
pub mod svg;
mod words;

pub use chart::Chart;
pub use interact::provide_crosshair;
pub use spark::Sparkline;
