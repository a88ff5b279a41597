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
    debian("chromium").context("Chromium is missing; install it or set CHROMIUM to its path")?;
    Ok(usual)
}

/// `.venv` in `dir` with the packages of its requirements.txt, made when that file is newer.
pub fn python_packages(dir: &Path) -> Result<()> {
    let (wanted, ready) = (dir.join("requirements.txt"), dir.join(".venv/ready"));
    if newer(&ready, &wanted) {
        return Ok(());
    }
    // Debian has the module apart from the interpreter.
    let able = Command::new("python3")
        .args(["-c", "import venv, ensurepip"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !able {
        debian("python3-venv").context("Python 3 with its venv module is missing; install it")?;
    }
    println!("   pip install in {}", dir.display());
    run(Command::new("python3")
        .args(["-m", "venv", ".venv"])
        .current_dir(dir))?;
    run(Command::new(dir.join(".venv/bin/pip"))
        .args([
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--requirement",
        ])
        .arg(&wanted))?;
    std::fs::write(&ready, "")?;
    Ok(())
}

/// curl, which two of the examples are written for.
pub fn curl() -> Result<()> {
    match Command::new("curl")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
    {
        Ok(_) => Ok(()),
        Err(_) => debian("curl").context("curl is missing; install it"),
    }
}

/// systemd, with a bus of its user manager, and a bus alone: what tests of services start for themselves.
pub fn systemd() -> Result<()> {
    let wanted = [
        ("/lib/systemd/systemd", "systemd"),
        ("/usr/bin/dbus-daemon", "dbus"),
        ("/usr/lib/systemd/user/dbus.socket", "dbus-user-session"),
    ];
    for (file, package) in wanted {
        if !Path::new(file).exists() {
            debian(package).with_context(|| format!("{package} is missing; tests of services need it"))?;
        }
    }
    Ok(())
}

/// Netdata, which collecting is measured beside.
pub fn netdata() -> Result<()> {
    match Path::new("/usr/sbin/netdata").exists() {
        true => Ok(()),
        false => {
            debian("netdata").context("netdata is missing; the bench of collecting needs it beside Farol")
        }
    }
}

/// Prometheus' own exporter, which tests of applications ask.
pub fn node_exporter() -> Result<()> {
    match Path::new("/usr/bin/prometheus-node-exporter").exists() {
        true => Ok(()),
        false => debian("prometheus-node-exporter")
            .context("prometheus-node-exporter is missing; tests of applications need it"),
    }
}

/// Prometheus and VictoriaMetrics, which tests of remote write send to.
pub fn receivers() -> Result<()> {
    for package in ["prometheus", "victoria-metrics"] {
        if !Path::new("/usr/bin").join(package).exists() {
            debian(package)
                .with_context(|| format!("{package} is missing; tests of remote write need it"))?;
        }
    }
    Ok(())
}

/// Installs a package of Debian, where this is Debian and we may.
fn debian(package: &str) -> Result<()> {
    let root = Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|id| id.stdout.trim_ascii() == b"0");
    if !root || !Path::new("/usr/bin/apt-get").is_file() {
        bail!("on Debian: apt-get install {package}");
    }
    println!("   apt-get install {package}");
    run(Command::new("apt-get").args(["update", "-qq"]))?;
    run(Command::new("apt-get")
        .args(["install", "-y", "-qq", package])
        .env("DEBIAN_FRONTEND", "noninteractive"))
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
