use crate::prelude::*;
use crate::ui::{Glyph, Icon};
use leptos_meta::Title;

#[component]
pub fn Denied(#[prop(into)] text: String) -> impl IntoView {
    view! {
        <Title text="Not allowed"/>
        <div class="lost">
            <Icon glyph=Glyph::Lock/>
            <h1>"Not for your role"</h1>
            <p>{text}</p>
            <div class="button-row">
                <a class="button primary" href="/">
                    "To the overview"
                </a>
            </div>
        </div>
    }
}
