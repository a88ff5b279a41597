//! Metrics. A metric is data: a spec that describes it and a value. Charts, history, rules and exports are drawn from the
//! spec, so a new metric needs no change anywhere but in its collector.

use serde::{Deserialize, Serialize};

/// What a number means to a reader. Decides format and axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, prost::Enumeration)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[repr(i32)]
pub enum Unit {
    /// A plain count or ratio.
    None = 0,
    /// 0 to 100. Charts fix the axis.
    Percent = 1,
    Bytes = 2,
    BytesPerSecond = 3,
    /// Events per second.
    PerSecond = 4,
    Seconds = 5,
    Celsius = 6,
    Hertz = 7,
    Count = 8,
    Watts = 9,
    Volts = 10,
    Amperes = 11,
    /// Turns per minute.
    Rpm = 12,
}

/// How values of a series relate to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, prost::Enumeration)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[repr(i32)]
pub enum Kind {
    /// Goes up and down.
    Gauge = 0,
    /// Only grows, until the process that counts restarts.
    Counter = 1,
}

/// One `name=value` of a series.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize, prost::Message)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Label {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub value: String,
}

/// A series that describes itself. Two specs are the same series when name and labels are equal.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize, prost::Message)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MetricSpec {
    /// Prometheus-style name with the base unit as suffix, e.g. `cpu_usage_percent`.
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(enumeration = "Unit", tag = "2")]
    #[serde(with = "unit_word")]
    #[cfg_attr(feature = "schema", schemars(with = "Unit"))]
    pub unit: i32,
    #[prost(enumeration = "Kind", tag = "3")]
    #[serde(with = "kind_word")]
    #[cfg_attr(feature = "schema", schemars(with = "Kind"))]
    pub kind: i32,
    #[prost(message, repeated, tag = "4")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<Label>,
    /// One sentence: what it measures and where the number comes from.
    #[prost(string, tag = "5")]
    pub help: String,
    /// Chart that this series belongs to; series of one chart share unit and axis. E.g. `Memory`.
    #[prost(string, tag = "6")]
    pub chart: String,
    /// Short name inside the chart's legend, e.g. `used` or `eth0 in`.
    #[prost(string, tag = "7")]
    pub title: String,
}

impl MetricSpec {
    /// A gauge without labels.
    pub fn gauge(name: &str, unit: Unit, chart: &str, title: &str, help: &str) -> Self {
        MetricSpec {
            name: name.to_owned(),
            unit: unit as i32,
            kind: Kind::Gauge as i32,
            labels: Vec::new(),
            help: help.to_owned(),
            chart: chart.to_owned(),
            title: title.to_owned(),
        }
    }

    /// The same spec, as a counter.
    pub fn counter(self) -> Self {
        MetricSpec {
            kind: Kind::Counter as i32,
            ..self
        }
    }

    /// The same spec with one more label.
    pub fn label(mut self, name: &str, value: &str) -> Self {
        self.labels.push(Label {
            name: name.to_owned(),
            value: value.to_owned(),
        });
        self
    }

    /// The value of a label, if the series has it.
    pub fn label_value(&self, name: &str) -> Option<&str> {
        self.labels
            .iter()
            .find(|label| label.name == name)
            .map(|label| label.value.as_str())
    }

    /// `name{a="b"}`, unique per series. Escapes as in the Prometheus text format.
    pub fn key(&self) -> String {
        if self.labels.is_empty() {
            return self.name.clone();
        }
        let labels: Vec<String> = self
            .labels
            .iter()
            .map(|label| {
                format!(
                    "{}=\"{}\"",
                    label.name,
                    label.value.replace('\\', "\\\\").replace('"', "\\\"")
                )
            })
            .collect();
        format!("{}{{{}}}", self.name, labels.join(","))
    }
}

mod unit_word {
    use super::Unit;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(value: &i32, serializer: S) -> Result<S::Ok, S::Error> {
        Unit::try_from(*value).unwrap_or(Unit::None).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
        Unit::deserialize(deserializer).map(|unit| unit as i32)
    }
}

mod kind_word {
    use super::Kind;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(value: &i32, serializer: S) -> Result<S::Ok, S::Error> {
        Kind::try_from(*value)
            .unwrap_or(Kind::Gauge)
            .serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
        Kind::deserialize(deserializer).map(|kind| kind as i32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_tells_series_of_one_metric_apart() {
        let spec = |device: &str| {
            MetricSpec::gauge("disk_used_bytes", Unit::Bytes, "Disk", "used", "Bytes in use.")
                .label("device", device)
        };
        assert_eq!(spec("sda").key(), "disk_used_bytes{device=\"sda\"}");
        assert_ne!(spec("sda").key(), spec("sdb").key());
        assert_eq!(spec("a\"b").key(), "disk_used_bytes{device=\"a\\\"b\"}");
    }

    #[test]
    fn units_travel_as_words_in_json() {
        let spec = MetricSpec::gauge(
            "cpu_usage_percent",
            Unit::Percent,
            "CPU",
            "all cores",
            "Busy time.",
        );
        let json = serde_json::to_string(&spec).unwrap();
        assert!(json.contains("\"unit\":\"percent\""), "{json}");
        assert_eq!(serde_json::from_str::<MetricSpec>(&json).unwrap(), spec);
    }
}
