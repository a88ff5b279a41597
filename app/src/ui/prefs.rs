//! Theme and density. A plain form without scripts; with them the page changes at once and the choice is sent beside it.

use super::{Tone, toast::Toasts};
use crate::prelude::*;
use crate::session::{Density, Prefs, SetPrefs, Theme, set_prefs};
use leptos::{ev::MouseEvent, server_fn::ServerFn, task::spawn_local};

#[component]
pub fn PrefsForm(prefs: Prefs) -> AnyView {
    let themes = Theme::ALL.map(|theme| (theme.as_str(), theme_word(theme), theme.attribute()));
    let densities =
        Density::ALL.map(|density| (density.as_str(), density_word(density), density.attribute()));
    view! {
        <ChoiceForm name="theme" title="Theme" choices=themes.to_vec() first=prefs.theme.as_str()/>
        <ChoiceForm name="density" title="Density" choices=densities.to_vec() first=prefs.density.as_str()/>
    }
}

/// The word sent to the server, the word for people, and the value of the attribute of `<html>`.
type Choice = (&'static str, &'static str, Option<&'static str>);

#[component]
fn ChoiceForm(name: &'static str, title: &'static str, choices: Vec<Choice>, first: &'static str) -> AnyView {
    let chosen = RwSignal::new(first.to_owned());
    let toasts = use_context::<Toasts>();
    let label = format!("prefs-{name}");
    let buttons = choices
        .into_iter()
        .map(|(value, word, attribute)| {
            let choose = move |event: MouseEvent| {
                event.prevent_default();
                chosen.set(value.to_owned());
                set_root(&format!("data-{name}"), attribute);
                keep(name, value, toasts);
            };
            view! {
                <button
                    type="submit"
                    name=name
                    value=value
                    aria-pressed=move || chosen.with(|chosen| chosen == value).to_string()
                    on:click=choose
                >
                    {word}
                </button>
            }
        })
        .collect::<Vec<_>>();
    view! {
        <form method="post" action=SetPrefs::url()>
            <div class="field">
                <span class="field-label" id=label.clone()>
                    {title}
                </span>
                <div class="choice-row" role="group" aria-labelledby=label>
                    {buttons}
                </div>
            </div>
        </form>
    }
}

/// Sends the choice so that the next page is drawn with it.
fn keep(name: &str, value: &'static str, toasts: Option<Toasts>) {
    let (theme, density) = match name {
        "theme" => (Some(value.to_owned()), None),
        _ => (None, Some(value.to_owned())),
    };
    spawn_local(async move {
        if let (Err(error), Some(toasts)) = (set_prefs(theme, density).await, toasts) {
            toasts.say(
                Tone::Warn,
                "This choice holds until you reload",
                error.to_string(),
            );
        }
    });
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
