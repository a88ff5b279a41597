//! `[oidc]`: which provider signs people in, and who of them may be here.

use farol_model::Role;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, net::IpAddr, path::PathBuf};
use url::Url;

/// See the module.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct OidcConfig {
    /// The provider's issuer, as it writes it itself: `https://id.example.org/realms/ops`. Without it this is off.
    pub issuer: Option<String>,
    /// What the provider calls this Farol.
    pub client_id: String,
    /// The secret that goes with it. Better in the environment (`FAROL_OIDC__CLIENT_SECRET`) or a file than here.
    pub client_secret: Option<Secret>,
    /// A file whose first line is the secret.
    pub client_secret_file: Option<PathBuf>,
    /// What people know the provider as: "Sign in with ...".
    pub title: String,
    /// Scopes beside `openid`.
    pub scopes: Vec<String>,
    /// The claim that becomes the name of a new account.
    pub name_claim: String,
    /// The claim that lists groups, or holds one.
    pub groups_claim: String,
    /// Role by group; of several the widest counts.
    pub roles: BTreeMap<String, String>,
    /// Role of those whom no group gives one. Without it they may not sign in.
    pub default_role: Option<String>,
    /// Domains of verified mail addresses that may sign in; empty lets all.
    pub allowed_domains: Vec<String>,
    /// Groups of which one is needed; empty lets all.
    pub allowed_groups: Vec<String>,
}

impl Default for OidcConfig {
    fn default() -> Self {
        OidcConfig {
            issuer: None,
            client_id: String::new(),
            client_secret: None,
            client_secret_file: None,
            title: "single sign-on".to_owned(),
            scopes: vec!["profile".to_owned(), "email".to_owned()],
            name_claim: "preferred_username".to_owned(),
            groups_claim: "groups".to_owned(),
            roles: BTreeMap::new(),
            default_role: None,
            allowed_domains: Vec::new(),
            allowed_groups: Vec::new(),
        }
    }
}

/// Text that no log shows.
#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl OidcConfig {
    pub fn is_on(&self) -> bool {
        self.issuer.is_some()
    }

    /// Key and reason of what is wrong.
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        let mut wrong = |key: &str, reason: String| problems.push((key.to_owned(), reason));
        let Some(issuer) = &self.issuer else {
            if !self.client_id.is_empty() {
                wrong(
                    "issuer",
                    "is missing: oidc.client_id is of no use without it".to_owned(),
                );
            }
            return problems;
        };
        if let Some(reason) = issuer_problem(issuer) {
            wrong("issuer", reason);
        }
        if self.client_id.is_empty() {
            wrong("client_id", "is missing; the provider gives it to you".to_owned());
        }
        if self.client_secret.is_some() && self.client_secret_file.is_some() {
            wrong(
                "client_secret_file",
                "there is a secret already in oidc.client_secret; take one of the two away".to_owned(),
            );
        }
        if let Err(reason) = self.secret() {
            wrong("client_secret_file", reason);
        }
        for (group, role) in &self.roles {
            if let Err(error) = role.parse::<Role>() {
                wrong("roles", format!("{group}: {error}"));
            }
        }
        if let Some(Err(error)) = self.default_role.as_deref().map(str::parse::<Role>) {
            wrong("default_role", error.to_string());
        }
        if self.roles.is_empty() && self.default_role.is_none() {
            wrong(
                "roles",
                "nobody could sign in: give groups a role here, or set oidc.default_role".to_owned(),
            );
        }
        problems
    }

    /// The client secret, from wherever it is; None for a public client.
    pub fn secret(&self) -> Result<Option<Secret>, String> {
        let Some(file) = &self.client_secret_file else {
            return Ok(self.client_secret.clone());
        };
        let text = std::fs::read_to_string(file)
            .map_err(|error| format!("{}: cannot be read: {error}", file.display()))?;
        match text.lines().next().map(str::trim).filter(|line| !line.is_empty()) {
            Some(line) => Ok(Some(Secret(line.to_owned()))),
            None => Err(format!("{}: its first line is empty", file.display())),
        }
    }
}

/// Whether tokens could be read on their way.
fn issuer_problem(issuer: &str) -> Option<String> {
    let Ok(url) = Url::parse(issuer) else {
        return Some(format!("`{issuer}` is no address"));
    };
    let host = url.host_str().unwrap_or_default();
    let local = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    match url.scheme() {
        "https" => None,
        "http" if local => None,
        _ => Some("must be https, except on loopback".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole() -> OidcConfig {
        OidcConfig {
            issuer: Some("https://id.example.org".into()),
            client_id: "farol".into(),
            default_role: Some("viewer".into()),
            ..OidcConfig::default()
        }
    }

    #[test]
    fn what_is_wrong_is_named_and_what_is_whole_is_not() {
        assert!(OidcConfig::default().problems().is_empty() && !OidcConfig::default().is_on());
        assert!(whole().problems().is_empty(), "{:?}", whole().problems());
        type Change = fn(&mut OidcConfig);
        let changes: [(Change, &str, &str); 8] = [
            (|c| c.issuer = None, "issuer", "missing"),
            (
                |c| c.issuer = Some("http://id.example.org".into()),
                "issuer",
                "https",
            ),
            (|c| c.issuer = Some("id".into()), "issuer", "no address"),
            (|c| c.client_id.clear(), "client_id", "missing"),
            (
                |c| c.client_secret_file = Some("/nonexistent".into()),
                "client_secret_file",
                "cannot be read",
            ),
            (
                |c| c.default_role = Some("root".into()),
                "default_role",
                "not a role",
            ),
            (|c| c.default_role = None, "roles", "nobody"),
            (
                |c| drop(c.roles.insert("ops".into(), "boss".into())),
                "roles",
                "ops",
            ),
        ];
        for (change, key, reason) in changes {
            let mut config = whole();
            change(&mut config);
            let problems = config.problems();
            assert!(
                problems.iter().any(|(k, r)| k == key && r.contains(reason)),
                "{key}: {problems:?}"
            );
        }
    }

    #[test]
    fn the_secret_is_read_from_its_file_and_shown_by_no_log() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "hunter2\n").unwrap();
        let config = OidcConfig {
            client_secret_file: Some(file.path().into()),
            ..whole()
        };
        assert_eq!(config.secret().unwrap(), Some(Secret("hunter2".into())));
        let given = OidcConfig {
            client_secret: Some(Secret("hunter2".into())),
            ..whole()
        };
        assert!(!format!("{given:?}").contains("hunter2"));
        std::fs::write(file.path(), "\n").unwrap();
        assert!(config.secret().is_err());
    }
}
