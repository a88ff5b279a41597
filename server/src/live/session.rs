//! One connection, from connect to goodbye, over any carrier that takes and gives messages of bytes.
//!
//! Three things run side by side in one task: the reader, which takes commands in order and watches the clock (stale,
//! ping, pong); the writer, which writes what the flusher does not and watches progress; and the wait for an end from
//! outside (sign-out, a full queue, shutdown). The first to finish decides the reason; then the connection says goodbye.
//! What a command means is in [`super::commands`], who writes when in [`super::outbox`].

use super::{
    Identity, Live, commands::Commands, flusher::Express, limits::LiveLimits, outbox::Outbox, registry::Seat,
};
use bytes::Bytes;
use farol_model::wire::{DisconnectPush, Push, Reply, codec, codes::Disconnect};
use futures::{Sink, SinkExt, Stream, StreamExt};
use std::{pin::pin, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tracing::Instrument as _;

/// What a session writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outbound {
    Message(Bytes),
    /// The last thing written.
    Close(Disconnect),
}

/// What may come instead of a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CarrierError {
    /// Too large, of the wrong kind, or not what the carrier asks for; the code and words are the carrier's own.
    #[error("the message breaks the rules of the carrier: {}", .0.reason)]
    Refused(Disconnect),
    #[error("the connection is broken")]
    Broken,
}

/// Who is at the other end, as far as the carrier knows.
#[derive(Debug)]
pub struct Peer {
    /// The place that the registry gave.
    pub seat: Seat,
    /// Proven before the connection stood; otherwise the connect command must bring a token.
    pub identity: Option<Arc<Identity>>,
    /// Set when commands come by requests of their own.
    pub emulated: Option<Emulated>,
    /// The carrier's way around this task, if it has one. It writes to the same place as the sink.
    pub express: Option<Arc<dyn Express>>,
}

/// What later commands name a connection by, told in the connect result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emulated {
    /// This process.
    pub node: String,
    /// A secret of the connection.
    pub session: String,
}

/// A write may take `write_stall` for each chunk of it, but not longer than this many times.
const MAX_STALL_CHUNKS: usize = 6;

/// Serves one connection to its end and returns the reason of it. All that is logged on the way stands in a span
/// `live_connection`, which costs nothing where nobody asked for it. (No `async fn`: that would hold all of this twice.)
pub fn run<Si, St>(live: Live, peer: Peer, sink: Si, stream: St) -> impl Future<Output = Disconnect> + Send
where
    Si: Sink<Outbound, Error = CarrierError> + Unpin + Send,
    St: Stream<Item = Result<Bytes, CarrierError>> + Unpin + Send,
{
    let client = &peer.seat.client;
    let span = tracing::debug_span!(
        "live_connection",
        client = client.name(),
        carrier = client.carrier.as_str(),
        // Told by the connect command.
        user = tracing::field::Empty,
        address = %client.address,
    );
    serve(live, peer, sink, stream).instrument(span)
}

async fn serve<Si, St>(live: Live, peer: Peer, mut sink: Si, mut stream: St) -> Disconnect
where
    Si: Sink<Outbound, Error = CarrierError> + Unpin + Send,
    St: Stream<Item = Result<Bytes, CarrierError>> + Unpin + Send,
{
    let limits = live.limits.clone();
    let client = peer.seat.client.clone();
    let outbox = Outbox::new(
        client.clone(),
        limits.queue_bytes,
        live.flusher.clone(),
        peer.express.clone(),
    );
    let shutdown = live.shutdown.clone();
    let mut commands = Commands::new(live, peer, outbox.clone());
    let reason = tokio::select! {
        biased;
        reason = client.kill.ended() => reason,
        reason = drained(&shutdown, limits.drain_spread) => reason,
        reason = write(&outbox, &mut sink, &limits) => reason,
        reason = read(&mut commands, &mut stream, &outbox, &limits) => reason,
    };
    commands.leave_all();
    tracing::debug!(
        code = reason.code,
        reason = reason.reason,
        "a live connection ends"
    );
    metrics::counter!("farol_live_disconnects_total", "code" => reason.code.to_string()).increment(1);
    // Nobody may be there to hear it; then the time runs out.
    let goodbye = async {
        match reason {
            Disconnect::CONNECTION_CLOSED => drop(sink.close().await),
            reason => farewell(&outbox, &mut sink, &mut stream, reason).await,
        }
    };
    let _ = timeout(limits.farewell, goodbye).await;
    reason
}

/// The shutdown, at a random moment of its time so that not all come back to the next server at once.
async fn drained(shutdown: &tokio_util::sync::CancellationToken, spread: Duration) -> Disconnect {
    shutdown.cancelled().await;
    sleep(spread.mul_f64(rand::random::<f64>())).await;
    Disconnect::SHUTDOWN
}

async fn write<Si>(outbox: &Outbox, sink: &mut Si, limits: &LiveLimits) -> Disconnect
where
    Si: Sink<Outbound, Error = CarrierError> + Unpin,
{
    loop {
        outbox.turn().await;
        // What the flusher left behind comes first.
        let mut written = timed(limits, 1, sink.flush()).await;
        while written.is_ok()
            && let Some(message) = outbox.next()
        {
            let chunks = message.len().div_ceil(limits.write_chunk_bytes);
            written = timed(limits, chunks, sink.send(Outbound::Message(message))).await;
        }
        if let Err(reason) = written {
            return reason;
        }
    }
}

