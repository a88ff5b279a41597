//! Killed with SIGKILL in every state of a run, two hundred times, as the program itself. After each start: nothing is
//! executed twice, nothing is unaccounted for, nobody waits for a run that is not there, and the chain of the audit log holds.
//!
//! A run appends a line with its key to a file, and says through a FIFO how far it is: that is waited for, never a clock. Two
//! servers are killed at a time. What is asserted holds wherever exactly the kill hits.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail their test by panicking"
)]

use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashMap},
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Kills in all.
const KILLS: usize = 200;
/// Worlds that are killed at the same time.
const WORLDS: usize = 2;

/// Where the kill comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum State {
    /// The request is on its way: anything from not read to already running.
    Accepting,
    /// Another run holds the one place.
    Queued,
    Running,
    /// The command ends right now.
    Ending,
    /// It was asked to stop and takes its time.
    Cancelling,
}

const STATES: [State; 5] = [
    State::Accepting,
    State::Queued,
    State::Running,
    State::Ending,
    State::Cancelling,
];

/// `hold` runs one at a time and goes on until it is let go: it writes its key, says `ran`, and waits for a line. It answers
/// TERM with `term` and nothing else.
const CONFIG: &str = r#"
[collect]
disabled = ["processes", "disk", "network", "temperature"]

[[runbook]]
name = "hold"
title = "Hold"
summary = "Says that it runs, and waits."
argv = ["/bin/sh", "-c", "trap 'echo term $1 >&3' TERM; exec 3<>DIR/said; echo $1 >> DIR/ran; echo ran $1 >&3; while ! read -r line <&4; do :; done 4<>DIR/go", "hold", "{key}"]
one_at_a_time = true
time_limit_secs = 600
[[runbook.params]]
name = "key"
label = "Key"
help = "Of the run."
kind = "text"
max_chars = 64

[[runbook]]
name = "quick"
title = "Quick"
summary = "Says that it runs, and ends."
argv = ["/bin/sh", "-c", "exec 3<>DIR/said; echo $1 >> DIR/ran; echo ran $1 >&3", "quick", "{key}"]
[[runbook.params]]
name = "key"
label = "Key"
help = "Of the run."
kind = "text"
max_chars = 64

[[runbook]]
name = "asked"
title = "Asked"
summary = "As quick, when somebody else says so."
approval = true
argv = ["/bin/sh", "-c", "exec 3<>DIR/said; echo $1 >> DIR/ran; echo ran $1 >&3", "asked", "{key}"]
[[runbook.params]]
name = "key"
label = "Key"
help = "Of the run."
kind = "text"
max_chars = 64
"#;

