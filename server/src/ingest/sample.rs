//! One value as a sender means it, and what follows from its name: unit, chart, and whether it is shown as a rate.
//!
//! A counter is shown and kept as its increase per second: that is what anybody wants to see of it, and a restart of the sender is
//! no cliff. Its unit follows: bytes become bytes per second, seconds per second are a plain ratio, anything else is per second.

use farol_model::metric::{Label, MetricSpec, Unit};

/// Longest name of a metric, bytes.
pub const MAX_NAME_BYTES: usize = 200;
/// Labels of one series at most.
pub const MAX_LABELS: usize = 32;
/// Longest name of a label, bytes.
pub const MAX_LABEL_BYTES: usize = 100;
/// Longest value of a label, characters.
pub const MAX_VALUE_CHARS: usize = 256;
/// Longest help, characters. The rest is cut.
const MAX_HELP_CHARS: usize = 300;

/// How a value is meant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shape {
    /// As it is.
    Gauge,
    /// Counted since the sender began: becomes a rate.
    Counter,
    /// Counted over the last so many seconds: becomes a rate.
    Delta(f64),
}

/// See the module.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Of the form that Prometheus has.
    pub name: String,
    pub labels: Vec<(String, String)>,
    pub value: f64,
    pub shape: Shape,
    /// Of the value as it was sent. None: as the name says.
    pub unit: Option<Unit>,
    pub help: String,
    /// None: the name.
    pub chart: Option<String>,
    /// When it was measured, milliseconds since the epoch.
    pub t_ms: i64,
}

impl Sample {
    /// A gauge whose unit its name says.
    pub fn gauge(name: &str, value: f64, t_ms: i64) -> Sample {
        Sample {
            name: name.to_owned(),
            labels: Vec::new(),
            value,
            shape: Shape::Gauge,
            unit: None,
            help: String::new(),
            chart: None,
            t_ms,
        }
    }

    /// The same with one more label.
    pub fn label(mut self, name: &str, value: &str) -> Sample {
        self.labels.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Why this can be no sample.
    pub fn problem(&self) -> Option<String> {
        let name = &self.name;
        if !is_metric_name(name) {
            let shown: String = name.chars().take(80).collect();
            return Some(format!(
                "`{shown}` is no name of a metric: 1 to {MAX_NAME_BYTES} of letters, digits, `_` and `:`, not beginning with a digit"
            ));
        }
        if self.labels.len() > MAX_LABELS {
            return Some(format!("{name} has more than {MAX_LABELS} labels"));
        }
        for (label, value) in &self.labels {
            if !is_label_name(label) {
                let shown: String = label.chars().take(80).collect();
                return Some(format!(
                    "{name}: `{shown}` is no name of a label: 1 to {MAX_LABEL_BYTES} of letters, digits and `_`, not beginning with a digit"
                ));
            }
            if value.chars().count() > MAX_VALUE_CHARS {
                return Some(format!(
                    "{name}: the label {label} is longer than {MAX_VALUE_CHARS} characters"
                ));
            }
        }
        let mut names: Vec<&str> = self.labels.iter().map(|(label, _)| label.as_str()).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Some(format!("{name} has the label {} twice", twice[0]));
        }
        None
    }

    /// What its series is shown as. Labels in the order of their names, so that an order of the sender is no other series.
    pub fn spec(&self) -> MetricSpec {
        let unit = self.unit.unwrap_or_else(|| unit_of(&self.name));
        let rate = self.shape != Shape::Gauge;
        let mut labels: Vec<Label> = self
            .labels
            .iter()
            .map(|(name, value)| Label {
                name: name.clone(),
                value: value.clone(),
            })
            .collect();
        labels.sort_by(|a, b| a.name.cmp(&b.name));
        // Who measured is the same in all of a chart and says nothing beside a line.
        let values: Vec<&str> = labels
            .iter()
            .filter(|label| !label.name.starts_with("otel_scope_"))
            .map(|label| label.value.as_str())
            .collect();
        let chart = self.chart.clone().unwrap_or_else(|| self.name.clone());
        let title = match values.is_empty() {
            true => self.name.clone(),
            false => values.join(" "),
        };
        let mut help: String = self.help.chars().take(MAX_HELP_CHARS).collect();
        if rate {
            let gap = if help.is_empty() { "" } else { " " };
            help.push_str(gap);
            help.push_str("Shown as increase per second.");
        }
        let mut spec = MetricSpec::gauge(
            &self.name,
            if rate { rate_of(unit) } else { unit },
            &chart,
            &title,
            &help,
        );
        spec.labels = labels;
        spec
    }
}

/// The unit of a counter's increase per second.
pub fn rate_of(unit: Unit) -> Unit {
    match unit {
        Unit::Bytes => Unit::BytesPerSecond,
        Unit::Seconds => Unit::None,
        Unit::None | Unit::Count => Unit::PerSecond,
        other => other,
    }
}

