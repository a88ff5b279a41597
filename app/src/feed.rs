//! Where pages get what changes on screen: one function per thing. Pages know no other source, so how data arrives can
//! change without a page noticing.

use farol_model::{
    action::RunView,
    health::CollectorStatus,
    metric::{MetricSpec, Unit},
    process::ProcessRow,
    sample::ChannelView,
};
use leptos::prelude::*;

/// A run that is followed while its reader lives.
pub fn run(first: RunView) -> Signal<RunView> {
    Signal::stored(first)
}

/// The process table.
pub fn processes(first: Vec<ProcessRow>) -> Signal<Vec<ProcessRow>> {
    Signal::stored(first)
}

/// Health of the collectors.
pub fn collectors(first: Vec<CollectorStatus>) -> Signal<Vec<CollectorStatus>> {
    Signal::stored(first)
}

/// One metrics channel with its history.
#[derive(Clone, Copy)]
pub struct Channel {
    view: StoredValue<ChannelView>,
}

/// Follows a metrics channel, starting with what the server sent.
pub fn channel(first: ChannelView) -> Channel {
    Channel {
        view: StoredValue::new(first),
    }
}

impl Channel {
    /// The newest values of one series, oldest first, at most `most` of them. Follows the live channel.
    pub fn recent(&self, series: usize, most: usize) -> Vec<f64> {
        self.view.with_value(|view| {
            view.snapshot.columns.get(series).map_or_else(Vec::new, |column| {
                column.values[column.values.len().saturating_sub(most)..].to_vec()
            })
        })
    }

    /// What the series are.
    pub fn schema(&self) -> Vec<MetricSpec> {
        self.view.with_value(|view| view.schema.clone())
    }
}

/// One chart of a channel: all its series that name this chart.
#[component]
pub fn ChannelChart(channel: Channel, #[prop(into)] chart: String) -> AnyView {
    let series: Vec<usize> = channel
        .schema()
        .iter()
        .enumerate()
        .filter(|(_, spec)| spec.chart == chart)
        .map(|(at, _)| at)
        .collect();
    let lines = series
        .into_iter()
        .map(|at| view! { <Spark channel series=at/> })
        .collect_view();
    view! { <div class="chart">{lines}</div> }.into_any()
}

/// A line without axes.
#[component]
pub fn Spark(channel: Channel, series: usize) -> AnyView {
    let values = channel.recent(series, 300);
    let top = values
        .iter()
        .copied()
        .filter(|value| value.is_finite())
        .fold(1e-9, f64::max);
    let points: Vec<String> = values
        .iter()
        .enumerate()
        .map(|(at, value)| format!("{at},{:.1}", 40.0 - value / top * 36.0))
        .collect();
    view! {
        <svg class="spark" viewBox="0 0 300 40" preserveAspectRatio="none" aria-hidden="true">
            <polyline points=points.join(" ") fill="none" stroke="currentColor" vector-effect="non-scaling-stroke"></polyline>
        </svg>
    }
    .into_any()
}

/// A value as number and unit.
pub fn parts(unit: i32, value: f64) -> (String, String) {
    if !value.is_finite() {
        return ("–".to_owned(), String::new());
    }
    match Unit::try_from(unit).unwrap_or(Unit::None) {
        Unit::Percent => (format!("{value:.0}"), "%".to_owned()),
        Unit::Bytes => scaled(value, ""),
        Unit::BytesPerSecond => scaled(value, "/s"),
        Unit::PerSecond => (format!("{value:.1}"), "/s".to_owned()),
        Unit::Seconds => (format!("{value:.1}"), "s".to_owned()),
        Unit::Celsius => (format!("{value:.0}"), "°C".to_owned()),
        Unit::Hertz => (format!("{:.2}", value / 1e9), "GHz".to_owned()),
        Unit::None => (format!("{value:.2}"), String::new()),
        Unit::Count => (format!("{value:.0}"), String::new()),
    }
}

fn scaled(value: f64, suffix: &str) -> (String, String) {
    let mut value = value;
    let mut unit = "B";
    for next in ["KiB", "MiB", "GiB", "TiB", "PiB"] {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    let digits = usize::from(unit != "B" && value < 100.0);
    (format!("{value:.digits$}"), format!("{unit}{suffix}"))
}

/// Bytes as text.
pub fn bytes(value: f64) -> String {
    let (number, unit) = scaled(value, "");
    format!("{number} {unit}")
}

/// Bytes per second as text.
pub fn bytes_per_second(value: f64) -> String {
    let (number, unit) = scaled(value, "/s");
    format!("{number} {unit}")
}
