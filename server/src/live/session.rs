//! One connection, from connect to goodbye, over any carrier that takes and gives messages of bytes.
//!
//! Three things run side by side in one task: the reader, which takes commands in order and watches the clock (stale,
//! ping, pong); the writer, which drains the outbox and watches progress; and the wait for an end from outside (sign-out,
//! a full queue, shutdown). The first to finish decides the reason; then the connection says goodbye. What a command
//! means is in [`super::commands`].

use super::{
    Identity, Live,
    commands::Commands,
    limits::LiveLimits,
    outbox::{Kill, Outbox},
    registry::Seat,
};
use bytes::Bytes;
use farol_model::wire::{DisconnectPush, Encoding, Push, Reply, codec, codes::Disconnect};
use futures::{Sink, SinkExt, Stream, StreamExt};
use std::{pin::pin, time::Duration};
use tokio::time::{Instant, sleep, sleep_until, timeout};

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
    /// Too large, of the wrong kind, or not what the carrier asks for.
    #[error("the message breaks the rules of the carrier")]
    Refused,
    #[error("the connection is broken")]
    Broken,
}

/// Who is at the other end, as far as the carrier knows.
#[derive(Debug)]
pub struct Peer {
    /// Told to rpc, for the audit log.
    pub address: String,
    /// The place that the registry gave.
    pub seat: Seat,
    /// Proven before the connection stood; otherwise the connect command must bring a token.
    pub identity: Option<Identity>,
    pub encoding: Encoding,
}

/// A write may take `write_stall` for each chunk of it, but not longer than this many times.
const MAX_STALL_CHUNKS: usize = 6;

/// Serves one connection to its end and returns the reason of it.
pub async fn run<Si, St>(live: Live, peer: Peer, mut sink: Si, mut stream: St) -> Disconnect
where
    Si: Sink<Outbound, Error = CarrierError> + Unpin + Send,
    St: Stream<Item = Result<Bytes, CarrierError>> + Unpin + Send,
{
    let limits = live.limits.clone();
    let outbox = Outbox::new(peer.encoding, limits.queue_bytes, peer.seat.kill.clone());
    let kill: std::sync::Arc<Kill> = peer.seat.kill.clone();
    let shutdown = live.shutdown.clone();
    let mut commands = Commands::new(live, peer, outbox.clone());
    let reason = tokio::select! {
        biased;
        reason = kill.ended() => reason,
        reason = drained(&shutdown, limits.drain_spread) => reason,
        reason = write(&outbox, &mut sink, &limits) => reason,
        reason = read(&mut commands, &mut stream, &outbox, &limits) => reason,
    };
    commands.leave_all();
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
        outbox.ready().await;
        // Channels of one tick are born within moments; they leave together. Replies do not wait.
        tokio::select! {
            biased;
            () = outbox.urgent() => {}
            () = sleep(limits.coalesce) => {}
        }
        while let Some(message) = outbox.take(limits.write_chunk_bytes) {
            let size = message.len();
            let chunks = size.div_ceil(limits.write_chunk_bytes).clamp(1, MAX_STALL_CHUNKS);
            let allowed = limits
                .write_stall
                .saturating_mul(u32::try_from(chunks).unwrap_or(1));
            match timeout(allowed, sink.send(Outbound::Message(message))).await {
                Ok(Ok(())) => metrics::counter!("farol_live_bytes_sent_total").increment(size as u64),
                Ok(Err(_)) => return Disconnect::WRITE_ERROR,
                Err(_) => return Disconnect::SLOW,
            }
        }
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
            () = sleep_until(clock.due()) => {
                match clock.strike(limits) {
                    Strike::Ping => outbox.control(&Reply::default()),
                    Strike::End(reason) => return reason,
                }
                continue;
            }
        };
        let message = match message {
            Some(Ok(message)) => message,
            Some(Err(CarrierError::Refused)) => return Disconnect::BAD_REQUEST,
            Some(Err(CarrierError::Broken)) | None => return Disconnect::CONNECTION_CLOSED,
        };
        clock.sign_of_life();
        if let Err(reason) = commands.message(&message).await {
            return reason;
        }
        if commands.connected() {
            clock.connected(limits);
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
        pong_by: Option<Instant>,
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

    fn due(&self) -> Instant {
        match self {
            Clock::Connecting { by } => *by,
            Clock::Connected { ping_at, pong_by } => {
                pong_by.map_or(*ping_at, |pong_by| pong_by.min(*ping_at))
            }
        }
    }

    fn strike(&mut self, limits: &LiveLimits) -> Strike {
        match self {
            Clock::Connecting { .. } => Strike::End(Disconnect::STALE),
            Clock::Connected { ping_at, pong_by } => {
                let now = Instant::now();
                if pong_by.is_some_and(|pong_by| pong_by <= now) {
                    return Strike::End(Disconnect::NO_PONG);
                }
                *ping_at = now + limits.ping_interval;
                pong_by.get_or_insert(now + limits.pong_timeout);
                Strike::Ping
            }
        }
    }

    fn sign_of_life(&mut self) {
        if let Clock::Connected { pong_by, .. } = self {
            *pong_by = None;
        }
    }

    fn connected(&mut self, limits: &LiveLimits) {
        if let Clock::Connecting { .. } = self {
            *self = Clock::Connected {
                ping_at: Instant::now() + limits.ping_interval,
                pong_by: None,
            };
        }
    }
}

/// The replies that wait, the reason, the close; then the peer's own close, so that ours is not lost in a reset.
async fn farewell<Si, St>(outbox: &Outbox, sink: &mut Si, stream: &mut St, reason: Disconnect)
where
    Si: Sink<Outbound, Error = CarrierError> + Unpin,
    St: Stream<Item = Result<Bytes, CarrierError>> + Unpin,
{
    let mut frames = outbox.take_control();
    let push = Push {
        disconnect: Some(DisconnectPush {
            code: u32::from(reason.code),
            reason: reason.reason.to_owned(),
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
