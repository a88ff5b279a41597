use super::{
    Past, PastSeries, Range,
    bar::{Place, bar},
    figures::figures,
};
use farol_model::{
    Fault,
    action::Mark,
    metric::{MetricSpec, Unit},
};
use leptos::prelude::*;

const CPU: Place<'static> = Place {
    path: "/host",
    query: &[("group", "cpu")],
};
const NOW: i64 = 1_795_651_200_000;

fn read(range: &str, from: &str, to: &str) -> Result<Option<Range>, Fault> {
    Range::read(range, from, to, NOW)
}

#[test]
fn a_range_ends_now_or_is_given_by_its_ends_and_nothing_is_live() {
    assert_eq!(read("", "", "").unwrap(), None);
    let hour = read("1h", "", "").unwrap().unwrap();
    assert_eq!((hour.from_ms, hour.to_ms), (NOW - 3_600_000, NOW));
    let given = read("", "1795640000", "1795650000").unwrap().unwrap();
    assert_eq!(
        (given.from_ms, given.to_ms),
        (1_795_640_000_000, 1_795_650_000_000)
    );
    let until_now = read("", "1795640000", "").unwrap().unwrap();
    assert_eq!(until_now.to_ms, NOW);
}

#[test]
fn what_is_no_range_is_refused_with_what_would_be_one() {
    let words = |range: &str, from: &str, to: &str| read(range, from, to).unwrap_err().message;
    assert!(words("2y", "", "").contains("15m, 1h, 6h, 24h, 7d, 30d"));
    assert!(words("", "soon", "").contains("from must be whole seconds"));
    assert!(words("", "", "99999999999999999").contains("to must be"));
    assert!(words("", "100", "50").contains("end after it begins"));
    assert!(words("", "0", "1795650000").contains("five years"));
    assert!(words(&"x".repeat(500), "", "").len() < 200);
}

fn past(values: &[f64]) -> Past {
    let series = |name: &str, chart: &str| PastSeries {
        spec: MetricSpec::gauge(name, Unit::Percent, chart, name, "Help."),
        min: values.iter().map(|value| value - 1.0).collect(),
        max: values.iter().map(|value| value + 1.0).collect(),
        mean: values.to_vec(),
    };
    Past {
        step_ms: 10_000,
        times_ms: (0..values.len() as i64)
            .map(|at| NOW - 3_600_000 + at * 10_000)
            .collect(),
        series: vec![
            series("busy", "Processor"),
            series("idle", "Processor"),
            series("core", "Per core"),
        ],
    }
}

fn drawn(past: &Past, marks: &[Mark]) -> String {
    let range = read("1h", "", "").unwrap().unwrap();
    figures("metrics/local/cpu", past, &range, marks).to_html()
}

#[test]
fn every_chart_of_the_channel_is_drawn_with_lines_bands_and_marks() {
    let values: Vec<f64> = (0..300).map(|at| 40.0 + f64::from(at % 7)).collect();
    let mark = Mark {
        at_ms: NOW - 1_000_000,
        title: "Rotate began".into(),
    };
    let html = drawn(&past(&values), &[mark]);
    assert_eq!(
        html.matches("<figure class=\"chart still\" data-start=\"1795647600000\" data-step=\"10000\"")
            .count(),
        2
    );
    assert_eq!(html.matches("class=\"line c1\"").count(), 2);
    assert_eq!(html.matches("class=\"area c1\"").count(), 2, "bands");
    assert!(
        html.contains("Rotate began") && html.contains("00:00 UTC"),
        "{html}"
    );
    assert!(html.contains("mean 42.9") || html.contains("mean 43.0"), "{html}");
    assert!(html.contains("export.csv?match=%7Bchannel%3D%22metrics%2Flocal%2Fcpu%22%7D&amp;start=1795647600&amp;end=1795651200") , "{html}");
    assert!(!html.contains("style="));
}

#[test]
fn gaps_are_gaps_and_nothing_is_said_to_be_nothing() {
    let mut values = vec![5.0; 300];
    values[100] = f64::NAN;
    let html = drawn(&past(&values), &[]);
    assert_eq!(
        html.matches("class=\"line c1\"").count(),
        4,
        "two pieces in two charts"
    );
    assert_eq!(html.matches("class=\"area c1\"").count(), 4);
    assert!(drawn(&past(&[f64::NAN; 300]), &[]).contains("No values in this time"));
    let none = Past {
        series: Vec::new(),
        ..past(&[])
    };
    assert!(drawn(&none, &[]).contains("Nothing of this group was written down"));
}

#[test]
fn the_bar_says_where_one_is_and_leads_everywhere_else() {
    let live = bar(CPU, None, NOW).to_html();
    assert!(
        live.contains("aria-current=\"true\"") && live.contains("/host?group=cpu&amp;range=24h"),
        "{live}"
    );
    assert!(!live.contains("Earlier"));
    let hour = read("1h", "", "").unwrap();
    let html = bar(CPU, hour.as_ref(), NOW).to_html();
    assert!(
        html.contains("Earlier") && html.contains("Zoom in") && !html.contains("Later"),
        "{html}"
    );
    assert!(
        html.contains("/host?group=cpu&amp;from=1795645800&amp;to=1795649400"),
        "{html}"
    );
    let given = read("", "1795640000", "1795640015").unwrap();
    let html = bar(CPU, given.as_ref(), NOW).to_html();
    assert!(html.contains("Later") && !html.contains("Zoom in"), "{html}");
}

#[test]
fn a_wide_group_is_drawn_with_fewer_points() {
    assert_eq!(Range::points(0), 300);
    assert_eq!(Range::points(200), 300);
    assert_eq!(Range::points(600), 100);
    assert_eq!(Range::points(100_000), 20);
}
