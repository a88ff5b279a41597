//! The app: what every page shares. Pages read their data themselves; the body of [`App`] also runs
//! once at start to list the routes, when there is nobody to ask.

use crate::prelude::*;
use crate::{
    live::provide_live,
    pages::{self, AppRoutes},
    session::{Session, page_session, provide_page_session},
    ui::{
        nav::Rail,
        palette::Palette,
        toast::{ToastArea, Toasts},
        topbar::TopBar,
    },
};
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{components::Router, hooks::use_location};

/// The whole user interface.
#[component]
pub fn App() -> AnyView {
    provide_meta_context();
    provide_page_session();
    provide_live();
    effect(|| {
        if let Some(html) = document().document_element() {
            // Setting an attribute on an element that exists cannot fail.
            drop(html.set_attribute("data-hydrated", ""));
        }
    });
    view! {
        <Title formatter=|title: String| if title.is_empty() { "Farol".to_owned() } else { format!("{title} · Farol") }/>
        <Router>
            <Frame/>
        </Router>
    }
}

/// The frame with the page of the current route in it. Who is not signed in, and the pages that sign people in, get no frame.
#[component]
fn Frame() -> AnyView {
    let bare = pages::entrance::plain(&use_location().pathname.get_untracked());
    match page_session() {
        Ok(session) if !bare => view! { <FrameBody session/> },
        _ => view! { <AppRoutes/> },
    }
}

#[component]
fn FrameBody(session: Session) -> AnyView {
    provide_context(session.clone());
    let toasts = Toasts::provide();
    let palette_open = RwSignal::new(false);
    let help_open = RwSignal::new(false);
    let path = use_location().pathname;
    let page = Signal::derive(move || pages::title_of(&path.get()).to_owned());
    let menu: Vec<_> = pages::menu(&session.viewer).collect();
    view! {
        <a class="skip-link" href="#content" rel="external">
            "Skip to content"
        </a>
        <HydrationNotice/>
        <div class="frame">
            <Rail menu/>
            <TopBar session=session.clone() page palette_open help_open/>
            <main class="content" id="content" tabindex="-1">
                <AppRoutes/>
            </main>
        </div>
        <Palette palette_open help_open/>
        <ToastArea toasts/>
    }
}

/// Hidden by style until the watch in the shell gives up.
#[component]
fn HydrationNotice() -> impl IntoView {
    view! {
        <div class="hydration-notice notice warn">
            <div class="notice-words">
                <p class="notice-title">"This page is not live"</p>
                <p>"The app could not start in this browser. What you see is as old as the page; reload to try again."</p>
            </div>
        </div>
    }
}
