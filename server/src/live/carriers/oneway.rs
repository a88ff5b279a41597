//! One way: publications of channels that are named in the address, for clients that only listen.
//!
//! | address | |
//! |---|---|
//! | `GET /live/events?channels=a,b` | Server-Sent Events until somebody hangs up; `EventSource` and `curl -N` are clients |
//! | `GET /live/poll?channels=a,b&since=POSITION` | long poll: one JSON document at the first publication |
//!
//! Both take `history_ms`, how far the state they begin with should reach back; without it all that is held.
//!
//! A position is `EPOCH:OFFSET` of each channel in the order of `channels`, joined by commas; empty for one that has none.
//! It is the `id` of every event, so that a client which comes back with `Last-Event-ID` gets what it missed. This module
//! speaks the protocol for such a client: connects, subscribes, answers pings, asks anew for what was conflated.

use super::{emulated::bad_request, inlet};
use crate::live::{
    Live,
    door::{Refused, Visitor},
    session::{self, CarrierError, Outbound, Peer},
};
use bytes::Bytes;
use farol_model::{
    channel::{Channel as ChannelName, Class},
    connection::Carrier,
    wire::{
        Command, ConnectRequest, Encoding, Publication, Push, Reply, SubscribeRequest, SubscribeResult,
        codec, codes::unsubscribe, payload::SubscribeOptions,
    },
};
use futures::Sink;
use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Commands that this module has said and the session has not taken; more is a fault and ends the connection.
const COMMANDS: usize = 512;

/// What an address asks for.
#[derive(Debug, Deserialize)]
pub struct Wanted {
    #[serde(default)]
    channels: String,
    /// Where to go on.
    pub since: Option<String>,
    /// How much history the state should reach back, milliseconds; without it all that is held.
    #[serde(default)]
    history_ms: u32,
}

/// One thing that happened, as the client is told it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Happening {
    /// The channel is followed from here on. `data` is its state, when it is not what the client had before.
    Subscribed {
        channel: String,
        recovered: bool,
        /// It could have been recovered but was not.
        #[serde(skip)]
        lost: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<Value>")]
        data: Option<Box<RawValue>>,
    },
    Publication {
        channel: String,
        offset: u64,
        #[schemars(with = "Option<Value>")]
        data: Option<Box<RawValue>>,
    },
    /// The channel is gone, or cannot be had.
    Unsubscribed {
        channel: String,
        code: u32,
        message: String,
    },
    /// Nothing more comes.
    Disconnected {
        code: u32,
        message: String,
        reconnect: bool,
    },
    /// The server is there.
    Ping,
}

/// What happened, and where the client is then.
#[derive(Debug)]
pub struct Heard {
    pub happening: Happening,
    pub position: String,
}

/// The client's side of the protocol.
#[derive(Debug)]
pub struct Listener {
    followed: Vec<Followed>,
    commands: mpsc::Sender<Bytes>,
    /// Subscriptions that have not been answered.
    pub awaited: usize,
}

#[derive(Debug)]
struct Followed {
    channel: String,
    class: Class,
    epoch: String,
    offset: u64,
    /// Of the state that is sent with a subscription; 0 takes all that is held.
    history_ms: u32,
}

