//! What schemathesis, which nobody here wrote, finds when it has read the description of the REST API: nothing.

use crate::{common::TestServer, process};
use farol::config::Config;
use std::time::Duration;

const RUNBOOKS: &str = r#"
[[runbook]]
name = "greet"
title = "Greet"
summary = "Says hello."
argv = ["/bin/echo", "hello {who}"]
[[runbook.params]]
name = "who"
label = "Who"
help = "Who is greeted."
kind = "text"
max_chars = 20
"#;

const CONFIG: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/clients/python/schemathesis.toml"
);

/// The same examples each time, and so many of them that it takes less than a minute.
const OPTIONS: [&str; 9] = [
    "--generation-deterministic",
    "--max-examples=50",
    "--phases=examples,coverage,fuzzing,stateful",
    "--checks=all",
    "--continue-on-failure",
    "--suppress-health-check=all",
    "--no-color",
    "--max-failures=5",
    "--request-timeout=20",
];

#[tokio::test(flavor = "multi_thread")]
async fn schemathesis_finds_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("farol.toml");
    std::fs::write(&file, RUNBOOKS).unwrap();
    let server = TestServer::start_with(Config::load(Some(&file)).unwrap()).await;
    let token = server.token("operator").await;
    let mut command = tokio::process::Command::new(process::interpreter().with_file_name("schemathesis"));
    command
        .arg("--config-file")
        .arg(CONFIG)
        .arg("run")
        .arg(server.url("/api/v1/openapi.json"))
        .args(OPTIONS)
        .arg(format!("--header=Authorization: Bearer {token}"))
        .current_dir(dir.path())
        .kill_on_drop(true);
    let output = tokio::time::timeout(Duration::from_secs(300), command.output())
        .await
        .unwrap()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    // It has looked at all of it.
    assert!(said.contains("Tested: 19"), "{said}");
    server.stop().await;
}
