//! The scope: what the browser adds to charts of a page. It zooms and pans by pointer, finger, wheel and key, reads values under
//! a crosshair that all charts share, and renews what the server drew while time goes on. The server draws every chart and every
//! word; between two drawings the browser moves the one that it has.

use crate::prelude::*;
use leptos::html;
use leptos_router::hooks::use_query_map;
use std::{future::Future, pin::Pin, sync::Arc};

#[cfg(not(feature = "hydrate"))]
#[path = "scope/absent.rs"]
mod glass;
#[cfg(feature = "hydrate")]
#[path = "scope/glass.rs"]
mod glass;
#[cfg(feature = "hydrate")]
#[path = "scope/morph.rs"]
mod morph;
#[cfg(feature = "hydrate")]
#[path = "scope/reading.rs"]
mod reading;

/// What the server draws for a query. None when it does not answer. The flag says that the page asks by itself, without anybody
/// having done anything, which keeps no session alive.
pub type Ask = Arc<dyn Fn(String, bool) -> Pin<Box<dyn Future<Output = Option<String>>>> + Send + Sync>;

/// `html` is what the server drew, with the ways to other ranges in it; charts that are live are children. While `subject` is the
/// same, a change of the query draws the same page anew; a page with another subject is for its page to read.
#[component]
pub fn Scope(html: String, subject: fn(&str) -> String, ask: Ask, children: Children) -> AnyView {
    let root = NodeRef::<html::Div>::new();
    let query = use_query_map();
    let query = Memo::new(move |_| query.get().to_query_string());
    glass::mount(root, query, subject, ask);
    view! {
        <div class="page scope" node_ref=root>
            <div class="drawn" inner_html=html></div>
            {children()}
        </div>
    }
}
