//! Network: bytes, packets and errors per interface and direction. Loopback comes last.

use super::{CollectError, Collector, Reading, Sample, rate::Rates};
use farol_model::metric::{MetricSpec, Unit};
use std::time::Instant;
use sysinfo::{NetworkData, Networks};

/// See the module.
#[derive(Default)]
pub struct Network {
    networks: Option<Networks>,
    rates: Rates,
}

impl Collector for Network {
    fn name(&self) -> &'static str {
        "network"
    }

    fn title(&self) -> &'static str {
        "Network"
    }

    fn collect(&mut self) -> Result<Sample, CollectError> {
        let networks =
            match &mut self.networks {
                Some(networks) => networks,
                None => self.networks.insert(Networks::new().map_err(|error| {
                    CollectError::Failed(format!("Interfaces cannot be listed: {error}."))
                })?),
            };
        networks.refresh(true);
        let mut listed: Vec<(String, &NetworkData)> = networks
            .iter()
            .map(|(name, data)| (name.to_string_lossy().into_owned(), data))
            .collect();
        listed.sort_by_key(|(name, _)| (name == "lo", name.clone()));
        if listed.is_empty() {
            return Err(CollectError::Unavailable(
                "This machine shows no network interfaces.".into(),
            ));
        }
        let now = Instant::now();
        let mut reading = Reading::default();
        for (name, data) in listed {
            push_interface(&mut reading, &mut self.rates, &name, data, now);
        }
        self.rates.forget_before(now);
        Ok(Sample::Frame(reading))
    }
}

fn push_interface(
    reading: &mut Reading,
    rates: &mut Rates,
    interface: &str,
    data: &NetworkData,
    now: Instant,
) {
    let counters = [
        (
            "received_bytes",
            "in",
            Unit::BytesPerSecond,
            "Traffic",
            data.total_received(),
        ),
        (
            "transmitted_bytes",
            "out",
            Unit::BytesPerSecond,
            "Traffic",
            data.total_transmitted(),
        ),
        (
            "received_packets",
            "in",
            Unit::PerSecond,
            "Packets",
            data.total_packets_received(),
        ),
        (
            "transmitted_packets",
            "out",
            Unit::PerSecond,
            "Packets",
            data.total_packets_transmitted(),
        ),
        (
            "receive_errors",
            "in",
            Unit::PerSecond,
            "Errors",
            data.total_errors_on_received(),
        ),
        (
            "transmit_errors",
            "out",
            Unit::PerSecond,
            "Errors",
            data.total_errors_on_transmitted(),
        ),
    ];
    for (what, way, unit, chart, total) in counters {
        let help = format!(
            "{chart} of the interface, {}going.",
            if way == "in" { "in" } else { "out" }
        );
        let name = format!("network_{what}_per_second");
        let spec = MetricSpec::gauge(&name, unit, chart, &format!("{interface} {way}"), &help)
            .label("interface", interface);
        let value = rates.per_second(&spec.key(), total, now);
        reading.push(spec, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reading_has_no_rates_and_loopback_comes_last() {
        let Ok(Sample::Frame(reading)) = Network::default().collect() else {
            return;
        };
        assert!(reading.values.iter().all(|value| value.is_nan()));
        let last = reading.schema().last().unwrap().label_value("interface").unwrap();
        let has_loopback = reading
            .schema()
            .iter()
            .any(|spec| spec.label_value("interface") == Some("lo"));
        assert!(!has_loopback || last == "lo");
    }
}
