//! Sends what waits, one request after the other, so that samples of a series arrive in their order. What fails is sent again until it
//! is taken or refused; meanwhile the queue grows, and nothing else waits.

use super::{
    Shelf,
    backoff::{Backoff, Verdict},
    config::RemoteWriteConfig,
    queue::{Queue, Waiting},
};
use crate::{
    outbound::http::{Answer, Connection},
    time::now_ms,
};
use anyhow::Context;
use http::{HeaderValue, Request, StatusCode, Uri, header};
use std::{io, sync::Arc, time::Duration};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Largest answer that is read, bytes.
const MAX_ANSWER: usize = 64 * 1024;
/// Characters of an answer that are told.
const MAX_TOLD: usize = 200;
/// Between two looks at a queue that cannot be read.
const DISK_PAUSE: Duration = Duration::from_secs(5);

/// See the module.
pub struct Sender {
    config: RemoteWriteConfig,
    shelf: Arc<Shelf>,
    uri: Uri,
    connection: Option<Connection>,
    backoff: Backoff,
    /// What was told last, so that the log has each fault once.
    fault: Option<String>,
}

/// What came of a request.
enum Outcome {
    Taken,
    Refused(String),
    Again(String, Option<Duration>),
}

impl Sender {
    pub fn new(config: RemoteWriteConfig, shelf: Arc<Shelf>) -> anyhow::Result<Sender> {
        Ok(Sender {
            uri: config.url.parse().context("remote_write.url is no address")?,
            config,
            shelf,
            connection: None,
            backoff: Backoff::default(),
            fault: None,
        })
    }

    /// Until it is stopped. What is on its way then is sent again by whoever comes next.
    pub async fn run(mut self, stop: CancellationToken) {
        let stopped = stop.cancelled();
        tokio::pin!(stopped);
        loop {
            let pause = tokio::select! {
                () = &mut stopped => return,
                pause = self.step() => pause,
            };
            let waited = async {
                match pause {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => self.shelf.news.notified().await,
                }
            };
            tokio::select! {
                () = &mut stopped => return,
                () = waited => {}
            }
        }
    }

    /// Sends what is next. How long to wait then; None is until there is more.
    async fn step(&mut self) -> Option<Duration> {
        let next = match self.on_disk(Queue::peek).await {
            Ok(Some(next)) => next,
            Ok(None) => return None,
            Err(error) => {
                let why = format!("the queue on disk cannot be read: {error}");
                let now = now_ms();
                self.shelf.health.paused(&why, now, later(now, DISK_PAUSE));
                self.complain(why);
                return Some(DISK_PAUSE);
            }
        };
        let samples = u64::from(next.meta.samples);
        match self.send(&next).await {
            Outcome::Taken => {
                self.shelf.health.sent(samples, now_ms());
                if self.fault.take().is_some() {
                    tracing::info!(remote_write = self.config.name, "samples are taken again");
                }
            }
            Outcome::Refused(why) => {
                self.shelf.health.refused(samples, &why, now_ms());
                self.complain(format!("{samples} samples were refused and are dropped: {why}"));
            }
            Outcome::Again(why, asked) => {
                let (pause, now) = (self.backoff.wait(rand::random(), asked), now_ms());
                self.shelf.health.failed(&why, now, later(now, pause));
                self.complain(format!("samples wait on disk and are sent again: {why}"));
                return Some(pause);
            }
        }
        self.backoff = Backoff::default();
        if let Err(error) = self.on_disk(move |queue| queue.done(&next)).await {
            // It is sent again after a restart at worst.
            let why = format!("what was sent could not be noted on disk: {error}");
            self.shelf.health.wrong(&why, now_ms());
            self.complain(why);
        }
        Some(Duration::ZERO)
    }

    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Queue) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let shelf = self.shelf.clone();
        let done = tokio::task::spawn_blocking(move || {
            let done = work(&mut shelf.queue());
            shelf.tell(now_ms());
            done
        });
        done.await.map_err(io::Error::other)?
    }

    fn complain(&mut self, words: String) {
        // Numbers in it differ each time; the reason is what matters.
        let reason = words.rsplit(": ").next().unwrap_or_default().to_owned();
        if self.fault.as_ref() != Some(&reason) {
            tracing::warn!(remote_write = self.config.name, "{words}");
            self.fault = Some(reason);
        }
    }

    async fn send(&mut self, next: &Waiting) -> Outcome {
        // One that lay idle may have been closed by the other side: that is no fault, and a new one is tried at once.
        if let Some(connection) = self.connection.take()
            && let Ok(Ok((connection, answer))) = self.within(connection, next).await
        {
            return self.judge(connection, answer);
        }
        let limit = self.config.timeout();
        let opened = timeout(limit, Connection::open(&self.uri, self.config.ca.as_deref())).await;
        let connection = match opened {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => return Outcome::Again(format!("{error:#}"), None),
            Err(_) => return self.too_slow(),
        };
        match self.within(connection, next).await {
            Ok(Ok((connection, answer))) => self.judge(connection, answer),
            Ok(Err(error)) => Outcome::Again(format!("{error:#}"), None),
            Err(_) => self.too_slow(),
        }
    }

    fn too_slow(&self) -> Outcome {
        let secs = self.config.timeout_secs;
        Outcome::Again(format!("no answer within {secs} s"), None)
    }

    async fn within(
        &self,
        mut connection: Connection,
        next: &Waiting,
    ) -> Result<anyhow::Result<(Connection, Answer)>, tokio::time::error::Elapsed> {
        timeout(self.config.timeout(), async move {
            let mut request = Request::post(&self.uri).body(next.body.clone())?;
            let headers = request.headers_mut();
            for (name, value) in [
                (header::CONTENT_TYPE, "application/x-protobuf"),
                (header::CONTENT_ENCODING, "snappy"),
                (header::USER_AGENT, concat!("farol/", env!("CARGO_PKG_VERSION"))),
            ] {
                headers.insert(name, HeaderValue::from_static(value));
            }
            headers.insert(
                "x-prometheus-remote-write-version",
                HeaderValue::from_static("0.1.0"),
            );
            self.config.proof().put(headers).await?;
            let answer = connection.ask_bounded(request, MAX_ANSWER).await?;
            Ok((connection, answer))
        })
        .await
    }

    fn judge(&mut self, connection: Connection, answer: Answer) -> Outcome {
        let closes = answer
            .headers
            .get(header::CONNECTION)
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"close"));
        self.connection = (!closes).then_some(connection);
        match Verdict::of(answer.status, &answer.headers, now_ms() / 1000) {
            Verdict::Taken => Outcome::Taken,
            Verdict::Refused => Outcome::Refused(told(answer.status, &answer.body)),
            Verdict::Again(asked) => Outcome::Again(told(answer.status, &answer.body), asked),
        }
    }
}

fn later(now_ms: i64, pause: Duration) -> i64 {
    now_ms.saturating_add(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX))
}

/// What was answered, in one line.
fn told(status: StatusCode, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(4 * MAX_TOLD)]);
    let line: String = text
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .filter(|c| !c.is_control())
        .take(MAX_TOLD)
        .collect();
    match line.trim() {
        "" => format!("it answers {status}"),
        line => format!("it answers {status}, {line}"),
    }
}
