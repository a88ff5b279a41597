//! Users in SQLite.

use crate::time::now_ms;
use farol_model::Role;
use sqlx::{Row, SqliteConnection, SqlitePool, sqlite::SqliteRow};
use std::fmt;

/// One user.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    pub id: i64,
    pub name: String,
    /// Name of the role; what it allows is for [`Roles`](super::roles::Roles) to say.
    pub role: String,
    /// Argon2id PHC string.
    pub password: String,
    pub disabled: bool,
    pub generation: i64,
    /// What a session must carry to be this user's: it changes when sessions must end.
    pub auth_hash: Vec<u8>,
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("role", &self.role)
            .field("password", &"[redacted]")
            .field("disabled", &self.disabled)
            .finish_non_exhaustive()
    }
}

/// Why a user cannot be added or changed.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    #[error(
        "`{0}` cannot be a name; use 1 to 64 letters, digits, dots, dashes or underscores, beginning with a letter"
    )]
    BadName(String),
    #[error("there is a user `{0}` already")]
    Taken(String),
    #[error("there is no user `{0}`")]
    Unknown(String),
    #[error("`{0}` is the last administrator who can sign in; make another one first")]
    LastAdmin(String),
    #[error("there are users already")]
    NotFirst,
    #[error("the database cannot be used")]
    Database(#[from] sqlx::Error),
}

/// Access to the users. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Users {
    pool: SqlitePool,
}

impl Users {
    pub fn new(pool: SqlitePool) -> Self {
        Users { pool }
    }

    /// Adds a user. `password` is a hash.
    pub async fn add(&self, name: &str, role: impl AsRef<str>, password: &str) -> Result<i64, UserError> {
        let mut connection = self.pool.acquire().await?;
        add(&mut connection, name, role.as_ref(), password).await
    }

    /// Adds the very first user, an administrator. One statement decides, so two at once cannot both be first.
    pub async fn add_first(&self, name: &str, password: &str) -> Result<i64, UserError> {
        let only_first = "WHERE NOT EXISTS (SELECT 1 FROM users)";
        let mut connection = self.pool.acquire().await?;
        insert(&mut connection, name, Role::Admin.as_str(), password, only_first)
            .await?
            .ok_or(UserError::NotFirst)
    }

    pub async fn by_name(&self, name: &str) -> Result<Option<User>, sqlx::Error> {
        let Ok(name) = normal(name) else { return Ok(None) };
        let row = sqlx::query("SELECT * FROM users WHERE name = ?")
            .bind(name)
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(read).transpose()
    }

