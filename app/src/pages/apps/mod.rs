//! Applications and health checks: who sends numbers, how each source stands, its charts, and what is tried again and again.
//!
//! All of it is drawn by the server and carried to the browser as HTML, so that none of it is in the wasm but the charts of one
//! source, which are live as those of the host are. The plain script `public/apps/page.js` asks for the words again.

mod api;
mod page;

#[cfg(feature = "ssr")]
mod checks;
#[cfg(feature = "ssr")]
mod drawn;
#[cfg(feature = "ssr")]
mod receivers;
#[cfg(feature = "ssr")]
mod source;
#[cfg(feature = "ssr")]
mod words;

pub use page::AppsPage;
