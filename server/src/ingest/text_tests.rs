use super::*;
use farol_model::metric::Unit;

fn keys(samples: &[Sample]) -> Vec<String> {
    samples.iter().map(|sample| sample.spec().key()).collect()
}

const TEXT: &str = r#"# HELP http_requests_total The total number of "requests".
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000
http_requests_total{method="post",code="400",}    3 1395066363000

# Escaping in label values:
msdos_file_access_time_seconds{path="C:\\DIR\\FILE.TXT",error="Cannot find file:\n\"FILE.TXT\""} 1.458255915e9
metric_without_timestamp_and_labels 12.47
something_weird{problem="division by zero"} +Inf -0
# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{le="0.05"} 24054
http_request_duration_seconds_bucket{le="+Inf"} 144320
http_request_duration_seconds_sum 53423
http_request_duration_seconds_count 144320
# TYPE rpc_duration_seconds summary
rpc_duration_seconds{quantile="0.99"} 76656
rpc_duration_seconds_sum 1.7560473e+07
rpc_duration_seconds_count 2693
"#;

#[test]
fn the_example_of_the_format_is_read_with_its_types() {
    let samples = parse(TEXT, Format::Text, 5).unwrap();
    assert_eq!(samples.len(), 12);
    assert_eq!(
        samples[0].spec().key(),
        r#"http_requests_total{code="200",method="post"}"#
    );
    assert_eq!(
        (samples[0].shape, samples[0].t_ms),
        (Shape::Counter, 1_395_066_363_000)
    );
    assert_eq!(samples[0].help, "The total number of \"requests\".");
    assert_eq!(samples[2].labels[1].1, "Cannot find file:\n\"FILE.TXT\"");
    assert_eq!(samples[2].labels[0].1, r"C:\DIR\FILE.TXT");
    assert_eq!((samples[3].value, samples[3].t_ms), (12.47, 5));
    assert_eq!(samples[4].value, f64::INFINITY);
    let shapes: Vec<Shape> = samples[5..].iter().map(|sample| sample.shape).collect();
    use Shape::{Counter, Gauge};
    assert_eq!(
        shapes,
        [Counter, Counter, Counter, Counter, Gauge, Counter, Counter]
    );
    let units: Vec<i32> = samples[5..].iter().map(|sample| sample.spec().unit).collect();
    let (per_second, ratio, seconds) = (Unit::PerSecond as i32, Unit::None as i32, Unit::Seconds as i32);
    assert_eq!(
        units,
        [
            per_second, per_second, ratio, per_second, seconds, ratio, per_second
        ]
    );
}

const OPEN: &str = r#"# TYPE foo_seconds counter
# UNIT foo_seconds seconds
# HELP foo_seconds A counter.
foo_seconds_total{a="b"} 17.5 1520879607.789
foo_seconds_created{a="b"} 1520872607.123
# TYPE bar histogram
bar_bucket{le="+Inf"} 3 # {trace_id="K } # x"} 0.67 1520879607.7
bar_count 3
bar_sum 7.5
# TYPE state stateset
state{state="on"} 1
# EOF
"#;

#[test]
fn openmetrics_is_read_without_exemplars_and_creation_times() {
    let samples = parse(OPEN, Format::OpenMetrics, 5).unwrap();
    assert_eq!(
        keys(&samples),
        [
            r#"foo_seconds_total{a="b"}"#,
            r#"bar_bucket{le="+Inf"}"#,
            "bar_count",
            "bar_sum",
            r#"state{state="on"}"#
        ]
    );
    assert_eq!(samples[0].t_ms, 1_520_879_607_789);
    assert_eq!(samples[1].value, 3.0);
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    for (text, line, reason) in [
        ("a 1\nb", 2, "b has no value"),
        ("a x", 1, "`x` is no number"),
        ("a 0x10", 1, "is no number"),
        ("a 1 soon", 1, "`soon` is no time"),
        ("a 1 -5", 1, "is no time"),
        ("a 1 9223372036854775807", 1, "is no time"),
        ("a 1 2 3", 1, "`3` follows"),
        ("a{b=\"c\" 1", 1, "neither `,` nor `}`"),
        ("a{b=\"c} 1", 1, "no closing quote"),
        ("a{b=c} 1", 1, "does not stand in quotes"),
        ("a{b 1", 1, "no closing brace"),
        ("a{1b=\"\"} 1", 1, "`1b` is no name of a label"),
        ("1a 1", 1, "does not begin with the name"),
        ("{\"a.b\"} 1", 1, "does not begin with the name"),
        ("# TYPE a thing", 1, "`thing` is no type"),
        ("# TYPE a-b counter", 1, "`a-b` is no name"),
        ("<html><body>Not Found", 1, "does not begin with the name"),
    ] {
        let error = parse(text, Format::Text, 0).unwrap_err();
        assert_eq!(error.line, line, "{text}");
        assert!(error.reason.contains(reason), "{text}: {error}");
    }
    let cut = parse("a 1\n", Format::OpenMetrics, 0).unwrap_err();
    assert!(cut.to_string().starts_with("line 1: `# EOF` is missing"), "{cut}");
    let more = parse("# EOF\na 1\n", Format::OpenMetrics, 0).unwrap_err();
    assert_eq!(more.line, 2);
}

#[test]
fn the_content_type_says_which_format_it_is() {
    assert_eq!(
        Format::of("application/openmetrics-text; version=1.0.0; charset=utf-8"),
        Format::OpenMetrics
    );
    assert_eq!(Format::of("text/plain; version=0.0.4"), Format::Text);
    assert_eq!(Format::of(""), Format::Text);
}

#[test]
fn what_farol_itself_tells_is_read() {
    let registry = crate::telemetry::registry();
    metrics::counter!("farol_ingest_text_test_total", "a" => "b \"c\" \\d").increment(3);
    let text = crate::telemetry::openmetrics::render(&registry.snapshot());
    let samples = parse(&text, Format::OpenMetrics, 0).unwrap();
    let ours = samples
        .iter()
        .find(|sample| sample.name == "farol_ingest_text_test_total")
        .unwrap();
    assert_eq!((ours.value, ours.labels[0].1.as_str()), (3.0, "b \"c\" \\d"));
}
