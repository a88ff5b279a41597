use super::Expression;
use crate::history::{
    Store,
    config::HistoryConfig,
    grid::Found,
    query::{Answer, Step},
};
use farol_model::metric::{MetricSpec, Unit};
use std::sync::Arc;

/// A whole day of the epoch.
const START: i64 = 1_767_225_600_000;

pub(super) struct World {
    store: Store,
    _dir: tempfile::TempDir,
}

impl World {
    pub(super) fn new() -> World {
        let dir = tempfile::tempdir().unwrap();
        let config = HistoryConfig {
            min_free_mib: 0,
            ..HistoryConfig::default()
        };
        let store = Store::open_with(&config, dir.path(), Arc::new(|| START)).unwrap();
        World { store, _dir: dir }
    }

    /// A row a second; each series is its spec and its values.
    pub(super) fn push(&self, channel: &str, series: &[(MetricSpec, &[f64])]) {
        let schema: Arc<[MetricSpec]> = series.iter().map(|(spec, _)| spec.clone()).collect();
        for second in 0..series[0].1.len() {
            let values: Vec<f64> = series.iter().map(|(_, values)| values[second]).collect();
            let t_ms = START + 1000 * second as i64;
            assert!(self.store.feed().frame(channel, &schema, t_ms, 1000, &values));
        }
        self.store.flush();
    }

    pub(super) fn ask(&self, text: &str, seconds: i64, step_ms: i64) -> Answer {
        let expression = Expression::parse(text).unwrap();
        let step = Step::Of(step_ms);
        self.store
            .evaluate(&expression, START, START + 1000 * seconds, step)
            .unwrap()
    }

    fn refused(&self, text: &str) -> String {
        let expression = Expression::parse(text).unwrap();
        let fault = self
            .store
            .evaluate(&expression, START, START + 4000, Step::Of(1000))
            .unwrap_err();
        assert_eq!(fault.field.as_deref(), Some("expr"));
        fault.message
    }
}

fn spec(name: &str, unit: Unit, labels: &[(&str, &str)]) -> MetricSpec {
    let title = labels
        .iter()
        .map(|(_, value)| *value)
        .collect::<Vec<_>>()
        .join(" ");
    let plain = MetricSpec::gauge(name, unit, "Chart", &title, "Help.");
    labels
        .iter()
        .fold(plain, |spec, (name, value)| spec.label(name, value))
}

/// Two disks that read and write, on one machine.
fn disks() -> World {
    let world = World::new();
    let disk = |name: &str, device: &str| spec(name, Unit::BytesPerSecond, &[("device", device)]);
    world.push(
        "metrics/local/disk",
        &[
            (disk("read_bytes", "sda"), &[1.0, 2.0, 3.0, 4.0]),
            (disk("read_bytes", "sdb"), &[10.0, f64::NAN, 30.0, 40.0]),
            (disk("write_bytes", "sda"), &[2.0, 2.0, 0.0, 8.0]),
            (disk("write_bytes", "sdb"), &[5.0, 5.0, 5.0, 5.0]),
            (
                spec("temperature", Unit::Celsius, &[("device", "sda")]),
                &[20.0, 21.0, -22.0, 23.0],
            ),
        ],
    );
    world
}

fn mean(found: &Found) -> Vec<Option<f64>> {
    found
        .mean
        .iter()
        .map(|mean| Some(*mean).filter(|mean| !mean.is_nan()))
        .collect()
}

fn titles(answer: &Answer) -> Vec<&str> {
    answer
        .series
        .iter()
        .map(|found| found.series.spec.title.as_str())
        .collect()
}