impl Wanted {
    /// The channels, each with the position to go on from. Refused when one is not there or may not be seen.
    fn followed(
        &self,
        live: &Live,
        visitor: &Visitor,
        since: Option<&str>,
    ) -> Result<Vec<Followed>, Refused> {
        let identity = visitor.signed_in()?;
        let names: Vec<&str> = self.channels.split(',').filter(|name| !name.is_empty()).collect();
        if names.is_empty() || names.len() > live.limits.channels {
            let most = live.limits.channels;
            return Err(bad_request(format!(
                "The parameter `channels` names 1 to {most} channels, joined by commas."
            )));
        }
        let mut positions = since.unwrap_or_default().split(',');
        let mut followed: Vec<Followed> = Vec::with_capacity(names.len());
        for name in names {
            let unknown = || {
                Refused::new(
                    StatusCode::NOT_FOUND,
                    format!("There is no channel `{name}` now."),
                )
            };
            let parsed = ChannelName::parse(name).ok_or_else(unknown)?;
            let permitted = identity.viewer.require(parsed.permission());
            permitted.map_err(|fault| Refused::new(StatusCode::FORBIDDEN, fault.message))?;
            if live.hub.channel(name).is_none() && !live.hub.may_come(&parsed) {
                return Err(unknown());
            }
            if followed.iter().any(|before| before.channel == name) {
                return Err(bad_request(format!("The channel `{name}` is named twice.")));
            }
            let position = positions.next().and_then(|position| position.rsplit_once(':'));
            let position = position.and_then(|(epoch, offset)| Some((epoch, offset.parse().ok()?)));
            let (epoch, offset) = position.unwrap_or_default();
            followed.push(Followed {
                channel: name.to_owned(),
                class: parsed.class(),
                epoch: epoch.to_owned(),
                offset,
                history_ms: self.history_ms,
            });
        }
        Ok(followed)
    }
}

impl Listener {
    /// Everything that the client would say first, and the listener of the answers.
    fn new(followed: Vec<Followed>) -> (Listener, Bytes, mpsc::Receiver<Bytes>) {
        let (commands, said) = mpsc::channel(COMMANDS);
        let connect = Command {
            id: 1,
            connect: Some(ConnectRequest::default()),
            ..Default::default()
        };
        let mut first = vec![codec::encode_command(Encoding::Json, &connect)];
        first.extend((0..followed.len()).map(|index| subscribe(&followed, index)));
        let listener = Listener {
            awaited: followed.len(),
            followed,
            commands,
        };
        (listener, codec::join(Encoding::Json, &first), said)
    }

    /// Takes what a session writes and tells what happened.
    pub fn hear(&mut self, message: &Bytes) -> Result<Vec<Heard>, CarrierError> {
        let replies = codec::decode_replies(Encoding::Json, message).map_err(|error| {
            tracing::error!(%error, "our own replies cannot be read");
            CarrierError::Broken
        })?;
        let mut heard = Vec::new();
        for reply in replies {
            self.reply(reply, &mut heard)?;
        }
        Ok(heard)
    }

    fn position(&self) -> String {
        let positions = self
            .followed
            .iter()
            .map(|followed| match followed.epoch.as_str() {
                "" => String::new(),
                epoch => format!("{epoch}:{}", followed.offset),
            });
        positions.collect::<Vec<_>>().join(",")
    }

    fn reply(&mut self, reply: Reply, heard: &mut Vec<Heard>) -> Result<(), CarrierError> {
        if reply == Reply::default() {
            self.tell(Happening::Ping, heard);
            return self.say(Bytes::from_static(b"{}"));
        }
        // Subscriptions have the ids from 2 on, in order.
        let index = (reply.id as usize)
            .checked_sub(2)
            .filter(|index| *index < self.followed.len());
        match (index, reply.error, reply.subscribe, reply.push) {
            (Some(index), Some(error), ..) => {
                self.awaited = self.awaited.saturating_sub(1);
                let ended = Happening::Unsubscribed {
                    channel: self.followed[index].channel.clone(),
                    code: error.code,
                    message: error.message,
                };
                self.tell(ended, heard);
                Ok(())
            }
            (Some(index), None, Some(result), _) => {
                self.awaited = self.awaited.saturating_sub(1);
                self.subscribed(index, result, heard);
                Ok(())
            }
            (_, _, _, Some(push)) => self.push(push, heard),
            _ => Ok(()),
        }
    }

    fn subscribed(&mut self, index: usize, result: SubscribeResult, heard: &mut Vec<Heard>) {
        let followed = &mut self.followed[index];
        if !result.recovered {
            followed.epoch = result.epoch;
            followed.offset = result.offset;
        }
        let subscribed = Happening::Subscribed {
            channel: followed.channel.clone(),
            recovered: result.recovered,
            lost: result.positioned && result.was_recovering && !result.recovered,
            data: raw(&result.data),
        };
        self.tell(subscribed, heard);
        for missed in &result.publications {
            self.published(index, missed, heard);
        }
        self.followed[index].offset = result.offset;
    }

