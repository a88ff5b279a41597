use super::api::{AppsView, get_apps};
use crate::prelude::*;
use crate::{
    browser, feed,
    live_charts::live_group,
    page_data::{load, page_data},
    pages::title_of,
    past::{
        gesture::{has_time, timeless},
        scope::{Ask, Scope},
    },
};
use leptos_meta::Title;
use leptos_router::hooks::use_location;
use std::sync::Arc;

/// Asks for the words again. Not in the bundle, so that only who opens such a page fetches it.
const SCRIPT: &str = "/apps/page.js";

/// All of these pages: which one it is says the address.
#[component]
pub fn AppsPage() -> AnyView {
    let here = use_location();
    let title = title_of(&here.pathname.get_untracked());
    let resource = page_data(
        move || format!("{}?{}", here.pathname.get(), subject(&here.search.get())),
        move |_| {
            let at = format!(
                "{}?{}",
                here.pathname.get_untracked(),
                here.search.get_untracked()
            );
            get_apps(at, false)
        },
    );
    effect(|| browser::load_script(SCRIPT));
    view! {
        <Title text=title/>
        {load(resource, move |view| draw(view, here.pathname))}
    }
}

/// Live or past, and of what. Another time of the same is drawn into the page that stands.
fn subject(query: &str) -> String {
    format!("{} {}", timeless(query), has_time(query))
}

fn draw(view: AppsView, path: Memo<String>) -> AnyView {
    feed::marks(view.marks);
    let ask: Ask = Arc::new(move |query, by_itself| {
        let at = path.get_untracked() + &query;
        Box::pin(async move {
            let answer = get_apps(at, by_itself)
                .await
                .and_then(|data| data.read::<AppsView>());
            Some(answer.ok()?.html)
        })
    });
    view! {
        <div class="apps">
            <Scope html=view.html subject ask>
                {view.channel.map(|channel| live_group(channel, view.live))}
            </Scope>
        </div>
    }
}
