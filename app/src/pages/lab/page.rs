use super::api::get_lab;
use crate::prelude::*;
use crate::{
    browser,
    page_data::{load, page_data},
};
use leptos_meta::Title;

/// Fills the cells. Not in the bundle, so that only who opens the page fetches it.
const METER: &str = "/lab/page.js";

#[component]
pub fn LabPage() -> AnyView {
    let resource = page_data(String::new, |_| get_lab());
    effect(|| browser::load_script(METER));
    view! {
        <Title text="Transport lab"/>
        {load(resource, |html: String| view! { <div inner_html=html></div> })}
    }
}
