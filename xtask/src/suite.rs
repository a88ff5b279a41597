//! Every test, with one total at the end.

use crate::{
    browser::{self, Bundle},
    checks,
    project::Project,
    step::{show, step},
    tools, wasm_tests,
};
use anyhow::{Context, Result};
use std::{
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Command, Stdio},
};

/// Tests that ran.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Total {
    pub passed: u64,
    pub failed: u64,
}

impl Total {
    pub fn add(&mut self, other: Total) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// Runs what `only` names, or everything; prints `N passed, N failed` last. False when a test failed or a runner died.
pub fn run(project: &Project, only: Option<&str>) -> Result<bool> {
    let (rust, wasm, e2e, filter) = match only {
        None => (true, true, true, None),
        Some("rust") => (true, false, false, None),
        Some("wasm") => (false, true, false, None),
        Some("e2e") => (false, false, true, None),
        Some(name) => (true, false, true, Some(name)),
    };
    let mut total = Total::default();
    // The release bundle, so that what is tested is what ships, and its budget is checked.
    browser::build(project, Bundle::Release)?;
    if rust {
        total.add(rust_tests(project, filter)?);
    }
    if wasm {
        total.add(step("wasm tests in Chromium", || wasm_tests::run_all(project))?);
    }
    if e2e {
        if !rust {
            browser::server(project, false)?;
        }
        total.add(step("end-to-end tests in Chromium", || {
            playwright(project, filter)
        })?);
    }
    if total == Total::default() {
        println!("no test has `{}` in its name", only.unwrap_or_default());
    }
    println!("{} passed, {} failed", total.passed, total.failed);
    Ok(total.failed == 0 && total.passed > 0)
}

/// Features are never unified between the two sides: here everything is the server's side.
fn rust_tests(project: &Project, filter: Option<&str>) -> Result<Total> {
    step("packages that Rust tests run", || {
        tools::npm_ci(&project.root.join("server/tests/clients/node"))?;
        tools::python_packages(&project.root.join("server/tests/clients/python"))?;
        tools::systemd()?;
        tools::node_exporter()?;
        tools::receivers()?;
        tools::curl()
    })?;
    let references = references_file(project);
    if references.exists() {
        fs::remove_file(&references)?;
    }
    let mut total = Total::default();
    let sides: [&[&str]; 2] = [
        &[
            "--package",
            "farol-model",
            "--package",
            "farol-app",
            "--package",
            "farol",
            "--features",
            "farol-app/ssr",
        ],
        &["--package", "xtask"],
    ];
    for side in sides {
        let mut command = project.cargo();
        command.arg("test").args(side).arg("--no-fail-fast").args(filter);
        command.env("INSTA_SNAPSHOT_REFERENCES_FILE", &references);
        if std::env::var_os("CI").is_some() {
            command.env("INSTA_UPDATE", "no");
        }
        total.add(step(
            &format!("Rust tests: {}", side[1..].join(" ").replace("--package ", "")),
            || counted(&mut command),
        )?);
    }
    if filter.is_none() {
        step("snapshots without a test", || checks::snapshots(project))?;
    }
    Ok(total)
}

/// Where the snapshot tests write down which files they looked at.
pub fn references_file(project: &Project) -> PathBuf {
    project.target.join("xtask-snapshots.txt")
}

/// Runs a command, shows its output, and adds up its `test result:` lines. A runner that dies without one is a failure.
fn counted(command: &mut Command) -> Result<Total> {
    let shown = show(command);
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{shown}`"))?;
    let mut total = Total::default();
    for line in BufReader::new(child.stdout.take().context("no output")?).lines() {
        let line = line?;
        println!("{line}");
        if let Some(one) = cargo_total(&line) {
            total.add(one);
        }
    }
    if !child.wait()?.success() && total.failed == 0 {
        total.failed = 1;
    }
    Ok(total)
}

/// Reads `test result: ok. 17 passed; 1 failed; ...`.
pub fn cargo_total(line: &str) -> Option<Total> {
    let rest = line.strip_prefix("test result: ")?;
    let number = |word: &str| {
        rest.split([';', '.'])
            .find_map(|part| part.trim().strip_suffix(word)?.trim().parse::<u64>().ok())
    };
    Some(Total {
        passed: number("passed")?,
        failed: number("failed")?,
    })
}

fn playwright(project: &Project, filter: Option<&str>) -> Result<Total> {
    let chromium = tools::chromium()?;
    tools::npm_ci(&project.end2end_dir)?;
    tools::systemd()?;
    let report = project.target.join("xtask-playwright.json");
    if report.exists() {
        fs::remove_file(&report)?;
    }
    let mut command = Command::new("npx");
    command
        .args(["playwright", "test", "--reporter=list,json"])
        .current_dir(&project.end2end_dir);
    if let Some(filter) = filter {
        command.args(["--grep", filter, "--pass-with-no-tests"]);
    }
    let status = command
        .env("CHROMIUM", chromium)
        .env("FAROL_BIN", project.server(false))
        .env("PLAYWRIGHT_JSON_OUTPUT_NAME", &report)
        .status()
        .context("cannot start playwright")?;
    let mut total = match fs::read(&report) {
        Ok(text) => playwright_total(&text)?,
        Err(_) => Total::default(),
    };
    if !status.success() && total.failed == 0 {
        total.failed = 1;
    }
    Ok(total)
}

/// Reads the `stats` of Playwright's JSON report. A flaky test is a failed one.
pub fn playwright_total(report: &[u8]) -> Result<Total> {
    let report: serde_json::Value =
        serde_json::from_slice(report).context("Playwright's report is not JSON")?;
    let count = |name: &str| report["stats"][name].as_u64().unwrap_or_default();
    Ok(Total {
        passed: count("expected"),
        failed: count("unexpected") + count("flaky"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_of_cargo_are_read_from_their_line_only() {
        let line = "test result: FAILED. 17 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.08s";
        assert_eq!(
            cargo_total(line),
            Some(Total {
                passed: 17,
                failed: 2
            })
        );
        assert_eq!(cargo_total("test some::name ... ok"), None);
    }

    #[test]
    fn a_flaky_test_of_playwright_counts_as_failed() {
        let report = br#"{"stats":{"expected":5,"unexpected":1,"flaky":1,"skipped":0}}"#;
        assert_eq!(playwright_total(report).unwrap(), Total { passed: 5, failed: 2 });
        assert!(playwright_total(b"nonsense").is_err());
    }
}
