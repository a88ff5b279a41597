//! Users and tokens from the command line, beside a running server or without one. The server notices within a second.

use super::{
    password::{self, Hasher},
    tokens::Tokens,
    users::Users,
};
use crate::audit::{AuditLog, NewEntry};
use anyhow::{Context, bail};
use farol_model::{Role, action::Params, audit::AuditOutcome};
use sqlx::SqlitePool;
use std::io::{BufRead, IsTerminal};

/// Longest name of a token, characters.
const MAX_TOKEN_NAME_CHARS: usize = 64;

/// Reads a password from standard input (its first line), or asks twice on the terminal.
pub fn read_password(from_stdin: bool) -> anyhow::Result<String> {
    if from_stdin {
        let mut line = String::new();
        std::io::stdin()
            .lock()
            .read_line(&mut line)
            .context("cannot read the password from standard input")?;
        return Ok(line.trim_end_matches(['\r', '\n']).to_owned());
    }
    if !std::io::stdin().is_terminal() {
        bail!("there is no terminal to ask for the password on; use --password-stdin");
    }
    let first = rpassword::prompt_password("Password: ").context("cannot ask for the password")?;
    let second = rpassword::prompt_password("Again: ").context("cannot ask for the password")?;
    if first != second {
        bail!("the passwords differ; nothing was changed");
    }
    Ok(first)
}

pub async fn user_add(pool: &SqlitePool, name: &str, role: Role, password: String) -> anyhow::Result<String> {
    let hash = hash(password).await?;
    let adding = async { Users::new(pool.clone()).add(name, role, &hash).await };
    let params = [("user", name), ("role", role.as_str())];
    act(pool, "user.add", &params, adding, |_| {
        format!("Added {name} as {role}.")
    })
    .await?;
    Ok(format!("added {name} as {role}"))
}

pub async fn user_passwd(pool: &SqlitePool, name: &str, password: String) -> anyhow::Result<String> {
    let hash = hash(password).await?;
    let setting = async { Users::new(pool.clone()).set_password(name, &hash).await };
    let said = |_: &()| format!("Set a new password for {name}.");
    act(pool, "user.passwd", &[("user", name)], setting, said).await?;
    Ok(format!(
        "set a new password for {name}; their sessions have ended"
    ))
}

pub async fn user_disable(pool: &SqlitePool, name: &str) -> anyhow::Result<String> {
    let disabling = async { Users::new(pool.clone()).set_disabled(name, true).await };
    let said = |_: &()| format!("Disabled {name}.");
    act(pool, "user.disable", &[("user", name)], disabling, said).await?;
    Ok(format!("disabled {name}; their sessions have ended"))
}

pub async fn user_enable(pool: &SqlitePool, name: &str) -> anyhow::Result<String> {
    let enabling = async { Users::new(pool.clone()).set_disabled(name, false).await };
    let said = |_: &()| format!("Enabled {name}.");
    act(pool, "user.enable", &[("user", name)], enabling, said).await?;
    Ok(format!("enabled {name}"))
}

pub async fn user_list(pool: &SqlitePool) -> anyhow::Result<String> {
    let users = Users::new(pool.clone()).all().await?;
    if users.is_empty() {
        return Ok("there are no users yet; start Farol and open its setup link".to_owned());
    }
    let line = |user: &super::users::User| {
        let state = if user.disabled { "  disabled" } else { "" };
        format!("{:<24} {:<9}{state}", user.name, user.role.as_str())
            .trim_end()
            .to_owned()
    };
    Ok(users.iter().map(line).collect::<Vec<_>>().join("\n"))
}

pub async fn token_create(pool: &SqlitePool, user: &str, name: &str) -> anyhow::Result<String> {
    let fits =
        (1..=MAX_TOKEN_NAME_CHARS).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if !fits {
        bail!("a token's name must be 1 to {MAX_TOKEN_NAME_CHARS} characters without control characters");
    }
    let owner = Users::new(pool.clone()).by_name(user).await?;
    let owner = owner.with_context(|| format!("there is no user `{user}`"))?;
    let making = async { Tokens::new(pool.clone()).create(&owner, name).await };
    let params = [("user", user), ("name", name)];
    let said = |(id, _): &(i64, String)| format!("Made token {id} ({name}) for {user}.");
    let (id, text) = act(pool, "token.create", &params, making, said).await?;
    Ok(format!("token {id} of {user}, shown only now:\n{text}"))
}

pub async fn token_list(pool: &SqlitePool) -> anyhow::Result<String> {
    let tokens = Tokens::new(pool.clone()).all().await?;
    if tokens.is_empty() {
        return Ok("there are no tokens".to_owned());
    }
    let line = |token: &super::tokens::TokenInfo| {
        let state = if token.revoked { "  revoked" } else { "" };
        format!("{:>4}  {:<24} {}{state}", token.id, token.user, token.name)
    };
    Ok(tokens.iter().map(line).collect::<Vec<_>>().join("\n"))
}

pub async fn token_revoke(pool: &SqlitePool, id: i64) -> anyhow::Result<String> {
    let revoking = async {
        match Tokens::new(pool.clone()).revoke(id).await? {
            true => Ok(()),
            false => Err(RevokeError::Unknown(id)),
        }
    };
    let said = |_: &()| format!("Revoked token {id}.");
    act(
        pool,
        "token.revoke",
        &[("token", &id.to_string())],
        revoking,
        said,
    )
    .await?;
    Ok(format!("revoked token {id}; its connections have ended"))
}

async fn hash(password: String) -> anyhow::Result<String> {
    password::check(&password)?;
    Ok(Hasher::default().hash(password).await?)
}

/// Why a token cannot be revoked.
#[derive(Debug, thiserror::Error)]
enum RevokeError {
    #[error("there is no token {0}; `farol token list` shows them")]
    Unknown(i64),
    #[error("the database cannot be used")]
    Database(#[from] sqlx::Error),
}

/// Does it with its audit entry, or not at all.
async fn act<T, E: std::error::Error + Send + Sync + 'static>(
    pool: &SqlitePool,
    what: &str,
    params: &[(&str, &str)],
    doing: impl Future<Output = Result<T, E>>,
    said: impl FnOnce(&T) -> String,
) -> anyhow::Result<T> {
    let account = std::env::var("USER").unwrap_or_else(|_| "unknown account".to_owned());
    let params: Params = params
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let entry = NewEntry {
        who: account,
        from: "command line".to_owned(),
        what: what.to_owned(),
        params: serde_json::to_string(&params)?,
        run: None,
        outcome: AuditOutcome::Started,
        detail: String::new(),
    };
    Ok(AuditLog::new(pool.clone()).act(entry, doing, said).await?)
}
