//! The page as the server draws it. Each `data-` attribute is a place that `public/account/passkey.js` listens to or fills.

use super::{
    view::{AccountView, AppCodes, AttemptRow, PasskeyRow},
    words::told,
};
use crate::prelude::*;
use crate::ui::{Badge, Card, Empty, Glyph, Moment, Notice, Tone};

/// All of it, for the owner of the account.
pub fn account(view: AccountView, word: &str) -> String {
    let notice = told(word).map(|(tone, title, text)| view! { <Notice tone title text/> });
    let codes = view
        .recovery_codes
        .clone()
        .map(|codes| view! { <FreshCodes codes/> });
    let page = view! {
        <div class="page account">
            <div class="page-head">
                <div class="page-head-words">
                    <h1>"Your account"</h1>
                    <p class="prose">
                        {format!("{}, {}. How you prove that it is you, and who has tried to be you.", view.name, view.role)}
                    </p>
                </div>
            </div>
            {notice}
            {(!view.fresh).then(|| view! { <Stale/> })}
            {codes}
            <div class="account-cards">
                <AppCard app=view.app recovery_left=view.recovery_left/>
                <PasskeyCard passkeys=view.passkeys problem=view.passkey_problem/>
                <PasswordCard provider=view.provider/>
            </div>
            <AttemptsCard attempts=view.attempts/>
        </div>
    };
    page.to_html()
}

#[component]
fn Stale() -> AnyView {
    view! {
        <p class="notice info account-stale" role="status">
            <span class="notice-words">
                "It has been a while since you proved that it is you. To change anything here you will be asked once more. "
                <a class="link" href="/prove?next=/account" rel="external">
                    "Prove it now"
                </a>
            </span>
        </p>
    }
}

#[component]
fn FreshCodes(codes: Vec<String>) -> AnyView {
    let rows = codes
        .into_iter()
        .map(|code| view! { <li><code>{code}</code></li> })
        .collect::<Vec<_>>();
    view! {
        <Card title="Your recovery codes" class="account-codes">
            <p class="prose">
                "Each one signs you in once when you do not have your authenticator app. They are shown only now: print them or keep them in a password manager."
            </p>
            <ol class="codes">{rows}</ol>
        </Card>
    }
}

#[component]
fn AppCard(app: AppCodes, recovery_left: i64) -> AnyView {
    let body = match app {
        AppCodes::Off => view! { <AppOff/> }.into_any(),
        AppCodes::Enrolling { secret, qr } => view! { <Enrolling secret qr/> }.into_any(),
        AppCodes::On { since_ms } => view! { <AppOn since_ms recovery_left/> }.into_any(),
    };
    view! { <Card title="Authenticator app">{body}</Card> }
}

#[component]
fn AppOff() -> AnyView {
    view! {
        <p>
            <Badge glyph=Glyph::Info word="Off"/>
        </p>
        <p class="prose">
            "An app on your phone shows six digits that change every 30 seconds. With it, a stolen password is not enough to sign in."
        </p>
        <form method="post" action="/api/account/totp/begin">
            <button class="button primary" type="submit">
                "Set up an app"
            </button>
        </form>
    }
}

#[component]
fn Enrolling(secret: String, qr: String) -> AnyView {
    view! {
        <ol class="steps prose">
            <li>
                "Scan this with your authenticator app."
                <div class="qr" role="img" aria-label="QR code with the secret below" inner_html=qr></div>
                <details>
                    <summary>"I cannot scan it"</summary>
                    <p>"Type this secret into the app; it is time-based, six digits."</p>
                    <p>
                        <code class="secret" data-secret="">
                            {secret}
                        </code>
                    </p>
                </details>
            </li>
            <li>
                "Type the six digits that it shows."
                <form class="inline-form" method="post" action="/api/account/totp/confirm">
                    <div class="field">
                        <label for="totp-code">"Code from the app"</label>
                        <input
                            class="input code-input"
                            id="totp-code"
                            name="code"
                            required
                            inputmode="numeric"
                            autocomplete="one-time-code"
                            maxlength="16"
                        />
                    </div>
                    <button class="button primary" type="submit">
                        "Turn it on"
                    </button>
                </form>
            </li>
        </ol>
        <form method="post" action="/api/account/totp/remove">
            <button class="button plain" type="submit">
                "Set it up later"
            </button>
        </form>
    }
}

