//! Runs what a runbook says: programs one after the other, each an argv array, no shell.
//!
//! | file | owns |
//! |---|---|
//! | [`config`] | one runbook and its checks |
//! | [`files`], [`shelf`] | runbooks in files; which there are now |
//! | [`schedule`] | runs by themselves |
//! | [`child`], [`account`] | the process, the user that it is of |
//! | [`pattern`], [`markdown`] | forms of values, descriptions |

pub mod account;
pub mod child;
pub mod config;
pub mod files;
pub mod markdown;
pub mod pattern;
pub mod schedule;
pub mod shelf;

use super::{Action, Concurrency, End, Outcome, RunContext};
use crate::time::now_ms;
use config::{RunbookConfig, placeholders};
use farol_app::ui::moment;
use farol_model::{
    Fault,
    action::{ActionSpec, Danger, OutputStream, PanelNotes, Params},
};
use futures::future::BoxFuture;
use schedule::Schedule;
use std::{collections::BTreeMap, path::PathBuf, time::Duration};

/// Where programs are looked up, and the `PATH` of what runs.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How long a second person has to approve a run.
const APPROVAL_LASTS: Duration = Duration::from_secs(15 * 60);

/// One runbook as an action, or its dry run as another.
pub struct Runbook {
    config: RunbookConfig,
    spec: ActionSpec,
    /// Whether this is the dry run.
    is_dry: bool,
}

/// What is to be started, with all parameters filled in.
pub struct Command {
    pub argv: Vec<String>,
    pub env: BTreeMap<String, String>,
    pub directory: PathBuf,
    pub account: Option<account::Account>,
}

impl Runbook {
    pub fn new(config: &RunbookConfig) -> Self {
        Runbook {
            spec: config.spec(),
            config: config.clone(),
            is_dry: false,
        }
    }

    /// The dry run of a runbook that has one. It changes nothing, so nobody need confirm or approve it.
    pub fn dry_run(config: &RunbookConfig) -> Option<Self> {
        if config.dry_run.is_empty() {
            return None;
        }
        let spec = config.spec();
        Some(Runbook {
            spec: ActionSpec {
                id: dry_id(&spec.id),
                title: format!("Dry run: {}", spec.title),
                danger: Danger::Safe,
                confirm: None,
                ..spec
            },
            config: config.clone(),
            is_dry: true,
        })
    }

    fn steps(&self) -> Vec<&Vec<String>> {
        match self.is_dry {
            true => vec![&self.config.dry_run],
            false => self.config.steps(),
        }
    }

    fn command(&self, argv: &[String], params: &Params) -> Result<Command, String> {
        let argv = self.argv(argv, params)?;
        let mut env: BTreeMap<String, String> = [("PATH", PATH), ("LANG", "C.UTF-8")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        let passed = self
            .config
            .pass_env
            .iter()
            .filter_map(|name| Some((name.clone(), std::env::var(name).ok()?)));
        env.extend(passed);
        env.extend(
            self.config
                .env
                .iter()
                .map(|(name, value)| (name.clone(), fill(value, params))),
        );
        let account = self.config.user.as_deref().map(account::find).transpose()?;
        if let Some(account) = &account {
            env.insert("HOME".to_owned(), account.home.clone());
            env.insert("USER".to_owned(), account.name.clone());
        }
        let directory = self
            .config
            .directory
            .clone()
            .unwrap_or_else(|| PathBuf::from("/"));
        Ok(Command {
            argv,
            env,
            directory,
            account,
        })
    }

    fn argv(&self, items: &[String], params: &Params) -> Result<Vec<String>, String> {
        items.iter().map(|item| self.argument(item, params)).collect()
    }

    /// One item of argv. A value that would begin the item with a dash is refused unless its parameter allows it.
    fn argument(&self, item: &str, params: &Params) -> Result<String, String> {
        let filled = fill(item, params);
        if filled.starts_with('-') && !item.starts_with('-') {
            let first = placeholders(item).first().copied().unwrap_or_default();
            let allowed = self
                .config
                .params
                .iter()
                .any(|param| param.name == first && param.allow_dash);
            if !allowed {
                return Err(format!(
                    "`{first}` must not begin with a dash: the program would take it for an option. Nothing was started."
                ));
            }
        }
        Ok(filled)
    }

    async fn all_steps(&self, context: &RunContext, params: &Params) -> Outcome {
        let steps = self.steps();
        let many = steps.len() > 1;
        let mut last = Outcome::succeeded("There was nothing to do.");
        for (at, argv) in steps.iter().enumerate() {
            let command = match self.command(argv, params) {
                Ok(command) => command,
                Err(reason) => return Outcome::failed(reason),
            };
            let step = format!("Step {} of {}", at + 1, steps.len());
            let shown = shown(&command.argv);
            if many {
                let head = format!("\x1b[1m{step}: {shown}\x1b[0m\n");
                context.output.write(OutputStream::Stdout, &head);
            }
            last = self.judged(child::run(command, context).await);
            if last.end != End::Succeeded {
                if many {
                    last.detail = format!("{step} (`{shown}`): {}", last.detail);
                }
                return last;
            }
        }
        self.with_pattern(last, context)
    }

    /// An exit code means what the runbook says.
    fn judged(&self, mut outcome: Outcome) -> Outcome {
        let good = outcome
            .exit_code
            .is_some_and(|code| self.is_dry && code == 0 || self.config.success.exit_codes.contains(&code));
        match (outcome.end, outcome.exit_code) {
            (End::Failed, Some(code)) if good => {
                outcome.end = End::Succeeded;
                outcome.detail = format!("It ended with exit code {code}, which counts as a success.");
            }
            (End::Succeeded, Some(code)) if !good => {
                outcome.end = End::Failed;
                outcome.detail =
                    format!("It ended with exit code {code}, which does not count as a success.");
            }
            _ => {}
        }
        outcome
    }

    /// A success must have printed what the runbook wants.
    fn with_pattern(&self, mut outcome: Outcome, context: &RunContext) -> Outcome {
        if let Some(pattern) = self.wanted() {
            context.output.finish();
            if !context.output.found() {
                outcome.end = End::Failed;
                outcome.detail = format!("It ended, but printed no line that matches `{pattern}`.");
            }
        }
        outcome
    }

    fn wanted(&self) -> Option<&String> {
        self.config.success.pattern.as_ref().filter(|_| !self.is_dry)
    }

    /// What people should know before they run it, as HTML.
    fn about(&self) -> String {
        let mut facts = Vec::new();
        if self.config.approval {
            facts.push("A second person has to approve each run.".to_owned());
        }
        match self.config.concurrency() {
            Concurrency::Parallel => {}
            Concurrency::Queue => facts.push("A second run waits for the first.".to_owned()),
            Concurrency::Skip => facts.push("While one is under way, a second run is skipped.".to_owned()),
        }
        if let Some(schedule) = self
            .config
            .schedule
            .as_deref()
            .and_then(|text| Schedule::parse(text).ok())
        {
            let next = schedule.next(now_ms()).map(moment::utc).unwrap_or_default();
            facts.push(format!(
                "Runs by itself: {} (UTC). Next: {next}. What is missed while Farol is down is not made up.",
                schedule.words().trim_end_matches('.')
            ));
        }
        let facts: String = facts
            .iter()
            .map(|fact| format!("<li>{}</li>", escaped(fact)))
            .collect();
        let mut html = markdown::html(&self.config.description);
        if !facts.is_empty() {
            html += &format!("<ul class=\"notes\">{facts}</ul>");
        }
        // With scripts the panel shows it in its place.
        html += &format!(
            "<noscript><p><a class=\"button small\" href=\"/controls?again=look:{}\">See what would run first</a></p></noscript>",
            self.spec.id
        );
        html
    }
}

impl Action for Runbook {
    fn spec(&self) -> &ActionSpec {
        &self.spec
    }

