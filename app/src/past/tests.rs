#![allow(clippy::unwrap_used, reason = "helpers of tests fail their test by panicking")]

use super::{
    Frame, Look, Past, PastSeries, Range, Source,
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
    assert!(words("2y", "", "").contains("5m, 15m, 1h, 6h, 24h, 7d, 30d"));
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
    looked(past, None, marks, "")
}

/// The charts as an address says.
fn looked(past: &Past, earlier: Option<&Past>, marks: &[Mark], query: &str) -> String {
    let range = read("1h", "", "").unwrap().unwrap();
    let look = Look::of_query(query).unwrap();
    let frame = Frame {
        place: Some(CPU),
        source: Source::Channel("metrics/local/cpu"),
        range: &range,
        look: &look,
        past,
        earlier,
        marks,
    };
    figures(&[frame], &|_, _| true).to_html()
}

#[test]
fn of_very_many_marks_it_is_said_that_older_ones_are_left_out() {
    let marks = |count: i64| -> Vec<Mark> {
        let mark = |at| Mark {
            at_ms: NOW - 1_000_000 + at,
            title: "Rotate began".into(),
        };
        (0..count).map(mark).collect()
    };
    let said = "Of runs the newest 400 begins and ends of this time are marked.";
    let few = drawn(&past(&[1.0; 300]), &marks(399));
    assert!(few.contains("What is marked (399)") && few.contains("and 349 more") && !few.contains(said));
    assert!(drawn(&past(&[1.0; 300]), &marks(400)).contains(said));
}

#[test]
fn every_chart_of_the_channel_is_drawn_with_lines_bands_and_marks() {
    let values: Vec<f64> = (0..300).map(|at| 40.0 + f64::from(at % 7)).collect();
    let mark = Mark {
        at_ms: NOW - 1_000_000,
        title: "Rotate began".into(),
    };
    let html = drawn(&past(&values), &[mark]);
    assert_eq!(html.matches("<figure ").count(), 2);
    assert_eq!(
        html.matches("data-start=\"1795647600000\" data-step=\"10000\" data-mode=\"lines\" data-axis=\"linear\" data-low=\"0\" data-high=\"100\"").count(),
        2,
        "{html}"
    );
    assert_eq!(html.matches("class=\"line c1\"").count(), 2);
    assert_eq!(html.matches("class=\"area c1\"").count(), 2, "bands");
    assert_eq!(
        html.matches("data-from=\"1795647600000\" data-to=\"1795651200000\"")
            .count(),
        2
    );
    assert!(
        html.contains("Rotate began") && html.contains(" UTC</text>"),
        "{html}"
    );
    assert!(
        html.contains("1 event") && html.contains("What is marked (1)"),
        "{html}"
    );
    assert!(html.contains("mean 42.9") || html.contains("mean 43.0"), "{html}");
    assert!(html.contains("export.csv?match=%7Bchannel%3D%22metrics%2Flocal%2Fcpu%22%7D&amp;start=1795647600&amp;end=1795651200"), "{html}");
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
    assert!(drawn(&none, &[]).contains("Nothing of this was written down"));
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
    assert_eq!(
        html.matches(" UTC</span>").count(),
        1,
        "it is said once, where it can be hidden: {html}"
    );
    assert!(
        html.contains("title=\"2026-11-26 00:00:00 UTC\"") && html.contains(">2026-11-26 00:00:00<"),
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
    assert_eq!(Look::default().points(0), 300);
    assert_eq!(Look::default().points(200), 300);
    assert_eq!(Look::default().points(600), 100);
    assert_eq!(Look::default().points(100_000), 20);
}

fn attributes<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!("{name}=\"");
    html.split(&start)
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect()
}

