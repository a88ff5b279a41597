//! `GET /live/poll`: one JSON document, at the first publication or after 25 s.
//!
//! Without `since` the answer comes at once: state and position of each channel. With it, the answer holds what was
//! published after that position; `since` in the answer is where the next request goes on. `wait_ms` shortens the wait:
//! with 0 the answer comes at once and may hold nothing, which is plain polling.

use super::oneway::{self, Happening, Heard, Listener, Wanted};
use crate::live::{
    Live,
    door::{Refused, Visitor},
    session::{CarrierError, Outbound},
};
use axum::{
    Json, Router,
    extract::{Query, State},
    response::{IntoResponse, Response},
    routing::get,
};
use farol_model::connection::Carrier;
use futures::{Sink, sink};
use http::{StatusCode, header};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::{sync::mpsc, time::timeout};
use tokio_util::sync::CancellationToken;

/// How long a request waits for a publication at most.
const WAIT: Duration = Duration::from_secs(25);

/// What this carrier asks for beside what all one-way carriers do.
#[derive(Deserialize)]
struct Patience {
    /// Milliseconds; more than [`WAIT`] is as much as that.
    wait_ms: Option<u64>,
}

/// The document.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PollAnswer")]
pub struct Answer {
    /// Where the next request goes on.
    since: String,
    events: Vec<Happening>,
}

/// What one message of the session brought, and whether all subscriptions have been answered.
type Brought = (Vec<Heard>, bool);

pub(super) fn routes() -> Router<Live> {
    Router::new().route("/live/poll", get(poll))
}

async fn poll(
    State(live): State<Live>,
    visitor: Visitor,
    Query(wanted): Query<Wanted>,
    Query(patience): Query<Patience>,
) -> Result<Response, Refused> {
    let (heard, hearing) = mpsc::channel(1);
    let gone = CancellationToken::new();
    // Ends the session with this request, whatever ends it.
    let _guard = gone.clone().drop_guard();
    let since = wanted.since.as_deref();
    oneway::listen(&live, visitor, &wanted, since, Carrier::LongPoll, |listener| {
        (collector(listener, heard), gone)
    })?;
    let mut hearing = Hearing::new(hearing);
    let wait = async {
        hearing.until(|hearing| hearing.complete).await;
        let enough = |hearing: &Hearing| since.is_none() || hearing.answer.events.iter().any(is_news);
        let wait = patience.wait_ms.map_or(WAIT, Duration::from_millis);
        let _ = timeout(wait, hearing.until(enough)).await;
    };
    let _ = timeout(WAIT, wait).await;
    let Hearing {
        mut answer, complete, ..
    } = hearing;
    if !complete && answer.events.is_empty() {
        let message = "The channels did not answer in time. Try again in a moment.";
        return Err(Refused::new(StatusCode::SERVICE_UNAVAILABLE, message));
    }
    // Who was here before knows that it is subscribed.
    let silent = |event: &Happening| {
        matches!(
            event,
            Happening::Ping | Happening::Subscribed { recovered: true, .. }
        )
    };
    answer.events.retain(|event| !silent(event));
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}

/// The answer while it grows.
struct Hearing {
    brought: mpsc::Receiver<Brought>,
    answer: Answer,
    /// All subscriptions have been answered.
    complete: bool,
}

impl Hearing {
    fn new(brought: mpsc::Receiver<Brought>) -> Self {
        let answer = Answer {
            since: String::new(),
            events: Vec::new(),
        };
        Hearing {
            brought,
            answer,
            complete: false,
        }
    }

    /// Takes what comes until there is enough, or until the session has ended.
    async fn until(&mut self, enough: impl Fn(&Hearing) -> bool) {
        while !enough(self) {
            let Some((heard, complete)) = self.brought.recv().await else {
                return;
            };
            self.complete |= complete;
            for Heard { happening, position } in heard {
                self.answer.since = position;
                self.answer.events.push(happening);
            }
        }
    }
}

/// Whether it is worth an answer to somebody who said where to go on: the state of a channel without positions is not,
/// because it comes with every request.
fn is_news(event: &Happening) -> bool {
    match event {
        Happening::Subscribed { lost, .. } => *lost,
        Happening::Ping => false,
        Happening::Publication { .. } | Happening::Unsubscribed { .. } | Happening::Disconnected { .. } => {
            true
        }
    }
}

fn collector(
    listener: Listener,
    heard: mpsc::Sender<Brought>,
) -> impl Sink<Outbound, Error = CarrierError> + Unpin + Send {
    Box::pin(sink::unfold(
        (listener, heard),
        async |(mut listener, heard), outbound| {
            if let Outbound::Message(message) = outbound {
                let brought = (listener.hear(&message)?, listener.awaited == 0);
                heard.send(brought).await.map_err(|_| CarrierError::Broken)?;
            }
            Ok((listener, heard))
        },
    ))
}
