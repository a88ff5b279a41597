//! What charts cost in a real Chromium: redrawn beside uPlot, left open for eight hours, and moved while they show the past.

use crate::{browser, project::Project, step::run as run_command, tools};
use anyhow::Result;
use std::{
    fs,
    process::{Command, Stdio},
};

/// Builds the page and runs the scenes of `end2end/bench/charts.mjs`: `redraw`, `hours`, `pan`; all when none is given.
pub fn run(project: &Project, scenes: &[String]) -> Result<()> {
    let chromium = tools::chromium()?;
    let bench = project.end2end_dir.join("bench");
    tools::npm_ci(&project.end2end_dir)?;
    tools::npm_ci(&bench)?;
    let dir = project.target.join("bench-charts");
    fs::create_dir_all(&dir)?;
    browser::example(project, "charts", &dir)?;
    let figures = project
        .cargo()
        .args(["run", "--quiet", "--package", &project.lib_package])
        .args(["--example", "figures", "--features", "ssr"])
        .stderr(Stdio::inherit())
        .output()?;
    anyhow::ensure!(figures.status.success(), "the figures cannot be drawn");
    fs::write(dir.join("figures.html"), figures.stdout)?;
    run_command(
        Command::new("node")
            .arg(bench.join("charts.mjs"))
            .arg(&dir)
            .args(scenes)
            .env("CHROMIUM", chromium),
    )
}
