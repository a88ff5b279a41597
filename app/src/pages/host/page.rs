use super::{
    api::{HostView, get_host},
    collectors::CollectorList,
};
use crate::prelude::*;
use crate::{
    browser, feed,
    live_charts::live_group,
    page_data::{load, page_data},
    past::{
        gesture::{has_time, timeless},
        scope::{Ask, Scope},
    },
    ui::Card,
};
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use std::sync::Arc;

#[component]
pub fn HostPage() -> AnyView {
    let query = use_query_map();
    let asked = move || subject(&query.get().to_query_string());
    let resource = page_data(asked, move |_| {
        get_host(query.get_untracked().to_query_string(), false)
    });
    view! {
        <Title text="Host"/>
        {load(resource, |view| view! { <Host view/> })}
    }
}

/// What a query is about: a group, live or past, and how live charts are drawn. Another time of the same, and another look at the past,
/// is drawn into the page that stands.
fn subject(query: &str) -> String {
    if !has_time(query) {
        return timeless(query);
    }
    let mut pairs = query.trim_start_matches('?').split('&');
    let group = pairs.find(|pair| pair.starts_with("group=")).unwrap_or_default();
    format!("{group} past")
}

#[component]
fn Host(view: HostView) -> AnyView {
    effect(browser::local_times);
    feed::marks(view.marks);
    let collectors = feed::collectors(view.collectors);
    let ask: Ask = Arc::new(|query, by_itself| {
        Box::pin(async move {
            let answer = get_host(query, by_itself)
                .await
                .and_then(|data| data.read::<HostView>());
            Some(answer.ok()?.before)
        })
    });
    view! {
        <Scope html=view.before subject ask>
            {view.channel.map(|channel| live_group(channel, view.live))}
            <div inner_html=view.after></div>
            <Card title="Collectors" flush=true>
                <CollectorList collectors now_ms=view.now_ms/>
            </Card>
        </Scope>
    }
}
