//! API tokens: `farol_` and 256 random bits, kept as their SHA-256.

use super::users::{User, Users};
use crate::time::now_ms;
use farol_model::Grants;
use sha2::{Digest, Sha256};
use sqlx::{Row, SqliteConnection, SqlitePool, sqlite::SqliteRow};

/// What every token begins with, so that scanners of secrets can find one.
pub const PREFIX: &str = "farol_";
/// Between two writes of when a token was last used, milliseconds.
const USED_EVERY_MS: i64 = 60_000;
/// Longest name of a token, characters.
pub const MAX_NAME_CHARS: usize = 64;
/// Tokens of one user that hold, at most.
const MAX_OF_USER: i64 = 100;

/// A token as listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenInfo {
    pub id: i64,
    pub user_id: i64,
    pub user: String,
    pub name: String,
    pub created_ms: i64,
    pub last_used_ms: Option<i64>,
    /// When it ends by itself.
    pub expires_ms: Option<i64>,
    /// What it is narrowed to; None is all that its user may.
    pub grants: Option<Grants>,
    pub revoked: bool,
    /// Whether it may run what people must prove themselves for.
    pub trusted: bool,
}

impl TokenInfo {
    pub fn holds(&self, now_ms: i64) -> bool {
        !self.revoked && self.expires_ms.is_none_or(|at| at > now_ms)
    }
}

/// What a new token is to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewToken {
    /// What it is for.
    pub name: String,
    /// None: all that its user may.
    pub grants: Option<Grants>,
    /// None: until it is revoked.
    pub expires_ms: Option<i64>,
}

/// One without bounds.
impl From<&str> for NewToken {
    fn from(name: &str) -> Self {
        NewToken {
            name: name.to_owned(),
            ..Default::default()
        }
    }
}

/// Why a token cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("a token's name must be 1 to {MAX_NAME_CHARS} characters without control characters")]
    BadName,
    #[error("the user has {MAX_OF_USER} tokens that hold already; revoke some")]
    Many,
    #[error("the database cannot be used")]
    Database(#[from] sqlx::Error),
}

/// A token that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    pub id: i64,
    pub user: User,
    pub grants: Option<Grants>,
}

/// Access to the tokens. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Tokens {
    pool: SqlitePool,
}

impl Tokens {
    pub fn new(pool: SqlitePool) -> Self {
        Tokens { pool }
    }

    /// Makes a token of a user. Its text is not kept and cannot be shown again.
    pub async fn create(&self, user: &User, new: &NewToken) -> Result<(i64, String), TokenError> {
        create(&mut *self.pool.acquire().await?, user, new).await
    }

    /// The token of this text with its user, when both still hold.
    pub async fn find(&self, text: &str) -> Result<Option<Held>, sqlx::Error> {
        if !text.starts_with(PREFIX) {
            return Ok(None);
        }
        let row = sqlx::query(&format!(
            "SELECT id, user_id, last_used_ms, grants FROM tokens WHERE hash = ?2 AND {HOLDS}"
        ))
        .bind(now_ms())
        .bind(digest(text))
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let id: i64 = row.try_get("id")?;
        let used: Option<i64> = row.try_get("last_used_ms")?;
        if used.is_none_or(|used| now_ms() - used > USED_EVERY_MS) {
            sqlx::query("UPDATE tokens SET last_used_ms = ? WHERE id = ?")
                .bind(now_ms())
                .bind(id)
                .execute(&self.pool)
                .await?;
        }
        self.held(id, &row).await
    }

    /// The token of this id with its user, when both still hold.
    pub async fn by_id(&self, id: i64) -> Result<Option<Held>, sqlx::Error> {
        let row = sqlx::query(&format!(
            "SELECT user_id, grants FROM tokens WHERE id = ?2 AND {HOLDS}"
        ))
        .bind(now_ms())
        .bind(id)
        .fetch_optional(&self.pool)
        .await?;
        match row {
            Some(row) => self.held(id, &row).await,
            None => Ok(None),
        }
    }

    async fn held(&self, id: i64, row: &SqliteRow) -> Result<Option<Held>, sqlx::Error> {
        let user = Users::new(self.pool.clone())
            .by_id(row.try_get("user_id")?)
            .await?;
        let grants = grants(row)?;
        Ok(user
            .filter(|user| !user.disabled)
            .map(|user| Held { id, user, grants }))
    }

