use super::{flags::flags, *};
use farol_model::{action::Mark, metric::Unit};

/// Thursday 26 November 2026, 00:00 UTC.
const MIDNIGHT: i64 = 1_795_651_200_000;
const STEP: i64 = 60_000;
const NAN: f64 = f64::NAN;

/// Owns what an [`Ask`] borrows.
struct Data {
    specs: Vec<MetricSpec>,
    times_ms: Vec<i64>,
    means: Vec<Vec<f64>>,
    least: Vec<Vec<f64>>,
    greatest: Vec<Vec<f64>>,
    unit: Unit,
}

impl Data {
    /// Series whose points all hold one value each.
    fn flat(unit: Unit, means: &[&[f64]]) -> Data {
        let means: Vec<Vec<f64>> = means.iter().map(|values| values.to_vec()).collect();
        let count = means.first().map_or(0, Vec::len) as i64;
        let name = |at: usize| format!("series {at}");
        Data {
            specs: (0..means.len())
                .map(|at| MetricSpec::gauge("m", unit, "Chart", &name(at), "").label("n", &at.to_string()))
                .collect(),
            times_ms: (0..count).map(|at| MIDNIGHT + at * STEP).collect(),
            least: means.clone(),
            greatest: means.clone(),
            means,
            unit,
        }
    }

    fn ask(&self, mode: Mode) -> Ask<'_> {
        let shown = |slot: usize| Shown {
            slot,
            spec: &self.specs[slot],
            columns: Columns {
                min: &self.least[slot],
                max: &self.greatest[slot],
                mean: &self.means[slot],
            },
        };
        Ask {
            from_ms: MIDNIGHT,
            to_ms: MIDNIGHT + self.times_ms.len() as i64 * STEP,
            times_ms: &self.times_ms,
            step_ms: STEP,
            unit: self.unit as i32,
            series: (0..self.specs.len()).map(shown).collect(),
            earlier: None,
            mode,
            log: false,
            columns: 600,
            labels: Y_LABELS,
        }
    }
}

/// The ink and what lies over it, a line for each element.
fn written(ask: &Ask<'_>) -> String {
    let drawing = draw(ask);
    let mut text = markup::ink(&drawing, (100, 40));
    text.push_str(&markup::overlay(&drawing, &[], false));
    text.push_str(&format!("{:?}", drawing.notes));
    text.replace("><", ">\n<").replace(">[", ">\n[")
}

/// Two series, one with a gap.
fn two() -> Data {
    let mut data = Data::flat(
        Unit::Count,
        &[&[1.0, 2.0, 3.0, NAN, 2.0, 1.0], &[2.0, 2.0, 4.0, 2.0, 0.0, 1.0]],
    );
    data.greatest[1][2] = 6.0;
    data
}

#[test]
fn lines_have_bands_to_what_was_reached() {
    insta::assert_snapshot!(written(&two().ask(Mode::Lines)));
}

#[test]
fn areas_reach_down_to_zero() {
    insta::assert_snapshot!(written(&two().ask(Mode::Area)));
}

#[test]
fn a_stack_has_layers_with_gaps_and_no_bands() {
    insta::assert_snapshot!(written(&two().ask(Mode::Stacked)));
}

#[test]
fn bars_stand_side_by_side_with_strokes_to_the_greatest() {
    insta::assert_snapshot!(written(&two().ask(Mode::Bars)));
}

#[test]
fn a_heat_map_has_a_row_for_each_series() {
    insta::assert_snapshot!(written(&two().ask(Mode::Heat)));
}

#[test]
fn states_are_runs_with_words_and_durations() {
    let mut data = Data::flat(
        Unit::None,
        &[&[1.0, 1.0, 0.0, NAN, 1.0, 1.0], &[2.0, 2.0, 2.0, 2.0, 2.0, 2.0]],
    );
    data.specs[0].name = "check_up".into();
    data.specs[0].title = "<shop>".into();
    data.least[0][4] = 0.0;
    let ask = data.ask(Mode::States);
    insta::assert_snapshot!(written(&ask));
    let drawing = draw(&ask);
    let told: Vec<&str> = drawing.tones.iter().map(|(_, words)| words.as_str()).collect();
    assert_eq!(told, ["Up", "Down", "several within a point", "2"]);
}

