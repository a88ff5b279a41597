//! The browser build has the routes of the pages in front of the frame, and nothing to draw on them.

use leptos::prelude::*;

pub fn plain(_: &str) -> bool {
    false
}

#[component]
pub fn SignInPage() -> AnyView {
    ().into_any()
}

#[component]
pub fn SetupPage() -> AnyView {
    ().into_any()
}

#[component]
pub fn CodePage() -> AnyView {
    ().into_any()
}

#[component]
pub fn ProvePage() -> AnyView {
    ().into_any()
}
