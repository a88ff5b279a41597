//! Which account a subject of the provider is here. A new subject gets a new account; one that was made here by hand is never
//! taken over because of its name.

use super::claims::Person;
use crate::{
    access::{
        password::Hasher,
        tokens::random_hex,
        users::{User, UserError, Users},
    },
    time::now_ms,
};
use sqlx::SqlitePool;

/// Why there is no account.
#[derive(Debug, thiserror::Error)]
pub enum NoAccount {
    #[error("there is an account `{0}` already, which does not sign in this way")]
    Taken(String),
    #[error("the account is disabled")]
    Disabled,
    #[error(transparent)]
    User(#[from] UserError),
    #[error("the database cannot be used")]
    Database(#[from] sqlx::Error),
    #[error("{0}")]
    Hash(#[from] crate::access::password::HashError),
}

/// What was done to have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    Known,
    Made,
    /// The provider gives another role than last time.
    RoleChanged,
}

/// The account of this person, made or brought up to date.
pub async fn account(
    pool: &SqlitePool,
    hasher: &Hasher,
    issuer: &str,
    person: &Person,
) -> Result<(User, Found), NoAccount> {
    let users = Users::new(pool.clone());
    let known: Option<i64> =
        sqlx::query_scalar("SELECT user_id FROM oidc_subjects WHERE issuer = ? AND subject = ?")
            .bind(issuer)
            .bind(&person.subject)
            .fetch_optional(pool)
            .await?;
    let Some(id) = known else {
        return make(pool, &users, hasher, issuer, person).await;
    };
    let changed = sqlx::query(
        "UPDATE users SET role = ?1, generation = generation + 1 WHERE id = ?2 AND role <> ?1 AND \
         (role <> 'admin' OR EXISTS (SELECT 1 FROM users WHERE role = 'admin' AND disabled = 0 AND id <> ?2))",
    )
    .bind(person.role.as_str())
    .bind(id)
    .execute(pool)
    .await?;
    let user = users.by_id(id).await?.filter(|user| !user.disabled);
    let found = match changed.rows_affected() {
        0 => Found::Known,
        _ => Found::RoleChanged,
    };
    user.map(|user| (user, found)).ok_or(NoAccount::Disabled)
}

async fn make(
    pool: &SqlitePool,
    users: &Users,
    hasher: &Hasher,
    issuer: &str,
    person: &Person,
) -> Result<(User, Found), NoAccount> {
    // A password that nobody has: such an account signs in by its provider only.
    let password = hasher.hash(random_hex()).await?;
    let id = match users.add(&person.name, person.role, &password).await {
        Ok(id) => id,
        Err(UserError::Taken(name)) => return Err(NoAccount::Taken(name)),
        Err(error) => return Err(error.into()),
    };
    sqlx::query("INSERT INTO oidc_subjects (issuer, subject, user_id, created_ms) VALUES (?, ?, ?, ?)")
        .bind(issuer)
        .bind(&person.subject)
        .bind(id)
        .bind(now_ms())
        .execute(pool)
        .await?;
    let user = users.by_id(id).await?;
    user.map(|user| (user, Found::Made)).ok_or(NoAccount::Disabled)
}

/// Whether the provider signs this account in.
pub async fn provided(pool: &SqlitePool, user_id: i64) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM oidc_subjects WHERE user_id = ?)")
        .bind(user_id)
        .fetch_one(pool)
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db;
    use farol_model::Role;

    fn person(subject: &str, name: &str, role: Role) -> Person {
        Person {
            subject: subject.into(),
            name: name.into(),
            role,
        }
    }

    #[tokio::test]
    async fn a_subject_is_one_account_whatever_it_is_called_and_takes_over_no_other() {
        let pool = db::open_in_memory().await.unwrap();
        let users = Users::new(pool.clone());
        users.add("ana", Role::Admin, "h").await.unwrap();
        let hasher = Hasher::default();
        let find = async |issuer: &str, who: Person| account(&pool, &hasher, issuer, &who).await;
        let taken = find("i", person("1", "ana", Role::Viewer)).await.unwrap_err();
        assert!(matches!(taken, NoAccount::Taken(_)), "{taken}");
        let (ben, found) = find("i", person("2", "ben", Role::Viewer)).await.unwrap();
        assert_eq!((found, ben.role.as_str()), (Found::Made, "viewer"));
        let (same, found) = find("i", person("2", "renamed", Role::Operator)).await.unwrap();
        assert_eq!(
            (same.id, same.role.as_str(), found),
            (ben.id, "operator", Found::RoleChanged)
        );
        assert_ne!(same.auth_hash, ben.auth_hash, "sessions of the other role end");
        let other = find("another issuer", person("2", "ben", Role::Viewer)).await;
        assert!(matches!(other, Err(NoAccount::Taken(_))));
        users.set_disabled("ben", true).await.unwrap();
        let disabled = find("i", person("2", "ben", Role::Operator)).await;
        assert!(matches!(disabled, Err(NoAccount::Disabled)));
        assert!(provided(&pool, ben.id).await.unwrap() && !provided(&pool, 1).await.unwrap());
    }
}
