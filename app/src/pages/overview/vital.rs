//! Which of all series are the vital signs, and which way they go. Pure.

use crate::ui::Glyph;
use farol_model::{
    metric::{MetricSpec, Unit},
    sample::ChannelView,
};

/// The channels that the overview looks at, in display order.
pub const GROUPS: [&str; 5] = ["cpu", "memory", "disk", "network", "load"];
/// Charts that it shows at most.
const CHARTS: usize = 4;
/// How many samples the trend is judged by: the last ones against those before.
const RECENT: usize = 30;
/// How many samples the trend looks back in all.
pub const TREND_SAMPLES: usize = 150;

/// One vital sign: where it comes from and how it is called.
#[derive(Debug, Clone, PartialEq)]
pub struct Vital {
    pub label: &'static str,
    pub glyph: Glyph,
    /// Position among the channels.
    pub channel: usize,
    /// Position in the channel's schema.
    pub series: usize,
    pub spec: MetricSpec,
    /// Which device it is about, when there are several.
    pub about: Option<String>,
}

/// The vital signs that these channels can tell. A channel that is missing is a sign that is missing, never a zero.
pub fn vitals(channels: &[ChannelView]) -> Vec<Vital> {
    GROUPS
        .into_iter()
        .filter_map(|group| {
            let channel = channels
                .iter()
                .position(|view| view.channel.ends_with(&format!("/{group}")))?;
            let view = &channels[channel];
            let (label, glyph, unit) = match group {
                "cpu" => ("Processor", Glyph::Cpu, Unit::Percent),
                "memory" => ("Memory", Glyph::Memory, Unit::Percent),
                "disk" => ("Disk", Glyph::Disk, Unit::Percent),
                "network" => ("Network", Glyph::Network, Unit::BytesPerSecond),
                _ => ("Load", Glyph::Load, Unit::None),
            };
            let series = pick(view, unit)?;
            let spec = view.schema[series].clone();
            let about = spec.labels.first().map(|label| label.value.clone());
            Some(Vital {
                label,
                glyph,
                channel,
                series,
                spec,
                about,
            })
        })
        .collect()
}

/// The series that speaks for the channel: of the wanted unit, for the whole before for a part, and among parts the one
/// that is largest now. Without the unit, the first series.
fn pick(view: &ChannelView, unit: Unit) -> Option<usize> {
    let wanted = |at: &usize| view.schema[*at].unit == unit as i32;
    let candidates: Vec<usize> = (0..view.schema.len()).filter(wanted).collect();
    if let Some(whole) = candidates
        .iter()
        .copied()
        .find(|&at| view.schema[at].labels.is_empty())
    {
        return Some(whole);
    }
    // What a machine says to itself speaks for it only when it says nothing else.
    let rank = |at: usize| {
        let loopback = view.schema[at].labels.iter().any(|label| label.value == "lo");
        // What has no value is less than any: pages carry values of nothing but what they show.
        (!loopback, last(view, at).max(f64::NEG_INFINITY))
    };
    candidates
        .into_iter()
        .reduce(|best, at| if rank(at) > rank(best) { at } else { best })
        .or_else(|| (!view.schema.is_empty()).then_some(0))
}

/// The newest value of a series that is a number.
pub fn last(view: &ChannelView, series: usize) -> f64 {
    view.snapshot
        .columns
        .get(series)
        .and_then(|column| {
            column
                .values
                .iter()
                .rev()
                .copied()
                .find(|value| value.is_finite())
        })
        .unwrap_or(f64::NAN)
}

/// The charts of a schema in its order, each once.
pub fn charts_of(schema: &[MetricSpec]) -> Vec<String> {
    let mut charts: Vec<String> = Vec::new();
    for spec in schema {
        if !charts.contains(&spec.chart) {
            charts.push(spec.chart.clone());
        }
    }
    charts
}

/// The chart of a channel that the overview shows: the one of most series that move, which is where its rates are, or
/// else the first.
fn main_chart(view: &ChannelView) -> Option<String> {
    let group = view.channel.rsplit('/').next().unwrap_or_default();
    let unit = match group {
        "disk" | "network" => Some(Unit::BytesPerSecond),
        "memory" => Some(Unit::Bytes),
        _ => None,
    };
    view.schema
        .iter()
        .find(|spec| unit.is_none_or(|unit| spec.unit == unit as i32))
        .or_else(|| view.schema.first())
        .map(|spec| spec.chart.clone())
}

/// What the overview draws of these channels: of each that has a chart its main one, with the position of the channel.
pub fn main_charts(channels: &[ChannelView]) -> Vec<(usize, String)> {
    let charts = channels.iter().enumerate();
    let charts = charts.filter_map(|(at, view)| Some((at, main_chart(view)?)));
    charts.take(CHARTS).collect()
}

/// Which way a value goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trend {
    Rising,
    Falling,
    Steady,
    /// Too few samples to say.
    Unknown,
}

impl Trend {
    pub fn word(self) -> &'static str {
        match self {
            Trend::Rising => "rising",
            Trend::Falling => "falling",
            Trend::Steady => "steady",
            Trend::Unknown => "",
        }
    }
}

