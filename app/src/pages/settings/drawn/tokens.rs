//! API tokens, and the form for a new one.

use super::{armed, first, list, moment, pager, sessions::whose, when};
use crate::{
    pages::settings::{
        view::{Body, Paged, SettingsView, TokenRow},
        words::{permission_words, until},
    },
    prelude::*,
    ui::{Badge, Card, Empty, Glyph, Tone},
};
use farol_model::{Permission, Viewer};

/// Days that a token may be asked to hold; 0 is until it is revoked.
const LASTS: [(u32, &str); 5] = [
    (7, "7 days"),
    (30, "30 days"),
    (90, "90 days"),
    (365, "A year"),
    (0, "Until it is revoked"),
];

pub fn tokens(view: &SettingsView, rows: &Paged<TokenRow>, everybody: bool) -> AnyView {
    let title = if everybody {
        "API tokens of everybody"
    } else {
        "Your API tokens"
    };
    view! {
        <section class="card" aria-label=title>
            <div class="card-head">
                <h2>{title}</h2>
                <div class="card-end">{whose(view, "/settings/tokens", everybody)}</div>
            </div>
            {table(view, rows, everybody)}
        </section>
        {(!everybody).then(|| form(&view.viewer))}
    }
}

pub fn table(view: &SettingsView, rows: &Paged<TokenRow>, everybody: bool) -> AnyView {
    if rows.rows.is_empty() {
        return view! {
            <Empty glyph=Glyph::Lock title="No tokens" text="A program that reads or acts here shows an API token of somebody who may."/>
        };
    }
    let mut heads = vec!["Name", "May", "Last used", "Ends"];
    if everybody {
        heads.insert(0, "Whose");
    }
    let of = if everybody { "all" } else { "" };
    let foot = match view.body {
        Body::Tokens { .. } => pager(rows, "token", "/settings/tokens", &[("of", of)]),
        _ => first(rows, "token"),
    };
    let draw = |row: &TokenRow| line(row, view.now_ms, everybody);
    list("Tokens, the newest first", heads, "Revoke it", rows, draw, foot)
}

fn line(row: &TokenRow, now_ms: i64, everybody: bool) -> AnyView {
    let who = everybody.then(|| view! { <td title=row.user.clone()>{row.user.clone()}</td> });
    let expired = row.expires_ms.is_some_and(|at_ms| at_ms <= now_ms);
    let may = match &row.grants {
        None => "All that its user may".to_owned(),
        Some(grants) if grants.permissions().is_empty() => "Nothing".to_owned(),
        Some(grants) => grants.words().join(", "),
    };
    let holds = !row.revoked && !expired;
    let trusted = (row.trusted && holds).then(|| {
        view! {
            <span class="sub">
                <Badge tone=Tone::Warn glyph=Glyph::Alert word="Dangerous actions without proof"/>
            </span>
        }
    });
    let used = match row.last_used_ms {
        Some(at_ms) => when(at_ms, now_ms),
        None => view! { <span class="muted">"never"</span> },
    };
    let ends = match (row.revoked, row.expires_ms) {
        (true, _) => view! { <Badge tone=Tone::Neutral glyph=Glyph::Stop word="Revoked"/> },
        (false, Some(_)) if expired => {
            view! { <Badge tone=Tone::Neutral glyph=Glyph::Clock word="Expired"/> }
        }
        (false, Some(at_ms)) => moment(at_ms, until(at_ms, now_ms)),
        (false, None) => "when it is revoked".into_any(),
    };
    let trust = match (holds, row.trusted) {
        (true, false) if row.may_trust => Some(armed(
            "Trust".to_owned(),
            format!(
                "{} may then run dangerous actions, and nobody is asked for a proof. You may have to prove first that it is you.",
                row.name
            ),
            format!("/api/settings/tokens/{}/trust", row.id),
            &[],
        )),
        (true, true) => Some(view! {
            <form method="post" action=format!("/api/settings/tokens/{}/distrust", row.id)>
                <button class="button small" type="submit" aria-label=format!("Trust no more: {}", row.name)>
                    "Trust no more"
                </button>
            </form>
        }.into_any()),
        _ => None,
    };
    let revoke = holds.then(|| {
        armed(
            "Revoke".to_owned(),
            format!(
                "What uses {} is cut off at once. This cannot be undone.",
                row.name
            ),
            format!("/api/settings/tokens/{}/revoke", row.id),
            &[],
        )
    });
    view! {
        <tr>
            {who}
            <th scope="row" class="name" title=row.name.clone()>
                {row.name.clone()}
                <span class="sub">"made " {when(row.created_ms, now_ms)}</span>
            </th>
            <td class="wrap">{may} {trusted}</td>
            <td>{used}</td>
            <td>{ends}</td>
            <td class="end">
                <div class="button-row">{trust} {revoke}</div>
            </td>
        </tr>
    }
}

fn form(viewer: &Viewer) -> AnyView {
    let lasts = LASTS
        .into_iter()
        .map(|(days, word)| {
            view! {
                <option value=days.to_string() selected=days == 90>
                    {word}
                </option>
            }
        })
        .collect::<Vec<_>>();
    let boxes = viewer.permissions.iter().map(permission_box).collect::<Vec<_>>();
    let scopes = viewer.may(Permission::RunActions).then(|| {
        view! {
            <div class="field">
                <label for="token-scopes">"Or only these actions, one a line"</label>
                <textarea
                    class="input mono"
                    id="token-scopes"
                    name="scopes"
                    rows="3"
                    maxlength="4000"
                    spellcheck="false"
                    placeholder="run:service.restart on web-*"
                    aria-describedby="token-scopes-note"
                ></textarea>
                <span class="field-help" id="token-scopes-note">
                    "In place of running all actions. An asterisk is any text."
                </span>
            </div>
        }
    });
    view! {
        <Card title="Make a token">
            <form class="stack token-form" method="post" action="/api/settings/tokens">
                <div class="field">
                    <label for="token-name">"What it is for"</label>
                    <input class="input" id="token-name" name="name" required maxlength="64" autocomplete="off"/>
                </div>
                <div class="field">
                    <label for="token-days">"It holds"</label>
                    <select class="input" id="token-days" name="days">
                        {lasts}
                    </select>
                </div>
                <fieldset class="boxes">
                    <legend>"What it may do, never more than you"</legend>
                    <label class="check">
                        <input type="checkbox" name="all" value="true"/>
                        <span>"All that I may, now and later"</span>
                    </label>
                    {boxes}
                </fieldset>
                {scopes}
                <button class="button primary" type="submit">
                    "Make token"
                </button>
            </form>
        </Card>
    }
}

fn permission_box(permission: Permission) -> AnyView {
    view! {
        <label class="check">
            <input type="checkbox" name=permission.as_str() value="true"/>
            <span>{permission_words(permission)}</span>
        </label>
    }
}
