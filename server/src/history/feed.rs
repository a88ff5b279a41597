//! The way in. Never waits: a frame that finds the queue full is not kept, and is counted.

use super::Inner;
use farol_model::metric::MetricSpec;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
    mpsc::{SyncSender, TrySendError},
};

/// Frames that wait at most.
pub const MAX_FRAMES: usize = 4096;
/// Values that wait at most (8 MiB of numbers).
pub const MAX_CELLS: usize = 1024 * 1024;

/// One row of a channel, on its way.
#[derive(Debug)]
pub struct Frame {
    pub channel: Arc<str>,
    pub schema: Arc<[MetricSpec]>,
    pub t_ms: i64,
    pub interval_ms: u32,
    pub values: Box<[f64]>,
}

/// What the writer is sent.
#[derive(Debug)]
pub enum Order {
    Frame(Frame),
    /// All that was sent before is written, and handed over to be sealed if the second says so; then answers.
    Flush(SyncSender<()>, bool),
    /// The end: what waits is written, nothing more is taken.
    End,
}

/// Hands frames over. Cheap to clone.
#[derive(Clone)]
pub struct Feed {
    pub(super) orders: SyncSender<Order>,
    /// Values that wait.
    pub(super) cells: Arc<AtomicUsize>,
    pub(super) inner: Arc<Inner>,
}

impl Feed {
    /// One row of a metrics channel; `values` follow `schema` by position, NaN where there is none. Answers whether it was taken.
    pub fn frame(
        &self,
        channel: &str,
        schema: &Arc<[MetricSpec]>,
        t_ms: i64,
        interval_ms: u32,
        values: &[f64],
    ) -> bool {
        let width = values.len().min(schema.len());
        let room = self.cells.fetch_add(width, Ordering::Relaxed) + width <= MAX_CELLS;
        let order = Order::Frame(Frame {
            channel: channel.into(),
            schema: schema.clone(),
            t_ms,
            interval_ms,
            values: values[..width].into(),
        });
        let sent = match room {
            true => self.orders.try_send(order).map_err(|error| match error {
                TrySendError::Full(_) => "queue",
                TrySendError::Disconnected(_) => "ended",
            }),
            false => Err("queue"),
        };
        if let Err(why) = sent {
            self.cells.fetch_sub(width, Ordering::Relaxed);
            self.inner.health.dropped(width as u64, why);
        }
        sent.is_ok()
    }
}
