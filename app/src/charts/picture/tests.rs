use super::*;
use farol_model::metric::Unit;

fn series(title: &str, values: &[f64]) -> Series {
    Series {
        spec: MetricSpec::gauge(title, Unit::Percent, "Processor", title, ""),
        shown: true,
        then: None,
        min: values.iter().map(|value| value - 5.0).collect(),
        max: values.iter().map(|value| value + 5.0).collect(),
        mean: values.to_vec(),
    }
}

fn picture(all: Vec<Series>) -> Picture {
    let count = all.first().map_or(0, |series| series.mean.len()) as i64;
    Picture {
        title: "Processor".into(),
        unit: Unit::Percent as i32,
        from_ms: 1_795_651_200_000,
        to_ms: 1_795_651_200_000 + count * 60_000,
        step_ms: 60_000,
        times_ms: (0..count).map(|at| 1_795_651_200_000 + at * 60_000).collect(),
        series: all,
        mode: None,
        log: false,
        earlier: None,
        marks: Vec::new(),
        width: 600,
        height: 240,
        theme: Theme::Light,
    }
}

fn wave(count: usize, phase: f64) -> Vec<f64> {
    (0..count)
        .map(|at| 40.0 + 30.0 * (at as f64 / 9.0 + phase).sin())
        .collect()
}

#[test]
fn a_picture_is_whole_without_style_or_script() {
    let svg = picture(vec![
        series("all cores", &wave(60, 0.0)),
        series("user", &wave(60, 1.0)),
    ])
    .svg();
    for part in [
        "<svg xmlns=",
        "Processor",
        "all cores",
        "100%",
        " UTC",
        "#076fb8",
        "fill-opacity",
        "stroke=\"#d37512\"",
    ] {
        assert!(svg.contains(part), "{part} is missing in {svg}");
    }
    for never in ["class=", "style=", "<script", "href", "NaN", "inf"] {
        assert!(!svg.contains(never), "{never} is in {svg}");
    }
    // Lets a person look at it: FAROL_PICTURE names the file.
    if let Ok(path) = std::env::var("FAROL_PICTURE") {
        std::fs::write(path, svg).unwrap();
    }
}

#[test]
fn a_gap_stays_a_gap_in_line_and_band() {
    let mut values = wave(60, 0.0);
    values[30] = f64::NAN;
    let with = picture(vec![series("a", &values)]).svg();
    let without = picture(vec![series("a", &wave(60, 0.0))]).svg();
    let lines = |svg: &str| svg.matches("<path stroke=\"#076fb8\"").count();
    let bands = |svg: &str| svg.matches("fill-opacity").count();
    assert_eq!((lines(&without), bands(&without)), (1, 1));
    assert_eq!((lines(&with), bands(&with)), (2, 2));
}

#[test]
fn a_spike_within_a_stretch_is_within_the_axis() {
    let mut one = series("a", &[1.0; 60]);
    one.max[20] = 900.0;
    let mut picture = picture(vec![one]);
    picture.unit = Unit::Count as i32;
    let svg = picture.svg();
    assert!(svg.contains(">1000</text>"), "{svg}");
}

#[test]
fn words_of_others_are_words_only() {
    let mut picture = picture(vec![series(
        "</text><script>alert(1)</script>\u{0}",
        &wave(60, 0.0),
    )]);
    picture.title = "a & <b> \"c\"".into();
    let svg = picture.svg();
    assert!(!svg.contains("<script") && !svg.contains('\u{0}'), "{svg}");
    assert!(svg.contains("a &amp; &lt;b&gt;"), "{svg}");
}

#[test]
fn nothing_many_and_odd_sizes_are_drawn_too() {
    assert!(picture(Vec::new()).svg().contains("No values in this time"));
    let many = picture(
        (0..100)
            .map(|at| series(&format!("series {at}"), &wave(60, f64::from(at))))
            .collect(),
    );
    let svg = many.svg();
    let named = svg.matches(">series ").count();
    assert!(
        (1..=NAMED).contains(&named) && svg.contains(&format!("and {} more", 100 - named)),
        "{named}: {svg}"
    );
    for (width, height) in [(0, 0), (1, 9000), (9000, 1)] {
        let mut picture = picture(vec![series(&"long ".repeat(100), &wave(60, 0.0))]);
        (picture.width, picture.height) = (width, height);
        assert!(picture.svg().ends_with("</svg>"));
    }
    let mut odd = picture(vec![series("a", &[f64::INFINITY, f64::NEG_INFINITY, 1.0])]);
    odd.to_ms = odd.from_ms;
    assert!(!odd.svg().contains("NaN"));
}

#[test]
fn every_way_to_draw_is_a_picture_too() {
    let parts = |mode: Mode| {
        let mut picture = picture(vec![
            series("a", &[0.0, 1.0, 1.0, 0.0, 2.0, 1.0]),
            series("b", &[1.0, 1.0, 2.0, 0.0, 2.0, 1.0]),
        ]);
        for one in &mut picture.series {
            (one.min, one.max) = (one.mean.clone(), one.mean.clone());
        }
        picture.mode = Some(mode);
        picture.svg()
    };
    for (mode, part) in [
        (Mode::Area, "fill-opacity=\"0.18\""),
        (Mode::Stacked, "fill-opacity=\"0.45\""),
        (Mode::Bars, "fill-opacity=\"0.85\""),
        (Mode::Heat, "fill-opacity=\"0.13\""),
        (Mode::States, "a: 1% for 2 min, from 2026-11-26 00:01:00 UTC"),
    ] {
        let svg = parts(mode);
        assert!(svg.contains(part), "{mode:?}: {part} is missing in {svg}");
        for never in ["class=", "style=", "<script", "NaN", "inf"] {
            assert!(!svg.contains(never), "{mode:?}: {never} is in {svg}");
        }
    }
}

#[test]
fn what_is_hidden_keeps_its_colour_and_what_is_compared_is_dashed_and_said() {
    let mut picture = picture(vec![series("a", &wave(60, 0.0)), series("b", &wave(60, 1.0))]);
    picture.series[0].shown = false;
    picture.series[1].then = Some(wave(60, 2.0));
    picture.earlier = Some(Before {
        words: "a day earlier".into(),
        times_ms: picture.times_ms.clone(),
        step_ms: picture.step_ms,
    });
    let svg = picture.svg();
    assert!(
        !svg.contains("#076fb8") && svg.contains("stroke=\"#d37512\""),
        "{svg}"
    );
    assert!(
        svg.contains("stroke-dasharray=\"2 3\"") && svg.contains("Dashed: a day earlier."),
        "{svg}"
    );
    assert!(!svg.contains(">a  ") && svg.contains(">b  "), "{svg}");
}

#[test]
fn what_a_logarithmic_axis_cannot_show_is_said_in_the_picture() {
    let mut picture = picture(vec![series("a", &[10.0, 100.0, 0.0])]);
    picture.log = true;
    let svg = picture.svg();
    assert!(svg.contains("reach zero or below"), "{svg}");
}
