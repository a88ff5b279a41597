//! Proofs from the command line, beside a running server or without one: which tokens are trusted, and a way back in for who has
//! lost the authenticator app, the recovery codes and every passkey.

use super::stepup;
use crate::access::{cli::act, users::Users};
use anyhow::{Context, bail};
use sqlx::SqlitePool;

pub async fn token_trust(pool: &SqlitePool, id: i64, trust: bool) -> anyhow::Result<String> {
    let (what, done, else_said) = match trust {
        true => (
            "token.trust",
            "may run dangerous actions",
            "there is no token {id} that was not trusted",
        ),
        false => (
            "token.distrust",
            "may run no dangerous action any more",
            "token {id} was not trusted",
        ),
    };
    let said = |changed: &bool| match changed {
        true => format!("Token {id} {done}."),
        false => format!("Changed nothing: {}.", else_said.replace("{id}", &id.to_string())),
    };
    if !act(pool, what, stepup::trust(pool, id, trust), said).await? {
        bail!(
            "{}; `farol token list` shows them",
            else_said.replace("{id}", &id.to_string())
        );
    }
    Ok(format!("token {id} {done}"))
}

/// Takes away the second step and all passkeys; the password stays.
pub async fn user_reset_proofs(pool: &SqlitePool, name: &str) -> anyhow::Result<String> {
    let user = Users::new(pool.clone()).by_name(name).await?;
    let user = user.with_context(|| format!("there is no user `{name}`"))?;
    let resetting = async {
        let mut change = pool.begin().await?;
        for table in ["totp", "recovery_codes", "passkeys", "known_browsers"] {
            sqlx::query(&format!("DELETE FROM {table} WHERE user_id = ?"))
                .bind(user.id)
                .execute(&mut *change)
                .await?;
        }
        change.commit().await
    };
    let said = |_: &()| format!("Took away the authenticator app, recovery codes and passkeys of {name}.");
    act(pool, "user.reset_proofs", resetting, said).await?;
    Ok(format!("{name} signs in with the password alone from now on"))
}