    pub async fn by_id(&self, id: i64) -> Result<Option<User>, sqlx::Error> {
        let row = sqlx::query("SELECT * FROM users WHERE id = ?")
            .bind(id)
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// By name.
    pub async fn all(&self) -> Result<Vec<User>, sqlx::Error> {
        sqlx::query("SELECT * FROM users ORDER BY name")
            .fetch_all(&self.pool)
            .await?
            .iter()
            .map(read)
            .collect()
    }

    /// By name, at most `limit` after `skip` others; only those whose name has the text in it.
    pub async fn page(&self, text: &str, skip: i64, limit: i64) -> Result<Vec<User>, sqlx::Error> {
        sqlx::query("SELECT * FROM users WHERE instr(name, ?) > 0 ORDER BY name LIMIT ? OFFSET ?")
            .bind(text.to_ascii_lowercase())
            .bind(limit)
            .bind(skip)
            .fetch_all(&self.pool)
            .await?
            .iter()
            .map(read)
            .collect()
    }

    /// How many have the text in their name.
    pub async fn count(&self, text: &str) -> Result<i64, sqlx::Error> {
        sqlx::query_scalar("SELECT count(*) FROM users WHERE instr(name, ?) > 0")
            .bind(text.to_ascii_lowercase())
            .fetch_one(&self.pool)
            .await
    }

    pub async fn is_empty(&self) -> Result<bool, sqlx::Error> {
        sqlx::query_scalar("SELECT NOT EXISTS (SELECT 1 FROM users)")
            .fetch_one(&self.pool)
            .await
    }

    /// See [`set_password`].
    pub async fn set_password(&self, name: &str, password: &str) -> Result<(), UserError> {
        set_password(&mut *self.pool.acquire().await?, name, password).await
    }

    /// See [`set_disabled`].
    pub async fn set_disabled(&self, name: &str, disabled: bool) -> Result<(), UserError> {
        set_disabled(&mut *self.pool.acquire().await?, name, disabled).await
    }

    /// See [`set_role`].
    pub async fn set_role(&self, name: &str, role: &str) -> Result<bool, UserError> {
        set_role(&mut *self.pool.acquire().await?, name, role).await
    }
}

/// Adds a user. `password` is a hash.
pub async fn add(
    connection: &mut SqliteConnection,
    name: &str,
    role: &str,
    password: &str,
) -> Result<i64, UserError> {
    insert(connection, name, role, password, "")
        .await?
        .ok_or_else(|| UserError::Taken(name.to_owned()))
}

async fn insert(
    connection: &mut SqliteConnection,
    name: &str,
    role: &str,
    password: &str,
    condition: &str,
) -> Result<Option<i64>, UserError> {
    let name = normal(name)?;
    let text = format!(
        "INSERT INTO users (name, role, password, created_ms) SELECT ?, ?, ?, ? {condition} \
         ON CONFLICT (name) DO NOTHING RETURNING id",
    );
    // SQLite needs a WHERE before ON CONFLICT after a SELECT, or it takes ON for a join.
    let text = if condition.is_empty() {
        text.replace(" ON CONFLICT", " WHERE true ON CONFLICT")
    } else {
        text
    };
    let id = sqlx::query_scalar(&text)
        .bind(&name)
        .bind(role)
        .bind(password)
        .bind(now_ms())
        .fetch_optional(connection)
        .await?;
    Ok(id)
}

/// Sets a password hash; sessions of the user end.
pub async fn set_password(
    connection: &mut SqliteConnection,
    name: &str,
    password: &str,
) -> Result<(), UserError> {
    let done = sqlx::query("UPDATE users SET password = ?, generation = generation + 1 WHERE name = ?")
        .bind(password)
        .bind(normal(name)?)
        .execute(connection)
        .await?;
    if done.rows_affected() == 0 {
        Err(UserError::Unknown(name.to_owned()))
    } else {
        Ok(())
    }
}

/// Disables or enables; sessions of the user end. The last administrator cannot be disabled.
pub async fn set_disabled(
    connection: &mut SqliteConnection,
    name: &str,
    disabled: bool,
) -> Result<(), UserError> {
    let user = named(connection, name).await?;
    let done = sqlx::query(&format!(
        "UPDATE users SET disabled = ?1, generation = generation + 1 WHERE id = ?2 AND (?1 = 0 OR {KEEPS_AN_ADMIN})"
    ))
    .bind(disabled)
    .bind(user.id)
    .execute(connection)
    .await?;
    if done.rows_affected() == 0 {
        Err(UserError::LastAdmin(user.name))
    } else {
        Ok(())
    }
}

/// Gives another role; sessions of the user end. The last administrator stays one. False when it is the role already.
pub async fn set_role(connection: &mut SqliteConnection, name: &str, role: &str) -> Result<bool, UserError> {
    let user = named(connection, name).await?;
    if user.role == role {
        return Ok(false);
    }
    let done = sqlx::query(&format!(
        "UPDATE users SET role = ?1, generation = generation + 1 WHERE id = ?2 AND (?1 = 'admin' OR {KEEPS_AN_ADMIN})"
    ))
    .bind(role)
    .bind(user.id)
    .execute(connection)
    .await?;
    if done.rows_affected() == 0 {
        return Err(UserError::LastAdmin(user.name));
    }
    Ok(true)
}

/// Ends all sessions of a user, as another password does.
pub async fn end_sessions(connection: &mut SqliteConnection, id: i64) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE users SET generation = generation + 1 WHERE id = ?")
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

async fn named(connection: &mut SqliteConnection, name: &str) -> Result<User, UserError> {
    let unknown = || UserError::Unknown(name.to_owned());
    let row = sqlx::query("SELECT * FROM users WHERE name = ?")
        .bind(normal(name).map_err(|_| unknown())?)
        .fetch_optional(connection)
        .await?;
    let user = row.as_ref().map(read).transpose()?;
    user.ok_or_else(unknown)
}

/// Whether somebody is left who may manage users when the user `?2` may not any more.
const KEEPS_AN_ADMIN: &str = "(role <> 'admin' OR disabled = 1 OR EXISTS \
    (SELECT 1 FROM users WHERE role = 'admin' AND disabled = 0 AND id <> ?2))";

/// Names are compared in lower case.
fn normal(name: &str) -> Result<String, UserError> {
    let fits = name.len() <= 64
        && name
            .bytes()
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if fits {
        Ok(name.to_ascii_lowercase())
    } else {
        Err(UserError::BadName(name.chars().take(64).collect()))
    }
}

fn read(row: &SqliteRow) -> Result<User, sqlx::Error> {
    let (id, generation): (i64, i64) = (row.try_get("id")?, row.try_get("generation")?);
    Ok(User {
        id,
        name: row.try_get("name")?,
        role: row.try_get("role")?,
        password: row.try_get("password")?,
        disabled: row.try_get("disabled")?,
        generation,
        auth_hash: format!("{id}:{generation}").into_bytes(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db;

    async fn users() -> Users {
        Users::new(db::open_in_memory().await.unwrap())
    }

    #[tokio::test]
    async fn names_are_one_whatever_their_case_and_bad_ones_are_refused() {
        let users = users().await;
        users.add("Ana", Role::Viewer, "h").await.unwrap();
        assert!(matches!(
            users.add("ana", Role::Viewer, "h").await,
            Err(UserError::Taken(_))
        ));
        assert_eq!(users.by_name("ANA").await.unwrap().unwrap().name, "ana");
        for bad in ["", "1a", "a b", "a/b", "é", &"a".repeat(65)] {
            assert!(
                matches!(
                    users.add(bad, Role::Viewer, "h").await,
                    Err(UserError::BadName(_))
                ),
                "{bad}"
            );
        }
    }

    #[tokio::test]
    async fn only_one_can_be_first() {
        let users = users().await;
        let (one, two) = tokio::join!(users.add_first("ana", "h"), users.add_first("ben", "h"));
        assert!(one.is_ok() != two.is_ok());
    }

    #[tokio::test]
    async fn the_last_administrator_stays() {
        let users = users().await;
        users.add("ana", Role::Admin, "h").await.unwrap();
        users.add("ben", Role::Operator, "h").await.unwrap();
        assert!(matches!(
            users.set_disabled("ana", true).await,
            Err(UserError::LastAdmin(_))
        ));
        users.set_disabled("ben", true).await.unwrap();
        users.add("cleo", Role::Admin, "h").await.unwrap();
        users.set_disabled("ana", true).await.unwrap();
        assert!(matches!(
            users.set_disabled("cleo", true).await,
            Err(UserError::LastAdmin(_))
        ));
    }

    #[tokio::test]
    async fn another_role_ends_sessions_and_the_last_administrator_keeps_theirs() {
        let users = users().await;
        users.add("ana", Role::Admin, "h").await.unwrap();
        users.add("ben", Role::Viewer, "h").await.unwrap();
        let before = users.by_name("ben").await.unwrap().unwrap();
        assert!(users.set_role("ben", "deployer").await.unwrap());
        assert!(
            !users.set_role("ben", "deployer").await.unwrap(),
            "nothing to change"
        );
        let after = users.by_name("ben").await.unwrap().unwrap();
        assert_eq!(after.role, "deployer");
        assert_ne!(after.auth_hash, before.auth_hash);
        assert!(matches!(
            users.set_role("ana", "viewer").await,
            Err(UserError::LastAdmin(_))
        ));
        assert!(matches!(
            users.set_role("zoe", "viewer").await,
            Err(UserError::Unknown(_))
        ));
        users.set_role("ben", "admin").await.unwrap();
        // Two at once: one of them stays.
        let (ana, ben) = tokio::join!(users.set_role("ana", "viewer"), users.set_role("ben", "viewer"));
        assert!(ana.is_ok() != ben.is_ok());
    }

    #[tokio::test]
    async fn many_users_come_in_pages_and_by_part_of_their_name() {
        let users = users().await;
        for number in 0..7 {
            users
                .add(&format!("user{number}"), Role::Viewer, "h")
                .await
                .unwrap();
        }
        let names = |page: Vec<User>| page.into_iter().map(|user| user.name).collect::<Vec<_>>();
        assert_eq!(names(users.page("", 5, 5).await.unwrap()), ["user5", "user6"]);
        assert_eq!(names(users.page("R3", 0, 5).await.unwrap()), ["user3"]);
        assert_eq!(
            (users.count("").await.unwrap(), users.count("%").await.unwrap()),
            (7, 0)
        );
    }

    #[tokio::test]
    async fn a_change_of_password_changes_what_sessions_must_carry() {
        let users = users().await;
        users.add("ana", Role::Admin, "h").await.unwrap();
        let before = users.by_name("ana").await.unwrap().unwrap();
        users.set_password("ana", "other").await.unwrap();
        assert_ne!(
            users.by_name("ana").await.unwrap().unwrap().auth_hash,
            before.auth_hash
        );
        assert!(format!("{before:?}").contains("[redacted]"));
    }
}
