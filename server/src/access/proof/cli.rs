//! Proofs from the command line, beside a running server or without one: which tokens are trusted, and a way back in for who has
//! lost the authenticator app, the recovery codes and every passkey.

use crate::{
    access::{
        cli::{by, changes},
        tokens::Tokens,
        users::Users,
    },
    time::now_ms,
};
use anyhow::{Context, bail};
use sqlx::SqlitePool;

pub async fn token_trust(pool: &SqlitePool, id: i64, trust: bool) -> anyhow::Result<String> {
    let (done, else_said) = match trust {
        true => (
            "may run dangerous actions",
            format!("there is no token {id} that was not trusted"),
        ),
        false => (
            "may run no dangerous action any more",
            format!("token {id} was not trusted"),
        ),
    };
    let token = Tokens::new(pool.clone()).info(id).await?;
    let token = token.filter(|token| !trust || token.holds(now_ms()));
    let changed = match &token {
        Some(token) => changes(pool).trust_token(&by(), token, trust).await?,
        None => false,
    };
    if !changed {
        bail!("{else_said}; `farol token list` shows them");
    }
    Ok(format!("token {id} {done}"))
}

/// Takes away the second step and all passkeys; the password stays.
pub async fn user_reset_proofs(pool: &SqlitePool, name: &str) -> anyhow::Result<String> {
    let user = Users::new(pool.clone()).by_name(name).await?;
    let user = user.with_context(|| format!("there is no user `{name}`"))?;
    changes(pool).reset_proofs(&by(), &user).await?;
    Ok(format!(
        "{name} signs in with the password alone from now on; their sessions have ended"
    ))
}
