use super::*;
use farol_model::metric::Unit;
use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

/// One reading of this machine, begun and ended.
pub(super) fn read(collector: &mut dyn Collector) -> Reading {
    let mut reading = Reading::default();
    reading.begin(Instant::now());
    collector.collect(&mut reading).unwrap();
    reading.end();
    reading
}

/// What a parser says of two texts that are a second apart.
pub(super) fn between(first: &[u8], second: &[u8], mut said: impl FnMut(&[u8], &mut Reading)) -> Reading {
    let (mut reading, start) = (Reading::default(), Instant::now());
    for (secs, text) in [first, second].into_iter().enumerate() {
        reading.begin(start + Duration::from_secs(secs as u64));
        said(text, &mut reading);
        reading.end();
        assert_eq!(reading.schema().len(), reading.values().len());
    }
    reading
}

/// Each collector's readings of this machine; those that have nothing to read here are left out.
fn each(times: usize, mut see: impl FnMut(&dyn Collector, usize, &Reading)) {
    for mut collector in registered() {
        let mut reading = Reading::default();
        for time in 0..times {
            reading.begin(Instant::now());
            match collector.collect(&mut reading) {
                Ok(()) => {
                    reading.end();
                    see(collector.as_ref(), time, &reading);
                }
                Err(CollectError::Unavailable(reason)) => {
                    assert!(reason.ends_with('.'), "{reason}");
                    break;
                }
                Err(error) => panic!("{}: {error}", collector.name()),
            }
        }
    }
}

#[test]
fn every_collector_reads_this_machine_or_says_why_not() {
    // What may be below zero.
    let signed = [
        "clock_offset_seconds",
        "clock_frequency_adjustment_ppm",
        "temperature_celsius",
    ];
    let mut series = 0;
    each(2, |collector, time, reading| {
        assert_eq!(reading.schema().len(), reading.values().len());
        for (spec, value) in reading.schema().iter().zip(reading.values()) {
            let odd = *value < 0.0 && !signed.contains(&spec.name.as_str());
            assert!(
                !odd && !value.is_infinite(),
                "{}: {} is {value}",
                collector.name(),
                spec.key()
            );
        }
        if time == 1 {
            println!("{:>6} {}", reading.schema().len(), collector.name());
            series += reading.schema().len();
        }
    });
    println!("{series} series on this machine");
    assert!(series > 300, "{series}");
}

#[test]
fn series_are_unique_and_a_quiet_layout_keeps_its_schema() {
    let mut before: HashMap<&str, Arc<[MetricSpec]>> = HashMap::new();
    each(2, |collector, _, reading| {
        let keys: HashSet<String> = reading.schema().iter().map(MetricSpec::key).collect();
        assert_eq!(
            keys.len(),
            reading.schema().len(),
            "{} has a series twice",
            collector.name()
        );
        if let Some(before) = before.insert(collector.name(), reading.schema().clone()) {
            // Processes, interrupt lines and control groups may come between two readings.
            let same = Arc::ptr_eq(&before, reading.schema());
            let lively = [
                "processes",
                "interrupts",
                "cgroups",
                "farol",
                "network",
                "network-parts",
            ];
            assert!(same || lively.contains(&collector.name()), "{}", collector.name());
        }
    });
}

#[test]
fn every_series_is_of_a_metric_that_its_collector_lists_and_no_chart_is_crowded() {
    each(2, |collector, _, reading| {
        let listed: HashMap<&str, &Metric> = collector
            .metrics()
            .iter()
            .map(|metric| (metric.name, *metric))
            .collect();
        let mut charts: HashMap<&str, usize> = HashMap::new();
        for spec in reading.schema().iter() {
            let metric = listed
                .get(spec.name.as_str())
                .unwrap_or_else(|| panic!("{} is not listed", spec.name));
            assert_eq!(spec.unit, metric.unit as i32, "{}", spec.name);
            assert!(!spec.help.is_empty() && !spec.title.is_empty(), "{}", spec.key());
            let of_metric = |label: &farol_model::metric::Label| metric.labels.contains(&label.name.as_str());
            assert!(spec.labels.iter().all(of_metric), "{}", spec.key());
            *charts.entry(&spec.chart).or_default() += 1;
        }
        let crowded = charts
            .into_iter()
            .find(|(_, count)| *count > reading::MAX_PER_CHART);
        assert_eq!(crowded, None, "{}", collector.name());
    });
}

