//! All users, and the form for another one.

use super::{new_password, pager, role_select};
use crate::{
    format::escape,
    pages::settings::view::{Paged, UserRow},
    prelude::*,
    ui::{Badge, Card, Empty, Glyph, Icon, Tone},
};

pub fn users(rows: &Paged<UserRow>, text: &str, roles: &[String]) -> AnyView {
    let select = role_select("new-role", roles, "viewer");
    view! {
        <div class="grid">
            <section class="card two-thirds" aria-label="Users">
                <div class="card-head">
                    <h2>"Users"</h2>
                </div>
                {filter(text)}
                {table(rows, text)}
            </section>
            <Card title="Add a user" class="third">
                <form class="stack" method="post" action="/api/settings/users">
                    <div class="field">
                        <label for="new-name">"Name"</label>
                        <input
                            class="input"
                            id="new-name"
                            name="name"
                            required
                            maxlength="64"
                            autocomplete="off"
                            autocapitalize="none"
                            spellcheck="false"
                        />
                        <span class="field-help">"Letters, digits, dots, dashes; it cannot be changed later."</span>
                    </div>
                    {select}
                    {new_password()}
                    <button class="button primary" type="submit">
                        "Add user"
                    </button>
                </form>
            </Card>
        </div>
    }
}

fn filter(text: &str) -> AnyView {
    view! {
        <form class="filter-bar card-tools" method="get" action="/settings/users" role="search">
            <div class="field">
                <label for="user-text">"Name"</label>
                <div class="search-input">
                    <Icon glyph=Glyph::Search/>
                    <input class="input" id="user-text" type="search" name="text" maxlength="64" value=text.to_owned()/>
                </div>
            </div>
            <button class="button" type="submit">
                "Filter"
            </button>
        </form>
    }
}

fn table(rows: &Paged<UserRow>, text: &str) -> AnyView {
    if rows.rows.is_empty() {
        return view! {
            <Empty glyph=Glyph::Person title="Nobody is called so" text="No user has these letters in their name. Filter for fewer."/>
        };
    }
    let lines = rows.rows.iter().map(line).collect::<Vec<_>>();
    view! {
        <div class="table-wrap" tabindex="0" role="region" aria-label="All users">
            <table class="table">
                <caption class="visually-hidden">"Users by name"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Name"</th>
                        <th scope="col">"Role"</th>
                        <th scope="col">"State"</th>
                    </tr>
                </thead>
                <tbody>{lines}</tbody>
            </table>
        </div>
        {pager(rows, "user", "/settings/users", &[("text", text)])}
    }
}

fn line(user: &UserRow) -> AnyView {
    let own = user.own.then(|| view! { <span class="muted">" (you)"</span> });
    view! {
        <tr>
            <th scope="row" class="name">
                <a class="link" href=format!("/settings/users/{}", escape(&user.name)) title=user.name.clone()>
                    {user.name.clone()}
                </a>
                {own}
            </th>
            <td>{role(user)}</td>
            <td>{state(user)}</td>
        </tr>
    }
}

/// The role, and whether it is one at all.
pub fn role(user: &UserRow) -> AnyView {
    match user.role_is_gone {
        false => user.role.clone().into_any(),
        true => view! {
            {user.role.clone()}
            " "
            <Badge tone=Tone::Warn glyph=Glyph::Alert word="Not in the configuration: allows nothing"/>
        },
    }
}

pub fn state(user: &UserRow) -> AnyView {
    match user.disabled {
        true => view! { <Badge tone=Tone::Warn glyph=Glyph::Lock word="Disabled"/> },
        false => view! { <Badge tone=Tone::Ok glyph=Glyph::Check word="May sign in"/> },
    }
}