    fn concurrency(&self) -> Concurrency {
        match self.is_dry {
            true => Concurrency::Parallel,
            false => self.config.concurrency(),
        }
    }

    fn approval(&self) -> Option<Duration> {
        (self.config.approval && !self.is_dry).then_some(APPROVAL_LASTS)
    }

    fn digest(&self) -> String {
        super::digest_of(&(&self.config, self.is_dry))
    }

    fn check(&self, given: &Params) -> Result<Params, Fault> {
        let params = self.spec.check(given)?;
        for param in &self.spec.params {
            pattern::check(
                param,
                params.get(&param.name).map(String::as_str).unwrap_or_default(),
            )?;
        }
        Ok(params)
    }

    fn preview(&self, params: &Params) -> Result<Vec<String>, Fault> {
        let masked = self.spec.redact(params);
        let mut lines = Vec::new();
        for (name, value) in &self.config.env {
            lines.push(format!("{name}={}", quoted(&fill(value, &masked))));
        }
        for argv in self.steps() {
            // Refused for the values as they are, shown as they may be seen.
            self.argv(argv, params)
                .map_err(|reason| Fault::invalid("params", reason))?;
            lines.push(shown(
                &argv.iter().map(|item| fill(item, &masked)).collect::<Vec<_>>(),
            ));
        }
        let directory = self
            .config
            .directory
            .as_deref()
            .unwrap_or("/".as_ref())
            .display()
            .to_string();
        let user = self
            .config
            .user
            .as_ref()
            .map_or_else(String::new, |user| format!(" as {user}"));
        lines.push(format!(
            "# in {directory}{user}, for {} s at most",
            self.config.time_limit_secs
        ));
        Ok(lines)
    }

    fn notes(&self) -> PanelNotes {
        PanelNotes {
            html: self.about(),
            typed: match self.spec.danger {
                Danger::Dangerous => self.config.name.clone(),
                Danger::Safe => String::new(),
            },
            previews: true,
            dry_run: match self.config.dry_run.is_empty() {
                true => String::new(),
                false => dry_id(&self.spec.id),
            },
        }
    }

    fn hidden(&self) -> bool {
        self.is_dry
    }

    fn run<'a>(&'a self, context: RunContext, params: Params) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            context.output.limit(self.config.output_limit_bytes);
            if let Some(Ok(wanted)) = self.wanted().map(|text| pattern::line(text)) {
                context.output.want(wanted);
            }
            self.all_steps(&context, &params).await
        })
    }
}

fn dry_id(id: &str) -> String {
    format!("{id}.dry-run")
}

/// An argv array as a shell would read it.
fn shown(argv: &[String]) -> String {
    argv.iter().map(|item| quoted(item)).collect::<Vec<_>>().join(" ")
}

fn quoted(item: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(&byte);
    match !item.is_empty() && item.bytes().all(plain) {
        true => item.to_owned(),
        false => format!("'{}'", item.replace('\'', "'\\''")),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// Replaces `{name}` by values. A value is never looked at again: braces in it are text.
fn fill(text: &str, params: &Params) -> String {
    let mut filled = String::new();
    let mut rest = text;
    for name in placeholders(text) {
        let mark = format!("{{{name}}}");
        let Some((before, after)) = rest.split_once(&mark) else {
            continue;
        };
        filled.push_str(before);
        filled.push_str(params.get(name).map(String::as_str).unwrap_or_default());
        rest = after;
    }
    filled + rest
}

#[cfg(test)]
mod tests;
