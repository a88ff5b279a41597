//! Follows a run to its end over the live protocol. Where that does not come through, it asks over REST now and then and
//! tries again, so a run is followed through a restart of the server as well as through a proxy without WebSocket.
//!
//! A piece of output is printed once: pieces have the same order in the channel, in its state and in REST.

use super::{Ended, LEFT, page, question};
use crate::{
    cli::eprint_line,
    client::{
        Client, Final, Server,
        rest::{self, Refused},
    },
};
use farol_model::{
    action::{OutputStream, Run, RunEvent},
    wire::{Push, SubscribeRequest},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    io::{IsTerminal, Write},
    time::Duration,
};

/// Between two looks over REST while nothing live comes through: from, to.
const LOOK: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// What the person wants after Ctrl-C.
enum Wish {
    Cancel,
    Leave,
}

/// Prints what it prints until it has ended.
pub async fn follow(server: &Server, id: &str) -> anyhow::Result<Run> {
    let mut follower = Follower {
        server,
        id,
        printed: 0,
    };
    let mut cancelled = false;
    loop {
        tokio::select! {
            ended = follower.until_it_ends() => return ended,
            _ = tokio::signal::ctrl_c() => {}
        }
        match wish(id, cancelled).await {
            Wish::Cancel => {
                cancelled = true;
                let path = format!("/api/v1/runs/{id}/cancel");
                match rest::post(server, &path, &json!({}), None).await {
                    Ok(_) => eprint_line("asked it to stop; following it to its end"),
                    Err(error) => eprint_line(&format!("it cannot be cancelled: {error:#}")),
                }
            }
            Wish::Leave => {
                let words = format!("left run {id}, which goes on: {}", page(server, id));
                return Err(Ended { code: LEFT, words }.into());
            }
        }
    }
}

/// Asks where somebody can answer. A second Ctrl-C, and one where nobody can, leaves.
async fn wish(id: &str, cancelled: bool) -> Wish {
    let asks = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if !asks || cancelled {
        return Wish::Leave;
    }
    let words = format!("\nRun {id} is under way. Cancel it (c), or leave it running (l)? ");
    let answer = tokio::task::spawn_blocking(move || question(&words));
    tokio::select! {
        answer = answer => match answer {
            Ok(Ok(answer)) if answer.eq_ignore_ascii_case("c") || answer.eq_ignore_ascii_case("cancel") => Wish::Cancel,
            _ => Wish::Leave,
        },
        _ = tokio::signal::ctrl_c() => Wish::Leave,
    }
}

struct Follower<'a> {
    server: &'a Server,
    id: &'a str,
    /// Pieces of output.
    printed: usize,
}

impl Follower<'_> {
    async fn until_it_ends(&mut self) -> anyhow::Result<Run> {
        let mut wait = LOOK.0;
        loop {
            let before = self.printed;
            let error = match self.live().await {
                Ok(run) => return Ok(run),
                Err(error) => error,
            };
            match self.look().await {
                Ok(Some(run)) => return Ok(run),
                Ok(None) => {}
                Err(refused)
                    if refused
                        .downcast_ref::<Refused>()
                        .is_some_and(|no| no.status < 500 && no.status != 429) =>
                {
                    return Err(refused);
                }
                Err(refused) if refused.downcast_ref::<Final>().is_some() => return Err(refused),
                Err(_) => eprint_line(&format!("{error:#}; trying again")),
            }
            if self.printed > before {
                wait = LOOK.0;
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LOOK.1);
        }
    }

    /// Over the live protocol, from its beginning: what was printed already is skipped.
    async fn live(&mut self) -> anyhow::Result<Run> {
        let mut client = Client::connect(self.server).await?;
        let request = SubscribeRequest {
            channel: format!("runs/{}", self.id),
            ..Default::default()
        };
        let result = client.subscribe(request).await?;
        let state: Held = serde_json::from_slice(&result.data).unwrap_or_default();
        // Then places cannot be counted; REST has all that is kept.
        anyhow::ensure!(state.dropped == 0, "the channel holds the beginning no more");
        let mut place = 0;
        for event in state.events {
            if let Some(run) = self.take(event, &mut place) {
                return Ok(run);
            }
        }
        loop {
            let Push {
                publication,
                unsubscribe,
                ..
            } = client.next().await?;
            if let Some(ended) = unsubscribe {
                anyhow::bail!("{}: {}", ended.code, ended.reason);
            }
            let Some(publication) = publication else { continue };
            let event = serde_json::from_slice::<RunEvent>(&publication.data);
            if let Some(run) = event.ok().and_then(|event| self.take(event, &mut place)) {
                return Ok(run);
            }
        }
    }

    /// Over REST, once. The run when it has ended.
    async fn look(&mut self) -> anyhow::Result<Option<Run>> {
        let path = format!("/api/v1/runs/{}", self.id);
        // First the run: what it had printed when it ended is in the answer to the second.
        let run: Run = serde_json::from_value(rest::get(self.server, &path).await?)?;
        let answer = rest::get(self.server, &format!("{path}/output")).await?;
        let mut place = 0;
        for piece in answer["output"].as_array().into_iter().flatten() {
            let stream = piece["stream"].as_str().and_then(OutputStream::parse);
            let text = piece["text"].as_str().unwrap_or_default().to_owned();
            if let Some(stream) = stream {
                self.take(RunEvent::Output { stream, text }, &mut place);
            }
        }
        if run.status.ended() && answer["truncated"] == Value::Bool(true) {
            eprint_line("more was printed than is kept");
        }
        Ok(run.status.ended().then_some(run))
    }

    /// Prints what is new. `place` counts pieces from the first. The run when it has ended.
    fn take(&mut self, event: RunEvent, place: &mut usize) -> Option<Run> {
        match event {
            RunEvent::Output { stream, text } => {
                *place += 1;
                if *place > self.printed {
                    self.printed = *place;
                    print(stream, &text);
                }
                None
            }
            RunEvent::Truncated { limit_bytes } => {
                eprint_line(&format!(
                    "more than {limit_bytes} bytes were printed; the rest is dropped"
                ));
                None
            }
            RunEvent::State { run } => run.status.ended().then_some(run),
        }
    }
}

/// State of the channel of a run.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Held {
    events: Vec<RunEvent>,
    /// Older ones that are held no more.
    dropped: u64,
}

/// As it came, to where it belongs. Nobody may be reading, and that stops nothing.
fn print(stream: OutputStream, text: &str) {
    let _ = match stream {
        OutputStream::Stdout => {
            let mut out = std::io::stdout().lock();
            out.write_all(text.as_bytes()).and_then(|()| out.flush())
        }
        OutputStream::Stderr => std::io::stderr().write_all(text.as_bytes()),
    };
}
