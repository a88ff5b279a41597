//! `[[runbook]]` of `farol.toml`: what operators may run, as argv arrays. Checked before Farol starts.
//!
//! A parameter stands as `{name}` in an item of `argv` or in a value of `env`, and stays inside that one item: nothing is ever
//! split again, and there is no shell. Secrets may only stand in `env`, because a command line can be read by everybody on the
//! machine.

use crate::actions::output::DEFAULT_LIMIT_BYTES;
use farol_model::{
    Permission,
    action::{ActionSpec, ChoiceOption, Danger, ParamKind, ParamSpec},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

/// One runbook.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RunbookConfig {
    /// 1 to 48 of `a-z0-9-`; the action is `runbook.NAME`.
    pub name: String,
    /// On the button.
    pub title: String,
    #[serde(default)]
    pub summary: String,
    /// Program and arguments. The program is an absolute path or is looked up in `/usr/local/bin:/usr/bin:/bin`.
    pub argv: Vec<String>,
    #[serde(default)]
    pub params: Vec<ParamConfig>,
    /// Account to run as. Needs Farol to run as root.
    #[serde(default)]
    pub user: Option<String>,
    /// Working directory; `/` when left out.
    #[serde(default)]
    pub directory: Option<PathBuf>,
    /// Set for the program. Nothing else of Farol's own environment is passed, but for `pass_env`.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Names passed on from Farol's own environment.
    #[serde(default)]
    pub pass_env: Vec<String>,
    #[serde(default = "default_time_limit_secs")]
    pub time_limit_secs: u32,
    /// Output kept and shown, bytes. The rest is dropped, and that is said.
    #[serde(default = "default_output_limit_bytes")]
    pub output_limit_bytes: u64,
    /// Whether the page asks again before it runs.
    #[serde(default)]
    pub dangerous: bool,
    /// What it asks; `{name}` is replaced by the parameter.
    #[serde(default)]
    pub confirm: Option<String>,
    /// Who may run it.
    #[serde(default)]
    pub role: RunbookRole,
    /// A second run waits for the first.
    #[serde(default)]
    pub one_at_a_time: bool,
}

/// Who may run a runbook.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RunbookRole {
    #[default]
    Operator,
    Admin,
}

/// One parameter.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ParamConfig {
    pub name: String,
    pub label: String,
    #[serde(default)]
    pub help: String,
    pub kind: ParamWord,
    /// Of text and secret, characters.
    #[serde(default = "default_max_chars")]
    pub max_chars: u32,
    /// Of integer.
    #[serde(default)]
    pub min: Option<i64>,
    /// Of integer.
    #[serde(default)]
    pub max: Option<i64>,
    /// Of choice.
    #[serde(default)]
    pub options: Vec<String>,
    #[serde(default)]
    pub default: Option<String>,
    /// Whether a value may begin with `-` where it begins an argument. Otherwise it is refused, because the program would
    /// take it for an option.
    #[serde(default)]
    pub allow_dash: bool,
}

/// The kinds of parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ParamWord {
    Text,
    Secret,
    Integer,
    Boolean,
    Choice,
}

fn default_time_limit_secs() -> u32 {
    300
}

fn default_output_limit_bytes() -> u64 {
    DEFAULT_LIMIT_BYTES
}

fn default_max_chars() -> u32 {
    200
}

impl RunbookConfig {
    /// The panel's spec.
    pub fn spec(&self) -> ActionSpec {
        ActionSpec {
            id: format!("runbook.{}", self.name),
            title: self.title.clone(),
            summary: self.summary.clone(),
            group: "Runbooks".to_owned(),
            permission: match self.role {
                RunbookRole::Operator => Permission::RunActions,
                RunbookRole::Admin => Permission::Administer,
            },
            danger: if self.dangerous {
                Danger::Dangerous
            } else {
                Danger::Safe
            },
            confirm: self.confirm.clone(),
            time_limit_secs: self.time_limit_secs,
            params: self.params.iter().map(ParamConfig::spec).collect(),
        }
    }

    /// Key and reason of everything that is wrong.
    fn problems(&self) -> Vec<(String, String)> {
        let key = |field: &str| format!("runbook.{}.{field}", self.name);
        let mut problems = Vec::new();
        let mut wrong = |field: &str, reason: String| problems.push((key(field), reason));
        if !is_name(&self.name) {
            wrong("name", "must be 1 to 48 of a-z, 0-9 and dashes".to_owned());
        }
        if self.title.trim().is_empty() {
            wrong("title", "must not be empty".to_owned());
        }
        match self.argv.first() {
            None => wrong("argv", "must have at least the program".to_owned()),
            Some(program) if program.is_empty() || !placeholders(program).is_empty() => {
                wrong("argv", "the program itself must be fixed text".to_owned());
            }
            Some(_) => {}
        }
        if !(1..=86_400).contains(&self.time_limit_secs) {
            wrong("time_limit_secs", "must be from 1 to 86400".to_owned());
        }
        if !(1..=16 * 1024 * 1024).contains(&self.output_limit_bytes) {
            wrong("output_limit_bytes", "must be from 1 to 16777216".to_owned());
        }
        if self
            .directory
            .as_ref()
            .is_some_and(|directory| !directory.is_absolute())
        {
            wrong("directory", "must be an absolute path".to_owned());
        }
        if let Some(user) = &self.user
            && let Err(reason) = super::account::find(user)
        {
            wrong("user", reason);
        }
        let mut seen = BTreeSet::new();
        for param in &self.params {
            if !seen.insert(&param.name) {
                wrong("params", format!("`{}` is there twice", param.name));
            }
            if let Err(reason) = param.check() {
                wrong("params", format!("`{}`: {reason}", param.name));
            }
        }
        let secret = |name: &str| {
            self.params
                .iter()
                .any(|param| param.name == name && param.kind == ParamWord::Secret)
        };
        for (field, text) in self.texts() {
            for name in placeholders(text) {
                if !self.params.iter().any(|param| param.name == name) {
                    wrong(field, format!("`{{{name}}}` is no parameter of this runbook"));
                } else if field == "argv" && secret(name) {
                    wrong(
                        field,
                        format!("`{name}` is a secret; everybody can read a command line, put it into env"),
                    );
                }
            }
        }
        problems
    }

