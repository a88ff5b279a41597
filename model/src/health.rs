//! Health of collectors: is what you look at still being measured?

use serde::{Deserialize, Serialize};

/// Where a collector stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum CollectorState {
    /// Registered, has not answered yet.
    Starting,
    Live,
    /// Stopped by an operator.
    Paused,
    /// This machine does not have what it reads. Not a failure.
    Unavailable {
        reason: String,
    },
    /// Erred, hung or panicked. Retried after a growing pause.
    Failed {
        reason: String,
        failures: u32,
        retry_at_ms: i64,
    },
}

/// One collector as told to people. In JSON the fields of its state stand beside the others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(!try_from))]
#[serde(try_from = "Flat")]
pub struct CollectorStatus {
    /// E.g. `cpu`; also the group segment of its channel.
    pub name: String,
    /// E.g. `Processor`.
    pub title: String,
    #[serde(flatten)]
    pub state: CollectorState,
    pub interval_ms: u32,
    /// Time of the last good answer.
    pub last_ok_ms: Option<i64>,
    /// How long the last answer took, microseconds.
    pub last_duration_us: Option<u64>,
    /// Series in its current schema.
    pub series: u32,
}

/// All fields that there can be. Serde's own way to read tagged and flattened fields keeps a copy of everything first, in
/// code of its own per type, which the browser would have to carry.
#[derive(Deserialize)]
struct Flat {
    name: String,
    title: String,
    state: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    failures: u32,
    #[serde(default)]
    retry_at_ms: i64,
    interval_ms: u32,
    last_ok_ms: Option<i64>,
    last_duration_us: Option<u64>,
    series: u32,
}

impl TryFrom<Flat> for CollectorStatus {
    type Error = String;

    fn try_from(flat: Flat) -> Result<Self, String> {
        let state = match flat.state.as_str() {
            "starting" => CollectorState::Starting,
            "live" => CollectorState::Live,
            "paused" => CollectorState::Paused,
            "unavailable" => CollectorState::Unavailable { reason: flat.reason },
            "failed" => CollectorState::Failed {
                reason: flat.reason,
                failures: flat.failures,
                retry_at_ms: flat.retry_at_ms,
            },
            other => return Err(format!("no collector is ever {other:?}")),
        };
        Ok(CollectorStatus {
            name: flat.name,
            title: flat.title,
            state,
            interval_ms: flat.interval_ms,
            last_ok_ms: flat.last_ok_ms,
            last_duration_us: flat.last_duration_us,
            series: flat.series,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(state: CollectorState) -> CollectorStatus {
        CollectorStatus {
            name: "cpu".into(),
            title: "Processor".into(),
            state,
            interval_ms: 1000,
            last_ok_ms: Some(7),
            last_duration_us: None,
            series: 3,
        }
    }

    #[test]
    fn every_state_is_read_back_as_it_was_written() {
        for state in [
            CollectorState::Starting,
            CollectorState::Live,
            CollectorState::Paused,
            CollectorState::Unavailable {
                reason: "no sensor".into(),
            },
            CollectorState::Failed {
                reason: "hung".into(),
                failures: 2,
                retry_at_ms: 9,
            },
        ] {
            let text = serde_json::to_string(&status(state.clone())).unwrap();
            assert_eq!(
                serde_json::from_str::<CollectorStatus>(&text).unwrap(),
                status(state),
                "{text}"
            );
        }
    }

    #[test]
    fn a_state_that_is_not_known_is_an_error() {
        let text = serde_json::to_string(&status(CollectorState::Live)).unwrap();
        let error = serde_json::from_str::<CollectorStatus>(&text.replace("live", "asleep")).unwrap_err();
        assert!(error.to_string().contains("asleep"), "{error}");
    }
}
