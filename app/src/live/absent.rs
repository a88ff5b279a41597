//! The carrier where there is no browser: on the server, pages are drawn once from what they were given.

use super::{LiveState, SubscribeOptions, sink::Sink};
use farol_model::Fault;
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

    pub(super) async fn rpc(self, _: &str, _: Vec<u8>) -> Result<serde_json::Value, Fault> {
        Err(Fault::unavailable(
            "This needs a browser with JavaScript. Use the form on this page instead.",
        ))
    }
}

impl super::badge::Clock {
    pub(super) fn now_ms() -> f64 {
        0.0
    }

    pub(super) fn every_second(_: impl Fn() + 'static) -> Self {
        super::badge::Clock(None)
    }
}
