use super::gate::Gate;
use crate::prelude::*;
use leptos_router::hooks::use_query_map;

/// What the server told about the last try, as title and text.
pub fn fault_words(fault: &str, retry_after: Option<u32>) -> Option<(&'static str, String)> {
    Some(match fault {
        "code" => (
            "This code does not fit",
            "It is wrong, used, or too old. Type the digits that the app shows now; each works once."
                .to_owned(),
        ),
        "broken" => (
            "The code could not be checked",
            "The server log says why. A recovery code may still work.".to_owned(),
        ),
        other => return super::sign_in::fault_words(other, retry_after).filter(|_| other == "throttled"),
    })
}

/// The second step of a sign-in.
#[component]
pub fn CodePage() -> AnyView {
    let query = use_query_map().get_untracked();
    let retry_after = query.get_str("retry_after").and_then(|secs| secs.parse().ok());
    let fault = query
        .get_str("fault")
        .and_then(|fault| fault_words(fault, retry_after));
    let next = query.get_str("next").unwrap_or("/").to_owned();
    view! {
        <Gate title="One more step" text="Your password is right. Now show that you have your authenticator app." fault>
            <form method="post" action="/api/auth/code">
                <input type="hidden" name="next" value=next/>
                <CodeField/>
                <button class="button primary wide" type="submit">
                    "Go on"
                </button>
            </form>
            <p>
                <a class="link" href="/sign-in" rel="external">
                    "Sign in as somebody else"
                </a>
            </p>
        </Gate>
    }
}

/// A code of the app, or a recovery code.
#[component]
pub fn CodeField() -> AnyView {
    view! {
        <div class="field">
            <label for="code">"Code"</label>
            <input
                class="input code-input"
                id="code"
                name="code"
                required
                autofocus
                maxlength="64"
                autocomplete="one-time-code"
                autocapitalize="characters"
                spellcheck="false"
                aria-describedby="code-note"
            />
            <span class="field-help" id="code-note">
                "Six digits from the app. No phone at hand? Type one of your recovery codes."
            </span>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_of_the_server_has_words_and_an_unknown_one_is_silent() {
        for fault in ["code", "broken", "throttled"] {
            assert!(fault_words(fault, None).is_some(), "{fault}");
        }
        assert_eq!(fault_words("bad", None), None);
    }
}
