//! What a role or a token is given, as it is written: words of permissions, and `run:` scopes.

use super::{Permission, Scope};
use crate::json::{FromJson, Json, Mismatch};
use serde::{Serialize, Serializer};

/// Grants of one role or token at most.
pub const MAX_GRANTS: usize = 64;

/// A set of permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Permissions(u32);

impl Permissions {
    fn bit(permission: Permission) -> u32 {
        1 << permission as u32
    }

    pub fn contains(self, permission: Permission) -> bool {
        self.0 & Self::bit(permission) != 0
    }

    pub fn contains_all(self, others: Permissions) -> bool {
        self.0 & others.0 == others.0
    }

    /// What is in both.
    pub fn and(self, other: Permissions) -> Permissions {
        Permissions(self.0 & other.0)
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// In display order.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.into_iter().filter(move |one| self.contains(*one))
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(all: I) -> Self {
        Permissions(all.into_iter().fold(0, |bits, one| bits | Self::bit(one)))
    }
}

impl Serialize for Permissions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl FromJson for Permissions {
    /// A word that is not known is of a newer server and allows nothing here.
    fn from_json(json: Json) -> Result<Self, Mismatch> {
        let mut bits = Permissions::default();
        for word in json.list()? {
            if let Some(one) = Permission::parse(&word.text()?) {
                bits.0 |= Self::bit(one);
            }
        }
        Ok(bits)
    }
}

/// Permissions and scopes together. Without scopes [`Permission::RunActions`] means all actions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Grants {
    permissions: Permissions,
    scopes: Vec<Scope>,
}

/// A grant that cannot be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadGrant {
    #[error("there is no permission `{0}`; there are {known}, and run:ACTION on HOST", known = known())]
    Unknown(String),
    #[error("`{0}` is no scope: {1}")]
    BadScope(String, &'static str),
    #[error("`run_actions` is every action already; take it away, or the lines that begin with `run:`")]
    Both,
    #[error("nothing is granted; name at least one permission")]
    Nothing,
    #[error("there are more than {MAX_GRANTS} grants")]
    Many,
}

fn known() -> String {
    Permission::ALL.map(Permission::as_str).join(", ")
}

impl Grants {
    /// From words such as `view_metrics` and `run:service.restart on web-*`.
    pub fn parse<S: AsRef<str>>(words: &[S]) -> Result<Grants, BadGrant> {
        if words.len() > MAX_GRANTS {
            return Err(BadGrant::Many);
        }
        let mut grants = Grants::default();
        let mut every = false;
        for word in words
            .iter()
            .map(|word| word.as_ref().trim())
            .filter(|word| !word.is_empty())
        {
            let shown = || word.chars().take(160).collect::<String>();
            let permission = match word.strip_prefix("run:") {
                Some(scope) => {
                    let scope = Scope::parse(scope).map_err(|reason| BadGrant::BadScope(shown(), reason))?;
                    grants.scopes.push(scope);
                    Permission::RunActions
                }
                None => Permission::parse(word).ok_or_else(|| BadGrant::Unknown(shown()))?,
            };
            every |= word == Permission::RunActions.as_str();
            grants.permissions.0 |= Permissions::bit(permission);
        }
        if every && !grants.scopes.is_empty() {
            return Err(BadGrant::Both);
        }
        if grants.permissions.is_empty() {
            return Err(BadGrant::Nothing);
        }
        Ok(grants)
    }

    /// Of a set, everywhere.
    pub fn of(permissions: Permissions) -> Grants {
        Grants {
            permissions,
            scopes: Vec::new(),
        }
    }

    pub fn permissions(&self) -> Permissions {
        self.permissions
    }

    /// Empty: every action, where actions may be run at all.
    pub fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// As it is written, one word each; what [`Grants::parse`] reads.
    pub fn words(&self) -> Vec<String> {
        let all = |permission: &Permission| *permission != Permission::RunActions || self.scopes.is_empty();
        let permissions = self
            .permissions
            .iter()
            .filter(all)
            .map(|one| one.as_str().to_owned());
        permissions
            .chain(self.scopes.iter().map(Scope::to_string))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let words = [
            "view_metrics",
            "approve",
            "run:service.restart on web-*",
            "run:runbook.*",
        ];
        let grants = Grants::parse(&words).unwrap();
        assert_eq!(Grants::parse(&grants.words()), Ok(grants.clone()));
        assert!(grants.permissions().contains(Permission::RunActions));
        assert!(!grants.words().contains(&"run_actions".to_owned()));
        let all: Permissions = Permission::ALL.into_iter().collect();
        assert_eq!(Grants::parse(&Grants::of(all).words()), Ok(Grants::of(all)));
    }

    #[test]
    fn what_cannot_be_granted_says_why() {
        let refused = |words: &[&str]| Grants::parse(words).unwrap_err().to_string();
        assert!(
            refused(&["fly"]).contains("view_metrics"),
            "{}",
            refused(&["fly"])
        );
        assert!(refused(&["run:"]).contains("run:ACTION on HOST"));
        assert!(refused(&[]).contains("nothing"));
        assert!(refused(&[" "]).contains("nothing"));
        assert!(refused(&["run_actions", "run:a"]).contains("every action already"));
        assert!(refused(&["run:a", "run_actions"]).contains("every action already"));
        assert!(refused(&["approve"; 65]).contains("64"));
        Grants::parse(&["run:a", "run:b", "run:c"]).unwrap();
    }
}