#[test]
fn a_logarithmic_axis_says_what_it_cannot_show() {
    let data = Data::flat(Unit::Count, &[&[1.0, 10.0, 1000.0, 0.0, -5.0, 100.0]]);
    let ask = Ask {
        log: true,
        ..data.ask(Mode::Lines)
    };
    insta::assert_snapshot!(written(&ask));
    let drawing = draw(&ask);
    assert!(drawing.logarithmic);
    assert_eq!(drawing.axis, Some((1.0, 1000.0)));
    assert!(
        drawing.notes[0].starts_with("2 of 6 points reach zero or below"),
        "{:?}",
        drawing.notes
    );
    let none = Data::flat(Unit::Count, &[&[0.0, -1.0]]);
    let drawing = draw(&Ask {
        log: true,
        ..none.ask(Mode::Lines)
    });
    assert!(!drawing.logarithmic && drawing.notes[0].contains("this one is linear"));
    for mode in [Mode::Area, Mode::Stacked, Mode::Bars] {
        let drawing = draw(&Ask {
            log: true,
            ..data.ask(mode)
        });
        assert!(
            !drawing.logarithmic && drawing.notes[0].contains("begin at zero"),
            "{mode:?}"
        );
    }
}

#[test]
fn an_earlier_period_is_dashed_on_the_same_axis() {
    let data = Data::flat(Unit::Count, &[&[1.0, 2.0, 3.0]]);
    let then = [10.0, NAN, 50.0];
    let ask = Ask {
        earlier: Some(Earlier {
            times_ms: data.times_ms.clone(),
            step_ms: STEP,
            series: vec![(0, &then)],
        }),
        ..data.ask(Mode::Lines)
    };
    insta::assert_snapshot!(written(&ask));
    assert!(draw(&ask).axis.unwrap().1 >= 50.0, "the axis holds both");
    let states = draw(&Ask {
        mode: Mode::States,
        ..ask.clone()
    });
    assert!(
        states.over.is_empty() && states.notes[0].contains("earlier period"),
        "{:?}",
        states.notes
    );
}

/// A generator of numbers that is the same in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Values with gaps, some of them below zero.
    fn series(&mut self, count: usize, low: f64) -> Vec<f64> {
        let one = |_| match self.next() < 0.15 {
            true => NAN,
            false => low + self.next() * (100.0 - low),
        };
        (0..count).map(one).collect()
    }
}

/// Whatever the values: each layer is as thick as its value, has its gaps and no others, lies on those before it, and together the
/// layers are the sums of what is above and what is below zero.
#[test]
fn a_stack_adds_up_and_keeps_gaps() {
    let mut numbers = Numbers(1);
    for round in 0..300 {
        let (series, count) = (1 + round % 9, 1 + round % 31);
        let all: Vec<Vec<f64>> = (0..series).map(|_| numbers.series(count, -30.0)).collect();
        let slices: Vec<&[f64]> = all.iter().map(Vec::as_slice).collect();
        let layers = stack::layers(&slices, count);
        assert_eq!(layers.len(), series);
        for at in 0..count {
            let (mut above, mut below) = (0.0, 0.0);
            for (values, layer) in all.iter().zip(&layers) {
                let (start, top) = layer[at];
                assert_eq!(values[at].is_nan(), top.is_nan());
                if values[at].is_nan() {
                    continue;
                }
                let side = if values[at] < 0.0 { &mut below } else { &mut above };
                assert_eq!(start, *side, "on what is below it");
                assert!((top - start - values[at]).abs() < 1e-9);
                *side = top;
            }
            let sum: f64 = all
                .iter()
                .map(|values| values[at])
                .filter(|value| value.is_finite())
                .sum();
            assert!((above + below - sum).abs() < 1e-9);
        }
    }
}

/// Whatever the values and the way to draw: shapes stay within the square, no gap is filled, nothing is no number.
#[test]
fn nothing_is_drawn_outside_and_nothing_in_gaps() {
    let mut numbers = Numbers(2);
    for round in 0..200 {
        let count = 1 + round % 40;
        let all: Vec<Vec<f64>> = (0..1 + round % 5)
            .map(|_| numbers.series(count, if round % 2 == 0 { 0.0 } else { -50.0 }))
            .collect();
        let slices: Vec<&[f64]> = all.iter().map(Vec::as_slice).collect();
        let data = Data::flat(
            if round % 3 == 0 {
                Unit::Percent
            } else {
                Unit::Bytes
            },
            &slices,
        );
        for mode in Mode::ALL {
            let ask = Ask {
                log: round % 4 == 0,
                ..data.ask(mode)
            };
            let drawing = draw(&ask);
            let mut points: Vec<(f64, f64)> = Vec::new();
            for shape in drawing.shapes.iter().chain(&drawing.over) {
                match &shape.form {
                    Form::Polygon(all) => points.extend(all),
                    Form::Strokes(all) => points.extend(all.iter().flatten()),
                    Form::Boxes(all) => {
                        points.extend(all.iter().flat_map(|[a, b, c, d]| [(*a, *b), (*c, *d)]))
                    }
                }
            }
            let within = |share: f64| (-1e-9..=1.0 + 1e-9).contains(&share);
            assert!(points.iter().all(|(x, y)| within(*x) && within(*y)), "{mode:?}");
            // A gap of all series holds nothing: no corner stands within it, and bars and cells do not reach over it.
            let gaps: Vec<usize> = (0..count)
                .filter(|at| all.iter().all(|values| values[*at].is_nan()))
                .collect();
            for gap in gaps {
                let (from, to) = (ask.sides(gap).0 + 1e-9, ask.sides(gap).1 - 1e-9);
                let middle = f64::midpoint(from, to);
                for shape in &drawing.shapes {
                    if let Form::Boxes(boxes) = &shape.form {
                        assert!(
                            !boxes
                                .iter()
                                .any(|[left, _, right, _]| *left < middle && middle < *right),
                            "{mode:?}"
                        );
                    }
                }
            }
            let text = markup::ink(&drawing, (600, 160)) + &markup::overlay(&drawing, &[], false);
            assert!(
                !text.contains("NaN") && !text.contains("inf") && !text.contains("style="),
                "{text}"
            );
        }
    }
}

