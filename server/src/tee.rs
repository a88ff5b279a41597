//! Where frames go: to the live hub, to history if there is one, and to those that remote write sends to. The live plane comes first
//! and never waits for the others.

use crate::{collectors::Outlet, containers::ContainerOutlet, history::feed::Feed, live::Hub, remote_write};
use farol_model::{action::OutputStream, health::CollectorStatus, metric::MetricSpec, process::ProcessRow};
use std::sync::Arc;

/// See the module.
pub struct Tee {
    hub: Arc<Hub>,
    history: Option<Feed>,
    remote_write: remote_write::Feed,
}

impl Tee {
    pub fn new(hub: Arc<Hub>, history: Option<Feed>, remote_write: remote_write::Feed) -> Arc<Tee> {
        Arc::new(Tee {
            hub,
            history,
            remote_write,
        })
    }

    fn all(&self, channel: &str, schema: &Arc<[MetricSpec]>, t_ms: i64, interval_ms: u32, values: Vec<f64>) {
        if let Some(history) = &self.history {
            // What does not fit is counted there.
            history.frame(channel, schema, t_ms, interval_ms, &values);
        }
        self.remote_write
            .frame(channel, schema, t_ms, interval_ms, &values);
        Outlet::frame(&*self.hub, channel, schema, t_ms, interval_ms, values);
    }
}

impl Outlet for Tee {
    fn frame(
        &self,
        channel: &str,
        schema: &Arc<[MetricSpec]>,
        t_ms: i64,
        interval_ms: u32,
        values: Vec<f64>,
    ) {
        self.all(channel, schema, t_ms, interval_ms, values);
    }

    fn processes(&self, t_ms: i64, rows: Vec<ProcessRow>) {
        Outlet::processes(&*self.hub, t_ms, rows);
    }

    fn health(&self, statuses: &[CollectorStatus]) {
        Outlet::health(&*self.hub, statuses);
    }
}

impl ContainerOutlet for Tee {
    fn frame(
        &self,
        channel: &str,
        schema: &Arc<[MetricSpec]>,
        t_ms: i64,
        interval_ms: u32,
        values: Vec<f64>,
    ) {
        self.all(channel, schema, t_ms, interval_ms, values);
    }

    fn gone(&self, channel: &str) {
        self.remote_write.gone(channel);
        self.hub.gone(channel);
    }

    fn log_opened(&self, channel: &str) {
        self.hub.log_opened(channel);
    }

    fn log(&self, channel: &str, stream: OutputStream, text: String) {
        self.hub.log(channel, stream, text);
    }

    fn log_heard(&self, channel: &str) -> bool {
        self.hub.log_heard(channel)
    }

    fn log_closed(&self, channel: &str) {
        self.hub.log_closed(channel);
    }
}
