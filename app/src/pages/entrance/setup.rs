use super::gate::{Gate, NameField, PasswordField};
use crate::prelude::*;
use crate::ui::{Notice, Tone};
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
        "long" => ("This password is too long", "Use at most 256 characters."),
        "busy" => (
            "The server is busy",
            "The account was not made. Try again in a few seconds.",
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
        .map(|(title, text)| (title, text.to_owned()));
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
    } else {
        view! { <SetupForm token/> }
    };
    view! {
        <Gate title="Set up Farol" text="Create the first account. It will be an administrator." fault>
            {body}
        </Gate>
    }
}

#[component]
fn SetupForm(token: String) -> AnyView {
    view! {
        <form method="post" action="/api/auth/setup">
            <input type="hidden" name="token" value=token/>
            <NameField/>
            <PasswordField
                name="password"
                label="Password"
                autocomplete="new-password"
                help="At least 12 characters. A few unrelated words are good."
            />
            <PasswordField name="repeat" label="Password again" autocomplete="new-password"/>
            <button class="button primary wide" type="submit">
                "Create account"
            </button>
        </form>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_of_the_server_has_words_and_an_unknown_one_is_silent() {
        for fault in ["token", "weak", "long", "busy", "mismatch", "name"] {
            assert!(fault_words(fault).is_some(), "{fault}");
        }
        assert_eq!(fault_words("other"), None);
    }
}
