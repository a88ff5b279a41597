//! Users and tokens from the command line, beside a running server or without one. The server notices within a second.

use super::{
    password::{self, Hasher},
    tokens::Tokens,
    users::Users,
};
use crate::audit::{AuditLog, NewEntry};
use anyhow::{Context, bail};
use farol_model::{Role, audit::AuditOutcome};
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
    Users::new(pool.clone()).add(name, role, &hash).await?;
    note(pool, "user.add", &format!("Added {name} as {role}.")).await?;
    Ok(format!("added {name} as {role}"))
}

pub async fn user_passwd(pool: &SqlitePool, name: &str, password: String) -> anyhow::Result<String> {
    let hash = hash(password).await?;
    Users::new(pool.clone()).set_password(name, &hash).await?;
    note(pool, "user.passwd", &format!("Set a new password for {name}.")).await?;
    Ok(format!(
        "set a new password for {name}; their sessions have ended"
    ))
}

pub async fn user_disable(pool: &SqlitePool, name: &str) -> anyhow::Result<String> {
    Users::new(pool.clone()).set_disabled(name, true).await?;
    note(pool, "user.disable", &format!("Disabled {name}.")).await?;
    Ok(format!("disabled {name}; their sessions have ended"))
}

pub async fn user_enable(pool: &SqlitePool, name: &str) -> anyhow::Result<String> {
    Users::new(pool.clone()).set_disabled(name, false).await?;
    note(pool, "user.enable", &format!("Enabled {name}.")).await?;
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
    let (id, text) = Tokens::new(pool.clone()).create(&owner, name).await?;
    note(
        pool,
        "token.create",
        &format!("Made token {id} ({name}) for {user}."),
    )
    .await?;
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
    if !Tokens::new(pool.clone()).revoke(id).await? {
        bail!("there is no token {id}; `farol token list` shows them");
    }
    note(pool, "token.revoke", &format!("Revoked token {id}.")).await?;
    Ok(format!("revoked token {id}; its connections have ended"))
}

async fn hash(password: String) -> anyhow::Result<String> {
    password::check(&password)?;
    Ok(Hasher::default().hash(password).await?)
}

pub(super) async fn note(pool: &SqlitePool, what: &str, detail: &str) -> anyhow::Result<()> {
    let account = std::env::var("USER").unwrap_or_else(|_| "unknown account".to_owned());
    let entry = NewEntry {
        who: account,
        from: "command line".to_owned(),
        what: what.to_owned(),
        params: "{}".to_owned(),
        run: None,
        outcome: AuditOutcome::Succeeded,
        detail: detail.to_owned(),
    };
    AuditLog::new(pool.clone())
        .record(entry)
        .await
        .context("the audit log cannot be written")?;
    Ok(())
}
