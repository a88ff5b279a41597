use leptos::prelude::*;
#[component]
pub fn ProcessesPage() -> impl IntoView { view!{<p>"x"</p>} }
