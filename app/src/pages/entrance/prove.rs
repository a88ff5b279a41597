use super::{
    code::CodeField,
    gate::{Gate, PasswordField, provider_address},
    sign_in,
};
use crate::prelude::*;
use crate::{
    page_data::{PageData, load, page_data},
    pages::account::Ways,
    ports,
};
use leptos::nonce::use_nonce;
use leptos_router::hooks::use_query_map;

/// What the server told about the last try, as title and text.
pub fn fault_words(fault: &str, retry_after: Option<u32>) -> Option<(&'static str, String)> {
    Some(match fault {
        "bad" => (
            "That does not fit",
            "Check it and try again. Each code works once.".to_owned(),
        ),
        "broken" => (
            "It could not be checked",
            "The server log says why. Try again in a few seconds.".to_owned(),
        ),
        other => return sign_in::fault_words(other, retry_after).filter(|_| other == "throttled"),
    })
}

/// Asks somebody who is signed in once more, then leads back to where they were.
#[component]
pub fn ProvePage() -> AnyView {
    let query = use_query_map().get_untracked();
    let retry_after = query.get_str("retry_after").and_then(|secs| secs.parse().ok());
    let fault = query
        .get_str("fault")
        .and_then(|fault| fault_words(fault, retry_after));
    // Where this may lead is for the server to decide when the form comes back.
    let next = query.get_str("next").unwrap_or("/").to_owned();
    let resource = page_data(
        move || next.clone(),
        |next| async move {
            let ports = ports::ports()?;
            PageData::of(drawn(ports.account.ways().await?, next))
        },
    );
    let text =
        "What comes next is dangerous, or is about your account. You have not shown for a while who you are.";
    view! {
        <Gate title="Prove that it is you" text fault>
            {load(resource, |html: String| view! { <div class="entrance-ways" inner_html=html></div> })}
            <script type="module" src="/account/passkey.js" nonce=use_nonce()></script>
        </Gate>
    }
}

fn drawn(ways: Ways, next: String) -> String {
    let away = provider_address(&next, true);
    let provider = ways.provider.map(|title| {
        view! {
            <a class="button wide" href=away rel="external">
                {format!("Sign in again with {title}")}
            </a>
        }
    });
    let form = (ways.code || ways.password).then(|| {
        let field = match ways.code {
            true => view! { <CodeField/> },
            false => {
                view! { <PasswordField name="password" label="Password" autocomplete="current-password"/> }
            }
        };
        view! {
            <form method="post" action="/api/auth/prove">
                <input type="hidden" name="next" value=next.clone()/>
                <input type="hidden" name="name" value=ways.name autocomplete="username"/>
                {field}
                <button class="button primary wide" type="submit">
                    "Prove it"
                </button>
            </form>
        }
    });
    let passkey = ways
        .passkey
        .then(|| view! { <PasskeyButton words="Use a passkey" next=next.clone()/> });
    let page = view! {
        {form}
        {passkey}
        {provider}
        <p>
            <a class="link" href="/" rel="external">
                "Not now"
            </a>
        </p>
    };
    page.to_html()
}

/// Shown by the script where the browser can do it.
#[component]
pub fn PasskeyButton(words: &'static str, next: String) -> AnyView {
    view! {
        <div class="entrance-passkey" hidden data-passkey="show" data-next=next>
            <button class="button wide" type="button">
                {words}
            </button>
            <p class="field-fault" role="alert" data-passkey-fault=""></p>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_of_the_server_has_words_and_an_unknown_one_is_silent() {
        for fault in ["bad", "broken", "throttled"] {
            assert!(fault_words(fault, None).is_some(), "{fault}");
        }
        assert_eq!(fault_words("expired", None), None);
    }
}
