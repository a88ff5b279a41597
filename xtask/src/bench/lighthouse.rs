//! Lighthouse over every page of the menu, signed in, against the release server on loopback.

use crate::{project::Project, step::run as run_command, tools};
use anyhow::Result;
use std::process::Command;

/// Runs `end2end/bench/lighthouse.mjs`; `pages` are addresses, all when none is given.
pub fn run(project: &Project, pages: &[String]) -> Result<()> {
    let chromium = tools::chromium()?;
    let bench = project.end2end_dir.join("bench");
    tools::npm_ci(&project.end2end_dir)?;
    tools::npm_ci(&bench)?;
    run_command(
        Command::new("node")
            .arg(bench.join("lighthouse.mjs"))
            .args(pages)
            .env("FAROL_BIN", project.server(true))
            .env("CHROMIUM", chromium),
    )
}
