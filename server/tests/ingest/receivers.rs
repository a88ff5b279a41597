//! Debian's Prometheus and VictoriaMetrics, as tests start and ask them.

use super::PATIENCE;
use reqwest::Client;
use serde_json::Value;
use std::{collections::BTreeMap, net::TcpListener, path::Path, process::Stdio, time::Duration};
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// Which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Prometheus,
    VictoriaMetrics,
}

/// One of them, with a folder and a port of its own that it keeps.
pub struct TimeSeriesDb {
    kind: Kind,
    port: u16,
    dir: TempDir,
    child: Option<Child>,
    client: Client,
}

impl TimeSeriesDb {
    /// Chooses a port; nobody listens there yet.
    pub fn new(kind: Kind) -> TimeSeriesDb {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        TimeSeriesDb {
            kind,
            port: free.local_addr().unwrap().port(),
            dir: tempfile::tempdir().unwrap(),
            child: None,
            client: Client::new(),
        }
    }

    /// As `[[remote_write]]` has it.
    pub fn write_url(&self) -> String {
        format!("http://127.0.0.1:{}/api/v1/write", self.port)
    }

    pub async fn start(&mut self) {
        let (port, data) = (self.port, self.dir.path().join("data"));
        let command = match self.kind {
            Kind::Prometheus => {
                let config = self.dir.path().join("prometheus.yml");
                std::fs::write(&config, "global: {}\n").unwrap();
                let mut command = debian("prometheus");
                command
                    .arg(format!("--config.file={}", config.display()))
                    .arg(format!("--storage.tsdb.path={}", data.display()))
                    .arg(format!("--web.listen-address=127.0.0.1:{port}"))
                    .arg("--web.enable-remote-write-receiver");
                command
            }
            Kind::VictoriaMetrics => {
                let mut command = debian("victoria-metrics");
                command
                    .arg(format!("-storageDataPath={}", data.display()))
                    .arg(format!("-httpListenAddr=127.0.0.1:{port}"))
                    .args(["-memory.allowedBytes=64MiB", "-search.latencyOffset=0s"]);
                command
            }
        };
        self.child = Some(spawn(command));
        let ready = match self.kind {
            Kind::Prometheus => "/-/ready",
            Kind::VictoriaMetrics => "/health",
        };
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let answer = self.client.get(self.url(ready)).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "{:?} did not start",
                self.kind
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Ends it as an administrator does; what it has taken is on disk then.
    pub async fn stop(&mut self) {
        let mut child = self.child.take().unwrap();
        let pid = child.id().unwrap().to_string();
        let told = Command::new("kill").args(["-TERM", &pid]).status().await;
        assert!(told.unwrap().success());
        tokio::time::timeout(PATIENCE, child.wait())
            .await
            .unwrap()
            .unwrap();
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> String {
        let asked = self.client.get(self.url(path)).query(query).send().await;
        let answer = asked.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{path}: {text}");
        text
    }

    /// All raw samples of the one series that the selector means: values by time in milliseconds.
    pub async fn samples(&self, selector: &str) -> BTreeMap<i64, f64> {
        match self.kind {
            Kind::Prometheus => {
                let all = format!("{selector}[1h]");
                let told = self.get("/api/v1/query", &[("query", &all)]).await;
                let told: Value = serde_json::from_str(&told).unwrap();
                let series = told["data"]["result"].as_array().unwrap();
                assert!(series.len() <= 1, "{told}");
                let pairs = series.iter().flat_map(|one| one["values"].as_array().unwrap());
                pairs
                    .map(|pair| {
                        let value: f64 = pair[1].as_str().unwrap().parse().unwrap();
                        ((pair[0].as_f64().unwrap() * 1000.0).round() as i64, value)
                    })
                    .collect()
            }
            Kind::VictoriaMetrics => {
                self.get("/internal/force_flush", &[]).await;
                let told = self.get("/api/v1/export", &[("match[]", selector)]).await;
                let mut samples = BTreeMap::new();
                for line in told.lines() {
                    let series: Value = serde_json::from_str(line).unwrap();
                    let times = series["timestamps"].as_array().unwrap().iter();
                    let values = series["values"].as_array().unwrap().iter();
                    // What is no number there says that the series ended.
                    let pairs = times
                        .zip(values)
                        .filter_map(|(time, value)| Some((time.as_i64()?, value.as_f64()?)));
                    samples.extend(pairs);
                }
                samples
            }
        }
    }

    /// What an instant query answers now, and how many series.
    pub async fn now(&self, selector: &str) -> Vec<Value> {
        let told = self.get("/api/v1/query", &[("query", selector)]).await;
        let told: Value = serde_json::from_str(&told).unwrap();
        told["data"]["result"].as_array().unwrap().clone()
    }
}

fn debian(name: &str) -> Command {
    let program = Path::new("/usr/bin").join(name);
    assert!(
        program.is_file(),
        "{} is missing: apt-get install {name}",
        program.display()
    );
    Command::new(program)
}

fn spawn(mut command: Command) -> Child {
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}
