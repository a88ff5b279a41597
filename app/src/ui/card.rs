//! A surface with a heading.

use crate::prelude::*;

#[component]
pub fn Card(
    #[prop(into)] title: String,
    /// Further classes, e.g. the grid span.
    #[prop(optional, into)]
    class: String,
    /// Without padding at the sides, for lists and tables.
    #[prop(optional)]
    flush: bool,
    /// Where more of it is shown: address and words.
    #[prop(optional)]
    more: Option<(&'static str, &'static str)>,
    children: Children,
) -> AnyView {
    let more = more.map(|(href, words)| view! { <a href=href>{words}</a> });
    view! {
        <section class=format!("card {class}") aria-label=title>
            <div class="card-head">
                <h2>{title.clone()}</h2>
                {more}
            </div>
            <div class=if flush { "card-body flush" } else { "card-body" }>{children()}</div>
        </section>
    }
}
