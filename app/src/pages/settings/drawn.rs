//! The settings as the server draws them: the frame of all sections, and what they share.

mod roles;
mod sessions;
mod tokens;
mod user;
mod users;

use super::view::{Body, Paged, Said, SettingsView};
use crate::{
    pages::{
        controls::words::ago,
        drawn::{self, armed, counted, href},
    },
    prelude::*,
    ui::{Glyph, Icon, moment::utc},
};
use farol_model::{Permission, Viewer};

/// Address and title of each section, and whether only those see it who manage users.
const SECTIONS: [(&str, &str, bool); 4] = [
    ("/settings/users", "Users", true),
    ("/settings/roles", "Roles", false),
    ("/settings/sessions", "Sessions", false),
    ("/settings/tokens", "API tokens", false),
];

/// All of it.
pub fn settings(view: &SettingsView) -> String {
    let (here, body) = match &view.body {
        Body::Users { rows, text, roles } => ("/settings/users", users::users(rows, text, roles)),
        Body::User { .. } => ("/settings/users", user::user(view)),
        Body::Roles { roles } => ("/settings/roles", roles::roles(roles)),
        Body::Sessions { rows, everybody } => {
            ("/settings/sessions", sessions::sessions(view, rows, *everybody))
        }
        Body::Tokens { rows, everybody } => ("/settings/tokens", tokens::tokens(view, rows, *everybody)),
    };
    let page = view! {
        <div class="page settings">
            <div class="page-head">
                <div class="page-head-words">
                    <h1>"Settings"</h1>
                    <p>"Who may come in, and what they may do."</p>
                </div>
            </div>
            {sections(&view.viewer, here)}
            {view.said.as_ref().map(said)}
            {body}
        </div>
    };
    page.to_html()
}

fn sections(viewer: &Viewer, here: &str) -> AnyView {
    let manages = viewer.may(Permission::ManageUsers);
    let items = SECTIONS
        .into_iter()
        .filter(|(_, _, managers_only)| manages || !managers_only)
        .map(|(path, title, _)| {
            view! {
                <li>
                    <a href=path aria-current=(path == here).then_some("page")>
                        {title}
                    </a>
                </li>
            }
        })
        .collect::<Vec<_>>();
    view! {
        <nav class="tabs" aria-label="Settings">
            <ul>{items}</ul>
        </nav>
    }
}

/// What the form has to say that led here. A secret is shown this once.
fn said(said: &Said) -> AnyView {
    let (class, glyph, role) = match said.good {
        true => ("notice ok", Glyph::Check, "status"),
        false => ("notice crit", Glyph::Alert, "alert"),
    };
    let title = if said.good { "Done" } else { "Not changed" };
    let secret = said.secret.clone().map(|secret| {
        view! {
            <label class="secret">
                <span>"Copy it now. It is shown only this once; Farol keeps no copy."</span>
                <input class="input mono" readonly value=secret aria-label="The new token"/>
            </label>
        }
    });
    view! {
        <div class=class role=role>
            <Icon glyph/>
            <div class="notice-words grow">
                <p class="notice-title">{title}</p>
                <p>{said.text.clone()}</p>
                {secret}
            </div>
        </div>
    }
}

/// How long ago, with the exact time on hover.
fn when(at_ms: i64, now_ms: i64) -> AnyView {
    moment(at_ms, ago(at_ms, now_ms))
}

/// Words for a time, with the exact one on hover.
fn moment(at_ms: i64, words: String) -> AnyView {
    let exact = utc(at_ms);
    let machine = exact.replacen(' ', "T", 1).replace(" UTC", "Z");
    view! {
        <time class="nowrap" datetime=machine title=exact>
            {words}
        </time>
    }
}

/// How many there are, and the way to the others.
fn pager<T>(rows: &Paged<T>, one: &str, path: &str, query: &[(&str, &str)]) -> AnyView {
    let way = |page: u32, word: &'static str, rel: &'static str| {
        let page = page.to_string();
        let mut query = query.to_vec();
        query.push(("page", if page == "0" { "" } else { &page }));
        (href(path, &query), word, rel)
    };
    let before = (rows.page > 0).then(|| way(rows.page - 1, "Back", "prev"));
    let after = (rows.page + 1 < rows.pages()).then(|| way(rows.page + 1, "Further", "next"));
    let mut total = counted(rows.total, one);
    if rows.pages() > 1 {
        total += &format!(", page {} of {}", rows.page + 1, rows.pages());
    }
    drawn::pager(total, ().into_any(), [before, after])
}

/// How many there are where only the first are shown.
fn first<T>(rows: &Paged<T>, one: &str) -> AnyView {
    let shown = rows.rows.len();
    let mut total = counted(rows.total, one);
    if rows.total > shown as u64 {
        total += &format!(", the first {shown} of them here");
    }
    drawn::pager(total, ().into_any(), [None, None])
}

/// The rows of a list under their heads, and its foot. `last` says what the last column, of buttons, is for.
fn list<T>(
    title: &'static str,
    heads: Vec<&'static str>,
    last: &'static str,
    rows: &Paged<T>,
    line: impl Fn(&T) -> AnyView,
    foot: AnyView,
) -> AnyView {
    let lines = rows.rows.iter().map(line).collect::<Vec<_>>();
    let heads = heads
        .into_iter()
        .map(|head| view! { <th scope="col">{head}</th> })
        .collect::<Vec<_>>();
    view! {
        <div class="table-wrap" tabindex="0" role="region" aria-label=title>
            <table class="table">
                <caption class="visually-hidden">{title}</caption>
                <thead>
                    <tr>
                        {heads}
                        <th scope="col">
                            <span class="visually-hidden">{last}</span>
                        </th>
                    </tr>
                </thead>
                <tbody>{lines}</tbody>
            </table>
        </div>
        {foot}
    }
    .into_any()
}

/// A choice of roles.
fn role_select(id: &'static str, roles: &[String], chosen: &str) -> AnyView {
    let options = roles
        .iter()
        .map(|role| {
            view! {
                <option value=role.clone() selected=role == chosen>
                    {role.clone()}
                </option>
            }
        })
        .collect::<Vec<_>>();
    view! {
        <div class="field">
            <label for=id>"Role"</label>
            <select class="input" id=id name="role">
                {options}
            </select>
        </div>
    }
}

/// A new password, twice.
fn new_password() -> AnyView {
    let field = |name: &'static str, label: &'static str| {
        view! {
            <div class="field">
                <label for=name>{label}</label>
                <input class="input" id=name name=name type="password" required autocomplete="new-password"/>
            </div>
        }
    };
    view! {
        {field("password", "Password, at least 12 characters")}
        {field("repeat", "The same again")}
    }
}
