//! What becomes of events and spans of `tracing`: lines on standard error, and traces where they are asked for.

use super::traces::Traces;
use crate::config::{Config, LogFormat};
use farol_model::Fault;
use std::sync::OnceLock;
use tracing_subscriber::{
    EnvFilter, Layer, fmt, layer::SubscriberExt, registry, reload, util::SubscriberInitExt,
};

type SetFilter = Box<dyn Fn(EnvFilter) -> Result<(), reload::Error> + Send + Sync>;

/// Sets the filter of the log, once there is one. Of the process, as the log is.
static SET_FILTER: OnceLock<SetFilter> = OnceLock::new();

/// From now on the log is written by this filter.
///
/// # Errors
/// It is no filter, or nobody has started the log.
pub fn set_filter(filter: &str) -> Result<(), Fault> {
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| Fault::invalid("filter", format!("`{filter}` is no filter: {error}.")))?;
    let set = SET_FILTER
        .get()
        .ok_or_else(|| Fault::unavailable("This Farol was started without a log of its own."))?;
    set(filter).map_err(|_| Fault::internal())
}

/// Starts both, once per process. Must be called within a Tokio runtime. The traces are to be ended last of all.
pub fn start(config: &Config) -> anyhow::Result<Option<Traces>> {
    let (filter, handle) = reload::Layer::new(EnvFilter::try_new(&config.log.filter)?);
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
    // A second log could not have been started above.
    drop(SET_FILTER.set(Box::new(move |filter| handle.reload(filter))));
    Ok(traces)
}