#[test]
fn series_are_brought_together_and_what_has_no_value_is_left_out() {
    let world = disks();
    let all = world.ask("sum(read_bytes)", 4, 1000);
    assert_eq!(
        mean(&all.series[0]),
        [Some(11.0), Some(2.0), Some(33.0), Some(44.0)]
    );
    assert_eq!(all.series[0].count, [2, 1, 2, 2]);
    assert_eq!(
        (titles(&all), all.series[0].series.spec.unit),
        (vec!["sum(read_bytes)"], Unit::BytesPerSecond as i32)
    );
    let by = world.ask(
        "max by (device) ({device=~\"sd.\",channel=\"metrics/local/disk\",device!=\"sda\"})",
        4,
        1000,
    );
    assert_eq!(
        mean(&by.series[0]),
        [Some(10.0), Some(5.0), Some(30.0), Some(40.0)]
    );
    let without = world.ask("avg(read_bytes) without (nothing)", 4, 1000);
    assert_eq!(titles(&without), ["sda", "sdb"]);
    assert_eq!(without.series[0].series.spec.label_value("device"), Some("sda"));
    assert_eq!(
        &*without.series[0].series.channel, "metrics/local/disk",
        "kept like a label"
    );
    let count = world.ask("count(read_bytes)", 5, 1000);
    assert_eq!(
        mean(&count.series[0]),
        [Some(2.0), Some(1.0), Some(2.0), Some(2.0), None]
    );
    assert_eq!(count.series[0].series.spec.unit, Unit::Count as i32);
    let half = world.ask("quantile(0.5, read_bytes)", 4, 1000);
    assert_eq!(
        mean(&half.series[0]),
        [Some(5.5), Some(2.0), Some(16.5), Some(22.0)]
    );
    assert_eq!(titles(&world.ask("topk(1, read_bytes)", 4, 1000)), ["sdb"]);
    assert_eq!(
        titles(&world.ask("bottomk(2, read_bytes)", 4, 1000)),
        ["sda", "sdb"]
    );
    assert!(world.ask("sum(nothing_of_this_name)", 4, 1000).series.is_empty());
}

#[test]
fn arithmetic_pairs_series_of_the_same_labels_and_knows_their_units() {
    let world = disks();
    let both = world.ask("read_bytes + write_bytes", 4, 1000);
    assert_eq!(titles(&both), ["sda", "sdb"]);
    assert_eq!(mean(&both.series[1]), [Some(15.0), None, Some(35.0), Some(45.0)]);
    let share = world.ask("100 * read_bytes{device=\"sda\"} / write_bytes", 4, 1000);
    assert_eq!(
        mean(&share.series[0]),
        [Some(50.0), Some(100.0), None, Some(50.0)],
        "by nothing is nothing"
    );
    assert_eq!(
        (share.series.len(), share.series[0].series.spec.unit),
        (1, Unit::None as i32)
    );
    let less = world.ask("-abs(temperature) ^ 1 + 2 * 3", 4, 1000);
    assert_eq!(
        mean(&less.series[0]),
        [Some(-14.0), Some(-15.0), Some(-16.0), Some(-17.0)]
    );
    assert_eq!(less.series[0].series.spec.unit, Unit::Celsius as i32);
    let words = world.refused("read_bytes + temperature");
    assert!(words.contains("bytes_per_second + celsius at byte 11"), "{words}");
    let words = world.refused("sum(read_bytes) * write_bytes");
    assert!(
        words.contains("same labels on both sides of the * at byte 16") && words.contains("{device=\"sda\"}"),
        "{words}"
    );
    let words = world.refused("sum({device=\"sda\"})");
    assert!(
        words.contains("celsius at byte 0") && words.contains("one unit"),
        "{words}"
    );
    let words = world.refused("{device=\"sda\"} * 2 + read_bytes");
    assert!(words.contains("several series with {device=\"sda\""), "{words}");
}

#[test]
fn rates_are_what_they_are_kept_as_and_counters_become_them() {
    let world = World::new();
    let counter = spec("jobs", Unit::Bytes, &[]).counter();
    let requests = spec("requests_total", Unit::PerSecond, &[]);
    let level = spec("level", Unit::Bytes, &[]);
    world.push(
        "apps/shop",
        &[
            (counter, &[100.0, 110.0, 130.0, 5.0, 5.0, 25.0]),
            (requests, &[1.0, 3.0, 2.0, 6.0, 4.0, 4.0]),
            (level, &[1.0; 6]),
        ],
    );
    let rate = world.ask("rate(jobs)", 6, 1000);
    assert_eq!(
        mean(&rate.series[0]),
        [None, Some(10.0), Some(20.0), Some(5.0), Some(0.0), Some(20.0)]
    );
    assert_eq!(rate.series[0].series.spec.unit, Unit::BytesPerSecond as i32);
    let coarse = world.ask("increase(jobs)", 6, 2000);
    assert_eq!(
        mean(&coarse.series[0]),
        [None, Some(25.0), Some(20.0)],
        "110, then 130 and 5, then 25"
    );
    assert_eq!(coarse.series[0].series.spec.unit, Unit::Bytes as i32);
    let smooth = world.ask("rate(requests_total[2s])", 6, 1000);
    assert_eq!(mean(&smooth.series[0])[1..4], [Some(2.0), Some(2.5), Some(4.0)]);
    let same = world.ask("rate(requests_total)", 6, 2000);
    assert_eq!(
        (same.series[0].min[1], same.series[0].max[1]),
        (2.0, 6.0),
        "with its envelope"
    );
    let sum = world.ask("increase(requests_total[4s])", 6, 2000);
    assert_eq!(mean(&sum.series[0]), [Some(4.0), Some(12.0), Some(16.0)]);
    assert_eq!(sum.series[0].series.spec.unit, Unit::Count as i32);
    assert_eq!(
        mean(&world.ask("max_over_time(requests_total[3s])", 6, 1000).series[0])[5],
        Some(6.0)
    );
    let words = world.refused("rate(level)");
    assert!(
        words.contains("counts nothing (bytes)") && words.contains("byte 5"),
        "{words}"
    );
}

