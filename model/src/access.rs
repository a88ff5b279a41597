//! Who may do what. Roles are sets of permissions; every check in Farol asks for a permission, never for a role. What can
//! be done to hosts is narrowed further by [`scope`]: which actions, on which hosts.

mod grants;
pub mod scope;

pub use grants::{BadGrant, Grants, Permissions};
pub use scope::{Reach, Scope};

use crate::{
    action::{ActionSpec, Params},
    fields, words,
};
use serde::Serialize;
use std::{fmt, str::FromStr};

/// A role that every Farol has. The order is by reach: a later role may do all that an earlier one may. Further roles come
/// from the configuration and are known by their name and [`Grants`] only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Watches.
    Viewer,
    /// Watches and acts.
    Operator,
    /// Watches, acts, and decides who else may.
    Admin,
}

words!(Role {
    Viewer = "viewer",
    Operator = "operator",
    Admin = "admin",
});

/// One thing that may be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Read metrics, host facts and collector health.
    ViewMetrics,
    /// Read the process table. Command lines may carry secrets of careless programs, see docs/SECURITY.md.
    ViewProcesses,
    /// See runs and their output.
    ViewRuns,
    /// Read the journal and what containers print.
    ViewLogs,
    /// Start and cancel operator actions, all or those that a [`Scope`] names.
    RunActions,
    /// Let a run of somebody else begin.
    Approve,
    /// Start and cancel actions that change Farol itself.
    Administer,
    /// Read the audit log.
    ViewAudit,
    /// See who is connected, and what is said to them.
    ViewConnections,
    /// Make and change users, and end sessions and tokens of others.
    ManageUsers,
    /// Send metrics of applications.
    PushMetrics,
}

words!(Permission {
    ViewMetrics = "view_metrics",
    ViewProcesses = "view_processes",
    ViewRuns = "view_runs",
    ViewLogs = "view_logs",
    RunActions = "run_actions",
    Approve = "approve",
    Administer = "administer",
    ViewAudit = "view_audit",
    ViewConnections = "view_connections",
    ManageUsers = "manage_users",
    PushMetrics = "push_metrics",
});

impl Role {
    /// What the built-in roles may.
    pub fn allows(self, permission: Permission) -> bool {
        use Permission as P;
        match permission {
            P::ViewMetrics | P::ViewProcesses => true,
            P::ViewRuns
            | P::ViewLogs
            | P::RunActions
            | P::Approve
            | P::ViewAudit
            | P::ViewConnections
            | P::PushMetrics => self >= Role::Operator,
            P::Administer | P::ManageUsers => self >= Role::Admin,
        }
    }

    /// All of it as a set.
    pub fn permissions(self) -> Permissions {
        Permission::ALL
            .into_iter()
            .filter(|permission| self.allows(*permission))
            .collect()
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl AsRef<str> for Role {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

/// The text is no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a role; use viewer, operator or admin")]
pub struct UnknownRole(pub String);

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Role::parse(text).ok_or_else(|| UnknownRole(text.to_owned()))
    }
}

/// The person on whose behalf something is drawn or done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Viewer {
    /// Row id of the user. Stable over renames.
    pub user_id: i64,
    /// Sign-in name.
    pub name: String,
    /// Name of the role, for people. What it may is beside it.
    pub role: String,
    /// What may be done now: of the role, and of the token where one was shown.
    pub permissions: Permissions,
    /// On what. Stays in the server, which alone decides.
    #[serde(skip)]
    pub reach: Reach,
}

fields!(Viewer {
    user_id,
    name,
    role,
    permissions,
    reach by Reach::untold
});

impl Viewer {
    /// Somebody with a built-in role, everywhere.
    pub fn new(user_id: i64, name: impl Into<String>, role: Role) -> Self {
        Viewer {
            user_id,
            name: name.into(),
            role: role.as_str().to_owned(),
            permissions: role.permissions(),
            reach: Reach::everywhere(),
        }
    }

    /// Whether this viewer holds the permission. [`Permission::RunActions`] is held by whoever may run any action at all;
    /// [`Viewer::may_run`] says which.
    pub fn may(&self, permission: Permission) -> bool {
        self.permissions.contains(permission)
    }

    /// The refusal that names what was missing, or nothing.
    pub fn require(&self, permission: Permission) -> Result<(), crate::Fault> {
        if self.may(permission) {
            return Ok(());
        }
        Err(crate::Fault::forbidden(format!(
            "Your role ({}) may not do this. Ask an administrator for a role that may.",
            self.role
        )))
    }

    /// Whether the action is to be offered: it may be run on some host.
    pub fn may_run(&self, spec: &ActionSpec) -> bool {
        self.may(spec.permission)
            && (spec.permission != Permission::RunActions || self.reach.covers_somewhere(&spec.id))
    }

    /// Whether this action may be run with these parameters, or the refusal. A parameter named `host` says where; without
    /// it (or `local`) the action is done on the machine that Farol runs on.
    pub fn require_run(&self, spec: &ActionSpec, params: &Params) -> Result<(), crate::Fault> {
        self.require(spec.permission)?;
        if spec.permission != Permission::RunActions {
            return Ok(());
        }
        let default = || {
            spec.params
                .iter()
                .find(|param| param.name == "host")?
                .default
                .as_ref()
        };
        let host = params
            .get("host")
            .filter(|host| !host.is_empty())
            .or_else(default);
        let host = self.reach.host(host.map_or("", String::as_str));
        if self.reach.covers(&spec.id, host) {
            return Ok(());
        }
        Err(crate::Fault::forbidden(format!(
            "Your role ({}) may run some actions, but not `{}` on {host}. Ask an administrator for a role that may.",
            self.role, spec.id
        )))
    }

