use super::*;
use crate::collectors::metric::{gauge, rate};
use farol_model::metric::Unit;
use std::time::Duration;

static LEVEL: Metric = gauge("level", Unit::None, "Level", "level", "A number.");
static SENT: Metric = rate(
    "sent_bytes_per_second",
    Unit::BytesPerSecond,
    "Traffic",
    "{} out",
    "Sent by {}.",
)
.labels(&["interface"])
.scale(2.0);
static EVENTS: Metric = rate(
    "events_per_second",
    Unit::PerSecond,
    "Events",
    "{}",
    "Counter {}.",
)
.labels(&["event"]);
static WORDS: Fields = Fields {
    named: &[("level", &LEVEL)],
    other: |word| (word != "noise").then_some((&EVENTS, "Other events")),
};

fn read(
    reading: &mut Reading,
    start: Instant,
    secs: u64,
    say: impl FnOnce(&mut Reading),
) -> Arc<[MetricSpec]> {
    reading.begin(start + Duration::from_secs(secs));
    say(reading);
    reading.end();
    assert_eq!(reading.schema().len(), reading.values().len());
    reading.schema().clone()
}

#[test]
fn while_the_layout_stays_the_schema_is_the_same_and_rates_are_of_their_own_totals() {
    let (mut reading, start) = (Reading::default(), Instant::now());
    let say = |count: u64| {
        move |reading: &mut Reading| {
            reading.value(&LEVEL, &[], 7.0);
            reading.count(&SENT, &["eth0"], Some(count));
            reading.count(&SENT, &["eth1"], Some(10 * count));
        }
    };
    let first = read(&mut reading, start, 0, say(100));
    assert!(reading.values()[1].is_nan(), "a rate needs two readings");
    let second = read(&mut reading, start, 2, say(200));
    assert!(Arc::ptr_eq(&first, &second));
    assert_eq!(reading.values(), [7.0, 100.0, 1000.0]);
    assert_eq!(second[1].title, "eth0 out");
    assert_eq!(second[1].help, "Sent by eth0.");
    assert_eq!(second[2].label_value("interface"), Some("eth1"));
}

#[test]
fn a_total_that_shrank_or_is_not_told_or_no_time_at_all_is_no_value() {
    let (mut reading, start) = (Reading::default(), Instant::now());
    let mut rate = |secs, count| {
        read(&mut reading, start, secs, |reading| {
            reading.count(&SENT, &["eth0"], count)
        });
        reading.values()[0]
    };
    rate(0, Some(100));
    assert!(rate(1, Some(5)).is_nan(), "it was reset");
    assert_eq!(rate(2, Some(6)), 2.0);
    assert!(rate(2, Some(9)).is_nan(), "no time has passed");
    assert!(rate(3, None).is_nan());
    assert!(rate(4, Some(20)).is_nan(), "the one before is not known");
    assert_eq!(rate(5, Some(u64::MAX)), (u64::MAX - 20) as f64 * 2.0);
}

#[test]
fn devices_come_and_go_and_the_others_keep_their_totals() {
    let (mut reading, start) = (Reading::default(), Instant::now());
    let say = |names: &'static [&'static str], count: u64| {
        move |reading: &mut Reading| {
            for name in names {
                reading.count(&SENT, &[name], Some(count));
            }
        }
    };
    read(&mut reading, start, 0, say(&["a", "b", "c"], 0));
    let without = read(&mut reading, start, 1, say(&["a", "c"], 1));
    assert_eq!(reading.values(), [2.0, 2.0]);
    assert_eq!(without.len(), 2);
    read(&mut reading, start, 2, say(&["a", "b", "c", "d"], 2));
    assert_eq!((reading.values()[0], reading.values()[2]), (2.0, 2.0));
    assert!(
        reading.values()[1].is_nan() && reading.values()[3].is_nan(),
        "new ones have no rate"
    );
    let fewer = read(&mut reading, start, 3, say(&["a"], 3));
    assert_eq!((fewer.len(), reading.values()), (1, &[2.0][..]));
    read(&mut reading, start, 4, say(&["c", "a"], 4));
    assert!(reading.values()[0].is_nan());
    assert_eq!(
        reading.values()[1],
        2.0,
        "another order is another layout, not another series"
    );
}

#[test]
fn words_that_are_left_out_have_no_series_and_do_not_shift_the_others() {
    let (mut reading, start) = (Reading::default(), Instant::now());
    for secs in 0..2 {
        read(&mut reading, start, secs, |reading| {
            reading.field(&WORDS, "noise", Some(1));
            reading.field(&WORDS, "level", Some(3));
            reading.field(&WORDS, "noise", Some(1));
            reading.field(&WORDS, "drops", Some(5 * secs));
        });
    }
    assert_eq!(reading.values(), [3.0, 5.0]);
    assert_eq!(reading.schema()[1].key(), "events_per_second{event=\"drops\"}");
    assert_eq!(reading.schema()[1].chart, "Other events");
}

#[test]
fn labels_that_begin_alike_are_told_apart() {
    let (mut reading, start) = (Reading::default(), Instant::now());
    read(&mut reading, start, 0, |reading| {
        reading.value(&SENT, &["eth1"], 1.0)
    });
    let schema = read(&mut reading, start, 1, |reading| {
        reading.value(&SENT, &["eth10"], 1.0)
    });
    assert_eq!(schema[0].label_value("interface"), Some("eth10"));
}

#[test]
fn a_chart_has_so_many_series_and_the_others_go_to_a_second() {
    let (mut reading, start) = (Reading::default(), Instant::now());
    let names: Vec<String> = (0..30).map(|number| format!("core{number}")).collect();
    let say = |most: usize| {
        let names = &names;
        move |reading: &mut Reading| {
            for name in &names[..most] {
                reading.count(&SENT, &[name], Some(1));
            }
        }
    };
    let charts = |schema: Arc<[MetricSpec]>| schema.iter().map(|spec| spec.chart.clone()).collect::<Vec<_>>();
    let few = charts(read(&mut reading, start, 0, say(20)));
    assert_eq!(
        (few[11].as_str(), few[12].as_str()),
        ("Traffic", "Traffic, part 2")
    );
    let many = charts(read(&mut reading, start, 1, say(30)));
    assert_eq!(
        (many[23].as_str(), many[24].as_str()),
        ("Traffic, part 2", "Traffic, part 3")
    );
}

#[test]
fn above_the_limit_series_are_left_out_and_counted_each_time() {
    let (mut reading, start) = (Reading::default(), Instant::now());
    for secs in 0..3 {
        let schema = read(&mut reading, start, secs, |reading| {
            for number in 0..MAX_SERIES + 5 {
                reading.value(&SENT, &[&number.to_string()], 0.0);
            }
        });
        assert_eq!((schema.len(), reading.left_out()), (MAX_SERIES, 5));
    }
}
