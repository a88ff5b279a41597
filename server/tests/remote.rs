//! The commands that talk to a running Farol, as the program itself, against the program itself.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail their test by panicking"
)]

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Output, Stdio},
};
use tempfile::TempDir;

/// The program, and a server of it with an operator who has a token.
struct World {
    dir: TempDir,
    server: Child,
    url: String,
    token: String,
}

fn farol(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_farol"));
    command
        .current_dir(dir)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("FAROL_DATA_DIR", "data");
    command
}

fn succeeded(output: Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn user(dir: &Path, name: &str, role: &str) -> String {
    let mut child = farol(dir)
        .args(["user", "add", name, "--role", role, "--password-stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"correct horse battery staple\n").unwrap();
    drop(input);
    assert!(child.wait().unwrap().success());
    let create = ["token", "create", "--user", name, "--name", "test"];
    let said = succeeded(farol(dir).args(create).output().unwrap());
    let mut words = said.split_whitespace();
    let id = words.nth(1).unwrap();
    succeeded(farol(dir).args(["token", "trust", id]).output().unwrap());
    words.find(|word| word.starts_with("farol_")).unwrap().to_owned()
}

impl World {
    fn start() -> World {
        let dir = tempfile::tempdir().unwrap();
        let token = user(dir.path(), "olga", "operator");
        let mut server = farol(dir.path())
            .args(["serve", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut said = BufReader::new(server.stdout.take().unwrap());
        said.read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        World {
            dir,
            server,
            url,
            token,
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = farol(self.dir.path());
        command
            .args(arguments)
            .env("FAROL_URL", &self.url)
            .env("FAROL_TOKEN", &self.token);
        command
    }

    fn tail(&self, arguments: &[&str]) -> (Child, BufReader<std::process::ChildStdout>) {
        let mut command = self.command(&["tail"]);
        let mut child = command.args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        (child, lines)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn next(lines: &mut impl BufRead) -> String {
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    line
}

#[test]
fn tail_prints_values_by_name_or_as_json_without_a_gap() {
    let world = World::start();
    let (mut child, mut lines) = world.tail(&["metrics/local/cpu"]);
    let line = next(&mut lines);
    assert!(
        line.starts_with("metrics/local/cpu ")
            && line.contains("cpu_usage_percent=")
            && line.contains("cpu_core_usage_percent{core=\"0\"}="),
        "{line}"
    );
    child.kill().unwrap();
    child.wait().unwrap();
    let (mut child, mut lines) = world.tail(&["--json", "metrics/local/cpu", "metrics/local/memory"]);
    let mut last: std::collections::HashMap<String, u64> = std::collections::HashMap::new();
    for _ in 0..6 {
        let line: serde_json::Value = serde_json::from_str(&next(&mut lines)).unwrap();
        let offset = line["offset"].as_u64().unwrap();
        let before = last.insert(line["channel"].to_string(), offset);
        assert!(before.is_none_or(|before| offset == before + 1), "{line}");
    }
    assert_eq!(last.len(), 2);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_connection_is_listed_and_disconnected_and_its_client_comes_back() {
    let world = World::start();
    let (mut child, mut lines) = world.tail(&["--json", "metrics/local/cpu"]);
    let first: serde_json::Value = serde_json::from_str(&next(&mut lines)).unwrap();
    let listed = || {
        let text = succeeded(
            world
                .command(&["connections", "--json", "--text", "metrics/"])
                .output()
                .unwrap(),
        );
        let page: serde_json::Value = serde_json::from_str(&text).unwrap();
        page["rows"][0].clone()
    };
    let row = listed();
    assert_eq!(
        (&row["user"], &row["carrier"]),
        (&"olga".into(), &"websocket".into()),
        "{row}"
    );
    assert_eq!(row["channels"][0], "metrics/local/cpu", "{row}");
    let id = row["id"].as_str().unwrap();
    let table = succeeded(world.command(&["connections"]).output().unwrap());
    assert!(
        table.contains(id) && table.contains("connections, 1 users"),
        "{table}"
    );

    let said = succeeded(
        world
            .command(&["disconnect", id, "--reason", "a test"])
            .output()
            .unwrap(),
    );
    assert_eq!(said.trim(), "The connection of olga was ended.");
    // It comes back by itself and goes on where it was.
    let mut offset = first["offset"].as_u64().unwrap();
    for _ in 0..4 {
        let line: serde_json::Value = serde_json::from_str(&next(&mut lines)).unwrap();
        offset += 1;
        assert_eq!(line["offset"], offset, "{line}");
    }
    assert_ne!(listed()["id"], row["id"]);
    let again = world
        .command(&["disconnect", id, "--reason", "a test"])
        .output()
        .unwrap();
    assert!(!again.status.success());
    assert!(
        String::from_utf8_lossy(&again.stderr).contains("There is no connection"),
        "{again:?}"
    );
    // For good: the command ends and says why.
    let id = listed()["id"].as_str().unwrap().to_owned();
    let stay = ["disconnect", &id, "--reason", "a test", "--stay-away"];
    succeeded(world.command(&stay).output().unwrap());
    assert!(!child.wait().unwrap().success());
}

#[test]
fn what_cannot_be_reached_known_or_allowed_is_said() {
    let world = World::start();
    let refused = |mut command: Command, words: &str| {
        let output = command.output().unwrap();
        assert!(!output.status.success(), "{words}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(words), "{words} in {said}");
    };
    refused(
        world.command(&["tail", "no/such/channel"]),
        "102: There is no such channel",
    );
    let mut stranger = world.command(&["connections"]);
    stranger.env("FAROL_TOKEN", "farol_wrong");
    refused(stranger, "401: Sign in");
    let mut nowhere = world.command(&["connections"]);
    nowhere.env("FAROL_URL", "http://127.0.0.1:9");
    refused(nowhere, "cannot reach http://127.0.0.1:9");
    let mut odd = world.command(&["connections"]);
    odd.env("FAROL_URL", "ftp://127.0.0.1");
    refused(odd, "must begin with http:// or https://");
    refused(
        world.command(&["connections", "--sort", "shoe_size"]),
        "use one of age, user",
    );
    let mut viewer = world.command(&["connections"]);
    viewer.env("FAROL_TOKEN", user(world.dir.path(), "vera", "viewer"));
    refused(viewer, "Your role (viewer) may not do this");
}
