//! What becomes of events and spans of `tracing`: lines on standard error, and traces where they are asked for.

use super::traces::Traces;
use crate::config::{Config, LogFormat};
use tracing_subscriber::{EnvFilter, Layer, fmt, layer::SubscriberExt, registry, util::SubscriberInitExt};

/// Starts both, once per process. Must be called within a Tokio runtime. The traces are to be ended last of all.
pub fn start(config: &Config) -> anyhow::Result<Option<Traces>> {
    let filter = EnvFilter::try_new(&config.log.filter)?;
    // A log that nobody reads any more (a closed pipe) must not take the process with it.
    let log = fmt::layer()
        .log_internal_errors(false)
        .with_writer(std::io::stderr);
    let log = match config.log.format {
        LogFormat::Text => log.boxed(),
        LogFormat::Json => log.json().boxed(),
    };
    let endpoint = config.telemetry.otlp_endpoint.as_deref();
    let traces = endpoint.map(Traces::start).transpose()?;
    registry()
        .with(log.with_filter(filter))
        .with(traces.as_ref().map(Traces::layer))
        .try_init()
        .map_err(|error| anyhow::anyhow!("cannot start the log: {error}"))?;
    Ok(traces)
}