#[test]
fn bars_stand_where_their_time_is_and_are_too_many_above_eight() {
    let data = Data::flat(Unit::Count, &[&[4.0, NAN, 8.0, 2.0]]);
    let drawing = draw(&data.ask(Mode::Bars));
    let Form::Boxes(boxes) = &drawing.shapes[0].form else {
        panic!("boxes")
    };
    assert_eq!(boxes.len(), 3);
    for ([left, top, right, bottom], (at, value)) in boxes.iter().zip([(0, 4.0), (2, 8.0), (3, 2.0)]) {
        let middle = f64::midpoint(*left, *right);
        assert!(
            (middle - (f64::from(at) + 0.5) / 4.0).abs() < 1e-9,
            "in the middle of its minute"
        );
        assert!((right - left - 0.2).abs() < 1e-9 && *bottom == 1.0);
        assert!((1.0 - top - value / drawing.axis.unwrap().1).abs() < 1e-9);
    }
    let nine = Data::flat(Unit::Count, &[&[1.0][..]; 9]);
    let drawing = draw(&nine.ask(Mode::Bars));
    assert_eq!(drawing.mode, Mode::Lines);
    assert!(drawing.notes[0].contains("8 series at most"));
}

/// Buckets as Prometheus has them, of two histograms.
fn histogram() -> Data {
    let mut data = Data::flat(
        Unit::PerSecond,
        &[
            // up to 0.1, 0.5, all: per second, of the first histogram
            &[1.0, 0.0, NAN],
            &[3.0, 0.0, NAN],
            &[4.0, 0.0, NAN],
            // and of the second
            &[1.0, 1.0, NAN],
            &[1.0, 1.0, NAN],
            &[1.0, 2.0, NAN],
        ],
    );
    for (at, spec) in data.specs.iter_mut().enumerate() {
        let path = if at < 3 { "/cart" } else { "/pay" };
        *spec = MetricSpec::gauge(
            "shop_request_seconds_bucket",
            Unit::PerSecond,
            "Requests",
            "x",
            "",
        )
        .label("le", ["0.1", "0.5", "+Inf"][at % 3])
        .label("path", path);
    }
    data
}

#[test]
fn a_histogram_is_a_heat_map_of_what_fell_into_each_bucket() {
    let data = histogram();
    let ask = data.ask(Mode::Heat);
    let drawing = draw(&ask);
    assert_eq!(drawing.rows, ["> 500\u{a0}ms", "≤ 500\u{a0}ms", "≤ 100\u{a0}ms"]);
    // Events in a minute: what is counted up to a bound less what is counted up to the bound below.
    assert_eq!(drawing.buckets[0][..2], [60.0, 60.0]);
    assert_eq!(drawing.buckets[1][..2], [120.0, 0.0]);
    assert_eq!(drawing.buckets[2][..2], [120.0, 60.0]);
    assert!(
        drawing.buckets.iter().all(|row| row[2].is_nan()),
        "a gap is no zero"
    );
    assert_eq!(drawing.scale.as_ref().unwrap().high, "120");
    assert_eq!(drawing.scale.as_ref().unwrap().words, "events in 1 min");
    assert_eq!(drawing.notes, ["Counts are the sums of 2 histograms."]);
    insta::assert_snapshot!(written(&ask));
}

#[test]
fn buckets_that_were_read_one_after_the_other_are_never_less_than_empty() {
    let mut data = histogram();
    data.means[1][0] = 0.5;
    let drawing = draw(&data.ask(Mode::Heat));
    assert!(
        drawing
            .buckets
            .iter()
            .flatten()
            .all(|count| count.is_nan() || *count >= 0.0)
    );
}

