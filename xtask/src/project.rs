//! Names and folders, as the workspace manifest says.

use anyhow::{Context, Result};
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// What the build scripts need to know of the workspace.
pub struct Project {
    pub root: PathBuf,
    pub target: PathBuf,
    /// `farol`: the stem of script, wasm and style.
    pub output_name: String,
    pub site_root: PathBuf,
    pub site_pkg: PathBuf,
    pub style_file: PathBuf,
    pub assets_dir: PathBuf,
    pub end2end_dir: PathBuf,
    pub lib_package: String,
    pub bin_package: String,
}

impl Project {
    /// Asks `cargo metadata`.
    pub fn find() -> Result<Project> {
        let output = Command::new(cargo())
            .args(["metadata", "--format-version", "1", "--no-deps"])
            .output()
            .context("cannot start cargo")?;
        anyhow::ensure!(
            output.status.success(),
            "cargo metadata failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Self::from_metadata(&serde_json::from_slice(&output.stdout).context("cargo metadata is not JSON")?)
    }

    fn from_metadata(metadata: &Value) -> Result<Project> {
        let root = PathBuf::from(text(metadata, "workspace_root")?);
        let leptos = &metadata["metadata"]["leptos"][0];
        let path = |key: &str| text(leptos, key).map(|relative| root.join(relative));
        let site_root = path("site-root")?;
        Ok(Project {
            target: PathBuf::from(text(metadata, "target_directory")?),
            output_name: text(leptos, "output-name")?,
            site_pkg: site_root.join(text(leptos, "site-pkg-dir")?),
            site_root,
            style_file: path("style-file")?,
            assets_dir: path("assets-dir")?,
            end2end_dir: path("end2end-dir")?,
            lib_package: text(leptos, "lib-package")?,
            bin_package: text(leptos, "bin-package")?,
            root,
        })
    }

    /// The server's executable.
    pub fn server(&self, release: bool) -> PathBuf {
        self.target
            .join(if release { "release" } else { "debug" })
            .join(&self.bin_package)
    }

    /// A cargo command in the workspace root.
    pub fn cargo(&self) -> Command {
        let mut command = Command::new(cargo());
        command.current_dir(&self.root);
        command
    }

    /// A path as seen from the workspace root, for messages.
    pub fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.root)
            .unwrap_or(path)
            .display()
            .to_string()
    }
}

fn text(value: &Value, key: &str) -> Result<String> {
    value[key]
        .as_str()
        .map(str::to_owned)
        .with_context(|| format!("the workspace metadata has no text `{key}`"))
}

fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_workspace_tells_all_names() {
        let project = Project::find().unwrap();
        assert!(project.style_file.is_file());
        assert_eq!(project.output_name, "farol");
    }

    #[test]
    fn a_missing_key_is_named() {
        let error = Project::from_metadata(
            &serde_json::json!({"workspace_root": "/w", "metadata": {"leptos": [{}]}}),
        );
        assert!(error.err().unwrap().to_string().contains("site-root"));
    }
}
