//! Samples: values at a time, and columns of them.

use crate::{
    json::{FromJson, Json, Mismatch},
    metric::MetricSpec,
    packed, through_json,
};
use serde::{Deserialize, Serialize, Serializer};

/// Milliseconds since 1970-01-01T00:00:00Z.
pub type TimestampMs = i64;

/// What the history of one channel looks like to a chart. Times are explicit per row, because a row that was never
/// sampled must show as a gap and not as a straight line. A missing value is NaN (`null` in JSON).
#[derive(Clone, PartialEq, Serialize, Deserialize, prost::Message)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Snapshot {
    /// Time of each row, ascending, milliseconds.
    #[prost(sint64, repeated, tag = "1")]
    pub times_ms: Vec<i64>,
    /// One column per series of the schema, each as long as `times_ms`.
    #[prost(message, repeated, tag = "2")]
    pub columns: Vec<Column>,
    /// The interval that rows are expected at, milliseconds. A longer distance is a gap.
    #[prost(uint32, tag = "3")]
    pub step_ms: u32,
}

/// Values of one series.
#[derive(Clone, PartialEq, Serialize, Deserialize, prost::Message)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Column {
    #[prost(double, repeated, tag = "1")]
    #[serde(with = "nullable")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Option<f64>>"))]
    pub values: Vec<f64>,
}

/// A channel's schema, its history and the position from which live publications continue. [Packed](crate::packed) in JSON.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ChannelView {
    #[prost(string, tag = "1")]
    pub channel: String,
    #[prost(message, repeated, tag = "2")]
    pub schema: Vec<MetricSpec>,
    #[prost(message, required, tag = "3")]
    pub snapshot: Snapshot,
    #[prost(string, tag = "4")]
    pub epoch: String,
    #[prost(uint64, tag = "5")]
    pub offset: u64,
}

impl Serialize for ChannelView {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        packed::serialize(self, serializer)
    }
}

impl FromJson for ChannelView {
    fn from_json(json: Json) -> Result<Self, Mismatch> {
        packed::from_json(json)
    }
}

through_json!(ChannelView);

/// Not-a-number and JSON's `null` are the same thing here: no value.
pub mod nullable {
    use serde::{Deserialize, Deserializer, Serializer, ser::SerializeSeq};

    pub fn serialize<S: Serializer>(values: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(values.len()))?;
        for value in values {
            seq.serialize_element(&value.is_finite().then_some(*value))?;
        }
        seq.end()
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
        let values = Vec::<Option<f64>>::deserialize(deserializer)?;
        Ok(values
            .into_iter()
            .map(|value| value.unwrap_or(f64::NAN))
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_value_is_null_in_json_and_nan_in_memory() {
        let column = Column {
            values: vec![1.0, f64::NAN, f64::INFINITY],
        };
        let json = serde_json::to_string(&column).unwrap();
        assert_eq!(json, r#"{"values":[1.0,null,null]}"#);
        let back: Column = serde_json::from_str(&json).unwrap();
        assert!(back.values[1].is_nan());
    }
}
