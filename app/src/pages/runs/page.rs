use super::api::{get_comparison, get_runs};
use crate::prelude::*;
use crate::{
    browser,
    page_data::{PageResource, load, page_data},
};
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

#[component]
pub fn RunsPage() -> AnyView {
    let word = word_of();
    let key = word.clone();
    let resource = page_data(
        move || {
            ["action", "who", "status", "hours", "before"]
                .map(&key)
                .join("\n")
        },
        move |_| {
            let word = |name: &str| untrack(|| word(name));
            get_runs(
                word("action"),
                word("who"),
                word("status"),
                word("hours"),
                word("before"),
            )
        },
    );
    view! {
        <Title text="Runs"/>
        {shown(resource)}
    }
}

#[component]
pub fn ComparePage() -> AnyView {
    let word = word_of();
    let key = word.clone();
    let resource = page_data(
        move || ["first", "second"].map(&key).join("\n"),
        move |_| {
            let word = |name: &str| untrack(|| word(name));
            get_comparison(word("first"), word("second"))
        },
    );
    view! {
        <Title text="Compare runs"/>
        {shown(resource)}
    }
}

/// Words of the address. Tracks.
fn word_of() -> impl Fn(&str) -> String + Clone + Send + Sync + 'static {
    let query = use_query_map();
    move |name: &str| query.get().get_str(name).unwrap_or_default().to_owned()
}

fn shown(resource: PageResource) -> AnyView {
    load(resource, |html: String| {
        effect(browser::local_times);
        view! { <div class="page" inner_html=html></div> }
    })
}