/// The unit that a name ends in (prometheus.io, "Metric and label naming", base units).
pub fn unit_of(name: &str) -> Unit {
    // Buckets and counts are events, whatever is counted in them.
    if name.ends_with("_bucket") || name.ends_with("_count") {
        return Unit::Count;
    }
    let base = ["_total", "_sum", "_created"]
        .iter()
        .find_map(|end| name.strip_suffix(end))
        .unwrap_or(name);
    // The longer one first, of two that end alike.
    let known = [
        ("_bytes_per_second", Unit::BytesPerSecond),
        ("_per_second", Unit::PerSecond),
        ("_seconds", Unit::Seconds),
        ("_bytes", Unit::Bytes),
        ("_celsius", Unit::Celsius),
        ("_hertz", Unit::Hertz),
        ("_percent", Unit::Percent),
    ];
    let found = known.iter().find(|(end, _)| base.ends_with(end));
    found.map_or(Unit::None, |(_, unit)| *unit)
}

/// `[a-zA-Z_:][a-zA-Z0-9_:]*`
pub fn is_metric_name(name: &str) -> bool {
    is_name(name, MAX_NAME_BYTES, |byte| byte == b'_' || byte == b':')
}

/// `[a-zA-Z_][a-zA-Z0-9_]*`
pub fn is_label_name(name: &str) -> bool {
    is_name(name, MAX_LABEL_BYTES, |byte| byte == b'_')
}

fn is_name(name: &str, most: usize, also: fn(u8) -> bool) -> bool {
    (1..=most).contains(&name.len())
        && name
            .bytes()
            .enumerate()
            .all(|(at, byte)| byte.is_ascii_alphabetic() || also(byte) || (at > 0 && byte.is_ascii_digit()))
}

/// A name of another system as one of ours: what does not belong becomes `_`.
pub fn name_from(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for c in text.chars().take(MAX_NAME_BYTES) {
        match c.is_ascii_alphanumeric() || c == '_' || c == ':' {
            true => name.push(c),
            // Several in a row are one.
            false if name.ends_with('_') => {}
            false => name.push('_'),
        }
    }
    if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
        name.insert(0, '_');
        name.truncate(MAX_NAME_BYTES);
    }
    name
}

/// The same for a label, which has no `:`.
pub fn label_from(text: &str) -> String {
    let mut name = name_from(text).replace(':', "_");
    name.truncate(MAX_LABEL_BYTES);
    name
}

/// A name of another system as a segment of a channel; None when nothing is left of it.
pub fn segment_from(text: &str) -> Option<String> {
    let kept: String = text
        .chars()
        .take(64)
        .map(|c| {
            if c.is_ascii_alphanumeric() || "._-".contains(c) {
                c
            } else {
                '-'
            }
        })
        .collect();
    let some = kept.chars().any(|c| c.is_ascii_alphanumeric());
    some.then_some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_follow_from_names_and_rates_from_units() {
        for (name, unit, rate) in [
            ("node_cpu_seconds_total", Unit::Seconds, Unit::None),
            (
                "node_network_receive_bytes_total",
                Unit::Bytes,
                Unit::BytesPerSecond,
            ),
            ("http_requests_total", Unit::None, Unit::PerSecond),
            (
                "http_request_duration_seconds_bucket",
                Unit::Count,
                Unit::PerSecond,
            ),
            ("http_request_duration_seconds_sum", Unit::Seconds, Unit::None),
            ("io_bytes_per_second", Unit::BytesPerSecond, Unit::BytesPerSecond),
            ("temp_celsius", Unit::Celsius, Unit::Celsius),
        ] {
            assert_eq!((unit_of(name), rate_of(unit_of(name))), (unit, rate), "{name}");
        }
    }

    #[test]
    fn the_order_of_labels_is_no_other_series() {
        let one = Sample::gauge("a", 1.0, 0).label("x", "1").label("b", "2");
        let other = Sample::gauge("a", 1.0, 0).label("b", "2").label("x", "1");
        assert_eq!(one.spec().key(), other.spec().key());
        assert_eq!(one.spec().title, "2 1");
    }

    #[test]
    fn what_can_be_no_sample_is_named() {
        let with =
            |name: &str, label: &str, value: &str| Sample::gauge(name, 1.0, 0).label(label, value).problem();
        assert_eq!(with("a:b_c", "ok", "ü"), None);
        assert!(
            with("9a", "ok", "")
                .unwrap()
                .contains("`9a` is no name of a metric")
        );
        assert!(
            with("a", "a:b", "")
                .unwrap()
                .contains("`a:b` is no name of a label")
        );
        assert!(
            with("a", "b", &"x".repeat(600))
                .unwrap()
                .contains("longer than 256")
        );
        let twice = Sample::gauge("a", 1.0, 0).label("x", "1").label("x", "2");
        assert!(twice.problem().unwrap().contains("label x twice"));
        let many = (0..40).fold(Sample::gauge("a", 1.0, 0), |s, n| s.label(&format!("l{n}"), ""));
        assert!(many.problem().unwrap().contains("more than 32 labels"));
    }

    #[test]
    fn names_of_others_become_ours() {
        assert_eq!(
            name_from("http.server.request.duration"),
            "http_server_request_duration"
        );
        assert_eq!(name_from("9 lives"), "_9_lives");
        assert_eq!(label_from("a:b.c"), "a_b_c");
        assert_eq!(segment_from("my shop/eu").as_deref(), Some("my-shop-eu"));
        assert_eq!(segment_from("///"), None);
        assert!(is_metric_name(&name_from(&"é".repeat(400))));
    }
}
