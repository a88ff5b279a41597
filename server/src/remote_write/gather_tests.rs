use super::*;
use crate::remote_write::message::WriteRequest;
use farol_model::metric::Unit;
use prost::Message;

fn schema(names: &[&str]) -> Arc<[MetricSpec]> {
    names
        .iter()
        .map(|name| MetricSpec::gauge(name, Unit::None, "", "", ""))
        .collect()
}

fn gather(filter: &[&str], floor_ms: i64) -> Gather {
    let filter = filter.iter().map(|text| Selector::parse(text).unwrap()).collect();
    let mut gather = Gather::new(filter, BTreeMap::new(), "h", 10);
    gather.set_floor(floor_ms);
    gather
}

/// The request as text: `name t=value …` for each series.
fn told(gather: &mut Gather) -> Vec<String> {
    let Some((meta, body)) = gather.request() else {
        return Vec::new();
    };
    let request = WriteRequest::decode(&*body).unwrap();
    let times = || {
        request
            .timeseries
            .iter()
            .flat_map(|series| series.samples.iter().map(|sample| sample.timestamp))
    };
    assert_eq!(meta.samples as usize, times().count());
    assert_eq!(
        (Some(meta.oldest_ms), Some(meta.newest_ms)),
        (times().min(), times().max())
    );
    let shown = |series: &message::TimeSeries| {
        assert!(series.labels.is_sorted());
        let mut text = series.labels[0].value.clone();
        for sample in &series.samples {
            let stale = sample.value.to_bits() == STALE.to_bits();
            text.push_str(&match stale {
                true => format!(" {}=stale", sample.timestamp),
                false => format!(" {}={}", sample.timestamp, sample.value),
            });
        }
        text
    };
    let mut all: Vec<String> = request.timeseries.iter().map(shown).collect();
    all.sort();
    all
}

#[test]
fn samples_of_a_series_stand_together_and_an_end_is_told_once() {
    let mut gather = gather(&[], i64::MIN);
    let two = schema(&["a", "b"]);
    for (t_ms, values) in [
        (1000, [1.0, 5.0]),
        (2000, [2.0, f64::NAN]),
        (3000, [3.0, f64::NAN]),
        (4000, [4.0, 6.0]),
    ] {
        gather.frame("metrics/local/x", &two, t_ms, 1000, &values);
    }
    assert_eq!(
        told(&mut gather),
        ["a 1000=1 2000=2 3000=3 4000=4", "b 1000=5 2000=stale 4000=6"]
    );
    assert!(gather.is_empty() && told(&mut gather).is_empty());
    // Another order and another series: what stays goes on, what is gone ends.
    gather.frame("metrics/local/x", &schema(&["c", "b"]), 5000, 1000, &[1.0, 7.0]);
    assert_eq!(told(&mut gather), ["a 5000=stale", "b 5000=7", "c 5000=1"]);
    gather.frame("metrics/local/x", &two, 6000, 1000, &[f64::NAN, 8.0]);
    gather.gone("metrics/local/x", 7000);
    assert_eq!(
        told(&mut gather),
        ["b 6000=8 7000=stale", "c 6000=stale"],
        "a had ended before"
    );
    gather.gone("metrics/local/x", 8000);
    assert!(told(&mut gather).is_empty());
}

#[test]
fn a_channel_that_falls_silent_ends_after_its_patience_and_goes_on_when_it_speaks() {
    let mut gather = gather(&[], i64::MIN);
    let one = schema(&["a"]);
    gather.frame("apps/a", &one, 1000, 15_000, &[1.0]);
    gather.end_silent(76_000);
    assert_eq!(told(&mut gather), ["a 1000=1"]);
    gather.end_silent(76_001);
    gather.end_silent(99_000);
    assert_eq!(told(&mut gather), ["a 16000=stale"]);
    gather.frame("apps/a", &one, 99_500, 15_000, &[2.0]);
    assert_eq!(told(&mut gather), ["a 99500=2"]);
}

#[test]
fn what_is_not_newer_is_left_out_unless_the_clock_was_set_back_far() {
    let mut gather = gather(&[], 1_000_000);
    let one = schema(&["a"]);
    let frame = |gather: &mut Gather, t_ms: i64| gather.frame("m", &one, t_ms, 1000, &[1.0]);
    frame(&mut gather, 1_000_000);
    assert!(
        told(&mut gather).is_empty(),
        "sent before the start of the process"
    );
    for t_ms in [1_001_000, 1_001_000, 1_000_500, 1_002_000] {
        frame(&mut gather, t_ms);
    }
    assert_eq!(gather.out_of_order(), 3);
    assert_eq!(told(&mut gather), ["a 1001000=1 1002000=1"]);
    assert!(!gather.goes_back("m", 402_000) && gather.goes_back("m", 401_999));
    frame(&mut gather, 401_999);
    frame(&mut gather, 402_999);
    assert_eq!(told(&mut gather), ["a 401999=1 402999=1"]);
    assert_eq!(gather.out_of_order(), 0);
}

#[test]
fn only_what_is_selected_is_sent_and_of_two_with_one_name_the_first() {
    let mut gather = gather(&["a", "{channel=\"apps/y\"}"], i64::MIN);
    gather.frame("metrics/local/x", &schema(&["a", "b"]), 1000, 1000, &[1.0, 2.0]);
    gather.frame("apps/y", &schema(&["b"]), 1000, 1000, &[3.0]);
    assert_eq!(told(&mut gather), ["a 1000=1", "b 1000=3"]);
    assert_eq!(gather.twin(), None);
    gather.frame("metrics/other/x", &schema(&["a"]), 1000, 1000, &[9.0]);
    assert_eq!(gather.twin().as_deref(), Some("a of metrics/other/x"));
    assert!(told(&mut gather).is_empty());
    // The name is free again with the first.
    gather.gone("metrics/local/x", 2000);
    gather.frame("metrics/other/x", &schema(&["a"]), 3000, 1000, &[9.0]);
    assert_eq!(told(&mut gather), ["a 2000=stale", "a 3000=9"]);
}

#[test]
fn a_request_is_made_at_its_number_of_samples() {
    let mut gather = gather(&[], i64::MIN);
    let one = schema(&["a"]);
    for t_ms in 1..10 {
        gather.frame("m", &one, t_ms * 1000, 1000, &[1.0]);
        assert!(!gather.is_full());
    }
    gather.frame("m", &one, 10_000, 1000, &[1.0]);
    assert!(gather.is_full());
    gather.request().unwrap();
    assert!(!gather.is_full());
}