#[component]
fn AppOn(since_ms: i64, recovery_left: i64) -> AnyView {
    let few = recovery_left <= 3;
    view! {
        <p>
            <Badge tone=Tone::Ok glyph=Glyph::Check word="On"/>
            " since "
            <Moment at_ms=since_ms/>
        </p>
        <p class="prose">"Sign-in asks for a code after your password. "</p>
        <p>
            {if few {
                view! { <Badge tone=Tone::Warn glyph=Glyph::Alert word=left(recovery_left)/> }.into_any()
            } else {
                left(recovery_left).into_any()
            }}
        </p>
        <div class="button-row">
            <form method="post" action="/api/account/recovery">
                <button class="button" type="submit">
                    "Make new recovery codes"
                </button>
            </form>
        </div>
        <details class="sure">
            <summary>"Remove the app"</summary>
            <p class="prose">"Sign-in will ask for your password only, and the recovery codes will be worth nothing."</p>
            <form method="post" action="/api/account/totp/remove">
                <button class="button danger" type="submit">
                    "Yes, remove it"
                </button>
            </form>
        </details>
    }
}

fn left(count: i64) -> String {
    match count {
        0 => "No recovery code is left".to_owned(),
        1 => "1 recovery code is left".to_owned(),
        count => format!("{count} recovery codes are left"),
    }
}

#[component]
fn PasskeyCard(passkeys: Vec<PasskeyRow>, problem: Option<&'static str>) -> AnyView {
    let rows = passkeys
        .iter()
        .map(|row| view! { <PasskeyItem row=row.clone()/> })
        .collect::<Vec<_>>();
    let list = match rows.is_empty() {
        true => view! { <p class="muted">"You have none yet."</p> }.into_any(),
        false => view! { <ul class="list account-list">{rows}</ul> }.into_any(),
    };
    let maker = match problem {
        Some(problem) => view! {
            <Notice tone=Tone::Info title="Not under this address" text=problem/>
        }
        .into_any(),
        None => view! { <PasskeyMaker/> }.into_any(),
    };
    view! {
        <Card title="Passkeys">
            <p class="prose">
                "A passkey lives in your device or security key and signs you in by finger, face or PIN. It cannot be phished or guessed."
            </p>
            {list}
            {maker}
        </Card>
    }
}

#[component]
fn PasskeyMaker() -> AnyView {
    view! {
        <form class="inline-form js-only" data-passkey="make">
            <div class="field">
                <label for="passkey-name">"Name of the new passkey"</label>
                <input class="input" id="passkey-name" name="name" maxlength="64" placeholder="Laptop, security key" autocomplete="off"/>
            </div>
            <button class="button primary" type="submit">
                "Add a passkey"
            </button>
        </form>
        <p class="field-fault" role="alert" data-passkey-fault=""></p>
        <noscript>
            <p class="muted">"Adding a passkey needs JavaScript, because your browser makes it."</p>
        </noscript>
    }
}

#[component]
fn PasskeyItem(row: PasskeyRow) -> AnyView {
    let used = match row.last_used_ms {
        Some(at_ms) => view! { "Last used " <Moment at_ms/> }.into_any(),
        None => "Not used yet".into_any(),
    };
    let remove = format!("Remove {}", row.name);
    view! {
        <li>
            <span class="list-main">
                <span title=row.name.clone()>{row.name.clone()}</span>
                <small>{format!("For {}. ", row.host)} {used}</small>
            </span>
            <form method="post" action="/api/account/passkeys/remove">
                <input type="hidden" name="id" value=row.id.to_string()/>
                <button class="button danger small" type="submit" aria-label=remove>
                    "Remove"
                </button>
            </form>
        </li>
    }
}

#[component]
fn PasswordCard(provider: Option<String>) -> AnyView {
    if let Some(provider) = provider {
        return view! {
            <Card title="Password">
                <p class="prose">
                    {format!("You sign in with {provider}. Your password is kept there, and changed there.")}
                </p>
            </Card>
        }
        .into_any();
    }
    let field = |name: &'static str, label: &'static str, autocomplete: &'static str| {
        let id = format!("password-{name}");
        view! {
            <div class="field">
                <label for=id.clone()>{label}</label>
                <input
                    class="input"
                    id=id
                    name=name
                    type="password"
                    required
                    minlength=(autocomplete == "new-password").then_some("12")
                    maxlength="1024"
                    autocomplete=autocomplete
                />
            </div>
        }
    };
    view! {
        <Card title="Password">
            <form class="stacked-form" method="post" action="/api/account/password">
                {field("current", "Current password", "current-password")}
                {field("password", "New password", "new-password")}
                {field("repeat", "New password again", "new-password")}
                <p class="field-help">"At least 12 characters. Every other session of yours will end."</p>
                <button class="button" type="submit">
                    "Change password"
                </button>
            </form>
        </Card>
    }
    .into_any()
}

