//! Changes of users, tokens and sessions, from the Settings pages and from the command line alike. Each is one transaction with its
//! entry in the audit log: a crash at any point leaves both or neither, and what cannot be written down is not done. What failed
//! leaves an entry that says so.
//!
//! Whether somebody may make a change is asked before; see `settings`.

use super::{
    password::{self, HashError, Hasher, WeakPassword},
    proof::{self, stepup},
    sessions::{self, SessionInfo},
    tokens::{self, NewToken, TokenError, TokenInfo},
    users::{self, User, UserError},
};
use crate::audit::{AuditLog, NewEntry, Together};
use farol_model::audit::AuditOutcome;
use serde_json::{Value, json};
use sqlx::SqliteConnection;

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
    audit: AuditLog,
    hasher: Hasher,
}

impl Changes {
    pub fn new(audit: AuditLog, hasher: Hasher) -> Self {
        Changes { audit, hasher }
    }

    pub async fn add_user(
        &self,
        by: &By,
        name: &str,
        role: &str,
        password: String,
    ) -> Result<(), ChangeError> {
        let hash = self.hash(password).await?;
        let mut change = self
            .begin(by, "user.add", json!({ "user": name, "role": role }))
            .await?;
        let done = users::add(change.connection(), name, role, &hash).await;
        change
            .end(done.map(drop), |()| format!("Added {name} as {role}."))
            .await
    }

    /// False when it was the role already.
    pub async fn set_role(&self, by: &By, name: &str, role: &str) -> Result<bool, ChangeError> {
        let mut change = self
            .begin(by, "user.role", json!({ "user": name, "role": role }))
            .await?;
        let done = users::set_role(change.connection(), name, role).await;
        let said = |changed: &bool| match changed {
            true => format!("{name} is {role} now; their sessions have ended."),
            false => format!("{name} was {role} already."),
        };
        change.end(done, said).await
    }

    pub async fn set_password(&self, by: &By, name: &str, password: String) -> Result<(), ChangeError> {
        let hash = self.hash(password).await?;
        let mut change = self.begin(by, "user.passwd", json!({ "user": name })).await?;
        let done = users::set_password(change.connection(), name, &hash).await;
        let said = |(): &()| format!("Set a new password for {name}; their sessions have ended.");
        change.end(done, said).await
    }

    pub async fn set_disabled(&self, by: &By, name: &str, disabled: bool) -> Result<(), ChangeError> {
        let what = if disabled { "user.disable" } else { "user.enable" };
        let mut change = self.begin(by, what, json!({ "user": name })).await?;
        let done = users::set_disabled(change.connection(), name, disabled).await;
        let said = |(): &()| match disabled {
            true => format!("Disabled {name}; their sessions have ended."),
            false => format!("Enabled {name}."),
        };
        change.end(done, said).await
    }

    /// Takes away the second step, recovery codes and passkeys; the password stays.
    pub async fn reset_proofs(&self, by: &By, user: &User) -> Result<(), ChangeError> {
        let name = &user.name;
        let mut change = self
            .begin(by, "user.reset_proofs", json!({ "user": name }))
            .await?;
        let done = proof::reset(change.connection(), user.id).await;
        let said = |(): &()| {
            format!(
                "Took away the authenticator app, recovery codes and passkeys of {name}; their sessions have ended."
            )
        };
        change.end(done, said).await
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
        let mut change = self.begin(by, "token.create", params).await?;
        let done = tokens::create(change.connection(), owner, new).await;
        let said = |(id, _): &(i64, String)| format!("Made token {id} ({}) for {}.", new.name, owner.name);
        change.end(done, said).await
    }

    pub async fn revoke_token(&self, by: &By, token: &TokenInfo) -> Result<(), ChangeError> {
        let mut change = self.begin(by, "token.revoke", of_token(token)).await?;
        let done = match tokens::revoke(change.connection(), token.id).await {
            Ok(false) => Err(ChangeError::NoToken(token.id)),
            other => other.map(drop).map_err(ChangeError::from),
        };
        let said = |(): &()| format!("Revoked token {} ({}) of {}.", token.id, token.name, token.user);
        change.end(done, said).await
    }