/// Compares the mean of the last samples with the mean of those before. A change counts from 4 points of percent, or a
/// fifth of the value for other units.
pub fn trend(unit: i32, values: &[f64]) -> Trend {
    let split = values.len().saturating_sub(RECENT);
    let mean = |values: &[f64]| {
        let known: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
        (known.len() >= RECENT / 2).then(|| known.iter().sum::<f64>() / known.len() as f64)
    };
    let (Some(before), Some(now)) = (mean(&values[..split]), mean(&values[split..])) else {
        return Trend::Unknown;
    };
    let enough = if unit == Unit::Percent as i32 {
        4.0
    } else {
        before.abs().max(now.abs()) * 0.2
    };
    match now - before {
        change if change > enough => Trend::Rising,
        change if change < -enough => Trend::Falling,
        _ => Trend::Steady,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use farol_model::sample::{Column, Snapshot};

    fn view(group: &str, series: Vec<(MetricSpec, f64)>) -> ChannelView {
        ChannelView {
            channel: format!("metrics/local/{group}"),
            schema: series.iter().map(|(spec, _)| spec.clone()).collect(),
            snapshot: Snapshot {
                times_ms: vec![1],
                columns: series
                    .iter()
                    .map(|(_, value)| Column { values: vec![*value] })
                    .collect(),
                step_ms: 1000,
            },
            epoch: String::new(),
            offset: 0,
        }
    }

    fn spec(unit: Unit, chart: &str) -> MetricSpec {
        MetricSpec::gauge("m", unit, chart, "t", "h")
    }

    #[test]
    fn the_whole_speaks_before_a_part_and_the_fullest_part_before_others() {
        let cpu = view(
            "cpu",
            vec![
                (spec(Unit::Percent, "Cores").label("core", "0"), 99.0),
                (spec(Unit::Percent, "CPU"), 12.0),
            ],
        );
        let disk = view(
            "disk",
            vec![
                (spec(Unit::Bytes, "Space"), 1e12),
                (spec(Unit::Percent, "Use").label("mount", "/"), 40.0),
                (spec(Unit::Percent, "Use").label("mount", "/srv"), 91.0),
            ],
        );
        let signs = vitals(&[cpu, disk]);
        assert_eq!(signs.iter().map(|sign| sign.series).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(signs[1].about.as_deref(), Some("/srv"));
    }

    #[test]
    fn the_loopback_speaks_only_when_there_is_nothing_else() {
        let network = |devices: &[(&str, f64)]| {
            let series = devices.iter().map(|(name, value)| {
                (
                    spec(Unit::BytesPerSecond, "Traffic").label("device", name),
                    *value,
                )
            });
            vitals(&[view("network", series.collect())])[0].about.clone()
        };
        assert_eq!(
            network(&[("lo", 9e9), ("eth0", 5.0), ("eth1", 7.0)]).as_deref(),
            Some("eth1")
        );
        assert_eq!(
            network(&[("lo", 1.0), ("eth0", f64::NAN)]).as_deref(),
            Some("eth0")
        );
        assert_eq!(network(&[("lo", 1.0)]).as_deref(), Some("lo"));
        let none = f64::NAN;
        assert_eq!(
            network(&[("eth0", none), ("eth1", 0.0), ("eth2", none)]).as_deref(),
            Some("eth1")
        );
    }

    #[test]
    fn a_channel_that_is_missing_is_no_sign_and_not_a_zero() {
        assert!(vitals(&[]).is_empty());
        assert!(last(&view("cpu", vec![(spec(Unit::Percent, "CPU"), f64::NAN)]), 0).is_nan());
    }

    #[test]
    fn trends_need_a_real_change_and_enough_samples() {
        let percent = Unit::Percent as i32;
        let step = |before: f64, now: f64| [vec![before; 100], vec![now; 30]].concat();
        assert_eq!(trend(percent, &step(40.0, 60.0)), Trend::Rising);
        assert_eq!(trend(percent, &step(40.0, 42.0)), Trend::Steady);
        assert_eq!(trend(Unit::Bytes as i32, &step(1e9, 5e8)), Trend::Falling);
        assert_eq!(trend(percent, &[1.0; 12]), Trend::Unknown);
        assert_eq!(trend(percent, &step(f64::NAN, 1.0)), Trend::Unknown);
    }

    #[test]
    fn charts_are_listed_once_in_the_order_of_the_schema() {
        let schema = [
            spec(Unit::None, "b"),
            spec(Unit::None, "a"),
            spec(Unit::None, "b"),
        ];
        assert_eq!(charts_of(&schema), ["b", "a"]);
    }

    #[test]
    fn disks_and_network_show_their_rates() {
        let disk = view(
            "disk",
            vec![
                (spec(Unit::Percent, "Space"), 1.0),
                (spec(Unit::BytesPerSecond, "I/O"), 1.0),
            ],
        );
        assert_eq!(main_chart(&disk).as_deref(), Some("I/O"));
        assert_eq!(main_chart(&view("cpu", vec![])), None);
    }

    #[test]
    fn one_chart_of_each_channel_that_has_any_is_drawn_and_four_at_most() {
        let one = |group: &str| view(group, vec![(spec(Unit::None, group), 1.0)]);
        let all = [
            view("cpu", vec![]),
            one("memory"),
            one("disk"),
            one("network"),
            one("load"),
            one("more"),
        ];
        let charts = main_charts(&all);
        let told: Vec<(usize, &str)> = charts.iter().map(|(at, chart)| (*at, chart.as_str())).collect();
        assert_eq!(told, [(1, "memory"), (2, "disk"), (3, "network"), (4, "load")]);
    }
}
