//! How many questions are answered at once. Programs and pages come through the same gate: one more waits a moment for its turn, and
//! is asked to come again when it was not its turn by then, or when many wait already.

use farol_model::Fault;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Questions that are answered at once.
const AT_ONCE: usize = 4;
/// Questions that wait for their turn at most.
const MAX_WAITING: usize = 64;
/// How long one waits at most: as long as somebody looks at an empty chart.
const WAIT: Duration = Duration::from_secs(5);

/// See the module.
#[derive(Debug)]
pub struct Gate {
    seats: Arc<Semaphore>,
    at_once: usize,
    waiting: AtomicUsize,
    max_waiting: usize,
    wait: Duration,
}

impl Default for Gate {
    fn default() -> Self {
        Gate::new(AT_ONCE, MAX_WAITING, WAIT)
    }
}

/// One that waits, until it does not any more.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Gate {
    fn new(at_once: usize, max_waiting: usize, wait: Duration) -> Gate {
        Gate {
            seats: Arc::new(Semaphore::new(at_once)),
            at_once,
            waiting: AtomicUsize::new(0),
            max_waiting,
            wait,
        }
    }

    /// A seat for as long as it is held.
    pub async fn enter(&self) -> Result<OwnedSemaphorePermit, Fault> {
        if let Ok(seat) = self.seats.clone().try_acquire_owned() {
            return Ok(seat);
        }
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waiting = Waiting(&self.waiting);
        if before >= self.max_waiting {
            return Err(self.full(before));
        }
        match tokio::time::timeout(self.wait, self.seats.clone().acquire_owned()).await {
            Ok(Ok(seat)) => Ok(seat),
            // Nobody closes it.
            Ok(Err(_)) => Err(Fault::internal()),
            Err(_) => Err(self.full(before)),
        }
    }

    fn full(&self, waiting: usize) -> Fault {
        Fault::limited(
            format!(
                "{} questions to history are being answered, and {waiting} waited before this one. Try again, or ask for less.",
                self.at_once
            ),
            1,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use farol_model::FaultCode;

    #[tokio::test]
    async fn one_more_waits_for_its_turn_and_too_many_are_told_to_come_again() {
        let gate = Arc::new(Gate::new(1, 1, Duration::from_secs(60)));
        let first = gate.enter().await.unwrap();
        let second = tokio::spawn({
            let gate = gate.clone();
            async move { gate.enter().await }
        });
        while gate.waiting.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        let third = gate.enter().await.unwrap_err();
        assert_eq!(
            (third.code, third.retry_after_secs),
            (FaultCode::Limited, Some(1))
        );
        assert!(
            third.message.contains("1 questions") && third.message.contains("Try again"),
            "{third}"
        );
        drop(first);
        let second = second.await.unwrap().unwrap();
        assert_eq!(gate.waiting.load(Ordering::Relaxed), 0, "nobody waits any more");
        drop(second);
        assert!(gate.enter().await.is_ok());
    }

    #[tokio::test]
    async fn whoever_waited_long_enough_is_told_to_come_again() {
        let gate = Gate::new(1, 1, Duration::from_millis(1));
        let _first = gate.enter().await.unwrap();
        assert_eq!(gate.enter().await.unwrap_err().code, FaultCode::Limited);
        assert_eq!(gate.waiting.load(Ordering::Relaxed), 0);
    }
}
