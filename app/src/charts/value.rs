//! A number that lives: the newest value of one series, updated once per frame and only when its text changes.

use crate::{format::format, live::ChannelHandle};
use leptos::prelude::*;

/// Newest value of the series with this [key](farol_model::metric::MetricSpec::key), number and unit apart.
#[component]
pub fn LiveValue(handle: ChannelHandle, #[prop(into)] series: String) -> impl IntoView {
    let value = Memo::new(move |_| {
        let unit = handle.with(|view| {
            view.index(&series)
                .and_then(|index| view.schema.get(index))
                .map_or(0, |spec| spec.unit)
        });
        format(handle.last(&series), unit)
    });
    view! {
        <span class="live-value">
            <span class="live-number">{move || value.with(|value| value.number.clone())}</span>
            <span class="live-unit">{move || value.with(|value| value.unit.clone())}</span>
        </span>
    }
}
