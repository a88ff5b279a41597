//! Who is signed in where.

use super::{first, list, pager, when};
use crate::{
    pages::settings::{
        view::{Paged, SessionRow, SettingsView},
        words::device_words,
    },
    prelude::*,
    ui::{Badge, Empty, Glyph, Tone},
};
use farol_model::Permission;

pub fn sessions(view: &SettingsView, rows: &Paged<SessionRow>, everybody: bool) -> AnyView {
    let others = (!everybody && rows.total > 1).then(|| {
        view! {
            <form method="post" action="/api/settings/sessions/revoke-others">
                <button class="button danger small" type="submit">
                    "Sign out all my others"
                </button>
            </form>
        }
    });
    let title = if everybody {
        "Sessions of everybody"
    } else {
        "Your sessions"
    };
    view! {
        <section class="card" aria-label=title>
            <div class="card-head">
                <h2>{title}</h2>
                <div class="card-end button-row">{whose(view, "/settings/sessions", everybody)} {others}</div>
            </div>
            {table(view, rows, everybody)}
        </section>
    }
}

/// The way between one's own and everybody's, for those who may.
pub fn whose(view: &SettingsView, path: &str, everybody: bool) -> AnyView {
    if !view.viewer.may(Permission::ManageUsers) {
        return ().into_any();
    }
    let (href, word) = match everybody {
        true => (path.to_owned(), "Show mine only"),
        false => (format!("{path}?of=all"), "Show everybody's"),
    };
    view! {
        <a class="button small" href=href>
            {word}
        </a>
    }
}

pub fn table(view: &SettingsView, rows: &Paged<SessionRow>, everybody: bool) -> AnyView {
    if rows.rows.is_empty() {
        return view! {
            <Empty glyph=Glyph::Person title="Not signed in anywhere" text="A session is listed here from its first page on."/>
        };
    }
    let mut heads = vec!["Device", "Address", "Signed in", "Last seen"];
    if everybody {
        heads.insert(0, "Who");
    }
    let pages = everybody || matches!(view.body, crate::pages::settings::view::Body::Sessions { .. });
    let of = if everybody { "all" } else { "" };
    let foot = match pages {
        true => pager(rows, "session", "/settings/sessions", &[("of", of)]),
        false => first(rows, "session"),
    };
    let draw = |row: &SessionRow| line(row, view.now_ms, everybody);
    list("Sessions, the last seen first", heads, "End it", rows, draw, foot)
}

fn line(row: &SessionRow, now_ms: i64, everybody: bool) -> AnyView {
    let who = everybody.then(|| view! { <td title=row.user.clone()>{row.user.clone()}</td> });
    let device = device_words(&row.device);
    let end = match row.current {
        true => view! { <Badge tone=Tone::Info glyph=Glyph::Eye word="This one"/> },
        false => {
            let label = format!("Sign out {} of {}", device, row.user);
            view! {
                <form method="post" action=format!("/api/settings/sessions/{}/revoke", row.id)>
                    <button class="button danger small" type="submit" aria-label=label>
                        "Sign out"
                    </button>
                </form>
            }
        }
    };
    view! {
        <tr>
            {who}
            <td title=row.device.clone()>{device.clone()}</td>
            <td>{row.address.clone()}</td>
            <td>{when(row.since_ms, now_ms)}</td>
            <td>{when(row.seen_ms, now_ms)}</td>
            <td class="end">{end}</td>
        </tr>
    }
}
