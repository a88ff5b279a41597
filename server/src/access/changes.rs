//! Changes of users, tokens and sessions, from the Settings pages and from the command line alike: each is written to the audit
//! log before it is made, and completed there with how it went. What cannot be written down is not done.
//!
//! Whether somebody may make a change is asked before; see `settings`.

use super::{
    password::{self, HashError, Hasher, WeakPassword},
    sessions::{SessionInfo, Sessions},
    tokens::{NewToken, TokenError, TokenInfo, Tokens},
    users::{User, UserError, Users},
};
use crate::audit::{AuditLog, NewEntry};
use farol_model::audit::AuditOutcome;
use serde_json::{Value, json};
use sqlx::SqlitePool;
use std::future::Future;

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    #[error(transparent)]
    User(#[from] UserError),
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error(transparent)]
    Weak(#[from] WeakPassword),
    #[error(transparent)]
    Hash(#[from] HashError),
    #[error("there is no token {0}")]
    NoToken(i64),
    #[error("there is no session {0}, or it has ended already")]
    NoSession(i64),
    #[error("the audit log cannot be written, so nothing was done")]
    NotWritten(#[source] sqlx::Error),
    #[error("the database cannot be used")]
    Database(#[from] sqlx::Error),
}

/// Who makes a change.
#[derive(Debug, Clone)]
pub struct By {
    pub who: String,
    /// Address of the peer, or `command line`.
    pub from: String,
}

/// Makes changes. Cheap to clone.
#[derive(Clone)]
pub struct Changes {
    users: Users,
    tokens: Tokens,
    sessions: Sessions,
    audit: AuditLog,
    hasher: Hasher,
}

impl Changes {
    pub fn new(pool: &SqlitePool, audit: AuditLog, hasher: Hasher) -> Self {
        Changes {
            users: Users::new(pool.clone()),
            tokens: Tokens::new(pool.clone()),
            sessions: Sessions::new(pool.clone()),
            audit,
            hasher,
        }
    }

    pub async fn add_user(
        &self,
        by: &By,
        name: &str,
        role: &str,
        password: String,
    ) -> Result<(), ChangeError> {
        let hash = self.hash(password).await?;
        let change = async {
            self.users.add(name, role, &hash).await?;
            Ok((format!("Added {name} as {role}."), ()))
        };
        self.audited(by, "user.add", json!({ "user": name, "role": role }), change)
            .await
    }

    /// False when it was the role already.
    pub async fn set_role(&self, by: &By, name: &str, role: &str) -> Result<bool, ChangeError> {
        let change = async {
            let changed = self.users.set_role(name, role).await?;
            let detail = match changed {
                true => format!("{name} is {role} now; their sessions have ended."),
                false => format!("{name} was {role} already."),
            };
            Ok((detail, changed))
        };
        self.audited(by, "user.role", json!({ "user": name, "role": role }), change)
            .await
    }

    pub async fn set_password(&self, by: &By, name: &str, password: String) -> Result<(), ChangeError> {
        let hash = self.hash(password).await?;
        let change = async {
            self.users.set_password(name, &hash).await?;
            Ok((
                format!("Set a new password for {name}; their sessions have ended."),
                (),
            ))
        };
        self.audited(by, "user.passwd", json!({ "user": name }), change)
            .await
    }

    pub async fn set_disabled(&self, by: &By, name: &str, disabled: bool) -> Result<(), ChangeError> {
        let what = if disabled { "user.disable" } else { "user.enable" };
        let change = async {
            self.users.set_disabled(name, disabled).await?;
            let detail = match disabled {
                true => format!("Disabled {name}; their sessions have ended."),
                false => format!("Enabled {name}."),
            };
            Ok((detail, ()))
        };
        self.audited(by, what, json!({ "user": name }), change).await
    }

    /// Id and text of the new token.
    pub async fn create_token(
        &self,
        by: &By,
        owner: &User,
        new: &NewToken,
    ) -> Result<(i64, String), ChangeError> {
        let params = json!({
            "user": owner.name,
            "token": new.name,
            "permissions": new.grants.as_ref().map_or_else(|| "all of the user's".to_owned(), |grants| grants.words().join(", ")),
            "expires": new.expires_ms.map_or_else(|| "never".to_owned(), farol_app::ui::moment::utc),
        });
        let change = async {
            let (id, text) = self.tokens.create(owner, new).await?;
            Ok((
                format!("Made token {id} ({}) for {}.", new.name, owner.name),
                (id, text),
            ))
        };
        self.audited(by, "token.create", params, change).await
    }

    pub async fn revoke_token(&self, by: &By, token: &TokenInfo) -> Result<(), ChangeError> {
        let params = json!({ "user": token.user, "token": token.name, "id": token.id.to_string() });
        let change = async {
            if !self.tokens.revoke(token.id).await? {
                return Err(ChangeError::NoToken(token.id));
            }
            Ok((
                format!("Revoked token {} ({}) of {}.", token.id, token.name, token.user),
                (),
            ))
        };
        self.audited(by, "token.revoke", params, change).await
    }

    pub async fn end_session(&self, by: &By, session: &SessionInfo) -> Result<(), ChangeError> {
        let params =
            json!({ "user": session.user, "id": session.id.to_string(), "address": session.address });
        let change = async {
            if !self.sessions.end(session.id).await? {
                return Err(ChangeError::NoSession(session.id));
            }
            Ok((format!("Ended session {} of {}.", session.id, session.user), ()))
        };
        self.audited(by, "session.revoke", params, change).await
    }

    /// Ends all of a user but the one of this name. The names of those that ended.
    pub async fn end_sessions(
        &self,
        by: &By,
        user: &User,
        but: Option<&str>,
    ) -> Result<Vec<String>, ChangeError> {
        let change = async {
            let ended = self.sessions.end_all(user.id, but).await?;
            Ok((format!("Ended {} sessions of {}.", ended.len(), user.name), ended))
        };
        self.audited(by, "session.revoke_all", json!({ "user": user.name }), change)
            .await
    }

    async fn hash(&self, password: String) -> Result<String, ChangeError> {
        password::check(&password)?;
        Ok(self.hasher.hash(password).await?)
    }

    /// A change between its entry in the log and how it went.
    async fn audited<T>(
        &self,
        by: &By,
        what: &str,
        params: Value,
        change: impl Future<Output = Result<(String, T), ChangeError>>,
    ) -> Result<T, ChangeError> {
        let entry = NewEntry {
            who: by.who.clone(),
            from: by.from.clone(),
            what: what.to_owned(),
            params: shortened(params),
            run: None,
            outcome: AuditOutcome::Started,
            detail: String::new(),
        };
        let id = self.audit.record(entry).await.map_err(ChangeError::NotWritten)?;
        let (outcome, detail, answer) = match change.await {
            Ok((detail, value)) => (AuditOutcome::Succeeded, detail, Ok(value)),
            Err(error) => (AuditOutcome::Failed, format!("Not changed: {error}."), Err(error)),
        };
        if let Err(error) = self.audit.complete(id, outcome, &detail).await {
            tracing::error!(%error, what, "the audit entry of a change cannot be completed");
        }
        answer
    }
}

/// Values as JSON text, cut so that nobody can fill the log with one request.
fn shortened(mut params: Value) -> String {
    if let Value::Object(fields) = &mut params {
        for value in fields.values_mut() {
            if let Value::String(text) = value {
                *text = text.chars().filter(|c| !c.is_control()).take(500).collect();
            }
        }
    }
    params.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db;
    use farol_model::{Role, audit::AuditQuery};

    fn by() -> By {
        By {
            who: "ana".into(),
            from: "127.0.0.1".into(),
        }
    }

    #[tokio::test]
    async fn what_cannot_be_written_down_is_not_done() {
        let pool = db::open_in_memory().await.unwrap();
        let changes = Changes::new(&pool, AuditLog::new(pool.clone()), Hasher::default());
        changes.users.add("ben", Role::Viewer, "h").await.unwrap();
        sqlx::query("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'disk full'); END")
            .execute(&pool)
            .await
            .unwrap();
        let refused = changes.set_role(&by(), "ben", "admin").await;
        assert!(matches!(refused, Err(ChangeError::NotWritten(_))), "{refused:?}");
        assert_eq!(
            changes.users.by_name("ben").await.unwrap().unwrap().role,
            "viewer"
        );
    }

    #[tokio::test]
    async fn a_change_and_a_refused_one_are_told_with_who_and_what_and_no_secret() {
        let pool = db::open_in_memory().await.unwrap();
        let audit = AuditLog::new(pool.clone());
        let changes = Changes::new(&pool, audit.clone(), Hasher::default());
        changes
            .add_user(&by(), "ben", "admin", "a good password".into())
            .await
            .unwrap();
        assert!(
            changes.set_role(&by(), "ben", "viewer").await.is_err(),
            "the last administrator"
        );
        let ben = changes.users.by_name("ben").await.unwrap().unwrap();
        let new = NewToken {
            name: "ci".into(),
            ..Default::default()
        };
        let (_, text) = changes.create_token(&by(), &ben, &new).await.unwrap();
        let log = audit.page(&AuditQuery::default()).await.unwrap();
        let told: Vec<_> = log
            .entries
            .iter()
            .map(|entry| (entry.what.as_str(), entry.outcome))
            .collect();
        assert_eq!(
            told,
            [
                ("token.create", AuditOutcome::Succeeded),
                ("user.role", AuditOutcome::Failed),
                ("user.add", AuditOutcome::Succeeded),
            ]
        );
        assert!(log.entries[1].detail.contains("last administrator"));
        let all = format!("{log:?}");
        assert!(!all.contains(&text) && !all.contains("a good password"));
        assert!(
            log.entries
                .iter()
                .all(|entry| entry.who == "ana" && entry.from == "127.0.0.1")
        );
    }
}
