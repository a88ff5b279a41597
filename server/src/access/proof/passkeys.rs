//! Passkeys in the database: public keys and names, by the host that they were made for.

use crate::time::now_ms;
use farol_app::pages::account::PasskeyRow;
use sqlx::{Row, SqlitePool, sqlite::SqliteRow};
use webauthn_rs::prelude::Passkey;

/// Passkeys of one account.
pub const MOST: i64 = 20;
/// Longest name, characters.
pub const MAX_NAME_CHARS: usize = 64;

/// Access to the passkeys. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Passkeys {
    pool: SqlitePool,
}

/// Why a passkey cannot be kept or used.
#[derive(Debug, thiserror::Error)]
pub enum PasskeyFault {
    #[error("the database cannot be used")]
    Database(#[from] sqlx::Error),
    #[error("a passkey in the database cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    #[error("an account has {MOST} passkeys at most")]
    TooMany,
    #[error("this passkey is in use already")]
    Taken,
}

impl Passkeys {
    pub fn new(pool: SqlitePool) -> Self {
        Passkeys { pool }
    }

    pub async fn add(
        &self,
        user_id: i64,
        rp_id: &str,
        name: &str,
        passkey: &Passkey,
    ) -> Result<(), PasskeyFault> {
        let mut change = self.pool.begin().await?;
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM passkeys WHERE user_id = ?")
            .bind(user_id)
            .fetch_one(&mut *change)
            .await?;
        if count >= MOST {
            return Err(PasskeyFault::TooMany);
        }
        let done = sqlx::query(
            "INSERT INTO passkeys (user_id, rp_id, credential_id, credential, name, created_ms) VALUES (?, ?, ?, ?, ?, ?) \
             ON CONFLICT (credential_id) DO NOTHING",
        )
        .bind(user_id)
        .bind(rp_id)
        .bind(passkey.cred_id().as_slice())
        .bind(serde_json::to_string(passkey)?)
        .bind(name)
        .bind(now_ms())
        .execute(&mut *change)
        .await?;
        if done.rows_affected() == 0 {
            return Err(PasskeyFault::Taken);
        }
        change.commit().await?;
        Ok(())
    }

    /// Those that a browser offers on this host.
    pub async fn of(&self, user_id: i64, rp_id: &str) -> Result<Vec<Passkey>, PasskeyFault> {
        let texts: Vec<String> =
            sqlx::query_scalar("SELECT credential FROM passkeys WHERE user_id = ? AND rp_id = ?")
                .bind(user_id)
                .bind(rp_id)
                .fetch_all(&self.pool)
                .await?;
        texts.iter().map(|text| Ok(serde_json::from_str(text)?)).collect()
    }

    /// The owner of a passkey and the passkey, by what the browser calls it.
    pub async fn find(
        &self,
        credential_id: &[u8],
        rp_id: &str,
    ) -> Result<Option<(i64, Passkey)>, PasskeyFault> {
        let row =
            sqlx::query("SELECT user_id, credential FROM passkeys WHERE credential_id = ? AND rp_id = ?")
                .bind(credential_id)
                .bind(rp_id)
                .fetch_optional(&self.pool)
                .await?;
        let Some(row) = row else { return Ok(None) };
        let text: String = row.try_get("credential")?;
        Ok(Some((row.try_get("user_id")?, serde_json::from_str(&text)?)))
    }

    /// It was used; its counter may have moved on.
    pub async fn used(&self, passkey: &Passkey) -> Result<(), PasskeyFault> {
        sqlx::query("UPDATE passkeys SET credential = ?, last_used_ms = ? WHERE credential_id = ?")
            .bind(serde_json::to_string(passkey)?)
            .bind(now_ms())
            .bind(passkey.cred_id().as_slice())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// The name of what was removed; None when there is no such passkey of this user.
    pub async fn remove(&self, user_id: i64, id: i64) -> Result<Option<String>, sqlx::Error> {
        sqlx::query_scalar("DELETE FROM passkeys WHERE user_id = ? AND id = ? RETURNING name")
            .bind(user_id)
            .bind(id)
            .fetch_optional(&self.pool)
            .await
    }

    /// The newest first.
    pub async fn rows(&self, user_id: i64) -> Result<Vec<PasskeyRow>, sqlx::Error> {
        sqlx::query("SELECT * FROM passkeys WHERE user_id = ? ORDER BY id DESC")
            .bind(user_id)
            .fetch_all(&self.pool)
            .await?
            .iter()
            .map(read)
            .collect()
    }
}

fn read(row: &SqliteRow) -> Result<PasskeyRow, sqlx::Error> {
    Ok(PasskeyRow {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        host: row.try_get("rp_id")?,
        created_ms: row.try_get("created_ms")?,
        last_used_ms: row.try_get("last_used_ms")?,
    })
}