    /// Ids of all that have ended, by hand or by time.
    pub(super) async fn ended(&self) -> Result<Vec<i64>, sqlx::Error> {
        sqlx::query_scalar(&format!("SELECT id FROM tokens WHERE NOT {HOLDS}"))
            .bind(now_ms())
            .fetch_all(&self.pool)
            .await
    }

    /// The newest first.
    pub async fn all(&self) -> Result<Vec<TokenInfo>, sqlx::Error> {
        self.page(None, 0, i64::MAX).await
    }

    /// The newest first; of one user, or of all. At most `limit`, after `skip` others.
    pub async fn page(
        &self,
        user: Option<i64>,
        skip: i64,
        limit: i64,
    ) -> Result<Vec<TokenInfo>, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT tokens.*, users.name AS user, token_id IS NOT NULL AS trusted FROM tokens \
             JOIN users ON users.id = user_id LEFT JOIN trusted_tokens ON token_id = tokens.id \
             WHERE ?1 IS NULL OR user_id = ?1 ORDER BY tokens.id DESC LIMIT ?2 OFFSET ?3",
        )
        .bind(user)
        .bind(limit)
        .bind(skip)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(read).collect()
    }

    pub async fn count(&self, user: Option<i64>) -> Result<i64, sqlx::Error> {
        sqlx::query_scalar("SELECT count(*) FROM tokens WHERE ?1 IS NULL OR user_id = ?1")
            .bind(user)
            .fetch_one(&self.pool)
            .await
    }

    /// The one of this id, whether it holds or not.
    pub async fn info(&self, id: i64) -> Result<Option<TokenInfo>, sqlx::Error> {
        let row = sqlx::query(
            "SELECT tokens.*, users.name AS user, token_id IS NOT NULL AS trusted FROM tokens \
             JOIN users ON users.id = user_id LEFT JOIN trusted_tokens ON token_id = tokens.id WHERE tokens.id = ?",
        )
        .bind(id)
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map(read).transpose()
    }

    /// False when there is no such token.
    pub async fn revoke(&self, id: i64) -> Result<bool, sqlx::Error> {
        revoke(&mut *self.pool.acquire().await?, id).await
    }
}

/// See [`Tokens::create`].
pub async fn create(
    connection: &mut SqliteConnection,
    user: &User,
    new: &NewToken,
) -> Result<(i64, String), TokenError> {
    let fits = (1..=MAX_NAME_CHARS).contains(&new.name.chars().count());
    if !fits || new.name.chars().any(char::is_control) || new.name.trim().is_empty() {
        return Err(TokenError::BadName);
    }
    let text = format!("{PREFIX}{}", random_hex());
    let id = sqlx::query_scalar(&format!(
        "INSERT INTO tokens (created_ms, user_id, name, hash, grants, expires_ms) SELECT ?1, ?2, ?3, ?4, ?5, ?6 \
         WHERE (SELECT count(*) FROM tokens WHERE user_id = ?2 AND {HOLDS}) < ?7 RETURNING id"
    ))
    .bind(now_ms())
    .bind(user.id)
    .bind(&new.name)
    .bind(digest(&text))
    .bind(new.grants.as_ref().map(|grants| grants.words().join("\n")))
    .bind(new.expires_ms)
    .bind(MAX_OF_USER)
    .fetch_optional(connection)
    .await?;
    Ok((id.ok_or(TokenError::Many)?, text))
}