#[test]
fn series_of_one_chart_share_their_unit() {
    each(1, |collector, _, reading| {
        let mut units: HashMap<&str, i32> = HashMap::new();
        for spec in reading.schema().iter() {
            let unit = *units.entry(&spec.chart).or_insert(spec.unit);
            assert_eq!(unit, spec.unit, "{}: {}", collector.name(), spec.chart);
        }
    });
}

#[test]
fn names_are_segments_of_a_channel_and_unique() {
    let mut names = HashSet::new();
    for collector in registered() {
        assert!(
            Channel::parse(&collector.channel()).is_some(),
            "{}",
            collector.channel()
        );
        assert!(names.insert(collector.name()));
    }
}

#[test]
fn names_of_metrics_are_unique_and_say_their_unit() {
    let mut names = HashSet::new();
    for collector in registered() {
        for metric in collector.metrics() {
            assert!(names.insert(metric.name), "{} twice", metric.name);
            let suffixes: &[&str] = match metric.unit {
                Unit::Percent => &["_percent"],
                Unit::Bytes => &["_bytes"],
                Unit::BytesPerSecond => &["_bytes_per_second"],
                Unit::PerSecond => &["_per_second"],
                Unit::Seconds => &["_seconds"],
                Unit::Celsius => &["_celsius"],
                Unit::Hertz => &["_hertz"],
                Unit::Watts => &["_watts"],
                Unit::Volts => &["_volts"],
                Unit::Amperes => &["_amperes"],
                Unit::Rpm => &["_rpm"],
                Unit::None | Unit::Count => continue,
            };
            let bytes = metric.unit == Unit::BytesPerSecond && metric.name.contains("_bytes_");
            let says = suffixes.iter().any(|suffix| metric.name.ends_with(suffix));
            assert!(
                says || (bytes && metric.name.ends_with("_per_second")),
                "{}",
                metric.name
            );
            assert!(metric.help.ends_with('.'), "{}", metric.name);
        }
    }
}

/// docs/METRICS.md, made from the collectors.
fn document() -> String {
    let mut text = include_str!("metrics_head.md").to_owned();
    for collector in registered() {
        text += &format!(
            "\n## {}\n\nChannel `{}`. Source: {}.\n\n",
            collector.title(),
            collector.channel(),
            collector.source()
        );
        text += "| name | labels | unit | what |\n|---|---|---|---|\n";
        for metric in collector.metrics() {
            let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
            let fill = |text: &str| {
                let named = |at: usize| metric.labels.get(at).map_or("", |label| *label).to_uppercase();
                text.replace("{}", &named(0)).replace("{1}", &named(1))
            };
            let unit = format!("{:?}", metric.unit);
            text += &format!(
                "| `{}` | {} | {} | {} |\n",
                metric.name,
                labels.join(", "),
                words(&unit),
                fill(metric.help)
            );
        }
    }
    text
}

/// `BytesPerSecond` as `bytes per second`.
fn words(unit: &str) -> String {
    let mut words = String::new();
    for letter in unit.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}

#[test]
fn the_list_of_metrics_is_true() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/METRICS.md");
    if std::env::var_os("FAROL_WRITE_METRICS").is_some() {
        std::fs::write(path, document()).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        kept == document(),
        "docs/METRICS.md is not what the collectors measure; FAROL_WRITE_METRICS=1 cargo test -p farol --lib the_list_of_metrics writes it"
    );
}
