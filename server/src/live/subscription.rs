//! One channel of one connection.

use super::publication::ChannelKey;
use farol_model::channel::Class;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// One subscription of one connection.
#[derive(Debug)]
pub struct Subscription {
    pub channel: Arc<ChannelKey>,
    pub class: Class,
    /// False once it has ended, by whichever side.
    pub(super) live: AtomicBool,
    /// False until its reply is queued. Publications wait for that.
    pub(super) open: AtomicBool,
}

impl Subscription {
    pub fn new(channel: Arc<ChannelKey>, class: Class) -> Arc<Self> {
        Arc::new(Subscription {
            channel,
            class,
            live: AtomicBool::new(true),
            open: AtomicBool::new(false),
        })
    }

    pub fn is_live(&self) -> bool {
        self.live.load(Ordering::Acquire)
    }

    pub fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }
}
