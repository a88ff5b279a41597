//! The left rail; under 640 px it is the bottom bar. A bar holds five entries: of more it shows four, and the rest in a sheet
//! that the browser opens, closes with Esc and gives the focus back from, with or without scripts.

use super::icons::{Glyph, Icon};
use super::logo::Logo;
use crate::pages::{self, Page};
use crate::prelude::*;
use leptos_router::hooks::use_location;

/// Entries of the bottom bar.
const BAR: usize = 5;

#[component]
pub fn Rail(mut menu: Vec<&'static Page>) -> AnyView {
    let path = use_location().pathname;
    let here = move |page: &'static Page| path.with(|path| pages::page_of(path) == Some(page));
    let item = move |page: &'static Page| {
        let current = move || here(page).then(|| "page".to_owned());
        view! {
            <li>
                // The overview by its other name: at `/` it may be that a board is.
                <a href=if page.path == "/" { "/?overview" } else { page.path } title=page.title aria-current=current>
                    <Icon glyph=page.glyph/>
                    <span class="menu-word">{page.title}</span>
                </a>
            </li>
        }
    };
    let items = |pages: &[&'static Page]| pages.iter().map(|page| item(page)).collect::<Vec<_>>();
    let all = items(&menu);
    let rest: Vec<_> = match menu.len() > BAR {
        true => menu.split_off(BAR - 1),
        false => Vec::new(),
    };
    // Made anew with each page, so that it is closed there.
    let more = reactive(move || {
        let hidden = rest.iter().any(|page| here(page));
        let list = rest.iter().map(|page| item(page)).collect::<Vec<_>>();
        (!list.is_empty())
            .then(|| {
                view! {
                    <button class="more" type="button" popovertarget="more-pages" class:here=hidden>
                        <Icon glyph=Glyph::More/>
                        <span class="menu-word">"More"</span>
                    </button>
                    <ul class="sheet" id="more-pages" popover="auto">
                        {list}
                    </ul>
                }
            })
            .into_any()
    });
    view! {
        <nav class="rail" aria-label="Pages">
            <a class="brand" href="/" rel="external" aria-label="Farol, to the start page">
                <Logo/>
                <span>"Farol"</span>
            </a>
            <ul class="menu">{all}</ul>
            {more}
            <p class="rail-foot">"Farol " {env!("CARGO_PKG_VERSION")}</p>
        </nav>
    }
}
