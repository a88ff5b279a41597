//! Actions: what can be done, how it is asked for, and how a run of it is told.

mod control;
mod params;
mod run;

pub use control::*;
pub use params::Params;
pub use run::*;

use crate::{
    Permission,
    fault::Fault,
    fields,
    json::{Fields, FromJson, Json, Mismatch},
    through_json, words,
};
use serde::Serialize;

/// How much harm a wrong click can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Danger {
    /// Easily undone.
    Safe,
    /// Cannot be undone: the page arms the button first and the server wants `confirm`.
    Dangerous,
}

words!(Danger {
    Safe = "safe",
    Dangerous = "dangerous",
});

/// The kind of a parameter's value. Values travel as text and are checked against this by page and server alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ParamKind {
    /// Free text without control characters.
    Text {
        max_chars: u32,
    },
    /// Text of a form. The pattern is a regular expression that the whole value must match; it is for those who can read it
    /// (page and server each have an engine of their own), [`ParamSpec::check`] knows none.
    Pattern {
        max_chars: u32,
        pattern: String,
    },
    /// As text, but never shown, stored or logged.
    Secret {
        max_chars: u32,
    },
    Integer {
        min: i64,
        max: i64,
    },
    Boolean,
    /// One of the listed values.
    Choice {
        options: Vec<ChoiceOption>,
    },
}

/// One value of a choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChoiceOption {
    pub value: String,
    pub label: String,
}

fields!(ChoiceOption { value, label });

/// One parameter of an action. In JSON the fields of its kind stand beside the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ParamSpec {
    /// Key in the request, e.g. `pid`.
    pub name: String,
    pub label: String,
    pub help: String,
    #[serde(flatten)]
    pub kind: ParamKind,
    /// Used when the request leaves it out. Without a default the parameter is required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
}

impl FromJson for ParamSpec {
    fn from_json(json: Json) -> Result<Self, Mismatch> {
        let mut fields = json.object()?;
        Ok(ParamSpec {
            kind: kind(&mut fields)?,
            name: fields.take("name")?,
            label: fields.take("label")?,
            help: fields.take("help")?,
            default: fields.take("default")?,
        })
    }
}

through_json!(ParamSpec);

fn kind(fields: &mut Fields) -> Result<ParamKind, Mismatch> {
    let kind: String = fields.take("kind")?;
    Ok(match kind.as_str() {
        "text" => ParamKind::Text {
            max_chars: fields.take("max_chars")?,
        },
        "pattern" => ParamKind::Pattern {
            max_chars: fields.take("max_chars")?,
            pattern: fields.take("pattern")?,
        },
        "secret" => ParamKind::Secret {
            max_chars: fields.take("max_chars")?,
        },
        "integer" => ParamKind::Integer {
            min: fields.take("min")?,
            max: fields.take("max")?,
        },
        "boolean" => ParamKind::Boolean,
        "choice" => ParamKind::Choice {
            options: fields.take("options")?,
        },
        other => return Err(Mismatch::new(&["no parameter is of kind `", other, "`"])),
    })
}

/// An action that describes itself. Panels are drawn from this and from nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ActionSpec {
    /// Dotted id, e.g. `process.signal` or `runbook.rotate-logs`.
    pub id: String,
    /// Verb and object, e.g. `Send a signal`.
    pub title: String,
    pub summary: String,
    /// Heading that panels are gathered under.
    pub group: String,
    pub permission: Permission,
    pub danger: Danger,
    /// What the confirm step says. `{name}` is replaced by the parameter of that name.
    pub confirm: Option<String>,
    pub time_limit_secs: u32,
    pub params: Vec<ParamSpec>,
}

fields!(ActionSpec {
    id,
    title,
    summary,
    group,
    permission,
    danger,
    confirm,
    time_limit_secs,
    params
});

impl ActionSpec {
    /// Checks every value, fills defaults and refuses unknown names. The same code runs in the page, where it is a
    /// courtesy, and in the server, where it decides.
    pub fn check(&self, given: &Params) -> Result<Params, Fault> {
        if let Some(name) = given
            .keys()
            .find(|name| !self.params.iter().any(|param| &param.name == *name))
        {
            return Err(Fault::invalid(
                name.clone(),
                format!("`{}` has no parameter `{name}`.", self.id),
            ));
        }
        let mut checked = Params::new();
        for param in &self.params {
            let value = given
                .get(&param.name)
                .filter(|value| !value.is_empty())
                .or(param.default.as_ref());
            let Some(value) = value else {
                return Err(Fault::invalid(
                    &param.name,
                    format!("{} is missing.", param.label),
                ));
            };
            param.check(value)?;
            checked.insert(param.name.clone(), value.clone());
        }
        Ok(checked)
    }

    /// The confirm text with parameters filled in.
    pub fn confirm_text(&self, params: &Params) -> Option<String> {
        let mut text = self.confirm.clone()?;
        for param in &self.params {
            let shown = match param.kind {
                ParamKind::Secret { .. } => "[secret]",
                _ => params.get(&param.name).map_or("?", String::as_str),
            };
            text = text.replace(&format!("{{{}}}", param.name), shown);
        }
        Some(text)
    }