    /// Lets a token run what asks for a fresh proof, or no more. False when nothing changed.
    pub async fn trust_token(&self, by: &By, token: &TokenInfo, trust: bool) -> Result<bool, ChangeError> {
        let (what, done) = match trust {
            true => ("token.trust", "may run dangerous actions"),
            false => ("token.distrust", "may run no dangerous action any more"),
        };
        let mut change = self.begin(by, what, of_token(token)).await?;
        let changed = stepup::trust(change.connection(), token.id, trust).await;
        let said = |changed: &bool| match changed {
            true => format!("Token {} ({}) of {} {done}.", token.id, token.name, token.user),
            false => format!("Changed nothing: that was so already of token {}.", token.id),
        };
        change.end(changed, said).await
    }

    pub async fn end_session(&self, by: &By, session: &SessionInfo) -> Result<(), ChangeError> {
        let params =
            json!({ "user": session.user, "id": session.id.to_string(), "address": session.address });
        let mut change = self.begin(by, "session.revoke", params).await?;
        let done = match sessions::end(change.connection(), session.id).await {
            Ok(false) => Err(ChangeError::NoSession(session.id)),
            other => other.map(drop).map_err(ChangeError::from),
        };
        let said = |(): &()| format!("Ended session {} of {}.", session.id, session.user);
        change.end(done, said).await
    }

    /// Ends all of a user but the one of this name. The names of those that ended.
    pub async fn end_sessions(
        &self,
        by: &By,
        user: &User,
        but: Option<&str>,
    ) -> Result<Vec<String>, ChangeError> {
        let mut change = self
            .begin(by, "session.revoke_all", json!({ "user": user.name }))
            .await?;
        let done = sessions::end_all(change.connection(), user.id, but).await;
        let said = |ended: &Vec<String>| format!("Ended {} sessions of {}.", ended.len(), user.name);
        change.end(done, said).await
    }

    async fn hash(&self, password: String) -> Result<String, ChangeError> {
        password::check(&password)?;
        Ok(self.hasher.hash(password).await?)
    }

    async fn begin(&self, by: &By, what: &str, params: Value) -> Result<Change, ChangeError> {
        let entry = NewEntry {
            who: by.who.clone(),
            from: by.from.clone(),
            what: what.to_owned(),
            params: shortened(params),
            run: None,
            outcome: AuditOutcome::Succeeded,
            detail: String::new(),
        };
        Ok(Change {
            audit: self.audit.clone(),
            both: self.audit.together().await?,
            entry,
        })
    }
}

/// A change on its way: it and its entry are one transaction.
struct Change {
    audit: AuditLog,
    both: Together,
    entry: NewEntry,
}

impl Change {
    fn connection(&mut self) -> &mut SqliteConnection {
        self.both.connection()
    }

    /// What was done lasts with its entry. What failed is undone, and an entry says so; `said` is one sentence of a good end.
    async fn end<T, E: Into<ChangeError>>(
        self,
        done: Result<T, E>,
        said: impl FnOnce(&T) -> String,
    ) -> Result<T, ChangeError> {
        let Change { audit, both, entry } = self;
        match done {
            Ok(done) => {
                let detail = said(&done);
                let written = both.commit(NewEntry { detail, ..entry }).await;
                written.map_err(ChangeError::NotWritten)?;
                Ok(done)
            }
            Err(error) => {
                let error = error.into();
                drop(both);
                let failed = NewEntry {
                    outcome: AuditOutcome::Failed,
                    detail: format!("Not changed: {error}."),
                    ..entry
                };
                if let Err(error) = audit.record(failed).await {
                    tracing::error!(%error, "that a change failed cannot be written to the audit log");
                }
                Err(error)
            }
        }
    }
}

