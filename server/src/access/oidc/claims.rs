//! From what the provider vouches for to a name and a role, or to a refusal that says why.

use super::config::OidcConfig;
use farol_model::Role;
use serde_json::{Map, Value};

/// Somebody who may be here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub subject: String,
    /// What a new account would be called.
    pub name: String,
    pub role: Role,
}

/// Why somebody may not be here. For the log and the audit log; the page says it shorter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stranger {
    #[error("the token has no claim `{0}`")]
    NoClaim(String),
    #[error("the mail address is not verified, or not of an allowed domain")]
    Domain,
    #[error("none of the allowed groups")]
    Group,
    #[error("no group gives a role, and there is no oidc.default_role")]
    NoRole,
}

/// `claims` are those of the verified ID token.
pub fn person(config: &OidcConfig, claims: &Map<String, Value>) -> Result<Person, Stranger> {
    let text = |claim: &str| {
        let value = claims.get(claim).and_then(Value::as_str);
        value
            .map(str::to_owned)
            .ok_or_else(|| Stranger::NoClaim(claim.to_owned()))
    };
    let groups = groups(claims.get(&config.groups_claim));
    if !config.allowed_domains.is_empty() {
        let mail = text("email").map_err(|_| Stranger::Domain)?;
        let verified = claims.get("email_verified") == Some(&Value::Bool(true));
        let domain = mail
            .rsplit_once('@')
            .map(|(_, domain)| domain.to_ascii_lowercase());
        let allowed = |domain: &String| {
            let mut all = config.allowed_domains.iter();
            all.any(|one| one.to_ascii_lowercase() == *domain)
        };
        if !verified || !domain.is_some_and(|domain| allowed(&domain)) {
            return Err(Stranger::Domain);
        }
    }
    if !config.allowed_groups.is_empty() && !groups.iter().any(|group| config.allowed_groups.contains(group))
    {
        return Err(Stranger::Group);
    }
    let roles = groups.iter().filter_map(|group| config.roles.get(group));
    let role = roles.filter_map(|role| role.parse::<Role>().ok()).max();
    let default = config.default_role.as_deref();
    let role = role.or_else(|| default.and_then(|role| role.parse().ok()));
    Ok(Person {
        subject: text("sub")?,
        name: fitting(&text(&config.name_claim)?),
        role: role.ok_or(Stranger::NoRole)?,
    })
}

/// A list of text, or one text.
fn groups(claim: Option<&Value>) -> Vec<String> {
    match claim {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(all)) => all
            .iter()
            .filter_map(|one| one.as_str().map(str::to_owned))
            .collect(),
        _ => Vec::new(),
    }
}

/// A mail address gives its local part; what a name cannot hold becomes a dash.
fn fitting(name: &str) -> String {
    let local = name.split('@').next().unwrap_or_default();
    local
        .chars()
        .map(|c| match c {
            c if c.is_ascii_alphanumeric() || "._-".contains(c) => c.to_ascii_lowercase(),
            _ => '-',
        })
        .take(64)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn config() -> OidcConfig {
        OidcConfig {
            roles: [("ops", "operator"), ("root", "admin")]
                .map(|(group, role)| (group.to_owned(), role.to_owned()))
                .into(),
            ..OidcConfig::default()
        }
    }

    fn of(config: &OidcConfig, more: Value) -> Result<Person, Stranger> {
        let mut claims = json!({ "sub": "1", "preferred_username": "Ana.B@example.org", "email": "a@Example.org", "email_verified": true });
        let more = more.as_object().unwrap().clone();
        claims.as_object_mut().unwrap().extend(more);
        person(config, claims.as_object().unwrap())
    }

    #[test]
    fn the_widest_role_of_the_groups_counts_and_without_one_the_default() {
        let ana = of(&config(), json!({ "groups": ["staff", "ops", "root"] })).unwrap();
        assert_eq!((ana.name.as_str(), ana.role), ("ana.b", Role::Admin));
        assert_eq!(
            of(&config(), json!({ "groups": "ops" })).unwrap().role,
            Role::Operator
        );
        assert_eq!(
            of(&config(), json!({ "groups": ["staff"] })),
            Err(Stranger::NoRole)
        );
        let open = OidcConfig {
            default_role: Some("viewer".into()),
            ..config()
        };
        assert_eq!(of(&open, json!({})).unwrap().role, Role::Viewer);
    }

    #[test]
    fn a_domain_counts_only_when_the_address_is_verified() {
        let config = OidcConfig {
            default_role: Some("viewer".into()),
            allowed_domains: vec!["example.org".into()],
            ..config()
        };
        assert!(of(&config, json!({})).is_ok());
        for more in [
            json!({ "email_verified": false }),
            json!({ "email_verified": "true" }),
            json!({ "email": "a@example.org.evil.example" }),
            json!({ "email": "a" }),
            json!({ "email": null }),
        ] {
            assert_eq!(of(&config, more.clone()), Err(Stranger::Domain), "{more}");
        }
    }

    #[test]
    fn a_group_is_needed_where_one_is_asked_for_and_a_claim_that_is_missing_is_named() {
        let config = OidcConfig {
            default_role: Some("viewer".into()),
            allowed_groups: vec!["staff".into()],
            ..config()
        };
        assert!(of(&config, json!({ "groups": ["staff"] })).is_ok());
        assert_eq!(of(&config, json!({ "groups": ["guests"] })), Err(Stranger::Group));
        let nameless = json!({ "groups": ["staff"], "preferred_username": null });
        assert_eq!(
            of(&config, nameless),
            Err(Stranger::NoClaim("preferred_username".into()))
        );
    }
}
