//! Logs that go on: one journalctl per service that somebody looks at, shared by all who look. It ends when nobody has asked
//! for a while.

use super::journal::{MAX_LINES, Source, line};
use farol_model::{Fault, service::LogLine};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Child,
};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Services that are followed at a time.
const MAX_TAILS: usize = 16;
/// Who asks each second asks again within this.
const ASKED_LASTS: Duration = Duration::from_secs(15);
/// Lines that a tail starts from.
const FIRST_LINES: usize = 200;

/// See the module.
#[derive(Default)]
pub struct Tails {
    /// A std lock: held for map operations only.
    all: Mutex<HashMap<String, Tail>>,
}

struct Tail {
    kept: Arc<Mutex<Kept>>,
    running: CancellationToken,
    /// Ends the journalctl with the entry.
    _end: DropGuard,
}

/// What a tail and those who ask share.
struct Kept {
    lines: VecDeque<LogLine>,
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
            return Ok(Some(kept.lines.iter().cloned().collect()));
        }
        if all.len() >= MAX_TAILS {
            let why = format!(
                "{MAX_TAILS} logs are followed already. Close one of them, or read the last lines again."
            );
            return Err(Fault::limited(why, 15));
        }
        let child = source.follow(service, FIRST_LINES)?;
        let kept = Arc::new(Mutex::new(Kept {
            lines: VecDeque::new(),
            asked: Instant::now(),
        }));
        let running = CancellationToken::new();
        tokio::spawn(follow(child, kept.clone(), running.clone()));
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

/// Reads until told to end, or until nobody has asked for a while; journalctl ends with this.
async fn follow(mut child: Child, kept: Arc<Mutex<Kept>>, running: CancellationToken) {
    let Some(stdout) = child.stdout.take() else { return };
    let mut reader = BufReader::new(stdout).lines();
    let mut idle = tokio::time::interval(ASKED_LASTS);
    loop {
        tokio::select! {
            () = running.cancelled() => break,
            _ = idle.tick() => if lock(&kept).asked.elapsed() > ASKED_LASTS { break },
            next = reader.next_line() => {
                let Ok(Some(text)) = next else { break };
                if let Some(read) = line(&text) {
                    let mut kept = lock(&kept);
                    if kept.lines.len() >= MAX_LINES {
                        kept.lines.pop_front();
                    }
                    kept.lines.push_back(read);
                }
            }
        }
    }
    running.cancel();
    // A child that has ended already needs no end.
    drop(child.start_kill());
    drop(child.wait().await);
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