#[test]
fn parts_of_a_whole_are_stacked_and_states_are_only_what_has_states() {
    let usual = |data: &Data| usual(data.specs.iter().zip(data.means.iter().map(Vec::as_slice)));
    let of = |unit: Unit, means: &[&[f64]]| usual(&Data::flat(unit, means));
    let parts: [&[f64]; 3] = [&[20.0, NAN, 30.0], &[30.0, 50.0, 30.0], &[50.0, 50.0, 40.2]];
    assert_eq!(of(Unit::Percent, &parts), Mode::Stacked);
    assert_eq!(of(Unit::Bytes, &parts), Mode::Lines);
    assert_eq!(of(Unit::Percent, &parts[..2]), Mode::Lines);
    assert_eq!(of(Unit::Percent, &[&[NAN], &[NAN], &[NAN]]), Mode::Lines);
    assert_eq!(
        of(Unit::Percent, &[&[20.0, 20.0], &[30.0, 30.0], &[50.0, 60.0]]),
        Mode::Lines
    );
    assert_eq!(of(Unit::Percent, &[]), Mode::Lines);
    assert_eq!(usual(&histogram()), Mode::Heat);
    let mut up = Data::flat(Unit::None, &[&[1.0]]);
    up.specs[0].name = "check_up".into();
    assert_eq!(usual(&up), Mode::States);
    assert_eq!(
        draw(&Data::flat(Unit::Percent, &parts).ask(Mode::Stacked)).axis,
        Some((0.0, 100.0))
    );

    let many: Vec<f64> = (0..20).map(f64::from).collect();
    for (values, mode) in [
        (vec![1.0, 0.0], Mode::States),
        (vec![0.5], Mode::Lines),
        (many, Mode::Lines),
    ] {
        let drawing = draw(&Data::flat(Unit::None, &[&values]).ask(Mode::States));
        assert_eq!(drawing.mode, mode);
        assert_eq!(drawing.notes.is_empty(), mode == Mode::States);
    }
}

#[test]
fn states_that_change_too_often_are_drawn_and_said_to_be_too_many() {
    let values: Vec<f64> = (0..700).map(|at| f64::from(at % 2)).collect();
    let drawing = draw(&Data::flat(Unit::None, &[&values]).ask(Mode::States));
    assert!(drawing.runs.is_empty() && drawing.shapes.len() == 2);
    assert!(drawing.notes[0].contains("too many changes"));
}

#[test]
fn nothing_is_nothing_in_every_mode() {
    for data in [
        Data::flat(Unit::Count, &[]),
        Data::flat(Unit::Count, &[&[NAN, NAN]]),
        Data::flat(Unit::Count, &[&[]]),
    ] {
        for mode in Mode::ALL {
            let drawing = draw(&data.ask(mode));
            assert!(
                drawing.is_empty && drawing.notes.is_empty(),
                "{mode:?} {:?}",
                drawing.notes
            );
            assert!(markup::ink(&drawing, (600, 160)).ends_with("</svg>"));
        }
    }
}

#[test]
fn a_flag_is_words_only_and_can_be_reached_by_key() {
    let marks = [Mark {
        at_ms: MIDNIGHT + STEP,
        title: "<b>Rotate</b> & \"more\" began".into(),
    }];
    let data = two();
    let text = markup::overlay(
        &draw(&data.ask(Mode::Lines)),
        &flags(&marks, MIDNIGHT, MIDNIGHT + 6 * STEP),
        true,
    );
    assert!(text.contains("tabindex=\"0\" role=\"img\" aria-label=\"&lt;b&gt;Rotate&lt;/b&gt; &amp; &quot;more&quot; began\""), "{text}");
}

/// `cargo test --release -p farol-app --features ssr how_long -- --ignored --nocapture` says how long drawing takes.
#[test]
#[ignore = "measures, and says what it measured"]
fn how_long_drawing_takes() {
    let mut numbers = Numbers(3);
    let mut measure = |name: &str, charts: usize, series: usize, points: usize| {
        let all: Vec<Vec<f64>> = (0..series).map(|_| numbers.series(points, 0.0)).collect();
        let slices: Vec<&[f64]> = all.iter().map(Vec::as_slice).collect();
        let data = Data::flat(Unit::Percent, &slices);
        for mode in Mode::ALL {
            let begun = std::time::Instant::now();
            let mut bytes = 0;
            for _ in 0..charts {
                let drawing = draw(&data.ask(mode));
                bytes +=
                    markup::ink(&drawing, (600, 160)).len() + markup::overlay(&drawing, &[], false).len();
            }
            println!("{name}, {}: {:?}, {bytes} bytes", mode.as_str(), begun.elapsed());
        }
    };
    measure("one chart of 50 x 600", 1, 50, 600);
    measure("one chart of 200 x 600", 1, 200, 600);
    measure("12 charts of 4 x 600", 12, 4, 600);
}
