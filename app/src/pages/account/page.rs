use super::api::get_account;
use crate::prelude::*;
use crate::{
    browser,
    page_data::{load, page_data},
};
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

/// Makes passkeys and shows times in the viewer's zone. Not in the bundle, so that only who opens the page fetches it.
const SCRIPT: &str = "/account/passkey.js";

#[component]
pub fn AccountPage() -> AnyView {
    let query = use_query_map();
    let told = move || query.with(|query| query.get_str("told").unwrap_or_default().to_owned());
    let resource = page_data(told, get_account);
    effect(|| browser::load_script(SCRIPT));
    view! {
        <Title text="Your account"/>
        {load(resource, |html: String| view! { <div inner_html=html></div> })}
    }
}