/// False when there is no such token.
pub async fn revoke(connection: &mut SqliteConnection, id: i64) -> Result<bool, sqlx::Error> {
    let done = sqlx::query("UPDATE tokens SET revoked = 1 WHERE id = ?")
        .bind(id)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether a token holds at `?1`.
const HOLDS: &str = "(revoked = 0 AND (expires_ms IS NULL OR expires_ms > ?1))";

/// A narrowed token whose grants cannot be read allows nothing.
fn grants(row: &SqliteRow) -> Result<Option<Grants>, sqlx::Error> {
    let text: Option<String> = row.try_get("grants")?;
    Ok(text.map(|text| Grants::parse(&text.lines().collect::<Vec<_>>()).unwrap_or_default()))
}

fn read(row: &SqliteRow) -> Result<TokenInfo, sqlx::Error> {
    Ok(TokenInfo {
        id: row.try_get("id")?,
        user_id: row.try_get("user_id")?,
        user: row.try_get("user")?,
        name: row.try_get("name")?,
        created_ms: row.try_get("created_ms")?,
        last_used_ms: row.try_get("last_used_ms")?,
        expires_ms: row.try_get("expires_ms")?,
        grants: grants(row)?,
        revoked: row.try_get("revoked")?,
        trusted: row.try_get("trusted")?,
    })
}

/// SHA-256 of a secret that cannot be guessed.
pub fn digest(text: &str) -> Vec<u8> {
    Sha256::digest(text.as_bytes()).to_vec()
}

/// 256 random bits as 64 hexadecimal digits.
pub fn random_hex() -> String {
    rand::random::<[u8; 32]>()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db;
    use farol_model::Role;

    fn named(name: &str) -> NewToken {
        NewToken {
            name: name.into(),
            ..Default::default()
        }
    }

    async fn bench() -> (SqlitePool, Users, Tokens, User) {
        let pool = db::open_in_memory().await.unwrap();
        let (users, tokens) = (Users::new(pool.clone()), Tokens::new(pool.clone()));
        users.add("ana", Role::Viewer, "h").await.unwrap();
        let ana = users.by_name("ana").await.unwrap().unwrap();
        (pool, users, tokens, ana)
    }

    #[tokio::test]
    async fn a_token_is_found_by_its_text_until_it_is_revoked_or_its_user_disabled() {
        let (pool, users, tokens, ana) = bench().await;
        let (id, text) = tokens.create(&ana, &named("ci")).await.unwrap();
        let (other, other_text) = tokens.create(&ana, &named("cd")).await.unwrap();
        assert_eq!(tokens.find(&text).await.unwrap().unwrap().id, id);
        assert_eq!(tokens.find("farol_nonsense").await.unwrap(), None);
        assert!(tokens.revoke(id).await.unwrap());
        assert_eq!(tokens.find(&text).await.unwrap(), None);
        assert!(tokens.by_id(other).await.unwrap().is_some() && tokens.by_id(id).await.unwrap().is_none());
        assert_eq!(tokens.ended().await.unwrap(), [id]);
        users.set_disabled("ana", true).await.unwrap();
        assert_eq!(tokens.find(&other_text).await.unwrap(), None);
        let kept: Vec<Vec<u8>> = sqlx::query_scalar("SELECT hash FROM tokens")
            .fetch_all(&pool)
            .await
            .unwrap();
        assert!(kept.iter().all(|hash| hash.len() == 32), "only digests are kept");
    }

    #[tokio::test]
    async fn a_token_ends_by_itself_and_keeps_what_it_is_narrowed_to() {
        let (pool, _, tokens, ana) = bench().await;
        let new = NewToken {
            grants: Some(Grants::parse(&["view_runs", "run:service.* on web-*"]).unwrap()),
            expires_ms: Some(now_ms() + 60_000),
            ..named("ci")
        };
        let (id, text) = tokens.create(&ana, &new).await.unwrap();
        assert_eq!(tokens.find(&text).await.unwrap().unwrap().grants, new.grants);
        sqlx::query("UPDATE tokens SET expires_ms = ?")
            .bind(now_ms() - 1)
            .execute(&pool)
            .await
            .unwrap();
        assert_eq!(tokens.find(&text).await.unwrap(), None);
        assert_eq!(tokens.ended().await.unwrap(), [id]);
        assert!(!tokens.info(id).await.unwrap().unwrap().holds(now_ms()));
    }

    #[tokio::test]
    async fn grants_that_cannot_be_read_allow_nothing() {
        let (pool, _, tokens, ana) = bench().await;
        let (id, _) = tokens.create(&ana, &named("ci")).await.unwrap();
        sqlx::query("UPDATE tokens SET grants = 'all_of_it'")
            .execute(&pool)
            .await
            .unwrap();
        let held = tokens.by_id(id).await.unwrap().unwrap();
        assert_eq!(held.grants, Some(Grants::default()));
    }

    #[tokio::test]
    async fn names_and_numbers_are_bounded() {
        let (_, _, tokens, ana) = bench().await;
        for bad in ["", " ", "a\nb", &"a".repeat(65)] {
            assert!(
                matches!(tokens.create(&ana, &named(bad)).await, Err(TokenError::BadName)),
                "{bad:?}"
            );
        }
        for _ in 0..MAX_OF_USER {
            tokens.create(&ana, &named("ci")).await.unwrap();
        }
        assert!(matches!(
            tokens.create(&ana, &named("ci")).await,
            Err(TokenError::Many)
        ));
        tokens.revoke(1).await.unwrap();
        tokens.create(&ana, &named("ci")).await.unwrap();
        assert_eq!(tokens.page(None, 90, 50).await.unwrap().len(), 11);
    }
}
