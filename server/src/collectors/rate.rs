//! Rates from counters that only grow.

use std::{collections::HashMap, time::Instant};

/// The last reading of each counter.
#[derive(Debug, Default)]
pub struct Rates {
    last: HashMap<String, (u64, Instant)>,
}

impl Rates {
    /// Growth per second since the reading before. NaN for the first, and after a counter shrank: it was reset, and what
    /// happened in between is unknown.
    pub fn per_second(&mut self, key: &str, total: u64, now: Instant) -> f64 {
        let Some((before, at)) = self.last.insert(key.to_owned(), (total, now)) else {
            return f64::NAN;
        };
        let secs = now.saturating_duration_since(at).as_secs_f64();
        match total.checked_sub(before) {
            Some(grown) if secs > 0.0 => grown as f64 / secs,
            _ => f64::NAN,
        }
    }

    /// Forgets counters that were not read at `now`: a device that comes back starts anew.
    pub fn forget_before(&mut self, now: Instant) {
        self.last.retain(|_, (_, at)| *at == now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_rate_needs_two_readings_and_a_counter_that_grew() {
        let mut rates = Rates::default();
        let start = Instant::now();
        let at = |secs| start + Duration::from_secs(secs);
        assert!(rates.per_second("a", 100, at(0)).is_nan());
        assert_eq!(rates.per_second("a", 300, at(2)), 100.0);
        assert!(rates.per_second("a", 5, at(3)).is_nan(), "the counter was reset");
        assert_eq!(rates.per_second("a", 6, at(4)), 1.0);
        assert!(rates.per_second("a", 7, at(4)).is_nan(), "no time has passed");
    }

    #[test]
    fn a_device_that_went_away_starts_anew() {
        let mut rates = Rates::default();
        let start = Instant::now();
        rates.per_second("a", 1, start);
        rates.forget_before(start + Duration::from_secs(1));
        assert!(rates.per_second("a", 9, start + Duration::from_secs(2)).is_nan());
    }
}
