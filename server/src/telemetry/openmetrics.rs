//! OpenMetrics 1.0 as text (prometheus/OpenMetrics `specification/OpenMetrics.md`).

use super::registry::{BUCKETS, Family, Point, Snapshot, Value};
use std::fmt::Write;

/// Content type of the format.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Units that a family name may end with and that are then declared.
const UNITS: [&str; 2] = ["seconds", "bytes"];

/// Writes everything. Families and series are in a stable order.
pub fn render(snapshot: &Snapshot) -> String {
    let mut text = String::new();
    for (name, family) in &snapshot.families {
        family_text(&mut text, name, family);
    }
    text.push_str("# EOF\n");
    text
}

fn family_text(text: &mut String, name: &str, family: &Family) {
    let Some(first) = family.points.first() else {
        return;
    };
    let (kind, base) = match first.value {
        // The family of a counter has no suffix; its samples have `_total`.
        Value::Counter(_) => ("counter", name.strip_suffix("_total").unwrap_or(name)),
        Value::Gauge(_) => ("gauge", name),
        Value::Histogram { .. } => ("histogram", name),
    };
    // Writing to a String cannot fail.
    let _ = writeln!(text, "# TYPE {base} {kind}");
    if let Some(unit) = UNITS.iter().find(|unit| base.ends_with(&format!("_{unit}"))) {
        let _ = writeln!(text, "# UNIT {base} {unit}");
    }
    if !family.help.is_empty() {
        let _ = writeln!(text, "# HELP {base} {}", escape(&family.help));
    }
    for point in &family.points {
        point_text(text, base, point);
    }
}

fn point_text(text: &mut String, base: &str, point: &Point) {
    let _ = match &point.value {
        Value::Counter(value) => writeln!(text, "{base}_total{} {value}", labels(&point.labels, None)),
        Value::Gauge(value) => writeln!(text, "{base}{} {value}", labels(&point.labels, None)),
        Value::Histogram { counts, sum } => histogram_text(text, base, &point.labels, counts, *sum),
    };
}

fn histogram_text(
    text: &mut String,
    base: &str,
    of: &[(String, String)],
    counts: &[u64],
    sum: f64,
) -> std::fmt::Result {
    let mut below = 0;
    for (at, count) in counts.iter().enumerate() {
        below += count;
        let bound = BUCKETS
            .get(at)
            .map_or_else(|| "+Inf".to_owned(), ToString::to_string);
        writeln!(text, "{base}_bucket{} {below}", labels(of, Some(&bound)))?;
    }
    writeln!(text, "{base}_sum{} {sum}", labels(of, None))?;
    writeln!(text, "{base}_count{} {below}", labels(of, None))
}

fn labels(of: &[(String, String)], bound: Option<&str>) -> String {
    let mut pairs: Vec<String> = of
        .iter()
        .map(|(name, value)| format!("{name}=\"{}\"", escape(value)))
        .collect();
    pairs.extend(bound.map(|bound| format!("le=\"{bound}\"")));
    if pairs.is_empty() {
        String::new()
    } else {
        format!("{{{}}}", pairs.join(","))
    }
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn family(help: &str, labels: &[(&str, &str)], value: Value) -> Family {
        let labels = labels
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Family {
            help: help.to_owned(),
            points: vec![Point { labels, value }],
        }
    }

    #[test]
    fn every_kind_is_written_as_the_specification_says() {
        let mut counts = vec![0; BUCKETS.len() + 1];
        (counts[0], counts[2], counts[BUCKETS.len()]) = (1, 2, 1);
        let families = [
            (
                "runs_total",
                family(
                    "Runs \"ended\".",
                    &[("action", "a\\b\n\"c\"")],
                    Value::Counter(3.0),
                ),
            ),
            ("queue_bytes", family("", &[], Value::Gauge(1.5))),
            (
                "took_seconds",
                family("Time.", &[], Value::Histogram { counts, sum: 6.25 }),
            ),
        ];
        let snapshot = Snapshot {
            families: families
                .into_iter()
                .map(|(name, f)| (name.to_owned(), f))
                .collect(),
        };
        insta::assert_snapshot!(render(&snapshot));
    }

    #[test]
    fn nothing_is_still_a_whole_document() {
        assert_eq!(render(&Snapshot::default()), "# EOF\n");
    }
}