#[test]
fn the_legend_says_the_values_of_the_series_itself_however_it_is_drawn() {
    let past = past(&[10.0, f64::NAN, 30.5]);
    for mode in ["lines", "area", "stacked", "bars", "heat"] {
        let html = looked(&past, None, &[], &format!("mode={mode}"));
        assert_eq!(attributes(&html, "data-mode"), [mode, mode]);
        assert_eq!(attributes(&html, "data-values"), ["10,,30.5"; 3], "{mode}");
        assert_eq!(attributes(&html, "data-unit"), ["1"; 3]);
        assert_eq!(attributes(&html, "data-key"), ["busy", "idle", "core"]);
    }
    let html = looked(&past, None, &[], "mode=heat");
    assert_eq!(attributes(&html, "data-axis"), ["rows", "rows"]);
    assert_eq!(attributes(&html, "data-row"), ["0", "1", "0"]);
    let html = looked(&past, None, &[], "axis=log");
    assert_eq!(attributes(&html, "data-axis"), ["log", "log"]);
}

#[test]
fn names_lead_to_one_series_alone_and_hidden_ones_can_come_back() {
    let past = past(&[10.0; 30]);
    let html = looked(&past, None, &[], "");
    assert!(
        html.contains("/host?group=cpu&amp;range=1h&amp;only=busy\""),
        "{html}"
    );
    assert!(
        html.contains("aria-label=\"Hide idle\"") && html.contains("&amp;hide=idle\""),
        "{html}"
    );
    assert!(
        !html.contains("only=core"),
        "one that has no others needs no link"
    );
    assert!(!html.contains("Show all series"));

    let html = looked(&past, None, &[], "hide=busy");
    assert_eq!(
        attributes(&html, "data-values").len(),
        2,
        "what is hidden has no points"
    );
    assert!(
        html.contains("class=\"line c2\"") && html.contains("aria-label=\"Show busy\""),
        "{html}"
    );
    assert!(html.contains("Show all series"));

    let html = looked(&past, None, &[], "only=idle&mode=area&sort=max");
    assert_eq!(attributes(&html, "data-key").len(), 3);
    assert_eq!(
        attributes(&html, "data-values").len(),
        2,
        "the other chart is not concerned"
    );
    assert!(
        html.contains("/host?group=cpu&amp;range=1h&amp;mode=area&amp;sort=max\""),
        "a way back: {html}"
    );
}

#[test]
fn a_legend_is_sorted_as_is_asked_and_folds_what_is_too_much() {
    let mut past = past(&[10.0; 30]);
    past.series = (0..50)
        .map(|at| PastSeries {
            spec: MetricSpec::gauge("m", Unit::Count, "Many", &format!("s{at:02}"), "")
                .label("n", &at.to_string()),
            min: vec![f64::from(at); 30],
            max: vec![f64::from((at * 7) % 50); 30],
            mean: vec![f64::from(50 - at); 30],
        })
        .collect();
    past.series[3].mean = vec![f64::NAN; 30];
    let order = |query: &str| {
        let html = looked(&past, None, &[], query);
        let keys = attributes(&html, "data-key");
        assert_eq!(keys.len(), 50, "{query}: all are there");
        keys.iter()
            .map(|key| key.replace("m{n=&quot;", "").replace("&quot;}", ""))
            .collect::<Vec<_>>()
    };
    assert_eq!(order("")[..3], ["0", "1", "2"]);
    assert_eq!(order("sort=min")[..3], ["49", "48", "47"]);
    assert_eq!(order("sort=max")[..2], ["7", "14"]);
    assert_eq!(order("sort=mean")[..4], ["0", "1", "2", "4"]);
    assert_eq!(
        order("sort=mean").last().unwrap(),
        "3",
        "what has no value is last"
    );
    let html = looked(&past, None, &[], "sort=last");
    assert!(
        html.contains("and 38 more") && html.contains("aria-sort=\"descending\""),
        "{html}"
    );
    let html = looked(&past, None, &[], "mode=bars");
    assert_eq!(attributes(&html, "data-mode"), ["lines"]);
    assert!(html.contains("8 series at most"), "{html}");
}

