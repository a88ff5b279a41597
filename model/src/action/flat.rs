//! How tagged and flattened types are read: all fields that there can be, then the type. Serde's own way keeps a copy of
//! everything first, in code of its own per type, which the browser would have to carry.

use super::{ChoiceOption, OutputStream, ParamKind, ParamSpec, Run, RunEvent};
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct Param {
    name: String,
    label: String,
    help: String,
    kind: String,
    max_chars: Option<u32>,
    min: Option<i64>,
    max: Option<i64>,
    options: Option<Vec<ChoiceOption>>,
    default: Option<String>,
}

impl TryFrom<Param> for ParamSpec {
    type Error = String;

    fn try_from(flat: Param) -> Result<Self, String> {
        let kind = match flat.kind.as_str() {
            "text" => ParamKind::Text {
                max_chars: need(flat.max_chars, "max_chars")?,
            },
            "secret" => ParamKind::Secret {
                max_chars: need(flat.max_chars, "max_chars")?,
            },
            "integer" => ParamKind::Integer {
                min: need(flat.min, "min")?,
                max: need(flat.max, "max")?,
            },
            "boolean" => ParamKind::Boolean,
            "choice" => ParamKind::Choice {
                options: need(flat.options, "options")?,
            },
            other => return Err(format!("no parameter is of kind {other:?}")),
        };
        Ok(ParamSpec {
            name: flat.name,
            label: flat.label,
            help: flat.help,
            kind,
            default: flat.default,
        })
    }
}

#[derive(Deserialize)]
pub(super) struct Event {
    event: String,
    run: Option<Run>,
    stream: Option<OutputStream>,
    text: Option<String>,
    limit_bytes: Option<u64>,
}

impl TryFrom<Event> for RunEvent {
    type Error = String;

    fn try_from(flat: Event) -> Result<Self, String> {
        Ok(match flat.event.as_str() {
            "state" => RunEvent::State {
                run: need(flat.run, "run")?,
            },
            "output" => RunEvent::Output {
                stream: need(flat.stream, "stream")?,
                text: need(flat.text, "text")?,
            },
            "truncated" => RunEvent::Truncated {
                limit_bytes: need(flat.limit_bytes, "limit_bytes")?,
            },
            other => return Err(format!("nothing called {other:?} happens to a run")),
        })
    }
}

fn need<T>(field: Option<T>, name: &str) -> Result<T, String> {
    field.ok_or_else(|| format!("the field {name} is missing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T) -> T {
        serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
    }

    #[test]
    fn every_kind_of_parameter_is_read_back_as_it_was_written() {
        for kind in [
            ParamKind::Text { max_chars: 9 },
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
