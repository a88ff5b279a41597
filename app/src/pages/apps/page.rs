use super::api::{AppsView, get_apps};
use crate::prelude::*;
use crate::{
    browser,
    feed::{self, ChannelChart},
    page_data::{load, page_data},
    pages::title_of,
};
use leptos_meta::Title;
use leptos_router::hooks::use_location;

/// Asks for the words again. Not in the bundle, so that only who opens such a page fetches it.
const SCRIPT: &str = "/apps/page.js";

/// All of these pages: which one it is says the address.
#[component]
pub fn AppsPage() -> AnyView {
    let here = use_location();
    let title = title_of(&here.pathname.get_untracked());
    let resource = page_data(
        move || format!("{}?{}", here.pathname.get(), here.search.get()),
        |at| get_apps(at, false),
    );
    effect(|| browser::load_script(SCRIPT));
    view! {
        <Title text=title/>
        {load(resource, draw)}
    }
}

fn draw(view: AppsView) -> AnyView {
    feed::marks(view.marks);
    let names = view.charts;
    let charts = view.channel.map(|first| {
        let channel = feed::channel_on_screen(first);
        names
            .into_iter()
            .map(|chart| {
                view! {
                    <div class="card half wide-third">
                        <div class="card-body">
                            <ChannelChart channel chart/>
                        </div>
                    </div>
                }
            })
            .collect::<Vec<_>>()
    });
    view! {
        <div class="page apps">
            <div class="drawn" inner_html=view.html></div>
            <div class="grid stretch">{charts}</div>
        </div>
    }
}
