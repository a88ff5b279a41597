//! The few things that only a browser can answer and that Leptos has no word for. The twin `browser_absent.rs` gives the
//! same names to the server, where each answers that there is nobody to ask.

use js_sys::Date;
use wasm_bindgen::JsValue;

/// `2026-11-23 09:41:07` in the viewer's zone. `sv-SE` is the locale that writes ISO order.
pub fn local_date_time(at_ms: i64) -> Option<String> {
    let date = Date::new(&JsValue::from_f64(at_ms as f64));
    date.to_locale_string("sv-SE", &JsValue::UNDEFINED).as_string()
}

/// The field that typing would go into, so that shortcuts stay out of the way.
pub fn typing() -> bool {
    leptos::prelude::document()
        .active_element()
        .is_some_and(|element| matches!(element.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT"))
}
