use super::{
    gate::{Gate, NameField, PasswordField, provider_address},
    prove::PasskeyButton,
};
use crate::{ports, prelude::*};
use leptos::nonce::use_nonce;
use leptos_router::hooks::use_query_map;

/// What the server told about the last try, as title and text. `retry_after` is in seconds.
pub fn fault_words(fault: &str, retry_after: Option<u32>) -> Option<(&'static str, String)> {
    let wait = match retry_after {
        Some(secs) if secs >= 120 => format!("in {} minutes", secs.div_ceil(60)),
        Some(1) => "in 1 second".to_owned(),
        Some(secs) => format!("in {secs} seconds"),
        None => "in a while".to_owned(),
    };
    Some(match fault {
        "bad" => (
            "Name and password do not match",
            "Check both and try again. An administrator can set a new password.".to_owned(),
        ),
        "throttled" => ("Too many tries", format!("Wait, then try again {wait}.")),
        "busy" => (
            "The server is busy",
            format!("Your sign-in was not checked. Try again {wait}."),
        ),
        "origin" => (
            "This form came from another site",
            "For your safety it was not used. Sign in here.".to_owned(),
        ),
        "expired" => (
            "Your session has ended",
            "Sign in again to go on where you were.".to_owned(),
        ),
        "late" => (
            "Too much time has passed",
            "The second step must follow within 5 minutes. Start again with your password.".to_owned(),
        ),
        "provider" => (
            "Single sign-on did not work",
            "The provider refused, or its answer does not hold. Try again; the server log says why."
                .to_owned(),
        ),
        "unreachable" => (
            "The provider cannot be reached",
            "Single sign-on does not work right now. Try again in a while, or sign in with a password."
                .to_owned(),
        ),
        "stranger" => (
            "You may not use this Farol",
            "The provider knows you, but nobody has given you access here. Ask an administrator.".to_owned(),
        ),
        "taken" => (
            "Your name is taken here",
            "There is an account of the same name that does not sign in this way. Ask an administrator."
                .to_owned(),
        ),
        _ => return None,
    })
}

#[component]
pub fn SignInPage() -> AnyView {
    let query = use_query_map().get_untracked();
    let retry_after = query.get_str("retry_after").and_then(|secs| secs.parse().ok());
    let fault = query
        .get_str("fault")
        .and_then(|fault| fault_words(fault, retry_after));
    // Where this may lead is for the server to decide when the form comes back.
    let next = query.get_str("next").unwrap_or("/").to_owned();
    let provider = ports::ports().ok().and_then(|ports| ports.account.provider());
    let away = provider_address(&next, false);
    let provider = provider.map(|title| {
        view! {
            <a class="button wide" href=away rel="external">
                {format!("Sign in with {title}")}
            </a>
        }
    });
    let passkey_next = next.clone();
    view! {
        <Gate title="Sign in" text="Farol shows what your machines are doing, as it happens." fault>
            <form method="post" action="/api/auth/sign-in">
                <input type="hidden" name="next" value=next/>
                <NameField/>
                <PasswordField name="password" label="Password" autocomplete="current-password"/>
                <button class="button primary wide" type="submit">
                    "Sign in"
                </button>
            </form>
            <PasskeyButton words="Use a passkey" next=passkey_next/>
            {provider}
            <script type="module" src="/account/passkey.js" nonce=use_nonce()></script>
        </Gate>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_of_the_server_has_words_and_an_unknown_one_is_silent() {
        for fault in [
            "bad",
            "throttled",
            "busy",
            "origin",
            "expired",
            "late",
            "provider",
            "unreachable",
            "stranger",
            "taken",
        ] {
            assert!(fault_words(fault, None).is_some(), "{fault}");
        }
        assert_eq!(fault_words("<script>", None), None);
    }

    #[test]
    fn the_wait_is_told_in_a_unit_that_people_use() {
        let text = |secs| fault_words("throttled", Some(secs)).unwrap().1;
        assert!(text(1).contains("1 second."));
        assert!(text(30).contains("30 seconds"));
        assert!(text(121).contains("3 minutes"));
    }
}
