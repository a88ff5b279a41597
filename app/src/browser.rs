//! The few things that only a browser can answer and that Leptos has no word for. The twin `browser_absent.rs` gives the
//! same names to the server, where each answers that there is nobody to ask.

use crate::ui::moment::civil;
use js_sys::Date;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, HtmlElement, HtmlInputElement};

/// `2026-11-23 09:41:07` in the viewer's zone, without the browser's own words for dates, which it has to fetch first.
pub fn local_date_time(at_ms: i64) -> Option<String> {
    let date = Date::new(&JsValue::from_f64(at_ms as f64));
    let behind_ms = (date.get_timezone_offset() * 60_000.0) as i64;
    Some(civil(at_ms.saturating_sub(behind_ms)))
}

/// In lower case. Its own tables would weigh 6 KB; nearly everything is ASCII, and the rest the browser knows how to do.
pub fn lower(text: &str) -> String {
    match text.is_ascii() {
        true => text.to_ascii_lowercase(),
        false => js_sys::JsString::from(text).to_lower_case().into(),
    }
}

/// The field that typing would go into, so that shortcuts stay out of the way.
pub fn typing() -> bool {
    leptos::prelude::document()
        .active_element()
        .is_some_and(|element| matches!(element.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT"))
}

/// Frames within which what was drawn is put into the document.
const SOON: u32 = 30;

/// Gives the focus to the element with this id as soon as it is in the document. What was drawn for another page is put there
/// later than its effects run.
pub fn focus(id: String) {
    focus_within(id, SOON);
}

fn focus_within(id: String, frames: u32) {
    leptos::prelude::request_animation_frame(move || {
        let element = leptos::prelude::document().get_element_by_id(&id);
        match element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
            // An element of the document can always be asked to take the focus.
            Some(element) => drop(element.focus()),
            None if frames > 0 => focus_within(id, frames - 1),
            None => {}
        }
    });
}

/// Whether the whole value matches a regular expression, as the browser reads the `pattern` of a field. One that it does not
/// understand matches all: the server decides.
pub fn matches(pattern: &str, value: &str) -> bool {
    let made = leptos::prelude::document().create_element("input");
    let Some(field) = made
        .ok()
        .and_then(|field| field.dyn_into::<HtmlInputElement>().ok())
    else {
        return true;
    };
    drop(field.set_attribute("pattern", pattern));
    field.set_value(value);
    field.check_validity()
}

/// Writes times that the server drew in the viewer's zone. The exact UTC stays in their titles.
pub fn local_times() {
    let Ok(times) = leptos::prelude::document().query_selector_all("time[data-ms]") else {
        return;
    };
    for index in 0..times.length() {
        let time = times.item(index).and_then(|node| node.dyn_into::<Element>().ok());
        let ms = time
            .as_ref()
            .and_then(|time| time.get_attribute("data-ms")?.parse().ok());
        if let (Some(time), Some(local)) = (time, ms.and_then(local_date_time)) {
            time.set_text_content(Some(&local));
        }
    }
}

/// Runs a module script of ours that is not in the bundle, once per document however often it is asked for. The content
/// security policy lets it in because a trusted script brings it ('strict-dynamic').
pub fn load_script(address: &str) {
    let document = leptos::prelude::document();
    if let (Ok(script), Some(body)) = (document.create_element("script"), document.body()) {
        // None of this can fail on elements that exist; without the script its page says that it is not ready.
        drop(script.set_attribute("type", "module"));
        drop(script.set_attribute("src", address));
        drop(body.append_child(&script));
        script.remove();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

    wasm_bindgen_test_configure!(run_in_browser);

    #[wasm_bindgen_test]
    fn a_moment_is_written_in_iso_order_in_the_viewers_zone() {
        // In winter, in summer, long ago, a leap day. `sv-SE` is the locale that writes ISO order.
        for at_ms in [
            1_795_434_067_000,
            1_782_000_000_000,
            -86_400_000,
            1_709_164_800_000,
        ] {
            let text = local_date_time(at_ms).unwrap();
            let date = Date::new(&JsValue::from_f64(at_ms as f64));
            let theirs = date.to_locale_string("sv-SE", &JsValue::UNDEFINED).as_string();
            assert_eq!(Some(text), theirs);
        }
    }

    #[wasm_bindgen_test]
    fn lower_case_is_what_it_is_elsewhere() {
        for (text, expected) in [
            ("Firefox ESR", "firefox esr"),
            ("ÄRGER Straße", "ärger straße"),
            ("ΟΔΟΣ", "οδος"),
            ("", ""),
        ] {
            assert_eq!(lower(text), expected);
        }
    }

    #[wasm_bindgen_test]
    fn the_whole_value_must_match_and_what_is_no_pattern_matches_all() {
        assert!(matches("[a-z]+", "abc"));
        assert!(!matches("[a-z]+", "abc1"));
        assert!(matches("(", "anything"));
    }

    #[wasm_bindgen_test]
    fn shortcuts_stay_out_of_a_field_that_is_typed_into() {
        let document = leptos::prelude::document();
        assert!(!typing());
        let input: web_sys::HtmlElement = document.create_element("input").unwrap().unchecked_into();
        document.body().unwrap().append_child(&input).unwrap();
        input.focus().unwrap();
        assert!(typing());
        input.remove();
        assert!(!typing());
    }
}
