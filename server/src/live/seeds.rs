//! What channels of metrics begin with: rows from before the start, each waiting for the first frame of its channel, so that a
//! live chart goes on where it was.
//!
//! A seed alone is no channel: what nobody takes goes after a while, because its device or its application has gone.

use super::limits::LiveLimits;
use crate::history::ring::Ring;
use farol_model::metric::MetricSpec;
use std::{collections::HashMap, sync::Arc, time::Instant};

/// Seeds by channel, and since when each waits.
#[derive(Debug, Default)]
pub struct Seeds {
    waiting: HashMap<String, (Ring, Instant)>,
}

impl Seeds {
    pub fn add(&mut self, channel: &str, ring: Ring, now: Instant) {
        self.waiting.insert(channel.to_owned(), (ring, now));
    }

    /// The ring that a channel of this schema begins with: its seed, where there is one. Series that the seed does not have are without
    /// a value there.
    pub fn claim(&mut self, channel: &str, schema: &Arc<[MetricSpec]>) -> Ring {
        match self.waiting.remove(channel) {
            Some((mut ring, _)) => {
                ring.set_schema(schema.clone());
                ring
            }
            None => Ring::new(schema.clone()),
        }
    }

    /// Lets go what has waited for too long.
    pub fn forget(&mut self, limits: &LiveLimits, now: Instant) {
        if self.waiting.is_empty() {
            return;
        }
        self.waiting
            .retain(|_, (_, since)| now.saturating_duration_since(*since) < limits.seed_keep);
        self.waiting.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{
        packed::Packed,
        ring::{MAX_CELLS, tests::schema},
    };
    use farol_model::sample::Snapshot;
    use std::time::Duration;

    /// Rows at 1000, 2000 and 3000; column `n` has the time and `n` added to it.
    fn seed(names: &[&str]) -> Ring {
        let times = vec![1000, 2000, 3000];
        let column = |at: usize| times.iter().map(|time| *time as f64 + at as f64).collect();
        let columns: Vec<Packed> = (0..names.len()).map(column).collect();
        Ring::with_rows(schema(names), times.clone(), columns, 1000)
    }

    /// After the first frame.
    fn after(mut ring: Ring, t_ms: i64) -> Snapshot {
        let values = vec![0.5; ring.schema().len()];
        ring.push(t_ms, 1000, &values);
        ring.snapshot(0, MAX_CELLS)
    }

    #[test]
    fn columns_are_found_by_their_series_whatever_the_order_and_what_is_gone_goes() {
        let mut seeds = Seeds::default();
        seeds.add("c", seed(&["a", "gone", "b"]), Instant::now());
        let rows = after(seeds.claim("c", &schema(&["b", "new", "a"])), 9000);
        assert_eq!(
            rows.times_ms,
            [1000, 2000, 3000, 9000],
            "what was not sampled is a gap"
        );
        assert_eq!(rows.columns.len(), 3);
        assert_eq!(rows.columns[0].values, [1002.0, 2002.0, 3002.0, 0.5]);
        assert!(rows.columns[1].values[..3].iter().all(|value| value.is_nan()));
        assert_eq!(rows.columns[2].values, [1000.0, 2000.0, 3000.0, 0.5]);
        let anew = seeds.claim("c", &schema(&["a"]));
        assert!(anew.is_empty(), "a seed is taken once");
        assert!(seeds.claim("other", &schema(&["a"])).is_empty());
    }

    #[test]
    fn rows_at_and_after_the_first_frame_are_left_out_and_so_is_what_is_too_old() {
        let first = |t_ms: i64| {
            let mut seeds = Seeds::default();
            seeds.add("c", seed(&["a"]), Instant::now());
            after(seeds.claim("c", &schema(&["a"])), t_ms).times_ms
        };
        assert_eq!(first(2000), [1000, 2000], "the clock was set back");
        assert_eq!(first(10), [10]);
        let late = 2000 + crate::history::ring::RETENTION_MS;
        assert_eq!(first(late), [2000, 3000, late]);
        assert_eq!(first(late + 10_000), [late + 10_000]);
    }

    #[test]
    fn what_nobody_takes_goes_after_its_time() {
        let (mut seeds, limits, now) = (Seeds::default(), LiveLimits::default(), Instant::now());
        seeds.add("c", seed(&["a"]), now);
        seeds.forget(&limits, now + limits.seed_keep - Duration::from_millis(1));
        assert_eq!(seeds.waiting.len(), 1);
        seeds.forget(&limits, now + limits.seed_keep);
        assert!(seeds.claim("c", &schema(&["a"])).is_empty());
    }
}
