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

/// `wait` goes on until somebody writes into the FIFO `go`.
const RUNBOOKS: &str = r#"
[[runbook]]
name = "greet"
title = "Greet"
summary = "Says hello."
argv = ["/bin/sh", "-c", "echo hello $1; echo oh no >&2; exit $2", "greet", "{who}", "{code}"]
[[runbook.params]]
name = "who"
label = "Who"
help = "Who is greeted."
kind = "text"
max_chars = 20
[[runbook.params]]
name = "code"
label = "Code"
help = "How it ends."
kind = "integer"
min = 0
max = 9
default = "0"

[[runbook]]
name = "secret"
title = "Secret"
summary = "Says how long a secret is."
argv = ["/bin/sh", "-c", "printf %s \"$KEY\" | wc -c"]
env = { KEY = "{key}" }
[[runbook.params]]
name = "key"
label = "Key"
help = "A secret."
kind = "secret"
max_chars = 20

[[runbook]]
name = "wait"
title = "Wait"
summary = "Until it is let go."
argv = ["/bin/sh", "-c", "echo begun; read line < DIR/go; echo let go"]

[[runbook]]
name = "risky"
title = "Risky"
summary = "Cannot be undone."
argv = ["/bin/true"]
dangerous = true
"#;

impl World {
    fn start() -> World {
        let dir = tempfile::tempdir().unwrap();
        let runbooks = RUNBOOKS.replace("DIR", &dir.path().display().to_string());
        std::fs::write(dir.path().join("farol.toml"), runbooks).unwrap();
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

fn output(mut command: Command) -> (Option<i32>, String, String) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_run_is_followed_and_the_program_ends_as_it_did() {
    let world = World::start();
    let greet = ["run", "runbook.greet", "--param", "who=world", "--follow"];
    let (code, out, err) = output(world.command(&greet));
    assert_eq!((code, out.as_str()), (Some(0), "hello world\n"), "{err}");
    assert!(
        err.contains("oh no\n") && err.contains("/controls/runs/"),
        "{err}"
    );
    let failing = [&greet[..], &["--param", "code=3"]].concat();
    let (code, _, err) = output(world.command(&failing));
    assert_eq!(code, Some(1));
    assert!(err.contains("farol: failed: "), "{err}");
    // Without following: its id, and it goes on by itself. The same key is the same run.
    let started = [
        "run",
        "runbook.greet",
        "--param",
        "who=world",
        "--key",
        "my-key-0001",
    ];
    let (code, id, _) = output(world.command(&started));
    assert_eq!((code, id.trim().len()), (Some(0), 26));
    assert_eq!(output(world.command(&started)).1, id);
}

/// What `farol annotate` says is on live charts of everybody at once: whoever may see charts hears it, as a page does.
#[test]
fn what_is_annotated_is_told_live_and_what_cannot_be_says_why() {
    let world = World::start();
    let viewer = user(world.dir.path(), "vera", "viewer");
    let mut tail = world.command(&["tail", "--json", "metrics/local/cpu", "annotations/local"]);
    tail.env("FAROL_TOKEN", &viewer).stdout(Stdio::piped());
    let mut tail = tail.spawn().unwrap();
    let mut lines = BufReader::new(tail.stdout.take().unwrap());
    // The first line of any channel comes after all are subscribed.
    next(&mut lines);
    let mut told = || loop {
        let line: serde_json::Value = serde_json::from_str(&next(&mut lines)).unwrap();
        if line["channel"] == "annotations/local" {
            let marks = line["data"].as_array().unwrap().iter();
            let titles = marks.map(|mark| mark["title"].as_str().unwrap().to_owned());
            return titles.collect::<Vec<_>>();
        }
    };
    let now = time::OffsetDateTime::now_utc();
    let date = |secs: i64| {
        let at = now - time::Duration::seconds(secs);
        at.format(&time::format_description::well_known::Rfc3339).unwrap()
    };
    let (began, ended) = (date(60), date(30));
    let deploy = [
        "annotate",
        "Deployed 1.4",
        "--tag",
        "deploy",
        "--tag",
        "shop",
        "--at",
        &began,
        "--end",
        &ended,
    ];
    let (code, out, err) = output(world.command(&deploy));
    assert_eq!(code, Some(0), "{err}");
    let number = out.strip_prefix("annotation ").unwrap().trim();
    assert!(number.parse::<i64>().is_ok(), "{out}");
    let mut marks = told();
    marks.sort();
    assert_eq!(
        marks,
        [
            "Deployed 1.4 began (olga)",
            "Deployed 1.4 ended (olga)",
            "Farol started"
        ]
    );

    let (long, huge) = ("x".repeat(201), "x".repeat(70_000));
    for (arguments, code, words) in [
        (&["annotate"][..], 2, "TITLE"),
        (
            &["annotate", "x", "--at", "yesterday"],
            2,
            "write a date as 2026-01-31T12:00:00Z",
        ),
        (
            &["annotate", " "],
            1,
            "422: title must be one line of 1 to 200 characters",
        ),
        (
            &["annotate", &long],
            1,
            "422: title must be one line of 1 to 200 characters",
        ),
        (&["annotate", &huge], 1, "413"),
        (
            &["annotate", "x", "--tag", "a b"],
            1,
            "422: tags must be 16 at most",
        ),
        (
            &["annotate", "x", "--at", &ended, "--end", &began],
            1,
            "422: end_ms must not be before at_ms",
        ),
        (
            &["annotate", "x", "--at", "1999-01-01T00:00:00Z"],
            1,
            "422: at_ms must be within",
        ),
    ] {
        let (ended, out, err) = output(world.command(arguments));
        assert_eq!((ended, out.as_str()), (Some(code), ""), "{err}");
        assert!(err.contains(words), "{words} in {err}");
    }
    let mut refused = world.command(&["annotate", "Not mine to say"]);
    refused.env("FAROL_TOKEN", &viewer);
    let (code, _, err) = output(refused);
    assert!(
        code == Some(1) && err.contains("403: Your role (viewer) may not do this"),
        "{err}"
    );
    // None of it is there.
    let (code, _, err) = output(world.command(&["annotate", "Last"]));
    assert_eq!(code, Some(0), "{err}");
    let mut marks = told();
    marks.sort();
    assert_eq!(
        marks,
        [
            "Deployed 1.4 began (olga)",
            "Deployed 1.4 ended (olga)",
            "Farol started",
            "Last (olga)"
        ]
    );
    tail.kill().unwrap();
    tail.wait().unwrap();
}

#[test]
fn a_secret_comes_from_a_file_and_is_shown_nowhere() {
    let world = World::start();
    std::fs::write(world.dir.path().join("key"), "hunter2-hunter2\n").unwrap();
    let (code, out, err) =
        output(world.command(&["run", "runbook.secret", "--param", "key=@key", "--follow"]));
    assert_eq!((code, out.trim()), (Some(0), "15"), "{err}");
    let (code, out, err) =
        output(world.command(&["run", "runbook.secret", "--param", "key=hunter2-hunter2"]));
    assert_eq!(code, Some(3));
    assert!(
        err.contains("key=@FILE") && !(out + &err).contains("hunter2"),
        "{err}"
    );
    let (code, _, err) = output(world.command(&["run", "runbook.secret", "--param", "key=?"]));
    assert!(code == Some(3) && err.contains("no terminal"), "{err}");
}

#[test]
fn what_is_not_started_says_why() {
    let world = World::start();
    for (arguments, words) in [
        (
            &["run", "runbook.no"][..],
            "there is no action `runbook.no` that you may run; there are runbook.greet",
        ),
        (&["run", "runbook.greet"], "Who is missing"),
        (&["run", "runbook.greet", "--param", "whom=x"], "it has who, code"),
        (
            &["run", "runbook.greet", "--param", "who=x", "--param", "code=10"],
            "from 0 to 9",
        ),
        (
            &["run", "runbook.greet", "--param", "who=x", "--key", "x"],
            "8 to 64",
        ),
        (&["run", "runbook.risky"], "say --confirm"),
    ] {
        let (code, _, err) = output(world.command(arguments));
        assert_eq!(code, Some(3), "{err}");
        assert!(err.contains(words), "{words} in {err}");
    }
    let (code, _, err) = output(world.command(&["run", "runbook.greet", "--param", "who"]));
    assert!(code == Some(2) && err.contains("NAME=VALUE"), "{err}");
    let mut stranger = world.command(&["run", "runbook.risky"]);
    stranger.env("FAROL_TOKEN", "farol_wrong");
    let (code, _, err) = output(stranger);
    assert!(code == Some(3) && err.contains("401"), "{err}");
    let (code, ..) = output(world.command(&["run", "runbook.risky", "--confirm", "--follow"]));
    assert_eq!(code, Some(0));
}

#[test]
fn interrupted_it_leaves_the_run_and_says_how_to_find_it() {
    let mut world = World::start();
    let go = world.dir.path().join("go");
    assert!(Command::new("mkfifo").arg(&go).status().unwrap().success());
    let follow = |world: &World, key: &str| {
        let mut command = world.command(&["run", "runbook.wait", "--follow", "--key", key]);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        assert_eq!(next(&mut lines), "begun\n");
        (child, lines)
    };
    let (child, _lines) = follow(&world, "wait-0001");
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130));
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(said.contains("which goes on: http://127.0.0.1:"), "{said}");
    // It does: somebody else follows it from its beginning to its end, each line once.
    let (child, mut lines) = follow(&world, "wait-0001");
    std::fs::write(&go, "go\n").unwrap();
    assert_eq!(next(&mut lines), "let go\n");
    assert!(child.wait_with_output().unwrap().status.success());
    // And a server that is gone for good in mid-run is told as such when it is there again.
    let (child, _lines) = follow(&world, "wait-0002");
    world.server.kill().unwrap();
    world.server.wait().unwrap();
    std::fs::write(&go, "go\n").unwrap();
    let address = world.url.strip_prefix("http://").unwrap().to_owned();
    world.server = farol(world.dir.path())
        .args(["serve", "--listen", &address])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(7), "{ended:?}");
}

