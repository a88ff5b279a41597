//! What the running server knows of the chain: verified whole at the start and once an hour, and what came since whenever
//! the page is looked at.

use super::{
    AuditLog,
    entry::{Head, hash_of},
    verify::{Broken, Verifier, advance, forwarded},
};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

/// Between two verifications of the whole chain.
const WHOLE_EVERY: Duration = Duration::from_secs(3600);
/// Entries that one look at the page verifies at most; the next look goes on.
const PER_LOOK: u64 = 5_000;
/// Entries between two breaks of the whole verification, so that it holds nothing up.
const PER_STEP: u64 = 2_000;

/// See the module. The lock is Tokio's, because it is held while the database is read.
#[derive(Debug, Default)]
pub struct ChainState {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// None until the first look.
    verified: Option<Verifier>,
    broken: Option<Broken>,
    /// Whether all that is there has been verified.
    whole: bool,
}

impl AuditLog {
    /// Verifies the whole chain now and every hour until shutdown.
    pub async fn watch_chain(self, shutdown: CancellationToken) {
        let mut tick = tokio::time::interval(WHOLE_EVERY);
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                () = shutdown.cancelled() => return,
            }
            tokio::select! {
                verified = self.verify_whole() => if let Err(error) = verified {
                    tracing::error!(%error, "the audit log cannot be verified");
                },
                () = shutdown.cancelled() => return,
            }
        }
    }

    async fn verify_whole(&self) -> Result<(), sqlx::Error> {
        let mut verifier = Verifier::new(&forwarded(&self.pool).await?);
        let broken = loop {
            match advance(&self.pool, &mut verifier, PER_STEP).await? {
                Ok(true) => tokio::task::yield_now().await,
                Ok(false) => break verifier.finish().err(),
                Err(broken) => break Some(broken),
            }
        };
        let mut known = self.state.known.lock().await;
        tell(broken.as_ref(), known.broken.as_ref());
        match broken {
            Some(broken) => known.broken = Some(broken),
            // The chain is longer than what was verified before, or it has been cut off since.
            None => {
                known.broken = self.still_there(known.verified.as_ref()).await?;
                known.whole = true;
            }
        }
        known.verified = Some(verifier);
        Ok(())
    }

    /// Whether the last entry that was verified is there as it was.
    async fn still_there(&self, verified: Option<&Verifier>) -> Result<Option<Broken>, sqlx::Error> {
        let Some(Head { seq, hash }) = verified.map(Verifier::last).filter(|head| head.seq > 0) else {
            return Ok(None);
        };
        let row = sqlx::query("SELECT hash FROM audit WHERE seq = ?")
            .bind(seq)
            .fetch_optional(&self.pool)
            .await?;
        match row {
            Some(row) if hash_of(&row, "hash")? == hash => Ok(None),
            Some(_) => Ok(Some(Broken::NotAnchored(seq))),
            None => {
                let last: i64 = sqlx::query_scalar("SELECT coalesce(max(seq), 0) FROM audit")
                    .fetch_one(&self.pool)
                    .await?;
                Ok(Some(Broken::CutOff { last, wanted: seq }))
            }
        }
    }

    /// One sentence for the page, and whether it is bad news.
    pub(super) async fn chain_words(&self) -> Result<(String, bool), sqlx::Error> {
        let mut known = self.state.known.lock().await;
        if known.broken.is_none() {
            let mut verifier = known.verified.clone().unwrap_or_else(|| Verifier::new(&[]));
            let broken = match self.still_there(Some(&verifier)).await? {
                Some(broken) => Some(broken),
                None => match advance(&self.pool, &mut verifier, PER_LOOK).await? {
                    Ok(more) => {
                        known.whole = !more;
                        None
                    }
                    Err(broken) => Some(broken),
                },
            };
            tell(broken.as_ref(), None);
            known.broken = broken;
            known.verified = Some(verifier);
        }
        let seq = known.verified.as_ref().map_or(0, |verifier| verifier.last().seq);
        Ok(match (&known.broken, known.whole, seq) {
            (Some(broken), ..) => (
                format!(
                    "The chain is broken: {broken}. Keep a copy of the database and compare with what was forwarded; `farol audit verify` says the same."
                ),
                true,
            ),
            (None, _, 0) => ("Each entry carries the hash of the one before.".to_owned(), false),
            (None, true, seq) => (format!("Chain verified up to entry {seq}, the last one."), false),
            (None, false, seq) => (
                format!("Chain verified up to entry {seq}; the rest is being looked at."),
                false,
            ),
        })
    }
}

/// Once per finding.
fn tell(broken: Option<&Broken>, before: Option<&Broken>) {
    metrics::gauge!("farol_audit_chain_broken").set(if broken.or(before).is_some() { 1.0 } else { 0.0 });
    if let Some(broken) = broken.filter(|broken| Some(*broken) != before) {
        tracing::error!(
            entry = broken.seq(),
            "the chain of the audit log is broken: {broken}"
        );
    }
}
