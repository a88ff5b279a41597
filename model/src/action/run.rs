//! Runs: how an action is asked for and how its progress is told.

use super::Params;
use crate::{
    fields,
    json::{FromJson, Json, Mismatch},
    through_json, words,
};
use serde::{Deserialize, Serialize};

/// A request to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RunRequest {
    /// Chosen by the client, 8 to 64 of `A-Za-z0-9_-`. The same key of the same user within 10 minutes is the same run.
    pub key: String,
    pub action: String,
    #[serde(default)]
    pub params: Params,
    /// Required to be true for a dangerous action.
    #[serde(default)]
    pub confirm: bool,
}

/// Where a run stands. Refused and invalid requests never become runs: they are faults, and audit entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunStatus {
    /// Waits until a second person has said yes or no.
    Awaiting,
    Queued,
    Running,
    Succeeded,
    Failed,
    TimedOut,
    Cancelled,
    /// Ended by a signal that Farol did not send.
    Killed,
    /// The server stopped in mid-run and cannot say how it ended.
    Lost,
    /// A second person said no.
    Denied,
    /// Nobody approved it in time.
    Expired,
}

words!(RunStatus {
    Awaiting = "awaiting",
    Queued = "queued",
    Running = "running",
    Succeeded = "succeeded",
    Failed = "failed",
    TimedOut = "timed_out",
    Cancelled = "cancelled",
    Killed = "killed",
    Lost = "lost",
    Denied = "denied",
    Expired = "expired",
});

impl RunStatus {
    pub fn ended(self) -> bool {
        !matches!(self, RunStatus::Awaiting | RunStatus::Queued | RunStatus::Running)
    }
}

/// A run as told to people.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Run {
    pub id: String,
    pub action: String,
    pub title: String,
    pub who: String,
    /// Secrets redacted.
    pub params: Params,
    pub status: RunStatus,
    /// One sentence about the outcome; empty while it runs.
    pub detail: String,
    pub queued_ms: i64,
    pub ended_ms: Option<i64>,
    pub exit_code: Option<i32>,
}

fields!(Run {
    id,
    action,
    title,
    who,
    params,
    status,
    detail,
    queued_ms,
    ended_ms,
    exit_code
});

/// Which stream a piece of output came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputStream {
    Stdout,
    Stderr,
}

words!(OutputStream {
    Stdout = "stdout",
    Stderr = "stderr",
});

/// What is published on `runs/ID`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum RunEvent {
    /// The run changed state.
    State {
        run: Run,
    },
    Output {
        stream: OutputStream,
        text: String,
    },
    /// Output beyond the cap was dropped.
    Truncated {
        limit_bytes: u64,
    },
}

impl FromJson for RunEvent {
    fn from_json(json: Json) -> Result<Self, Mismatch> {
        let mut fields = json.object()?;
        let event: String = fields.take("event")?;
        Ok(match event.as_str() {
            "state" => RunEvent::State {
                run: fields.take("run")?,
            },
            "output" => RunEvent::Output {
                stream: fields.take("stream")?,
                text: fields.take("text")?,
            },
            "truncated" => RunEvent::Truncated {
                limit_bytes: fields.take("limit_bytes")?,
            },
            other => return Err(Mismatch::new(&["nothing called `", other, "` happens to a run"])),
        })
    }
}

through_json!(RunEvent);

/// A run with what it has printed so far.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunView {
    pub run: Run,
    pub output: Vec<(OutputStream, String)>,
    pub truncated: bool,
}

fields!(RunView {
    run,
    output,
    truncated
});

impl RunView {
    /// A run that has printed nothing yet.
    pub fn of(run: Run) -> Self {
        RunView {
            run,
            output: Vec::new(),
            truncated: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::{ChoiceOption, ParamKind, ParamSpec};

    fn back<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T) -> T {
        serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
    }

    #[test]
    fn every_kind_of_parameter_is_read_back_as_it_was_written() {
        for kind in [
            ParamKind::Text { max_chars: 9 },
            ParamKind::Pattern {
                max_chars: 9,
                pattern: "[a-z]+".into(),
            },
            ParamKind::Secret { max_chars: 9 },
            ParamKind::Integer { min: -1, max: 5 },
            ParamKind::Boolean,
            ParamKind::Choice {
                options: vec![ChoiceOption {
                    value: "v".into(),
                    label: "V".into(),
                }],
            },
        ] {
            let spec = ParamSpec {
                name: "n".into(),
                label: "N".into(),
                help: String::new(),
                kind,
                default: None,
            };
            assert_eq!(back(&spec), spec);
        }
    }

    #[test]
    fn every_event_of_a_run_is_read_back_as_it_was_written() {
        for event in [
            RunEvent::Output {
                stream: OutputStream::Stderr,
                text: "x".into(),
            },
            RunEvent::Truncated { limit_bytes: 7 },
        ] {
            assert_eq!(back(&event), event);
        }
    }

    #[test]
    fn what_is_missing_or_unknown_is_named() {
        let error = serde_json::from_str::<RunEvent>(r#"{"event":"output","stream":"stdout"}"#).unwrap_err();
        assert!(error.to_string().contains("the field text is missing"), "{error}");
        let error = serde_json::from_str::<RunEvent>(r#"{"event":"exploded"}"#).unwrap_err();
        assert!(error.to_string().contains("exploded"), "{error}");
        let text = r#"{"name":"n","label":"N","help":"","kind":"integer","min":1}"#;
        let error = serde_json::from_str::<ParamSpec>(text).unwrap_err();
        assert!(error.to_string().contains("the field max is missing"), "{error}");
    }
}
