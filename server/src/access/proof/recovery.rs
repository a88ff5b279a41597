//! Recovery codes: for when the authenticator app is lost. Ten of them, 80 random bits each, shown once, good once.

use crate::{access::tokens::digest, time::now_ms};
use sqlx::SqlitePool;

/// How many are given out at a time.
pub const HOW_MANY: usize = 10;
/// Crockford's base 32: no letter looks like a digit.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Access to the codes. Cheap to clone.
#[derive(Debug, Clone)]
pub struct RecoveryCodes {
    pool: SqlitePool,
}

impl RecoveryCodes {
    pub fn new(pool: SqlitePool) -> Self {
        RecoveryCodes { pool }
    }

    /// New codes; those before are worth nothing any more. They cannot be shown again.
    pub async fn renew(&self, user_id: i64) -> Result<Vec<String>, sqlx::Error> {
        let codes: Vec<String> = (0..HOW_MANY).map(|_| new_code()).collect();
        let mut change = self.pool.begin().await?;
        sqlx::query("DELETE FROM recovery_codes WHERE user_id = ?")
            .bind(user_id)
            .execute(&mut *change)
            .await?;
        for code in &codes {
            sqlx::query("INSERT INTO recovery_codes (user_id, hash) VALUES (?, ?)")
                .bind(user_id)
                .bind(digest(&normal(code)))
                .execute(&mut *change)
                .await?;
        }
        change.commit().await?;
        Ok(codes)
    }

    /// Whether this is one that was not used. It is used by that.
    pub async fn accept(&self, user_id: i64, code: &str) -> Result<bool, sqlx::Error> {
        let done = sqlx::query(
            "UPDATE recovery_codes SET used_ms = ? WHERE user_id = ? AND hash = ? AND used_ms IS NULL",
        )
        .bind(now_ms())
        .bind(user_id)
        .bind(digest(&normal(code)))
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// How many can still be used.
    pub async fn left(&self, user_id: i64) -> Result<i64, sqlx::Error> {
        sqlx::query_scalar("SELECT count(*) FROM recovery_codes WHERE user_id = ? AND used_ms IS NULL")
            .bind(user_id)
            .fetch_one(&self.pool)
            .await
    }

    pub async fn remove(&self, user_id: i64) -> Result<(), sqlx::Error> {
        sqlx::query("DELETE FROM recovery_codes WHERE user_id = ?")
            .bind(user_id)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

/// Sixteen digits in groups of four.
fn new_code() -> String {
    let bits: u128 = rand::random();
    (0..16)
        .map(|place| {
            let digit = DIGITS[usize::try_from(bits >> (5 * place) & 31).unwrap_or_default()] as char;
            match place {
                4 | 8 | 12 => format!("-{digit}"),
                _ => digit.to_string(),
            }
        })
        .collect()
}

/// As somebody may have typed it: any case, any separators, O for 0, I and L for 1.
fn normal(code: &str) -> String {
    code.chars()
        .filter(char::is_ascii_alphanumeric)
        .take(32)
        .map(|c| match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{access::users::Users, db};
    use farol_model::Role;

    #[tokio::test]
    async fn a_code_is_good_once_however_it_is_typed_and_only_its_digest_is_kept() {
        let pool = db::open_in_memory().await.unwrap();
        for name in ["ana", "ben"] {
            Users::new(pool.clone())
                .add(name, Role::Viewer, "h")
                .await
                .unwrap();
        }
        let codes = RecoveryCodes::new(pool.clone());
        let mine = codes.renew(1).await.unwrap();
        assert_eq!((mine.len(), codes.left(1).await.unwrap()), (HOW_MANY, 10));
        let typed = mine[0].to_lowercase().replace('-', " ").replace('0', "o");
        assert!(!codes.accept(2, &typed).await.unwrap(), "not mine");
        assert!(codes.accept(1, &typed).await.unwrap());
        assert!(!codes.accept(1, &typed).await.unwrap(), "used");
        assert!(!codes.accept(1, "").await.unwrap());
        let fresh = codes.renew(1).await.unwrap();
        assert!(!codes.accept(1, &mine[1]).await.unwrap(), "replaced");
        assert!(codes.accept(1, &fresh[1]).await.unwrap());
        assert_eq!(codes.left(1).await.unwrap(), 9);
        let kept: Vec<Vec<u8>> = sqlx::query_scalar("SELECT hash FROM recovery_codes")
            .fetch_all(&pool)
            .await
            .unwrap();
        assert!(kept.iter().all(|hash| hash.len() == 32));
    }
}
