//! The programs in `examples/`, as their reader would run them, against a real server.

use crate::{common::TestServer, process};
use std::{
    path::{Path, PathBuf},
    process::Output,
};
use tempfile::TempDir;

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples");
const TOKEN_MISSING: &str = "farol token create";

/// A server, and a copy of the examples beside the packages that they import.
struct World {
    server: TestServer,
    token: String,
    dir: TempDir,
}

impl World {
    async fn start() -> World {
        let server = TestServer::start().await;
        let token = server.token("viewer").await;
        let dir = tempfile::tempdir().unwrap();
        World { server, token, dir }
    }

    /// The file of an example, where its packages are found.
    fn file(&self, name: &str) -> PathBuf {
        let file = self.dir.path().join(Path::new(name).file_name().unwrap());
        std::fs::copy(Path::new(EXAMPLES).join(name), &file).unwrap();
        file
    }

    /// Runs it to its end.
    async fn run(&self, program: &Path, file: &Path, token: Option<&str>) -> Output {
        let mut command = tokio::process::Command::new(program);
        command
            .arg(file)
            .args(["--count", "3"])
            .env("FAROL_URL", self.server.url(""))
            .env_remove("FAROL_TOKEN")
            .envs(token.map(|token| ("FAROL_TOKEN", token)))
            .kill_on_drop(true);
        let output = tokio::time::timeout(std::time::Duration::from_secs(120), command.output());
        output
            .await
            .unwrap_or_else(|_| panic!("{} does not end", file.display()))
            .unwrap_or_else(|error| panic!("{program:?} does not start: {error}"))
    }
}

/// Three lines for the right token; words and a failure for a wrong one and for none.
async fn lives(program: PathBuf, world: World, file: &Path, refusal: &str) {
    let output = world.run(&program, file, Some(&world.token)).await;
    assert!(output.status.success(), "{output:?}");
    let printed = String::from_utf8(output.stdout).unwrap();
    let loads: Vec<f64> = printed.lines().map(load).collect();
    assert_eq!(loads.len(), 3, "{printed}");
    assert!(loads.iter().all(|load| (0.0..=100.0).contains(load)), "{printed}");
    for (token, words) in [(Some("farol_wrong"), refusal), (None, TOKEN_MISSING)] {
        let output = world.run(&program, file, token).await;
        assert!(!output.status.success(), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(words), "{words} in {said}");
    }
    world.server.stop().await;
}

/// The number in `TIME cpu NUMBER %`.
fn load(line: &str) -> f64 {
    let words: Vec<&str> = line.split(' ').collect();
    let [_, "cpu", number, "%"] = words.as_slice() else {
        panic!("{line}");
    };
    number.parse().unwrap()
}

async fn node(name: &str, refusal: &str) {
    process::node_packages().await;
    let world = World::start().await;
    let packages = Path::new(process::NODE).join("node_modules");
    std::os::unix::fs::symlink(packages, world.dir.path().join("node_modules")).unwrap();
    let file = world.file(name);
    lives("node".into(), world, &file, refusal).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_node_prints_the_load() {
    node("node/cpu.mjs", "refused: 3500 invalid token").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_socket_io_prints_the_load() {
    node("socketio/cpu.mjs", "refused: Sign in, or send a token").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_signalr_prints_the_load() {
    node("signalr/cpu.mjs", "401").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_python_prints_the_load() {
    let world = World::start().await;
    let file = world.file("python/cpu.py");
    lives(
        process::interpreter(),
        world,
        &file,
        "refused: 3500 invalid token",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_of_curl_print_the_load() {
    let found = std::process::Command::new("curl").arg("--version").output();
    assert!(
        found.is_ok(),
        "curl is needed for this test; install it (Debian package curl)"
    );
    for (name, refusal) in [("curl/events.sh", "is FAROL_TOKEN good"), ("curl/poll.sh", "401")] {
        let world = World::start().await;
        let file = world.file(name);
        lives("sh".into(), world, &file, refusal).await;
    }
}

#[test]
fn the_examples_use_the_versions_that_are_tested() {
    let packages = |file: &Path| -> serde_json::Value {
        let text = std::fs::read(file).unwrap();
        serde_json::from_slice::<serde_json::Value>(&text).unwrap()["dependencies"].take()
    };
    let theirs = packages(&Path::new(EXAMPLES).join("package.json"));
    let tested = packages(&Path::new(process::NODE).join("package.json"));
    for (name, version) in theirs.as_object().unwrap() {
        assert_eq!(version, &tested[name], "{name}");
    }
}
