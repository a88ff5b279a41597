//! Clients in other languages, as child processes that print what they saw as one JSON object.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{process::Command, sync::OnceCell};

pub const NODE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/node");
const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/python");

/// Installs the packages of `NODE` where they are missing.
pub async fn node_packages() {
    static INSTALLED: OnceCell<()> = OnceCell::const_new();
    INSTALLED
        .get_or_init(|| async {
            if Path::new(NODE).join("node_modules/.package-lock.json").is_file() {
                return;
            }
            eprintln!("installing the clients: npm ci in {NODE}");
            let status = Command::new("npm")
                .args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
                .current_dir(NODE)
                .status()
                .await
                .expect("npm is needed for this test; install Node.js 20 or newer");
            assert!(status.success(), "npm ci failed: {status}");
        })
        .await;
}

/// Runs `node SCRIPT ARGUMENTS`; its standard input ends with `until`.
pub async fn node(script: &str, arguments: &[&str], until: impl Future<Output = ()>) -> serde_json::Value {
    node_packages().await;
    let mut command = Command::new("node");
    run(command.arg(script).args(arguments).current_dir(NODE), until).await
}

/// The Python that has the packages of requirements.txt.
pub fn interpreter() -> PathBuf {
    let environment = Path::new(PYTHON).join(".venv");
    assert!(
        environment.join("ready").is_file(),
        "the Python client is not installed: `cargo xtask test --only rust` does it"
    );
    environment.join("bin/python")
}

/// Runs `python SCRIPT ARGUMENTS` in an environment with the packages of requirements.txt, as `node`.
pub async fn python(script: &str, arguments: &[&str], until: impl Future<Output = ()>) -> serde_json::Value {
    let mut command = Command::new(interpreter());
    run(command.arg(script).args(arguments).current_dir(PYTHON), until).await
}

async fn run(command: &mut Command, until: impl Future<Output = ()>) -> serde_json::Value {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    let input = child.stdin.take();
    let both = async {
        let tell = async {
            until.await;
            drop(input);
        };
        tokio::join!(tell, child.wait_with_output()).1
    };
    let output = tokio::time::timeout(Duration::from_secs(180), both)
        .await
        .expect("the client did not finish within three minutes")
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("the client prints one JSON object")
}
