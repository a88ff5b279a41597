//! API tokens: `farol_` and 256 random bits, kept as their SHA-256.

use super::users::{User, Users};
use crate::time::now_ms;
use sha2::{Digest, Sha256};
use sqlx::{Row, SqlitePool};

/// What every token begins with, so that scanners of secrets can find one.
pub const PREFIX: &str = "farol_";
/// Between two writes of when a token was last used, milliseconds.
const USED_EVERY_MS: i64 = 60_000;

/// A token as listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenInfo {
    pub id: i64,
    pub user: String,
    pub name: String,
    pub created_ms: i64,
    pub last_used_ms: Option<i64>,
    pub revoked: bool,
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
    pub async fn create(&self, user: &User, name: &str) -> Result<(i64, String), sqlx::Error> {
        let text = format!("{PREFIX}{}", random_hex());
        let id = sqlx::query_scalar(
            "INSERT INTO tokens (user_id, name, hash, created_ms) VALUES (?, ?, ?, ?) RETURNING id",
        )
        .bind(user.id)
        .bind(name)
        .bind(digest(&text))
        .bind(now_ms())
        .fetch_one(&self.pool)
        .await?;
        Ok((id, text))
    }

    /// The id of the token and its user, when both still hold.
    pub async fn find(&self, text: &str) -> Result<Option<(i64, User)>, sqlx::Error> {
        if !text.starts_with(PREFIX) {
            return Ok(None);
        }
        let row = sqlx::query("SELECT id, user_id, last_used_ms FROM tokens WHERE hash = ? AND revoked = 0")
            .bind(digest(text))
            .fetch_optional(&self.pool)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let (id, user_id): (i64, i64) = (row.try_get("id")?, row.try_get("user_id")?);
        let used: Option<i64> = row.try_get("last_used_ms")?;
        if used.is_none_or(|used| now_ms() - used > USED_EVERY_MS) {
            sqlx::query("UPDATE tokens SET last_used_ms = ? WHERE id = ?")
                .bind(now_ms())
                .bind(id)
                .execute(&self.pool)
                .await?;
        }
        let user = Users::new(self.pool.clone()).by_id(user_id).await?;
        Ok(user.filter(|user| !user.disabled).map(|user| (id, user)))
    }

    /// Whether a token still holds.
    pub async fn holds(&self, id: i64) -> Result<bool, sqlx::Error> {
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM tokens WHERE id = ? AND revoked = 0)")
            .bind(id)
            .fetch_one(&self.pool)
            .await
    }

    /// The newest first.
    pub async fn all(&self) -> Result<Vec<TokenInfo>, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT tokens.*, users.name AS user FROM tokens JOIN users ON users.id = user_id ORDER BY tokens.id DESC",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(TokenInfo {
                    id: row.try_get("id")?,
                    user: row.try_get("user")?,
                    name: row.try_get("name")?,
                    created_ms: row.try_get("created_ms")?,
                    last_used_ms: row.try_get("last_used_ms")?,
                    revoked: row.try_get("revoked")?,
                })
            })
            .collect()
    }

    /// False when there is no such token.
    pub async fn revoke(&self, id: i64) -> Result<bool, sqlx::Error> {
        let done = sqlx::query("UPDATE tokens SET revoked = 1 WHERE id = ?")
            .bind(id)
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected() == 1)
    }
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

    #[tokio::test]
    async fn a_token_is_found_by_its_text_until_it_is_revoked_or_its_user_disabled() {
        let pool = db::open_in_memory().await.unwrap();
        let (users, tokens) = (Users::new(pool.clone()), Tokens::new(pool.clone()));
        users.add("ana", Role::Viewer, "h").await.unwrap();
        let ana = users.by_name("ana").await.unwrap().unwrap();
        let (id, text) = tokens.create(&ana, "ci").await.unwrap();
        let (other, other_text) = tokens.create(&ana, "cd").await.unwrap();
        assert_eq!(tokens.find(&text).await.unwrap().unwrap().0, id);
        assert_eq!(tokens.find("farol_nonsense").await.unwrap(), None);
        assert!(tokens.revoke(id).await.unwrap());
        assert_eq!(tokens.find(&text).await.unwrap(), None);
        assert!(tokens.holds(other).await.unwrap() && !tokens.holds(id).await.unwrap());
        users.set_disabled("ana", true).await.unwrap();
        assert_eq!(tokens.find(&other_text).await.unwrap(), None);
        let kept: Vec<Vec<u8>> = sqlx::query_scalar("SELECT hash FROM tokens")
            .fetch_all(&pool)
            .await
            .unwrap();
        assert!(kept.iter().all(|hash| hash.len() == 32), "only digests are kept");
    }
}