    /// All texts in which parameters may stand.
    fn texts(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let argv = self.argv.iter().map(|text| ("argv", text));
        argv.chain(self.env.values().map(|text| ("env", text)))
    }
}

impl ParamConfig {
    fn spec(&self) -> ParamSpec {
        let kind = match self.kind {
            ParamWord::Text => ParamKind::Text {
                max_chars: self.max_chars,
            },
            ParamWord::Secret => ParamKind::Secret {
                max_chars: self.max_chars,
            },
            ParamWord::Integer => ParamKind::Integer {
                min: self.min.unwrap_or(i64::MIN),
                max: self.max.unwrap_or(i64::MAX),
            },
            ParamWord::Boolean => ParamKind::Boolean,
            ParamWord::Choice => ParamKind::Choice {
                options: self
                    .options
                    .iter()
                    .map(|value| ChoiceOption {
                        value: value.clone(),
                        label: value.clone(),
                    })
                    .collect(),
            },
        };
        ParamSpec {
            name: self.name.clone(),
            label: self.label.clone(),
            help: self.help.clone(),
            kind,
            default: self.default.clone(),
        }
    }

    fn check(&self) -> Result<(), String> {
        if !is_name(&self.name.replace('_', "-")) {
            return Err("the name must be 1 to 48 of a-z, 0-9, dashes and underscores".to_owned());
        }
        if self.kind == ParamWord::Choice && self.options.is_empty() {
            return Err("a choice needs options".to_owned());
        }
        if let (Some(min), Some(max)) = (self.min, self.max)
            && min > max
        {
            return Err(format!("min {min} is above max {max}"));
        }
        match &self.default {
            Some(default) => self
                .spec()
                .check(default)
                .map_err(|fault| format!("the default is refused: {fault}")),
            None => Ok(()),
        }
    }
}

/// All problems of all runbooks.
pub fn problems(runbooks: &[RunbookConfig]) -> Vec<(String, String)> {
    let mut problems: Vec<(String, String)> = runbooks.iter().flat_map(RunbookConfig::problems).collect();
    let mut seen = BTreeSet::new();
    for runbook in runbooks {
        if !seen.insert(&runbook.name) {
            problems.push((
                format!("runbook.{}.name", runbook.name),
                "is there twice".to_owned(),
            ));
        }
    }
    problems
}

fn is_name(text: &str) -> bool {
    (1..=48).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// Names between braces. A brace without a partner is text.
pub fn placeholders(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let after = &rest[open + 1..];
        match after.find('}') {
            Some(close) if is_name(&after[..close].replace('_', "-")) => {
                found.push(&after[..close]);
                rest = &after[close + 1..];
            }
            _ => rest = after,
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> RunbookConfig {
        figment::Figment::from(<figment::providers::Toml as figment::providers::Format>::string(
            text,
        ))
        .extract()
        .unwrap()
    }

    const GOOD: &str = "name = \"a\"\ntitle = \"A\"\nargv = [\"/bin/echo\", \"{x}\"]\n\
                        params = [{ name = \"x\", label = \"X\", kind = \"text\" }]\n";

    #[test]
    fn a_good_runbook_has_no_problems() {
        assert_eq!(problems(&[parse(GOOD)]), []);
    }

    #[test]
    fn everything_wrong_is_named_by_runbook_and_key() {
        for (change, with, key) in [
            ("name = \"a\"", "name = \"A b\"", "name"),
            ("title = \"A\"", "title = \" \"", "title"),
            ("[\"/bin/echo\", \"{x}\"]", "[]", "argv"),
            ("\"/bin/echo\"", "\"{x}\"", "argv"),
            ("\"{x}\"", "\"{y}\"", "argv"),
            ("kind = \"text\"", "kind = \"secret\"", "argv"),
            ("kind = \"text\"", "kind = \"choice\"", "params"),
            (
                "kind = \"text\"",
                "kind = \"integer\", min = 2, max = 1",
                "params",
            ),
            ("kind = \"text\"", "kind = \"integer\", default = \"x\"", "params"),
            (
                "title = \"A\"",
                "title = \"A\"\ntime_limit_secs = 0",
                "time_limit_secs",
            ),
            (
                "title = \"A\"",
                "title = \"A\"\noutput_limit_bytes = 0",
                "output_limit_bytes",
            ),
            ("title = \"A\"", "title = \"A\"\ndirectory = \"tmp\"", "directory"),
            ("title = \"A\"", "title = \"A\"\nuser = \"nobody-at-all\"", "user"),
        ] {
            let found = problems(&[parse(&GOOD.replace(change, with))]);
            assert!(
                found.iter().any(|(at, _)| at.ends_with(&format!(".{key}"))),
                "{with}: {found:?}"
            );
        }
        assert_eq!(problems(&[parse(GOOD), parse(GOOD)]).len(), 1, "one name twice");
    }

    #[test]
    fn a_brace_without_a_partner_is_text() {
        assert_eq!(placeholders("a{x}b{y_z}"), ["x", "y_z"]);
        assert!(placeholders("{ {} {X} ${HOME").is_empty());
    }
}
