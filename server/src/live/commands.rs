//! What each command of a connection means, and whether its sender may.
//!
//! | file | owns |
//! |---|---|
//! | [`identify`] | connect, refresh: who it is, and whether that still holds |
//! | [`subscriptions`] | subscribe, unsubscribe, sub_refresh; the channels of the connection |
//! | [`look`] | history, presence, presence_stats |
//! | [`act`] | rpc, publish, send |
//! | [`trace`] | what a log says of a command |
//!
//! Commands are taken one after the other; only rpc runs beside them. A command is either answered (with a result or an
//! error) or it ends the connection. Every command asks the role again; connect, resuming subscribes, rpc, publish and
//! looks ask the gate again.

mod act;
mod identify;
mod look;
mod subscriptions;
mod trace;

use super::{
    Identity, Live,
    channel::Channel,
    outbox::Outbox,
    registry::Seat,
    session::{Emulated, Peer},
    throttle::Bucket,
};
use farol_model::{
    Fault, FaultCode,
    channel::Channel as ChannelName,
    wire::{
        Command, Error, PingResult, Reply, codec,
        codes::{Disconnect, error},
    },
};
use std::{sync::Arc, time::Instant};
use subscriptions::Subscriptions;
use tokio::{sync::Semaphore, time::timeout};
use tracing::{Instrument as _, Span};

pub use identify::{NUMBERED_CLIENT, SERVER_VERSION};

/// The commands of one connection and what they have built up.
pub struct Commands {
    live: Live,
    seat: Seat,
    outbox: Arc<Outbox>,
    /// Proven before the connection stood, until connect takes it.
    proven: Option<Arc<Identity>>,
    /// Set by connect.
    identity: Option<Arc<Identity>>,
    subscriptions: Arc<Subscriptions>,
    bucket: Bucket,
    rpcs: Arc<Semaphore>,
    emulated: Option<Emulated>,
    /// Of the connection.
    span: Span,
}

/// Why a command has no result.
#[derive(Debug)]
enum Stop {
    /// It is answered with an error.
    Refused(Error),
    /// The connection ends.
    Ended(Disconnect),
}

type Answer<T> = Result<T, Stop>;

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop::Refused(error)
    }
}

impl From<Disconnect> for Stop {
    fn from(reason: Disconnect) -> Self {
        Stop::Ended(reason)
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Stop::Refused(Error::from(&fault))
    }
}

impl Commands {
    pub fn new(live: Live, peer: Peer, outbox: Arc<Outbox>) -> Self {
        let limits = &live.limits;
        let bucket = Bucket::new(
            limits.commands_per_second,
            limits.command_burst,
            limits.channels as f64,
            Instant::now(),
        );
        let rpcs = Arc::new(Semaphore::new(limits.rpcs_in_flight));
        Commands {
            subscriptions: Subscriptions::new(outbox.clone()),
            live,
            seat: peer.seat,
            outbox,
            proven: peer.identity,
            identity: None,
            bucket,
            rpcs,
            emulated: peer.emulated,
            span: Span::current(),
        }
    }

    pub fn connected(&self) -> bool {
        self.identity.is_some()
    }

    /// Takes one carrier message.
    pub async fn message(&mut self, message: &[u8]) -> Result<(), Disconnect> {
        let limit = match self.connected() {
            true => self.live.limits.frame_bytes,
            false => self.live.limits.frame_bytes_before_connect,
        };
        if message.len() > limit {
            return Err(Disconnect::TOO_BIG);
        }
        let commands = codec::decode_commands(self.outbox.encoding(), message).map_err(|error| {
            tracing::debug!(%error, peer = %self.seat.client.address, "a message that is not of the protocol");
            Disconnect::BAD_REQUEST
        })?;
        // A message without commands costs as much as one with one.
        if commands.is_empty() && !self.bucket.take(Instant::now()) {
            return Err(Disconnect::TOO_MANY_REQUESTS);
        }
        for command in commands {
            if !self.bucket.take(Instant::now()) {
                return Err(Disconnect::TOO_MANY_REQUESTS);
            }
            self.outbox.room().await;
            self.command(command).await?;
        }
        Ok(())
    }

    /// Takes this connection out of all channels.
    pub fn leave_all(&self) {
        self.subscriptions.end();
    }

    async fn command(&mut self, command: Command) -> Result<(), Disconnect> {
        let id = command.id;
        match requests(&command) {
            // The answer to a ping.
            0 if id == 0 => return Ok(()),
            0 | 1 => {}
            _ => return Err(Disconnect::BAD_REQUEST),
        }
        if id == 0 && command.send.is_none() {
            return Err(Disconnect::BAD_REQUEST);
        }
        let span = trace::span(&command);
        match self.answer(command).instrument(span).await {
            Ok(Some(reply)) => self.outbox.control(&Reply { id, ..reply }),
            Ok(None) => {}
            Err(Stop::Refused(error)) => self.refuse(id, error),
            Err(Stop::Ended(reason)) => return Err(reason),
        }
        Ok(())
    }

