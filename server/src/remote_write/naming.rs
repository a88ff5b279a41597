//! What a series of Farol is called where it is sent to.

use super::message::Label;
use farol_model::metric::MetricSpec;
use std::collections::{BTreeMap, btree_map::Entry};

/// The label that names the metric.
const NAME: &str = "__name__";

/// The labels of a series, sorted by name as the specification has it. Its own win over those of the configuration, and those over
/// `job` and `instance`, which keep series of several sources and hosts apart.
pub fn labels(
    channel: &str,
    spec: &MetricSpec,
    host: &str,
    configured: &BTreeMap<String, String>,
) -> Vec<Label> {
    let source = channel.strip_prefix("apps/");
    let mut labels: BTreeMap<String, String> = BTreeMap::new();
    labels.insert(
        NAME.to_owned(),
        valid(&metric(&spec.name, source.is_some()), true),
    );
    for label in &spec.labels {
        if let Entry::Vacant(place) = labels.entry(valid(&label.name, false)) {
            place.insert(label.value.clone());
        }
    }
    let known = [("job", source.unwrap_or("farol")), ("instance", host)];
    let configured = configured
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in configured.chain(known) {
        if let Entry::Vacant(place) = labels.entry(name.to_owned()) {
            place.insert(value.to_owned());
        }
    }
    // A label without a value is none.
    labels.retain(|_, value| !value.is_empty());
    labels
        .into_iter()
        .map(|(name, value)| Label { name, value })
        .collect()
}

/// Counters of applications are kept as their increase per second. Under a name that ends in `_total` somebody would take the rate of a
/// rate.
fn metric(name: &str, of_application: bool) -> String {
    match name.strip_suffix("_total") {
        Some(counted) if of_application => format!("{counted}_per_second"),
        _ => name.to_owned(),
    }
}

/// With `_` for each character that a name may not have.
fn valid(name: &str, colon: bool) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || (colon && c == ':');
    let mut text: String = name.chars().map(|c| if fits(c) { c } else { '_' }).collect();
    if text.is_empty() || text.starts_with(|c: char| c.is_ascii_digit()) {
        text.insert(0, '_');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use farol_model::metric::Unit;

    fn named(channel: &str, name: &str, own: &[(&str, &str)], configured: &[(&str, &str)]) -> String {
        let mut spec = MetricSpec::gauge(name, Unit::None, "", "", "");
        for (name, value) in own {
            spec = spec.label(name, value);
        }
        let configured = configured
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect();
        let labels = labels(channel, &spec, "lis1", &configured);
        assert!(labels.is_sorted());
        let shown = labels
            .iter()
            .map(|label| format!("{}={}", label.name, label.value));
        shown.collect::<Vec<_>>().join(",")
    }

    #[test]
    fn labels_are_sorted_valid_and_tell_sources_apart() {
        assert_eq!(
            named(
                "metrics/local/disk",
                "disk_used_bytes",
                &[("device", "sda")],
                &[("site", "pt")]
            ),
            "__name__=disk_used_bytes,device=sda,instance=lis1,job=farol,site=pt"
        );
        assert_eq!(
            named(
                "apps/node",
                "node_cpu_seconds_total",
                &[("instance", "h:9100"), ("mode", "")],
                &[("instance", "x"), ("job", "nodes")]
            ),
            "__name__=node_cpu_seconds_per_second,instance=h:9100,job=nodes"
        );
        assert_eq!(
            named("apps/é", "1a-b:c", &[("x.y", "1"), ("x_y", "2")], &[]),
            "__name__=_1a_b:c,instance=lis1,job=é,x_y=1"
        );
    }
}