fn of_token(token: &TokenInfo) -> Value {
    json!({ "user": token.user, "token": token.name, "id": token.id.to_string() })
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
    use crate::{access::users::Users, db};
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
        let changes = Changes::new(AuditLog::new(pool.clone()), Hasher::default());
        let users = Users::new(pool.clone());
        users.add("ben", Role::Viewer, "h").await.unwrap();
        sqlx::query("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'disk full'); END")
            .execute(&pool)
            .await
            .unwrap();
        let refused = changes.set_role(&by(), "ben", "admin").await;
        assert!(matches!(refused, Err(ChangeError::NotWritten(_))), "{refused:?}");
        assert_eq!(
            users.by_name("ben").await.unwrap().unwrap().role,
            "viewer",
            "what was done is undone with its entry"
        );
    }

    /// The change is undone by what it ran into, and its entry says so; nothing of it is left open.
    #[tokio::test]
    async fn a_change_that_fails_leaves_an_entry_that_says_so_and_nothing_else() {
        let pool = db::open_in_memory().await.unwrap();
        let audit = AuditLog::new(pool.clone());
        let changes = Changes::new(audit.clone(), Hasher::default());
        let users = Users::new(pool.clone());
        users.add("ben", Role::Viewer, "h").await.unwrap();
        let ben = users.by_name("ben").await.unwrap().unwrap();
        sqlx::query("INSERT INTO recovery_codes (user_id, hash) VALUES (?, x'00')")
            .bind(ben.id)
            .execute(&pool)
            .await
            .unwrap();
        sqlx::query(
            "CREATE TRIGGER worn BEFORE UPDATE ON users BEGIN SELECT RAISE(ABORT, 'disk I/O error'); END",
        )
        .execute(&pool)
        .await
        .unwrap();
        // The codes were deleted before it came to the user: they are back.
        let refused = changes.reset_proofs(&by(), &ben).await;
        assert!(matches!(refused, Err(ChangeError::Database(_))), "{refused:?}");
        let codes: i64 = sqlx::query_scalar("SELECT count(*) FROM recovery_codes")
            .fetch_one(&pool)
            .await
            .unwrap();
        assert_eq!(codes, 1);
        let log = audit.page(&AuditQuery::default()).await.unwrap();
        assert_eq!(log.entries.len(), 1, "{log:?}");
        let entry = &log.entries[0];
        assert_eq!(
            (entry.what.as_str(), entry.outcome),
            ("user.reset_proofs", AuditOutcome::Failed)
        );
        assert!(entry.detail.contains("Not changed"), "{}", entry.detail);
        assert!(audit.open().await.unwrap().is_empty());
    }

    /// As a kill does it: the transaction is never committed.
    #[tokio::test]
    async fn what_breaks_off_between_a_change_and_its_entry_leaves_neither() {
        let dir = tempfile::tempdir().unwrap();
        let pool = db::open(dir.path()).await.unwrap();
        let audit = AuditLog::new(pool.clone());
        let changes = Changes::new(audit.clone(), Hasher::default());
        let users = Users::new(pool.clone());
        users.add("ben", Role::Viewer, "h").await.unwrap();
        users.add("ana", Role::Admin, "h").await.unwrap();
        let mut change = changes.begin(&by(), "user.role", json!({})).await.unwrap();
        assert!(
            users::set_role(change.connection(), "ben", "admin")
                .await
                .unwrap()
        );
        let seen = users.by_name("ben").await.unwrap().unwrap();
        assert_eq!(seen.role, "viewer", "nobody acts on it before its entry is there");
        drop(change);
        assert!(changes.set_role(&by(), "ben", "operator").await.unwrap());
        let log = audit.page(&AuditQuery::default()).await.unwrap();
        assert_eq!(log.entries.len(), 1, "that of the second change alone");
        assert_eq!(users.by_name("ben").await.unwrap().unwrap().role, "operator");
    }

    #[tokio::test]
    async fn a_change_and_a_refused_one_are_told_with_who_and_what_and_no_secret() {
        let pool = db::open_in_memory().await.unwrap();
        let audit = AuditLog::new(pool.clone());
        let changes = Changes::new(audit.clone(), Hasher::default());
        changes
            .add_user(&by(), "ben", "admin", "a good password".into())
            .await
            .unwrap();
        assert!(
            changes.set_role(&by(), "ben", "viewer").await.is_err(),
            "the last administrator"
        );
        let ben = Users::new(pool.clone()).by_name("ben").await.unwrap().unwrap();
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
