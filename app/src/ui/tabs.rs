//! Navigation between the groups of one long page. Plain anchors: works without scripts.

use crate::prelude::*;

#[component]
pub fn Tabs(
    #[prop(into)] label: String,
    /// Fragment id and word of each group.
    items: Vec<(String, String)>,
) -> AnyView {
    let items = items
        .into_iter()
        .map(|(id, word)| {
            view! {
                <li>
                    <a href=format!("#{id}") rel="external">
                        {word}
                    </a>
                </li>
            }
        })
        .collect::<Vec<_>>();
    view! {
        <nav class="tabs" aria-label=label>
            <ul>{items}</ul>
        </nav>
    }
}
