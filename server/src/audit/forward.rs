//! Tells entries to others. The queue is the log itself: each target has a cursor in the database, so nothing is held in
//! memory, nothing is lost by a stop, and what a target missed it gets later, in order, at least once.
//!
//! A target that does not answer is tried again after [`BACKOFF`], growing; the log does not wait for it. Entries that the
//! command line writes beside us are found within [`LOOK_EVERY`].

pub mod syslog;
pub mod webhook;

use super::{
    AuditLog,
    config::AuditConfig,
    entry::{Entry, Head, NOTHING, hash_of},
};
use crate::time::now_ms;
use futures::future::BoxFuture;
use sqlx::SqlitePool;
use std::{sync::Arc, time::Duration};
use syslog::Syslog;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use webhook::Webhook;

/// Entries that are told at a time.
const BATCH: i64 = 64;
/// Between two looks for what others wrote.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Waits after failures: from, to.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));
/// Time for a batch to be taken.
const PATIENCE: Duration = Duration::from_secs(15);

/// Somebody who is told.
pub trait Target: Send + 'static {
    /// A name for the cursor, the log and people; without secrets.
    fn name(&self) -> String;
    /// Tells a batch, in order, and waits until it is taken. How many were.
    fn tell<'a>(&'a mut self, entries: &'a [Entry]) -> BoxFuture<'a, anyhow::Result<usize>>;
}

/// Starts a task for each target that is configured, until shutdown.
pub fn start(log: &AuditLog, config: &AuditConfig, shutdown: &CancellationToken) -> anyhow::Result<()> {
    let mut targets: Vec<Box<dyn Target>> = Vec::new();
    if let Some(address) = &config.syslog {
        targets.push(Box::new(Syslog::new(
            address.parse().map_err(anyhow::Error::msg)?,
        )));
    }
    if let (Some(url), Some(secret)) = (&config.webhook, &config.webhook_secret) {
        targets.push(Box::new(Webhook::new(url, secret, config.webhook_ca.clone())?));
    }
    for target in targets {
        tokio::spawn(forward(log.clone(), target, shutdown.clone()));
    }
    Ok(())
}

async fn forward(log: AuditLog, mut target: Box<dyn Target>, shutdown: CancellationToken) {
    let name: Arc<str> = target.name().into();
    let mut news = log.news();
    let mut wait = BACKOFF.0;
    let mut failing = false;
    loop {
        let told = tokio::select! {
            told = step(&log.pool, target.as_mut(), &name) => told,
            () = shutdown.cancelled() => return,
        };
        let pause = match told {
            Ok(more) => {
                if std::mem::take(&mut failing) {
                    tracing::info!(target_name = %name, "the audit log is forwarded again");
                }
                wait = BACKOFF.0;
                if more { Duration::ZERO } else { LOOK_EVERY }
            }
            Err(error) => {
                metrics::counter!("farol_audit_forward_failures_total").increment(1);
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(target_name = %name, error = format!("{error:#}"), "the audit log cannot be forwarded; trying again until it can");
                }
                let pause = wait.mul_f64(0.5 + rand::random::<f64>() / 2.0);
                wait = (wait * 2).min(BACKOFF.1);
                pause
            }
        };
        let entry_or_pause = async {
            // What fails is not tried more often because there is more of it.
            match failing {
                true => tokio::time::sleep(pause).await,
                false => drop(timeout(pause, news.changed()).await),
            }
        };
        tokio::select! {
            () = entry_or_pause => {}
            () = shutdown.cancelled() => return,
        }
    }
}

/// Tells what comes after the cursor, and moves it. Whether there may be more.
async fn step(pool: &SqlitePool, target: &mut dyn Target, name: &str) -> anyhow::Result<bool> {
    let cursor = cursor(pool, name).await?;
    let rows = sqlx::query("SELECT * FROM audit WHERE seq > ? ORDER BY seq LIMIT ?")
        .bind(cursor.seq)
        .bind(BATCH)
        .fetch_all(pool)
        .await?;
    let entries: Vec<Entry> = rows.iter().map(Entry::read).collect::<Result<_, _>>()?;
    if entries.is_empty() {
        return Ok(false);
    }
    let told = timeout(PATIENCE, target.tell(&entries))
        .await
        .map_err(|_| anyhow::anyhow!("no answer within {} s", PATIENCE.as_secs()))??;
    let Some(last) = told.checked_sub(1).and_then(|index| entries.get(index)) else {
        anyhow::bail!("nothing was taken");
    };
    sqlx::query(
        "INSERT INTO audit_forward (target, seq, hash, at_ms) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (target) DO UPDATE SET seq = ?2, hash = ?3, at_ms = ?4",
    )
    .bind(name)
    .bind(last.seq)
    .bind(last.hash.as_slice())
    .bind(now_ms())
    .execute(pool)
    .await?;
    metrics::counter!("farol_audit_forwarded_total").increment(told as u64);
    Ok(told < entries.len() || entries.len() as i64 == BATCH)
}

/// The last entry that a target was told; a new one is told all.
async fn cursor(pool: &SqlitePool, name: &str) -> anyhow::Result<Head> {
    let row = sqlx::query("SELECT seq, hash FROM audit_forward WHERE target = ?")
        .bind(name)
        .fetch_optional(pool)
        .await?;
    Ok(match row {
        None => Head {
            seq: 0,
            hash: NOTHING,
        },
        Some(row) => Head {
            seq: sqlx::Row::try_get(&row, "seq")?,
            hash: hash_of(&row, "hash")?,
        },
    })
}