#[test]
fn buckets_become_quantiles() {
    let world = World::new();
    let bucket = |le: &str| {
        spec(
            "wait_seconds_bucket",
            Unit::PerSecond,
            &[("le", le), ("path", "/a")],
        )
    };
    let (low, high, all) = (bucket("0.1"), bucket("1"), bucket("+Inf"));
    world.push(
        "apps/shop",
        &[(low, &[5.0, 0.0]), (high, &[10.0, 0.0]), (all, &[10.0, 0.0])],
    );
    let half = world.ask(
        "histogram_quantile(0.75, sum by (le, path) (rate(wait_seconds_bucket[1s])))",
        2,
        1000,
    );
    assert_eq!(mean(&half.series[0]), [Some(0.55), None], "nothing was counted");
    let spec = &half.series[0].series.spec;
    assert_eq!(
        (spec.unit, spec.label_value("path"), spec.label_value("le")),
        (Unit::Seconds as i32, Some("/a"), None)
    );
    let words = world.refused("histogram_quantile(0.5, sum(wait_seconds_bucket))");
    assert!(words.contains("without the label le"), "{words}");
}

#[test]
fn results_have_titles_that_tell_them_apart() {
    let world = World::new();
    for host in ["local", "web-1"] {
        let channel = format!("metrics/{host}/cpu");
        let core = |core: &str| spec("busy", Unit::Percent, &[("core", core), ("mode", "user")]);
        world.push(&channel, &[(core("0"), &[1.0]), (core("1"), &[2.0])]);
    }
    let plain = world.ask("busy", 1, 1000);
    assert_eq!(titles(&plain)[0], "metrics/local/cpu 0", "{:?}", titles(&plain));
    assert_eq!(
        titles(&world.ask("sum by (core, mode) (busy)", 1, 1000)),
        ["0", "1"]
    );
    assert_eq!(
        titles(&world.ask("sum by (channel) (busy)", 1, 1000)),
        ["metrics/local/cpu", "metrics/web-1/cpu"]
    );
    let (one, name) = (world.ask("sum(busy)*2", 1, 1000), "sum(busy) * 2");
    assert_eq!(
        (titles(&one)[0], one.series[0].series.spec.name.as_str()),
        (name, name)
    );
}

