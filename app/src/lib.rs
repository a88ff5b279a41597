//! The user interface of Farol: Leptos components, rendered by the server first and hydrated in the browser.
//!
//! This crate knows `farol_model` and its own [`ports`]; it never knows the server. `ssr` and `hydrate` stand on `mod`
//! lines here and nowhere else.

pub mod app;
mod call;
pub mod charts;
pub mod error;
mod feed;
pub mod format;
mod json;
pub mod live;
pub mod live_charts;
mod order;
pub mod page_data;
pub mod pages;
pub mod past;
mod prelude;
pub mod session;
pub mod ui;

#[cfg(feature = "ssr")]
mod drawing;
#[cfg(not(feature = "ssr"))]
#[path = "drawing_absent.rs"]
mod drawing;
#[cfg(feature = "ssr")]
pub mod ports;

#[cfg(feature = "ssr")]
mod request;
#[cfg(feature = "ssr")]
pub mod shell;

#[cfg(feature = "hydrate")]
mod browser;
#[cfg(not(feature = "hydrate"))]
#[path = "browser_absent.rs"]
mod browser;

/// Entry of the browser build: takes over the HTML that the server drew.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_body(app::App);
}
