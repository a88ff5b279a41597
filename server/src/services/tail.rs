//! Logs that go on: one reader per service that somebody looks at, shared by all who look. It ends when nobody has asked for a
//! while.
//!
//! It reads the last lines once a second and does not follow: `journalctl --follow` of systemd 252 leaves lines out when several
//! conditions may match (`--unit` alone is five) and the first match comes after it began.

use super::journal::Source;
use farol_model::{Fault, service::LogLine};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Services that are followed at a time.
const MAX_TAILS: usize = 16;
/// Who asks each second asks again within this.
const ASKED_LASTS: Duration = Duration::from_secs(15);
/// Lines that are read.
const LINES: usize = 200;
/// Distance of readings.
const EVERY: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Default)]
pub struct Tails {
    /// A std lock: held for map operations only.
    all: Mutex<HashMap<String, Tail>>,
}

struct Tail {
    kept: Arc<Mutex<Kept>>,
    running: CancellationToken,
    /// Ends the reading with the entry.
    _end: DropGuard,
}

/// What a tail and those who ask share.
struct Kept {
    lines: Vec<LogLine>,
    asked: Instant,
}

impl Tails {
    /// The lines so far, oldest first. The first question starts the tail and gets none.
    pub fn lines(&self, source: &Source, service: &str) -> Result<Option<Vec<LogLine>>, Fault> {
        let mut all = lock(&self.all);
        all.retain(|_, tail| !tail.running.is_cancelled());
        if let Some(tail) = all.get(service) {
            let mut kept = lock(&tail.kept);
            kept.asked = Instant::now();
            return Ok(Some(kept.lines.clone()));
        }
        if all.len() >= MAX_TAILS {
            let why = format!(
                "{MAX_TAILS} logs are followed already. Close one of them, or read the last lines again."
            );
            return Err(Fault::limited(why, 15));
        }
        let kept = Arc::new(Mutex::new(Kept {
            lines: Vec::new(),
            asked: Instant::now(),
        }));
        let running = CancellationToken::new();
        let reading = follow(source.clone(), service.to_owned(), kept.clone(), running.clone());
        tokio::spawn(reading);
        let tail = Tail {
            kept,
            _end: running.clone().drop_guard(),
            running,
        };
        all.insert(service.to_owned(), tail);
        Ok(None)
    }

    /// Ends all of them.
    pub fn end(&self) {
        lock(&self.all).clear();
    }
}

/// Reads until told to end, until nobody has asked for a while, or until the journal cannot be read.
async fn follow(source: Source, service: String, kept: Arc<Mutex<Kept>>, running: CancellationToken) {
    let mut next = tokio::time::interval(EVERY);
    next.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let reading = async {
        loop {
            next.tick().await;
            if lock(&kept).asked.elapsed() > ASKED_LASTS {
                return;
            }
            match source.last(&service, LINES).await {
                Ok(lines) => lock(&kept).lines = lines,
                Err(fault) => {
                    tracing::debug!(service, %fault, "a log cannot be read on");
                    return;
                }
            }
        }
    };
    running.run_until_cancelled(reading).await;
    running.cancel();
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