/// A write of so many chunks, with the time that it may take.
async fn timed(
    limits: &LiveLimits,
    chunks: usize,
    write: impl Future<Output = Result<(), CarrierError>>,
) -> Result<(), Disconnect> {
    let chunks = u32::try_from(chunks.clamp(1, MAX_STALL_CHUNKS)).unwrap_or(1);
    match timeout(limits.write_stall.saturating_mul(chunks), write).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(Disconnect::WRITE_ERROR),
        Err(_) => Err(Disconnect::SLOW),
    }
}

async fn read<St>(
    commands: &mut Commands,
    stream: &mut St,
    outbox: &Outbox,
    limits: &LiveLimits,
) -> Disconnect
where
    St: Stream<Item = Result<Bytes, CarrierError>> + Unpin,
{
    let mut clock = Clock::new(limits);
    loop {
        // In this order: what has already arrived counts as a sign of life before the clock is asked.
        let message = tokio::select! {
            biased;
            message = stream.next() => message,
            () = sleep_until(clock.due(limits)) => {
                match clock.strike(limits) {
                    Strike::Ping => outbox.control(&Reply::default()),
                    Strike::End(reason) => return reason,
                }
                continue;
            }
        };
        let message = match message {
            Some(Ok(message)) => message,
            Some(Err(CarrierError::Refused(reason))) => return reason,
            Some(Err(CarrierError::Broken)) | None => return Disconnect::CONNECTION_CLOSED,
        };
        outbox.received(&message, clock.sign_of_life());
        // Boxed, so that a connection that says nothing does not hold the room that commands need.
        if let Err(reason) = Box::pin(commands.message(&message)).await {
            return reason;
        }
        if commands.connected() && clock.connected(limits) {
            outbox.set_inbound_limit(limits.frame_bytes);
        }
    }
}

/// What a connection is late for.
enum Clock {
    Connecting {
        by: Instant,
    },
    Connected {
        ping_at: Instant,
        /// When the ping was sent that has no answer yet.
        pinged: Option<Instant>,
    },
}

enum Strike {
    Ping,
    End(Disconnect),
}

impl Clock {
    fn new(limits: &LiveLimits) -> Self {
        Clock::Connecting {
            by: Instant::now() + limits.connect_timeout,
        }
    }

    fn due(&self, limits: &LiveLimits) -> Instant {
        match self {
            Clock::Connecting { by } => *by,
            Clock::Connected { ping_at, pinged } => {
                pinged.map_or(*ping_at, |pinged| (pinged + limits.pong_timeout).min(*ping_at))
            }
        }
    }

    fn strike(&mut self, limits: &LiveLimits) -> Strike {
        match self {
            Clock::Connecting { .. } => Strike::End(Disconnect::STALE),
            Clock::Connected { ping_at, pinged } => {
                let now = Instant::now();
                if pinged.is_some_and(|pinged| pinged + limits.pong_timeout <= now) {
                    return Strike::End(Disconnect::NO_PONG);
                }
                *ping_at = now + limits.ping_interval;
                pinged.get_or_insert(now);
                Strike::Ping
            }
        }
    }

    /// How long the answer to a ping took, if one was due.
    fn sign_of_life(&mut self) -> Option<Duration> {
        match self {
            Clock::Connected { pinged, .. } => pinged.take().map(|pinged| pinged.elapsed()),
            Clock::Connecting { .. } => None,
        }
    }

    /// Starts the pings. False when they were started before.
    fn connected(&mut self, limits: &LiveLimits) -> bool {
        let first = matches!(self, Clock::Connecting { .. });
        if first {
            *self = Clock::Connected {
                ping_at: Instant::now() + limits.ping_interval,
                pinged: None,
            };
        }
        first
    }
}

/// The replies that wait, the reason, the close; then the peer's own close, so that ours is not lost in a reset.
async fn farewell<Si, St>(outbox: &Outbox, sink: &mut Si, stream: &mut St, reason: Disconnect)
where
    Si: Sink<Outbound, Error = CarrierError> + Unpin,
    St: Stream<Item = Result<Bytes, CarrierError>> + Unpin,
{
    let mut frames = outbox.take_control();
    if reason.is_of_carrier() {
        // The carrier's own code says it all; what else is sent might not be understood.
        if sink.send(Outbound::Close(reason)).await.is_ok() {
            while let Some(Ok(_)) = stream.next().await {}
        }
        return;
    }
    let push = Push {
        disconnect: Some(DisconnectPush {
            code: u32::from(reason.code),
            reason: outbox.client.kill.words(reason).to_owned(),
            reconnect: Disconnect::reconnect(reason.code),
        }),
        ..Default::default()
    };
    let reply = Reply {
        push: Some(push),
        ..Default::default()
    };
    frames.push(codec::encode_reply(outbox.encoding(), &reply));
    let message = codec::join(outbox.encoding(), &frames);
    if sink.send(Outbound::Message(message)).await.is_err()
        || sink.send(Outbound::Close(reason)).await.is_err()
    {
        return;
    }
    let mut rest = pin!(stream);
    while let Some(Ok(_)) = rest.next().await {}
}

#[cfg(test)]
#[path = "session_tests/mod.rs"]
mod tests;
