//! Users, tokens and sessions from the command line, beside a running server or without one. The server notices within a second.

use super::{
    changes::{By, Changes},
    password::Hasher,
    roles::Roles,
    sessions::{SessionInfo, Sessions},
    tokens::{NewToken, TokenInfo, Tokens},
    users::{User, Users},
};
use crate::{audit::AuditLog, time::now_ms};
use anyhow::{Context, bail};
use farol_app::ui::moment::utc;
use sqlx::SqlitePool;
use std::io::{BufRead, IsTerminal};
use tower_sessions_sqlx_store::SqliteStore;

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

pub async fn user_add(
    pool: &SqlitePool,
    name: &str,
    role: impl AsRef<str>,
    password: String,
) -> anyhow::Result<String> {
    let role = role.as_ref();
    changes(pool).add_user(&by(), name, role, password).await?;
    Ok(format!("added {name} as {role}"))
}

pub async fn user_role(pool: &SqlitePool, name: &str, role: impl AsRef<str>) -> anyhow::Result<String> {
    let role = role.as_ref();
    Ok(match changes(pool).set_role(&by(), name, role).await? {
        true => format!("{name} is {role} now; their sessions have ended"),
        false => format!("{name} was {role} already"),
    })
}

pub async fn user_passwd(pool: &SqlitePool, name: &str, password: String) -> anyhow::Result<String> {
    changes(pool).set_password(&by(), name, password).await?;
    Ok(format!(
        "set a new password for {name}; their sessions have ended"
    ))
}

pub async fn user_disable(pool: &SqlitePool, name: &str) -> anyhow::Result<String> {
    changes(pool).set_disabled(&by(), name, true).await?;
    Ok(format!("disabled {name}; their sessions have ended"))
}

pub async fn user_enable(pool: &SqlitePool, name: &str) -> anyhow::Result<String> {
    changes(pool).set_disabled(&by(), name, false).await?;
    Ok(format!("enabled {name}"))
}

pub async fn user_list(pool: &SqlitePool) -> anyhow::Result<String> {
    let users = Users::new(pool.clone()).all().await?;
    if users.is_empty() {
        return Ok("there are no users yet; start Farol and open its setup link".to_owned());
    }
    let line = |user: &super::users::User| {
        let state = if user.disabled { "  disabled" } else { "" };
        format!("{:<24} {:<16}{state}", user.name, user.role)
            .trim_end()
            .to_owned()
    };
    Ok(users.iter().map(line).collect::<Vec<_>>().join("\n"))
}

/// What each role may do, one line each.
pub fn role_list(roles: &Roles) -> String {
    let line =
        |(name, grants): &(String, farol_model::Grants)| format!("{name:<16} {}", grants.words().join(", "));
    roles.all().iter().map(line).collect::<Vec<_>>().join("\n")
}

pub async fn token_create(pool: &SqlitePool, user: &str, new: impl Into<NewToken>) -> anyhow::Result<String> {
    let owner = owner(pool, user).await?;
    let (id, text) = changes(pool).create_token(&by(), &owner, &new.into()).await?;
    Ok(format!("token {id} of {user}, shown only now:\n{text}"))
}

pub async fn token_list(pool: &SqlitePool) -> anyhow::Result<String> {
    let tokens = Tokens::new(pool.clone()).all().await?;
    if tokens.is_empty() {
        return Ok("there are no tokens".to_owned());
    }
    let line = |token: &TokenInfo| {
        let may = token
            .grants
            .as_ref()
            .map_or_else(String::new, |grants| format!("  [{}]", grants.words().join(", ")));
        let state = match (token.revoked, token.expires_ms) {
            (true, _) => "  revoked".to_owned(),
            (false, Some(_)) if !token.holds(now_ms()) => "  expired".to_owned(),
            (false, Some(at)) => format!("  until {}", utc(at)),
            (false, None) => String::new(),
        };
        format!("{:>4}  {:<24} {}{may}{state}", token.id, token.user, token.name)
    };
    Ok(tokens.iter().map(line).collect::<Vec<_>>().join("\n"))
}

pub async fn token_revoke(pool: &SqlitePool, id: i64) -> anyhow::Result<String> {
    let Some(token) = Tokens::new(pool.clone()).info(id).await? else {
        bail!("there is no token {id}; `farol token list` shows them");
    };
    changes(pool).revoke_token(&by(), &token).await?;
    Ok(format!("revoked token {id}; its connections have ended"))
}

/// Of one user, or of all.
pub async fn session_list(pool: &SqlitePool, user: Option<&str>) -> anyhow::Result<String> {
    let of = match user {
        Some(user) => Some(owner(pool, user).await?.id),
        None => None,
    };
    let sessions = sessions(pool).await?.page(of, 0, i64::MAX).await?;
    if sessions.is_empty() {
        return Ok("nobody is signed in".to_owned());
    }
    let line = |session: &SessionInfo| {
        format!(
            "{:>4}  {:<24} {:<24} seen {}  {}",
            session.id,
            session.user,
            session.address,
            utc(session.seen_ms),
            session.device
        )
    };
    Ok(sessions.iter().map(line).collect::<Vec<_>>().join("\n"))
}

pub async fn session_revoke(pool: &SqlitePool, id: i64) -> anyhow::Result<String> {
    let Some(session) = sessions(pool).await?.by_id(id).await? else {
        bail!("there is no session {id}, or it has ended; `farol session list` shows them");
    };
    changes(pool).end_session(&by(), &session).await?;
    Ok(format!(
        "ended session {id} of {}; its connections have ended",
        session.user
    ))
}

pub async fn session_revoke_all(pool: &SqlitePool, user: &str) -> anyhow::Result<String> {
    let owner = owner(pool, user).await?;
    sessions(pool).await?;
    let ended = changes(pool).end_sessions(&by(), &owner, None).await?;
    Ok(format!("ended {} sessions of {user}", ended.len()))
}

async fn owner(pool: &SqlitePool, name: &str) -> anyhow::Result<User> {
    let found = Users::new(pool.clone()).by_name(name).await?;
    found.with_context(|| format!("there is no user `{name}`"))
}

/// Their table is made by the server when it starts for the first time, which may not have been.
async fn sessions(pool: &SqlitePool) -> anyhow::Result<Sessions> {
    SqliteStore::new(pool.clone()).migrate().await?;
    Ok(Sessions::new(pool.clone()))
}

pub(super) fn changes(pool: &SqlitePool) -> Changes {
    Changes::new(AuditLog::new(pool.clone()), Hasher::default())
}

/// The account that the command runs as.
pub(super) fn by() -> By {
    By {
        who: std::env::var("USER").unwrap_or_else(|_| "unknown account".to_owned()),
        from: "command line".to_owned(),
    }
}
