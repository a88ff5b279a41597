//! Who may do what. Roles are sets of permissions; every check in Farol asks for a permission, never for a role.

use crate::{fields, words};
use serde::Serialize;
use std::{fmt, str::FromStr};

/// A named set of permissions. The order is by reach: a later role may do all that an earlier one may.
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
    /// Start and cancel operator actions.
    RunActions,
    /// Start and cancel actions that change Farol itself.
    Administer,
    /// Read the audit log.
    ViewAudit,
    /// See who is connected, and what is said to them.
    ViewConnections,
    /// Read what containers and services write to their logs.
    ViewLogs,
}

words!(Permission {
    ViewMetrics = "view_metrics",
    ViewProcesses = "view_processes",
    ViewRuns = "view_runs",
    RunActions = "run_actions",
    Administer = "administer",
    ViewAudit = "view_audit",
    ViewConnections = "view_connections",
    ViewLogs = "view_logs",
});

impl Role {
    /// The matrix. Every check in the process ends here.
    pub fn allows(self, permission: Permission) -> bool {
        use Permission as P;
        match permission {
            P::ViewMetrics | P::ViewProcesses => true,
            P::ViewRuns | P::RunActions | P::ViewAudit | P::ViewConnections | P::ViewLogs => {
                self >= Role::Operator
            }
            P::Administer => self >= Role::Admin,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
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
    /// What the user may do.
    pub role: Role,
}

fields!(Viewer { user_id, name, role });

impl Viewer {
    /// Whether this viewer holds the permission.
    pub fn may(&self, permission: Permission) -> bool {
        self.role.allows(permission)
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
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let viewer = Viewer {
            user_id: 1,
            name: "ana".into(),
            role: Role::Viewer,
        };
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
}
