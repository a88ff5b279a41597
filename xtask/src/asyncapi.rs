//! docs/asyncapi.yaml, as the server says it. That it is so is what a test of the server looks at.

use crate::{browser, project::Project, step::step};
use anyhow::{Context, Result, ensure};
use std::{fs, process::Command};

/// Builds the server and writes the file.
pub fn write(project: &Project) -> Result<()> {
    browser::server(project, false)?;
    step("docs/asyncapi.yaml", || {
        let said = Command::new(project.server(false))
            .arg("asyncapi")
            .output()
            .context("cannot start the server's program")?;
        ensure!(said.status.success(), "`farol asyncapi` failed ({})", said.status);
        fs::write(project.root.join("docs/asyncapi.yaml"), said.stdout)?;
        Ok(())
    })
}