    /// The reply, without its id; None when it has been queued, or will be, or there is none.
    async fn answer(&mut self, command: Command) -> Answer<Option<Reply>> {
        let id = command.id;
        if let Some(request) = command.connect {
            return self.connect(id, request).await.map(|()| None);
        }
        let Some(identity) = self.identity.clone() else {
            return Err(Disconnect::BAD_REQUEST.into());
        };
        let mut reply = Reply::default();
        if let Some(request) = command.subscribe {
            return self.subscribe(id, &identity, &request).await.map(|()| None);
        } else if let Some(request) = command.unsubscribe {
            reply.unsubscribe = Some(self.subscriptions.unsubscribe(&request.channel));
        } else if let Some(request) = command.sub_refresh {
            reply.sub_refresh = Some(self.sub_refresh(&identity, &request).await?);
        } else if let Some(request) = command.history {
            reply.history = Some(self.history(&identity, &request).await?);
        } else if let Some(request) = command.presence {
            reply.presence = Some(self.presence(&identity, &request.channel).await?);
        } else if let Some(request) = command.presence_stats {
            reply.presence_stats = Some(self.presence_stats(&identity, &request.channel).await?);
        } else if let Some(request) = command.publish {
            reply.publish = Some(self.publish(&identity, request).await?);
        } else if let Some(request) = command.rpc {
            return self.rpc(id, identity, request).map(|()| None);
        } else if let Some(request) = command.send {
            self.send(&request.data);
            return Ok(None);
        } else if let Some(request) = command.refresh {
            reply.refresh = Some(self.refresh(&identity, &request).await?);
        } else if command.ping.is_some() {
            reply.ping = Some(PingResult {});
        } else {
            let message = "This server does not know this command.";
            return Err(refusal(error::METHOD_NOT_FOUND, message, false).into());
        }
        Ok(Some(reply))
    }

    /// The channel of this name, when the identity holds and may look into it.
    async fn may_look(&mut self, identity: &Arc<Identity>, channel: &str) -> Answer<Arc<Channel>> {
        let identity = self.recheck(identity).await?;
        let name = parse(channel)?;
        identity.viewer.require(name.permission())?;
        Ok(existing(&self.live, channel, &name)?)
    }

    /// Asks the gate whether the identity still holds, and takes the role it has now.
    async fn recheck(&mut self, identity: &Arc<Identity>) -> Answer<Arc<Identity>> {
        let Some(now) = self.gate(self.live.gate.recheck(identity)).await? else {
            return Err(Disconnect::SIGNED_OUT.into());
        };
        let now = match now == **identity {
            true => identity.clone(),
            false => Arc::new(now),
        };
        if self.connected() {
            self.identity = Some(now.clone());
        }
        Ok(now)
    }

    /// An answer of the gate within its time, or a refusal that advises to try again.
    async fn gate<T>(&self, answer: impl Future<Output = Result<T, Fault>>) -> Result<T, Error> {
        let fault = match timeout(self.live.limits.gate_timeout, answer).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(fault)) => fault,
            Err(_) => {
                tracing::warn!("the check of a live connection took too long");
                Fault::internal()
            }
        };
        let temporary = matches!(
            fault.code,
            FaultCode::Internal | FaultCode::Unavailable | FaultCode::Limited
        );
        Err(refusal(fault.code.live_code(), fault.message, temporary))
    }

    fn refuse(&self, id: u32, error: Error) {
        self.outbox.control(&Reply {
            id,
            error: Some(error),
            ..Default::default()
        });
    }
}

/// The channel, or why it is not there and whether it may come.
fn existing(live: &Live, channel: &str, name: &ChannelName) -> Result<Arc<Channel>, Error> {
    live.hub.channel(channel).ok_or_else(|| gone(live, channel, name))
}

fn gone(live: &Live, channel: &str, name: &ChannelName) -> Error {
    let message = format!("There is no channel `{channel}` now.");
    refusal(error::UNKNOWN_CHANNEL, message, live.hub.may_come(name))
}

fn parse(channel: &str) -> Result<ChannelName, Error> {
    ChannelName::parse(channel)
        .ok_or_else(|| refusal(error::UNKNOWN_CHANNEL, "There is no such channel.", false))
}

/// Requests that a command holds.
fn requests(command: &Command) -> usize {
    [
        command.connect.is_some(),
        command.subscribe.is_some(),
        command.unsubscribe.is_some(),
        command.publish.is_some(),
        command.presence.is_some(),
        command.presence_stats.is_some(),
        command.history.is_some(),
        command.ping.is_some(),
        command.send.is_some(),
        command.rpc.is_some(),
        command.refresh.is_some(),
        command.sub_refresh.is_some(),
    ]
    .into_iter()
    .filter(|set| *set)
    .count()
}

fn refusal(code: u32, message: impl Into<String>, temporary: bool) -> Error {
    Error {
        code,
        message: message.into(),
        temporary,
    }
}
