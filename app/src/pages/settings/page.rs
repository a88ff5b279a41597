use super::api::get_settings;
use crate::page_data::{load, page_data};
use crate::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};

/// The section that the address names, or the first.
#[component]
pub fn SettingsPage() -> AnyView {
    section("")
}

/// All users, or the one that the address names.
#[component]
pub fn UsersPage() -> AnyView {
    section("users")
}

fn section(fixed: &'static str) -> AnyView {
    let (params, query) = (use_params_map(), use_query_map());
    let asked = move || {
        let (params, query) = (params.get(), query.get());
        ["section", "name", "text", "page", "of", "said"].map(|name| {
            let given = params.get_str(name).or_else(|| query.get_str(name));
            given.unwrap_or_default().to_owned()
        })
    };
    let resource = page_data(
        move || asked().join("\n"),
        move |_| {
            let [section, name, text, page, of, said] = untrack(asked);
            let section = if fixed.is_empty() {
                section
            } else {
                fixed.to_owned()
            };
            get_settings(section, name, text, page, of, said)
        },
    );
    view! {
        <Title text="Settings"/>
        {load(resource, |html: String| view! { <div inner_html=html></div> })}
    }
}
