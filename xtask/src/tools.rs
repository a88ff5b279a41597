//! What must be on the machine, found or installed.

use crate::{project::Project, step::run};
use anyhow::{Context, Result, bail};
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The wasm target of the toolchain.
pub fn wasm_target() -> Result<()> {
    let has = |listed: &str| listed.lines().any(|line| line.trim() == "wasm32-unknown-unknown");
    let listed = Command::new("rustup")
        .args(["target", "list", "--installed"])
        .output();
    match listed {
        Ok(output) if has(&String::from_utf8_lossy(&output.stdout)) => Ok(()),
        Ok(_) => run(Command::new("rustup").args(["target", "add", "wasm32-unknown-unknown"])),
        // Without rustup the target may come with the distribution's compiler; the build will tell.
        Err(_) => Ok(()),
    }
}

/// `npm ci` in a folder, when what is installed is older than the lock file.
pub fn npm_ci(dir: &Path) -> Result<()> {
    let installed = dir.join("node_modules/.package-lock.json");
    if newer(&installed, &dir.join("package-lock.json")) {
        return Ok(());
    }
    if Command::new("npm")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_err()
    {
        bail!("npm is missing; install Node 20 or later (on Debian: apt-get install nodejs npm)");
    }
    println!("   npm ci in {}", dir.display());
    run(Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
        .current_dir(dir))
}

/// A Chromium: `CHROMIUM`, then Debian's place, then Debian's package when we may install it.
pub fn chromium() -> Result<PathBuf> {
    if let Some(given) = std::env::var_os("CHROMIUM").map(PathBuf::from) {
        anyhow::ensure!(
            given.is_file(),
            "CHROMIUM is {}, which is no file",
            given.display()
        );
        return Ok(given);
    }
    let usual = PathBuf::from("/usr/bin/chromium");
    if usual.is_file() {
        return Ok(usual);
    }
    let root = Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|id| id.stdout.trim_ascii() == b"0");
    if !root || !Path::new("/usr/bin/apt-get").is_file() {
        bail!(
            "Chromium is missing; install it (on Debian: apt-get install chromium) or set CHROMIUM to its path"
        );
    }
    println!("   apt-get install chromium");
    run(Command::new("apt-get").args(["update", "-qq"]))?;
    run(Command::new("apt-get")
        .args(["install", "-y", "-qq", "chromium"])
        .env("DEBIAN_FRONTEND", "noninteractive"))
    .context("Chromium could not be installed")?;
    Ok(usual)
}

/// A cargo subcommand from crates.io, installed into `target/tools` when missing.
pub fn cargo_tool(project: &Project, name: &str, version: &str) -> Result<PathBuf> {
    let dir = project.target.join("tools");
    let program = dir.join("bin").join(name);
    let stamp = dir.join(format!("{name}-{version}"));
    if !(program.is_file() && stamp.is_file()) {
        println!("   cargo install {name} {version}");
        run(project
            .cargo()
            .args(["install", name, "--locked", "--version", version, "--root"])
            .arg(&dir)
            .args(["--target-dir"])
            .arg(project.target.join("tools-build")))?;
        std::fs::write(&stamp, "")?;
    }
    Ok(program)
}

/// Whether `made` exists and is at least as new as `source`.
pub fn newer(made: &Path, source: &Path) -> bool {
    let time = |path: &Path| path.metadata().and_then(|meta| meta.modified()).ok();
    matches!((time(made), time(source)), (Some(made), Some(source)) if made >= source)
}
