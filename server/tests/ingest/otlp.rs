use super::{Apps, newest};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use opentelemetry::{KeyValue, metrics::MeterProvider};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{MetricExporter, Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceResponse;
use opentelemetry_sdk::{
    Resource,
    metrics::{PeriodicReader, SdkMeterProvider, Temporality},
};
use prost::Message;
use reqwest::{Client, StatusCode};
use serde_json::json;
use std::io::Write;
use tokio::runtime::Handle;

/// The way out of the SDK, which has threads of its own.
#[derive(Debug)]
struct Way(Client, Handle);

#[async_trait]
impl HttpClient for Way {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (client, request) = (self.0.clone(), request.map(reqwest::Body::from));
        let sent = self.1.spawn(async move {
            let answer = client.execute(request.try_into()?).await?;
            let response = Response::builder().status(answer.status());
            Ok::<_, HttpError>(response.body(answer.bytes().await?)?)
        });
        sent.await?
    }
}

fn provider(apps: &Apps, service: &'static str, temporality: Temporality) -> SdkMeterProvider {
    let exporter = MetricExporter::builder()
        .with_http()
        .with_http_client(Way(apps.client.clone(), Handle::current()))
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(apps.url("/v1/metrics"))
        .with_temporality(temporality)
        .build()
        .unwrap();
    let resource = Resource::builder()
        .with_service_name(service)
        .with_attribute(KeyValue::new("service.instance.id", "one"))
        .build();
    SdkMeterProvider::builder()
        .with_reader(PeriodicReader::builder(exporter).build())
        .with_resource(resource)
        .build()
}

/// Sends now; the SDK waits for the answer.
async fn flush(provider: &SdkMeterProvider) {
    let provider = provider.clone();
    tokio::task::spawn_blocking(move || provider.force_flush())
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_of_opentelemetry_sends_each_kind_in_both_temporalities() {
    let apps = Apps::start("").await;
    for (service, temporality) in [
        ("shop-c", Temporality::Cumulative),
        ("shop-d", Temporality::Delta),
    ] {
        let provider = provider(&apps, service, temporality);
        let meter = provider.meter("checkout");
        let orders = meter.u64_counter("shop.orders").with_unit("{order}").build();
        let took = meter
            .f64_histogram("shop.duration")
            .with_unit("ms")
            .with_boundaries(vec![100.0, 1000.0])
            .build();
        let stock = meter.i64_up_down_counter("shop.stock").build();
        let heap = meter.u64_gauge("shop.heap").with_unit("By").build();
        for _ in 0..2 {
            orders.add(10, &[KeyValue::new("country", "pt")]);
            took.record(50.0, &[]);
            took.record(500.0, &[]);
            stock.add(-2, &[]);
            heap.record(4096, &[]);
            flush(&provider).await;
        }
        let labels = [("otel_scope_name", "checkout"), ("instance", "one")];
        assert_eq!(
            apps.value(service, "shop_heap_bytes", &labels, f64::is_finite)
                .await,
            4096.0
        );
        assert_eq!(
            apps.value(service, "shop_stock", &labels, |value| value == -4.0)
                .await,
            -4.0
        );
        let positive = |value: f64| value > 0.0 && value.is_finite();
        apps.value(service, "shop_orders_total", &[("country", "pt")], positive)
            .await;
        let told = apps.get(&format!("/api/fn/apps?at=/apps/{service}")).await;
        let of = |name: &str, labels: &[(&str, &str)]| newest(&told, name, labels).unwrap();
        let all = of("shop_duration_seconds_count", &[]);
        let small = of("shop_duration_seconds_bucket", &[("le", "0.1")]);
        let large = of("shop_duration_seconds_bucket", &[("le", "+Inf")]);
        assert!(positive(all) && (large - all).abs() < 1e-9, "{all} {large}");
        assert!((small * 2.0 - all).abs() < all * 1e-6, "{small} {all}");
        assert!(positive(of("shop_duration_seconds_sum", &[])));
        let source = apps.source(service, |source| source["state"] == "up").await;
        assert_eq!(
            (&source["kind"], &source["refused"]),
            (&"otlp".into(), &0.into()),
            "{source}"
        );
        tokio::task::spawn_blocking(move || provider.shutdown())
            .await
            .unwrap()
            .unwrap();
    }
    apps.server.stop().await;
}

/// As the specification writes it, with numbers as text, measured now.
fn gauge(service: &str, points: usize) -> serde_json::Value {
    let now = farol::time::now_ms();
    measured(service, &(0..points).map(|n| (n, now, 1.5)).collect::<Vec<_>>())
}

/// Points: a label, when, a value.
fn measured(service: &str, points: &[(usize, i64, f64)]) -> serde_json::Value {
    let point = |(n, t_ms, value): &(usize, i64, f64)| {
        json!({
            "attributes": [{"key": "n", "value": {"intValue": n.to_string()}}],
            "timeUnixNano": (t_ms * 1_000_000).to_string(),
            "asDouble": value,
        })
    };
    json!({"resourceMetrics": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
        "scopeMetrics": [{"scope": {"name": "s"}, "metrics": [{
            "name": "room.temperature", "unit": "Cel",
            "gauge": {"dataPoints": points.iter().map(point).collect::<Vec<_>>()},
        }]}],
    }]})
}

