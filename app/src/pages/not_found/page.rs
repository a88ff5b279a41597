use crate::prelude::*;
use crate::ui::logo::Logo;
use leptos_meta::Title;

#[component]
pub fn NotFound(
    /// What is missing, in words; without it the page itself is.
    #[prop(optional, into)]
    text: Option<String>,
) -> impl IntoView {
    let text = text.unwrap_or_else(|| {
        "There is no page at this address. It may have been typed wrong, or what it showed is gone."
            .to_owned()
    });
    view! {
        <Title text="Not found"/>
        <div class="lost">
            <Logo/>
            <h1>"Nothing in the beam here"</h1>
            <p>{text}</p>
            <div class="button-row">
                <a class="button primary" href="/">
                    "To the overview"
                </a>
            </div>
        </div>
    }
}
