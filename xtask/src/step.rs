//! Running things so that a person can follow: what it is, then how long it took.

use anyhow::{Context, Result, bail};
use std::{process::Command, time::Instant};

/// Does one named step.
pub fn step<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    println!("── {what}");
    let started = Instant::now();
    let done = work();
    let took = started.elapsed().as_secs_f64();
    match &done {
        Ok(_) => println!("   done in {took:.1} s"),
        Err(_) => println!("   failed after {took:.1} s"),
    }
    done
}

/// Runs a command to its end; its output goes where ours goes.
pub fn run(command: &mut Command) -> Result<()> {
    let shown = show(command);
    let status = command
        .status()
        .with_context(|| format!("cannot start `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` failed ({status})");
    }
    Ok(())
}

/// As typed in a shell, for messages.
pub fn show(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|arg| arg.to_string_lossy().into_owned()));
    words.join(" ")
}
