//! Keeps the place of a page that is still coming.

use crate::prelude::*;

#[component]
pub fn Skeleton() -> impl IntoView {
    view! {
        <div class="skeleton" role="status">
            <span aria-hidden="true"></span>
            <span aria-hidden="true"></span>
            <span aria-hidden="true"></span>
            <p class="visually-hidden">"Loading"</p>
        </div>
    }
}
