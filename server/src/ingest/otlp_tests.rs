use super::*;
use opentelemetry_proto::tonic::metrics::v1::{
    ExponentialHistogram, Gauge, Histogram, ScopeMetrics, Sum, Summary, summary_data_point::ValueAtQuantile,
};

fn attribute(key: &str, value: &str) -> KeyValue {
    KeyValue {
        key: key.into(),
        value: Some(AnyValue {
            value: Some(Value::StringValue(value.into())),
        }),
        ..Default::default()
    }
}

fn sent(unit: &str, data: Data) -> ResourceMetrics {
    ResourceMetrics {
        resource: Some(Resource {
            attributes: vec![
                attribute("service.name", "my shop"),
                attribute("service.instance.id", "a1"),
                attribute("process.pid", "7"),
                attribute("deployment.environment", "prod"),
            ],
            ..Default::default()
        }),
        scope_metrics: vec![ScopeMetrics {
            scope: Some(InstrumentationScope {
                name: "lib".into(),
                ..Default::default()
            }),
            metrics: vec![Metric {
                name: "http.server.duration".into(),
                unit: unit.into(),
                data: Some(data),
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    }
}

fn number(value: f64) -> NumberDataPoint {
    NumberDataPoint {
        attributes: vec![attribute("http.route", "/a")],
        start_time_unix_nano: 1_000_000_000,
        time_unix_nano: 3_000_000_000,
        value: Some(Number::AsDouble(value)),
        ..Default::default()
    }
}

/// Nine milliseconds after the epoch.
const NOW: Window = Window {
    now_ms: 9,
    late_ms: 300_000,
};
const CUMULATIVE: i32 = AggregationTemporality::Cumulative as i32;
const DELTA: i32 = AggregationTemporality::Delta as i32;

#[test]
fn names_units_and_attributes_are_ours() {
    let gauge = Data::Gauge(Gauge {
        data_points: vec![number(250.0)],
    });
    let points = points(&sent("ms", gauge), NOW);
    assert_eq!((points.name.as_str(), points.refused), ("my-shop", 0));
    let [sample] = &points.samples[..] else {
        panic!("{points:?}")
    };
    assert_eq!(
        sample.spec().key(),
        r#"http_server_duration_seconds{deployment_environment="prod",http_route="/a",instance="a1",otel_scope_name="lib"}"#
    );
    assert_eq!(
        (sample.value, sample.t_ms, sample.unit),
        (0.25, 3_000, Some(Unit::Seconds))
    );
    assert_eq!(sample.spec().title, "prod /a a1");
}

#[test]
fn sums_are_rates_when_they_only_grow_and_values_when_they_do_not() {
    let sum = |is_monotonic, temporality| {
        let sum = Data::Sum(Sum {
            data_points: vec![number(8.0)],
            aggregation_temporality: temporality,
            is_monotonic,
        });
        points(&sent("{request}", sum), NOW)
    };
    assert_eq!(sum(true, CUMULATIVE).samples[0].shape, Shape::Counter);
    assert_eq!(
        sum(true, CUMULATIVE).samples[0].name,
        "http_server_duration_total"
    );
    assert_eq!(sum(true, DELTA).samples[0].shape, Shape::Delta(2.0));
    assert_eq!(sum(false, CUMULATIVE).samples[0].shape, Shape::Gauge);
    for refused in [sum(false, DELTA), sum(true, 0)] {
        assert_eq!((refused.samples.len(), refused.refused), (0, 1));
        assert!(refused.why.unwrap().contains("send it cumulative"));
    }
}

fn buckets(points: &Points) -> Vec<(String, f64)> {
    let of = points
        .samples
        .iter()
        .filter(|sample| sample.name.ends_with("_bucket"));
    of.map(|sample| (sample.labels.last().unwrap().1.clone(), sample.value))
        .collect()
}

#[test]
fn histograms_keep_their_buckets() {
    let point = HistogramDataPoint {
        time_unix_nano: 1,
        count: 6,
        sum: Some(700.0),
        bucket_counts: vec![1, 2, 3],
        explicit_bounds: vec![5.0, 50.0],
        ..Default::default()
    };
    let histogram = |point| {
        Data::Histogram(Histogram {
            data_points: vec![point],
            aggregation_temporality: CUMULATIVE,
        })
    };
    let good = points(&sent("ms", histogram(point.clone())), NOW);
    let expected = [("0.005", 1.0), ("0.05", 3.0), ("+Inf", 6.0)].map(|(le, n)| (le.to_owned(), n));
    assert_eq!(buckets(&good), expected);
    let names: Vec<&str> = good.samples[3..]
        .iter()
        .map(|sample| sample.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "http_server_duration_seconds_count",
            "http_server_duration_seconds_sum"
        ]
    );
    assert_eq!(good.samples[4].value, 0.7);
    let bad = points(
        &sent(
            "ms",
            histogram(HistogramDataPoint {
                bucket_counts: vec![1, 2],
                ..point
            }),
        ),
        NOW,
    );
    assert!(bad.why.unwrap().contains("2 buckets for 2 bounds"));
}

#[test]
fn exponential_histograms_become_buckets_at_powers_of_two() {
    let some = |offset, bucket_counts| {
        Some(Buckets {
            offset,
            bucket_counts,
        })
    };
    let point = |scale, positive, negative| ExponentialHistogramDataPoint {
        scale,
        positive,
        negative,
        zero_count: 1,
        count: 100,
        time_unix_nano: 1,
        ..Default::default()
    };
    let of = |point| {
        let data = Data::ExponentialHistogram(ExponentialHistogram {
            data_points: vec![point],
            aggregation_temporality: CUMULATIVE,
        });
        points(&sent("", data), NOW)
    };
    let as_expected = |found: Points, expected: &[(&str, f64)]| {
        let expected: Vec<_> = expected.iter().map(|(le, n)| ((*le).to_owned(), *n)).collect();
        assert_eq!(buckets(&found), expected);
    };
    // Scale 1: two buckets between powers of two. (1, √2], (√2, 2], (2, 2√2].
    as_expected(
        of(point(1, some(0, vec![3, 4, 5]), None)),
        &[("0", 1.0), ("2", 8.0), ("4", 13.0), ("+Inf", 100.0)],
    );
    // Scale -1: base 4. (1, 4], (4, 16]; and (-1, -0.25] mirrored.
    as_expected(
        of(point(-1, some(0, vec![2, 1]), some(-1, vec![7]))),
        &[
            ("-0.5", 7.0),
            ("0", 8.0),
            ("4", 10.0),
            ("16", 11.0),
            ("+Inf", 100.0),
        ],
    );
    // Whatever comes is bounded and does not overflow.
    for scale in [i32::MIN, -70, -20, 20, 62, 63, i32::MAX] {
        for offset in [i32::MIN, 0, i32::MAX] {
            drop(of(point(scale, some(offset, vec![u64::MAX, u64::MAX]), None)));
        }
    }
    let many = of(point(0, some(-200, vec![1; 400]), None));
    assert!(many.why.unwrap().contains("more than 200 buckets"));
}

#[test]
fn summaries_are_quantiles_and_points_without_values_are_none() {
    let point = SummaryDataPoint {
        count: 2,
        sum: 4.0,
        quantile_values: vec![ValueAtQuantile {
            quantile: 0.5,
            value: 3.0,
        }],
        ..Default::default()
    };
    let summary = |flags| {
        Data::Summary(Summary {
            data_points: vec![SummaryDataPoint {
                flags,
                ..point.clone()
            }],
        })
    };
    let told = points(&sent("s", summary(0)), NOW);
    assert_eq!(told.samples.len(), 3);
    assert_eq!(told.samples[0].labels.last().unwrap().1, "0.5");
    assert_eq!(told.samples[0].t_ms, 9, "without a time it is of now");
    assert_eq!(points(&sent("s", summary(1)), NOW).samples.len(), 0);
}

/// Prometheus' bound for a clock that is ahead, and a bound of ours for what comes late. A point counts once, however many samples it is.
#[test]
fn points_of_long_ago_and_of_the_far_future_are_refused_each_by_itself() {
    let at = |secs: u64| HistogramDataPoint {
        time_unix_nano: secs * 1_000_000_000,
        count: 6,
        sum: Some(700.0),
        bucket_counts: vec![1, 2, 3],
        explicit_bounds: vec![5.0, 50.0],
        ..Default::default()
    };
    let histogram = Data::Histogram(Histogram {
        data_points: [6_699, 6_700, 7_000, 7_600, 7_601].map(at).to_vec(),
        aggregation_temporality: CUMULATIVE,
    });
    let window = Window {
        now_ms: 7_000_000,
        late_ms: 300_000,
    };
    let told = points(&sent("ms", histogram.clone()), window);
    assert_eq!(
        (told.refused, told.samples.len(), told.ends.as_slice()),
        (2, 15, &[5, 10, 15][..])
    );
    let why = told.why.unwrap();
    assert!(
        why.contains("measured 301 s ago, and 300 s are let in (ingest.late_secs)"),
        "{why}"
    );
    let earlier = Window {
        now_ms: 6_700_000,
        ..window
    };
    let why = points(&sent("ms", histogram), earlier).why.unwrap();
    assert!(
        why.contains("measured 900 s after now, and 600 s are let in: look at the sender's clock"),
        "{why}"
    );
}