    /// The values with every secret replaced, for logs, audit and display.
    pub fn redact(&self, params: &Params) -> Params {
        let secret = |name: &str| {
            self.params
                .iter()
                .any(|param| param.name == name && matches!(param.kind, ParamKind::Secret { .. }))
        };
        params
            .iter()
            .map(|(name, value)| {
                (
                    name.clone(),
                    if secret(name) {
                        "[redacted]".to_owned()
                    } else {
                        value.clone()
                    },
                )
            })
            .collect()
    }
}

impl ParamSpec {
    /// Whether one value fits. The message says what would.
    pub fn check(&self, value: &str) -> Result<(), Fault> {
        let refuse = |message: String| Err(Fault::invalid(&self.name, message));
        match &self.kind {
            ParamKind::Text { max_chars }
            | ParamKind::Pattern { max_chars, .. }
            | ParamKind::Secret { max_chars } => {
                if value.chars().count() > *max_chars as usize {
                    return refuse(format!("{} is longer than {max_chars} characters.", self.label));
                }
                if value.chars().any(char::is_control) {
                    return refuse(format!("{} has control characters in it.", self.label));
                }
            }
            ParamKind::Integer { min, max } => match value.parse::<i64>() {
                Ok(number) if (*min..=*max).contains(&number) => {}
                _ => {
                    return refuse(format!(
                        "{} must be a whole number from {min} to {max}.",
                        self.label
                    ));
                }
            },
            ParamKind::Boolean => {
                if value != "true" && value != "false" {
                    return refuse(format!("{} must be true or false.", self.label));
                }
            }
            ParamKind::Choice { options } => {
                if !options.iter().any(|option| option.value == value) {
                    let known: Vec<&str> = options.iter().map(|option| option.value.as_str()).collect();
                    return refuse(format!("{} must be one of {}.", self.label, known.join(", ")));
                }
            }
        }
        Ok(())
    }
}

impl ParamSpec {
    /// What is said of a value that does not match its pattern.
    pub fn mismatch(&self, pattern: &str) -> Fault {
        let hint = match self.help.is_empty() {
            true => format!("It must match {pattern}"),
            false => self.help.trim_end_matches('.').to_owned(),
        };
        Fault::invalid(
            &self.name,
            format!("{} does not have the right form. {hint}.", self.label),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn param(name: &str, kind: ParamKind, default: Option<&str>) -> ParamSpec {
        ParamSpec {
            name: name.into(),
            label: name.into(),
            help: String::new(),
            kind,
            default: default.map(str::to_owned),
        }
    }

    fn spec() -> ActionSpec {
        ActionSpec {
            id: "process.signal".into(),
            title: "Send a signal".into(),
            summary: String::new(),
            group: "Processes".into(),
            permission: Permission::RunActions,
            danger: Danger::Dangerous,
            confirm: Some("Send {signal} to {pid} with {key}".into()),
            time_limit_secs: 5,
            params: vec![
                param(
                    "pid",
                    ParamKind::Integer {
                        min: 2,
                        max: 4_194_304,
                    },
                    None,
                ),
                param(
                    "signal",
                    ParamKind::Choice {
                        options: vec![ChoiceOption {
                            value: "TERM".into(),
                            label: "Terminate".into(),
                        }],
                    },
                    Some("TERM"),
                ),
                param("key", ParamKind::Secret { max_chars: 8 }, Some("x")),
            ],
        }
    }

    fn params(pairs: &[(&str, &str)]) -> Params {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn defaults_are_filled_and_values_kept() {
        let checked = spec().check(&params(&[("pid", "77")])).unwrap();
        assert_eq!(
            checked,
            params(&[("pid", "77"), ("signal", "TERM"), ("key", "x")])
        );
    }

    #[test]
    fn every_wrong_value_is_refused_by_name() {
        for (given, field) in [
            (params(&[]), "pid"),
            (params(&[("pid", "1")]), "pid"),
            (params(&[("pid", "9999999999999999999")]), "pid"),
            (params(&[("pid", "2; rm -rf /")]), "pid"),
            (params(&[("pid", "2"), ("signal", "KILLALL")]), "signal"),
            (params(&[("pid", "2"), ("key", "123456789")]), "key"),
            (params(&[("pid", "2"), ("key", "a\nb")]), "key"),
            (params(&[("pid", "2"), ("extra", "1")]), "extra"),
        ] {
            let fault = spec().check(&given).unwrap_err();
            assert_eq!(fault.field.as_deref(), Some(field), "{given:?}: {fault}");
        }
    }

    #[test]
    fn secrets_never_reach_confirm_text_or_audit() {
        let given = params(&[("pid", "77"), ("signal", "TERM"), ("key", "hunter2")]);
        assert_eq!(
            spec().confirm_text(&given).unwrap(),
            "Send TERM to 77 with [secret]"
        );
        assert_eq!(
            spec().redact(&given).get("key").map(String::as_str),
            Some("[redacted]")
        );
    }
}
