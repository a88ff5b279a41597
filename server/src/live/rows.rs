//! A frame of metrics becomes a row of its channel's ring and a publication, and two where its schema is another one than before.

use super::{
    body::Body,
    channel::{Hold, Inner},
    limits::LiveLimits,
    publication::Payload,
};
use farol_model::{metric::MetricSpec, wire::payload::MetricsPublication};
use std::{sync::Arc, time::Instant};

/// Held frames of one metrics channel at most; at more than 27 Hz they reach back less than 150 s.
const HELD_COUNT: usize = 4096;
/// Values held for recovery per metrics channel at most, bytes.
const HELD_BYTES: usize = 16 * 1024 * 1024;

/// One frame, on its way into its channel.
#[derive(Debug)]
pub struct Row<'a> {
    pub schema: &'a Arc<[MetricSpec]>,
    pub t_ms: i64,
    pub interval_ms: u32,
    pub values: Vec<f64>,
}

impl Row<'_> {
    /// Puts it there. False when the channel is not one of metrics.
    pub fn put(self, inner: &mut Inner, limits: &LiveLimits) -> bool {
        let (schema, mut values) = (self.schema, self.values);
        let Body::Metrics(ring) = &mut inner.body else {
            return false;
        };
        let changed = !Arc::ptr_eq(ring.schema(), schema) && ring.schema() != schema;
        if changed {
            ring.set_schema(schema.clone());
        }
        values.resize(schema.len(), f64::NAN);
        ring.push(self.t_ms, self.interval_ms, &values);
        let hold = Hold {
            age: limits.metrics_hold,
            count: HELD_COUNT,
            bytes: HELD_BYTES,
        };
        let now = Instant::now();
        if changed {
            let announcement = MetricsPublication {
                t_ms: self.t_ms,
                values: Vec::new(),
                schema: schema.to_vec(),
            };
            let size = 256 * schema.len();
            inner.publish_held(Payload::Metrics(announcement), size, hold, now);
        }
        let size = 64 + 8 * values.len();
        let frame = MetricsPublication {
            t_ms: self.t_ms,
            values,
            schema: Vec::new(),
        };
        inner.publish_held(Payload::Metrics(frame), size, hold, now);
        true
    }
}
