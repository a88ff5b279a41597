//! The top bar: where am I, is it live, how do I like it, who am I.

use super::{
    icons::{Glyph, Icon},
    prefs::PrefsForm,
};
use crate::prelude::*;
use crate::{
    live::{Company, ConnectionBadge},
    session::Session,
};

#[component]
pub fn TopBar(
    session: Session,
    page: Signal<String>,
    palette_open: RwSignal<bool>,
    help_open: RwSignal<bool>,
) -> AnyView {
    let prefs = session.prefs;
    view! {
        <header class="topbar">
            <p class="where">
                <span class="where-host">{session.host.clone()}</span>
                <span class="where-split muted" aria-hidden="true">
                    "/"
                </span>
                <span class="where-page">{move || page.get()}</span>
            </p>
            <div class="topbar-end">
                <Company me=session.viewer.user_id/>
                <ConnectionBadge/>
                <button
                    class="button plain icon-only js-only"
                    type="button"
                    aria-label="Search pages and actions"
                    title="Search (Ctrl K)"
                    on:click=move |_| palette_open.set(true)
                >
                    <Icon glyph=Glyph::Search/>
                </button>
                <button
                    class="button plain icon-only js-only wide-only"
                    type="button"
                    aria-label="Keyboard shortcuts"
                    title="Keyboard shortcuts (?)"
                    on:click=move |_| help_open.set(true)
                >
                    <Icon glyph=Glyph::Question/>
                </button>
                <details class="drop">
                    <summary class="button plain icon-only" aria-label="Display settings" title="Display settings">
                        <Icon glyph=Glyph::Sliders/>
                    </summary>
                    <div class="drop-body">
                        <PrefsForm prefs/>
                    </div>
                </details>
                <PersonMenu session/>
            </div>
        </header>
    }
}

#[component]
fn PersonMenu(session: Session) -> AnyView {
    let viewer = session.viewer;
    view! {
        <details class="drop">
            <summary class="button plain person" aria-label=format!("Your account, {}", viewer.name)>
                <Icon glyph=Glyph::Person/>
                <span class="wide-only">{viewer.name.clone()}</span>
            </summary>
            <div class="drop-body">
                <div>
                    <p class="person-name">{viewer.name}</p>
                    <p class="person-role">"Signed in as " {viewer.role}</p>
                </div>
                <a class="link" href="/account">
                    "Your account"
                </a>
                <a class="link" href="/settings">
                    "Settings"
                </a>
                <form method="post" action="/api/auth/sign-out">
                    <button class="button wide" type="submit">
                        "Sign out"
                    </button>
                </form>
            </div>
        </details>
    }
}
