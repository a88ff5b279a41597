//! One runbook: what operators may run, as argv arrays. It is a file of its own ([`super::files`]) or a `[[runbook]]` of
//! `farol.toml`, which is checked before Farol starts.
//!
//! A parameter stands as `{name}` in an item of `argv` or in a value of `env`, and stays inside that one item: nothing is ever
//! split again, and there is no shell. Secrets may only stand in `env`, because a command line can be read by everybody on the
//! machine.

use super::{pattern, schedule::Schedule};
use crate::actions::{Concurrency, output::DEFAULT_LIMIT_BYTES};
use farol_model::{
    Permission,
    action::{ActionSpec, ChoiceOption, Danger, ParamKind, ParamSpec},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

/// Steps of a runbook, items of a step, parameters.
const MAX_STEPS: usize = 32;
const MAX_ITEMS: usize = 256;
const MAX_PARAMS: usize = 32;

/// What a service may be called (systemd.unit(5)); a dash at the beginning would be an option.
const SERVICE_PATTERN: &str =
    r"[A-Za-z0-9:_.\\@][A-Za-z0-9:_.\\@\-]*\.(service|socket|timer|target|path|mount|automount|slice|scope)";

/// One runbook.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RunbookConfig {
    /// 1 to 48 of `a-z0-9-`; the action is `runbook.NAME`. A file's own name when left out there.
    #[serde(default)]
    pub name: String,
    /// On the button. The name when left out in a file.
    #[serde(default)]
    pub title: String,
    #[serde(default)]
    pub summary: String,
    /// What it does and when to use it, in Markdown. HTML in it is shown as text.
    #[serde(default)]
    pub description: String,
    /// Program and arguments of the only step. The program is an absolute path or is looked up in
    /// `/usr/local/bin:/usr/bin:/bin`.
    #[serde(default)]
    pub argv: Vec<String>,
    /// Several programs with their arguments, one after the other; the first that fails ends the run.
    #[serde(default)]
    pub steps: Vec<Vec<String>>,
    /// A program that shows what would happen and changes nothing. Run when somebody asks for a dry run.
    #[serde(default)]
    pub dry_run: Vec<String>,
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
    /// A second run waits for the first. The older way to say `concurrency = "queue"`.
    #[serde(default)]
    pub one_at_a_time: bool,
    /// What becomes of a second run while one is under way; `parallel` when left out.
    #[serde(default)]
    pub concurrency: Option<ConcurrencyWord>,
    /// Whether a second person has to approve each run.
    #[serde(default)]
    pub approval: bool,
    /// What counts as a success.
    #[serde(default)]
    pub success: SuccessConfig,
    /// When it runs by itself: cron syntax of five fields, in UTC. Every parameter needs a default then.
    #[serde(default)]
    pub schedule: Option<String>,
}

/// See [`Concurrency`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ConcurrencyWord {
    Skip,
    Queue,
    Parallel,
}

/// What counts as a success.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct SuccessConfig {
    /// Exit codes that do, of every step.
    pub exit_codes: Vec<i32>,
    /// A regular expression that some line of the output must match.
    pub pattern: Option<String>,
}

impl Default for SuccessConfig {
    fn default() -> Self {
        SuccessConfig {
            exit_codes: vec![0],
            pattern: None,
        }
    }
}

