//! Roles by name: those that every Farol has, and those of the configuration. Here a user, with or without a token, becomes a
//! viewer: somebody with permissions on this host.

use super::users::User;
use farol_model::{
    Grants, Role, Viewer,
    access::{Permissions, Reach},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

/// Roles of the configuration at most.
const MAX_ROLES: usize = 64;
/// Longest name of a role, characters.
const MAX_NAME_CHARS: usize = 32;

/// `[roles.NAME]`: a role of your own.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct RoleConfig {
    /// Words of permissions, and `run:ACTION on HOST`.
    pub permissions: Vec<String>,
}

/// Key and reason of what is wrong with `[roles]`.
pub fn problems(roles: &BTreeMap<String, RoleConfig>) -> Vec<(String, String)> {
    let mut problems = Vec::new();
    if roles.len() > MAX_ROLES {
        problems.push((
            "roles".to_owned(),
            format!("there are more than {MAX_ROLES} roles"),
        ));
    }
    for (name, role) in roles {
        if let Some(reason) = bad_name(name) {
            problems.push((format!("roles.{name}"), reason));
        }
        if let Err(error) = Grants::parse(&role.permissions) {
            problems.push((format!("roles.{name}.permissions"), error.to_string()));
        }
    }
    problems
}

fn bad_name(name: &str) -> Option<String> {
    if Role::parse(name).is_some() {
        return Some(format!(
            "`{name}` is built in and stays as it is; choose another name"
        ));
    }
    let fits = name.len() <= MAX_NAME_CHARS
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte));
    (!fits).then(|| {
        format!(
            "a role's name is 1 to {MAX_NAME_CHARS} lower-case letters, digits, dashes or underscores, beginning with a letter"
        )
    })
}

/// Name and grants of each role, built-in ones first.
pub type Table = Arc<Vec<(String, Grants)>>;

/// All roles there are. Cheap to clone; all clones have the same table, which may be replaced.
#[derive(Debug, Clone)]
pub struct Roles {
    /// A std lock: held to clone and to replace.
    all: Arc<RwLock<Table>>,
    /// What this machine is called where hosts are named.
    here: Arc<str>,
}

impl Roles {
    /// From a configuration that has been checked: a role that is wrong allows nothing.
    pub fn new(configured: &BTreeMap<String, RoleConfig>, here: &str) -> Self {
        Roles {
            all: Arc::new(RwLock::new(table(configured))),
            here: here.into(),
        }
    }

    /// Puts another configuration in force, which has been checked. Whoever asks from now on is answered by it; what is open is for
    /// the [`watch`](super::watch) to end.
    pub fn take(&self, configured: &BTreeMap<String, RoleConfig>) {
        *self.all.write().unwrap_or_else(PoisonError::into_inner) = table(configured);
    }

    /// As they are now, in display order.
    pub fn all(&self) -> Table {
        self.all.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What a role allows; None when there is no such role.
    pub fn grants(&self, name: &str) -> Option<Grants> {
        grants_in(&self.all(), name).cloned()
    }

    /// Names for a message.
    pub fn names(&self) -> String {
        let all = self.all();
        let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        names.join(", ")
    }

    /// The user as somebody who may do things: what the role allows, and of that only what the token does, if one was shown.
    pub fn viewer(&self, user: &User, token: Option<&Grants>) -> Viewer {
        let nothing = Grants::default();
        let all = self.all();
        let role = grants_in(&all, &user.role).unwrap_or(&nothing);
        let narrowed = token.map_or(role.permissions(), |token| {
            role.permissions().and(token.permissions())
        });
        Viewer {
            user_id: user.id,
            name: user.name.clone(),
            role: match token {
                Some(_) => format!("{}, narrowed by a token", user.role),
                None => user.role.clone(),
            },
            permissions: narrowed,
            reach: Reach::new(&self.here, [role].into_iter().chain(token)),
        }
    }

    /// Permissions of the role, for tables.
    pub fn permissions(&self, name: &str) -> Permissions {
        self.grants(name)
            .map(|grants| grants.permissions())
            .unwrap_or_default()
    }
}

fn table(configured: &BTreeMap<String, RoleConfig>) -> Table {
    let built_in = Role::ALL.map(|role| (role.as_str().to_owned(), Grants::of(role.permissions())));
    let own = configured.iter().map(|(name, role)| {
        let grants = Grants::parse(&role.permissions).unwrap_or_default();
        (name.clone(), grants)
    });
    Arc::new(built_in.into_iter().chain(own).collect())
}

/// What a role of this table allows.
pub fn grants_in<'a>(table: &'a Table, name: &str) -> Option<&'a Grants> {
    let (_, grants) = table.iter().find(|(known, _)| known == name)?;
    Some(grants)
}