    /// Whether all that these grants allow is allowed to this viewer too. Who gives rights can give no more than that.
    pub fn covers(&self, grants: &Grants) -> bool {
        self.permissions.contains_all(grants.permissions())
            && (!grants.permissions().contains(Permission::RunActions)
                || self.reach.covers_scopes(grants.scopes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::Danger;

    #[test]
    fn a_wider_role_never_loses_a_permission() {
        use Permission as P;
        for permission in P::ALL {
            let mut allowed_before = false;
            for role in Role::ALL {
                assert!(
                    role.allows(permission) || !allowed_before,
                    "{role} lost {permission:?}"
                );
                allowed_before = role.allows(permission);
            }
        }
    }

    #[test]
    fn a_viewer_cannot_act_and_the_refusal_names_the_role() {
        let viewer = Viewer::new(1, "ana", Role::Viewer);
        let fault = viewer.require(Permission::RunActions).unwrap_err();
        assert!(fault.message.contains("viewer"));
    }

    #[test]
    fn roles_parse_from_their_own_words_only() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        assert!(
            "root"
                .parse::<Role>()
                .unwrap_err()
                .to_string()
                .contains("viewer, operator or admin")
        );
    }

    fn spec(id: &str, permission: Permission) -> ActionSpec {
        ActionSpec {
            id: id.into(),
            title: id.into(),
            summary: String::new(),
            group: String::new(),
            permission,
            danger: Danger::Safe,
            confirm: None,
            time_limit_secs: 1,
            params: Vec::new(),
        }
    }

    fn with(grants: &[&str], here: &str) -> Viewer {
        let grants = Grants::parse(grants).unwrap();
        Viewer {
            user_id: 1,
            name: "ana".into(),
            role: "deployer".into(),
            permissions: grants.permissions(),
            reach: Reach::new(here, [&grants]),
        }
    }

    fn on(host: &str) -> Params {
        [("host".to_owned(), host.to_owned())].into_iter().collect()
    }

    #[test]
    fn a_scope_allows_its_actions_on_its_hosts_and_nothing_else() {
        let here = with(&["view_runs", "run:service.restart on web-*"], "web-1");
        let restart = spec("service.restart", Permission::RunActions);
        here.require_run(&restart, &Params::new()).unwrap();
        here.require_run(&restart, &on("local")).unwrap();
        here.require_run(&restart, &on("web-2")).unwrap();
        let fault = here.require_run(&restart, &on("db-1")).unwrap_err();
        assert!(
            fault.message.contains("service.restart") && fault.message.contains("db-1"),
            "{fault}"
        );
        let stop = spec("service.stop", Permission::RunActions);
        assert!(here.require_run(&stop, &Params::new()).is_err());
        assert!(here.may_run(&restart) && !here.may_run(&stop));
        let elsewhere = with(&["run:service.restart on web-*"], "db-1");
        assert!(elsewhere.require_run(&restart, &Params::new()).is_err());
        assert!(elsewhere.may_run(&restart), "it may be run on another host");
    }

    #[test]
    fn a_scope_gives_no_action_that_asks_for_more() {
        let viewer = with(&["run:*"], "web-1");
        let pause = spec("collector.pause", Permission::Administer);
        assert!(viewer.require_run(&pause, &Params::new()).is_err() && !viewer.may_run(&pause));
        let admin = Viewer::new(1, "ana", Role::Admin);
        admin.require_run(&pause, &Params::new()).unwrap();
    }

    #[test]
    fn the_browser_gets_permissions_by_name_and_no_scopes() {
        let viewer = with(&["view_runs", "run:service.* on web-*"], "web-1");
        let text = serde_json::to_string(&viewer).unwrap();
        assert_eq!(
            text,
            r#"{"user_id":1,"name":"ana","role":"deployer","permissions":["view_runs","run_actions"]}"#
        );
        let read: Viewer = crate::json::read(&text).unwrap();
        assert!(read.may(Permission::RunActions) && !read.may(Permission::Approve));
        let restart = spec("service.restart", Permission::RunActions);
        assert!(!read.may_run(&restart), "what was not told allows nothing");
    }

    #[test]
    fn nobody_can_give_more_than_they_have() {
        let parse = |grants: &[&str]| Grants::parse(grants).unwrap();
        let operator = Viewer::new(1, "ana", Role::Operator);
        assert!(operator.covers(&parse(&["run_actions", "view_logs"])));
        assert!(operator.covers(&parse(&["run:service.*"])));
        assert!(!operator.covers(&parse(&["manage_users"])));
        let narrow = with(&["run:service.restart on web-*"], "web-1");
        assert!(narrow.covers(&parse(&["run:service.restart on web-*"])));
        for wider in ["run_actions", "run:service.restart", "run:service.* on web-*"] {
            assert!(!narrow.covers(&parse(&[wider])), "{wider}");
        }
    }
}
