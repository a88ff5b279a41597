//! `cargo xtask`: the only build scripts there are. Each step says what it does and how long it took.
//!
//! Names and folders come from `[[workspace.metadata.leptos]]`, which `cargo leptos` reads too.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a build script talks to the person who started it"
)]

mod asyncapi;
mod bench;
mod browser;
mod bundle;
mod checks;
mod order;
mod project;
mod prune;
mod short;
mod snippets;
mod step;
mod suite;
mod tools;
mod wasm_tests;
mod watch;

use anyhow::Result;
use browser::Bundle;
use clap::{Parser, Subcommand};
use project::Project;
use std::process::ExitCode;

/// Builds, runs and tests Farol.
#[derive(Parser)]
#[command(name = "cargo xtask", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build browser and server, start Farol on http://127.0.0.1:3000
    Run {
        /// Passed to `farol serve`
        #[arg(last = true)]
        args: Vec<String>,
    },
    /// Build browser and server
    Build {
        /// The small, hashed, compressed bundle, embedded in `target/release/farol`
        #[arg(long)]
        release: bool,
        /// Only the browser side
        #[arg(long)]
        browser: bool,
    },
    /// Every test: Rust, wasm, Playwright in a real Chromium
    Test {
        /// `rust`, `wasm`, `e2e`, or part of a test's name
        #[arg(long)]
        only: Option<String>,
    },
    /// Measure, and print figures
    Bench {
        /// `charts`, `collect`, `history`, `idle`, `lighthouse` or `live`; all when left out
        name: Option<String>,
        /// Scenes of `charts` or `live`, pages of `lighthouse`, all when left out; seconds that `collect` watches
        scenes: Vec<String>,
    },
    /// What CI runs: checks, then every test
    Ci,
    /// Format, lints, documentation, dependencies, snapshots
    Check,
    /// Write docs/asyncapi.yaml from the types that travel
    Asyncapi,
    /// Write docs/openapi.json from the addresses and types of the REST API
    Openapi,
    /// Rebuild on change and reload the page
    Watch,
}

fn main() -> ExitCode {
    let task = Cli::parse().task;
    match Project::find().and_then(|project| execute(&project, task)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("\nxtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// False when something was found wanting and has been said already.
fn execute(project: &Project, task: Task) -> Result<bool> {
    match task {
        Task::Run { args } => {
            browser::build(project, Bundle::Dev)?;
            browser::server(project, false)?;
            browser::serve(project, &args)
        }
        Task::Build { release, browser } => {
            browser::build(project, if release { Bundle::Release } else { Bundle::Dev })?;
            if !browser {
                browser::server(project, release)?;
            }
            Ok(true)
        }
        Task::Test { only } => suite::run(project, only.as_deref()),
        Task::Bench { name, scenes } => bench::run(project, name.as_deref(), &scenes),
        Task::Ci => {
            checks::run_all(project)?;
            suite::run(project, None)
        }
        Task::Check => checks::run_all(project).map(|()| true),
        Task::Asyncapi => asyncapi::write(project).map(|()| true),
        Task::Openapi => asyncapi::write_openapi(project).map(|()| true),
        Task::Watch => watch::run(project),
    }
}