/// Something that is wrong with a runbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// The key, and which of its items.
    pub field: &'static str,
    pub item: Option<usize>,
    pub reason: String,
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
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ParamConfig {
    pub name: String,
    /// The name when left out.
    #[serde(default)]
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
    /// Of choice. Of host and service: those that may be chosen; when left out, this machine, or any unit of systemd.
    #[serde(default)]
    pub options: Vec<String>,
    /// Of text: a regular expression that the whole value must match.
    #[serde(default)]
    pub pattern: Option<String>,
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
    #[serde(alias = "string")]
    Text,
    Secret,
    Integer,
    Boolean,
    Choice,
    Host,
    Service,
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

    /// Programs with their arguments, in order.
    pub fn steps(&self) -> Vec<&Vec<String>> {
        match self.argv.is_empty() {
            true => self.steps.iter().collect(),
            false => vec![&self.argv],
        }
    }

    pub fn concurrency(&self) -> Concurrency {
        match self.concurrency {
            Some(ConcurrencyWord::Skip) => Concurrency::Skip,
            Some(ConcurrencyWord::Queue) => Concurrency::Queue,
            None if self.one_at_a_time => Concurrency::Queue,
            Some(ConcurrencyWord::Parallel) | None => Concurrency::Parallel,
        }
    }

    /// Everything that is wrong.
    pub fn wrong(&self) -> Vec<Wrong> {
        let mut found = Vec::new();
        let mut wrong = |field: &'static str, item: Option<usize>, reason: String| {
            found.push(Wrong { field, item, reason });
        };
        if !is_name(&self.name) {
            wrong("name", None, "must be 1 to 48 of a-z, 0-9 and dashes".to_owned());
        }
        if self.title.trim().is_empty() {
            wrong("title", None, "must not be empty".to_owned());
        }
        if !(1..=86_400).contains(&self.time_limit_secs) {
            wrong("time_limit_secs", None, "must be from 1 to 86400".to_owned());
        }
        if !(1..=16 * 1024 * 1024).contains(&self.output_limit_bytes) {
            wrong(
                "output_limit_bytes",
                None,
                "must be from 1 to 16777216".to_owned(),
            );
        }
        if self
            .directory
            .as_ref()
            .is_some_and(|directory| !directory.is_absolute())
        {
            wrong("directory", None, "must be an absolute path".to_owned());
        }
        if let Some(user) = &self.user
            && let Err(reason) = super::account::find(user)
        {
            wrong("user", None, reason);
        }
        if self.one_at_a_time && self.concurrency.is_some() {
            wrong(
                "one_at_a_time",
                None,
                "concurrency says it already; take one of the two away".to_owned(),
            );
        }
        if self.success.exit_codes.is_empty() {
            wrong("success", None, "exit_codes must have at least one".to_owned());
        }
        if let Some(Err(reason)) = self.success.pattern.as_deref().map(pattern::line) {
            wrong("success", None, reason);
        }
        found.extend(self.wrong_steps());
        found.extend(self.wrong_params());
        found.extend(self.wrong_schedule());
        found
    }

    fn wrong_steps(&self) -> Vec<Wrong> {
        let mut found = Vec::new();
        let mut wrong = |field: &'static str, item: Option<usize>, reason: &str| {
            let reason = reason.to_owned();
            found.push(Wrong { field, item, reason });
        };
        match (self.argv.is_empty(), self.steps.is_empty()) {
            (true, true) => wrong(
                "argv",
                None,
                "must have at least the program, or there must be steps",
            ),
            (false, false) => wrong("steps", None, "there is argv already; take one of the two away"),
            _ => {}
        }
        if self.steps.len() > MAX_STEPS {
            wrong("steps", None, "must be 32 at most");
        }
        for (field, item, argv) in self.argvs() {
            match argv.first() {
                None => wrong(field, item, "must have at least the program"),
                Some(program) if program.is_empty() || !placeholders(program).is_empty() => {
                    wrong(field, item, "the program itself must be fixed text");
                }
                Some(_) if argv.len() > MAX_ITEMS => wrong(field, item, "must have 256 items at most"),
                Some(_) => {}
            }
        }
        let known = |name: &str| self.params.iter().find(|param| param.name == name);
        let items = self
            .argvs()
            .into_iter()
            .flat_map(|(field, item, argv)| argv.iter().map(move |text| (field, item, text)));
        let env = self.env.values().map(|text| ("env", None, text));
        for (field, item, text) in items.chain(env) {
            for name in placeholders(text) {
                let reason = match known(name) {
                    None => format!("`{{{name}}}` is no parameter of this runbook"),
                    Some(param) if field != "env" && param.kind == ParamWord::Secret => {
                        format!("`{name}` is a secret; everybody can read a command line, put it into env")
                    }
                    Some(_) => continue,
                };
                found.push(Wrong { field, item, reason });
            }
        }
        found
    }

    fn wrong_params(&self) -> Vec<Wrong> {
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        for (at, param) in self.params.iter().enumerate() {
            let mut wrong = |reason: String| {
                found.push(Wrong {
                    field: "params",
                    item: Some(at),
                    reason,
                });
            };
            if !seen.insert(&param.name) {
                wrong(format!("`{}` is there twice", param.name));
            }
            if let Err(reason) = param.check() {
                wrong(format!("`{}`: {reason}", param.name));
            }
        }
        if self.params.len() > MAX_PARAMS {
            let reason = "must be 32 at most".to_owned();
            found.push(Wrong {
                field: "params",
                item: None,
                reason,
            });
        }
        found
    }

    fn wrong_schedule(&self) -> Option<Wrong> {
        let schedule = self.schedule.as_deref()?;
        let reason = match Schedule::parse(schedule) {
            Err(reason) => reason,
            Ok(_) if self.approval => {
                "nobody asks for a run by schedule, so nobody can approve it; take one of the two away"
                    .to_owned()
            }
            Ok(_) => {
                let without = self.params.iter().find(|param| param.default.is_none())?;
                format!(
                    "`{}` has no default, and a run by schedule gives no values",
                    without.name
                )
            }
        };
        Some(Wrong {
            field: "schedule",
            item: None,
            reason,
        })
    }

    /// All argv arrays, with the keys under which they stand.
    fn argvs(&self) -> Vec<(&'static str, Option<usize>, &Vec<String>)> {
        let mut all = Vec::new();
        if !self.argv.is_empty() {
            all.push(("argv", None, &self.argv));
        }
        all.extend(
            self.steps
                .iter()
                .enumerate()
                .map(|(at, step)| ("steps", Some(at), step)),
        );
        if !self.dry_run.is_empty() {
            all.push(("dry_run", None, &self.dry_run));
        }
        all
    }
}

