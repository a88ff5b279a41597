//! In a build without the feature `otlp`: no traces are sent, and the configuration says so.

use std::time::Duration;
use tracing::Subscriber;
use tracing_subscriber::{Layer, layer::Identity};

/// Never made.
#[derive(Debug)]
pub struct Traces(std::convert::Infallible);

impl Traces {
    /// Refuses.
    pub fn start(_: &str) -> anyhow::Result<Traces> {
        anyhow::bail!("telemetry.otlp_endpoint is set, but this program was built without the feature `otlp`")
    }

    /// Nothing.
    pub fn layer<S: Subscriber>(&self) -> impl Layer<S> + use<S> {
        Identity::new()
    }

    /// Nothing.
    pub async fn end(self, _: Duration) {}
}
