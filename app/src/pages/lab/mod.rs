//! The transport lab: one channel over every carrier, side by side, and when each is the right one.
//!
//! The page is words and empty cells, drawn by the server once and carried to the browser as HTML, so that none of it is in
//! the wasm. What fills the cells is the plain script `public/lab/page.js`, which also ends everything when the page is left.

mod api;
mod page;

#[cfg(feature = "ssr")]
mod drawn;
#[cfg(feature = "ssr")]
mod words;

pub use page::LabPage;