#[cfg(test)]
mod tests {
    use super::*;
    use farol_model::{
        Permission as P,
        action::{ActionSpec, Danger, Params},
    };

    fn configured(name: &str, permissions: &[&str]) -> BTreeMap<String, RoleConfig> {
        let permissions = permissions.iter().map(|word| (*word).to_owned()).collect();
        [(name.to_owned(), RoleConfig { permissions })].into()
    }

    fn user(role: &str) -> User {
        User {
            id: 1,
            name: "ana".into(),
            role: role.into(),
            password: String::new(),
            disabled: false,
            generation: 1,
            auth_hash: Vec::new(),
        }
    }

    #[test]
    fn a_token_only_ever_takes_away() {
        let roles = Roles::new(
            &configured("deployer", &["view_runs", "run:service.* on web-*"]),
            "web-1",
        );
        let token = Grants::parse(&["view_runs", "manage_users", "run:*.restart"]).unwrap();
        let viewer = roles.viewer(&user("deployer"), Some(&token));
        assert!(viewer.may(P::ViewRuns) && viewer.may(P::RunActions) && !viewer.may(P::ManageUsers));
        let spec = |id: &str| ActionSpec {
            id: id.into(),
            title: id.into(),
            summary: String::new(),
            group: String::new(),
            permission: P::RunActions,
            danger: Danger::Safe,
            confirm: None,
            time_limit_secs: 1,
            params: Vec::new(),
        };
        let may = |id| viewer.require_run(&spec(id), &Params::new()).is_ok();
        assert!(may("service.restart"));
        assert!(!may("service.stop"), "the token does not allow it");
        assert!(!may("container.restart"), "the role does not allow it");
    }

    #[test]
    fn a_role_that_is_gone_allows_nothing() {
        let roles = Roles::new(&BTreeMap::new(), "web-1");
        let viewer = roles.viewer(&user("deployer"), None);
        assert!(viewer.permissions.is_empty());
        assert!(
            viewer
                .require(P::ViewMetrics)
                .unwrap_err()
                .message
                .contains("deployer")
        );
    }

    #[test]
    fn another_table_holds_for_every_clone_at_once() {
        let roles = Roles::new(&configured("deployer", &["view_runs"]), "web-1");
        let other = roles.clone();
        other.take(&configured("deployer", &["view_metrics"]));
        let viewer = roles.viewer(&user("deployer"), None);
        assert!(viewer.may(P::ViewMetrics) && !viewer.may(P::ViewRuns));
        other.take(&BTreeMap::new());
        assert!(roles.viewer(&user("deployer"), None).permissions.is_empty());
        assert!(roles.grants("admin").is_some(), "what is built in stays");
    }

    #[test]
    fn what_is_wrong_is_named_by_its_key() {
        let wrong = |name, permissions: &[&str]| problems(&configured(name, permissions)).remove(0);
        assert_eq!(wrong("a", &["fly"]).0, "roles.a.permissions");
        assert_eq!(wrong("admin", &["view_runs"]).0, "roles.admin");
        assert!(wrong("Über", &["view_runs"]).1.contains("lower-case"));
        assert_eq!(
            problems(&configured("on-call", &["view_runs", "run:service.*"])),
            []
        );
    }
}
