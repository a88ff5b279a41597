use crate::ui::{Notice, Tone, logo::Logo};
use leptos::prelude::*;
use leptos_meta::Title;
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
        _ => return None,
    })
}

/// Only a path on this server may be the next page; anything else is the overview.
pub fn safe_next(next: &str) -> String {
    let safe = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains('\\')
        && !next.chars().any(char::is_control);
    if safe { next.to_owned() } else { "/".to_owned() }
}

#[component]
pub fn SignInPage() -> AnyView {
    let query = use_query_map().get_untracked();
    let retry_after = query.get_str("retry_after").and_then(|secs| secs.parse().ok());
    let fault = query
        .get_str("fault")
        .and_then(|fault| fault_words(fault, retry_after))
        .map(|(title, text)| view! { <Notice tone=Tone::Warn title text urgent=true/> });
    let next = safe_next(query.get_str("next").unwrap_or("/"));
    view! {
        <Title text="Sign in"/>
        <main class="entrance">
            <Beam/>
            <div class="entrance-card">
                <div class="entrance-head">
                    <Logo/>
                    <h1>"Sign in"</h1>
                    <p>"Farol shows what your machines are doing, as it happens."</p>
                </div>
                {fault}
                <form method="post" action="/api/auth/sign-in">
                    <input type="hidden" name="next" value=next/>
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
                            maxlength="1024"
                            autocomplete="current-password"
                        />
                    </div>
                    <button class="button primary wide" type="submit">
                        "Sign in"
                    </button>
                </form>
            </div>
        </main>
    }
    .into_any()
}

/// The beam behind the card.
#[component]
pub fn Beam() -> AnyView {
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
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_of_the_server_has_words_and_an_unknown_one_is_silent() {
        for fault in ["bad", "throttled", "busy", "origin", "expired"] {
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

    #[test]
    fn the_next_page_never_leads_off_the_server() {
        assert_eq!(safe_next("/controls?x=1"), "/controls?x=1");
        for bad in [
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "",
            "/a\nb",
        ] {
            assert_eq!(safe_next(bad), "/", "{bad:?}");
        }
    }
}
