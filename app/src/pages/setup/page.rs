use crate::{
    pages::sign_in::Beam,
    ui::{Notice, Tone, logo::Logo},
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

/// What the server told about the last try, as title and text.
pub fn fault_words(fault: &str) -> Option<(&'static str, &'static str)> {
    Some(match fault {
        "token" => (
            "This setup link no longer works",
            "It is used, older than 15 minutes, or mistyped. Restart the server: it prints a new one while there is no account.",
        ),
        "weak" => (
            "This password is too easy",
            "Use at least 12 characters; a few unrelated words are good.",
        ),
        "mismatch" => ("The passwords differ", "Type the same password twice."),
        "name" => (
            "This name cannot be used",
            "Use 1 to 64 letters, digits, dots, dashes or underscores, and start with a letter.",
        ),
        _ => return None,
    })
}

#[component]
pub fn SetupPage() -> AnyView {
    let query = use_query_map().get_untracked();
    let token = query.get_str("token").unwrap_or_default().to_owned();
    let fault = query
        .get_str("fault")
        .and_then(fault_words)
        .map(|(title, text)| view! { <Notice tone=Tone::Warn title text urgent=true/> });
    let body = if token.is_empty() {
        view! {
            <Notice
                tone=Tone::Info
                title="Look in the terminal"
                text="The server printed a setup link when it started. Open that link; it works once, for 15 minutes."
            />
            <p>
                <a class="link" href="/sign-in" rel="external">
                    "I have an account already"
                </a>
            </p>
        }
        .into_any()
    } else {
        view! { <SetupForm token/> }.into_any()
    };
    view! {
        <Title text="Set up"/>
        <main class="entrance">
            <Beam/>
            <div class="entrance-card">
                <div class="entrance-head">
                    <Logo/>
                    <h1>"Set up Farol"</h1>
                    <p>"Create the first account. It will be an administrator."</p>
                </div>
                {fault}
                {body}
            </div>
        </main>
    }
    .into_any()
}

#[component]
fn SetupForm(token: String) -> AnyView {
    view! {
        <form method="post" action="/api/auth/setup">
            <input type="hidden" name="token" value=token/>
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
            <div class="field">
                <label for="password">"Password"</label>
                <input
                    class="input"
                    id="password"
                    name="password"
                    type="password"
                    required
                    minlength="12"
                    maxlength="1024"
                    autocomplete="new-password"
                    aria-describedby="password-note"
                />
                <span class="field-help" id="password-note">
                    "At least 12 characters. A few unrelated words are good."
                </span>
            </div>
            <div class="field">
                <label for="repeat">"Password again"</label>
                <input
                    class="input"
                    id="repeat"
                    name="repeat"
                    type="password"
                    required
                    minlength="12"
                    maxlength="1024"
                    autocomplete="new-password"
                />
            </div>
            <button class="button primary wide" type="submit">
                "Create account"
            </button>
        </form>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_of_the_server_has_words_and_an_unknown_one_is_silent() {
        for fault in ["token", "weak", "mismatch", "name"] {
            assert!(fault_words(fault).is_some(), "{fault}");
        }
        assert_eq!(fault_words("other"), None);
    }
}
