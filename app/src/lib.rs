//! The user interface of Farol: Leptos components, rendered by the server first and hydrated in the browser.
//!
//! This crate knows `farol_model` and its own [`ports`]; it never knows the server. `ssr` and `hydrate` stand on `mod`
//! lines here and nowhere else.

pub mod charts;
pub mod error;
pub mod format;
pub mod live;
#[cfg(feature = "ssr")]
pub mod ports;
