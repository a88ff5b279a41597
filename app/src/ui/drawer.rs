//! Details beside a table: takes the focus when it opens, and Esc closes it.

use super::icons::{Glyph, Icon};
use crate::browser;
use crate::prelude::*;
use leptos::ev;
use leptos_router::hooks::{use_location, use_navigate};

/// Id of the heading, which takes the focus.
const HEADING: &str = "drawer-title";

#[component]
pub fn Drawer(
    title: AnyView,
    /// The address of the page without the details.
    close: String,
    children: Children,
) -> AnyView {
    // An address that names a part of the details is for whoever draws that.
    let named = use_location().hash;
    effect(move || {
        if named.with_untracked(String::is_empty) {
            browser::focus(HEADING.to_owned());
        }
    });
    close_on_escape(close.clone());
    view! {
        <section class="drawer" aria-labelledby=HEADING>
            <div class="drawer-head">
                <h2 id=HEADING tabindex="-1">
                    {title}
                </h2>
                <a class="button plain icon-only" href=close data-noscroll="true" aria-label="Close details" title="Close (Esc)">
                    <Icon glyph=Glyph::Cross/>
                </a>
            </div>
            {children()}
        </section>
    }
}

/// Esc closes, unless a dialog is open: then it belongs to the dialog.
fn close_on_escape(close: String) {
    let navigate = use_navigate();
    effect(move || {
        let (navigate, close) = (navigate.clone(), close.clone());
        let handle = window_event_listener(ev::keydown, move |event| {
            let dialog_open = document().query_selector("dialog[open]").ok().flatten().is_some();
            if event.key() == "Escape" && !dialog_open {
                let options = leptos_router::NavigateOptions {
                    scroll: false,
                    ..Default::default()
                };
                navigate(&close, options);
            }
        });
        on_cleanup(move || handle.remove());
    });
}
