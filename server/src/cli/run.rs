//! `farol run`: starts an action over REST under a key of its own, so that it happens once however often the line breaks, and
//! follows it. [`params`] is what is given to it, [`follow`] what comes back.

mod follow;
mod params;

use super::{eprint_line, remote::ServerArgs, say};
use crate::client::{
    Final, Server,
    rest::{self, Refused},
};
use anyhow::{Context, bail};
use clap::Args;
use farol_model::action::{ActionSpec, Danger, Run, RunStatus};
use serde_json::{Value, json};
use std::{
    io::{IsTerminal, Write},
    time::Duration,
};

/// Waits between attempts to start, under one key: from, and how many.
const AGAIN: (Duration, u32) = (Duration::from_millis(300), 6);

/// What went wrong before anything was started.
const NOT_STARTED: u8 = 3;
/// Left by Ctrl-C, as shells have it: 128 and SIGINT.
const LEFT: u8 = 130;

#[derive(Debug, Args)]
#[command(
    after_help = "Ends with 0 when the run succeeded, 1 failed, 3 not started, 4 cancelled, 5 timed out, 6 killed, \
    7 lost (Farol stopped meanwhile), 130 left by Ctrl-C."
)]
pub struct RunArgs {
    /// Id of the action, e.g. runbook.rotate-logs
    action: String,
    /// A parameter. @FILE takes the value from a file (@@ is an @), ? asks for it on the terminal; secrets only so
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = params::parse)]
    params: Vec<(String, String)>,
    /// Print what it prints until it ends, and end as it did
    #[arg(long)]
    follow: bool,
    /// Do not ask before a dangerous action
    #[arg(long)]
    confirm: bool,
    /// The run's key: the same key is the same run [default: a new one]
    #[arg(long)]
    key: Option<String>,
    #[command(flatten)]
    server: ServerArgs,
}

/// The command did what it is for, and this is what the program ends with.
#[derive(Debug, thiserror::Error)]
#[error("{words}")]
pub struct Ended {
    pub code: u8,
    pub words: String,
}

/// Starts, and follows when asked to.
pub async fn run(args: RunArgs) -> anyhow::Result<()> {
    let server: Server = args.server.into();
    let key = args
        .key
        .unwrap_or_else(|| format!("cli-{:032x}", rand::random::<u128>()));
    let started = async {
        let spec = spec(&server, &args.action).await?;
        let params = params::resolve(&spec, args.params)?;
        let confirm = confirmed(&spec, &params, args.confirm)?;
        let order = json!({"action": spec.id, "params": params, "confirm": confirm});
        start(&server, &order, &key).await
    };
    let run = started.await.map_err(|error| Ended {
        code: NOT_STARTED,
        words: format!("not started: {error:#}"),
    })?;
    if !args.follow {
        say(&run.id);
        return Ok(());
    }
    eprint_line(&format!("run {}: {}", run.id, page(&server, &run.id)));
    let run = follow::follow(&server, &run.id).await?;
    ended(&run)
}

/// The action as this caller sees it.
async fn spec(server: &Server, action: &str) -> anyhow::Result<ActionSpec> {
    let mut answer = rest::get(server, "/api/v1/actions").await?;
    let actions: Vec<ActionSpec> =
        serde_json::from_value(answer["actions"].take()).context("an answer of another version")?;
    let ids: Vec<String> = actions.iter().map(|spec| spec.id.clone()).collect();
    let found = actions.into_iter().find(|spec| spec.id == action);
    found.with_context(|| match ids.is_empty() {
        true => "you may run no action here".to_owned(),
        false => format!(
            "there is no action `{action}` that you may run; there are {}",
            ids.join(", ")
        ),
    })
}

/// Sends the order until there is an answer. The key makes that safe.
async fn start(server: &Server, order: &Value, key: &str) -> anyhow::Result<Run> {
    let mut wait = AGAIN.0;
    let mut left = AGAIN.1;
    loop {
        let error = match rest::post(server, "/api/v1/runs", order, Some(key)).await {
            Ok(run) => return serde_json::from_value(run).context("an answer of another version"),
            Err(error) => error,
        };
        left -= 1;
        let refused = error.downcast_ref::<Refused>().is_some() || error.downcast_ref::<Final>().is_some();
        if refused {
            return Err(error);
        }
        if left == 0 {
            return Err(error.context(format!(
                "whether it was started is not known; ask again with --key {key}"
            )));
        }
        tokio::time::sleep(wait).await;
        wait *= 2;
    }
}

/// A dangerous action wants its name typed, or the flag where nobody can type.
fn confirmed(spec: &ActionSpec, params: &farol_model::action::Params, flag: bool) -> anyhow::Result<bool> {
    if flag || spec.danger != Danger::Dangerous {
        return Ok(flag);
    }
    let what = spec.confirm_text(params).unwrap_or_else(|| spec.title.clone());
    if !std::io::stdin().is_terminal() {
        bail!("{what}: this cannot be undone; say --confirm");
    }
    let typed = question(&format!(
        "{what}: this cannot be undone. Type {} to go on: ",
        spec.id
    ))?;
    if typed != spec.id {
        bail!("it was not confirmed");
    }
    Ok(true)
}

/// Asks on standard error, so that standard output stays what the run prints.
fn question(words: &str) -> anyhow::Result<String> {
    let mut line = String::new();
    write!(std::io::stderr(), "{words}")?;
    std::io::stdin().read_line(&mut line)?;
    Ok(line.trim().to_owned())
}

/// Where people look at it.
fn page(server: &Server, id: &str) -> String {
    format!("{}/controls/runs/{id}", server.url.trim_end_matches('/'))
}

/// As the run ended, so does the program.
fn ended(run: &Run) -> anyhow::Result<()> {
    let code = match run.status {
        RunStatus::Succeeded => {
            eprint_line(&run.detail);
            return Ok(());
        }
        RunStatus::Cancelled => 4,
        RunStatus::TimedOut => 5,
        RunStatus::Killed => 6,
        RunStatus::Lost => 7,
        _ => 1,
    };
    Err(Ended {
        code,
        words: format!("{}: {}", run.status.as_str().replace('_', " "), run.detail),
    }
    .into())
}
