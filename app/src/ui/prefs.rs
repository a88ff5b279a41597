//! Theme and density. A plain form without scripts; with them the page changes at once and the form is sent beside it.

use crate::session::{Density, Prefs, SetPrefs, Theme};
use leptos::prelude::*;

#[component]
pub fn PrefsForm(prefs: Prefs) -> AnyView {
    let action = ServerAction::<SetPrefs>::new();
    let theme = RwSignal::new(prefs.theme);
    let density = RwSignal::new(prefs.density);
    let themes = Theme::ALL
        .into_iter()
        .map(|choice| {
            view! {
                <button
                    type="submit"
                    name="theme"
                    value=choice.as_str()
                    aria-pressed=move || (theme.get() == choice).to_string()
                    on:click=move |_| {
                        theme.set(choice);
                        set_root("data-theme", choice.attribute());
                    }
                >
                    {theme_word(choice)}
                </button>
            }
        })
        .collect_view();
    let densities = Density::ALL
        .into_iter()
        .map(|choice| {
            view! {
                <button
                    type="submit"
                    name="density"
                    value=choice.as_str()
                    aria-pressed=move || (density.get() == choice).to_string()
                    on:click=move |_| {
                        density.set(choice);
                        set_root("data-density", choice.attribute());
                    }
                >
                    {density_word(choice)}
                </button>
            }
        })
        .collect_view();
    view! {
        <ActionForm action>
            <div class="field">
                <span class="field-label" id="prefs-theme">
                    "Theme"
                </span>
                <div class="choice-row" role="group" aria-labelledby="prefs-theme">
                    {themes}
                </div>
            </div>
        </ActionForm>
        <ActionForm action>
            <div class="field">
                <span class="field-label" id="prefs-density">
                    "Density"
                </span>
                <div class="choice-row" role="group" aria-labelledby="prefs-density">
                    {densities}
                </div>
            </div>
        </ActionForm>
    }
    .into_any()
}

fn theme_word(theme: Theme) -> &'static str {
    match theme {
        Theme::System => "System",
        Theme::Light => "Light",
        Theme::Dark => "Dark",
    }
}

fn density_word(density: Density) -> &'static str {
    match density {
        Density::Comfortable => "Comfortable",
        Density::Compact => "Compact",
    }
}

/// Sets or removes an attribute of `<html>`.
fn set_root(name: &str, value: Option<&str>) {
    let Some(root) = document().document_element() else {
        return;
    };
    // Neither can fail for these names.
    drop(match value {
        Some(value) => root.set_attribute(name, value),
        None => root.remove_attribute(name),
    });
}
