use super::{still::Tint, *};
use crate::charts::{
    scale::tests::pick,
    still::{Form, states::Tone},
};
use farol_model::{
    metric::{MetricSpec, Unit},
    sample::{ChannelView, Column, Snapshot},
};

const NAN: f64 = f64::NAN;

/// A view with a row each second, the first at second 1.
fn view(specs: Vec<MetricSpec>, columns: &[Vec<f64>]) -> View {
    let rows = columns.first().map_or(0, Vec::len) as i64;
    View::new(ChannelView {
        channel: "metrics/local/cpu".into(),
        schema: specs,
        snapshot: Snapshot {
            times_ms: (1..=rows).map(|row| row * 1000).collect(),
            columns: columns
                .iter()
                .map(|values| Column {
                    values: values.clone(),
                })
                .collect(),
            step_ms: 1000,
        },
        epoch: String::new(),
        offset: 0,
    })
}

fn named(unit: Unit, count: usize) -> Vec<MetricSpec> {
    (0..count)
        .map(|at| MetricSpec::gauge(&format!("m{at}"), unit, "Chart", &format!("series {at}"), "H."))
        .collect()
}

fn drawn(view: &View, way: (Mode, bool), hidden: &[&str]) -> Drawing {
    let hidden: Hidden = hidden.iter().map(|key| (*key).to_owned()).collect();
    let series: Vec<usize> = (0..view.schema.len()).collect();
    drawing(view, &pick(&series, &hidden), way, None)
}

fn boxes(drawing: &Drawing, wanted: impl Fn(Tint) -> bool) -> Vec<[f64; 4]> {
    let of = |shape: &still::Shape| match &shape.form {
        Form::Boxes(boxes) if wanted(shape.tint) => boxes.clone(),
        _ => Vec::new(),
    };
    drawing.shapes.iter().flat_map(of).collect()
}

#[test]
fn lines_and_a_linear_axis_hold_the_same_points_as_every_other_way() {
    let columns = [
        (0..300).map(f64::from).collect(),
        (0..300).map(|row| f64::from(row % 7)).collect::<Vec<f64>>(),
    ];
    let view = view(named(Unit::None, 2), &columns);
    let lines = drawn(&view, (Mode::Lines, false), &[]);
    let area = drawn(&view, (Mode::Area, false), &[]);
    assert_eq!(lines.scene.lines, area.scene.lines);
    assert_eq!(lines.labels, area.labels);
    assert_eq!(area.shapes.len(), 2);
    assert!(lines.shapes.is_empty() && lines.notes.is_empty());
}

#[test]
fn a_stack_adds_up_and_what_is_hidden_is_not_in_it() {
    let view = view(
        named(Unit::None, 3),
        &[vec![1.0; 61], vec![2.0; 61], vec![4.0; 61]],
    );
    let top = |hidden: &[&str]| {
        let drawing = drawn(&view, (Mode::Stacked, false), hidden);
        let lines = drawing.scene.lines.last().unwrap().segments[0].clone();
        (drawing.scene.lines.len(), lines[0].1)
    };
    assert_eq!(top(&[]), (3, 7.0));
    assert_eq!(top(&["m1"]), (2, 5.0));
}

#[test]
fn bars_put_rows_together_by_the_clock_and_reach_to_the_greatest() {
    let values: Vec<f64> = (0..300).map(|row| if row == 152 { 100.0 } else { 1.0 }).collect();
    let view = view(named(Unit::None, 1), &[values]);
    let drawing = drawn(&view, (Mode::Bars, false), &[]);
    let bars = boxes(&drawing, |tint| matches!(tint, Tint::Bar(0)));
    assert_eq!(bars.len(), 60, "five seconds each");
    let reach = |shape: &still::Shape| match &shape.form {
        Form::Strokes(strokes) => strokes.iter().flatten().map(|(_, y)| *y).fold(1.0, f64::min),
        _ => 1.0,
    };
    let least = drawing.shapes.iter().map(reach).fold(1.0, f64::min);
    assert!(least < 0.02, "the spike is seen: {least}");
    // The newest bar ends now.
    assert!(bars.last().unwrap()[2] > 0.99);
    // A second later each bar but the newest is what it was.
    let rows = |more: usize| {
        let values: Vec<f64> = (0..300 + more).map(|row| (row % 11) as f64).collect();
        let view = self::view(named(Unit::None, 1), &[values]);
        let none = Hidden::new();
        let pick = pick(&[0], &none);
        let rows = Rows::of(&view, &pick, Mode::Bars);
        rows.times_ms
            .into_iter()
            .zip(rows.series[0].mean.clone())
            .collect::<Vec<_>>()
    };
    let (before, after) = (rows(0), rows(1));
    assert_eq!(before[..59], after[..59]);
}