/// A data folder, and the server on it that is killed again and again.
struct World {
    dir: TempDir,
    token: String,
    /// Of somebody else, who may approve.
    second: String,
    server: Option<Child>,
    address: String,
    /// What runs say.
    said: BufReader<File>,
    /// Every key that was sent, its action, and its run where the answer came.
    sent: Vec<(String, &'static str, Option<String>)>,
    /// What was found after the kills, by the state that was aimed at.
    found: BTreeMap<String, usize>,
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

fn fifo(path: &Path) -> File {
    let made = Command::new("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
    // Both ways, so that neither side waits for the other to open it and it never ends.
    OpenOptions::new().read(true).write(true).open(path).unwrap()
}

/// Some time, to hit elsewhere each round; nothing that is asserted hangs on it.
fn spin(time: Duration) {
    let until = Instant::now() + time;
    while Instant::now() < until {
        std::hint::spin_loop();
    }
}

fn output_of(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Makes an operator with an API token that may do what asks for a proof; its text.
fn operator(dir: &Path, name: &str) -> String {
    let mut add = farol(dir)
        .args(["user", "add", name, "--role", "operator", "--password-stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = add.stdin.take().unwrap();
    input.write_all(b"correct horse battery staple\n").unwrap();
    drop(input);
    assert!(add.wait().unwrap().success());
    let printed = output_of(farol(dir).args(["token", "create", "--user", name, "--name", "test"]));
    let mut words = printed.split_whitespace();
    let id = words.nth(1).unwrap();
    output_of(farol(dir).args(["token", "trust", id]));
    let token = words.find(|word| word.starts_with("farol_"));
    token.unwrap().to_owned()
}

impl World {
    fn new() -> World {
        let dir = tempfile::tempdir().unwrap();
        let config = CONFIG.replace("DIR", &dir.path().display().to_string());
        std::fs::write(dir.path().join("farol.toml"), config).unwrap();
        File::create(dir.path().join("ran")).unwrap();
        let said = BufReader::new(fifo(&dir.path().join("said")));
        fifo(&dir.path().join("go"));
        let mut world = World {
            token: operator(dir.path(), "olga"),
            second: operator(dir.path(), "vera"),
            dir,
            server: None,
            address: String::new(),
            said,
            sent: Vec::new(),
            found: BTreeMap::new(),
        };
        world.start();
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn serve(&self) -> Command {
        let mut command = farol(self.dir.path());
        command
            .args(["serve", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        command
    }

    fn start(&mut self) {
        let mut server = self.serve().spawn().unwrap();
        let mut line = String::new();
        let mut said = BufReader::new(server.stdout.take().unwrap());
        said.read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://");
        self.address = address
            .unwrap_or_else(|| panic!("it did not start: {line:?}"))
            .to_owned();
        self.server = Some(server);
    }

    fn kill(&mut self) {
        let mut server = self.server.take().unwrap();
        server.kill().unwrap();
        server.wait().unwrap();
    }

    /// Sends a request and does not wait for the answer.
    fn send(&self, method: &str, path: &str, key: Option<&str>, body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let key = key
            .map(|key| format!("Idempotency-Key: {key}\r\n"))
            .unwrap_or_default();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n{key}Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.address,
            self.token,
            body.len(),
        );
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    /// The second person says yes, and does not wait for the answer.
    fn approve(&self, id: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let body = format!("run={id}&word=approve");
        let request = format!(
            "POST /api/fn/decide HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.address,
            self.second,
            body.len(),
        );
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    /// Says yes, and sees the run to its end.
    fn see_through(&mut self, id: &str, key: &str) {
        let mut answer = String::new();
        self.approve(id).read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        self.until("ran", key);
        self.until_ended(id);
    }

    fn stands(&self, id: &str) -> String {
        let (_, run) = self.ask("GET", &format!("/api/v1/runs/{id}"), None, "");
        run["status"].as_str().unwrap().to_owned()
    }

    fn ask(&self, method: &str, path: &str, key: Option<&str>, body: &str) -> (u16, Value) {
        let mut stream = self.send(method, path, key, body);
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        (status, serde_json::from_str(body).unwrap_or_default())
    }

    fn order(action: &str, key: &str) -> String {
        json!({"action": format!("runbook.{action}"), "params": {"key": key}}).to_string()
    }

    /// Starts a run and waits for the answer.
    fn begin(&mut self, action: &'static str, key: &str) -> String {
        let (status, run) = self.ask("POST", "/api/v1/runs", Some(key), &Self::order(action, key));
        assert_eq!(status, 202, "{run}");
        let id = run["id"].as_str().unwrap().to_owned();
        self.sent.push((key.to_owned(), action, Some(id.clone())));
        id
    }

    /// Waits until a run says this. What others say, that outlived their server, is passed over.
    fn until(&mut self, word: &str, key: &str) {
        let wanted = format!("{word} {key}");
        let mut line = String::new();
        while line.trim() != wanted {
            line.clear();
            self.said.read_line(&mut line).unwrap();
        }
    }

    /// Brings it into the state, and kills.
    fn kill_in(&mut self, state: State, round: usize) {
        let key = format!("{state:?}-{round:04}");
        match state {
            State::Accepting => {
                let stream = self.send("POST", "/api/v1/runs", Some(&key), &Self::order("quick", &key));
                // From at once to some milliseconds later, each round elsewhere; what is asserted holds for all.
                spin(Duration::from_micros((round as u64 * 7919) % 40_000));
                self.kill();
                let _ = stream.shutdown(Shutdown::Both);
                self.sent.push((key, "quick", None));
                return;
            }
            State::Queued => {
                let holder = format!("holder-{round:04}");
                self.begin("hold", &holder);
                self.until("ran", &holder);
                self.begin("hold", &key);
            }
            State::Running => {
                self.begin("hold", &key);
                self.until("ran", &key);
            }
            State::Ending => {
                self.begin("quick", &key);
                self.until("ran", &key);
            }
            State::Cancelling => {
                let id = self.begin("hold", &key);
                self.until("ran", &key);
                let (status, run) = self.ask("POST", &format!("/api/v1/runs/{id}/cancel"), None, "");
                assert_eq!(status, 202, "{run}");
                self.until("term", &key);
            }
        }
        self.kill();
        if state != State::Ending {
            // What was started lives on without its server: it is let go.
            self.let_go();
        }
    }

    /// Starts, and is killed again while it looks at what is left, or before.
    fn kill_at_the_start(&mut self, round: usize) {
        let mut server = self.serve().spawn().unwrap();
        spin(Duration::from_micros((round as u64 * 6007) % 60_000));
        server.kill().unwrap();
        server.wait().unwrap();
    }

    fn let_go(&self) {
        let mut go = OpenOptions::new()
            .read(true)
            .write(true)
            .open(self.path("go"))
            .unwrap();
        go.write_all(b"go\n").unwrap();
    }

    /// How often each key was executed.
    fn executed(&self) -> HashMap<String, usize> {
        let mut count = HashMap::new();
        for line in std::fs::read_to_string(self.path("ran")).unwrap().lines() {
            *count.entry(line.to_owned()).or_default() += 1;
        }
        count
    }

    /// What must hold for this round's runs once the server is there again.
    fn check(&mut self, from: usize) {
        for index in from..self.sent.len() {
            let (key, action, known) = self.sent[index].clone();
            let executed = self.executed().get(&key).copied().unwrap_or_default();
            // The same key again, as a client does that heard nothing.
            let (status, run) = self.ask("POST", "/api/v1/runs", Some(&key), &Self::order(action, &key));
            assert_eq!(status, 202, "{key}: {run}");
            let id = run["id"].as_str().unwrap().to_owned();
            if let Some(known) = &known {
                assert_eq!(&id, known, "{key}: what was answered is still there");
            }
            let stands = run["status"].as_str().unwrap();
            let aimed = key.split('-').next().unwrap_or_default();
            let found = format!("{aimed}: {stands}, executed {executed} times, {}", run["detail"]);
            *self.found.entry(found).or_default() += 1;
            if executed == 0 && ["queued", "running", "succeeded"].contains(&stands) {
                // The server never had it: so this was the first time, and it runs now.
                assert!(known.is_none(), "{key} was answered and is begun again");
                self.until_ended(&id);
            } else {
                // What had not begun is cancelled, and of that alone it is known that nothing was done.
                let known = match executed {
                    0 => ["lost", "cancelled"],
                    _ => ["lost", "succeeded"],
                };
                assert!(known.contains(&stands), "{key} is {run}");
            }
            self.sent[index].2 = Some(id);
        }
        let twice: Vec<_> = self
            .executed()
            .into_iter()
            .filter(|(_, count)| *count != 1)
            .collect();
        assert!(twice.is_empty(), "executed twice: {twice:?}");
    }

    fn until_ended(&self, id: &str) {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let (_, run) = self.ask("GET", &format!("/api/v1/runs/{id}"), None, "");
            if !run["ended_ms"].is_null() {
                assert_eq!(run["status"], "succeeded", "{run}");
                return;
            }
            assert!(Instant::now() < deadline, "it never ended: {run}");
            std::thread::yield_now();
        }
    }

    /// Every run has one entry and that one end, and the chain holds.
    fn audit(&self) {
        let verified = output_of(farol(self.dir.path()).args(["audit", "verify"]));
        assert!(verified.contains("the chain holds"), "{verified}");
        let exported = output_of(farol(self.dir.path()).args(["audit", "export"]));
        let entries: Vec<Value> = exported
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let ended: HashMap<i64, &str> = entries
            .iter()
            .filter_map(|entry| Some((entry["ends"].as_i64()?, entry["outcome"].as_str()?)))
            .collect();
        let mut runs: HashMap<&str, &str> = HashMap::new();
        for entry in entries.iter().filter(|entry| entry["ends"].is_null()) {
            let outcome = entry["outcome"].as_str().unwrap();
            let outcome = match outcome {
                "started" => ended
                    .get(&entry["seq"].as_i64().unwrap())
                    .unwrap_or_else(|| panic!("no end: {entry}")),
                other => other,
            };
            let what = entry["what"].as_str().unwrap();
            if let Some(run) = entry["run"].as_str().filter(|_| what.starts_with("run.")) {
                assert!(runs.insert(run, outcome).is_none(), "two entries of {run}");
            }
        }
        let executed = self.executed();
        for (key, _, id) in &self.sent {
            let id = id.as_deref().unwrap();
            let outcome = runs.remove(id).unwrap_or_else(|| panic!("{key} has no entry"));
            let (_, run) = self.ask("GET", &format!("/api/v1/runs/{id}"), None, "");
            let told = match run["status"].as_str() {
                Some("expired") => "timed_out",
                other => other.unwrap(),
            };
            assert_eq!(told, outcome, "{key}: entry and run say the same");
            let nothing_done = run["detail"].as_str().unwrap().contains("Nothing was done");
            assert!(
                !(nothing_done && executed.contains_key(key)),
                "{key} was executed, and is {run}"
            );
        }
        assert!(runs.is_empty(), "entries of runs that nobody asked for: {runs:?}");
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = server.kill();
            let _ = server.wait();
        }
        self.let_go();
    }
}

#[test]
fn killed_in_every_state_nothing_runs_twice_nothing_is_lost_and_the_chain_holds() {
    let worlds: Vec<_> = (0..WORLDS)
        .map(|world| {
            std::thread::spawn(move || {
                let mut it = World::new();
                let mut kills = 0;
                for round in 0..KILLS / WORLDS {
                    let state = STATES[(round + world) % STATES.len()];
                    let before = it.sent.len();
                    it.kill_in(state, round);
                    kills += 1;
                    if round % 3 == 0 {
                        it.kill_at_the_start(round);
                    }
                    it.start();
                    it.check(before);
                    if round % 20 == 19 {
                        it.audit();
                    }
                }
                it.audit();
                eprintln!("{:#?}", it.found);
                kills
            })
        })
        .collect();
    // All of them end before one that failed is told, so that no server is left behind.
    let ended: Vec<_> = worlds.into_iter().map(|world| world.join()).collect();
    let kills: usize = ended.into_iter().map(|kills| kills.unwrap()).sum();
    assert_eq!(kills, KILLS);
}

/// Killed while a run waits for a second person, and while the yes is on its way: it is asked for again, or its state says
/// that it is over; it runs once at most.
#[test]
fn what_waits_for_approval_survives_a_kill_and_runs_once() {
    let mut it = World::new();
    for round in 0..24_u64 {
        let key = format!("asked-{round:04}");
        let id = it.begin("asked", &key);
        assert_eq!(it.stands(&id), "awaiting");
        let said = (round % 3 != 0).then(|| it.approve(&id));
        if said.is_some() {
            spin(Duration::from_micros((round * 7919) % 30_000));
        }
        it.kill();
        it.start();
        let executed = it.executed().get(&key).copied().unwrap_or_default();
        match (it.stands(&id).as_str(), executed) {
            ("awaiting", 0) => it.see_through(&id, &key),
            ("expired" | "cancelled", 0) if said.is_some() => {}
            ("lost" | "succeeded", 0 | 1) if said.is_some() => {}
            (stands, executed) => panic!("{key} is {stands} and was executed {executed} times"),
        }
        assert!(it.executed().get(&key).copied().unwrap_or_default() <= 1);
        *it.found.entry(it.stands(&id)).or_default() += 1;
    }
    it.kill();
    it.start();
    let twice: Vec<_> = it
        .executed()
        .into_iter()
        .filter(|(_, count)| *count > 1)
        .collect();
    assert!(twice.is_empty(), "executed twice: {twice:?}");
    it.audit();
    eprintln!("{:#?}", it.found);
}