#[test]
fn what_is_wrong_is_said_with_its_place_and_what_would_be_right() {
    for (text, words) in [
        ("", "missing"),
        ("sum(", "needs a metric, a number, a function or `(` here"),
        ("sum(a", "needs `)` here: the end (byte 5)"),
        (
            "a b",
            "needs an operator (+ - * / % ^) or the end here: `b` (byte 2)",
        ),
        (
            "foo(a)",
            "`foo(` at byte 0, which is no function here; there are rate, increase",
        ),
        ("a > 2", "comparison or an `@` here"),
        ("a and b", "`and` at byte 2"),
        ("a / on (x) b", "`on` at byte 4"),
        ("a offset 5m", "`offset` at byte 2"),
        ("a by (x)", "belongs beside sum, avg"),
        (
            "quantile(2, a)",
            "number from 0 to 1 first, as in quantile(0.9, name), here: `2, a)` (byte 9)",
        ),
        ("topk(0, a)", "whole number from 1 to 500"),
        ("topk(5 a)", "needs `,` here: `a)` (byte 7)"),
        ("rate(sum(a))", "needs a metric as it is kept inside rate"),
        ("rate((a))", "needs a metric as it is kept inside rate"),
        ("a[5m]", "has a time in brackets here, which only rate, increase"),
        ("rate(a[5])", "as [30s], [5m] or [1h30m], here: `5])`"),
        ("rate(a[])", "empty time"),
        ("rate(a[5m:1m])", "needs a time and `]`, as"),
        ("rate(a[900y])", "more than ten years"),
        ("a{b=c}", "value in double quotes here: `c}` (byte 4)"),
        ("{}", "every series"),
        ("sum by (a b) (c)", "needs `,` or `)` here: `b) (c)` (byte 10)"),
        ("1.5x", "needs a number here"),
        ("1e999", "needs a number here"),
        ("a{b=~\"(\"}", "no regular expression"),
    ] {
        let fault = Expression::parse(text).unwrap_err();
        assert!(fault.message.contains(words), "{text}: {}", fault.message);
        assert_eq!(fault.field.as_deref(), Some("expr"), "{text}");
    }
    let long = format!("a{}", " + a".repeat(600));
    assert!(
        Expression::parse(&long)
            .unwrap_err()
            .message
            .contains("2048 bytes")
    );
    let many = format!("a{}", "+a".repeat(80));
    assert!(Expression::parse(&many).unwrap_err().message.contains("64 parts"));
    let deep = format!("{}a{}", "(".repeat(40), ")".repeat(40));
    assert!(
        Expression::parse(&deep)
            .unwrap_err()
            .message
            .contains("32 parentheses deep")
    );
}

#[test]
fn what_is_understood_can_be_written_and_read_again() {
    for (text, written) in [
        ("-2^2", "-2 ^ 2"),
        ("(-2)^2*a", "(-2) ^ 2 * a"),
        ("a-(b-c)-d", "a - (b - c) - d"),
        ("2^3^a", "2 ^ 3 ^ a"),
        ("(2^3)^a", "(2 ^ 3) ^ a"),
        ("- a * (b + 1)", "-a * (b + 1)"),
        (
            "sum( rate(a{x='y'}[90m]) )by(b,c)",
            "sum by (b, c) (rate(a{x='y'}[90m]))",
        ),
        ("topk without(x)(3,a)", "topk without (x) (3, a)"),
        ("sum + by", "sum + by"),
    ] {
        match Expression::parse(text) {
            Ok(read) => {
                assert_eq!(read.to_string(), written);
                assert_eq!(Expression::parse(written).unwrap().to_string(), written);
            }
            Err(fault) => assert!(text.ends_with("by"), "{text}: {}", fault.message),
        }
    }
}

#[test]
fn too_much_is_refused_with_what_there_is_too_much_of() {
    let world = World::new();
    let wide: Arc<[MetricSpec]> = (0..2001)
        .map(|n| spec("wide", Unit::None, &[("n", &n.to_string())]))
        .collect();
    assert!(
        world
            .store
            .feed()
            .frame("c/wide", &wide, START, 1000, &vec![1.0; 2001])
    );
    world.store.flush();
    let words = world.refused("sum(wide)");
    assert!(
        words.contains("reads 2001 series, more than 2000") && words.contains("wide (2001, byte 4)"),
        "{words}"
    );
    let words = world.refused("wide{n=~\"1...\"} * 2");
    assert!(
        words.contains("makes 1000 series, more than 500") && words.contains("topk(10"),
        "{words}"
    );
    let words = world.refused("1 + 2");
    assert!(words.contains("names no metric"), "{words}");
    let words = world.refused("sum(1)");
    assert!(words.contains("names no metric"), "{words}");
    let words = world.refused("rate(wide{n=\"1\"}[1y])");
    assert!(words.contains("time in brackets at byte 0"), "{words}");
    // Without a step there are as many points as fit.
    let expression = Expression::parse("sum(wide{n!=\"0\"})").unwrap();
    let answer = world
        .store
        .evaluate(&expression, START, START + 600_000, Step::Points(600))
        .unwrap();
    assert_eq!(answer.series[0].mean[0], 2000.0);
    assert!(answer.grid.count < 600, "{}", answer.grid.count);
}
