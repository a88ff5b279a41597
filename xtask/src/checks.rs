//! What must hold before tests are worth running: format, lints per target, documentation, dependencies.

use crate::{
    browser::collect_files,
    project::Project,
    step::{run, step},
    suite::references_file,
    tools,
};
use anyhow::{Result, bail};
use std::{collections::HashSet, fs, path::PathBuf, process::Command};

const DENY_VERSION: &str = "0.20.2";
const MACHETE_VERSION: &str = "0.9.2";

/// All checks; the first that fails ends them.
pub fn run_all(project: &Project) -> Result<()> {
    let cargo = |what: &str, args: &[&str]| step(what, || run(project.cargo().args(args)));
    cargo("format", &["fmt", "--all", "--check"])?;
    step("wasm target", tools::wasm_target)?;
    cargo(
        "lints: server side and tests",
        &[
            "clippy",
            "--package",
            "farol-model",
            "--package",
            "farol-app",
            "--package",
            "farol",
            "--features",
            "farol-app/ssr",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ],
    )?;
    cargo(
        "lints: xtask",
        &[
            "clippy",
            "--package",
            "xtask",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ],
    )?;
    cargo(
        "lints: browser side",
        &[
            "clippy",
            "--package",
            "farol-app",
            "--no-default-features",
            "--features",
            "hydrate",
            "--target",
            "wasm32-unknown-unknown",
            "--",
            "-D",
            "warnings",
        ],
    )?;
    step("documentation", || {
        run(project
            .cargo()
            .args([
                "doc",
                "--no-deps",
                "--package",
                "farol-model",
                "--package",
                "farol",
            ])
            .env("RUSTDOCFLAGS", "-D warnings"))
    })?;
    step("dependencies: licences, sources, bans", || {
        let deny = tools::cargo_tool(project, "cargo-deny", DENY_VERSION)?;
        run(Command::new(deny)
            .current_dir(&project.root)
            .args(["check", "licenses", "bans", "sources"]))
    })?;
    step("dependencies: unused", || {
        let machete = tools::cargo_tool(project, "cargo-machete", MACHETE_VERSION)?;
        run(Command::new(machete)
            .current_dir(&project.root)
            .arg("--skip-target-dir"))
    })
}

/// Refuses snapshot files that no test looked at. To be called after all Rust tests.
pub fn snapshots(project: &Project) -> Result<()> {
    let referenced: HashSet<PathBuf> = fs::read_to_string(references_file(project))?
        .lines()
        .filter_map(|line| fs::canonicalize(line).ok())
        .collect();
    let mut files = Vec::new();
    for member in ["model", "app", "server"] {
        collect_files(&project.root.join(member).join("src"), &mut files)?;
        let tests = project.root.join(member).join("tests");
        if tests.is_dir() {
            collect_files(&tests, &mut files)?;
        }
    }
    let orphans: Vec<String> = files
        .into_iter()
        .filter(|file| file.extension().is_some_and(|extension| extension == "snap"))
        .filter(|file| fs::canonicalize(file).is_ok_and(|real| !referenced.contains(&real)))
        .map(|file| project.shown(&file))
        .collect();
    if !orphans.is_empty() {
        bail!(
            "no test looks at these snapshots; delete them:\n  {}",
            orphans.join("\n  ")
        );
    }
    Ok(())
}