#[tokio::test]
async fn json_packed_or_not_is_taken_and_above_the_limit_partly() {
    let apps = Apps::start("[ingest]\nmax_series = 3\nmax_sources = 2\n").await;
    let post = |body: Vec<u8>| {
        let request = apps.client.post(apps.url("/v1/metrics"));
        request.header("content-type", "application/json").body(body)
    };
    let answer = post(gauge("json", 2).to_string().into()).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["content-type"], "application/json");
    assert_eq!(
        apps.value("json", "room_temperature_celsius", &[("n", "1")], f64::is_finite)
            .await,
        1.5
    );
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(gauge("json", 5).to_string().as_bytes()).unwrap();
    let packed = packer.finish().unwrap();
    let answer = post(packed.clone())
        .header("content-encoding", "gzip")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let told: serde_json::Value = answer.json().await.unwrap();
    let partial = &told["partialSuccess"];
    assert_eq!(
        partial["rejectedDataPoints"]
            .as_i64()
            .or_else(|| partial["rejectedDataPoints"].as_str()?.parse().ok()),
        Some(2),
        "{told}"
    );
    assert!(
        partial["errorMessage"]
            .as_str()
            .unwrap()
            .contains("limit of 3 series"),
        "{told}"
    );
    apps.source("json", |source| {
        source["limited"] == true && source["series"] == 3
    })
    .await;
    // A third name is one too many.
    for (service, rejected) in [("second", false), ("third", true)] {
        let answer = post(gauge(service, 1).to_string().into()).send().await.unwrap();
        let told = answer.text().await.unwrap();
        assert_eq!(told.contains("2 sources already"), rejected, "{told}");
    }
    apps.server.stop().await;
}

