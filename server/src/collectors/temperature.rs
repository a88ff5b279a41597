//! Temperatures of whatever the machine has sensors for (sysinfo components: hwmon on Linux).

use super::{CollectError, Collector, Reading, Sample};
use farol_model::metric::{MetricSpec, Unit};
use std::collections::HashMap;
use sysinfo::Components;

/// See the module.
#[derive(Default)]
pub struct Temperature {
    components: Option<Components>,
}

impl Collector for Temperature {
    fn name(&self) -> &'static str {
        "temperature"
    }

    fn title(&self) -> &'static str {
        "Temperatures"
    }

    fn collect(&mut self) -> Result<Sample, CollectError> {
        let components =
            match &mut self.components {
                Some(components) => components,
                None => self.components.insert(Components::new().map_err(|error| {
                    CollectError::Unavailable(format!("Sensors cannot be listed: {error}."))
                })?),
            };
        components.refresh(true);
        let mut found: Vec<(String, f64)> = components
            .iter()
            .filter_map(|sensor| Some((sensor.label().to_owned(), f64::from(sensor.temperature()?))))
            .filter(|(_, celsius)| celsius.is_finite())
            .collect();
        if found.is_empty() {
            return Err(CollectError::Unavailable(
                "This machine shows no temperature sensors.".into(),
            ));
        }
        found.sort_by(|a, b| a.0.cmp(&b.0));
        let mut reading = Reading::default();
        // Two sensors may have one name.
        let mut count: HashMap<String, u32> = HashMap::new();
        for (label, celsius) in found {
            let number = count.entry(label.clone()).or_default();
            *number += 1;
            let name = if *number == 1 {
                label
            } else {
                format!("{label} {number}")
            };
            let help = "Temperature that the sensor reports.";
            let spec = MetricSpec::gauge("temperature_celsius", Unit::Celsius, "Temperature", &name, help);
            reading.push(spec.label("sensor", &name), celsius);
        }
        Ok(Sample::Frame(reading))
    }
}
