//! A modal dialog on the native element: focus is kept inside and given back, Esc closes.

use leptos::{html, prelude::*};

/// Shows itself while `open` is true; closing it by any way sets `open` to false.
#[component]
pub fn Dialog(
    #[prop(into)] id: String,
    #[prop(into)] title: String,
    open: RwSignal<bool>,
    children: Children,
) -> AnyView {
    let node = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        let Some(dialog) = node.get() else { return };
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
            node_ref=node
            aria-labelledby=title_id
            on:close=move |_| open.set(false)
        >
            <div class="dialog-body">
                <h2 id=title_id.clone()>{title}</h2>
                {children()}
            </div>
        </dialog>
    }
    .into_any()
}
