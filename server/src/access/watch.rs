//! Notices what ends connections: sessions that expire, what other processes (the command line) change in the database, and roles
//! that are not what they were.
//!
//! Twice a second it asks the database whether anybody has written since ([`Commits`]), which costs one tiny question. Only when
//! somebody has, when the roles are others, or when the first that ends by itself has come to its time, it looks: a few indexed
//! reads. Nothing is missed, because what is compared is the state itself.

use super::{
    Access, identify,
    roles::{Table, grants_in},
};
use crate::{
    db::Commits,
    live::{Ending, Proof},
    time::now_ms,
};
use sqlx::Row;
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};
use tokio_util::sync::CancellationToken;
use tower_sessions::{SessionStore, session::Id};

const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Looks between two sweeps of sessions that have reached their absolute end.
const SWEEP_EVERY: u32 = 120;

/// Sessions that were ended before are not looked at any more, milliseconds; far longer than a look takes.
const ENDED_LATELY_MS: i64 = 600_000;

/// Marks of ended sessions stay longer than the sessions could have lived by this, milliseconds.
const MARKS_LAST_MS: i64 = 86_400_000;

/// Generation of a new user, see `migrations/0002_access.sql`.
const FIRST_GENERATION: i64 = 1;

/// What was seen at the last look.
#[derive(Default)]
struct Seen {
    /// Generation and role by user.
    users: HashMap<i64, (i64, String)>,
    roles: Table,
    /// Tokens that were revoked or have expired.
    tokens: HashSet<i64>,
    /// Sessions that somebody ended lately.
    sessions: HashSet<String>,
    /// When the next token or session ends by itself, milliseconds.
    next_ms: Option<i64>,
}

impl Seen {
    /// Whether a look would see the same although nobody has written.
    fn stands(&self, access: &Access) -> bool {
        Arc::ptr_eq(&self.roles, &access.roles.all()) && self.next_ms.is_none_or(|at_ms| now_ms() < at_ms)
    }
}

/// Runs until shutdown.
pub async fn watch(access: Access, shutdown: CancellationToken) {
    let mut seen: Option<Seen> = None;
    let mut looks = 0u32;
    let mut tick = tokio::time::interval(LOOK_EVERY);
    let mut commits = Commits::of(&access.pool);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = shutdown.cancelled() => return,
        }
        let sweep = looks.is_multiple_of(SWEEP_EVERY);
        looks = looks.wrapping_add(1);
        let written = commits.any().await.unwrap_or_else(|error| {
            tracing::error!(%error, "the database cannot be asked for what is new");
            true
        });
        if !written && !sweep && seen.as_ref().is_some_and(|seen| seen.stands(&access)) {
            continue;
        }
        match look(&access, seen.as_ref()).await {
            Ok(now) => seen = Some(now),
            Err(error) => {
                tracing::error!(%error, "users and tokens cannot be looked at");
                commits.forget();
            }
        }
        if let Err(error) = expire(&access, sweep).await {
            tracing::error!(%error, "expired sessions cannot be removed");
            commits.forget();
        }
    }
}

async fn look(access: &Access, before: Option<&Seen>) -> Result<Seen, sqlx::Error> {
    let mut now = Seen {
        roles: access.roles.all(),
        // Before what has ended is asked for: what ends in between is then found by the next look.
        next_ms: next_ending(access).await?,
        ..Seen::default()
    };
    for row in sqlx::query("SELECT id, generation, role FROM users")
        .fetch_all(&access.pool)
        .await?
    {
        now.users
            .insert(row.try_get(0)?, (row.try_get(1)?, row.try_get(2)?));
    }
    now.tokens = access.tokens.ended().await?.into_iter().collect();
    now.sessions = access
        .sessions
        .ended(now_ms() - ENDED_LATELY_MS)
        .await?
        .into_iter()
        .collect();
    let Some(before) = before else { return Ok(now) };
    // One that was made and changed between two looks counts as seen when it was new.
    for (id, (generation, role)) in &now.users {
        let seen = before.users.get(id).map(|(generation, _)| generation);
        if seen.unwrap_or(&FIRST_GENERATION) != generation {
            access.ended(Ending::User(*id));
        } else if grants_in(&before.roles, role) != grants_in(&now.roles, role) {
            access.ended(Ending::Rights(*id));
        }
    }
    for id in before.users.keys().filter(|id| !now.users.contains_key(id)) {
        access.ended(Ending::User(*id));
    }
    for id in now.tokens.difference(&before.tokens) {
        access.ended(Ending::Proof(Proof::Token(*id)));
    }
    for id in now.sessions.difference(&before.sessions) {
        access.ended(Ending::Proof(Proof::Session(id.clone())));
    }
    Ok(now)
}

/// When the next token or session ends by itself. A session counts as expired in the second after.
async fn next_ending(access: &Access) -> Result<Option<i64>, sqlx::Error> {
    let token: Option<i64> = sqlx::query_scalar("SELECT min(expires_ms) FROM tokens WHERE expires_ms > ?")
        .bind(now_ms())
        .fetch_one(&access.pool)
        .await?;
    let session: Option<i64> =
        sqlx::query_scalar("SELECT unixepoch(min(datetime(expiry_date))) FROM tower_sessions")
            .fetch_one(&access.pool)
            .await?;
    Ok(token
        .into_iter()
        .chain(session.map(|secs| (secs + 1) * 1000))
        .min())
}

/// Ends and removes sessions that have expired.
async fn expire(access: &Access, sweep: bool) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let idle: Vec<String> =
        sqlx::query_scalar("SELECT id FROM tower_sessions WHERE datetime(expiry_date) < datetime('now')")
            .fetch_all(&access.pool)
            .await?;
    let mut gone = idle;
    if sweep {
        gone.extend(too_old(access).await?);
        let lasts_ms = i64::from(access.config.absolute_hours) * 3_600_000;
        access.sessions.sweep(now_ms() - lasts_ms - MARKS_LAST_MS).await?;
    }
    for id in gone {
        sqlx::query("DELETE FROM tower_sessions WHERE id = ?")
            .bind(&id)
            .execute(&access.pool)
            .await?;
        access.ended(Ending::Proof(Proof::Session(id)));
    }
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM tower_sessions")
        .fetch_one(&access.pool)
        .await?;
    metrics::gauge!("farol_sessions").set(count as f64);
    Ok(())
}

/// Sessions that have reached their absolute end.
async fn too_old(access: &Access) -> Result<Vec<String>, Box<dyn std::error::Error + Send + Sync>> {
    let ids: Vec<String> = sqlx::query_scalar("SELECT id FROM tower_sessions")
        .fetch_all(&access.pool)
        .await?;
    let mut old = Vec::new();
    for id in ids {
        let Ok(parsed) = id.parse::<Id>() else { continue };
        let Some(record) = access.store.load(&parsed).await? else {
            continue;
        };
        let signed_in_ms = record
            .data
            .get(identify::SIGNED_IN_MS)
            .and_then(serde_json::Value::as_i64);
        if signed_in_ms.is_some_and(|at| identify::expired(access, at, now_ms())) {
            old.push(id);
        }
    }
    Ok(old)
}
