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
    ui::Card,
};
use farol_model::sample::ChannelView;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

#[component]
pub fn HostPage() -> AnyView {
    let query = use_query_map();
    // What the server answers to is the address as it is.
    let asked = move || query.get().to_query_string();
    let resource = page_data(asked, move |_| get_host(query.get_untracked().to_query_string()));
    view! {
        <Title text="Host"/>
        {load(resource, |view| view! { <Host view/> })}
    }
}

#[component]
fn Host(view: HostView) -> AnyView {
    effect(browser::local_times);
    feed::marks(view.marks);
    let collectors = feed::collectors(view.collectors);
    let charts = view.channels.into_iter().map(charts).collect::<Vec<_>>();
    view! {
        <div class="page">
            <div class="page" inner_html=view.before></div>
            {charts}
            <div inner_html=view.after></div>
            <Card title="Collectors" flush=true>
                <CollectorList collectors now_ms=view.now_ms/>
            </Card>
        </div>
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
