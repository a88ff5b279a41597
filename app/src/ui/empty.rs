//! Nothing here: says why and what to do.

use super::icons::{Glyph, Icon};
use leptos::prelude::*;

#[component]
pub fn Empty(glyph: Glyph, #[prop(into)] title: String, #[prop(into)] text: String) -> AnyView {
    view! {
        <div class="empty">
            <Icon glyph/>
            <p>
                <strong>{title}</strong>
            </p>
            <p>{text}</p>
        </div>
    }
    .into_any()
}
