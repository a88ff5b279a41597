//! What Farol puts into the `data` of protocol messages.

use crate::{
    metric::MetricSpec,
    sample::{Snapshot, nullable},
};
use serde::{Deserialize, Serialize};

/// `SubscribeRequest.data`, a JSON document under both encodings. Absent fields take the channel's defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct SubscribeOptions {
    /// Send at most one publication per this many milliseconds; 0 sends each.
    pub every_ms: u32,
    /// How much history the snapshot should reach back, milliseconds; 0 takes all that is held.
    pub history_ms: u32,
}

/// `SubscribeResult.data` of a metrics channel.
#[derive(Clone, PartialEq, Serialize, Deserialize, prost::Message)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MetricsSnapshot {
    #[prost(message, repeated, tag = "1")]
    pub schema: Vec<MetricSpec>,
    #[prost(message, optional, tag = "2")]
    pub snapshot: Option<Snapshot>,
}

/// `Publication.data` of a metrics channel: a frame of values by position in the schema, or a new schema.
#[derive(Clone, PartialEq, Serialize, Deserialize, prost::Message)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct MetricsPublication {
    #[prost(sint64, tag = "1")]
    pub t_ms: i64,
    /// NaN (JSON: null) where the collector had no value.
    #[prost(double, repeated, tag = "2")]
    #[serde(with = "nullable", skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Option<f64>>"))]
    pub values: Vec<f64>,
    /// When not empty: from here on values follow this schema. Such a publication carries no values.
    #[prost(message, repeated, tag = "3")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub schema: Vec<MetricSpec>,
}

/// Data of the `run` method's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RunAccepted {
    /// Subscribe to `runs/ID` for progress and output.
    pub run: String,
}

/// Data of the `cancel` method's request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CancelRequest {
    pub run: String,
}

/// Data of a `send` command: what the client's clock shows. Farol's own clients say it after connect and with every ping, so
/// that operators see whose clock is off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClockReport {
    /// Milliseconds since the epoch.
    pub clock_ms: i64,
}
