//! The live client: one connection for the app, subscriptions that follow what is on screen, and data that survives a lost
//! connection without holes.
//!
//! - Pure and tested natively: [`apply`] (data), [`machine`] (connection), [`ladder`] (which carrier), [`framing`] (messages
//!   out of bytes), [`book`] (subscriptions), [`people`] (presence), [`state`] (words).
//! - [`handles`] is what pages use; [`badge`] shows the connection, [`company`] who else is here.
//! - `carrier` runs the connection in the browser build and does nothing on the server.
//!
//! Messages change plain buffers at once; signals are bumped at most once per animation frame.

pub mod apply;
pub mod badge;
pub mod book;
pub mod company;
pub mod framing;
pub mod handles;
pub mod ladder;
pub mod machine;
pub mod people;
pub mod sink;
pub mod state;

#[cfg(not(feature = "hydrate"))]
#[path = "live/absent.rs"]
mod carrier;
#[cfg(feature = "hydrate")]
#[path = "live/carrier.rs"]
mod carrier;

pub use badge::{Clock, ConnectionBadge};
pub use carrier::Subscription;
pub use company::Company;
pub use farol_model::wire::payload::SubscribeOptions;
pub use handles::{
    ChannelHandle, Handle, Marks, RunFeed, Table, use_channel, use_channel_on_screen, use_log, use_run,
    use_state, use_table,
};
pub use state::LiveState;

use leptos::prelude::*;
use std::sync::Arc;

/// The app's live client. A handle: copying it does not open another connection.
#[derive(Clone, Copy)]
pub struct LiveClient {
    link: carrier::Link,
    /// Where the connection stands.
    pub state: RwSignal<LiveState>,
}

/// Puts the live client and the shared crosshair into context. Call once, in `App`. Nothing is opened before somebody subscribes.
pub fn provide_live() {
    provide_context(LiveClient::new());
    crate::charts::provide_crosshair();
}

/// The live client of the app; without [`provide_live`] one of its own.
pub fn use_live() -> LiveClient {
    use_context().unwrap_or_else(LiveClient::new)
}

impl LiveClient {
    fn new() -> Self {
        let state = RwSignal::new(LiveState::Connecting);
        LiveClient {
            link: carrier::Link::new(state),
            state,
        }
    }

    /// Opens the connection, if nobody has yet.
    pub fn start(&self) {
        self.link.start();
    }

    /// Keeps a channel subscribed until the returned value is dropped, and a little longer.
    pub fn subscribe(&self, channel: &str, options: SubscribeOptions) -> Subscription {
        self.link.subscribe(channel, options, None)
    }

    /// Subscribes and delivers to a sink, from the sink's position.
    pub fn attach(
        &self,
        channel: &str,
        options: SubscribeOptions,
        sink: Arc<dyn sink::Sink>,
    ) -> Subscription {
        self.link.subscribe(channel, options, Some(sink))
    }

    /// Delivers to a sink whenever somebody else keeps the channel subscribed.
    pub fn listen(&self, channel: &str, sink: Arc<dyn sink::Sink>) -> Subscription {
        self.link.join(channel, None, Some(sink))
    }
}
