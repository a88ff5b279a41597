//! The log of one container, read while somebody listens to its channel `logs/container/ID`.
//!
//! It begins with the last [`TAIL_LINES`] lines and goes on. When the container stops, that is said, and it goes on when it runs
//! again. Nobody listens for [`PATIENCE`]: it ends. A container that prints faster than [`BYTES_PER_SECOND`] is read on, so that
//! what is shown is of now; what was left out is counted and said.

use super::{Containers, client::Client, error::EngineError, frames::Decoder, short, wire::Inspect};
use crate::{live::logs::Source, time::now_ms};
use farol_model::{Fault, action::OutputStream};
use futures::{Stream, StreamExt, stream::unfold};
use std::{
    io,
    time::{Duration, Instant},
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Logs that are followed at a time.
pub const MAX_LOGS: usize = 16;
/// Lines from before.
const TAIL_LINES: u32 = 200;
/// Bytes that are passed on per second and log at most.
const BYTES_PER_SECOND: usize = 256 * 1024;
/// What comes within this time is passed on together.
const GATHER: Duration = Duration::from_millis(100);
/// How long nobody may listen.
const PATIENCE: Duration = Duration::from_secs(10);
/// Distance of the looks whether a container runs again, and whether somebody listens.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What a file of a log holds at most: so many of the last lines, and so many bytes of them.
const FILE_LINES: u32 = 10_000;
const FILE_BYTES: usize = 10 * 1024 * 1024;

/// The kind of these logs in names of channels.
pub const KIND: &str = "container";

impl Source for Containers {
    fn kind(&self) -> &'static str {
        KIND
    }

    /// `name` is what the container's id begins with.
    fn begin(&self, name: &str) -> Result<(), Fault> {
        let mut state = self.state();
        let client = state.client.clone().ok_or(EngineError::NoEngine)?;
        let found = state.entries.keys().find(|id| short(id) == name);
        let id = found.cloned().ok_or(EngineError::NoContainer)?;
        let channel = format!("logs/{KIND}/{name}");
        if state.logs.contains(&channel) {
            return Ok(());
        }
        if state.logs.len() >= MAX_LOGS {
            let message =
                format!("{MAX_LOGS} logs are followed already. Close one of them, or wait a little.");
            return Err(Fault::limited(message, 10));
        }
        state.logs.insert(channel.clone());
        drop(state);
        self.inner.outlet.log_opened(&channel);
        self.inner.tasks.spawn(self.clone().follow(client, id, channel));
        Ok(())
    }
}

impl Containers {
    async fn follow(self, client: Client, id: String, channel: String) {
        let shutdown = self.inner.shutdown.clone();
        let log = Log {
            containers: self.clone(),
            channel: channel.clone(),
            second: Instant::now(),
            passed: 0,
            left_out: 0,
            run: String::new(),
            heard_ms: 0,
        };
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = self.unheard(&channel) => {}
            () = log.read_on(&client, &id) => {}
        }
        self.inner.outlet.log_closed(&channel);
        self.state().logs.remove(&channel);
    }

    /// The last lines of a log for a file, piece by piece as the engine gives them.
    pub async fn log_text(&self, id: &str) -> Result<impl Stream<Item = io::Result<String>> + use<>, Fault> {
        let client = self.client_for(id)?;
        let inspect: Inspect = client.json(&format!("/containers/{id}/json")).await?;
        let path = format!("/containers/{id}/logs?stdout=1&stderr=1&tail={FILE_LINES}");
        let bytes = client.stream(&path).await?;
        let begun = (Some(bytes), Decoder::new(inspect.config.tty), 0_usize);
        Ok(unfold(begun, |(bytes, mut decoder, sent)| async move {
            let mut bytes = bytes?;
            if sent > FILE_BYTES {
                let mib = FILE_BYTES / 1024 / 1024;
                let text = format!("\n[cut: a file holds {mib} MiB]\n");
                return Some((Ok(text), (None, decoder, sent)));
            }
            let chunk = bytes.next().await?;
            let texts = chunk
                .map_err(|_| io::ErrorKind::ConnectionAborted.into())
                .and_then(|chunk| {
                    decoder
                        .push(&chunk)
                        .map_err(|_| io::ErrorKind::InvalidData.into())
                });
            Some(match texts {
                Ok(texts) => {
                    let text: String = texts.into_iter().map(|(_, text)| text).collect();
                    let sent = sent + text.len();
                    (Ok(text), (Some(bytes), decoder, sent))
                }
                Err(error) => (Err(error), (None, decoder, sent)),
            })
        }))
    }

    /// Returns when nobody has listened for a while.
    async fn unheard(&self, channel: &str) {
        let mut heard = Instant::now();
        while heard.elapsed() < PATIENCE {
            tokio::time::sleep(LOOK_EVERY).await;
            if self.inner.outlet.log_heard(channel) {
                heard = Instant::now();
            }
        }
    }
}

