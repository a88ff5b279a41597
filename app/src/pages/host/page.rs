use super::{
    api::{HostView, get_host},
    collectors::CollectorList,
};
use crate::prelude::*;
use crate::{
    browser,
    feed::{self, ChannelChart},
    page_data::{load, page_data},
    pages::overview::vital::charts_of,
    past::{
        gesture::has_time,
        scope::{Ask, Scope},
    },
    ui::Card,
};
use farol_model::sample::ChannelView;
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

/// What a query is about: a group, live or past. Another time of the same is drawn into the page that stands.
fn subject(query: &str) -> String {
    let mut pairs = query.trim_start_matches('?').split('&');
    let group = pairs.find(|pair| pair.starts_with("group=")).unwrap_or_default();
    format!("{group} {}", has_time(query))
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
    let charts = view.channels.into_iter().map(charts).collect::<Vec<_>>();
    view! {
        <Scope html=view.before subject ask>
            {charts}
            <div inner_html=view.after></div>
            <Card title="Collectors" flush=true>
                <CollectorList collectors now_ms=view.now_ms/>
            </Card>
        </Scope>
    }
}

fn charts(first: ChannelView) -> AnyView {
    let charts = charts_of(&first.schema);
    let channel = feed::channel_on_screen(first);
    let wide = charts.len() == 1;
    let charts = charts
        .into_iter()
        .map(|chart| {
            view! {
                <div class=if wide { "card" } else { "card half wide-third" }>
                    <div class="card-body">
                        <ChannelChart channel chart/>
                    </div>
                </div>
            }
        })
        .collect::<Vec<_>>();
    view! { <div class="grid stretch">{charts}</div> }
}
