//! A modal dialog on the native element: focus is kept inside and given back, Esc closes.

use crate::prelude::*;
use leptos::{html, wasm_bindgen::JsCast, web_sys::HtmlDialogElement};

/// Shows itself while `open` is true; closing it by any way sets `open` to false.
#[component]
pub fn Dialog(
    #[prop(into)] id: String,
    #[prop(into)] title: String,
    open: RwSignal<bool>,
    children: Children,
) -> AnyView {
    let body = NodeRef::<html::Div>::new();
    effect(move || {
        let dialog = body.get().and_then(|body| body.parent_element());
        let Some(dialog) = dialog.and_then(|dialog| dialog.dyn_into::<HtmlDialogElement>().ok()) else {
            return;
        };
        match (open.get(), dialog.open()) {
            // Fails only when the element is not in the document; then there is nothing to show.
            (true, false) => drop(dialog.show_modal()),
            (false, true) => dialog.close(),
            _ => {}
        }
    });
    let title_id = format!("{id}-title");
    view! {
        <dialog
            class="dialog"
            id=id
            aria-labelledby=title_id
            on:close=move |_| open.set(false)
        >
            <div class="dialog-body" node_ref=body>
                <h2 id=title_id.clone()>{title}</h2>
                {children()}
            </div>
        </dialog>
    }
}