/// On a terminal, where somebody can be asked. Each step waits for words and then types.
fn on_a_terminal(world: &World, arguments: &[&str], steps: &[(&str, &str)]) -> (i64, String) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/expect.py");
    let steps = serde_json::to_string(steps).unwrap();
    let output = Command::new("python3")
        .args([script, &steps, env!("CARGO_BIN_EXE_farol")])
        .args(arguments)
        .current_dir(world.dir.path())
        .env("FAROL_URL", &world.url)
        .env("FAROL_TOKEN", &world.token)
        .output()
        .unwrap();
    let seen: serde_json::Value = serde_json::from_str(&succeeded(output)).unwrap();
    (
        seen["code"].as_i64().unwrap(),
        seen["seen"].as_str().unwrap().to_owned(),
    )
}

#[test]
fn on_a_terminal_ctrl_c_asks_whether_to_cancel_or_to_leave() {
    let world = World::start();
    let go = world.dir.path().join("go");
    assert!(Command::new("mkfifo").arg(&go).status().unwrap().success());
    let wait = ["run", "runbook.wait", "--follow", "--key", "wait-0001"];
    let (code, seen) = on_a_terminal(
        &world,
        &wait,
        &[("begun", "\u{3}"), ("leave it running (l)?", "l\n")],
    );
    assert_eq!(code, 130, "{seen}");
    assert!(seen.contains("which goes on"), "{seen}");
    let (code, seen) = on_a_terminal(
        &world,
        &wait,
        &[("begun", "\u{3}"), ("leave it running (l)?", "c\n")],
    );
    assert_eq!(code, 4, "{seen}");
    assert!(
        seen.contains("asked it to stop") && seen.contains("cancelled: "),
        "{seen}"
    );
}

#[test]
fn on_a_terminal_a_secret_is_asked_for_and_not_shown_and_what_is_dangerous_wants_its_name() {
    let world = World::start();
    let secret = ["run", "runbook.secret", "--follow"];
    let (code, seen) = on_a_terminal(&world, &secret, &[("Key:", "hunter2\n")]);
    assert_eq!(code, 0, "{seen}");
    assert!(seen.contains("\n7") && !seen.contains("hunter2"), "{seen}");
    let risky = ["run", "runbook.risky", "--follow"];
    let (code, seen) = on_a_terminal(&world, &risky, &[("Type runbook.risky", "yes\n")]);
    assert!(code == 3 && seen.contains("it was not confirmed"), "{seen}");
    let (code, seen) = on_a_terminal(&world, &risky, &[("Type runbook.risky", "runbook.risky\n")]);
    assert_eq!(code, 0, "{seen}");
}