#[test]
fn a_gap_stays_a_gap_in_every_way() {
    let mut values = vec![5.0; 200];
    values[100..130].fill(NAN);
    let view = view(named(Unit::None, 1), &[values]);
    for mode in [Mode::Lines, Mode::Area, Mode::Stacked] {
        let drawing = drawn(&view, (mode, false), &[]);
        assert_eq!(drawing.scene.lines[0].segments.len(), 2, "{mode:?}");
    }
    let second = |share: f64| share * 300.0 - 100.0;
    for mode in [Mode::Bars, Mode::Heat] {
        let drawing = drawn(&view, (mode, false), &[]);
        let cells = boxes(&drawing, |tint| matches!(tint, Tint::Bar(_) | Tint::Heat(_)));
        assert!(!cells.is_empty(), "{mode:?}");
        // Rows of the seconds 101 to 130 have no value.
        let mut within = cells.iter();
        let found = within.find(|[left, _, right, _]| second(*left) < 129.0 && second(*right) > 101.0);
        assert_eq!(found, None, "{mode:?}");
    }
}

#[test]
fn a_logarithmic_axis_has_places_for_small_and_great_and_words_for_zero() {
    let values: Vec<f64> = (0..300).map(|row| [0.0, 1.0, 1000.0][row % 3]).collect();
    let view = view(named(Unit::None, 1), &[values]);
    let drawing = drawn(&view, (Mode::Lines, true), &[]);
    assert!(drawing.logarithmic);
    let labels: Vec<&str> = drawing.labels.iter().map(|(_, label)| label.as_str()).collect();
    assert_eq!(labels, ["1", "10", "100", "1000"]);
    assert!(
        drawing.notes[0].contains("reach zero or below"),
        "{:?}",
        drawing.notes
    );
}

#[test]
fn states_are_runs_that_end_now() {
    let mut values = vec![1.0; 120];
    values[60..90].fill(0.0);
    let specs = vec![MetricSpec::gauge("web_up", Unit::None, "Checks", "web", "H.")];
    let view = view(specs, &[values]);
    let drawing = drawn(&view, (Mode::States, false), &[]);
    assert_eq!(drawing.rows, ["web"]);
    assert!(drawing.runs.is_empty(), "they are shapes here");
    let up = boxes(&drawing, |tint| tint == Tint::State(Tone::Up));
    let down = boxes(&drawing, |tint| tint == Tint::State(Tone::Down));
    assert_eq!((up.len(), down.len()), (2, 1));
    assert_eq!(up[1][2], 1.0);
    let [left, _, right, _] = down[0];
    assert!(
        (left - 0.5).abs() < 1e-9 && (right - 0.75).abs() < 1e-9,
        "{down:?}"
    );
    assert_eq!(drawing.tones.len(), 2);
}

#[test]
fn buckets_of_a_histogram_are_rows_of_what_fell_into_each() {
    let bucket = |le: &str| {
        MetricSpec::gauge("wait_seconds_bucket", Unit::PerSecond, "Wait", le, "H.").label("le", le)
    };
    let specs = vec![bucket("0.1"), bucket("1"), bucket("+Inf")];
    let view = view(specs, &[vec![4.0; 120], vec![6.0; 120], vec![6.0; 120]]);
    let drawing = drawn(&view, (Mode::Heat, false), &[]);
    assert_eq!(drawing.rows.len(), 3);
    assert!(drawing.rows[2].contains("100"), "{:?}", drawing.rows);
    let known: Vec<f64> = drawing
        .buckets
        .iter()
        .map(|row| {
            row.iter()
                .copied()
                .filter(|value| value.is_finite())
                .fold(0.0, f64::max)
        })
        .collect();
    assert_eq!(known, [0.0, 2.0, 4.0]);
}

#[test]
fn an_earlier_period_lies_over_the_same_axis() {
    let specs = named(Unit::None, 1);
    let view = view(specs.clone(), &[vec![1.0; 300]]);
    let then = self::view(specs, &[vec![9.0; 300]]);
    let none = Hidden::new();
    let pick = pick(&[0], &none);
    let drawing = drawing(&view, &pick, (Mode::Lines, false), Some(&then));
    assert!(drawing.scene.y_range().1 >= 9.0);
    assert_eq!(drawing.over.len(), 1);
    assert_eq!(drawing.over[0].tint, Tint::Then(0));
    let unknown = self::view(named(Unit::None, 0), &[]);
    let nothing = super::drawing(&view, &pick, (Mode::Lines, false), Some(&unknown));
    assert!(nothing.over.is_empty(), "of other series nothing is drawn");
}

#[test]
fn nothing_and_one_row_are_drawn_without_a_panic() {
    for rows in [0, 1, 2] {
        let view = view(named(Unit::Percent, 2), &[vec![1.0; rows], vec![NAN; rows]]);
        for mode in Mode::ALL {
            for log in [false, true] {
                let drawing = drawn(&view, (mode, log), &[]);
                let html = still::markup::ink(&drawing, (600, 160));
                assert!(
                    !html.contains("NaN") && !html.contains("inf"),
                    "{mode:?} {rows}: {html}"
                );
            }
        }
    }
}
