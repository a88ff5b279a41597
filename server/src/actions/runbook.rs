//! Runs a command of `farol.toml`. [`config`] says which and checks it, [`child`] is the process, [`account`] finds users.

pub mod account;
pub mod child;
pub mod config;

use super::{Action, Outcome, RunContext};
use config::{RunbookConfig, placeholders};
use farol_model::action::{ActionSpec, Params};
use futures::future::BoxFuture;
use std::{collections::BTreeMap, path::PathBuf};

/// Where programs are looked up, and the `PATH` of what runs.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// One runbook as an action.
pub struct Runbook {
    config: RunbookConfig,
    spec: ActionSpec,
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
        }
    }

    fn command(&self, params: &Params) -> Result<Command, String> {
        let argv = self
            .config
            .argv
            .iter()
            .map(|item| self.argument(item, params))
            .collect::<Result<Vec<_>, _>>()?;
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
}

impl Action for Runbook {
    fn spec(&self) -> &ActionSpec {
        &self.spec
    }

    fn one_at_a_time(&self) -> bool {
        self.config.one_at_a_time
    }

    fn run<'a>(&'a self, context: RunContext, params: Params) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            context.output.limit(self.config.output_limit_bytes);
            match self.command(&params) {
                Ok(command) => child::run(command, &context).await,
                Err(reason) => Outcome::failed(reason),
            }
        })
    }
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