#[tokio::test]
async fn points_that_come_late_out_of_order_or_from_the_future_are_refused_counted_and_told() {
    let apps = Apps::start("[ingest]\nlate_secs = 60\n").await;
    let now = farol::time::now_ms();
    let post = async |points: &[(usize, i64, f64)]| -> (i64, String) {
        let request = apps
            .client
            .post(apps.url("/v1/metrics"))
            .header("content-type", "application/json")
            .body(measured("late", points).to_string());
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let told: serde_json::Value = answer.json().await.unwrap();
        let partial = &told["partialSuccess"];
        let rejected = partial["rejectedDataPoints"]
            .as_i64()
            .or_else(|| partial["rejectedDataPoints"].as_str()?.parse().ok());
        let why = partial["errorMessage"].as_str().unwrap_or_default();
        (rejected.unwrap_or_default(), why.to_owned())
    };
    assert_eq!(
        post(&[(0, now - 1_000, 1.0), (1, now, 2.0)]).await,
        (0, String::new())
    );
    // Some of it is taken all the same.
    let (rejected, why) = post(&[(0, now - 120_000, 9.0), (1, now + 1, 3.0)]).await;
    assert_eq!(rejected, 1, "{why}");
    assert!(why.contains("room_temperature_celsius came too late"), "{why}");
    assert!(why.contains("60 s are let in (ingest.late_secs)"), "{why}");
    let (rejected, why) = post(&[(0, now + 3_600_000, 9.0)]).await;
    assert_eq!(rejected, 1, "{why}");
    assert!(why.contains("look at the sender's clock"), "{why}");
    let (rejected, why) = post(&[(0, now - 2_000, 9.0)]).await;
    assert_eq!(rejected, 1, "{why}");
    assert!(
        why.contains("out of order: it was measured 1000 ms before"),
        "{why}"
    );
    // Sent once more, because the answer was lost: no fault.
    assert_eq!(post(&[(0, now - 1_000, 1.0)]).await.0, 0);
    for (n, value) in [("0", 1.0), ("1", 3.0)] {
        apps.value("late", "room_temperature_celsius", &[("n", n)], |kept| {
            kept == value
        })
        .await;
    }
    let source = apps.source("late", |source| source["refused"] == 3).await;
    assert!(
        source["error"].as_str().unwrap().contains("out of order"),
        "{source}"
    );
    let counted = "farol_ingest_values_refused_total{source=\"late\"}";
    apps.until_metric(counted, |refused| refused == 3.0).await;
    apps.server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_taken_is_refused_in_words() {
    let apps = Apps::start("[ingest]\nmax_body_bytes = 2048\n").await;
    let post = |kind: &str, body: Vec<u8>| {
        let request = apps.client.post(apps.url("/v1/metrics"));
        request.header("content-type", kind).body(body)
    };
    let bomb = {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(&vec![b' '; 1_000_000]).unwrap();
        packer.finish().unwrap()
    };
    let json = "application/json";
    for (request, status, words) in [
        (
            post("text/plain", b"a 1".to_vec()),
            415,
            "application/x-protobuf or application/json",
        ),
        (
            post(json, b"{".to_vec()).header("content-encoding", "br"),
            415,
            "gzip",
        ),
        (
            post(json, b"{\"resourceMetrics\": 7}".to_vec()),
            400,
            "no ExportMetricsServiceRequest",
        ),
        (
            post(json, b"hello".to_vec()).header("content-encoding", "gzip"),
            400,
            "cannot be unpacked",
        ),
        (post(json, vec![b' '; 3000]), 413, "larger than 2048 bytes"),
        (
            post(json, bomb).header("content-encoding", "gzip"),
            413,
            "larger than 2048 bytes",
        ),
    ] {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status, "{words}");
        let told: serde_json::Value = answer.json().await.unwrap();
        assert!(told["message"].as_str().unwrap().contains(words), "{told}");
    }
    // Who sends Protobuf is answered in it: field 2 of a Status are words.
    let answer = post("application/x-protobuf", vec![0xff; 9])
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 400);
    assert_eq!(answer.headers()["content-type"], "application/x-protobuf");
    let body = answer.bytes().await.unwrap();
    assert!(body.windows(6).any(|words| words == b"Export"), "{body:?}");
    let empty = post("application/x-protobuf", Vec::new()).send().await.unwrap();
    assert_eq!(empty.status(), 200);
    let empty = ExportMetricsServiceResponse::decode(empty.bytes().await.unwrap()).unwrap();
    assert_eq!(empty.partial_success, None);
    // Who may not send.
    let body = gauge("x", 1).to_string();
    let viewer = apps.server.token("viewer").await;
    for (token, status) in [(None, 401), (Some(viewer), 403)] {
        let request = apps
            .server
            .anonymous()
            .post(apps.url("/v1/metrics"))
            .header("content-type", json);
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request.header("origin", apps.url("")),
        };
        assert_eq!(request.body(body.clone()).send().await.unwrap().status(), status);
    }
    assert_eq!(apps.get("/api/v1/apps").await["sources"], json!([]));
    apps.server.stop().await;
}