#[test]
fn what_is_compared_says_how_much_it_changed() {
    let now = past(&[12.0; 30]);
    let mut then = past(&[10.0; 30]);
    for time in &mut then.times_ms {
        *time -= 86_400_000;
    }
    then.series.retain(|series| series.spec.name != "idle");
    let html = looked(&now, Some(&then), &[], "compare=1d");
    assert!(html.contains("+20\u{a0}%"), "{html}");
    assert!(
        html.contains("mean 12.0\u{a0}% now, 10.0\u{a0}% then: +2.0\u{a0}%"),
        "{html}"
    );
    assert!(
        html.contains("Nothing is known of the earlier period"),
        "of idle: {html}"
    );
    assert_eq!(html.matches("class=\"then c1\"").count(), 2);
    assert_eq!(
        attributes(&html, "data-then-start"),
        ["1795647600000"; 2],
        "on the axis of now"
    );
    assert_eq!(attributes(&html, "data-then").len(), 2);
    assert!(html.contains("the same a day earlier"), "{html}");
    let html = looked(
        &now,
        Some(&Past {
            series: Vec::new(),
            ..then
        }),
        &[],
        "compare=1d",
    );
    assert!(
        html.contains("Nothing of these series is known of a day earlier"),
        "{html}"
    );
}

#[test]
fn one_chart_alone_is_tall_and_leads_back_and_what_is_none_is_said() {
    let past = past(&[10.0; 30]);
    let html = looked(&past, None, &[], "chart=Per%20core&mode=area");
    assert_eq!(html.matches("<figure ").count(), 1);
    assert!(
        html.contains("chart still alone") && html.contains("Per core"),
        "{html}"
    );
    assert!(
        html.contains(
            "href=\"/host?group=cpu&amp;range=1h&amp;mode=area\" data-noscroll=\"true\" class=\"link\">All charts<"
        ),
        "{html}"
    );
    assert!(html.contains("25%"), "more labels: {html}");
    let html = looked(&past, None, &[], "chart=%3Cb%3E");
    assert!(
        html.contains("There is no chart “&lt;b&gt;”") && !html.contains("<figure"),
        "{html}"
    );
}

/// Two channels as one page shows them: of each one chart.
fn two(query: &str) -> String {
    let range = read("1h", "", "").unwrap().unwrap();
    let look = Look::of_query(query).unwrap();
    let (cpu, mut other) = (past(&[10.0; 30]), past(&[20.0; 30]));
    other.step_ms = 20_000;
    for series in &mut other.series {
        series.spec.chart = "Load".into();
    }
    let frame = Frame {
        place: Some(Place {
            path: "/",
            query: &[],
        }),
        source: Source::Channel("metrics/local/cpu"),
        range: &range,
        look: &look,
        past: &cpu,
        earlier: None,
        marks: &[],
    };
    let load = Frame {
        source: Source::Channel("metrics/local/load"),
        past: &other,
        ..frame
    };
    let keep = |frame: &Frame<'_>, series: &PastSeries| match frame.source {
        Source::Channel("metrics/local/cpu") => series.spec.chart == "Processor",
        _ => true,
    };
    figures(&[frame, load], &keep).to_html()
}

#[test]
fn charts_of_several_channels_stand_in_one_grid_and_each_knows_its_own() {
    let html = two("");
    assert_eq!(
        (
            html.matches("<figure ").count(),
            html.matches("class=\"grid stretch\"").count(),
            html.matches("class=\"card half\"").count(),
            html.matches("aria-label=\"Look\"").count(),
        ),
        (2, 1, 2, 1),
        "{html}"
    );
    assert!(!html.contains("Per core"), "it is not among those that are kept");
    assert_eq!(attributes(&html, "data-step"), ["10000", "20000"]);
    assert!(html.contains("10 s or 20 s<"), "{html}");
    let links = attributes(&html, "href");
    let all = links.iter().rfind(|link| link.contains("export.csv")).unwrap();
    assert!(
        ["metrics%2Flocal%2Fcpu", "metrics%2Flocal%2Fload"]
            .iter()
            .all(|channel| all.contains(channel)),
        "the values of both: {all}"
    );
    assert!(html.contains("href=\"/?range=1h&amp;mode=bars\""), "{html}");
}

