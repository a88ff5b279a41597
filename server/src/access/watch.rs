//! Notices what ends connections: sessions that expire, what other processes (the command line) change in the database, and roles
//! that are not what they were.
//!
//! It looks twice a second. A look is a few indexed reads; nothing is missed, because what is compared is the state itself.

use super::{
    Access, identify,
    roles::{Table, grants_in},
};
use crate::{
    live::{Ending, Proof},
    time::now_ms,
};
use sqlx::Row;
use std::{
    collections::{HashMap, HashSet},
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
}

/// Runs until shutdown.
pub async fn watch(access: Access, shutdown: CancellationToken) {
    let mut seen: Option<Seen> = None;
    let mut looks = 0u32;
    let mut tick = tokio::time::interval(LOOK_EVERY);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = shutdown.cancelled() => return,
        }
        match look(&access, seen.as_ref()).await {
            Ok(now) => seen = Some(now),
            Err(error) => tracing::error!(%error, "users and tokens cannot be looked at"),
        }
        if let Err(error) = expire(&access, looks.is_multiple_of(SWEEP_EVERY)).await {
            tracing::error!(%error, "expired sessions cannot be removed");
        }
        looks = looks.wrapping_add(1);
    }
}

async fn look(access: &Access, before: Option<&Seen>) -> Result<Seen, sqlx::Error> {
    let mut now = Seen {
        roles: access.roles.all(),
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
