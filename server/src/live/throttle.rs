//! A token bucket: so many at once, so many per second.

use std::time::Instant;

/// See the module. Takes the time as an argument.
#[derive(Debug)]
pub struct Bucket {
    tokens: f64,
    per_second: f64,
    burst: f64,
    at: Instant,
}

impl Bucket {
    /// Starts with `extra` tokens above the burst.
    pub fn new(per_second: f64, burst: f64, extra: f64, now: Instant) -> Self {
        Bucket {
            tokens: burst + extra,
            per_second,
            burst,
            at: now,
        }
    }

    /// Takes one; false when there is none.
    pub fn take(&mut self, now: Instant) -> bool {
        let elapsed = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = now;
        // Tokens above the burst are never refilled, only used up.
        if self.tokens < self.burst {
            self.tokens = (self.tokens + elapsed * self.per_second).min(self.burst);
        }
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_burst_passes_once_and_then_the_rate_holds() {
        let start = Instant::now();
        let mut bucket = Bucket::new(30.0, 60.0, 10.0, start);
        assert_eq!((0..100).filter(|_| bucket.take(start)).count(), 70);
        let later = start + Duration::from_secs(1);
        assert_eq!((0..100).filter(|_| bucket.take(later)).count(), 30);
        let much_later = start + Duration::from_secs(100);
        assert_eq!((0..100).filter(|_| bucket.take(much_later)).count(), 60);
    }
}
