//! Of any values and any expression: what a coarse point says holds for all that it stands for.

use super::{Expression, tests::World};
use crate::history::grid::Found;
use farol_model::metric::{MetricSpec, Unit};
use proptest::prelude::*;

const SECONDS: usize = 60;

/// Values of three series, some of them missing for whole points of ten seconds.
fn values() -> impl Strategy<Value = Vec<Vec<f64>>> {
    let one = (
        proptest::collection::vec(
            prop_oneof![-100.0..100.0_f64, 0.0..1.0_f64, Just(0.0), Just(7.0)],
            SECONDS,
        ),
        proptest::collection::vec(proptest::bool::weighted(0.85), SECONDS / 10),
    );
    let one = one.prop_map(|(mut values, there)| {
        for (tenth, _) in there.into_iter().enumerate().filter(|(_, there)| !there) {
            values[10 * tenth..10 * (tenth + 1)].fill(f64::NAN);
        }
        values
    });
    proptest::collection::vec(one, 3)
}

/// An expression over `a`, `b` and `c`, whose bounds docs/HISTORY.md promises.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("v{n=\"a\"}".to_owned()),
        Just("v{n=\"b\"}".to_owned()),
        Just("v".to_owned()),
        Just("rate(v)".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 2, |inner| {
        let gather = prop_oneof![
            Just("sum"),
            Just("avg"),
            Just("min"),
            Just("max"),
            Just("sum by (n)"),
            Just("max without (n)"),
        ];
        prop_oneof![
            (gather, inner.clone()).prop_map(|(how, of)| format!("{how} ({of})")),
            (0.0..1.0_f64, inner.clone()).prop_map(|(share, of)| format!("quantile({share}, {of})")),
            inner.clone().prop_map(|of| format!("abs({of})")),
            inner.clone().prop_map(|of| format!("-({of})")),
            (inner.clone(), "[-+*]", -9..9_i32)
                .prop_map(|(of, sign, number)| format!("({of}) {sign} {number}")),
            (inner.clone(), 1..9_i32).prop_map(|(of, number)| format!("({of}) / {number}")),
            (inner.clone(), "[-+*]", inner).prop_map(|(a, sign, b)| format!("sum({a}) {sign} sum({b})")),
        ]
    })
}

fn world(values: &[Vec<f64>]) -> World {
    let world = World::new();
    let spec = |name: &str| MetricSpec::gauge("v", Unit::PerSecond, "c", name, "h").label("n", name);
    let series: Vec<(MetricSpec, &[f64])> = ["a", "b", "c"]
        .into_iter()
        .map(spec)
        .zip(values.iter().map(Vec::as_slice))
        .collect();
    world.push("c/v", &series);
    world
}

fn encloses(coarse: &Found, fine: &Found) -> Result<(), TestCaseError> {
    for (at, value) in fine.mean.iter().enumerate().filter(|(_, value)| !value.is_nan()) {
        let (min, max) = (coarse.min[at / 10], coarse.max[at / 10]);
        let slack = 1e-9 * (1.0 + value.abs().max(min.abs()).max(max.abs()));
        prop_assert!(
            min - slack <= *value && *value <= max + slack,
            "second {at}: {value} is not from {min} to {max}"
        );
    }
    for (at, tenth) in fine.count.chunks(10).enumerate() {
        prop_assert_eq!(
            coarse.count[at] > 0,
            tenth.iter().any(|count| *count > 0),
            "a gap stays a gap"
        );
        prop_assert_eq!(coarse.count[at] == 0, coarse.mean[at].is_nan());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_value_lies_outside_of_what_a_coarser_point_says(values in values(), text in expression()) {
        let world = world(&values);
        let (fine, coarse) = (world.ask(&text, SECONDS as i64, 1000), world.ask(&text, SECONDS as i64, 10_000));
        prop_assert_eq!(fine.series.len(), coarse.series.len());
        for (coarse, fine) in coarse.series.iter().zip(&fine.series) {
            encloses(coarse, fine)?;
        }
    }

    #[test]
    fn what_is_linear_has_the_mean_of_what_it_stands_for(values in values()) {
        let world = world(&values);
        let text = "2 * v{n=\"a\"} - 3";
        let (fine, coarse) = (world.ask(text, SECONDS as i64, 1000), world.ask(text, SECONDS as i64, 10_000));
        for (at, tenth) in fine.series[0].mean.chunks(10).enumerate() {
            let mean = tenth.iter().sum::<f64>() / 10.0;
            let there = coarse.series[0].mean[at];
            prop_assert!((mean - there).abs() < 1e-9 || mean.is_nan() && there.is_nan());
        }
    }

    #[test]
    fn whatever_is_typed_is_read_or_refused_and_what_is_read_can_be_written(text in "[a-c0-9(){}\\[\\]=~\"',.+*/%^ -]{0,40}|(sum|rate|topk|by|quantile|abs|[ab(){}\\[\\],0-9 =\"]){0,30}") {
        if let Ok(read) = Expression::parse(&text) {
            let written = read.to_string();
            let again = Expression::parse(&written).map_err(|fault| TestCaseError::fail(format!("{written}: {fault}")))?;
            prop_assert_eq!(again.to_string(), written);
        }
    }
}