#[test]
fn one_of_several_channels_stands_alone_with_its_own_values() {
    let html = two("chart=Load");
    assert_eq!(html.matches("<figure ").count(), 1);
    assert!(
        html.contains("chart still alone") && html.contains(">20 s<"),
        "{html}"
    );
    assert!(!html.contains("metrics%2Flocal%2Fcpu"), "{html}");
    assert!(two("chart=Per%20core").contains("There is no chart"));
    assert!(
        figures(&[], &|_, _| true)
            .to_html()
            .contains("Nothing of this was written down")
    );
}

#[test]
fn live_has_an_address_that_is_no_start_page() {
    let home = Place {
        path: "/",
        query: &[],
    };
    let html = bar(home, None, NOW).to_html();
    assert!(
        html.contains("href=\"/?overview\"") && html.contains("href=\"/?range=1h\""),
        "{html}"
    );
    let bars = Place {
        query: &[("mode", "bars")],
        ..home
    };
    assert!(bar(bars, None, NOW).to_html().contains("href=\"/?mode=bars\""));
}

#[test]
fn a_menu_leads_to_pictures_values_and_a_link_that_stays() {
    let past = past(&[10.0; 30]);
    let html = looked(&past, None, &[], "mode=bars&axis=log&hide=idle");
    let links: Vec<String> = attributes(&html, "href")
        .iter()
        .map(|href| href.replace("&amp;", "&"))
        .collect();
    let link = |start: &str| {
        links
            .iter()
            .find(|link| link.starts_with(start))
            .unwrap_or_else(|| panic!("{start}: {links:?}"))
    };
    let picture = link("/api/v1/render.png");
    assert!(
        picture.starts_with("/api/v1/render.png?match=busy%7Bchannel%3D%22metrics%2Flocal%2Fcpu%22%7D&match=idle%7B")
            && picture.ends_with("&start=1795647600&end=1795651200&title=Processor&mode=bars&axis=log&width=1200&height=480&hide=idle"),
        "{picture}"
    );
    assert!(link("/api/v1/export.csv?match=busy").ends_with("&start=1795647600&end=1795651200"));
    assert!(link("/explore?p=busy%7Bchannel").ends_with("&range=1h"));
    let fixed = &attributes(&html, "data-copy")[0].replace("&amp;", "&");
    assert_eq!(
        fixed,
        "/host?group=cpu&from=1795647600&to=1795651200&chart=Processor&mode=bars&axis=log&hide=idle"
    );
}

/// Series of one name in several charts need labels to be told apart, and one that is like another but for a letter is not taken along.
#[test]
fn a_chart_is_asked_for_with_as_many_labels_as_it_takes() {
    let series = |core: &str, mode: &str, chart: &str| PastSeries {
        spec: MetricSpec::gauge("cpu_core_mode_percent", Unit::Percent, chart, mode, "")
            .label("core", core)
            .label("mode", mode),
        min: vec![1.0],
        max: vec![1.0],
        mean: vec![1.0],
    };
    let mut past = past(&[1.0]);
    past.series = vec![
        series("0", "user", "Core 0"),
        series("0", "a.b|c", "Core 0"),
        series("1", "user", "Core 1"),
        series("1", "x", "Core 1"),
    ];
    let html = looked(&past, None, &[], "");
    let asked = |core: &str| {
        format!(
            "export.csv?match={}&amp;",
            crate::format::escape(&format!(
                "cpu_core_mode_percent{{channel=\"metrics/local/cpu\",core=\"{core}\"}}"
            ))
        )
    };
    assert!(html.contains(&asked("0")) && html.contains(&asked("1")), "{html}");

    past.series
        .iter_mut()
        .for_each(|one| one.spec.chart = "All".into());
    past.series[0].spec.chart = "Some".into();
    past.series[1].spec.chart = "Some".into();
    past.series[2].spec.labels[0].value = "0".into();
    past.series[2].spec.labels[1].value = "aXb".into();
    let html = looked(&past, None, &[], "chart=Some");
    let asked = crate::format::escape(
        "cpu_core_mode_percent{channel=\"metrics/local/cpu\",core=\"0\",mode=~\"a\\\\.b\\\\|c|user\"}",
    );
    assert!(html.contains(&asked), "{asked}\n{html}");
}
