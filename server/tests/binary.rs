//! The program itself: what it says when it cannot start, how it stops, and that it needs nothing beside it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail their test by panicking"
)]

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, ExitStatus, Output, Stdio},
};
use tempfile::TempDir;

/// The program in a folder of its own, with nothing of this repository around it.
fn farol(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_farol"));
    command.current_dir(dir).env_clear().env("PATH", "/usr/bin:/bin");
    command
}

fn with_config(text: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("farol.toml"), text).unwrap();
    dir
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn check_config(dir: &TempDir) -> Output {
    farol(dir.path()).arg("check-config").output().unwrap()
}

/// A server that has said where it listens.
struct Running {
    child: Child,
    address: String,
}

impl Running {
    fn start(dir: &Path, stderr: Stdio) -> Running {
        Running::start_with(dir, stderr, &[]).0
    }

    /// And the lines that it says first.
    fn start_with(dir: &Path, stderr: Stdio, options: &[&str]) -> (Running, [String; 3]) {
        let mut child = farol(dir)
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir", "data"])
            .args(options)
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.as_mut().unwrap()).lines();
        let lines = [(); 3].map(|()| said.next().unwrap().unwrap());
        let (_, address) = lines[0].split_once("://").unwrap();
        let address = address.to_owned();
        (Running { child, address }, lines)
    }

    fn end(mut self) -> ExitStatus {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.child.wait().unwrap()
    }
}

#[test]
fn a_wrong_value_is_named_with_its_file_its_key_and_the_reason() {
    let dir = with_config("[http]\nmax_connections = 0\n");
    let output = check_config(&dir);
    assert!(!output.status.success());
    let said = text(&output.stderr);
    for part in ["farol.toml", "http.max_connections", "at least 1"] {
        assert!(said.contains(part), "{part} in {said}");
    }
}

#[test]
fn a_wrong_value_stops_the_start_before_anything_is_made() {
    let dir = with_config("[http]\nmax_conections = 5\n");
    let output = farol(dir.path())
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir", "data"])
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(
        text(&output.stderr).contains("max_conections"),
        "{}",
        text(&output.stderr)
    );
    assert_eq!(text(&output.stdout), "", "it never listened");
    assert!(!dir.path().join("data").exists(), "no database");
}

#[test]
fn a_certificate_that_cannot_be_used_stops_the_start_and_is_named() {
    let dir = with_config("[tls]\ncert = \"cert.pem\"\nkey = \"key.pem\"\n");
    std::fs::write(dir.path().join("cert.pem"), "no certificate").unwrap();
    std::fs::write(dir.path().join("key.pem"), "no key").unwrap();
    let checked = check_config(&dir);
    let served = farol(dir.path())
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir", "data"])
        .output()
        .unwrap();
    for output in [checked, served] {
        assert!(!output.status.success());
        let said = text(&output.stderr);
        for part in ["farol.toml", "tls.cert", "cert.pem: holds no certificate"] {
            assert!(said.contains(part), "{part} in {said}");
        }
    }
    let dir = with_config("");
    let given = farol(dir.path())
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir", "data"])
        .args(["--tls-cert", "absent.pem", "--tls-key", "absent-key.pem"])
        .output()
        .unwrap();
    assert!(
        text(&given.stderr).contains("absent.pem: cannot be read"),
        "{given:?}"
    );
    assert!(!dir.path().join("data").exists(), "no database");
}

#[test]
fn listening_for_others_without_tls_is_refused_with_what_to_do() {
    let dir = with_config("");
    let output = farol(dir.path())
        .args(["serve", "--listen", "0.0.0.0:0", "--data-dir", "data"])
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = text(&output.stderr);
    for part in ["0.0.0.0:0", "--tls-cert", "--tls-self-signed", "http.allow_plain"] {
        assert!(said.contains(part), "{part} in {said}");
    }
    assert_eq!(text(&output.stdout), "", "it never listened");
    assert!(!dir.path().join("data").exists(), "no database");
}

#[test]
fn a_certificate_of_its_own_making_is_shown_and_used_again() {
    let dir = with_config("");
    let mut seen = Vec::new();
    for _ in 0..2 {
        let (running, said) = Running::start_with(dir.path(), Stdio::null(), &["--tls-self-signed"]);
        assert!(said[0].starts_with("listening on https://127.0.0.1:"), "{said:?}");
        assert!(said[1].contains("SHA-256"), "{said:?}");
        let fingerprint = said[2].trim().to_owned();
        assert_eq!(fingerprint.split(':').count(), 32, "{said:?}");
        seen.push(fingerprint);
        assert!(running.end().success());
    }
    assert_eq!(seen[0], seen[1]);
}

#[test]
fn the_environment_goes_before_the_file_and_is_checked_too() {
    let dir = with_config("[http]\nmax_connections = 5\n");
    assert!(check_config(&dir).status.success());
    let output = farol(dir.path())
        .arg("check-config")
        .env("FAROL_HTTP__MAX_CONNECTIONS", "0")
        .output()
        .unwrap();
    assert!(
        text(&output.stderr).contains("environment"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn it_runs_from_any_folder_and_a_stop_signal_ends_it_well() {
    let dir = tempfile::tempdir().unwrap();
    let running = Running::start(dir.path(), Stdio::piped());
    let mut stream = std::net::TcpStream::connect(&running.address).unwrap();
    let request = format!(
        "GET /sign-in HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        running.address
    );
    std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(running.end().success());
    assert!(dir.path().join("data").is_dir());
}

#[test]
fn an_output_that_nobody_reads_stops_nothing() {
    let dir = with_config("");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = farol(dir.path())
        .arg("check-config")
        .stdout(writer)
        .status()
        .unwrap();
    assert!(status.success(), "{status}");
}

#[test]
fn a_log_that_nobody_reads_does_not_hold_up_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let mut running = Running::start(dir.path(), Stdio::piped());
    drop(running.child.stderr.take());
    assert!(running.end().success());
}

#[test]
fn a_hangup_reads_the_configuration_again_and_a_wrong_file_changes_nothing() {
    let dir = with_config("[log]\nfilter = \"info\"\n");
    let mut running = Running::start(dir.path(), Stdio::piped());
    let mut log = BufReader::new(running.child.stderr.take().unwrap()).lines();
    let mut until = |text: &str| loop {
        let line = log.next().unwrap().unwrap();
        if line.contains(text) {
            return line;
        }
    };
    let hangup = |text: &str| {
        std::fs::write(dir.path().join("farol.toml"), text).unwrap();
        let pid = rustix::process::Pid::from_child(&running.child);
        rustix::process::kill_process(pid, rustix::process::Signal::HUP).unwrap();
    };
    let more = "[[check]]\nname = \"a\"\nkind = \"process\"\ntarget = \"farol\"\n[statsd]\nlisten = \"127.0.0.1:0\"\n";
    hangup(&format!(
        "[log]\nfilter = \"farol=debug,info\"\n[http]\nmax_connections = 7\n{more}"
    ));
    let line = until("configuration read again");
    assert!(
        line.contains(
            "In force now: check, log.filter, statsd.listen. After a restart: http.max_connections."
        ),
        "{line}"
    );
    hangup("[log]\nfilter = \"=,=\"\n");
    until("stays as it was");
    until("farol.toml:2: log.filter");
    assert!(running.end().success());
}
