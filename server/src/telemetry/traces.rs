//! Farol's own traces, sent to an OpenTelemetry collector: OTLP over HTTP with Protobuf bodies (opentelemetry.io, "OTLP
//! Specification", "OTLP/HTTP"). Off unless `telemetry.otlp_endpoint` is set.
//!
//! Spans of Farol's own code travel, with what was logged inside them at `info` and above. They leave in batches from a
//! thread of their own. [`QUEUE`] spans wait at most; above it, and when the collector does not take a batch, they are
//! dropped and counted: what watches a machine must not fail with what watches it. A batch is not sent twice.
//!
//! TLS is not spoken here: a collector on this machine forwards over it.

use anyhow::Context;
use async_trait::async_trait;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, Uri, header};
use hyper_util::rt::TokioIo;
use opentelemetry::{Context as OtelContext, KeyValue, trace::TracerProvider};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, RetryPolicy, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{
        BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider, Span, SpanData, SpanExporter,
        SpanProcessor,
    },
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{net::TcpStream, runtime::Handle, time::timeout};
use tracing::{Level, Metadata, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{Layer, filter::filter_fn, registry::LookupSpan};

/// Spans that wait for the collector, those in the batch under way among them; further ones are dropped.
const QUEUE: usize = 2048;
/// Spans in one request at most.
const BATCH: usize = 512;
/// Distance of batches that are not full.
const BATCH_INTERVAL: Duration = Duration::from_secs(2);
/// Time for one request.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);
/// What a collector may answer, bytes.
const ANSWER_BYTES: usize = 64 * 1024;
/// Where OTLP/HTTP takes traces.
const PATH: &str = "/v1/traces";

/// The way out for spans, while Farol runs.
#[derive(Debug)]
pub struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// Begins to send to a collector at `http://host:port`. Must be called within a Tokio runtime. Nothing is connected
    /// before there is something to send.
    pub fn start(endpoint: &str) -> anyhow::Result<Traces> {
        let collector = Collector::new(endpoint)?;
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_http_client(collector)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{}{PATH}", endpoint.trim_end_matches('/')))
            .with_timeout(EXPORT_TIMEOUT)
            .with_retry_policy(RetryPolicy::disabled())
            .build()
            .context("traces cannot be exported")?;
        let waiting = Arc::new(AtomicUsize::new(0));
        let exporter = Counted {
            inner: exporter,
            waiting: waiting.clone(),
            away: AtomicBool::new(false),
        };
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(QUEUE)
            .with_max_export_batch_size(BATCH)
            .with_scheduled_delay(BATCH_INTERVAL)
            .build();
        let inner = BatchSpanProcessor::builder(exporter)
            .with_batch_config(batches)
            .build();
        let resource = Resource::builder_empty()
            .with_service_name("farol")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_sampler(Sampler::AlwaysOn)
            .with_resource(resource)
            .with_span_processor(Bounded { inner, waiting })
            .build();
        Ok(Traces { provider })
    }

    /// What makes spans of `tracing` into spans of OpenTelemetry.
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer("farol"))
            .with_location(false)
            .with_threads(false)
            .with_filter(filter_fn(travels).with_max_level_hint(LevelFilter::DEBUG))
    }

    /// Sends what waits, for so long at most. Later spans are dropped.
    pub async fn end(self, limit: Duration) {
        let ended = tokio::task::spawn_blocking(move || self.provider.shutdown_with_timeout(limit)).await;
        if let Ok(Err(error)) = ended {
            tracing::warn!(%error, "the last spans were not sent");
        }
    }
}

/// Our own spans, but not those of the sending itself.
fn travels(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    target.starts_with("farol")
        && !target.starts_with(module_path!())
        && (metadata.is_span() || *metadata.level() <= Level::INFO)
}

/// Drops what does not fit, and counts it.
#[derive(Debug)]
struct Bounded {
    inner: BatchSpanProcessor,
    /// Spans that ended and have not been given to the collector or up.
    waiting: Arc<AtomicUsize>,
}

