//! Tests of browser-only code, compiled to wasm and run in a real Chromium.
//!
//! `wasm-bindgen-test` normally wants its own runner program, which takes minutes to install. What it does is little: bind
//! the test module, load it in a page, call the exported tests. `end2end/wasm/run.mjs` is that page's driver.

use crate::{project::Project, snippets, suite::Total, tools};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};
use wasm_bindgen_cli_support::Bindgen;

/// Compiles, binds and runs.
pub fn run_all(project: &Project) -> Result<Total> {
    let chromium = tools::chromium()?;
    tools::wasm_target()?;
    tools::npm_ci(&project.end2end_dir)?;
    let dir = project.target.join("wasm-tests");
    fs::create_dir_all(&dir)?;
    let module = compile(project)?;
    // Tests are exports that nothing calls; this keeps wasm-bindgen from dropping them.
    let names = test_exports(&fs::read(&module)?)?;
    bind(&module, &dir)?;
    fs::write(dir.join("names.json"), serde_json::to_vec(&names)?)?;
    let output = Command::new("node")
        .arg(project.end2end_dir.join("wasm/run.mjs"))
        .arg(&dir)
        .env("CHROMIUM", chromium)
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start node")?;
    let text = String::from_utf8_lossy(&output.stdout);
    print!("{text}");
    total(&text).context("the wasm tests ended without a result")
}

fn compile(project: &Project) -> Result<PathBuf> {
    let arguments = [
        "test",
        "--no-run",
        "--package",
        &project.lib_package,
        "--lib",
        "--no-default-features",
        "--features",
        "hydrate",
        "--target",
        "wasm32-unknown-unknown",
        "--profile",
        "wasm-dev",
    ];
    let output = project
        .cargo()
        .args(arguments)
        .arg("--message-format=json-render-diagnostics")
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start cargo")?;
    if !output.status.success() {
        bail!("the wasm tests do not compile");
    }
    let made = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .find_map(|message| message["executable"].as_str().map(PathBuf::from));
    made.context("cargo built no wasm test module")
}

fn bind(module: &std::path::Path, dir: &std::path::Path) -> Result<()> {
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(module)
        .out_name("tests")
        .typescript(false)
        .debug(true)
        .keep_debug(false)
        .emit_start(false);
    bindgen.web(true)?;
    let mut output = bindgen
        .generate_output()
        .context("wasm-bindgen refused the test module")?;
    let script = snippets::inline(output.js(), output.local_modules())?;
    fs::write(dir.join("tests.js"), script)?;
    fs::write(dir.join("tests.wasm"), output.wasm_mut().emit_wasm())?;
    Ok(())
}

/// Names of exported tests, as `wasm-bindgen-test` marks them: `__wbgt_` and what follows. Read from the bytes of the export
/// section; names are ASCII.
fn test_exports(module: &[u8]) -> Result<Vec<String>> {
    let mark = b"__wbgt_";
    let mut names = Vec::new();
    let mut at = 0;
    while let Some(found) = module[at..].windows(mark.len()).position(|window| window == mark) {
        let start = at + found;
        let length = module[start..]
            .iter()
            .take_while(|byte| byte.is_ascii_graphic())
            .count();
        let name = String::from_utf8_lossy(&module[start..start + length]).into_owned();
        if !names.contains(&name) {
            names.push(name);
        }
        at = start + length.max(1);
    }
    if names.is_empty() {
        bail!("the wasm test module exports no test");
    }
    Ok(names)
}

/// Reads `test result: ok. 5 passed; 0 failed; ...`.
fn total(text: &str) -> Option<Total> {
    text.lines().rev().find_map(crate::suite::cargo_total)
}