impl ParamConfig {
    pub fn spec(&self) -> ParamSpec {
        let kind = match self.kind {
            ParamWord::Text => match &self.pattern {
                Some(pattern) => ParamKind::Pattern {
                    max_chars: self.max_chars,
                    pattern: pattern.clone(),
                },
                None => ParamKind::Text {
                    max_chars: self.max_chars,
                },
            },
            ParamWord::Service if self.options.is_empty() => ParamKind::Pattern {
                max_chars: self.max_chars,
                pattern: SERVICE_PATTERN.to_owned(),
            },
            ParamWord::Host if self.options.is_empty() => ParamKind::Choice {
                options: vec![ChoiceOption {
                    value: this_host(),
                    label: this_host(),
                }],
            },
            ParamWord::Secret => ParamKind::Secret {
                max_chars: self.max_chars,
            },
            ParamWord::Integer => ParamKind::Integer {
                min: self.min.unwrap_or(i64::MIN),
                max: self.max.unwrap_or(i64::MAX),
            },
            ParamWord::Boolean => ParamKind::Boolean,
            ParamWord::Choice | ParamWord::Host | ParamWord::Service => ParamKind::Choice {
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
            label: match self.label.is_empty() {
                true => self.name.clone(),
                false => self.label.clone(),
            },
            help: match (self.kind, self.help.is_empty()) {
                (ParamWord::Service, true) => "A unit of systemd, such as nginx.service.".to_owned(),
                _ => self.help.clone(),
            },
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
        if self.pattern.is_some() && self.kind != ParamWord::Text {
            return Err("only text has a pattern".to_owned());
        }
        if let Some(given) = &self.pattern {
            pattern::whole(given)?;
        }
        match &self.default {
            Some(default) => {
                let spec = self.spec();
                let fits = spec.check(default).and_then(|()| pattern::check(&spec, default));
                fits.map_err(|fault| format!("the default is refused: {fault}"))
            }
            None => Ok(()),
        }
    }
}

/// Key and reason of all problems of all runbooks of the configuration.
pub fn problems(runbooks: &[RunbookConfig]) -> Vec<(String, String)> {
    let mut problems = Vec::new();
    for runbook in runbooks {
        let key = |wrong: &Wrong| format!("runbook.{}.{}", runbook.name, wrong.field);
        problems.extend(
            runbook
                .wrong()
                .into_iter()
                .map(|wrong| (key(&wrong), wrong.reason)),
        );
    }
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

/// The name of this machine.
fn this_host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        "" => "localhost".to_owned(),
        name => name.to_owned(),
    }
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
            (
                "title = \"A\"",
                "title = \"A\"\nsteps = [[\"/bin/true\"]]",
                "steps",
            ),
            ("title = \"A\"", "title = \"A\"\ndry_run = [\"{x}\"]", "dry_run"),
            (
                "title = \"A\"",
                "title = \"A\"\nschedule = \"0 25 * * *\"",
                "schedule",
            ),
            (
                "title = \"A\"",
                "title = \"A\"\nschedule = \"0 5 * * *\"",
                "schedule",
            ),
            (
                "title = \"A\"",
                "title = \"A\"\nsuccess = { pattern = \"(\" }",
                "success",
            ),
            (
                "title = \"A\"",
                "title = \"A\"\nsuccess = { exit_codes = [] }",
                "success",
            ),
            (
                "title = \"A\"",
                "title = \"A\"\none_at_a_time = true\nconcurrency = \"skip\"",
                "one_at_a_time",
            ),
            ("kind = \"text\"", "kind = \"string\", pattern = \"[\"", "params"),
            (
                "kind = \"text\"",
                "kind = \"string\", pattern = \"[a-z]+\", default = \"A\"",
                "params",
            ),
            (
                "kind = \"text\"",
                "kind = \"integer\", pattern = \"[a-z]+\"",
                "params",
            ),
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
    fn hosts_and_services_are_what_is_listed_or_what_there_can_be() {
        let kind = |more: &str| parse(&GOOD.replace("kind = \"text\"", more)).params[0].spec();
        let host = kind("kind = \"host\"");
        assert_eq!(host.check(&this_host()), Ok(()));
        assert!(host.check("elsewhere.example.org").is_err());
        assert!(
            kind("kind = \"host\", options = [\"a\", \"b\"]")
                .check("b")
                .is_ok()
        );
        let service = kind("kind = \"service\"");
        for (value, fits) in [
            ("nginx.service", true),
            ("getty@tty1.service", true),
            ("nginx", false),
            ("--now.service", false),
            ("a b.service", false),
        ] {
            assert_eq!(pattern::check(&service, value).is_ok(), fits, "{value}");
        }
        assert!(
            kind("kind = \"service\", options = [\"nginx.service\"]")
                .check("cron.service")
                .is_err()
        );
    }

    #[test]
    fn a_brace_without_a_partner_is_text() {
        assert_eq!(placeholders("a{x}b{y_z}"), ["x", "y_z"]);
        assert!(placeholders("{ {} {X} ${HOME").is_empty());
    }
}
