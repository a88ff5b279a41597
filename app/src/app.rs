//! The app: what every page shares. Data is read by resources inside the frame, never in the body of [`App`], which also
//! runs once at start to list the routes.

use crate::{
    live::provide_live,
    pages::{self, AppRoutes},
    session::{Session, get_session},
    ui::{
        Load,
        nav::Rail,
        palette::Palette,
        toast::{ToastArea, Toasts},
        topbar::TopBar,
    },
};
use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    components::{Outlet, Router},
    hooks::use_location,
};

/// The whole user interface.
#[component]
pub fn App() -> AnyView {
    provide_meta_context();
    provide_live();
    Effect::new(|_| {
        if let Some(html) = document().document_element() {
            // Setting an attribute on an element that exists cannot fail.
            drop(html.set_attribute("data-hydrated", ""));
        }
    });
    view! {
        <Title formatter=|title: String| if title.is_empty() { "Farol".to_owned() } else { format!("{title} · Farol") }/>
        <Router>
            <AppRoutes/>
        </Router>
    }
    .into_any()
}

/// The frame with the page of the current route in it.
#[component]
pub fn Frame() -> impl IntoView {
    frame_around(|| view! { <Outlet/> }.into_any())
}

/// The frame with something else in it, for addresses that no route knows.
pub fn frame_around(content: fn() -> AnyView) -> impl IntoView {
    let resource = Resource::new_blocking(|| (), |_| get_session());
    view! { <Load resource bare=true view=move |session| view! { <FrameBody session content/> }.into_any()/> }
}

#[component]
fn FrameBody(session: Session, content: fn() -> AnyView) -> AnyView {
    provide_context(session.clone());
    let toasts = Toasts::provide();
    let palette_open = RwSignal::new(false);
    let help_open = RwSignal::new(false);
    let path = use_location().pathname;
    let page = Memo::new(move |_| pages::page_of(&path.get()).map(|page| page.title));
    let menu: Vec<_> = pages::menu(&session.viewer).collect();
    view! {
        <a class="skip-link" href="#content" rel="external">
            "Skip to content"
        </a>
        <HydrationNotice/>
        <div class="frame">
            <Rail menu=menu.clone()/>
            <TopBar session=session.clone() page palette_open help_open/>
            <main class="content" id="content" tabindex="-1">
                {content()}
            </main>
        </div>
        <Palette menu palette_open help_open/>
        <ToastArea toasts/>
    }
    .into_any()
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
