//! A page that the server alone draws, whole: it crosses as HTML, read anew whenever its address changes. What such a page is about is a
//! [`Whole`]; all the code that the browser needs is here, once.

use crate::prelude::*;
use crate::{
    browser, feed,
    page_data::{Answer, load, page_data},
    past::{
        gesture::timeless,
        scope::{Ask, Scope},
    },
};
use leptos_meta::Title;
use leptos_router::{
    hooks::{use_location, use_params_map, use_query_map},
    params::ParamsMap,
};
use std::{future::Future, pin::Pin, sync::Arc};

/// Words of the address by their names.
pub type Word<'a> = &'a dyn Fn(&str) -> String;

/// The name of the whole address, path and query, among them.
pub const ADDRESS: &str = "?";

/// The name of a word that is `true` when a page with charts asks without anybody having done anything.
pub const BY_ITSELF: &str = "by_itself";

/// See the module.
pub struct Whole {
    pub title: &'static str,
    /// A script of ours that is not in the bundle, so that only who opens the page fetches it; else empty.
    pub script: &'static str,
    /// The server function that `public/run/list.js` asks when runs change; empty where the page does not change by itself.
    pub list: &'static str,
    /// Whether it has charts over a time that its query names: see [`Scope`].
    pub charts: bool,
    pub ask: fn(Word<'_>) -> Pin<Box<dyn Future<Output = Answer> + Send>>,
}

/// Asks for the page as it is with another query.
fn asked(page: &'static Whole, path: Memo<String>) -> Ask {
    Arc::new(move |query, by_itself| {
        let address = path.get_untracked() + &query;
        let answer = (page.ask)(&|name| match name {
            BY_ITSELF => by_itself.to_string(),
            _ => address.clone(),
        });
        Box::pin(async move { answer.await.and_then(|data| data.read()).ok() })
    })
}

/// Draws it.
pub fn whole(page: &'static Whole) -> AnyView {
    let (params, query) = (use_params_map(), use_query_map());
    let place = use_location();
    let (path, search) = (place.pathname, place.search);
    let word = move |name: &str| {
        if name == ADDRESS {
            return path.get_untracked() + "?" + &search.get_untracked();
        }
        let given = params.with_untracked(|params| params.get(name));
        let given = given.or_else(|| query.with_untracked(|query| query.get(name)));
        given.unwrap_or_default()
    };
    // Not the path: it changes before the page is left.
    let here = move || {
        let search = search.get();
        let about = if page.charts { timeless(&search) } else { search };
        params.with(ParamsMap::to_query_string) + &about
    };
    let resource = page_data(here, move |_| (page.ask)(&word));
    effect(move || {
        if !page.script.is_empty() {
            browser::load_script(page.script);
        }
    });
    view! {
        <Title text=page.title/>
        {load(
            resource,
            move |html: String| {
                effect(browser::local_times);
                let changes = (!page.list.is_empty()).then(feed::run_changes);
                let changes = move || changes.map(|changes| changes().to_string());
                if page.charts {
                    return view! { <Scope html subject=timeless ask=asked(page, path)>""</Scope> };
                }
                view! { <div data-list=page.list data-changes=changes inner_html=html></div> }
            },
        )}
    }
}
