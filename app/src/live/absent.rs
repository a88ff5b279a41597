//! The carrier where there is no browser: on the server, pages are drawn once from what they were given.

use super::{LiveState, SubscribeOptions, sink::Sink};
use leptos::prelude::*;
use std::sync::Arc;

#[derive(Clone, Copy)]
pub(super) struct Link;

/// Holds nothing here.
#[must_use = "dropping it ends the subscription"]
pub struct Subscription;

impl Link {
    pub(super) fn new(_: RwSignal<LiveState>) -> Self {
        Link
    }

    pub(super) fn start(self) {}

    pub(super) fn subscribe(self, _: &str, _: SubscribeOptions, _: Option<Arc<dyn Sink>>) -> Subscription {
        Subscription
    }

    pub(super) fn join(self, _: &str, _: Option<SubscribeOptions>, _: Option<Arc<dyn Sink>>) -> Subscription {
        Subscription
    }
}

impl super::badge::Clock {
    pub(super) fn now_ms() -> f64 {
        0.0
    }

    pub fn every_second(_: impl Fn() + 'static) -> Self {
        super::badge::Clock(None)
    }
}
