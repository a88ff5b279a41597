//! Channels of logs, `logs/KIND/NAME`: there while somebody listens. A [`Source`] is asked to begin when somebody subscribes, and
//! takes the channel down when nobody listens any more.

use super::{
    body::Body,
    channel::{Channel, Hold},
    hub::Hub,
    publication::Payload,
};
use crate::containers::ContainerOutlet;
use bytes::Bytes;
use farol_model::{
    Fault,
    action::{OutputStream, RunEvent},
    channel::Class,
    metric::MetricSpec,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// What a log holds for those who come later: so many pieces, and so many bytes; the oldest go first.
const HOLD: Hold = Hold {
    age: Duration::MAX,
    count: 2000,
    bytes: 512 * 1024,
};

/// Fills channels of logs of one kind. Implemented by whoever can read such logs.
pub trait Source: Send + Sync + 'static {
    /// The kind, the second segment of the channel's name.
    fn kind(&self) -> &'static str;
    /// Begins the log of this name. Its channel is there afterwards, or the fault says why not.
    fn begin(&self, name: &str) -> Result<(), Fault>;
}

impl Hub {
    /// From now on logs of its kind can be listened to.
    pub fn add_source(&self, source: Arc<dyn Source>) {
        super::lock(&self.sources).push(source);
    }

    /// The channel of a log, begun when it is not there.
    pub fn log_channel(&self, channel: &str, kind: &str, name: &str) -> Result<Arc<Channel>, Fault> {
        if let Some(channel) = self.channel(channel) {
            return Ok(channel);
        }
        let found = super::lock(&self.sources)
            .iter()
            .find(|source| source.kind() == kind)
            .cloned();
        let unknown = || Fault::not_found(format!("There are no logs of the kind `{kind}` here."));
        found.ok_or_else(unknown)?.begin(name)?;
        self.channel(channel).ok_or_else(Fault::internal)
    }
}

impl ContainerOutlet for Hub {
    fn frame(
        &self,
        channel: &str,
        schema: &Arc<[MetricSpec]>,
        t_ms: i64,
        interval_ms: u32,
        values: Vec<f64>,
    ) {
        crate::collectors::Outlet::frame(self, channel, schema, t_ms, interval_ms, values);
    }

    fn gone(&self, channel: &str) {
        self.take_down(self.channel(channel).into_iter().collect());
    }

    fn log_opened(&self, channel: &str) {
        self.open(channel, Class::Stream, || Body::Stream);
    }

    fn log(&self, channel: &str, stream: OutputStream, text: String) {
        let Some(channel) = self.channel(channel) else {
            return;
        };
        let text = match serde_json::to_vec(&RunEvent::Output { stream, text }) {
            Ok(text) => Bytes::from(text),
            Err(error) => {
                tracing::error!(%error, "a piece of a log could not be written as JSON");
                return;
            }
        };
        channel.with(|inner| {
            let size = text.len() + 128;
            inner.publish_held(Payload::Json(text), size, HOLD, Instant::now());
        });
    }

    fn log_heard(&self, channel: &str) -> bool {
        self.channel(channel)
            .is_some_and(|channel| channel.with(|inner| inner.has_subscribers()))
    }

    fn log_closed(&self, channel: &str) {
        self.take_down(self.channel(channel).into_iter().collect());
    }
}
