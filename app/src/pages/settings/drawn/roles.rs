//! What each role may do. They are changed in the configuration, so this is to read.

use super::counted;
use crate::{
    pages::settings::{view::RoleRow, words::permission_words},
    prelude::*,
    ui::{Card, Glyph, Icon},
};
use farol_model::Permission;

pub fn roles(roles: &[RoleRow]) -> AnyView {
    let heads = roles
        .iter()
        .map(|role| {
            let kind = if role.own {
                "of the configuration"
            } else {
                "built in"
            };
            view! {
                <th scope="col">
                    {role.name.clone()}
                    <span class="sub">{kind} ", " {counted(role.users, "user")}</span>
                </th>
            }
        })
        .collect::<Vec<_>>();
    let lines = Permission::ALL
        .into_iter()
        .map(|permission| line(permission, roles))
        .collect::<Vec<_>>();
    view! {
        <section class="card" aria-label="Roles">
            <div class="card-head">
                <h2>"What each role may do"</h2>
            </div>
            <div class="table-wrap" tabindex="0" role="region" aria-label="Permissions by role">
                <table class="table role-table">
                    <caption class="visually-hidden">"Permissions by role"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Permission"</th>
                            {heads}
                        </tr>
                    </thead>
                    <tbody>{lines}</tbody>
                </table>
            </div>
        </section>
        <Card title="Roles of your own">
            <p class="prose">
                "Built-in roles stay as they are. Others stand in the configuration, in words of this table; a line that begins with run: allows some actions on some hosts only. They hold from the next start of Farol, or when the configuration is read again."
            </p>
            <pre class="code">{EXAMPLE}</pre>
        </Card>
    }
}

const EXAMPLE: &str = "[roles.web-deployer]\npermissions = [\n  \"view_metrics\",\n  \"view_runs\",\n  \"run:service.restart on web-*\",\n]";

fn line(permission: Permission, roles: &[RoleRow]) -> AnyView {
    let cells = roles
        .iter()
        .map(|role| {
            let given = role.grants.permissions().contains(permission);
            let scopes: Vec<String> = match permission {
                Permission::RunActions => role.grants.scopes().iter().map(ToString::to_string).collect(),
                _ => Vec::new(),
            };
            cell(given, scopes)
        })
        .collect::<Vec<_>>();
    view! {
        <tr>
            <th scope="row">
                {permission_words(permission)}
                <span class="sub mono">{permission.as_str()}</span>
            </th>
            {cells}
        </tr>
    }
}

fn cell(given: bool, scopes: Vec<String>) -> AnyView {
    match (given, scopes.is_empty()) {
        (false, _) => view! { <td class="muted">"no"</td> },
        (true, true) => view! {
            <td>
                <span class="yes">
                    <Icon glyph=Glyph::Check small=true/>
                    "yes"
                </span>
            </td>
        },
        (true, false) => {
            let scopes = scopes
                .into_iter()
                .map(|scope| view! { <span class="sub mono">{scope}</span> })
                .collect::<Vec<_>>();
            view! {
                <td class="wrap">
                    <span class="yes">
                        <Icon glyph=Glyph::Check small=true/>
                        "only these"
                    </span>
                    {scopes}
                </td>
            }
        }
    }
}
