//! A labelled form field. Help below; a fault takes its place and is tied to the field for screen readers.

use super::icons::{Glyph, Icon};
use crate::prelude::*;

/// Label, control and one line below it. The control must carry `id` and `aria-describedby="{id}-note"`.
#[component]
pub fn Field(
    #[prop(into)] id: String,
    #[prop(into)] label: String,
    #[prop(optional, into)] help: String,
    /// What is wrong with the value now.
    #[prop(optional, into)]
    fault: Signal<Option<String>>,
    #[prop(optional, into)] class: String,
    children: Children,
) -> AnyView {
    let note_id = format!("{id}-note");
    let note = reactive(move || match fault.get() {
        Some(fault) => view! {
            <span class="field-fault">
                <Icon glyph=Glyph::Alert small=true/>
                <span>{fault}</span>
            </span>
        },
        None => view! { <span class="field-help">{help.clone()}</span> },
    });
    view! {
        <div class=format!("field {class}")>
            <label for=id>{label}</label>
            {children()}
            <div id=note_id aria-live="polite">
                {note}
            </div>
        </div>
    }
}
