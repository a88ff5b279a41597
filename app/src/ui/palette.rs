//! Search over pages (Ctrl or Cmd K) and the list of keys (`?`).

use super::{
    dialog::Dialog,
    icons::{Glyph, Icon},
};
use crate::prelude::*;
use crate::{browser, pages::Page};
use leptos::ev::keydown;

/// Both dialogs and the keys that open them.
#[component]
pub fn Palette(menu: Vec<&'static Page>, palette_open: RwSignal<bool>, help_open: RwSignal<bool>) -> AnyView {
    effect(move || {
        let handle = window_event_listener(keydown, move |event| {
            let command = event.ctrl_key() || event.meta_key();
            match event.key().as_str() {
                "k" | "K" if command => {
                    event.prevent_default();
                    palette_open.set(true);
                }
                "?" if !command && !browser::typing() => help_open.set(true),
                _ => {}
            }
        });
        on_cleanup(move || handle.remove());
    });
    view! {
        <PageSearch menu open=palette_open/>
        <Dialog id="keys" title="Keyboard shortcuts" open=help_open>
            <dl class="keys">
                <dt>
                    <kbd>"Ctrl"</kbd>
                    " "
                    <kbd>"K"</kbd>
                </dt>
                <dd>"Search pages"</dd>
                <dt>
                    <kbd>"↑"</kbd>
                    " "
                    <kbd>"↓"</kbd>
                </dt>
                <dd>"Move through a table"</dd>
                <dt>
                    <kbd>"Enter"</kbd>
                </dt>
                <dd>"Open the details of a row"</dd>
                <dt>
                    <kbd>"Esc"</kbd>
                </dt>
                <dd>"Close details or a dialog"</dd>
                <dt>
                    <kbd>"?"</kbd>
                </dt>
                <dd>"This list"</dd>
            </dl>
            <div class="dialog-foot">
                <button class="button" type="button" on:click=move |_| help_open.set(false)>
                    "Close"
                </button>
            </div>
        </Dialog>
    }
}

#[component]
fn PageSearch(menu: Vec<&'static Page>, open: RwSignal<bool>) -> AnyView {
    let text = RwSignal::new(String::new());
    let found = move || {
        let text = text.get();
        menu.iter()
            .copied()
            .filter(|page| page.answers(&text))
            .collect::<Vec<_>>()
    };
    let none = {
        let found = found.clone();
        move || found().is_empty()
    };
    view! {
        <Dialog id="palette" title="Go to" open>
            <div class="search-input">
                <Icon glyph=Glyph::Search/>
                <input
                    class="input"
                    type="search"
                    aria-label="Search pages"
                    placeholder="Page or thing, e.g. memory"
                    autocomplete="off"
                    prop:value=move || text.get()
                    on:input:target=move |event| text.set(event.target().value())
                />
            </div>
            <ul class="palette-list">
                {move || {
                    let rows = found().into_iter();
                    rows
                        .map(|page| {
                            view! {
                                <li>
                                    <a href=page.path on:click=move |_| open.set(false)>
                                        <Icon glyph=page.glyph/>
                                        {page.title}
                                        <small>{page.about}</small>
                                    </a>
                                </li>
                            }
                        })
                        .collect::<Vec<_>>()
                        .into_any()
                }}
            </ul>
            <p class="muted" hidden=move || !none()>
                "No page has that in its name. Try a shorter word."
            </p>
        </Dialog>
    }
}
