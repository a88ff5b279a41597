//! The document around the app. Drawn by the server only.
//!
//! The theme is an attribute that the server writes from a cookie, so no script has to run before the first paint.

use crate::prelude::*;
use crate::{app::App, pages, request};
use leptos::{
    config::LeptosOptions,
    nonce::{Nonce, use_nonce},
};
use leptos_meta::MetaTags;

/// Tells a page whose scripts run but whose app never came alive. Waits longer than a slow phone needs.
const WATCH_HYDRATION: &str = "setTimeout(function(){var h=document.documentElement;\
    if(!h.hasAttribute('data-hydrated'))h.setAttribute('data-hydration','failed')},20000)";

/// Addresses of the browser side's files, hashed or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assets {
    pub script: String,
    pub wasm: String,
    pub style: String,
}

impl Assets {
    /// Loads the script, which loads the wasm and takes over the page.
    fn start(&self) -> String {
        format!(
            "import('{}').then(m=>m.default({{module_or_path:'{}'}}).then(()=>m.hydrate()))",
            self.script, self.wasm
        )
    }
}

/// Takes over the page as soon as it is drawn.
fn starts(assets: &Assets, nonce: Option<Nonce>) -> impl IntoView + use<> {
    view! {
        <link rel="modulepreload" href=assets.script.clone() nonce=nonce.clone()/>
        <link
            rel="preload"
            href=assets.wasm.clone()
            r#as="fetch"
            r#type="application/wasm"
            crossorigin="anonymous"
        />
        <script type="module" nonce=nonce.clone()>
            {assets.start()}
        </script>
        <script nonce=nonce>{WATCH_HYDRATION}</script>
    }
}

/// On a page that is whole as HTML: fetches what the next page will need while somebody types.
fn awaits(assets: &Assets) -> impl IntoView + use<> {
    view! {
        <link rel="prefetch" href=assets.script.clone()/>
        <link rel="prefetch" href=assets.wasm.clone() crossorigin="anonymous"/>
    }
}

/// The HTML document. Pass the same function to the routes and to the fallback of the router.
pub fn shell(options: LeptosOptions, assets: &Assets) -> impl IntoView + use<> {
    let prefs = request::prefs();
    let nonce = use_nonce();
    let live = !pages::entrance::plain(&request::path());
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=prefs.theme.attribute() data-density=prefs.density.attribute()>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <meta name="description" content="Farol, a live operations dashboard"/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <link rel="stylesheet" href=assets.style.clone()/>
                <AutoReload options/>
                {if live { starts(assets, nonce).into_any() } else { awaits(assets).into_any() }}
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}