#[component]
fn AttemptsCard(attempts: Vec<AttemptRow>) -> AnyView {
    if attempts.is_empty() {
        return view! {
            <Card title="Sign-in attempts">
                <Empty glyph=Glyph::Clock title="Nothing yet" text="Attempts to sign in to your account will be listed here."/>
            </Card>
        }
        .into_any();
    }
    let rows = attempts
        .into_iter()
        .map(|row| view! { <Attempt row/> })
        .collect::<Vec<_>>();
    view! {
        <Card title="Sign-in attempts" flush=true>
            <p class="prose account-note">
                "The last 50 that signed in and the last 50 others. One that you do not know? Change your password; that ends every other session."
            </p>
            <div class="table-wrap" tabindex="0" role="region" aria-label="Table of attempts">
                <table class="table plain-head">
                    <thead>
                        <tr>
                            <th scope="col">"Time"</th>
                            <th scope="col">"Outcome"</th>
                            <th scope="col">"By"</th>
                            <th scope="col">"From"</th>
                            <th scope="col">"Browser"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </Card>
    }
    .into_any()
}

#[component]
fn Attempt(row: AttemptRow) -> AnyView {
    let (tone, glyph) = match (row.good, row.outcome.as_str()) {
        (true, _) => (Tone::Ok, Glyph::Check),
        (false, "password right") => (Tone::Info, Glyph::Info),
        (false, _) => (Tone::Warn, Glyph::Alert),
    };
    let mut word = row.outcome;
    if let Some(first) = word.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    view! {
        <tr>
            <td>
                <Moment at_ms=row.at_ms/>
            </td>
            <td>
                <Badge tone glyph word/>
            </td>
            <td>{row.way}</td>
            <td>{row.from}</td>
            <td title=row.agent.clone()>{program(&row.agent)}</td>
        </tr>
    }
}

/// What people call the browser and the system that a user agent names; the text itself where it names none that we know.
fn program(agent: &str) -> String {
    /// The first that is found counts: most browsers also say that they are others.
    const BROWSERS: [(&str, &str); 6] = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("HeadlessChrome/", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Version/", "Safari"),
    ];
    const SYSTEMS: [(&str, &str); 6] = [
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ];
    let browser = BROWSERS.iter().find_map(|(mark, name)| {
        let (_, rest) = agent.split_once(mark)?;
        let version: String = rest.chars().take_while(char::is_ascii_digit).collect();
        Some(format!("{name} {version}").trim_end().to_owned())
    });
    let system = SYSTEMS.iter().find(|(mark, _)| agent.contains(mark));
    match (browser, system) {
        (Some(browser), Some((_, system))) => format!("{browser} on {system}"),
        (Some(browser), None) => browser,
        (None, _) if agent.is_empty() => "It did not say".to_owned(),
        (None, _) => agent.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_agent_is_told_as_people_call_it() {
        for (agent, told) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                "Firefox 140 on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36 Edg/156.0.0.0",
                "Edge 156 on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1",
                "Safari 18 on iPhone",
            ),
            ("curl/8.9", "curl/8.9"),
            ("", "It did not say"),
            ("<script>", "<script>"),
        ] {
            assert_eq!(program(agent), told);
        }
    }

    #[test]
    fn what_others_chose_is_text_on_the_page() {
        let row = |agent: &str| AttemptRow {
            at_ms: 0,
            from: "192.0.2.1".into(),
            agent: agent.into(),
            way: "password".into(),
            outcome: "refused".into(),
            good: false,
        };
        let view = AccountView {
            name: "ana".into(),
            role: "viewer".into(),
            fresh: true,
            app: AppCodes::Off,
            recovery_left: 0,
            recovery_codes: None,
            passkeys: Vec::new(),
            passkey_problem: None,
            provider: None,
            attempts: vec![row("<script>alert(1)</script>\"x")],
        };
        let html = leptos::prelude::Owner::new().with(|| account(view, "nonsense<script>"));
        assert!(!html.contains("<script") && html.contains("&lt;script"), "{html}");
    }
}