impl SpanProcessor for Bounded {
    fn on_start(&self, span: &mut Span, context: &OtelContext) {
        self.inner.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        let room = |waiting| (waiting < QUEUE).then_some(waiting + 1);
        let fits = self
            .waiting
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, room);
        match fits {
            Ok(_) => self.inner.on_end(span),
            Err(_) => dropped("queue", 1),
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// Counts what the collector takes and what it does not.
#[derive(Debug)]
struct Counted<E> {
    inner: E,
    waiting: Arc<AtomicUsize>,
    /// The last batch was not taken. Told once, not once per batch.
    away: AtomicBool,
}

impl<E: SpanExporter> SpanExporter for Counted<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len();
        let result = self.inner.export(batch).await;
        self.waiting.fetch_sub(count, Ordering::Relaxed);
        match &result {
            Ok(()) => {
                metrics::counter!("farol_traces_spans_sent_total").increment(count as u64);
                if self.away.swap(false, Ordering::Relaxed) {
                    tracing::info!("the OpenTelemetry collector takes spans again");
                }
            }
            Err(error) => {
                dropped("collector", count as u64);
                if !self.away.swap(true, Ordering::Relaxed) {
                    tracing::warn!(%error, "the OpenTelemetry collector takes no spans; they are dropped until it does");
                }
            }
        }
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

fn dropped(why: &'static str, count: u64) {
    metrics::counter!("farol_traces_spans_dropped_total", "why" => why).increment(count);
}

/// One request at a time to the collector, on Farol's runtime: the thread of the batches has none.
#[derive(Debug)]
struct Collector {
    runtime: Handle,
    /// Host and port, as a `Host` header has it.
    authority: String,
    /// The same with the port always there.
    address: String,
}

impl Collector {
    fn new(endpoint: &str) -> anyhow::Result<Self> {
        let uri: Uri = endpoint
            .parse()
            .context("the address of the collector cannot be read")?;
        let authority = uri
            .authority()
            .context("the address of the collector has no host")?;
        Ok(Collector {
            runtime: Handle::try_current().context("traces need a runtime")?,
            address: format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(80)),
            authority: authority.to_string(),
        })
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        *request.uri_mut() = Uri::from_static(PATH);
        let host = HeaderValue::from_str(&self.authority)?;
        request.headers_mut().insert(header::HOST, host);
        let address = self.address.clone();
        // A timer can only be made where a runtime is.
        let sent = async move { timeout(EXPORT_TIMEOUT, post(address, request)).await };
        self.runtime.spawn(sent).await??
    }
}

async fn post(address: String, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let answer = async move {
        let response = sender.send_request(request.map(Body::from)).await?;
        let (parts, body) = response.into_parts();
        let body = to_bytes(Body::new(body), ANSWER_BYTES).await?;
        Ok(Response::from_parts(parts, body))
    };
    // The connection moves the bytes of both; it ends when nobody needs it any more.
    let (answer, _) = tokio::join!(answer, connection);
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn spans_above_the_queue_are_dropped_and_counted() {
        // A collector that takes connections and never answers: what it was sent waits.
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", silent.local_addr().unwrap());
        let count = || {
            let text = crate::telemetry::openmetrics::render(&crate::telemetry::registry().snapshot());
            let line = text
                .lines()
                .find(|line| line.starts_with("farol_traces_spans_dropped_total{why=\"queue\"}"));
            line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
                .unwrap_or(0.0)
        };
        let before = count();
        let traces = Traces::start(&endpoint).unwrap();
        let subscriber =
            tracing_subscriber::layer::SubscriberExt::with(tracing_subscriber::registry(), traces.layer());
        tracing::subscriber::with_default(subscriber, || {
            for _ in 0..QUEUE + 100 {
                drop(tracing::info_span!(target: "farol::test", "one"));
            }
        });
        assert_eq!(count() - before, 100.0);
        traces.end(Duration::from_millis(50)).await;
    }
}