    fn published(&mut self, index: usize, published: &Publication, heard: &mut Vec<Heard>) {
        let followed = &mut self.followed[index];
        followed.offset = published.offset;
        let publication = Happening::Publication {
            channel: followed.channel.clone(),
            offset: published.offset,
            data: raw(&published.data),
        };
        self.tell(publication, heard);
    }

    fn push(&mut self, push: Push, heard: &mut Vec<Heard>) -> Result<(), CarrierError> {
        if let Some(disconnect) = push.disconnect {
            let disconnected = Happening::Disconnected {
                code: disconnect.code,
                message: disconnect.reason,
                reconnect: disconnect.reconnect,
            };
            self.tell(disconnected, heard);
        }
        // Under JSON all who ask get numbers; this one does not ask.
        let place = |followed: &Followed| followed.channel == push.channel;
        let Some(index) = self.followed.iter().position(place) else {
            return Ok(());
        };
        if let Some(published) = &push.publication {
            self.published(index, published, heard);
        } else if let Some(ended) = push.unsubscribe {
            if ended.code == unsubscribe::INSUFFICIENT_STATE {
                return self.say(subscribe(&self.followed, index));
            }
            let ended = Happening::Unsubscribed {
                channel: push.channel,
                code: ended.code,
                message: ended.reason,
            };
            self.tell(ended, heard);
        }
        Ok(())
    }

    fn tell(&self, happening: Happening, heard: &mut Vec<Heard>) {
        heard.push(Heard {
            happening,
            position: self.position(),
        });
    }

    fn say(&self, command: Bytes) -> Result<(), CarrierError> {
        self.commands.try_send(command).map_err(|_| CarrierError::Broken)
    }
}

/// The command that follows a channel from where the client is.
fn subscribe(all: &[Followed], index: usize) -> Bytes {
    let followed = &all[index];
    let request = SubscribeRequest {
        channel: followed.channel.clone(),
        recover: !followed.epoch.is_empty(),
        epoch: followed.epoch.clone(),
        offset: followed.offset,
        data: options(followed),
        ..Default::default()
    };
    let command = Command {
        id: u32::try_from(index + 2).unwrap_or(u32::MAX),
        subscribe: Some(request),
        ..Default::default()
    };
    codec::encode_command(Encoding::Json, &command)
}

/// `data` of the subscribe command; nothing where the channel's defaults are wanted.
fn options(followed: &Followed) -> Bytes {
    match followed.history_ms {
        0 => Bytes::new(),
        history_ms => {
            let options = SubscribeOptions {
                history_ms,
                ..Default::default()
            };
            serde_json::to_vec(&options).unwrap_or_default().into()
        }
    }
}

fn raw(data: &Bytes) -> Option<Box<RawValue>> {
    serde_json::from_slice(data).ok()
}

/// Lets a listener in and starts its session. `sink` makes the writing side, which is given what it needs to listen.
pub fn listen<S>(
    live: &Live,
    visitor: Visitor,
    wanted: &Wanted,
    since: Option<&str>,
    carrier: Carrier,
    sink: impl FnOnce(Listener) -> (S, CancellationToken),
) -> Result<(), Refused>
where
    S: Sink<Outbound, Error = CarrierError> + Unpin + Send + 'static,
{
    let followed = wanted.followed(live, &visitor, since)?;
    if carrier == Carrier::LongPoll
        && let Some(table) = followed.iter().find(|followed| followed.class == Class::Table)
    {
        let message = format!(
            "The channel `{}` is a table and its changes, which single answers cannot follow. Use /live/events.",
            table.channel
        );
        return Err(bad_request(message));
    }
    let admitted = visitor.admit(live, carrier, Encoding::Json)?;
    let (listener, first, said) = Listener::new(followed);
    let (sink, gone) = sink(listener);
    let peer = Peer {
        seat: admitted.seat,
        identity: admitted.identity,
        emulated: None,
        express: None,
    };
    let incoming = inlet(first, said, gone);
    let live = live.clone();
    live.tasks.clone().spawn(async move {
        session::run(live, peer, sink, incoming).await;
    });
    Ok(())
}
