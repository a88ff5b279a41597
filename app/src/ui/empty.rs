//! Nothing here: says why and what to do.

use super::icons::{Glyph, Icon};
use crate::prelude::*;

#[component]
pub fn Empty(glyph: Glyph, #[prop(into)] title: String, #[prop(into)] text: String) -> AnyView {
    view! {
        <div class="empty">
            <Icon glyph/>
            <p class="empty-title">{title}</p>
            <p>{text}</p>
        </div>
    }
}
