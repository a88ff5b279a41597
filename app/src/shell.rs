//! The document around the app. Drawn by the server only.
//!
//! The theme is an attribute that the server writes from a cookie, so no script has to run before the first paint.

use crate::{app::App, request};
use leptos::{config::LeptosOptions, nonce::use_nonce, prelude::*};
use leptos_meta::{HashedStylesheet, MetaTags};

/// Tells a page whose scripts run but whose app never came alive. Waits longer than a slow phone needs.
const WATCH_HYDRATION: &str = "setTimeout(function(){var h=document.documentElement;\
    if(!h.hasAttribute('data-hydrated'))h.setAttribute('data-hydration','failed')},20000)";

/// The HTML document. Pass the same function to the routes and to the fallback of the router.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let prefs = request::prefs();
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=prefs.theme.attribute() data-density=prefs.density.attribute()>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <meta name="description" content="Farol, a live operations dashboard"/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <HashedStylesheet id="farol" options=options.clone()/>
                <AutoReload options=options.clone()/>
                <HydrationScripts options/>
                <script nonce=use_nonce()>{WATCH_HYDRATION}</script>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}
