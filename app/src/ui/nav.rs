//! The left rail; under 640 px it is the bottom bar.

use super::{icons::Icon, logo::Logo};
use crate::pages::{self, Page};
use crate::prelude::*;
use leptos_router::hooks::use_location;

#[component]
pub fn Rail(menu: Vec<&'static Page>) -> AnyView {
    let path = use_location().pathname;
    let current = move |page: &'static Page| {
        let here = path.with(|path| pages::page_of(path) == Some(page));
        here.then(|| "page".to_owned())
    };
    let items = menu
        .into_iter()
        .map(|page| {
            view! {
                <li>
                    <a href=page.path title=page.title aria-current=move || current(page)>
                        <Icon glyph=page.glyph/>
                        <span class="menu-word">{page.title}</span>
                    </a>
                </li>
            }
        })
        .collect::<Vec<_>>();
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
}
