//! Health of collectors: is what you look at still being measured?

use crate::{
    json::{FromJson, Json, Mismatch},
    through_json,
};
use serde::Serialize;

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
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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

impl FromJson for CollectorStatus {
    fn from_json(json: Json) -> Result<Self, Mismatch> {
        let mut fields = json.object()?;
        let state: String = fields.take("state")?;
        let state = match state.as_str() {
            "starting" => CollectorState::Starting,
            "live" => CollectorState::Live,
            "paused" => CollectorState::Paused,
            "unavailable" => CollectorState::Unavailable {
                reason: fields.take("reason")?,
            },
            "failed" => CollectorState::Failed {
                reason: fields.take("reason")?,
                failures: fields.take("failures")?,
                retry_at_ms: fields.take("retry_at_ms")?,
            },
            other => return Err(Mismatch::new(&["no collector is ever `", other, "`"])),
        };
        Ok(CollectorStatus {
            name: fields.take("name")?,
            title: fields.take("title")?,
            state,
            interval_ms: fields.take("interval_ms")?,
            last_ok_ms: fields.take("last_ok_ms")?,
            last_duration_us: fields.take("last_duration_us")?,
            series: fields.take("series")?,
        })
    }
}

through_json!(CollectorStatus);

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
