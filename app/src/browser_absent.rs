//! Twin of `browser.rs` where there is no browser.

pub fn local_date_time(_at_ms: i64) -> Option<String> {
    None
}

pub fn lower(text: &str) -> String {
    text.to_lowercase()
}

pub fn typing() -> bool {
    false
}

pub fn matches(_pattern: &str, _value: &str) -> bool {
    true
}

pub fn load_script(_address: &str) {}

pub fn local_times() {}

pub fn focus(_id: String) {}