struct Log {
    containers: Containers,
    channel: String,
    /// The second that is counted, what was passed on in it, and what was left out.
    second: Instant,
    passed: usize,
    left_out: usize,
    /// The run of the container that was read last, by its start, and when something of it came last, milliseconds.
    run: String,
    heard_ms: i64,
}

impl Log {
    /// One run of the container after the other, until it is gone.
    async fn read_on(mut self, client: &Client, id: &str) {
        let mut from = format!("tail={TAIL_LINES}");
        loop {
            match self.read_run(client, id, &from).await {
                Ok(()) => {}
                Err(EngineError::Refused { status: 404, .. }) => {
                    return self.note("The container was removed.");
                }
                Err(error) => self.note(&format!("The log cannot be read: {error}.")),
            }
            let Some(since) = self.next_run(client, id).await else {
                return self.note("The container was removed.");
            };
            from = format!("since={since}");
        }
    }

    /// Until the container stops, or the log cannot be read any more.
    async fn read_run(&mut self, client: &Client, id: &str, from: &str) -> Result<(), EngineError> {
        let inspect: Inspect = client.json(&format!("/containers/{id}/json")).await?;
        let mut decoder = Decoder::new(inspect.config.tty);
        self.run = inspect.state.started_at;
        let path = format!("/containers/{id}/logs?follow=1&stdout=1&stderr=1&{from}");
        let mut stream = client.stream(&path).await?;
        let mut pieces: Vec<(OutputStream, String)> = Vec::new();
        let mut gathered = tokio::time::interval(GATHER);
        loop {
            tokio::select! {
                _ = gathered.tick() => self.pass_on(&mut pieces),
                chunk = stream.next() => match chunk {
                    Some(Ok(chunk)) => {
                        self.heard_ms = now_ms();
                        let texts = decoder.push(&chunk).map_err(|_| EngineError::OtherLanguage)?;
                        for (stream, text) in texts {
                            self.gather(&mut pieces, stream, text);
                        }
                    }
                    Some(Err(_)) => {
                        self.pass_on(&mut pieces);
                        return Err(EngineError::BrokeOff);
                    }
                    None => {
                        self.pass_on(&mut pieces);
                        self.note("The container does not run. Its log goes on here when it is started.");
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Waits until it runs again, and says since when, as seconds since the epoch; None when it is gone.
    async fn next_run(&self, client: &Client, id: &str) -> Option<String> {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            match self.containers.one(id) {
                Some(row) if row.is_up() => {}
                Some(_) => continue,
                None => return None,
            }
            if let Ok(inspect) = client.json::<Inspect>(&format!("/containers/{id}/json")).await
                && inspect.state.running
            {
                // The same run: only the connection was lost.
                if inspect.state.started_at == self.run && self.heard_ms > 0 {
                    return Some(format!("{}.{:03}", self.heard_ms / 1000, self.heard_ms % 1000));
                }
                let Ok(started) = OffsetDateTime::parse(&inspect.state.started_at, &Rfc3339) else {
                    return None;
                };
                return Some(format!(
                    "{}.{:09}",
                    started.unix_timestamp(),
                    started.nanosecond()
                ));
            }
        }
    }

    /// Adds to what waits, or counts what is too much for this second.
    fn gather(&mut self, pieces: &mut Vec<(OutputStream, String)>, stream: OutputStream, text: String) {
        if self.second.elapsed() >= Duration::from_secs(1) {
            self.second = Instant::now();
            self.passed = 0;
            let left_out = std::mem::take(&mut self.left_out);
            if left_out > 0 {
                let kib = left_out.div_ceil(1024);
                let text = format!("\n[{kib} KiB were left out: it prints faster than Farol passes on]\n");
                pieces.push((OutputStream::Stderr, text));
            }
        }
        if self.passed + text.len() > BYTES_PER_SECOND {
            self.left_out += text.len();
            return;
        }
        self.passed += text.len();
        match pieces.last_mut() {
            Some((last, before)) if *last == stream => before.push_str(&text),
            _ => pieces.push((stream, text)),
        }
    }

    fn pass_on(&self, pieces: &mut Vec<(OutputStream, String)>) {
        for (stream, text) in pieces.drain(..) {
            self.containers.inner.outlet.log(&self.channel, stream, text);
        }
    }

    /// Something that the log itself does not say.
    fn note(&self, words: &str) {
        let text = format!("[{words}]\n");
        self.containers
            .inner
            .outlet
            .log(&self.channel, OutputStream::Stderr, text);
    }
}

/// The channel of a container's log.
pub fn log_channel(id: &str) -> String {
    format!("logs/{KIND}/{}", short(id))
}
