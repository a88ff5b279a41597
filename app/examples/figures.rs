//! Charts of a day that is past, as the server draws them, for `cargo xtask bench charts`: one of fifty series and twelve of four,
//! each in a `<section>` of its own.

use farol_app::past::{Frame, Look, Past, PastSeries, Range, figure::framed};
use farol_model::metric::{MetricSpec, Unit};
use leptos::prelude::*;

const DAY_MS: i64 = 86_400_000;
const POINTS: i64 = 600;

fn main() {
    let one = drawn(1, 50);
    let twelve = drawn(12, 4);
    #[expect(clippy::print_stdout, reason = "this is what it is for")]
    {
        println!("<section id=\"one\">{one}</section><section id=\"twelve\">{twelve}</section>");
    }
}

fn drawn(charts: usize, series: usize) -> String {
    let range = Range {
        word: None,
        from_ms: 0,
        to_ms: DAY_MS,
    };
    let owner = Owner::new();
    owner.with(|| {
        let figures = (0..charts).map(|chart| {
            let past = past(chart, series);
            let all: Vec<&PastSeries> = past.series.iter().collect();
            framed("Waves", &all, &Frame::plain(&past, &range, &[], &Look::default())).to_html()
        });
        figures
            .map(|figure| format!("<div class=\"card\">{figure}</div>"))
            .collect()
    })
}

fn past(chart: usize, series: usize) -> Past {
    let step_ms = DAY_MS / POINTS;
    Past {
        step_ms,
        times_ms: (0..POINTS).map(|point| point * step_ms).collect(),
        series: (0..series).map(|number| wave(chart * series + number)).collect(),
    }
}

/// A wave with a band around it, and jitter that makes neighbours differ as those of a machine do.
fn wave(number: usize) -> PastSeries {
    let mean: Vec<f64> = (0..POINTS)
        .map(|point| {
            let jitter = (point * 7919 + number as i64 * 104_729) % 101;
            50.0 + 30.0 * ((point as f64) / 40.0 + number as f64).sin() + jitter as f64 / 10.0
        })
        .collect();
    PastSeries {
        spec: MetricSpec::gauge(
            &format!("wave_{number}"),
            Unit::None,
            "Waves",
            &format!("wave {number}"),
            "A wave.",
        ),
        min: mean.iter().map(|value| value - 3.0).collect(),
        max: mean.iter().map(|value| value + 3.0).collect(),
        mean,
    }
}
