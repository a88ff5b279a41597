//! The left rail; under 640 px it is the bottom bar.

use super::{icons::Icon, logo::Logo};
use crate::pages::Page;
use leptos::prelude::*;
use leptos_router::components::A;

#[component]
pub fn Rail(menu: Vec<&'static Page>) -> AnyView {
    let items = menu
        .into_iter()
        .map(|page| {
            view! {
                <li>
                    <A href=page.path exact=page.path == "/" {..} title=page.title>
                        <Icon glyph=page.glyph/>
                        <span class="menu-word">{page.title}</span>
                    </A>
                </li>
            }
        })
        .collect_view();
    view! {
        <nav class="rail" aria-label="Pages">
            <a class="brand" href="/" aria-label="Farol, to the overview">
                <Logo/>
                <span>"Farol"</span>
            </a>
            <ul class="menu">{items}</ul>
            <p class="rail-foot">"Farol " {env!("CARGO_PKG_VERSION")}</p>
        </nav>
    }
    .into_any()
}
