//! One user: role, password, whether they may come in, and where they are.

use super::{armed, new_password, role_select, sessions, tokens, users};
use crate::{
    format::escape,
    pages::{
        drawn::counted,
        settings::view::{Body, ProofsRow, SettingsView, UserRow},
    },
    prelude::*,
    ui::{Card, Notice, Tone},
};

pub fn user(view: &SettingsView) -> AnyView {
    let Body::User {
        user,
        roles,
        kept,
        sessions: of_sessions,
        tokens: of_tokens,
        proofs,
    } = &view.body
    else {
        return ().into_any();
    };
    let at = format!("/api/settings/users/{}", escape(&user.name));
    let changes = match kept {
        Some(why) => view! { <Notice tone=Tone::Info title="Not for you to change" text=*why/> },
        None => changes(user, roles, proofs, &at),
    };
    view! {
        <div class="section-head">
            <h2 class="user-name" title=user.name.clone()>
                {user.name.clone()}
            </h2>
            {users::state(user)}
            <p>"Role: " {users::role(user)}</p>
            <a class="link" href="/settings/users">
                "All users"
            </a>
        </div>
        {changes}
        <section class="card" aria-label="Sessions">
            <div class="card-head">
                <h2>"Sessions"</h2>
                {sign_out(user, kept.is_some(), of_sessions.total, &at)}
            </div>
            {sessions::table(view, of_sessions, false)}
        </section>
        <section class="card" aria-label="API tokens">
            <div class="card-head">
                <h2>"API tokens"</h2>
            </div>
            {tokens::table(view, of_tokens, false)}
        </section>
    }
}

fn changes(user: &UserRow, roles: &[String], proofs: &ProofsRow, at: &str) -> AnyView {
    let (role, password) = (format!("{at}/role"), format!("{at}/password"));
    let (select, access) = (role_select("role", roles, &user.role), access(user, at));
    let second = second_factor(user, proofs, at);
    view! {
        <div class="grid">
            <Card title="Role" class="half">
                <form class="stack" method="post" action=role>
                    {select}
                    <p class="muted">"With another role their sessions end at once."</p>
                    <button class="button" type="submit">
                        "Set role"
                    </button>
                </form>
            </Card>
            <Card title="Password" class="half">
                <form class="stack" method="post" action=password>
                    {new_password()}
                    <button class="button" type="submit">
                        "Set password"
                    </button>
                </form>
            </Card>
            <Card title="Access" class="half">{access}</Card>
            <Card title="Second factor" class="half">{second}</Card>
        </div>
    }
}

/// What they prove themselves by, and the way back in for who has lost it.
fn second_factor(user: &UserRow, proofs: &ProofsRow, at: &str) -> AnyView {
    let mut kept = Vec::new();
    if proofs.app {
        kept.push("an authenticator app".to_owned());
    }
    if proofs.codes > 0 {
        kept.push(counted(proofs.codes, "recovery code"));
    }
    if proofs.passkeys > 0 {
        kept.push(counted(proofs.passkeys, "passkey"));
    }
    if kept.is_empty() {
        return view! { <p class="muted">"None: the password alone signs them in."</p> };
    }
    view! {
        <p>{format!("They have {}.", kept.join(", "))}</p>
        <p class="muted">
            "Who has lost all of it cannot sign in. Make sure by another way that it is them who ask."
        </p>
        {armed(
            format!("Reset for {}", user.name),
            format!(
                "{} is signed out everywhere, and the password alone signs them in until they set up something new. You may have to prove first that it is you.",
                user.name
            ),
            format!("{at}/reset-proofs"),
            &[],
        )}
    }
}

fn access(user: &UserRow, at: &str) -> AnyView {
    let action = format!("{at}/disabled");
    match user.disabled {
        false => view! {
            <p class="muted">
                "Users are never removed, because the audit log names them. Who is disabled cannot come in, by session or by token."
            </p>
            {armed(
                format!("Disable {}", user.name),
                format!("{} is signed out everywhere at once and cannot sign in again until somebody enables them.", user.name),
                action,
                &[("disabled", "true")],
            )}
        },
        true => view! {
            <p class="muted">"This user cannot come in. Their tokens hold again when they are enabled."</p>
            <form method="post" action=action>
                <input type="hidden" name="disabled" value="false"/>
                <button class="button" type="submit">
                    {format!("Enable {}", user.name)}
                </button>
            </form>
        },
    }
}

fn sign_out(user: &UserRow, kept: bool, sessions: u64, at: &str) -> AnyView {
    if kept || sessions == 0 {
        return ().into_any();
    }
    view! {
        <form class="card-end" method="post" action=format!("{at}/sign-out")>
            <button class="button danger small" type="submit">
                {format!("Sign {} out everywhere", user.name)}
            </button>
        </form>
    }
}
