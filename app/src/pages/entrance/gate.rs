//! What both pages look like: the beam, the card, and the fields for names and passwords.

use crate::prelude::*;
use crate::ui::{Notice, Tone, logo::Logo};
use leptos_meta::Title;

/// The page around a form. `fault` is the title and the text of what went wrong with the last try.
#[component]
pub fn Gate(
    title: &'static str,
    text: &'static str,
    fault: Option<(&'static str, String)>,
    children: Children,
) -> AnyView {
    view! {
        <Title text=title/>
        <main class="entrance">
            <Beam/>
            <div class="entrance-card">
                <div class="entrance-head">
                    <Logo/>
                    <h1>{title}</h1>
                    <p>{text}</p>
                </div>
                {fault.map(|(title, text)| view! { <Notice tone=Tone::Warn title text urgent=true/> })}
                {children()}
            </div>
        </main>
    }
}

#[component]
fn Beam() -> AnyView {
    view! {
        <svg class="entrance-beam" viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
            <defs>
                <linearGradient id="beam" x1="0" x2="1">
                    <stop offset="0" stop-color="currentColor" stop-opacity="0.9"></stop>
                    <stop offset="1" stop-color="currentColor" stop-opacity="0"></stop>
                </linearGradient>
            </defs>
            <path d="M50 46 100 8v58L50 52z" fill="url(#beam)"></path>
        </svg>
    }
}

/// The name of an account.
#[component]
pub fn NameField() -> AnyView {
    view! {
        <div class="field">
            <label for="name">"Name"</label>
            <input
                class="input"
                id="name"
                name="name"
                required
                maxlength="64"
                autocomplete="username"
                autocapitalize="none"
                spellcheck="false"
            />
        </div>
    }
}

/// A password. The longest that the server takes is 256 characters; a longer one is refused there with words, not cut here.
#[component]
pub fn PasswordField(
    name: &'static str,
    label: &'static str,
    /// `current-password` or `new-password` (HTML, autofill field names).
    autocomplete: &'static str,
    #[prop(optional)] help: Option<&'static str>,
) -> AnyView {
    let note = help.map(|_| format!("{name}-note"));
    view! {
        <div class="field">
            <label for=name>{label}</label>
            <input
                class="input"
                id=name
                name=name
                type="password"
                required
                minlength=(autocomplete == "new-password").then_some("12")
                maxlength="1024"
                autocomplete=autocomplete
                aria-describedby=note.clone()
            />
            {help
                .map(|help| {
                    view! {
                        <span class="field-help" id=note>
                            {help}
                        </span>
                    }
                })}
        </div>
    }
}

/// The address of single sign-on, which leads back to `next`.
pub fn provider_address(next: &str, again: bool) -> String {
    let next: String = next
        .bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect();
    format!("/api/auth/oidc/begin?again={again}&next={next}")
}
