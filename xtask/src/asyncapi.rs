//! docs/asyncapi.yaml and docs/openapi.json, as the server says them. That they are so is what tests of the server look at.

use crate::{browser, project::Project, step::step};
use anyhow::{Context, Result, ensure};
use std::{fs, process::Command};

/// Builds the server and writes docs/asyncapi.yaml.
pub fn write(project: &Project) -> Result<()> {
    write_said(project, "asyncapi", "docs/asyncapi.yaml")
}

/// Builds the server and writes docs/openapi.json.
pub fn write_openapi(project: &Project) -> Result<()> {
    write_said(project, "openapi", "docs/openapi.json")
}

fn write_said(project: &Project, command: &str, file: &str) -> Result<()> {
    browser::server(project, false)?;
    step(file, || {
        let said = Command::new(project.server(false))
            .arg(command)
            .output()
            .context("cannot start the server's program")?;
        ensure!(
            said.status.success(),
            "`farol {command}` failed ({})",
            said.status
        );
        fs::write(project.root.join(file), said.stdout)?;
        Ok(())
    })
}
